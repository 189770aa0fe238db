"""Leases: who sends for an inbox just now, so that its order and its rate hold over all processes and hosts.

The fence rises with every change of hands. The database's clock decides when a lease is over, for the hosts' clocks
need not agree; pauses are times of the business and go by the program's clock.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from comptoir.infra.database import Transaction
from comptoir.kernel.ids import NIL

_ENSURE = """
INSERT INTO outbox_lease (inbox_id, workspace_id, holder, fence, expires_at)
SELECT inbox_id, workspace_id, $3, 0, '-infinity' FROM unnest($1::uuid[], $2::uuid[]) AS i (inbox_id, workspace_id) ORDER BY inbox_id
ON CONFLICT DO NOTHING
"""

# A row that another process has locked is at work there: skipped, never waited for, even if its host froze in mid-transaction.
_TAKE = """
WITH free AS (
    SELECT inbox_id FROM outbox_lease
     WHERE inbox_id = ANY ($1::uuid[]) AND (holder = $2 OR expires_at < clock_timestamp())
     ORDER BY inbox_id FOR UPDATE SKIP LOCKED
)
UPDATE outbox_lease l
   SET holder = $2, fence = l.fence + (l.holder <> $2)::int, expires_at = clock_timestamp() + $3::interval
  FROM free WHERE l.inbox_id = free.inbox_id
RETURNING l.inbox_id, l.fence, l.paused_until
"""

_PAUSE = """
UPDATE outbox_lease l SET paused_until = greatest(l.paused_until, p.until)
  FROM unnest($1::uuid[], $2::bigint[], $3::timestamptz[]) AS p (inbox_id, fence, until)
 WHERE l.inbox_id = p.inbox_id AND l.fence = p.fence
"""
_RESUME = "UPDATE outbox_lease SET paused_until = NULL WHERE inbox_id = ANY ($1::uuid[]) AND paused_until IS NOT NULL"
_RELEASE = "UPDATE outbox_lease SET expires_at = '-infinity' WHERE holder = $1"


class Lease(msgspec.Struct, frozen=True):
    """An inbox that is ours to send for. `paused_until` is when it may send again, or None."""

    inbox_id: UUID
    fence: int
    paused_until: datetime | None


async def ensure_leases(tx: Transaction, inboxes: Sequence[tuple[UUID, UUID]]) -> None:
    """Make the rows of inboxes, given as (inbox, workspace), that have none yet."""
    await tx.run(_ENSURE, [inbox_id for inbox_id, _ in inboxes], [workspace_id for _, workspace_id in inboxes], NIL)


async def take_leases(tx: Transaction, inbox_ids: Sequence[UUID], holder: UUID, time_to_live: timedelta) -> list[Lease]:
    """Take or renew what is free or ours, and hold the rows until the commit. Inboxes that others send for are absent."""
    return await tx.structs(Lease, _TAKE, list(inbox_ids), holder, time_to_live)


async def pause(tx: Transaction, pauses: Sequence[tuple[UUID, int, datetime]]) -> None:
    """Send nothing for these inboxes, given as (inbox, our fence, until)."""
    await tx.run(
        _PAUSE,
        [inbox_id for inbox_id, _, _ in pauses],
        [fence for _, fence, _ in pauses],
        [until for _, _, until in pauses],
    )


async def resume(tx: Transaction, inbox_ids: Sequence[UUID]) -> None:
    """End the pauses of inboxes whose settings changed, whoever holds them."""
    await tx.run(_RESUME, list(inbox_ids))


async def release_leases(tx: Transaction, holder: UUID) -> None:
    """Give back all that a holder has. The fence stays, so that it goes on rising."""
    await tx.run(_RELEASE, holder)
