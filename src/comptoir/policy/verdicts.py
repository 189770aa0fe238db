"""The verdict on a message that wants to leave: one pure function, asked when the message is composed and again when it is sent."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Literal

import msgspec

from comptoir.contracts.capabilities import WindowRule

Sender = Literal["agent", "bot", "broadcast", "system"]

# The end of all windows that would end after the last year a clock can tell.
_END_OF_TIME = datetime.max.replace(tzinfo=UTC)


class Reason(StrEnum):
    """Why a message may not leave: a closed set."""

    BLOCKED = "contact_blocked"
    INWARD_ONLY = "content_is_inward_only"
    NEVER_WROTE = "contact_never_wrote"
    WINDOW_CLOSED = "window_closed"


class Alternative(StrEnum):
    """What could be done instead, or first."""

    NOTE = "leave_a_note"
    AWAIT_CONTACT = "await_contact"
    UNBLOCK_CONTACT = "unblock_contact"


# What else may be done, per reason. Data, so that a channel's own ways out (a template, a tag) join as rows.
ALTERNATIVES: dict[Reason, tuple[Alternative, ...]] = {
    Reason.BLOCKED: (Alternative.UNBLOCK_CONTACT, Alternative.NOTE),
    Reason.INWARD_ONLY: (Alternative.NOTE,),
    Reason.NEVER_WROTE: (Alternative.AWAIT_CONTACT, Alternative.NOTE),
    Reason.WINDOW_CLOSED: (Alternative.AWAIT_CONTACT, Alternative.NOTE),
}

# Content that stands for what a channel sent and we cannot show; there is nothing in it to send.
INWARD_ONLY = frozenset({"unsupported"})


class Intent(msgspec.Struct, frozen=True, kw_only=True):
    """Who wants to send what kind of content."""

    sender: Sender
    content_type: str = "text"


class ThreadState(msgspec.Struct, frozen=True, kw_only=True):
    """What the verdict rests on, read under lock by whoever asks.

    `last_inbound_at` is the time of the contact's last message in this conversation, with a time zone.
    """

    last_inbound_at: datetime | None
    blocked: bool = False
    transport: Literal["request", "stream"] = "request"


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """May it leave, and why.

    `rule` is the code of the rule that decided. `until` is the moment at which the window ends (or, when refused for
    that, ended), None where nothing ends. `reason` and `alternatives` are empty when allowed.
    """

    allowed: bool
    rule: str
    until: datetime | None = None
    reason: Reason | None = None
    alternatives: tuple[Alternative, ...] = ()


def decide(intent: Intent, state: ThreadState, rule: WindowRule, now: datetime) -> Verdict:
    """The verdict at the moment `now` (with a time zone). Pure and total: never raises, the same arguments give the same verdict.

    A window is open up to its last moment and closed at it: whoever asks exactly `rule.hours` after the contact's message is late.
    """
    if state.blocked:
        return _refuse("blocked_contact", Reason.BLOCKED)
    if intent.content_type in INWARD_ONLY:
        return _refuse("inward_only_content", Reason.INWARD_ONLY)
    if rule.hours is None:
        return Verdict(allowed=True, rule=rule.code)
    if state.last_inbound_at is None:
        return _refuse(rule.code, Reason.NEVER_WROTE)
    until = _after(state.last_inbound_at, rule.hours)
    if now >= until:
        return _refuse(rule.code, Reason.WINDOW_CLOSED, until)
    return Verdict(allowed=True, rule=rule.code, until=until)


def _refuse(rule: str, reason: Reason, until: datetime | None = None) -> Verdict:
    return Verdict(allowed=False, rule=rule, until=until, reason=reason, alternatives=ALTERNATIVES[reason])


def _after(moment: datetime, hours: float) -> datetime:
    try:
        return moment + timedelta(hours=hours)
    except OverflowError:
        return _END_OF_TIME
