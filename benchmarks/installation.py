"""An installation to measure: PostgreSQL as the product runs it, a web and a worker process, and a workspace with agents and two inboxes."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import shutil
import tempfile
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import asyncpg

from comptoir.api.widget.tokens import VisitorTokens
from comptoir.inboxes.commands import create_inbox
from comptoir.infra.crypto import KeyRing, Sealer
from comptoir.infra.database import Database
from comptoir.infra.migrations import migrate
from comptoir.infra.postgres import EmbeddedPostgres, socket_dsn
from comptoir.infra.postgres_files import read_status
from comptoir.kernel.clock import system_clock
from comptoir.workspaces.commands import add_agent, create_person, create_workspace, sign_in
from tests.processes import SECRET_KEY, App

AGENTS = 3
# The door counts the requests of each inbox, so that one cannot flood the others.
HOOK_INBOXES = 8
HOOK_SECRET = "benchmarks-only-" + "0123456789abcdef"


class Server:
    """The PostgreSQL of a run, with the product's own settings; its folder goes with it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._postgres = EmbeddedPostgres(folder / "postgres")

    @property
    def pid(self) -> int:
        """The process above all of its processes."""
        assert self._postgres.pid is not None, "PostgreSQL is gone"
        return self._postgres.pid

    async def new_database(self) -> str:
        """A new, migrated database: its address."""
        name = f"b_{secrets.token_hex(6)}"
        await self._run(f"CREATE DATABASE {name} TEMPLATE template0")
        await migrate(self.dsn(name))
        return self.dsn(name)

    def dsn(self, name: str) -> str:
        status = read_status(self.folder / "postgres")
        assert status is not None, "PostgreSQL is gone"
        return socket_dsn(status.socket_folder, name)

    async def start(self) -> None:
        await self._postgres.start()

    async def stop(self) -> None:
        await self._postgres.stop()

    async def version(self) -> str:
        return str(await self._run("SHOW server_version"))

    async def refuses_to_flush(self) -> list[str]:
        """Which of the settings that make commits durable are off. A figure without them would be worth nothing."""
        connection = await asyncpg.connect(self.dsn("postgres"))
        try:
            rows = await connection.fetch(
                "SELECT name FROM pg_settings WHERE name IN ('fsync', 'full_page_writes', 'synchronous_commit') AND setting <> 'on'"
            )
        finally:
            await connection.close()
        return [row["name"] for row in rows]

    async def _run(self, statement: str) -> object:
        connection = await asyncpg.connect(self.dsn("postgres"))
        try:
            return await connection.fetchval(statement)
        finally:
            await connection.close()


@contextlib.asynccontextmanager
async def server() -> AsyncIterator[Server]:
    """A server that is gone afterwards, whatever happened. The folder is one that PostgreSQL's account may enter."""
    folder = Path(tempfile.mkdtemp(prefix="comptoir-bench-"))
    folder.chmod(0o755)
    running = Server(folder)
    try:
        await running.start()
        if off := await running.refuses_to_flush():
            raise RuntimeError(f"commits are not durable here: {', '.join(off)}")
        yield running
    finally:
        await running.stop()
        shutil.rmtree(folder, ignore_errors=True)


async def commits_per_second(running: Server, clients: int = 32, seconds: float = 2.0) -> int:
    """Single-row inserts, each committed by itself: what this disk and this PostgreSQL give to somebody who does not gather."""
    dsn = await running.new_database()
    pool = await asyncpg.create_pool(dsn, min_size=clients, max_size=clients)
    await pool.execute("CREATE TABLE calibration (id bigserial PRIMARY KEY, body text)")
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds

    async def repeat() -> int:
        done = 0
        async with pool.acquire() as connection:
            while loop.time() < end:
                await connection.execute("INSERT INTO calibration (body) VALUES ($1)", "x" * 100)
                done += 1
        return done

    total = sum(await asyncio.gather(*(repeat() for _ in range(clients))))
    await pool.close()
    return round(total / seconds)


@dataclass(frozen=True, slots=True)
class House:
    """A workspace as the generator needs it: where to knock, and with what."""

    dsn: str
    workspace_id: UUID
    agent_ids: list[UUID]
    web_inbox: UUID
    hook_inboxes: list[UUID]
    cookies: list[str]

    def tokens(self, number: int) -> list[str]:
        """Tokens of new visitors, signed as the door signs them."""
        tokens = VisitorTokens(KeyRing((SECRET_KEY,)), system_clock)
        return [tokens.make(self.web_inbox)[0] for _ in range(number)]


async def furnish(dsn: str) -> House:
    """Make the workspace, through the rooms' own commands."""
    sealer = Sealer(KeyRing((SECRET_KEY,)))
    db = Database(dsn)
    await db.open()
    try:
        async with db.system() as tx:
            workspace_id = await create_workspace(tx, name="Comfy Shoes", slug="comfy-shoes", locale="fr")
            persons = [
                await create_person(tx, email=f"agent{nth}@comfy.example", name=f"Agent {nth}", locale="fr")
                for nth in range(AGENTS)
            ]
            agent_ids = [await add_agent(tx, workspace_id, person, "agent") for person in persons]
            cookies = [await sign_in(tx, person) for person in persons]
            web = await create_inbox(tx, workspace_id, channel="web", name="Website", sealer=sealer, slug="shop")
            hooks = [
                await create_inbox(
                    tx,
                    workspace_id,
                    channel="loopback",
                    name=f"Loopback {nth}",
                    sealer=sealer,
                    settings={"api_base": "http://127.0.0.1:9/v1"},
                    credentials={
                        "token": secrets.token_hex(16),
                        "secret": HOOK_SECRET,
                        "verify_token": secrets.token_hex(8),
                    },
                )
                for nth in range(HOOK_INBOXES)
            ]
        return House(dsn, workspace_id, agent_ids, web, hooks, cookies)
    finally:
        await db.close()


@contextlib.asynccontextmanager
async def program(dsn: str, folder: Path, settings: Mapping[str, str] | None = None) -> AsyncIterator[App]:
    """A web and a worker process, ready."""
    app = App(dsn, folder / f"data-{secrets.token_hex(4)}", {"COMPTOIR_LOG_LEVEL": "warning", **(settings or {})})
    try:
        await app.start()
        yield app
    finally:
        await app.stop()
