"""What comes in from Loopback: its handshake, its signature, its events. Pure functions over bytes; the door and the lanes do the rest.

One webhook holds several events:

    {"events": [{"id": "ev_1", "type": "message", "contact": "alice", "at": "2026-03-01T12:00:00Z",
                 "name": "Alice Martin", "message": {"id": "lm_1", "type": "text", "text": "Bonjour"}}]}
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec

from comptoir.contracts.channel import (
    BadSignature,
    HookAnswer,
    HookRequest,
    InboundEcho,
    InboundEvent,
    InboundMessage,
    InboundReceipt,
    InboxView,
    MalformedEvent,
    Profile,
)
from comptoir.contracts.content import TEXT_LIMIT, Content, Text, Unsupported
from comptoir.kernel.text import read_json

SIGNATURE = "x-loopback-signature"

Id = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Moment = Annotated[datetime, msgspec.Meta(tz=True)]


class Said(msgspec.Struct, frozen=True):
    """The message in an event. Types other than `text` exist at Loopback; this version shows that there was one."""

    id: Id
    type: str
    text: str = ""
    reply_to: Id | None = None


class Event(msgspec.Struct, frozen=True):
    """The fields that all events share, and those of each type."""

    id: Id
    type: str
    contact: Id
    at: Moment | None = None
    name: str | None = None
    locale: str | None = None
    message: Said | None = None
    message_ids: tuple[Id, ...] = ()
    delivery_id: UUID | None = None


def handshake(inbox: InboxView, request: HookRequest) -> HookAnswer | None:
    """Answer the call by which Loopback checks a new webhook address: GET with `challenge` and `verify_token`.

    Gives None when the request is none, so that the door goes on to `verify`. Raises BadSignature when the token is not the inbox's.
    """
    if request.method != "GET":
        return None
    if not _same(request.query.get("verify_token", ""), inbox.credentials.get("verify_token", "")):
        raise BadSignature
    return HookAnswer(body=request.query.get("challenge", "").encode("utf-8", "replace"))


def verify(inbox: InboxView, request: HookRequest) -> None:
    """Raise BadSignature unless the bytes of the body were signed with the inbox's secret: `x-loopback-signature: sha256=HEX`."""
    secret = inbox.credentials.get("secret", "")
    signature = "sha256=" + hmac.digest(secret.encode(), request.body, "sha256").hex()
    if not secret or not _same(request.headers.get(SIGNATURE, ""), signature):
        raise BadSignature


def parse(inbox: InboxView, request: HookRequest) -> list[InboundEvent]:
    """Read every event of a verified body, in its order.

    An event that this version does not know, or whose fields are not as expected, becomes a visible placeholder: it is
    never dropped, and it never holds back its neighbours. Raises MalformedEvent only when the body as a whole is not
    Loopback's.
    """
    try:
        body = read_json(request.body)
    except ValueError as error:
        raise MalformedEvent(detail=str(error)) from None
    entries = body.get("events") if isinstance(body, dict) else None
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise MalformedEvent(field="events", detail="`events` must be a list of objects")
    return [event for entry in entries for event in _read(entry)]


def _read(entry: dict[str, Any]) -> list[InboundEvent]:
    try:
        event = msgspec.convert(entry, Event)
        return _READERS[event.type](event)
    except (msgspec.ValidationError, LookupError):
        return [_placeholder(entry)]


def _message(event: Event) -> list[InboundEvent]:
    said = event.message
    if said is None:
        raise LookupError("message")
    contents = _contents(said)
    return [
        InboundMessage(
            address=event.contact,
            # The parts of a long text are events of their own: each is stored once, however often the webhook comes.
            event_key=event.id if part == 0 else f"{event.id}#{part}",
            content=content,
            origin_id=said.id,
            reply_to=said.reply_to,
            occurred_at=event.at,
            profile=Profile(name=event.name, locale=event.locale),
        )
        for part, content in enumerate(contents)
    ]


def _contents(said: Said) -> list[Content]:
    if said.type != "text" or not said.text.strip():
        return [Unsupported(summary=f"Loopback: {said.type}")]
    return [Text(text=said.text[start : start + TEXT_LIMIT]) for start in range(0, len(said.text), TEXT_LIMIT)]


def _receipt(event: Event) -> list[InboundEvent]:
    state: Literal["delivered", "read"] = "read" if event.type == "read" else "delivered"
    return [InboundReceipt(address=event.contact, event_key=event.id, state=state, provider_ids=event.message_ids)]


def _echo(event: Event) -> list[InboundEvent]:
    return [
        InboundEcho(
            address=event.contact,
            event_key=event.id,
            provider_id=event.message_ids[0],
            delivery_id=event.delivery_id,
        )
    ]


# One reader for each type of event; a new type is one function and one line.
_READERS: dict[str, Callable[[Event], list[InboundEvent]]] = {
    "message": _message,
    "delivered": _receipt,
    "read": _receipt,
    "echo": _echo,
}


def _placeholder(entry: dict[str, Any]) -> InboundMessage:
    """What cannot be read is kept under its own id, from its own contact, as far as it names them."""
    event_key, contact = entry.get("id"), entry.get("contact")
    digest = hashlib.sha256(msgspec.json.encode(entry, order="deterministic")).hexdigest()
    return InboundMessage(
        address=contact[:200] if isinstance(contact, str) and contact else "loopback",
        event_key=event_key if isinstance(event_key, str) and event_key else digest,
        content=Unsupported(summary=f"Loopback: {str(entry.get('type') or 'event')[:60]}"),
    )


def _same(given: str, expected: str) -> bool:
    # Comparing in constant time; an empty expectation matches nothing.
    return bool(expected) and hmac.compare_digest(given.encode("utf-8", "replace"), expected.encode())
