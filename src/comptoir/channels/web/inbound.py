"""Frames of the widget, read into inbound events. Pure.

A frame is one JSON object, the same on the socket and as the body of a request (`docs/protocol.md`). Who sent it does not stand in it: the door
has verified the visitor's token and names the visitor in the header `visitor`, which is never taken from the network.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec

from comptoir.contracts.channel import (
    BadSignature,
    HookRequest,
    InboundEvent,
    InboundMessage,
    InboundReceipt,
    InboxView,
    MalformedEvent,
    Page,
    Profile,
)
from comptoir.contracts.content import Attachment, Audio, File, Image, Text, Video, check_content
from comptoir.kernel.text import read_json

VISITOR = "visitor"
_LOCALE = re.compile(r"[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{2,8}){0,3}")
_TIME_ZONE = re.compile(r"[A-Za-z0-9_+\-]{1,32}(?:/[A-Za-z0-9_+\-]{1,32}){0,2}")
_MOST_URL = 2000
_MOST_TITLE = 300

Seq = Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)]
Said = Text | Image | Video | Audio | File


class Context(msgspec.Struct, frozen=True):
    """Where the writer is. All optional; what does not look like what it should be is left out rather than refused."""

    url: str | None = None
    title: str | None = None
    referrer: str | None = None
    locale: str | None = None
    time_zone: str | None = None


class Send(msgspec.Struct, frozen=True, tag="send", forbid_unknown_fields=True):
    """A message. `client_id` is made by the browser and makes a repeated frame harmless."""

    client_id: UUID
    content: Said
    reply_to_id: UUID | None = None
    sent_at: Annotated[datetime, msgspec.Meta(tz=True)] | None = None
    context: Context | None = None


class Receipt(msgspec.Struct, frozen=True, tag="receipt", forbid_unknown_fields=True):
    """How far this browser has got and has shown what we wrote."""

    delivered_seq: Seq = 0
    read_seq: Seq = 0


def verify(inbox: InboxView, request: HookRequest) -> None:
    """Refuse a request that the door has not given a visitor. Raises BadSignature."""
    if not request.headers.get(VISITOR):
        raise BadSignature


def parse(inbox: InboxView, request: HookRequest) -> list[InboundEvent]:
    """The events of one frame: one message, or up to two receipts (delivered, read).

    Text is at most 10 000 characters; of an attachment only the id counts. Raises MalformedEvent, MessageTooLong, MessageEmpty.
    """
    frame = read_frame(request.body)
    address = request.headers[VISITOR]
    if isinstance(frame, Send):
        return [_message(frame, address)]
    return receipts(address, frame.delivered_seq, frame.read_seq)


def read_frame(body: bytes) -> Send | Receipt:
    """The frame in a body. Raises MalformedEvent with the path of what is wrong."""
    try:
        value = read_json(body)
    except ValueError:
        raise MalformedEvent(detail="not JSON") from None
    if not isinstance(value, dict):
        raise MalformedEvent(detail="not a JSON object")
    try:
        return msgspec.convert(value, Send | Receipt)
    except msgspec.ValidationError as error:
        raise MalformedEvent(field=_path(str(error)), detail=str(error)[:300]) from None


def receipts(address: str, delivered_seq: int, read_seq: int) -> list[InboundEvent]:
    """Receipts up to positions of the conversation; 0 says nothing. The key holds the position, so that a repeated receipt is one event."""
    found: list[InboundEvent] = []
    if delivered_seq > read_seq:
        found.append(
            InboundReceipt(
                address=address,
                event_key=f"delivered:{address}:{delivered_seq}",
                state="delivered",
                up_to_seq=delivered_seq,
            )
        )
    if read_seq > 0:
        found.append(
            InboundReceipt(address=address, event_key=f"read:{address}:{read_seq}", state="read", up_to_seq=read_seq)
        )
    return found


def _message(frame: Send, address: str) -> InboundMessage:
    content: Any = frame.content
    if not isinstance(content, Text):
        content = type(content)(attachment=Attachment(id=content.attachment.id), text=content.text)
    client_id = str(frame.client_id)
    return InboundMessage(
        address=address,
        # The visitor stands in the key, so that nobody can take the id of somebody else's message away.
        event_key=f"{address}:{client_id}",
        origin_id=client_id,
        content=check_content(content),
        reply_to=str(frame.reply_to_id) if frame.reply_to_id else None,
        occurred_at=frame.sent_at,
        profile=_profile(frame.context),
    )


def _profile(context: Context | None) -> Profile | None:
    if context is None:
        return None
    page = Page(url=_address(context.url), title=_short(context.title), referrer=_address(context.referrer))
    return Profile(
        locale=_matching(_LOCALE, context.locale),
        time_zone=_matching(_TIME_ZONE, context.time_zone),
        page=page if page.url else None,
    )


def _address(url: str | None) -> str | None:
    # An agent will click on it: nothing but the web's own schemes.
    return url[:_MOST_URL] if url and url.lower().startswith(("https://", "http://")) else None


def _short(title: str | None) -> str | None:
    return title.strip()[:_MOST_TITLE] or None if title else None


def _matching(pattern: re.Pattern[str], value: str | None) -> str | None:
    return value if value and pattern.fullmatch(value) else None


def _path(said: str) -> str | None:
    found = re.search(r"at `\$\.?([^`]*)`$", said)
    return found[1] or None if found else None
