"""The two that are measured against each other: the program itself and the bare limit, each with its own database on one PostgreSQL."""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import secrets
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

import asyncpg

from benchmarks import bare
from benchmarks.installation import AGENTS, HOOK_SECRET, House, Server, program
from benchmarks.load import ROOT, HookPlan, HookResult, Phase, PhaseResult, SocketPlan, run
from tests.processes import answer, clean_environment, free_port, wait_for


@dataclass(frozen=True, slots=True)
class Contender:
    """Somebody to put under load.

    `processes` are its own, without PostgreSQL. `stored` and `waiting` ask its database how many messages it holds, and how many wait
    there for their lane.
    """

    name: str
    port: int
    visitor_path: str
    agent_path: str
    hook_paths: list[str]
    processes: dict[str, int]
    postgres: int
    cookies: list[str]
    house: House | None
    dsn: str
    stored: str
    waiting: str = ""

    def tokens(self, number: int) -> list[str]:
        """Tokens of new visitors."""
        if self.house is not None:
            return self.house.tokens(number)
        addresses = [secrets.token_hex(16) for _ in range(number)]
        return [
            f"{address}.{hmac.digest(HOOK_SECRET.encode(), address.encode(), 'sha256').hex()}" for address in addresses
        ]

    @property
    def watched(self) -> dict[str, int]:
        """Whose processor time counts."""
        return self.processes | {"postgres": self.postgres}

    async def talk(self, visitors: int, phases: Sequence[Phase], *, until_full: bool = False) -> list[PhaseResult]:
        """Visitors write and agents watch. Raises RuntimeError when a message was acknowledged and is not in the database."""
        before = await self.count()
        plan = SocketPlan(
            port=self.port,
            visitor_path=self.visitor_path,
            tokens=self.tokens(visitors),
            agent_path=self.agent_path,
            agent_cookies=self.cookies,
            phases=list(phases),
            watched=self.watched,
            until_full=until_full,
        )
        results = await run(plan, list[PhaseResult])
        acknowledged = sum(result.acknowledged for result in results)
        stored = await self.count() - before
        if stored < acknowledged:
            raise RuntimeError(f"{self.name}: {acknowledged} acknowledged, {stored} in the database")
        return results[1:]

    async def knock(self, *, rate: float, seconds: float, connections: int = 64, contacts: int = 200) -> HookResult:
        """Signed webhooks."""
        plan = HookPlan(
            port=self.port,
            paths=self.hook_paths,
            secret=HOOK_SECRET,
            connections=connections,
            contacts=contacts,
            rate=rate,
            seconds=seconds,
            watched=self.watched,
        )
        return await run(plan, HookResult)

    async def count(self) -> int:
        """Messages in the database."""
        return await self._number(self.stored)

    async def settle(self, within: float = 60.0) -> None:
        """Wait until nothing waits for its lane. Raises TimeoutError."""
        async with asyncio.timeout(within):
            while self.waiting and await self._number(self.waiting):  # noqa: ASYNC110 - another process does the work
                await asyncio.sleep(0.1)

    async def _number(self, query: str) -> int:
        connection = await asyncpg.connect(self.dsn)
        try:
            found: int = await connection.fetchval(query)
        finally:
            await connection.close()
        return found


@contextlib.asynccontextmanager
async def ours(server: Server, house: House) -> AsyncIterator[Contender]:
    """The program: a web and a worker process."""
    async with program(house.dsn, server.folder) as app:
        yield Contender(
            name="comptoir",
            port=app.port,
            visitor_path=f"/widget/api/{house.web_inbox}/socket",
            agent_path=f"/api/v1/socket?workspace={house.workspace_id}",
            hook_paths=[f"/hooks/loopback/{inbox}" for inbox in house.hook_inboxes],
            processes={name: app.process(name).pid for name in ("web", "worker")},
            postgres=server.pid,
            cookies=house.cookies,
            house=house,
            dsn=house.dsn,
            stored="SELECT count(*) FROM message WHERE author_kind = 'contact'",
            waiting="SELECT count(*) FROM todo",
        )


@contextlib.asynccontextmanager
async def bare_limit(server: Server) -> AsyncIterator[Contender]:
    """The bare program, on uvicorn with the same settings as ours."""
    dsn, port = await server.new_database(), free_port()
    connection = await asyncpg.connect(dsn)
    await connection.execute(bare.TABLE)
    await connection.close()
    with (server.folder / "bare.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.serve_bare", str(port)],
            env=clean_environment(**{bare.DSN: dsn, bare.SECRET: HOOK_SECRET}),
            cwd=ROOT,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        await asyncio.to_thread(
            wait_for, "the bare limit", lambda: answer(f"http://127.0.0.1:{port}/")[0] != 0, alive=process
        )
        yield Contender(
            name="bare",
            port=port,
            visitor_path="/visitor",
            agent_path="/agent",
            hook_paths=["/hook"],
            processes={"web": process.pid},
            postgres=server.pid,
            cookies=[""] * AGENTS,
            house=None,
            dsn=dsn,
            stored="SELECT count(*) FROM bare_message",
        )
    finally:
        process.terminate()
        await asyncio.to_thread(process.wait)
