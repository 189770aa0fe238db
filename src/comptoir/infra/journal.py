"""The journal of facts: append-only, read after a position.

Positions are per workspace and given under the lock of the workspace's position row by the last statement of the transaction, so that they are
in the order of commits: whoever has read up to a position has missed nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec

from comptoir.kernel.fact import Fact

if TYPE_CHECKING:
    import asyncpg

    from comptoir.infra.database import Transaction

_LOCK = "SELECT 1 FROM workspace_position WHERE workspace_id = ANY($1::uuid[]) ORDER BY workspace_id FOR UPDATE"

_APPEND = """
WITH bumped AS (
    INSERT INTO workspace_position AS p (workspace_id, position)
    SELECT * FROM unnest($1::uuid[], $2::bigint[])
    ON CONFLICT (workspace_id) DO UPDATE SET position = p.position + excluded.position
    RETURNING p.workspace_id, p.position
), written AS (
    INSERT INTO fact (workspace_id, position, occurred_at, kind, conversation_id, message_id, data)
    SELECT i.workspace_id, b.position - i.behind, $9, i.kind, i.conversation_id, i.message_id, i.data
      FROM unnest($3::uuid[], $4::bigint[], $5::text[], $6::uuid[], $7::uuid[], $8::jsonb[])
           AS i (workspace_id, behind, kind, conversation_id, message_id, data)
      JOIN bumped b USING (workspace_id)
)
SELECT workspace_id, position FROM bumped
"""


class FactRow(msgspec.Struct, frozen=True):
    """A fact as the journal holds it."""

    workspace_id: UUID
    position: int
    kind: str
    occurred_at: datetime
    conversation_id: UUID | None
    message_id: UUID | None
    data: msgspec.Raw | None


_COLUMNS = "workspace_id, position, kind, occurred_at, conversation_id, message_id, data"


async def append(connection: asyncpg.Connection[Any], facts: Sequence[Fact], now: datetime) -> dict[UUID, int]:
    """Journal facts in the order given; gives the last position of each workspace. The caller commits right after."""
    totals = Counter(fact.workspace_id for fact in facts)
    workspaces = sorted(totals)
    if len(workspaces) > 1:
        await connection.execute(_LOCK, workspaces)
    behind = dict(totals)
    distances = []
    for fact in facts:
        behind[fact.workspace_id] -= 1
        distances.append(behind[fact.workspace_id])
    rows = await connection.fetch(
        _APPEND,
        workspaces,
        [totals[workspace_id] for workspace_id in workspaces],
        [fact.workspace_id for fact in facts],
        distances,
        [fact.kind for fact in facts],
        [fact.conversation_id for fact in facts],
        [fact.message_id for fact in facts],
        [fact.data() or None for fact in facts],
        now,
    )
    return {row["workspace_id"]: row["position"] for row in rows}


async def position(tx: Transaction, workspace_id: UUID) -> int:
    """The last position given in a workspace."""
    return await tx.value("SELECT position FROM workspace_position WHERE workspace_id = $1", workspace_id) or 0


async def read_after(
    tx: Transaction, workspace_id: UUID, after: int, most: int, kind: str | None = None, until: int | None = None
) -> list[FactRow]:
    """Facts of one workspace after a position, oldest first."""
    return await tx.structs(
        FactRow,
        f"SELECT {_COLUMNS} FROM fact WHERE workspace_id = $1 AND position > $2 AND ($4::text IS NULL OR kind = $4)"
        " AND ($5::bigint IS NULL OR position <= $5) ORDER BY position LIMIT $3",
        workspace_id,
        after,
        most,
        kind,
        until,
    )


async def read_many_after(tx: Transaction, cursors: dict[UUID, int], most: int) -> list[FactRow]:
    """Facts of several workspaces, each after its own position, at most `most` of each, by workspace and position."""
    return await tx.structs(
        FactRow,
        "SELECT f.workspace_id, f.position, f.kind, f.occurred_at, f.conversation_id, f.message_id, f.data"
        "  FROM unnest($1::uuid[], $2::bigint[]) AS c (workspace_id, position)"
        " CROSS JOIN LATERAL (SELECT * FROM fact WHERE fact.workspace_id = c.workspace_id AND fact.position > c.position"
        "                      ORDER BY fact.position LIMIT $3) f ORDER BY f.workspace_id, f.position",
        list(cursors),
        list(cursors.values()),
        most,
    )


async def read_of_conversation(
    tx: Transaction, workspace_id: UUID, conversation_id: UUID, since: datetime, most: int
) -> list[FactRow]:
    """Facts about one conversation since a moment, oldest first: for people who trace a message, not for the hot path."""
    return await tx.structs(
        FactRow,
        f"SELECT {_COLUMNS} FROM fact WHERE workspace_id = $1 AND conversation_id = $2 AND occurred_at >= $3 ORDER BY position LIMIT $4",
        workspace_id,
        conversation_id,
        since,
        most,
    )
