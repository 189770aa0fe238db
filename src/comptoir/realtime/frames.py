"""Frames as they travel, one JSON object each (`docs/protocol.md`). Pure; whoever pushes a frame to many encodes it once, here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from comptoir.contacts.queries import ContactBrief
from comptoir.conversations.views import ConversationView, MessageView, Quote
from comptoir.infra.journal import FactRow

_encoder = msgspec.json.Encoder()
_NO_DATA = msgspec.Raw(b"{}")

PONG = '{"type":"pong"}'
# Some clients take no frame above a megabyte; an event is at most some 100 kB.
MOST_FRAME = 256 * 1024
_EVENT_OVERHEAD = 250
MESSAGE_KINDS = frozenset({"MessageReceived", "MessageSent"})


def encode(frame: Any) -> str:
    """A frame as text."""
    return _encoder.encode(frame).decode()


class Event(msgspec.Struct, frozen=True):
    """A fact with the entities it is about, as they stand now."""

    position: int
    kind: str
    occurred_at: datetime
    conversation_id: UUID | None
    conversation: msgspec.Raw | None
    message: msgspec.Raw | None
    contact: msgspec.Raw | None
    data: msgspec.Raw


class Events(msgspec.Struct, frozen=True, tag="events"):
    """Everything up to `position`."""

    position: int
    events: Sequence[Event]


class Hello(msgspec.Struct, frozen=True, tag="hello"):
    """First of all frames to an agent."""

    position: int


class Reload(msgspec.Struct, frozen=True, tag="reload"):
    """What was asked for is too far back."""

    position: int


class Author(msgspec.Struct, frozen=True):
    """Who types; a contact is shown by the conversation, so has no name here."""

    kind: str
    id: UUID | None = None
    name: str | None = None


class Typing(msgspec.Struct, frozen=True, tag="typing"):
    """To agents: somebody types."""

    conversation_id: UUID
    author: Author
    on: bool


class Face(msgspec.Struct, frozen=True):
    """An author as visitors see one: no id."""

    kind: str
    name: str | None


class WidgetTyping(msgspec.Struct, frozen=True, tag="typing"):
    """To visitors: somebody of the team types."""

    author: Face
    on: bool


class WidgetMessage(msgspec.Struct, frozen=True):
    """A message as visitors see it. `client_id` is there on their own alone."""

    id: UUID
    client_id: str | None
    seq: int
    author: Face
    content: Any
    reply_to: Quote | None
    created_at: datetime


class WidgetConversation(msgspec.Struct, frozen=True):
    """Marks of a conversation as visitors see it."""

    id: UUID
    status: str
    last_seq: int
    agents_read_seq: int
    contact_read_seq: int


class WidgetMessages(msgspec.Struct, frozen=True, tag="messages"):
    """New or changed messages."""

    messages: Sequence[WidgetMessage]


class WidgetMarks(msgspec.Struct, frozen=True, tag="conversation"):
    """Status or read marks moved."""

    conversation: WidgetConversation


class Entities(msgspec.Struct):
    """What the facts of one page are about."""

    conversations: Mapping[UUID, ConversationView]
    messages: Mapping[UUID, MessageView]
    contacts: Mapping[UUID, ContactBrief]


def contact_of(fact: FactRow) -> UUID | None:
    """The contact that a fact names itself, as `ContactCreated` does."""
    if fact.data is None or not fact.kind.startswith("Contact"):
        return None
    return msgspec.json.decode(fact.data, type=_ContactData).contact_id


class _ContactData(msgspec.Struct):
    contact_id: UUID | None = None


def events_of(facts: Iterable[FactRow], entities: Entities) -> list[Event]:
    """One event for each fact. An entity is encoded once, however many facts are about it."""
    conversations: dict[UUID, msgspec.Raw] = {}
    messages: dict[UUID, msgspec.Raw] = {}
    contacts: dict[UUID, msgspec.Raw] = {}
    events = []
    for fact in facts:
        conversation = entities.conversations.get(fact.conversation_id) if fact.conversation_id else None
        message = entities.messages.get(fact.message_id) if fact.message_id else None
        contact_id = contact_of(fact) or (conversation.contact_id if conversation else None)
        contact = entities.contacts.get(contact_id) if contact_id else None
        events.append(
            Event(
                fact.position,
                fact.kind,
                fact.occurred_at,
                fact.conversation_id,
                _once(conversations, conversation),
                _once(messages, message),
                _once(contacts, contact),
                fact.data or _NO_DATA,
            )
        )
    return events


def events_frames(events: Sequence[Event]) -> list[str]:
    """Frames of events, each of a size that every client takes, with the position up to which it tells."""
    frames, size, begin = [], 0, 0
    for number, event in enumerate(events):
        size += _EVENT_OVERHEAD + sum(
            map(len, (event.conversation or b"", event.message or b"", event.contact or b"", event.data))
        )
        if size > MOST_FRAME or number == len(events) - 1:
            frames.append(encode(Events(event.position, events[begin : number + 1])))
            size, begin = 0, number + 1
    return frames


def _once(
    done: dict[UUID, msgspec.Raw], entity: ConversationView | MessageView | ContactBrief | None
) -> msgspec.Raw | None:
    if entity is None:
        return None
    raw = done.get(entity.id)
    if raw is None:
        raw = done[entity.id] = msgspec.Raw(_encoder.encode(entity))
    return raw


def widget_message(view: MessageView) -> WidgetMessage:
    """A message (never a note) for the visitor who has written it or to whom it was written."""
    own = view.author.kind == "contact"
    client_id = view.origin_id if own and isinstance(view.origin_id, str) else None
    face = Face(view.author.kind, None if own else view.author.name)
    return WidgetMessage(view.id, client_id, view.seq, face, view.content, view.reply_to, view.created_at)


def widget_conversation(view: ConversationView) -> WidgetConversation:
    """The marks of a conversation."""
    return WidgetConversation(view.id, view.status, view.last_seq, view.agents_read_seq, view.contact_read_seq)


def widget_frames(facts: Iterable[FactRow], entities: Entities) -> dict[UUID, list[str]]:
    """Frames for visitors by conversation: its new messages without notes, then its marks as they stand."""
    messages: dict[UUID, dict[UUID, MessageView]] = {}
    for fact in facts:
        if fact.conversation_id is None:
            continue
        fresh = messages.setdefault(fact.conversation_id, {})
        view = entities.messages.get(fact.message_id) if fact.message_id and fact.kind in MESSAGE_KINDS else None
        if view is not None and view.kind == "message":
            fresh[view.id] = view
    found: dict[UUID, list[str]] = {}
    for conversation_id, views in messages.items():
        conversation = entities.conversations.get(conversation_id)
        if conversation is None:
            continue
        frames = found[conversation_id] = []
        if views:
            frames.append(encode(WidgetMessages([widget_message(view) for view in sorted(views.values(), key=_seq)])))
        frames.append(encode(WidgetMarks(widget_conversation(conversation))))
    return found


def _seq(view: MessageView) -> int:
    return view.seq
