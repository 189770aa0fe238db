"""Deliveries as people see them."""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec

from comptoir.infra.database import Record, Transaction
from comptoir.kernel.cursors import Keyset
from comptoir.kernel.errors import NotFound


class DeliveryView(msgspec.Struct, frozen=True):
    """A delivery as `docs/protocol.md` gives it."""

    id: UUID
    message_id: UUID
    conversation_id: UUID
    inbox_id: UUID
    state: str
    attempts: int
    error: dict[str, str | None] | None
    verdict: msgspec.Raw
    created_at: datetime
    sent_at: datetime | None
    delivered_at: datetime | None
    read_at: datetime | None


class DeliveryPage(msgspec.Struct, frozen=True):
    """One page, newest first; `next_after` is None on the last."""

    items: list[DeliveryView]
    next_after: Keyset | None


_COLUMNS = (
    "id, message_id, conversation_id, inbox_id, state, attempts, error_code, error_message, verdict,"
    " created_at, sent_at, delivered_at, read_at"
)


def _view(row: Record) -> DeliveryView:
    values = list(row)
    code, message = values[6:8]
    values[6:8] = [{"code": code, "message": message} if code else None]
    return DeliveryView(*values)


async def delivery_view(tx: Transaction, workspace_id: UUID, delivery_id: UUID) -> DeliveryView:
    """One delivery. Raises NotFound."""
    row = await tx.row(
        f"SELECT {_COLUMNS} FROM delivery WHERE workspace_id = $1 AND id = $2", workspace_id, delivery_id
    )
    if row is None:
        raise NotFound(field="delivery_id")
    return _view(row)


async def message_deliveries(tx: Transaction, workspace_id: UUID, message_id: UUID) -> list[DeliveryView]:
    """The deliveries of a message, oldest first; none for inbound messages and notes."""
    rows = await tx.fetch(
        f"SELECT {_COLUMNS} FROM delivery WHERE workspace_id = $1 AND message_id = $2 ORDER BY created_at, id",
        workspace_id,
        message_id,
    )
    return [_view(row) for row in rows]


async def deliveries_to_settle(
    tx: Transaction, workspace_id: UUID, state: Literal["uncertain", "failed"], after: Keyset | None, limit: int
) -> DeliveryPage:
    """What waits for a person's decision, newest first, by keyset of (created_at, id)."""
    moment, last_id = after or (None, None)
    rows = await tx.fetch(
        f"SELECT {_COLUMNS} FROM delivery WHERE workspace_id = $1 AND state = $2 AND state IN ('uncertain', 'failed')"
        " AND ($3::timestamptz IS NULL OR (created_at, id) < ($3, $4::uuid)) ORDER BY created_at DESC, id DESC LIMIT $5",
        workspace_id,
        state,
        moment,
        last_id,
        limit + 1,
    )
    items = [_view(row) for row in rows[:limit]]
    return DeliveryPage(items, (items[-1].created_at, items[-1].id) if len(rows) > limit else None)


async def count_uncertain(tx: Transaction, workspace_id: UUID, inbox_id: UUID) -> int:
    """How many deliveries of an inbox are uncertain."""
    count: int = await tx.value(
        "SELECT count(*) FROM delivery WHERE workspace_id = $1 AND state = 'uncertain' AND inbox_id = $2",
        workspace_id,
        inbox_id,
    )
    return count
