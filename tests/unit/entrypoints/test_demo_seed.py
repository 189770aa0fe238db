"""The past of the two businesses: always the same, plausible, and never in the future."""

from __future__ import annotations

import re
from collections import Counter
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from comptoir.entrypoints.demo_seed.generator import DAYS, histories
from comptoir.entrypoints.demo_seed.scripts import Business
from comptoir.entrypoints.demo_seed.seed import BUSINESSES

NOW = datetime(2026, 11, 22, 10, 30, tzinfo=UTC)


@pytest.fixture(params=BUSINESSES, ids=[business.slug for business in BUSINESSES])
def business(request: pytest.FixtureRequest) -> Business:
    chosen: Business = request.param
    return chosen


def test_the_same_day_gives_the_same_past(business: Business) -> None:
    assert msgspec.json.encode(histories(business, NOW)) == msgspec.json.encode(histories(business, NOW))


def test_some_months_of_it_in_both_languages(business: Business) -> None:
    past = histories(business, NOW)
    messages = [line for history in past for line in history.messages]
    assert len(past) == 350
    assert 2500 <= len(messages) <= 4500
    assert any(line.note for line in messages)
    languages = Counter(history.locale for history in past)
    assert min(languages["fr"], languages["en"]) > 60
    assert len({history.address for history in past}) == len(past)


@pytest.mark.parametrize(
    "now", [NOW, datetime(2026, 3, 1, 0, 1, tzinfo=UTC), datetime(2028, 2, 29, 23, 59, tzinfo=UTC)]
)
def test_nothing_is_said_in_the_future_or_out_of_order(business: Business, now: datetime) -> None:
    for history in histories(business, now):
        times = [line.at for line in history.messages]
        assert times == sorted(times)
        assert now - timedelta(days=DAYS + 2) < times[0]
        assert times[-1] <= now


def test_a_handful_is_open_and_some_wait(business: Business) -> None:
    opened = [history for history in histories(business, NOW) if history.status == "open"]
    waiting = [history for history in opened if history.messages[-1].agent is None]
    assert 8 <= len(opened) <= 16
    assert 5 <= len(waiting) < len(opened)
    assert any(not history.readers for history in waiting)


def test_no_slot_is_left_and_french_is_set_as_french(business: Business) -> None:
    for history in histories(business, NOW):
        for line in history.messages:
            assert line.text.strip() == line.text != ""
            assert not re.search(r"[{}]|\|\|", line.text), line.text
            if history.locale == "fr":
                assert not re.search(r"\w [:;!?»]|« \w", line.text), line.text
