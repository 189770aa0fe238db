"""Reading conversations and messages: every list is one index scan, every page a keyset."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec

from comptoir.conversations.attachments import MediaLinks
from comptoir.conversations.views import (
    CONVERSATION_COLUMNS,
    MESSAGE_COLUMNS,
    MESSAGE_JOINS,
    ConversationView,
    MessageView,
    conversation_view,
    message_view,
)
from comptoir.infra.database import Record, Transaction
from comptoir.kernel.cursors import Keyset
from comptoir.kernel.errors import NotFound
from comptoir.kernel.ids import NIL

ANYBODY: Literal["anybody"] = "anybody"
NOBODY: Literal["nobody"] = "nobody"


class ConversationFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which conversations a list shows. `assignee` is an agent's id, nobody or anybody."""

    status: Literal["open", "closed"] = "open"
    assignee: UUID | Literal["anybody", "nobody"] = ANYBODY
    inbox_id: UUID | None = None
    label_id: UUID | None = None
    contact_id: UUID | None = None


class ConversationPage(msgspec.Struct, frozen=True):
    """One page, latest activity first; `next_after` is None on the last."""

    items: list[ConversationView]
    next_after: Keyset | None


class MessagesPage(msgspec.Struct, frozen=True):
    """Messages by seq, and whether there are more on either side."""

    items: list[MessageView]
    has_before: bool
    has_after: bool


class ConversationRow(msgspec.Struct, frozen=True):
    """What commands need of a conversation, read under its lock."""

    id: UUID
    contact_id: UUID
    inbox_id: UUID
    channel: str
    identity_id: UUID
    thread_key: UUID
    status: str
    priority: int
    assignee_id: UUID | None
    label_ids: list[UUID]
    last_seq: int
    inbound_count: int
    last_inbound_at: datetime | None
    waiting_since: datetime | None


_ROW = (
    "id, contact_id, inbox_id, channel, identity_id, thread_key, status, priority, assignee_id, label_ids, last_seq, inbound_count,"
    " last_inbound_at, waiting_since"
)


async def list_conversations(
    tx: Transaction,
    workspace_id: UUID,
    chosen: ConversationFilter,
    agent_id: UUID | None,
    after: Keyset | None,
    limit: int,
) -> ConversationPage:
    """One page of a list, with the agent's read marks."""
    labelled = chosen.label_id is not None
    moment, key = ("l.last_activity_at", "l.conversation_id") if labelled else ("c.last_activity_at", "c.id")
    conditions, values = _conditions(workspace_id, chosen)
    if after is not None:
        values += after
        conditions += f" AND ({moment}, {key}) < (${len(values) - 1}::timestamptz, ${len(values)}::uuid)"
    values += [limit + 1, agent_id]
    rows = await tx.fetch(
        # composed: which columns the list is read in order of, and conditions of constants and numbers of parameters
        f"SELECT {CONVERSATION_COLUMNS}, q.read_count, q.read_seq"
        f"  FROM (SELECT c.* FROM {_LABELLED if labelled else _ALL} WHERE {conditions}"
        f"         ORDER BY {moment} DESC, {key} DESC LIMIT ${len(values) - 1}) c"
        f"  LEFT JOIN conversation_read q ON q.workspace_id = c.workspace_id AND q.agent_id = ${len(values)}::uuid AND q.conversation_id = c.id"
        " ORDER BY c.last_activity_at DESC, c.id DESC",
        *values,
    )
    items = [conversation_view(row, mine=True) for row in rows[:limit]]
    return ConversationPage(items, (items[-1].last_activity_at, items[-1].id) if len(rows) > limit else None)


# Word for word as in the index `conversation_by_assignee`, or it would not be used.
_ASSIGNEE = "CASE WHEN c.assignee_id IS NULL THEN '00000000-0000-0000-0000-000000000000'::uuid ELSE c.assignee_id END"
# What a list is read from: its index gives the order, and nothing is sorted.
_ALL = "conversation c"
_LABELLED = "conversation_label l JOIN conversation c ON c.workspace_id = l.workspace_id AND c.id = l.conversation_id"


def _conditions(workspace_id: UUID, chosen: ConversationFilter) -> tuple[str, list[object]]:
    values: list[object] = [workspace_id, chosen.status]
    conditions = "c.workspace_id = $1 AND c.status = $2"
    if chosen.assignee != ANYBODY:
        values.append(NIL if chosen.assignee == NOBODY else chosen.assignee)
        conditions += f" AND {_ASSIGNEE} = ${len(values)}"
    for column, value in (("inbox_id", chosen.inbox_id), ("contact_id", chosen.contact_id)):
        if value is not None:
            values.append(value)
            conditions += f" AND c.{column} = ${len(values)}"
    if chosen.label_id is not None:
        values.append(chosen.label_id)
        conditions += f" AND l.workspace_id = $1 AND l.status = $2 AND l.label_id = ${len(values)}"
    return conditions, values


