"""The set-based statements behind the room's part in the lanes."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from comptoir.contracts.content import Content
from comptoir.infra.database import Transaction

_LOAD = """
SELECT c.workspace_id, c.id, c.contact_id, c.inbox_id, c.channel, c.identity_id, c.thread_key, c.lane, c.locale,
       c.last_activity_at, c.status, c.closed_at, c.assignee_id, c.last_seq, c.inbound_count, c.last_message, c.last_inbound_at, c.waiting_since,
       c.contact_delivered_seq, c.contact_read_seq
  FROM conversation c
 WHERE (c.workspace_id, c.id) IN (SELECT * FROM unnest($1::uuid[], $2::uuid[]))
 ORDER BY c.id FOR UPDATE
"""
_INSERT = """
INSERT INTO conversation (workspace_id, id, contact_id, inbox_id, channel, identity_id, thread_key, lane, locale, last_seq, inbound_count,
                          last_message, last_inbound_at, last_activity_at, waiting_since, created_at)
SELECT *, $16 FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::text[], $6::uuid[], $7::uuid[], $8::smallint[],
                          $9::text[], $10::int[], $11::int[], $12::jsonb[], $13::timestamptz[], $14::timestamptz[], $15::timestamptz[])
"""
_UPDATE = """
UPDATE conversation c
   SET last_seq = n.last_seq, inbound_count = n.inbound_count, last_message = n.last_message, last_inbound_at = n.last_inbound_at,
       last_activity_at = n.last_activity_at, waiting_since = n.waiting_since, status = n.status, closed_at = n.closed_at, version = c.version + 1
  FROM unnest($1::uuid[], $2::uuid[], $3::int[], $4::int[], $5::jsonb[], $6::timestamptz[], $7::timestamptz[], $8::timestamptz[],
              $9::text[], $10::timestamptz[])
       AS n (workspace_id, id, last_seq, inbound_count, last_message, last_inbound_at, last_activity_at, waiting_since, status, closed_at)
 WHERE c.workspace_id = n.workspace_id AND c.id = n.id
"""
_INSERT_MESSAGES = """
INSERT INTO message (workspace_id, id, conversation_id, seq, inbox_id, kind, author_kind, author_id, content,
                     reply_to_id, origin_id, raw_event_id, created_at)
SELECT m.workspace_id, m.id, m.conversation_id, m.seq, m.inbox_id, 'message', 'contact', m.author_id, m.content,
       m.reply_to_id, m.origin_id, m.raw_event_id, $11
  FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::int[], $5::uuid[], $6::uuid[], $7::jsonb[], $8::uuid[], $9::text[], $10::uuid[])
       AS m (workspace_id, id, conversation_id, seq, inbox_id, author_id, content, reply_to_id, origin_id, raw_event_id)
"""
_REPLIES_BY_ID = """
SELECT m.workspace_id, m.id::text AS asked, m.conversation_id, m.id FROM message m
  JOIN unnest($1::uuid[], $2::uuid[]) AS a (workspace_id, id) ON m.workspace_id = a.workspace_id AND m.id = a.id AND m.kind = 'message'
"""
_REPLIES_BY_REF = """
SELECT s.workspace_id, s.provider_id AS asked, s.conversation_id, m.id FROM sent_ref s
  JOIN unnest($1::uuid[], $2::text[]) AS a (inbox_id, provider_id) ON s.inbox_id = a.inbox_id AND s.provider_id = a.provider_id
  JOIN message m ON m.workspace_id = s.workspace_id AND m.conversation_id = s.conversation_id AND m.seq = s.seq
"""
_MARKS = """
UPDATE conversation c SET contact_delivered_seq = n.delivered, contact_read_seq = n.read, version = c.version + 1
  FROM unnest($1::uuid[], $2::uuid[], $3::int[], $4::int[]) AS n (workspace_id, id, delivered, read)
 WHERE c.workspace_id = n.workspace_id AND c.id = n.id
"""


class OpenConversation(msgspec.Struct, kw_only=True):
    """A conversation in memory, under its lock, for the time of a batch."""

    workspace_id: UUID
    id: UUID
    contact_id: UUID
    inbox_id: UUID
    channel: str
    identity_id: UUID
    thread_key: UUID
    lane: int
    locale: str | None
    last_activity_at: datetime
    status: str = "open"
    closed_at: datetime | None = None
    assignee_id: UUID | None = None
    last_seq: int = 0
    inbound_count: int = 0
    last_message: Any = None
    last_inbound_at: datetime | None = None
    waiting_since: datetime | None = None
    contact_delivered_seq: int = 0
    contact_read_seq: int = 0
    fresh: bool = False
    touched: bool = False

    def next_seq(self) -> int:
        """Give the next place in the conversation."""
        self.last_seq += 1
        self.touched = True
        return self.last_seq

    def raise_marks(self, delivered: int, read: int) -> bool:
        """Move the contact's marks forward, never back; says whether they moved. What was read was delivered."""
        delivered = max(self.contact_delivered_seq, delivered, read)
        read = max(self.contact_read_seq, read)
        moved = (delivered, read) != (self.contact_delivered_seq, self.contact_read_seq)
        self.contact_delivered_seq, self.contact_read_seq = delivered, read
        return moved


