"""How conversations and messages are shown to agents: the shapes of `docs/protocol.md`, built set-based.

The realtime hub, the API and the search all show through here, so that a row is the same wherever it is seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from comptoir.contracts.content import Content, content_type, preview_of
from comptoir.conversations.attachments import MediaLinks, decorate
from comptoir.infra.database import Record, Transaction

PRIORITIES = ("none", "low", "normal", "high", "urgent")


class LastMessage(msgspec.Struct, frozen=True):
    """What the list shows of the newest message; notes are not in it."""

    seq: int
    kind: str
    author_kind: str
    author_id: UUID | None
    content_type: str
    preview: str


class ConversationView(msgspec.Struct, frozen=True, omit_defaults=False):
    """A row of the inbox list. `thread_key` is for the hub and is not shown; the read marks are an agent's own."""

    id: UUID
    contact_id: UUID
    inbox_id: UUID
    channel: str
    status: str
    priority: str
    assignee_id: UUID | None
    label_ids: list[UUID]
    last_seq: int
    inbound_count: int
    last_message: LastMessage | None
    waiting_since: datetime | None
    last_activity_at: datetime
    created_at: datetime
    closed_at: datetime | None
    contact_delivered_seq: int
    contact_read_seq: int
    agents_read_seq: int
    version: int
    my_read_count: int | msgspec.UnsetType = msgspec.UNSET
    my_read_seq: int | msgspec.UnsetType = msgspec.UNSET


class Author(msgspec.Struct, frozen=True):
    """Who wrote. A contact's name is the contact's own and stands in the contact."""

    kind: str
    id: UUID | None
    name: str | None = None


class Quote(msgspec.Struct, frozen=True):
    """What a reply answers."""

    id: UUID
    seq: int
    author_kind: str
    preview: str


class DeliveryState(msgspec.Struct, frozen=True):
    """Where an outbound message stands; `error` is `{code, message}` or null."""

    state: str
    error: dict[str, str | None] | None = None


class MessageView(msgspec.Struct, frozen=True):
    """A message or a note."""

    id: UUID
    conversation_id: UUID
    inbox_id: UUID
    seq: int
    kind: str
    author: Author
    content: Content
    reply_to: Quote | None
    created_at: datetime
    delivery: DeliveryState | None
    origin_id: str | msgspec.UnsetType | None = msgspec.UNSET


CONVERSATION_COLUMNS = (
    "c.id, c.contact_id, c.inbox_id, c.channel, c.status, c.priority, c.assignee_id, c.label_ids, c.last_seq, c.inbound_count, c.last_message,"
    " c.waiting_since, c.last_activity_at, c.created_at, c.closed_at, c.contact_delivered_seq, c.contact_read_seq, c.agents_read_seq, c.version"
)
MESSAGE_COLUMNS = (
    "m.id, m.conversation_id, m.inbox_id, m.seq, m.kind, m.author_kind, m.author_id, a.name AS author_name, m.content, m.created_at, m.origin_id,"
    " r.id AS reply_id, r.seq AS reply_seq, r.author_kind AS reply_author_kind, r.content AS reply_content,"
    " d.state, d.error_code, d.error_message"
)
MESSAGE_JOINS = (
    " LEFT JOIN agent_name a ON a.workspace_id = m.workspace_id AND a.id = m.author_id AND m.author_kind = 'agent'"
    # Few messages answer one: for the others nothing is looked up.
    " LEFT JOIN LATERAL (SELECT id, seq, author_kind, content FROM message WHERE m.reply_to_id IS NOT NULL"
    "   AND message.workspace_id = m.workspace_id AND message.id = m.reply_to_id LIMIT 1) r ON true"
    " LEFT JOIN LATERAL (SELECT state, error_code, error_message FROM delivery"
    "   WHERE delivery.workspace_id = m.workspace_id AND delivery.message_id = m.id"
    "   ORDER BY delivery.created_at DESC LIMIT 1) d ON m.author_kind <> 'contact' AND m.kind = 'message'"
)
_decode_content = msgspec.json.Decoder(Content).decode


