"""Migrations: numbered SQL files, applied forward only, by one process at a time.

A file is `NNNN_name.sql`. It runs in one transaction, unless one of its lines is `-- no-transaction` (for CREATE INDEX
CONCURRENTLY); then each of its statements runs by itself, and they must bear being repeated after a failure half-way.
What was applied is remembered with a checksum: a file is never edited afterwards, a new one is added.

Every statement must be safe while the previous release still runs. A statement that cannot have its lock soon gives
up and is tried again, because whoever waits for a lock makes everybody else wait behind it.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from pathlib import Path
from typing import Any

import asyncpg
import msgspec

from comptoir.infra.config import StartRefused
from comptoir.infra.log import get_logger

FOLDER = Path(__file__).with_name("migrations")
# Any number does, as long as it is the same in every release.
_LOCK = 0x636F6D70746F6972
_NAME = re.compile(r"(\d{4})_[a-z0-9_]+\.sql")
_NO_TRANSACTION = re.compile(r"^-- no-transaction\s*$", re.MULTILINE)
_TABLE = """
CREATE TABLE IF NOT EXISTS comptoir_migration (
    number integer PRIMARY KEY,
    name text NOT NULL,
    checksum bytea NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
)
"""
_APPLIED = "INSERT INTO comptoir_migration (number, name, checksum) VALUES ($1, $2, $3)"
_LOCK_TRIES = 20
_log = get_logger(__name__)


class Migration(msgspec.Struct, frozen=True):
    number: int
    name: str
    sql: str
    checksum: bytes

    @property
    def in_transaction(self) -> bool:
        return _NO_TRANSACTION.search(self.sql) is None


class MigrationState(msgspec.Struct, frozen=True):
    """Names of files: applied, still to apply, applied but changed since, and applied by a newer release."""

    applied: list[str]
    pending: list[str]
    changed: list[str]
    unknown: list[str]


def read_migrations(folder: Path = FOLDER) -> list[Migration]:
    """The migrations of this release, by number. Raises ValueError on a wrong name or a number given twice."""
    found: dict[int, Migration] = {}
    for path in sorted(folder.glob("*.sql")):
        match = _NAME.fullmatch(path.name)
        if match is None:
            raise ValueError(f"{path.name}: a migration is called NNNN_name.sql")
        number = int(match.group(1))
        if number in found:
            raise ValueError(f"{path.name} and {found[number].name} have the same number")
        sql = path.read_text(encoding="utf-8")
        found[number] = Migration(number, path.name, sql, hashlib.sha256(sql.encode()).digest())
    return list(found.values())


async def migration_state(connection: asyncpg.Connection[Any], folder: Path = FOLDER) -> MigrationState:
    """How the database stands to the files; changes nothing."""
    rows = []
    if await connection.fetchval("SELECT to_regclass('comptoir_migration')") is not None:
        rows = await connection.fetch("SELECT number, name, checksum FROM comptoir_migration ORDER BY number")
    files = {migration.number: migration for migration in await asyncio.to_thread(read_migrations, folder)}
    known = {row["number"] for row in rows}
    return MigrationState(
        applied=[row["name"] for row in rows],
        pending=[migration.name for number, migration in files.items() if number not in known],
        changed=[
            row["name"] for row in rows if row["number"] in files and files[row["number"]].checksum != row["checksum"]
        ],
        unknown=[row["name"] for row in rows if row["number"] not in files],
    )


def refuse_unfit(state: MigrationState) -> None:
    """Refuse a database that an applied file no longer describes, or that a newer release has changed."""
    if state.unknown:
        names = ", ".join(state.unknown)
        raise StartRefused(
            "database_newer",
            f"The database was migrated by a newer release of Comptoir ({names}): start that release or a newer one.",
            f"La base a été migrée par une version plus récente de Comptoir ({names})\u202f: "
            "lancez cette version ou une plus récente.",
        )
    if state.changed:
        names = ", ".join(state.changed)
        raise StartRefused(
            "migration_changed",
            f"Migrations already applied were edited afterwards ({names}): restore them and add a new file instead.",
            f"Des migrations déjà appliquées ont été modifiées ensuite ({names})\u202f: "
            "rétablissez-les et ajoutez un nouveau fichier.",
        )


async def migrate(dsn: str, folder: Path = FOLDER, *, wait: float = 300.0) -> list[str]:
    """Apply what is pending; returns the names applied, in order (empty when another process did it, or none was due).

    `wait` is how many seconds another migrating process is waited for. Raises StartRefused when the database is newer
    than this release, when an applied file was edited, or when the wait is over.
    """
    connection = await asyncpg.connect(dsn, server_settings={"application_name": "comptoir_migrate"})
    try:
        await _take_turn(connection, wait)
        await connection.execute(_TABLE)
        state = await migration_state(connection, folder)
        refuse_unfit(state)
        pending = [
            migration
            for migration in await asyncio.to_thread(read_migrations, folder)
            if migration.name in state.pending
        ]
        for migration in pending:
            await _apply_patiently(connection, migration)
            _log.info("migration applied", name=migration.name)
        if await connection.fetchval("SELECT to_regprocedure('comptoir_ensure_partitions(integer)')") is not None:
            await connection.execute("SELECT comptoir_ensure_partitions()")
        return [migration.name for migration in pending]
    finally:
        await connection.close()  # the lock goes with the session


async def _take_turn(connection: asyncpg.Connection[Any], wait: float) -> None:
    # Polled, because a process that waits inside pg_advisory_lock holds a snapshot, and CREATE INDEX CONCURRENTLY
    # waits for all snapshots: the two would deadlock.
    deadline = asyncio.get_running_loop().time() + wait
    while not await connection.fetchval("SELECT pg_try_advisory_lock($1)", _LOCK):
        if asyncio.get_running_loop().time() >= deadline:
            raise StartRefused(
                "migration_busy",
                f"Another process has been migrating the database for more than {wait:.0f} s: wait for it, then start again.",
                f"Un autre processus migre la base depuis plus de {wait:.0f} s\u202f: attendez-le, puis relancez.",
            )
        await asyncio.sleep(0.05)


async def _apply_patiently(connection: asyncpg.Connection[Any], migration: Migration) -> None:
    for attempt in range(1, _LOCK_TRIES + 1):
        try:
            await _apply(connection, migration)
        except asyncpg.LockNotAvailableError:
            if attempt == _LOCK_TRIES:
                raise
            _log.warning("a table is in use, the migration tries again", name=migration.name, attempt=attempt)
            await asyncio.sleep(min(0.1 * 2**attempt, 5.0))
        else:
            return


async def _apply(connection: asyncpg.Connection[Any], migration: Migration) -> None:
    row = (migration.number, migration.name, migration.checksum)
    if migration.in_transaction:
        async with connection.transaction():
            await connection.execute("SET LOCAL lock_timeout = '3s'")
            await connection.execute(migration.sql)
            await connection.execute(_APPLIED, *row)
        return
    # No lock_timeout here: a CONCURRENTLY waits long by nature, blocks nobody, and leaves rubbish when it is broken off.
    for statement in split_statements(migration.sql):
        await connection.execute(statement)
    await connection.execute(_APPLIED, *row)


_TOKEN = re.compile(
    r"--[^\n]*|/\*.*?\*/|'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|(?P<tag>\$(?:[A-Za-z_]\w*)?\$).*?(?P=tag)|(?P<end>;)",
    re.DOTALL,
)


def split_statements(sql: str) -> list[str]:
    """The statements of a script, by its semicolons outside comments, strings and dollar quotes."""
    statements, start = [], 0
    for match in _TOKEN.finditer(sql):
        if match.group("end"):
            statements.append(sql[start : match.start()])
            start = match.end()
    statements.append(sql[start:])
    bare = re.compile(r"--[^\n]*|/\*.*?\*/|\s", re.DOTALL)
    return [statement.strip() for statement in statements if bare.sub("", statement)]
