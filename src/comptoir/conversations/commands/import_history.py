"""Bring in conversations that were held elsewhere or before: whole, in a few statements, without facts, for they are history and not news."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import groupby
from typing import Any, Literal
from uuid import UUID

import msgspec

from comptoir.contacts.commands import NewContact, import_contacts, point_identities
from comptoir.contracts.content import Content
from comptoir.conversations.counters import Tally
from comptoir.conversations.search import index_messages
from comptoir.conversations.views import PRIORITIES, last_message
from comptoir.infra.database import Transaction
from comptoir.kernel.ids import lane_of, thread_key, uuid7


class PastMessage(msgspec.Struct, kw_only=True):
    """A message or note of the past. `author_id` is an agent's id; a contact's is filled in."""

    created_at: datetime
    author_kind: Literal["contact", "agent", "bot", "system"]
    content: Content
    kind: Literal["message", "note"] = "message"
    author_id: UUID | None = None


class PastConversation(msgspec.Struct, kw_only=True):
    """A conversation of the past: its contact, its messages in order, and where it stands today. `read_by` have read all of it."""

    contact: NewContact
    messages: list[PastMessage]
    status: Literal["open", "closed"] = "closed"
    assignee_id: UUID | None = None
    priority: str = "none"
    label_ids: list[UUID] = []
    read_by: list[UUID] = []
    id: UUID = msgspec.field(default_factory=uuid7)


async def import_history(
    tx: Transaction, workspace_id: UUID, channel: str, histories: Sequence[PastConversation]
) -> None:
    """Write contacts, conversations, messages and read marks. The messages' times must not go backwards within a conversation.

    They are findable as soon as the transaction commits.
    """
    await import_contacts(tx, workspace_id, [history.contact for history in histories])
    await _insert_conversations(tx, workspace_id, channel, histories)
    await point_identities(tx, workspace_id, [(history.contact.identity_id, history.id) for history in histories])
    await index_messages(tx, workspace_id, await _insert_messages(tx, workspace_id, histories))
    await _insert_reads(tx, workspace_id, histories)
    tally = Tally.of(tx)
    keyed = sorted(((h.status, h.assignee_id) for h in histories), key=str)
    for (status, assignee_id), group in groupby(keyed):
        tally.add(workspace_id, status, assignee_id, len(list(group)))


def _conversation_row(workspace_id: UUID, channel: str, history: PastConversation) -> dict[str, Any]:
    contact, messages = history.contact, history.messages
    said = [(seq, message) for seq, message in enumerate(messages, 1) if message.kind == "message"]
    seq, last = said[-1]
    inbound = [message for _, message in said if message.author_kind == "contact"]
    waiting = None
    for _, message in said:
        waiting = (waiting or message.created_at) if message.author_kind == "contact" else None
    author_id = contact.id if last.author_kind == "contact" else last.author_id
    key = thread_key(contact.inbox_id, contact.address)
    return {
        "workspace_id": workspace_id,
        "id": history.id,
        "contact_id": contact.id,
        "inbox_id": contact.inbox_id,
        "channel": channel,
        "identity_id": contact.identity_id,
        "thread_key": key,
        "lane": lane_of(key),
        "status": history.status,
        "priority": PRIORITIES.index(history.priority),
        "assignee_id": history.assignee_id,
        "locale": contact.locale,
        "last_seq": len(messages),
        "inbound_count": len(inbound),
        "last_message": last_message(seq, "message", last.author_kind, author_id, last.content),
        "last_inbound_at": inbound[-1].created_at if inbound else None,
        "waiting_since": waiting if history.status == "open" else None,
        "contact_read_seq": len(messages) if history.status == "closed" else 0,
        "agents_read_seq": len(messages) if history.read_by else 0,
        "created_at": messages[0].created_at,
        "last_activity_at": last.created_at,
        "closed_at": last.created_at if history.status == "closed" else None,
    }


_TYPES = {
    "workspace_id": "uuid",
    "id": "uuid",
    "contact_id": "uuid",
    "inbox_id": "uuid",
    "channel": "text",
    "identity_id": "uuid",
    "thread_key": "uuid",
    "lane": "smallint",
    "status": "text",
    "priority": "smallint",
    "assignee_id": "uuid",
    "locale": "text",
    "last_seq": "int",
    "inbound_count": "int",
    "last_message": "jsonb",
    "last_inbound_at": "timestamptz",
    "waiting_since": "timestamptz",
    "contact_read_seq": "int",
    "agents_read_seq": "int",
    "created_at": "timestamptz",
    "last_activity_at": "timestamptz",
    "closed_at": "timestamptz",
}


async def _insert_conversations(
    tx: Transaction, workspace_id: UUID, channel: str, histories: Sequence[PastConversation]
) -> None:
    rows = [_conversation_row(workspace_id, channel, history) for history in histories]
    arrays = ", ".join(f"${number}::{kind}[]" for number, kind in enumerate(_TYPES.values(), 1))
    await tx.run(
        # composed: of the table of columns above
        f"INSERT INTO conversation ({', '.join(_TYPES)}) SELECT * FROM unnest({arrays})",
        *[[row[name] for row in rows] for name in _TYPES],
    )
    worn = [(history.id, label_id) for history in histories for label_id in history.label_ids]
    # Arrays of arrays must be rectangular in PostgreSQL, so labels come as pairs.
    await tx.run(
        "UPDATE conversation SET label_ids = w.label_ids FROM"
        " (SELECT id, array_agg(label_id ORDER BY nth) AS label_ids"
        "    FROM unnest($2::uuid[], $3::uuid[]) WITH ORDINALITY AS p (id, label_id, nth) GROUP BY id) w"
        " WHERE conversation.workspace_id = $1 AND conversation.id = w.id",
        workspace_id,
        [conversation_id for conversation_id, _ in worn],
        [label_id for _, label_id in worn],
    )


async def _insert_messages(tx: Transaction, workspace_id: UUID, histories: Sequence[PastConversation]) -> list[UUID]:
    rows = [
        (
            uuid7(int(message.created_at.timestamp() * 1000)),
            history.id,
            seq,
            history.contact.inbox_id,
            message.kind,
            message.author_kind,
            history.contact.id if message.author_kind == "contact" else message.author_id,
            message.content,
            message.created_at,
        )
        for history in histories
        for seq, message in enumerate(history.messages, 1)
    ]
    await tx.run(
        "INSERT INTO message (workspace_id, id, conversation_id, seq, inbox_id, kind, author_kind, author_id, content, created_at)"
        " SELECT $1, * FROM unnest($2::uuid[], $3::uuid[], $4::int[], $5::uuid[], $6::text[], $7::text[], $8::uuid[], $9::jsonb[],"
        " $10::timestamptz[])",
        workspace_id,
        *[list(column) for column in zip(*rows, strict=True)],
    )
    return [row[0] for row in rows]


async def _insert_reads(tx: Transaction, workspace_id: UUID, histories: Sequence[PastConversation]) -> None:
    rows = [
        (agent_id, history.id, len(history.messages), sum(1 for m in history.messages if m.author_kind == "contact"))
        for history in histories
        for agent_id in history.read_by
    ]
    if rows:
        await tx.run(
            "INSERT INTO conversation_read (workspace_id, agent_id, conversation_id, read_seq, read_count)"
            " SELECT $1, * FROM unnest($2::uuid[], $3::uuid[], $4::int[], $5::int[])",
            workspace_id,
            *[list(column) for column in zip(*rows, strict=True)],
        )
