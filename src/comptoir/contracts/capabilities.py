"""What a channel can carry, as data."""

from __future__ import annotations

import msgspec


class Capabilities(msgspec.Struct, frozen=True, kw_only=True):
    """Limits and abilities of a channel. Lengths count characters, sizes bytes."""

    text_limit: int = 10_000
    content_types: frozenset[str] = frozenset({"text"})
    attachment_limit: int = 25 * 1024 * 1024
    reply_to: bool = False
    typing: bool = False
    delivered_receipts: bool = False
    read_receipts: bool = False


class WindowRule(msgspec.Struct, frozen=True, kw_only=True):
    """For how long a channel lets the business write freely after the contact's last message. `hours=None`: without end."""

    code: str
    hours: float | None = None


class SendLimits(msgspec.Struct, frozen=True, kw_only=True):
    """The token bucket of one inbox, and how many requests may be under way at once."""

    per_second: float = 50.0
    burst: int = 50
    at_once: int = 8
