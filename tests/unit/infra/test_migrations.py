"""Migrations: in order, once, by one process, and never over a database that they do not describe."""

from __future__ import annotations

import asyncio
from pathlib import Path

import asyncpg
import pytest

from comptoir.infra.config import StartRefused
from comptoir.infra.migrations import FOLDER, migrate, read_migrations, split_statements


def write(folder: Path, **files: str) -> Path:
    for name, sql in files.items():
        (folder / f"{name.removeprefix('m')}.sql").write_text(sql)
    return folder


async def tables(url: str) -> set[str]:
    connection = await asyncpg.connect(url)
    try:
        return {row[0] for row in await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")}
    finally:
        await connection.close()


async def test_files_are_applied_in_order_and_once(empty_database_url: str, tmp_path: Path) -> None:
    write(tmp_path, m0002_b="ALTER TABLE a ADD COLUMN b integer", m0001_a="CREATE TABLE a (id integer)")
    assert await migrate(empty_database_url, tmp_path) == ["0001_a.sql", "0002_b.sql"]
    assert await migrate(empty_database_url, tmp_path) == []
    write(tmp_path, m0003_c="CREATE TABLE c (id integer)")
    assert await migrate(empty_database_url, tmp_path) == ["0003_c.sql"]


async def test_processes_that_migrate_together_apply_each_file_once(empty_database_url: str, tmp_path: Path) -> None:
    """Also with an index built concurrently, which deadlocks with processes that wait inside a blocking lock."""
    write(
        tmp_path,
        m0001_a="CREATE TABLE a (id integer)",
        m0002_b="-- no-transaction\nCREATE INDEX CONCURRENTLY a_id ON a (id);\nCREATE INDEX CONCURRENTLY a_id2 ON a (id);",
        m0003_c="SELECT pg_sleep(0.2)",
    )
    outcomes = await asyncio.gather(*(migrate(empty_database_url, tmp_path) for _ in range(4)))
    assert sorted(outcomes, key=len) == [[], [], [], ["0001_a.sql", "0002_b.sql", "0003_c.sql"]]


async def test_a_file_that_fails_leaves_nothing_behind(empty_database_url: str, tmp_path: Path) -> None:
    write(tmp_path, m0001_a="CREATE TABLE a (id integer)", m0002_b="CREATE TABLE b (id integer); SELECT 1/0")
    with pytest.raises(asyncpg.DivisionByZeroError):
        await migrate(empty_database_url, tmp_path)
    assert await tables(empty_database_url) == {"a", "comptoir_migration"}
    write(tmp_path, m0002_b="CREATE TABLE b (id integer)")
    assert await migrate(empty_database_url, tmp_path) == ["0002_b.sql"]


async def test_an_applied_file_that_was_edited_is_refused(empty_database_url: str, tmp_path: Path) -> None:
    await migrate(empty_database_url, write(tmp_path, m0001_a="CREATE TABLE a (id integer)"))
    write(tmp_path, m0001_a="CREATE TABLE a (id bigint)", m0002_b="CREATE TABLE b (id integer)")
    with pytest.raises(StartRefused, match=r"0001_a\.sql") as refusal:
        await migrate(empty_database_url, tmp_path)
    assert refusal.value.code == "migration_changed"
    assert "b" not in await tables(empty_database_url)


async def test_a_database_of_a_newer_release_is_refused(empty_database_url: str, tmp_path: Path) -> None:
    await migrate(empty_database_url, write(tmp_path, m0001_a="SELECT 1", m0002_b="SELECT 2"))
    (tmp_path / "0002_b.sql").unlink()
    with pytest.raises(StartRefused, match=r"newer release.*0002_b\.sql") as refusal:
        await migrate(empty_database_url, tmp_path)
    assert "plus récente" in refusal.value.fr


async def test_a_table_in_use_is_waited_for_without_making_others_wait(empty_database_url: str, tmp_path: Path) -> None:
    await migrate(empty_database_url, write(tmp_path, m0001_a="CREATE TABLE a (id integer)"))
    write(tmp_path, m0002_b="ALTER TABLE a ADD COLUMN b integer")
    holder = await asyncpg.connect(empty_database_url)
    reader = await asyncpg.connect(empty_database_url)
    holding = holder.transaction()
    await holding.start()
    await holder.execute("SELECT * FROM a")
    migrating = asyncio.create_task(migrate(empty_database_url, tmp_path))
    async with asyncio.timeout(8):
        # The migration's lock stands in the queue before us, yet gives up before we do.
        await asyncio.sleep(0.5)
        assert await reader.fetch("SELECT * FROM a") == []
    assert not migrating.done()
    await holding.rollback()
    assert await asyncio.wait_for(migrating, 20) == ["0002_b.sql"]
    await holder.close()
    await reader.close()


def test_numbers_are_given_once_and_names_have_a_form(tmp_path: Path) -> None:
    write(tmp_path, m0001_a="", m0001_b="")
    with pytest.raises(ValueError, match="same number"):
        read_migrations(tmp_path)
    (tmp_path / "0001_b.sql").rename(tmp_path / "second.sql")
    with pytest.raises(ValueError, match=r"second\.sql"):
        read_migrations(tmp_path)


def test_statements_are_split_outside_strings_comments_and_bodies() -> None:
    script = """
    -- a comment; with a semicolon
    CREATE FUNCTION f() RETURNS text LANGUAGE sql AS $body$ SELECT 'a;b'; $body$;
    SELECT 'it''s; fine', "odd;name" /* ; */ FROM t;
    -- the end
    """
    first, second = split_statements(script)
    assert "$body$ SELECT 'a;b'; $body$" in first
    assert second.startswith("SELECT 'it''s; fine'")


async def test_our_own_migrations_run_on_an_empty_database_and_keep_partitions_ahead(empty_database_url: str) -> None:
    names = await migrate(empty_database_url)
    assert names == sorted(path.name for path in FOLDER.glob("*.sql"))
    weeks = [name for name in await tables(empty_database_url) if name.startswith("fact_2")]
    assert len(weeks) == 4
