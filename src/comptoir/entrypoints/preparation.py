"""What must be true of the database before a process works with it."""

from __future__ import annotations

import asyncpg

from comptoir.infra.config import Config, StartRefused
from comptoir.infra.migrations import migrate, migration_state
from comptoir.infra.postgres import check_durability, database_dsn


async def prepare_database(dsn: str) -> list[str]:
    """Check that the server keeps what it acknowledges, then migrate; returns what was applied. Raises StartRefused."""
    connection = await connect(dsn)
    try:
        await check_durability(connection)
    finally:
        await connection.close()
    return await migrate(dsn)


async def check_database(config: Config) -> str:
    """For a process that does not migrate: the database's address, once it is durable and migrated. Raises StartRefused."""
    dsn = database_dsn(config)
    await check_migrated(dsn)
    return dsn


async def check_migrated(dsn: str) -> None:
    """Refuse a database that is not durable, or that lacks a migration of this release. Raises StartRefused.

    One that a newer release has migrated is fine: its migrations are safe while this release still runs.
    """
    connection = await connect(dsn)
    try:
        await check_durability(connection)
        state = await migration_state(connection)
    finally:
        await connection.close()
    if state.pending:
        raise StartRefused(
            "not_migrated",
            "The database is not up to date: run comptoir migrate first.",
            "La base n’est pas à jour\u202f: exécutez d’abord comptoir migrate.",
        )


async def connect(dsn: str) -> asyncpg.Connection[asyncpg.Record]:
    """A connection, or one sentence about why there is none. Raises StartRefused."""
    try:
        return await asyncpg.connect(dsn, timeout=10)
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        reason = f"{type(error).__name__}: {error}"
        raise StartRefused(
            "database_away",
            f"The database cannot be reached ({reason}): check DATABASE_URL and the server.",
            f"La base de données est injoignable ({reason})\u202f: vérifiez DATABASE_URL et le serveur.",
            passing=True,
        ) from None
