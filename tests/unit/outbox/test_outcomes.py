"""Every end of a request has one meaning."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comptoir.contracts.capabilities import SendLimits
from comptoir.contracts.channel import Failed, FailureKind, Sent
from comptoir.outbox.buckets import Bucket
from comptoir.outbox.desks import Alarms
from comptoir.outbox.outcomes import LONGEST_THROTTLE, LONGEST_WAIT, Outcome, outcome_of

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
waits = st.none() | st.floats(allow_nan=False)


def after(kind: FailureKind, *, attempt: int = 1, idempotent: bool = False, wait: float | None = None) -> Outcome:
    failed = Failed(kind=kind, code="c", message="m.", retry_after=wait)
    return outcome_of(failed, attempt=attempt, idempotent=idempotent, now=NOON, chance=0.5)


def test_taken_is_sent() -> None:
    end = outcome_of(Sent(provider_id="p"), attempt=1, idempotent=False, now=NOON, chance=0.5)
    assert end == Outcome(state="sent", due_at=NOON, provider_id="p")


@pytest.mark.parametrize("kind", [FailureKind.GONE, FailureKind.REFUSED_BY_WINDOW, FailureKind.REFUSED_CONTENT])
def test_what_repeating_cannot_mend_fails(kind: FailureKind) -> None:
    assert after(kind).state == "failed"
    assert after(kind).pause_until is None


def test_an_unknown_outcome_is_repeated_only_under_a_key_that_is_honoured() -> None:
    assert after(FailureKind.UNKNOWN_OUTCOME, idempotent=True).state == "held"
    assert after(FailureKind.UNKNOWN_OUTCOME, idempotent=False).state == "uncertain"


def test_throttling_waits_as_long_as_asked_and_pauses_the_inbox() -> None:
    throttled = after(FailureKind.THROTTLED, wait=7)
    assert throttled.pause_until == throttled.due_at == NOON + timedelta(seconds=7)
    assert after(FailureKind.THROTTLED, wait=10.0**300).due_at == NOON + LONGEST_THROTTLE
    assert after(FailureKind.THROTTLED).due_at > NOON + timedelta(seconds=10)


def test_wrong_credentials_pause_the_inbox_and_tell_its_health() -> None:
    wrong = after(FailureKind.CREDENTIALS)
    assert wrong.pause_until is not None
    assert wrong.unwell == "c: m."


def test_waiting_doubles_up_to_a_limit() -> None:
    spans = [after(FailureKind.RETRY_LATER, attempt=attempt).due_at - NOON for attempt in range(1, 30)]
    assert spans[1] == 2 * spans[0]
    assert spans == sorted(spans)
    assert spans[-1] <= LONGEST_WAIT


@given(
    kind=st.sampled_from(FailureKind),
    attempt=st.integers(-5, 40_000),
    idempotent=st.booleans(),
    wait=waits,
    chance=st.floats(0, 1, exclude_max=True),
)
def test_every_end_has_a_bounded_outcome(
    *, kind: FailureKind, attempt: int, idempotent: bool, wait: float | None, chance: float
) -> None:
    failed = Failed(kind=kind, code="c", message="m.", retry_after=wait)
    end = outcome_of(failed, attempt=attempt, idempotent=idempotent, now=NOON, chance=chance)
    assert end.state in {"held", "failed", "uncertain"}
    assert NOON <= end.due_at <= NOON + LONGEST_THROTTLE
    assert end.error_code == "c"
    if end.state == "held":
        assert end.due_at > NOON, "a retry is never at once"


class Seconds:
    """A monotonic clock by hand."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@given(st.lists(st.tuples(st.floats(0, 2), st.integers(0, 50)), max_size=60))
def test_a_bucket_never_lets_more_go_than_its_rate(steps: list[tuple[float, int]]) -> None:
    clock = Seconds()
    began = clock.now
    bucket = Bucket(SendLimits(per_second=10, burst=5), clock)
    gone = 0
    for seconds, wanted in steps:
        clock.now += seconds
        taken = min(wanted, bucket.available())
        bucket.spend(taken)
        gone += taken
        assert taken <= 5
        assert gone <= 1 + 10 * (clock.now - began) + 1e-6 * len(steps)


def test_a_bucket_says_how_long_to_wait() -> None:
    clock = Seconds()
    bucket = Bucket(SendLimits(per_second=4, burst=2), clock)
    assert bucket.available() == 1, "whoever takes an inbox over begins low"
    bucket.spend(1)
    assert bucket.wait() == pytest.approx(0.25)
    clock.now += bucket.wait()
    assert bucket.available() == 1
    clock.now += 100
    assert bucket.available() == 2


def test_the_earliest_alarm_of_an_inbox_counts() -> None:
    from comptoir.kernel.ids import uuid7

    alarms, one, two = Alarms(), uuid7(), uuid7()
    assert alarms.next() is None
    alarms.ring_at(5, one)
    alarms.ring_at(3, one)
    alarms.ring_at(9, one)
    alarms.ring_at(4, two)
    assert alarms.ring(2) == set()
    assert alarms.ring(4) == {one, two}
    assert alarms.ring(10) == set(), "later alarms of the same inbox are not rung again"
    alarms.ring_at(11, one)
    assert alarms.ring(11) == {one}