class NewMessage(msgspec.Struct, frozen=True, kw_only=True):
    """A message of a contact, to be inserted."""

    workspace_id: UUID
    id: UUID
    conversation_id: UUID
    seq: int
    inbox_id: UUID
    author_id: UUID
    content: Content
    reply_to_id: UUID | None
    origin_id: str | None
    raw_event_id: UUID


async def load_conversations(tx: Transaction, keys: Sequence[tuple[UUID, UUID]]) -> list[OpenConversation]:
    """Read and lock conversations by (workspace, id), in id order."""
    if not keys:
        return []
    fields = [field for field in OpenConversation.__struct_fields__ if field not in ("fresh", "touched")]
    # The columns of the query stand in the order of the Struct's fields.
    rows = await tx.fetch(_LOAD, [key[0] for key in keys], [key[1] for key in keys])
    return [OpenConversation(**dict(zip(fields, row, strict=True))) for row in rows]


async def load_replies(
    tx: Transaction, asked: Collection[tuple[UUID, UUID, str]]
) -> dict[tuple[UUID, str], tuple[UUID, UUID]]:
    """What replies answer, asked as (workspace, inbox, id): our message's id (web), else the provider's id of a message we sent.

    Gives (conversation, message) by (workspace, id).
    """
    by_id = [(workspace_id, UUID(text)) for workspace_id, _, text in asked if _is_uuid(text)]
    rows = await tx.fetch(_REPLIES_BY_ID, [w for w, _ in by_id], [i for _, i in by_id]) if by_id else []
    rows += await tx.fetch(_REPLIES_BY_REF, [inbox_id for _, inbox_id, _ in asked], [text for _, _, text in asked])
    return {(row["workspace_id"], row["asked"]): (row["conversation_id"], row["id"]) for row in rows}


def _is_uuid(text: str) -> bool:
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False


async def write_conversations(tx: Transaction, conversations: Sequence[OpenConversation]) -> None:
    """Insert the new ones, update the others; one statement each."""
    fresh = [c for c in conversations if c.fresh]
    if fresh:
        await tx.run(
            _INSERT,
            [c.workspace_id for c in fresh],
            [c.id for c in fresh],
            [c.contact_id for c in fresh],
            [c.inbox_id for c in fresh],
            [c.channel for c in fresh],
            [c.identity_id for c in fresh],
            [c.thread_key for c in fresh],
            [c.lane for c in fresh],
            [c.locale for c in fresh],
            [c.last_seq for c in fresh],
            [c.inbound_count for c in fresh],
            [c.last_message for c in fresh],
            [c.last_inbound_at for c in fresh],
            [c.last_activity_at for c in fresh],
            [c.waiting_since for c in fresh],
            tx.now,
        )
    known = [c for c in conversations if not c.fresh]
    if known:
        await tx.run(
            _UPDATE,
            [c.workspace_id for c in known],
            [c.id for c in known],
            [c.last_seq for c in known],
            [c.inbound_count for c in known],
            [c.last_message for c in known],
            [c.last_inbound_at for c in known],
            [c.last_activity_at for c in known],
            [c.waiting_since for c in known],
            [c.status for c in known],
            [c.closed_at for c in known],
        )


async def insert_messages(tx: Transaction, messages: Sequence[NewMessage]) -> None:
    """Insert messages of contacts, in one statement."""
    await tx.run(
        _INSERT_MESSAGES,
        [m.workspace_id for m in messages],
        [m.id for m in messages],
        [m.conversation_id for m in messages],
        [m.seq for m in messages],
        [m.inbox_id for m in messages],
        [m.author_id for m in messages],
        [m.content for m in messages],
        [m.reply_to_id for m in messages],
        [m.origin_id for m in messages],
        [m.raw_event_id for m in messages],
        tx.now,
    )


async def write_marks(tx: Transaction, conversations: Sequence[OpenConversation]) -> None:
    """Write how far the contacts have received and read."""
    if conversations:
        await tx.run(
            _MARKS,
            [c.workspace_id for c in conversations],
            [c.id for c in conversations],
            [c.contact_delivered_seq for c in conversations],
            [c.contact_read_seq for c in conversations],
        )
