"""Nothing leaves outside the rules."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comptoir.contracts.capabilities import WindowRule
from comptoir.kernel.errors import LOCALES
from comptoir.policy.errors import NotAllowedNow, require
from comptoir.policy.verdicts import ALTERNATIVES, Alternative, Intent, Reason, Sender, ThreadState, Verdict, decide

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY = WindowRule(code="day", hours=24)
ENDLESS = WindowRule(code="no_window")
REPLY = Intent(sender="agent")

moments = st.datetimes(timezones=st.just(UTC))
rules = st.builds(WindowRule, code=st.just("any"), hours=st.none() | st.floats(0, 1e12, allow_nan=False))
intents = st.builds(
    Intent, sender=st.sampled_from(get_args(Sender)), content_type=st.sampled_from(["text", "image", "unsupported"])
)
states = st.builds(
    ThreadState,
    last_inbound_at=st.none() | moments,
    blocked=st.booleans(),
    transport=st.sampled_from(["request", "stream"]),
)


def asked(after: timedelta | None, rule: WindowRule = DAY, *, blocked: bool = False) -> Verdict:
    last = None if after is None else NOON - after
    return decide(REPLY, ThreadState(last_inbound_at=last, blocked=blocked), rule, NOON)


def test_an_answer_within_the_window_is_allowed_until_the_window_ends() -> None:
    verdict = asked(timedelta(hours=23))
    assert verdict == Verdict(allowed=True, rule="day", until=NOON + timedelta(hours=1))


@pytest.mark.parametrize(("seconds", "allowed"), [(86_399, True), (86_400, False), (86_401, False)])
def test_the_window_is_closed_at_its_last_moment(seconds: int, *, allowed: bool) -> None:
    assert asked(timedelta(seconds=seconds)).allowed is allowed


def test_a_closed_window_tells_when_it_closed_and_what_remains() -> None:
    verdict = asked(timedelta(days=3))
    assert verdict.reason is Reason.WINDOW_CLOSED
    assert verdict.until == NOON - timedelta(days=2)
    assert Alternative.AWAIT_CONTACT in verdict.alternatives


def test_nobody_is_written_to_first_where_there_is_a_window() -> None:
    assert asked(None).reason is Reason.NEVER_WROTE


def test_without_a_window_one_may_write_first() -> None:
    assert asked(None, ENDLESS) == Verdict(allowed=True, rule="no_window")


def test_what_we_could_not_read_is_never_sent_on() -> None:
    intent = Intent(sender="agent", content_type="unsupported")
    assert decide(intent, ThreadState(last_inbound_at=NOON), ENDLESS, NOON).reason is Reason.INWARD_ONLY


def test_a_refused_verdict_becomes_a_sentence_in_both_languages() -> None:
    with pytest.raises(NotAllowedNow) as refused:
        require(asked(timedelta(days=3)))
    assert refused.value.body("fr")["error"]["code"] == "not_allowed_by_channel"
    assert "délai de réponse" in refused.value.sentence("fr")
    assert "the contact has written" in refused.value.sentence("en")


def test_each_reason_has_its_own_sentence_in_each_language_and_a_way_out() -> None:
    for locale in LOCALES:
        told = {NotAllowedNow(Verdict(allowed=False, rule="r", reason=reason)).sentence(locale) for reason in Reason}
        assert len(told) == len(Reason)
    assert all(ALTERNATIVES[reason] for reason in Reason)


@given(intents, states, rules, moments)
def test_decide_is_total_and_its_verdict_is_whole(
    intent: Intent, state: ThreadState, rule: WindowRule, now: datetime
) -> None:
    verdict = decide(intent, state, rule, now)
    assert verdict == decide(intent, state, rule, now)
    assert verdict.rule
    assert verdict.allowed == (verdict.reason is None)
    assert verdict.allowed != bool(verdict.alternatives)


@given(intents, states, rules, moments)
def test_no_verdict_allows_beyond_the_window(
    intent: Intent, state: ThreadState, rule: WindowRule, now: datetime
) -> None:
    verdict = decide(intent, state, rule, now)
    if verdict.allowed and rule.hours is not None:
        assert state.last_inbound_at is not None
        assert (now - state.last_inbound_at) / timedelta(hours=1) < rule.hours + 1e-9
        assert verdict.until is not None
        assert now < verdict.until


@given(intents, states, rules, moments)
def test_a_blocked_contact_is_never_written_to(
    intent: Intent, state: ThreadState, rule: WindowRule, now: datetime
) -> None:
    blocked = ThreadState(last_inbound_at=state.last_inbound_at, blocked=True, transport=state.transport)
    assert decide(intent, blocked, rule, now).reason is Reason.BLOCKED


@given(states, rules, moments, st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=400)))
def test_what_is_refused_does_not_become_allowed_by_waiting(
    state: ThreadState, rule: WindowRule, now: datetime, later: timedelta
) -> None:
    if now > datetime.max.replace(tzinfo=UTC) - later:
        return
    if not decide(REPLY, state, rule, now).allowed:
        assert not decide(REPLY, state, rule, now + later).allowed