async def messages_page(
    tx: Transaction,
    workspace_id: UUID,
    conversation_id: UUID,
    media: MediaLinks,
    *,
    before_seq: int | None = None,
    after_seq: int | None = None,
    around_seq: int | None = None,
    limit: int = 50,
    with_notes: bool = True,
) -> MessagesPage:
    """Messages before, after or around a position; the newest without one. Raises NotFound."""
    last = await tx.value(
        "SELECT last_seq FROM conversation WHERE workspace_id = $1 AND id = $2", workspace_id, conversation_id
    )
    if last is None:
        raise NotFound(field="conversation_id")
    if after_seq is not None:
        rows = await _messages(
            tx, workspace_id, conversation_id, after_seq, None, limit + 1, with_notes=with_notes, ascending=True
        )
        return _page(rows[:limit], workspace_id, media, has_before=after_seq > 0, has_after=len(rows) > limit)
    if around_seq is not None:
        half = max(limit // 2, 1)
        older = await _messages(
            tx, workspace_id, conversation_id, 0, around_seq + 1, half + 1, with_notes=with_notes, ascending=False
        )
        newer = await _messages(
            tx, workspace_id, conversation_id, around_seq, None, half + 1, with_notes=with_notes, ascending=True
        )
        rows = [*reversed(older[:half]), *newer[:half]]
        return _page(rows, workspace_id, media, has_before=len(older) > half, has_after=len(newer) > half)
    before = before_seq if before_seq is not None else last + 1
    rows = await _messages(
        tx, workspace_id, conversation_id, 0, before, limit + 1, with_notes=with_notes, ascending=False
    )
    return _page(
        list(reversed(rows[:limit])), workspace_id, media, has_before=len(rows) > limit, has_after=before <= last
    )


async def _messages(
    tx: Transaction,
    workspace_id: UUID,
    conversation_id: UUID,
    above: int,
    below: int | None,
    limit: int,
    *,
    with_notes: bool,
    ascending: bool,
) -> list[Record]:
    order = "ASC" if ascending else "DESC"
    notes = "" if with_notes else " AND kind = 'message'"
    return await tx.fetch(
        # composed: a direction and a condition from the two lines above
        f"SELECT {MESSAGE_COLUMNS} FROM (SELECT * FROM message WHERE workspace_id = $1 AND conversation_id = $2"
        f"   AND seq > $3 AND seq < $4{notes} ORDER BY seq {order} LIMIT $5) m {MESSAGE_JOINS} ORDER BY m.seq {order}",
        workspace_id,
        conversation_id,
        min(above, 2**31 - 1),
        min(below, 2**31 - 1) if below is not None else 2**31 - 1,
        limit,
    )


def _page(
    rows: list[Record], workspace_id: UUID, media: MediaLinks, *, has_before: bool, has_after: bool
) -> MessagesPage:
    return MessagesPage([message_view(row, workspace_id, media) for row in rows], has_before, has_after)


async def latest_messages(
    tx: Transaction, workspace_id: UUID, after: Mapping[UUID, int], media: MediaLinks, limit: int
) -> dict[UUID, MessagesPage]:
    """Of each conversation the newest messages (no notes) after a position, at most `limit`; `has_before` when there were more after it."""
    rows = await tx.fetch(
        f"SELECT {MESSAGE_COLUMNS} FROM unnest($2::uuid[], $3::integer[]) AS asked (conversation_id, after_seq)"
        " CROSS JOIN LATERAL (SELECT * FROM message said WHERE said.workspace_id = $1 AND said.conversation_id = asked.conversation_id"
        "   AND said.seq > asked.after_seq AND said.kind = 'message' ORDER BY said.seq DESC LIMIT $4) m"
        f"{MESSAGE_JOINS} ORDER BY m.conversation_id, m.seq",
        workspace_id,
        list(after),
        list(after.values()),
        limit + 1,
    )
    found: dict[UUID, list[Record]] = {conversation_id: [] for conversation_id in after}
    for row in rows:
        found[row["conversation_id"]].append(row)
    return {
        key: _page(taken[-limit:], workspace_id, media, has_before=len(taken) > limit, has_after=False)
        for key, taken in found.items()
    }


async def lock_conversation(tx: Transaction, workspace_id: UUID, conversation_id: UUID) -> ConversationRow:
    """Read a conversation and hold its lock until the end of the transaction. Raises NotFound."""
    row = await tx.row(
        f"SELECT {_ROW} FROM conversation WHERE workspace_id = $1 AND id = $2 FOR UPDATE", workspace_id, conversation_id
    )
    if row is None:
        raise NotFound(field="conversation_id")
    return ConversationRow(*row)


async def message_conversation(tx: Transaction, workspace_id: UUID, message_id: UUID) -> UUID:
    """The conversation of a message. Raises NotFound."""
    found: UUID | None = await tx.value(
        "SELECT conversation_id FROM message WHERE workspace_id = $1 AND id = $2", workspace_id, message_id
    )
    if found is None:
        raise NotFound(field="message_id")
    return found


async def latest_conversations(tx: Transaction, workspace_id: UUID, contact_ids: Sequence[UUID]) -> dict[UUID, UUID]:
    """The conversation of each contact that moved last, by contact; those without one are absent."""
    rows = await tx.fetch(
        "SELECT DISTINCT ON (contact_id) contact_id, id FROM conversation WHERE workspace_id = $1 AND contact_id = ANY($2::uuid[])"
        " ORDER BY contact_id, last_activity_at DESC, id DESC",
        workspace_id,
        list(contact_ids),
    )
    return {row["contact_id"]: row["id"] for row in rows}
