"""What a request's end means for its delivery: a table over the closed set of failures. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from comptoir.contracts.channel import Failed, FailureKind, Sent
from comptoir.conversations.sending import NextState

FIRST_WAIT = timedelta(seconds=1)
LONGEST_WAIT = timedelta(minutes=5)
# A provider that throttles without saying for how long.
THROTTLE_WAIT = timedelta(seconds=15)
LONGEST_THROTTLE = timedelta(hours=1)
# Wrong credentials are tried again at times, in case the provider mended them; a change of the inbox's settings tries at once.
CREDENTIALS_WAIT = timedelta(minutes=15)
# So long an uncertain delivery holds those behind it: echoes come within seconds.
UNCERTAIN_HOLD = timedelta(seconds=20)


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """The delivery's next state. `pause_until` stops the whole inbox; `unwell` goes to its health."""

    state: NextState
    due_at: datetime
    error_code: str | None = None
    error_message: str | None = None
    provider_id: str | None = None
    pause_until: datetime | None = None
    unwell: str | None = None


def outcome_of(end: Sent | Failed, *, attempt: int, idempotent: bool, now: datetime, chance: float) -> Outcome:
    """The outcome of attempt number `attempt` (from 1). `chance` in [0, 1) spreads the next attempts of many (jitter)."""
    if isinstance(end, Sent):
        return Outcome(state="sent", due_at=now, provider_id=end.provider_id)
    match end.kind:
        case FailureKind.RETRY_LATER:
            return _held(end, now + max(_back_off(attempt, chance), _asked(end, LONGEST_WAIT)))
        case FailureKind.THROTTLED:
            until = now + (_asked(end, LONGEST_THROTTLE) or max(THROTTLE_WAIT, _back_off(attempt, chance)))
            return _held(end, until, pause_until=until)
        case FailureKind.CREDENTIALS:
            until = now + CREDENTIALS_WAIT
            return _held(end, until, pause_until=until, unwell=f"{end.code}: {end.message}")
        case FailureKind.UNKNOWN_OUTCOME if idempotent:
            return _held(end, now + _back_off(attempt, chance))
        case FailureKind.UNKNOWN_OUTCOME:
            return _ended(end, "uncertain", now + UNCERTAIN_HOLD)
        case FailureKind.GONE | FailureKind.REFUSED_BY_WINDOW | FailureKind.REFUSED_CONTENT:
            return _ended(end, "failed", now)


def _held(end: Failed, until: datetime, *, pause_until: datetime | None = None, unwell: str | None = None) -> Outcome:
    return Outcome(
        state="held",
        due_at=until,
        error_code=end.code,
        error_message=end.message,
        pause_until=pause_until,
        unwell=unwell,
    )


def _ended(end: Failed, state: NextState, due_at: datetime) -> Outcome:
    return Outcome(state=state, due_at=due_at, error_code=end.code, error_message=end.message)


def _back_off(attempt: int, chance: float) -> timedelta:
    # Doubling, between half and all of the step: a herd that failed together comes back spread out.
    step = min(FIRST_WAIT * (1 << min(max(attempt - 1, 0), 20)), LONGEST_WAIT)
    return step * (0.5 + chance / 2)


def _asked(end: Failed, most: timedelta) -> timedelta:
    seconds = end.retry_after or 0.0
    return min(timedelta(seconds=min(max(seconds, 0.0), 1e6)), most)