def conversation_view(row: Record, *, mine: bool) -> ConversationView:
    """A view of a row of `CONVERSATION_COLUMNS`, followed by read_count and read_seq when `mine`."""
    values = list(row)
    values[5] = PRIORITIES[values[5]]
    if mine:
        values[-2:] = [values[-2] or 0, values[-1] or 0]
    return ConversationView(*values)


def message_view(row: Record, workspace_id: UUID, media: MediaLinks) -> MessageView:
    """A view of a row of `MESSAGE_COLUMNS`. Text is passed on as it stands in the database, never decoded."""
    content: Any = row["content"]
    if b'"attachment"' in bytes(content):
        content = decorate(_decode_content(content), workspace_id, media)
    quote = None
    if row["reply_id"] is not None:
        quote = Quote(
            row["reply_id"],
            row["reply_seq"],
            row["reply_author_kind"],
            preview_of(_decode_content(row["reply_content"])),
        )
    delivery = None
    if row["state"] is not None:
        error = {"code": row["error_code"], "message": row["error_message"]} if row["error_code"] else None
        delivery = DeliveryState(row["state"], error)
    return MessageView(
        id=row["id"],
        conversation_id=row["conversation_id"],
        inbox_id=row["inbox_id"],
        seq=row["seq"],
        kind=row["kind"],
        author=Author(row["author_kind"], row["author_id"], row["author_name"]),
        content=content,
        reply_to=quote,
        created_at=row["created_at"],
        delivery=delivery,
        origin_id=row["origin_id"] if row["author_kind"] == "contact" else msgspec.UNSET,
    )


def last_message(seq: int, kind: str, author_kind: str, author_id: UUID | None, content: Content) -> dict[str, Any]:
    """What the list shows of the newest message."""
    return {
        "seq": seq,
        "kind": kind,
        "author_kind": author_kind,
        "author_id": author_id,
        "content_type": content_type(content),
        "preview": preview_of(content),
    }


async def conversation_views(
    tx: Transaction, workspace_id: UUID, ids: Sequence[UUID], agent_id: UUID | None = None
) -> dict[UUID, ConversationView]:
    """Conversations by id. With an agent, each carries that agent's read marks; without, none."""
    if agent_id is None:
        rows = await tx.fetch(
            f"SELECT {CONVERSATION_COLUMNS} FROM conversation c WHERE c.workspace_id = $1 AND c.id = ANY($2::uuid[])",
            workspace_id,
            list(set(ids)),
        )
        return {row["id"]: conversation_view(row, mine=False) for row in rows}
    rows = await tx.fetch(
        f"SELECT {CONVERSATION_COLUMNS}, q.read_count, q.read_seq FROM conversation c"
        "  LEFT JOIN conversation_read q ON q.workspace_id = c.workspace_id AND q.agent_id = $3 AND q.conversation_id = c.id"
        " WHERE c.workspace_id = $1 AND c.id = ANY($2::uuid[])",
        workspace_id,
        list(set(ids)),
        agent_id,
    )
    return {row["id"]: conversation_view(row, mine=True) for row in rows}


async def thread_keys(tx: Transaction, workspace_id: UUID, ids: Sequence[UUID]) -> dict[UUID, UUID]:
    """The thread key of each conversation: how the hub finds the contact's own sockets."""
    rows = await tx.fetch(
        "SELECT id, thread_key FROM conversation WHERE workspace_id = $1 AND id = ANY($2::uuid[])",
        workspace_id,
        list(set(ids)),
    )
    return {row["id"]: row["thread_key"] for row in rows}


async def message_views(
    tx: Transaction, workspace_id: UUID, ids: Sequence[UUID], media: MediaLinks
) -> dict[UUID, MessageView]:
    """Messages and notes by id."""
    rows = await tx.fetch(
        f"SELECT {MESSAGE_COLUMNS} FROM message m {MESSAGE_JOINS} WHERE m.workspace_id = $1 AND m.id = ANY($2::uuid[])",
        workspace_id,
        list(set(ids)),
    )
    return {row["id"]: message_view(row, workspace_id, media) for row in rows}
