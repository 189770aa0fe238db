"""Fixtures that every test shares: a real PostgreSQL, a database of one's own, a clock, and the program itself.

One server serves all workers of a test run; a template database is migrated once and cloned for each test (25 ms).
"""

from __future__ import annotations

import socket
import sys
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, settings

from tests import processes, server

if TYPE_CHECKING:
    from comptoir.infra.database import Database
    from tests.world import World

# A property is about values. How long one took says how busy the machine was.
settings.register_profile("house", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("house")


class HandClock:
    """A clock that moves only by hand: `clock()` is now, `clock.pass_time(days=7)` lets a week go by."""

    def __init__(self, start: datetime = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)) -> None:
        self.now = start

    def __call__(self) -> datetime:
        return self.now

    def pass_time(self, **span: float) -> datetime:
        self.now += timedelta(**span)
        return self.now


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[server.TestServer]:
    """The run's PostgreSQL: the wheel's 18, or what COMPTOIR_TEST_POSTGRES names (15)."""
    with server.shared_server(server.run_folder(tmp_path_factory)) as shared:
        yield shared


@pytest.fixture
async def empty_database_url(postgres: server.TestServer) -> AsyncIterator[str]:
    """A database without any tables, dropped afterwards."""
    async with postgres.database() as url:
        yield url


@pytest.fixture
async def database_url(postgres: server.TestServer) -> AsyncIterator[str]:
    """A migrated database of the test's own, dropped afterwards."""
    async with postgres.database(template=await postgres.template()) as url:
        yield url


@pytest.fixture
async def db(database_url: str) -> AsyncIterator[Database]:
    """`Database` opened on `database_url`, with small pools."""
    from comptoir.infra.database import Database

    database = Database(database_url, app_size=3, system_size=4)
    await database.open()
    yield database
    await database.close()


@pytest.fixture
async def running_app(database_url: str, tmp_path: Path) -> AsyncIterator[str]:
    """The program as it is deployed: a web and a worker process on `database_url`; gives the base URL.

    `tmp_path / "data"` is its data folder. Ends with SIGTERM, and fails when a process ended badly.
    """
    app = processes.App(database_url, tmp_path / "data")
    await app.start()
    try:
        yield app.base_url
    finally:
        await app.stop()


@pytest.fixture
def data_folder() -> Iterator[Path]:
    """A data folder with a short path (sockets have to fit), open to the account that PostgreSQL runs under."""
    folder = Path("/tmp") / f"comptoir-test-{uuid4().hex[:10]}"
    folder.mkdir(mode=0o755)
    try:
        yield folder
    finally:
        server.remove_data(folder)


def _only_this_machine(event: str, arguments: tuple[object, ...]) -> None:
    if event == "socket.connect":
        address = arguments[1]
        host = address[0] if isinstance(address, tuple) and address else None
    elif event == "socket.getaddrinfo":
        host = arguments[0]
    else:
        return
    name = host.decode() if isinstance(host, bytes) else host
    if isinstance(name, str) and not _harmless(name, connecting=event == "socket.connect"):
        pytest.fail(f"a test tried to reach {name}: tests speak with this machine only", pytrace=True)


def _harmless(name: str, *, connecting: bool) -> bool:
    if name in {"", "localhost"} or name.endswith((".localhost", ".invalid")):
        return True
    try:
        return ip_address(name).is_loopback or not connecting
    except ValueError:
        pass
    try:
        socket.inet_aton(name)  # a number in an old spelling, such as 0x7f.1: resolving it asks nobody
    except OSError:
        return False
    return not connecting


def pytest_configure() -> None:
    """Connections to any other machine, and questions about its name, fail the test that makes them."""
    sys.addaudithook(_only_this_machine)


@pytest.fixture
async def world(db: Database, clock: HandClock) -> AsyncIterator[World]:
    """A workspace with a web inbox, and the parts that move a message, driven by hand."""
    from tests.world import make_world

    made = await make_world(db, clock)
    db.clock = clock
    yield made
    await made.close()
