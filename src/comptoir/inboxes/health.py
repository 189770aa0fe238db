"""How an inbox is doing: when it last heard something, and what last went wrong.

Notes gather in memory and are written for all inboxes in one statement every few seconds, never per message.
"""

from __future__ import annotations

import asyncio
from datetime import datetime
from uuid import UUID

import asyncpg
import msgspec

from comptoir.infra.database import AWAY, Database, Transaction
from comptoir.infra.log import get_logger
from comptoir.kernel.text import preview, storable

WRITE_EVERY = 3.0
_MOST_WAITING = 10_000
_NOT_WRITTEN: tuple[type[BaseException], ...] = (*AWAY, asyncpg.PostgresError)
_log = get_logger("inboxes")

_WRITE = """
INSERT INTO inbox_health AS h (workspace_id, inbox_id, last_event_at, last_error_at, last_error)
SELECT i.workspace_id, i.id, n.event_at, n.error_at, n.error
  FROM unnest($1::uuid[], $2::timestamptz[], $3::timestamptz[], $4::text[]) AS n (inbox_id, event_at, error_at, error)
  JOIN inbox i ON i.id = n.inbox_id
 ORDER BY i.workspace_id, i.id
ON CONFLICT (workspace_id, inbox_id) DO UPDATE SET
    last_event_at = greatest(h.last_event_at, excluded.last_event_at),
    last_error = CASE WHEN excluded.last_error_at >= h.last_error_at OR h.last_error_at IS NULL
                      THEN coalesce(excluded.last_error, h.last_error) ELSE h.last_error END,
    last_error_at = greatest(h.last_error_at, excluded.last_error_at)
"""


class InboxHealth(msgspec.Struct, frozen=True):
    """What is known of an inbox's health in this room."""

    last_event_at: datetime | None = None
    last_error: str | None = None
    last_error_at: datetime | None = None


class _Note(msgspec.Struct):
    event_at: datetime | None = None
    error_at: datetime | None = None
    error: str | None = None


class HealthNotes:
    """The notes of one process. The first note after a rest starts the clock for a write; without notes nothing runs."""

    def __init__(self, db: Database, write_every: float = WRITE_EVERY) -> None:
        self._db = db
        self._write_every = write_every
        self._notes: dict[UUID, _Note] = {}
        self._writing: asyncio.Task[None] | None = None

    def note_event(self, inbox_id: UUID) -> None:
        """The inbox has heard from its channel."""
        self._note(inbox_id).event_at = self._db.clock()

    def note_error(self, inbox_id: UUID, error: str) -> None:
        """Something went wrong. `error` is a short sentence or code for people and holds no secret."""
        note = self._note(inbox_id)
        note.error_at, note.error = self._db.clock(), preview(storable(error), 300)

    async def close(self) -> None:
        """Write what is noted, if the database is there."""
        if self._writing is not None:
            self._writing.cancel()
            await asyncio.gather(self._writing, return_exceptions=True)
        await self._write()

    def _note(self, inbox_id: UUID) -> _Note:
        if len(self._notes) >= _MOST_WAITING:
            self._notes.clear()
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write_later(), name="inbox-health")
        return self._notes.setdefault(inbox_id, _Note())

    async def _write_later(self) -> None:
        while True:
            await asyncio.sleep(self._write_every)
            await self._write()
            if not self._notes:
                return

    async def _write(self) -> None:
        notes, self._notes = self._notes, {}
        if not notes:
            return
        try:
            async with self._db.system() as tx:
                await tx.run(
                    _WRITE,
                    list(notes),
                    [note.event_at for note in notes.values()],
                    [note.error_at for note in notes.values()],
                    [note.error for note in notes.values()],
                )
        except _NOT_WRITTEN as error:
            # A note of health is not worth a retry: the next event writes the next one.
            _log.warning("health.not_written", error=type(error).__name__, inboxes=len(notes))


async def inbox_health(tx: Transaction, workspace_id: UUID, inbox_id: UUID) -> InboxHealth:
    """What is known; all absent where nothing was noted yet."""
    found = await tx.structs(
        InboxHealth,
        "SELECT last_event_at, last_error, last_error_at FROM inbox_health WHERE workspace_id = $1 AND inbox_id = $2",
        workspace_id,
        inbox_id,
    )
    return found[0] if found else InboxHealth()
