"""Counters instead of counts: how many conversations are open, mine, nobody's, closed.

Deltas gather in the transaction and are applied just before it commits, in one order, so that two transactions never wait for each other in
a circle and the rows are held for a moment only.
"""

from __future__ import annotations

from collections import Counter
from uuid import UUID

import msgspec

from comptoir.infra.database import Transaction
from comptoir.kernel.ids import NIL

_ORDER = """
SELECT 1 FROM conversation_counter
 WHERE (workspace_id, status, assignee_id) IN (SELECT * FROM unnest($1::uuid[], $2::text[], $3::uuid[]))
 ORDER BY workspace_id, status, assignee_id FOR UPDATE
"""
_APPLY = """
INSERT INTO conversation_counter AS c (workspace_id, status, assignee_id, total)
SELECT * FROM unnest($1::uuid[], $2::text[], $3::uuid[], $4::bigint[])
ON CONFLICT (workspace_id, status, assignee_id) DO UPDATE SET total = c.total + excluded.total
"""

Key = tuple[UUID, str, UUID]


class Counts(msgspec.Struct, frozen=True):
    """How many conversations each of the lists holds."""

    open: int
    mine: int
    unassigned: int
    closed: int
    position: int = 0


class Tally:
    """The deltas of one transaction: `Tally.of(tx)` gives the same one to every command in it."""

    def __init__(self) -> None:
        self._deltas: Counter[Key] = Counter()

    @classmethod
    def of(cls, tx: Transaction) -> Tally:
        """The transaction's tally, written when it finishes."""
        tally: Tally | None = tx.held.get(cls)
        if tally is None:
            tally = tx.held[cls] = cls()
            tx.finish_with("conversation_counter", tally._write)
        return tally

    def add(self, workspace_id: UUID, status: str, assignee_id: UUID | None, number: int = 1) -> None:
        """Conversations joined a list (or left it, where `number` is negative)."""
        self._deltas[workspace_id, status, assignee_id or NIL] += number

    async def _write(self, tx: Transaction) -> None:
        deltas = sorted((key, number) for key, number in self._deltas.items() if number)
        if not deltas:
            return
        columns = [list(column) for column in zip(*[key for key, _ in deltas], strict=True)]
        if len(deltas) > 1:
            await tx.run(_ORDER, *columns)
        await tx.run(_APPLY, *columns, [number for _, number in deltas])


async def counts(tx: Transaction, workspace_id: UUID, agent_id: UUID | None) -> Counts:
    """The numbers beside the lists, for one agent (an API key has no list of its own)."""
    rows = await tx.fetch(
        "SELECT status, assignee_id, sum(total)::bigint AS total FROM conversation_counter"
        " WHERE workspace_id = $1 GROUP BY status, assignee_id",
        workspace_id,
    )
    totals: Counter[str] = Counter()
    for row in rows:
        totals[row["status"]] += row["total"]
        if row["status"] == "open" and row["assignee_id"] == NIL:
            totals["unassigned"] += row["total"]
        if row["status"] == "open" and row["assignee_id"] == agent_id:
            totals["mine"] += row["total"]
    return Counts(totals["open"], totals["mine"], totals["unassigned"], totals["closed"])
