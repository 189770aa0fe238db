"""The journal of facts: append-only, read after a position.

Positions are per workspace and given under the lock of the workspace's position row by the last statement of the transaction, so that they are
in the order of commits: whoever has read up to a position has missed nothing. That statement travels together with COMMIT, for the lock makes all who
commit in the workspace wait.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec

from comptoir.kernel.fact import Fact

if TYPE_CHECKING:
    from comptoir.infra.database import Transaction


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


def closing_statement(facts: Sequence[Fact], now: datetime) -> str:
    """The last statements of a transaction, for one round trip: journal the facts in the order given, then COMMIT."""
    if not facts:
        return "COMMIT"
    rows = msgspec.json.encode([_row(fact) for fact in facts]).decode()
    # A literal, since statements with parameters travel one by one. Strings conform to the standard on our connections,
    # so the quote is the only mark that means something, and JSON holds no NUL.
    literal = rows.replace("'", "''")
    return f"SELECT comptoir_journal('{literal}'::jsonb, '{now.isoformat()}'::timestamptz); COMMIT"  # composed: as said above


def _row(fact: Fact) -> dict[str, Any]:
    whole = {"w": fact.workspace_id, "k": fact.kind, "c": fact.conversation_id, "m": fact.message_id, "d": fact.data()}
    return {key: value for key, value in whole.items() if value}


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
