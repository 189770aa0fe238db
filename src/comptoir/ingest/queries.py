"""What ingest can tell: quarantine, parked threads, work waiting, retention."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec

from comptoir.infra.database import Transaction
from comptoir.kernel.cursors import Keyset


class QuarantinedEvent(msgspec.Struct, frozen=True):
    """An event that the database refused."""

    id: UUID
    received_at: datetime
    reason: str
    body: bytes


class Backlog(msgspec.Struct, frozen=True):
    """How much work waits, and how old the oldest is (seconds)."""

    waiting: int
    oldest_seconds: float
    parked: int
    quarantined: int


async def quarantine(
    tx: Transaction, workspace_id: UUID, inbox_id: UUID, after: Keyset | None, limit: int
) -> list[QuarantinedEvent]:
    """Quarantined events of an inbox, newest first."""
    moment, last_id = after or (None, None)
    return await tx.structs(
        QuarantinedEvent,
        "SELECT id, received_at, reason, body FROM quarantined_event WHERE workspace_id = $1 AND inbox_id = $2"
        " AND ($3::timestamptz IS NULL OR (received_at, id) < ($3, $4::uuid)) ORDER BY received_at DESC, id DESC LIMIT $5",
        workspace_id,
        inbox_id,
        moment,
        last_id,
        limit,
    )


async def quarantined_count(tx: Transaction, workspace_id: UUID, inbox_id: UUID) -> int:
    """How many events of an inbox are quarantined."""
    return int(
        await tx.value(
            "SELECT count(*) FROM quarantined_event WHERE workspace_id = $1 AND inbox_id = $2", workspace_id, inbox_id
        )
    )


async def parked_count(tx: Transaction, workspace_id: UUID) -> int:
    """How many threads of a workspace are parked."""
    return int(await tx.value("SELECT count(*) FROM parked_thread WHERE workspace_id = $1", workspace_id))


async def backlog(tx: Transaction) -> Backlog:
    """The state of the lanes over all workspaces. Needs the system's role."""
    row = await tx.row(
        "SELECT (SELECT count(*) FROM todo) AS waiting,"
        " (SELECT coalesce(extract(epoch FROM now() - min(created_at)), 0)::float8"
        "    FROM (SELECT created_at FROM todo ORDER BY position LIMIT 1) t) AS oldest,"
        " (SELECT count(*) FROM parked_thread) AS parked, (SELECT count(*) FROM quarantined_event) AS quarantined"
    )
    assert row is not None
    return Backlog(*row)


async def forget_keys(tx: Transaction, before: datetime) -> str:
    """Retention of deduplication keys, which outlive the raw events. Gives the command tag."""
    return await tx.run("DELETE FROM event_key WHERE received_at < $1", before)
