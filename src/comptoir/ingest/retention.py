"""Retention: raw events go after the days their workspace keeps them, deduplication keys long after that."""

from __future__ import annotations

from datetime import timedelta

from comptoir.infra.database import Database
from comptoir.ingest.queries import forget_keys
from comptoir.workspaces.queries import raw_event_days

RAW_EVENT_DAYS = 30
# A provider that repeats an event does so within days; a key is 40 bytes and outlives every raw event by far.
KEY_DAYS = 180

_EXPIRE = """
DELETE FROM raw_event r USING unnest($1::uuid[], $2::timestamptz[]) AS w (workspace_id, before)
 WHERE r.workspace_id = w.workspace_id AND r.received_at < w.before
"""


async def sweep(db: Database) -> None:
    """Delete what is past its time, and the weeks that are empty then. Set-based, outside the hot path."""
    async with db.system() as tx:
        days = await raw_event_days(tx, RAW_EVENT_DAYS)
        await tx.run("SET LOCAL statement_timeout = '10min'")
        await tx.run(_EXPIRE, list(days), [tx.now - timedelta(days=kept) for kept in days.values()])
        await tx.value("SELECT comptoir_drop_empty_weeks($1)", tx.now - timedelta(days=7))
    async with db.system() as tx:
        await tx.run("SET LOCAL statement_timeout = '10min'")
        await forget_keys(tx, tx.now - timedelta(days=KEY_DAYS))
