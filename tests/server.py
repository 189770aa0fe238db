"""The PostgreSQL of a test run: one server, shared by the run's workers, gone at the end whatever happened."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import hashlib
import os
import shutil
from collections.abc import AsyncIterator, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

import asyncpg
import pytest

from comptoir.infra.migrations import FOLDER, migrate
from comptoir.infra.postgres import EmbeddedPostgres, socket_dsn
from comptoir.infra.postgres_files import process_runs, read_status
from comptoir.infra.postgres_programs import Programs, find_programs

# Flushing to disk stays on as in earnest: the program refuses a server that does not.
_SETTINGS = {"max_connections": "300", "shared_buffers": "64MB"}
# Held on to, because whoever leaves last stops the server, and that may be another process.
_started: list[EmbeddedPostgres] = []
_RUNS = "comptoir-tests-{}"
T = TypeVar("T")


def programs() -> Programs:
    """The version under test: COMPTOIR_TEST_POSTGRES (such as 15), else what Comptoir itself would choose."""
    wanted = os.environ.get("COMPTOIR_TEST_POSTGRES")
    return find_programs(folder=Path(f"/usr/lib/postgresql/{wanted}/bin")) if wanted else find_programs()


class TestServer:
    """A running server; `folder` is where its files and socket are."""

    __test__ = False

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def dsn(self, database: str) -> str:
        status = read_status(self.folder / "postgres")
        assert status is not None, "the tests' PostgreSQL is gone"
        return socket_dsn(status.socket_folder, database)

    @contextlib.asynccontextmanager
    async def database(self, template: str = "template0") -> AsyncIterator[str]:
        """A new database, dropped at the end even if somebody is still connected."""
        name = f"t_{uuid4().hex}"
        await self._run(f"CREATE DATABASE {name} TEMPLATE {template}")
        try:
            yield self.dsn(name)
        finally:
            await self._run(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    async def template(self) -> str:
        """The name of a database with all migrations applied; made once for each state of the migrations."""
        state = hashlib.sha256()
        for path in sorted(FOLDER.glob("*.sql")):
            state.update(path.name.encode() + path.read_bytes())
        name = f"template_{state.hexdigest()[:16]}"
        with _locked(self.folder / f"{name}.lock") as lock_file:
            if not lock_file.read_text():
                await self._run(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
                await self._run(f"CREATE DATABASE {name} TEMPLATE template0")
                await migrate(self.dsn(name))
                lock_file.write_text("done")
        return name

    async def _run(self, statement: str) -> None:
        connection = await asyncpg.connect(self.dsn("postgres"))
        try:
            await connection.execute(statement)
        finally:
            await connection.close()


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[Path]:
    with path.open("a+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield path


def run_folder(factory: pytest.TempPathFactory) -> Path:
    """A folder that all workers of this run agree on, short enough for a socket and open to PostgreSQL's account."""
    base = factory.getbasetemp()
    whole_run = base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base
    mark = hashlib.sha256(f"{whole_run}{os.environ.get('PYTEST_XDIST_TESTRUNUID', '')}".encode()).hexdigest()[:12]
    return Path("/tmp") / _RUNS.format(mark)


@contextlib.contextmanager
def shared_server(folder: Path) -> Iterator[TestServer]:
    """Start the run's server, or join it; the last one out stops it and removes its files."""
    _sweep(folder)
    users = folder / "users"
    while not _join(folder):
        pass
    try:
        yield TestServer(folder)
    finally:
        with _locked(folder / "lock"):
            (users / str(os.getpid())).unlink(missing_ok=True)
            if not _in_use(folder):
                remove_data(folder)


def _join(folder: Path) -> bool:
    """Start or join the server; False when the last of its users removed it while we waited for the lock."""
    folder.mkdir(mode=0o755, exist_ok=True)
    with contextlib.suppress(FileNotFoundError), _locked(folder / "lock") as lock:
        if not lock.exists():
            return False
        (folder / "users").mkdir(exist_ok=True)
        (folder / "users" / str(os.getpid())).touch()
        if not (folder / "ready").exists():
            _alone(_start(folder))
            (folder / "ready").touch()
        return True
    return False


def _in_use(folder: Path) -> bool:
    """Whether a living process uses the server: one that crashed left its name behind."""
    return any(process_runs(int(path.name)) for path in (folder / "users").glob("[0-9]*"))


def _sweep(own: Path) -> None:
    """Remove the servers of runs that were killed before they could do it themselves."""
    for folder in own.parent.glob(_RUNS.format("*")):
        if folder == own or not (folder / "ready").exists():
            continue
        # Another account's servers are its own to remove.
        with contextlib.suppress(FileNotFoundError, PermissionError), _locked(folder / "lock") as lock:
            if lock.exists() and not _in_use(folder):
                remove_data(folder)


async def _start(folder: Path) -> None:
    server = EmbeddedPostgres(folder / "postgres", programs=programs(), settings=_SETTINGS)
    await server.start()
    _started.append(server)


def _alone(work: Coroutine[Any, Any, T]) -> T:
    """Run it on a loop of its own thread: the test's loop, running or not, is none of its business."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()


def remove_data(folder: Path) -> None:
    """Stop the PostgreSQL of a data folder, if one runs, and remove the folder."""
    status = read_status(folder / "postgres")
    if status is not None:
        _alone(EmbeddedPostgres(folder / "postgres").stop("immediate", wait=10))
        shutil.rmtree(status.socket_folder, ignore_errors=True)
    shutil.rmtree(folder, ignore_errors=True)
