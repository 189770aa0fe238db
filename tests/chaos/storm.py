"""A storm over the whole program: visitors write and an agent answers while its processes are killed at random.

Whoever writes repeats what was not acknowledged, with the same id, and writes the next message only after the last was acknowledged. So at the end
every conversation must hold its visitor's messages exactly once and in the order in which they were written.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import aiohttp

from comptoir.inboxes.commands import create_inbox
from comptoir.infra.config import load_config
from comptoir.infra.crypto import KeyRing, Sealer
from comptoir.infra.database import AWAY, Database
from comptoir.infra.postgres import database_dsn
from comptoir.kernel.ids import uuid7
from comptoir.workspaces.commands import create_api_key, create_workspace
from tests.processes import answer, clean_environment, free_port, wait_for

# How often each falls. The supervisor falls too, but seldom: then everything falls and starts from the data folder.
VICTIMS = {"web": 5, "worker": 5, "postgres": 3, "supervisor": 1}


@dataclass(slots=True)
class Written:
    """What one visitor wrote and saw acknowledged, in order; and how often it had to repeat itself."""

    visitor_id: str
    acknowledged: list[str] = field(default_factory=list)
    repeats: int = 0


@dataclass(slots=True)
class Storm:
    """The program under `comptoir serve`, its load and its killer."""

    data: Path
    kills: int
    visitors: int = 24
    seed: int = 7
    deduplicate: bool = True
    only_while_serving: bool = False
    victims: dict[str, int] = field(default_factory=lambda: dict(VICTIMS))
    port: int = field(default_factory=free_port)
    written: list[Written] = field(default_factory=list)
    answered: dict[str, list[str]] = field(default_factory=dict)
    killed: Counter[str] = field(default_factory=Counter)
    workspace_id: UUID | None = None
    inbox_id: UUID | None = None
    _process: subprocess.Popen[bytes] | None = None
    _calm: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def base_url(self) -> str:
        """Where the program answers."""
        return f"http://127.0.0.1:{self.port}"

    def environment(self) -> dict[str, str]:
        """The settings of the program under test."""
        extra = {} if self.deduplicate else {"COMPTOIR_CHAOS_WITHOUT_DEDUPLICATION": "1"}
        return clean_environment(
            COMPTOIR_DATA=str(self.data), COMPTOIR_PORT=str(self.port), COMPTOIR_LOG_LEVEL="warning", **extra
        )

    # ------------------------------------------------------------------------------------------------------------- the program

    def start(self) -> None:
        """Start `comptoir serve` and wait until it is ready."""
        with (self.data / "serve.log").open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "comptoir", "serve"],
                env=self.environment(),
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        self._wait_until_ready()

    def _wait_until_ready(self) -> None:
        try:
            wait_for(
                "answer of /readyz", lambda: answer(f"{self.base_url}/readyz")[0] == 200, within=60, alive=self._process
            )
        except AssertionError as failure:
            raise AssertionError(f"{failure}\n{self.log()}") from None

    def log(self) -> str:
        """The end of the program's log."""
        return (self.data / "serve.log").read_text(errors="replace")[-6000:]

    def stop(self) -> int:
        """SIGTERM; gives the exit status."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(60)

    def _pid(self, victim: str) -> int | None:
        if victim == "supervisor":
            return self._process.pid if self._process else None
        if victim == "postgres":
            with contextlib.suppress(OSError, ValueError, IndexError):
                return int((self.data / "postgres" / "postmaster.pid").read_text().split("\n", 1)[0])
            return None
        return child_pid(self._process.pid, victim) if self._process else None

    async def kill_at_random(self) -> None:
        """Kill -9 one process after another, with short pauses, until there were enough."""
        dice = random.Random(self.seed)
        while sum(self.killed.values()) < self.kills:
            if self.only_while_serving:
                await asyncio.to_thread(self._wait_until_ready)
            await asyncio.sleep(dice.uniform(0.6, 2.2))
            victim = dice.choices(list(self.victims), weights=list(self.victims.values()))[0]
            pid = self._pid(victim)
            if pid is None:
                continue
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
                self.killed[victim] += 1
            if victim == "supervisor":
                assert self._process is not None
                await asyncio.to_thread(self._process.wait)
                await asyncio.to_thread(self.start)
        await asyncio.sleep(1.5)
        self._calm.set()

    # ---------------------------------------------------------------------------------------------------------------- the load

    async def prepare(self) -> str:
        """A workspace, an inbox and a key to answer with; gives the key."""
        config = load_config(self.environment())
        async with self.database() as db:
            sealer = Sealer(KeyRing(config.secret_keys))
            async with db.system() as tx:
                self.workspace_id = await create_workspace(tx, name="Storm", slug="storm")
                self.inbox_id = await create_inbox(tx, self.workspace_id, channel="web", name="Storm", sealer=sealer)
                made = await create_api_key(tx, self.workspace_id, name="storm", role="agent")
        return made[1]

    @contextlib.asynccontextmanager
    async def database(self) -> AsyncIterator[Database]:
        """The program's own database."""
        db = Database(database_dsn(load_config(self.environment())), system_size=2, app_size=1)
        await db.open()
        try:
            yield db
        finally:
            await db.close()

    async def rage(self) -> None:
        """Write, answer and kill; return when it is calm and everything is written."""
        key = await self.prepare()
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=4)) as http:
            tokens = [await self._token(http) for _ in range(self.visitors)]
            writers = [asyncio.create_task(self._write(http, token, n)) for n, token in enumerate(tokens)]
            agent = asyncio.create_task(self._answer(http, key))
            try:
                await self.kill_at_random()
                await asyncio.gather(*writers, agent)
            finally:
                for task in (*writers, agent):
                    task.cancel()
                await asyncio.gather(*writers, agent, return_exceptions=True)

    async def _token(self, http: aiohttp.ClientSession) -> str:
        async with http.post(f"{self.base_url}/widget/api/{self.inbox_id}/visitor", json={}) as response:
            made = await response.json()
        self.written.append(Written(made["visitor_id"]))
        return str(made["token"])

    async def _write(self, http: aiohttp.ClientSession, token: str, number: int) -> None:
        mine, nth = self.written[number], 0
        url, headers = f"{self.base_url}/widget/api/{self.inbox_id}/messages", {"Authorization": f"Bearer {token}"}
        while not self._calm.is_set():
            text = f"{number}:{nth}"
            body = {"client_id": str(uuid7()), "content": {"type": "text", "text": text}}
            mine.repeats += await self._insist(http, url, body, headers, {202})
            mine.acknowledged.append(text)
            nth += 1
            await asyncio.sleep(0.01)

    async def _insist(
        self, http: aiohttp.ClientSession, url: str, body: dict[str, Any], headers: dict[str, str], wanted: set[int]
    ) -> int:
        """Repeat a request with the same id until it is acknowledged; gives how often it had to be repeated."""
        repeats, deadline = 0, time.monotonic() + 90
        while True:
            try:
                async with http.post(url, json=body, headers=headers) as response:
                    if response.status in wanted:
                        return repeats
                    said = await response.text()
                    assert response.status in {429, 500, 502, 503}, f"{response.status} {said}\n{self.log()}"
            except (aiohttp.ClientError, TimeoutError, OSError):
                pass
            assert time.monotonic() < deadline, f"not acknowledged within 90 s\n{self.log()}"
            repeats += 1
            await asyncio.sleep(0.1)

    async def _answer(self, http: aiohttp.ClientSession, key: str) -> None:
        """A program answers the conversations it sees, each answer under an id of its own (a key writes as a bot)."""
        headers, nth = {"Authorization": f"Bearer {key}"}, 0
        while not self._calm.is_set():
            for conversation_id in await self._conversations(http, headers):
                if self._calm.is_set():
                    return
                text = f"answer {nth}"
                body = {"id": str(uuid7()), "kind": "message", "content": {"type": "text", "text": text}}
                url = f"{self.base_url}/api/v1/conversations/{conversation_id}/messages"
                await self._insist(http, url, body, headers, {200, 201})
                self.answered.setdefault(conversation_id, []).append(text)
                nth += 1
            await asyncio.sleep(0.05)

    async def _conversations(self, http: aiohttp.ClientSession, headers: dict[str, str]) -> list[str]:
        with contextlib.suppress(aiohttp.ClientError, TimeoutError, OSError, KeyError):
            async with http.get(
                f"{self.base_url}/api/v1/conversations?status=open&limit=50", headers=headers
            ) as response:
                if response.status == 200:
                    return [row["id"] for row in (await response.json())["items"]]
        return []

    # ------------------------------------------------------------------------------------------------------------- the reckoning

    async def settled(self) -> None:
        """Wait until the lanes have nothing left."""
        deadline = time.monotonic() + 60
        while True:
            with contextlib.suppress(*AWAY):
                async with self.database() as db, db.system() as tx:
                    if await tx.value("SELECT count(*) FROM todo") == 0:
                        return
            assert time.monotonic() < deadline, f"the lanes did not drain\n{self.log()}"
            await asyncio.sleep(0.2)

    async def stored(self) -> dict[str, list[tuple[str, str]]]:
        """What every conversation holds: (author, text) in order, by the contact's address."""
        async with self.database() as db, db.system() as tx:
            rows = await tx.fetch(
                "SELECT i.address, c.id, m.author_kind, m.content->>'text' AS text FROM message m"
                "  JOIN conversation c ON c.workspace_id = m.workspace_id AND c.id = m.conversation_id"
                "  JOIN identity i ON i.workspace_id = c.workspace_id AND i.id = c.identity_id"
                " WHERE m.workspace_id = $1 ORDER BY i.address, c.id, m.seq",
                self.workspace_id,
            )
        found: dict[str, list[tuple[str, str]]] = {}
        for row in rows:
            found.setdefault(row["address"], []).append((row["author_kind"], row["text"]))
            found.setdefault(str(row["id"]), []).append((row["author_kind"], row["text"]))
        return found

    async def reckon(self) -> None:
        """Every acknowledged message is there once, in the order in which it was written; and so is every answer."""
        await self.settled()
        stored = await self.stored()
        for mine in self.written:
            held = [text for author, text in stored.get(mine.visitor_id, []) if author == "contact"]
            assert held == mine.acknowledged, difference(mine.acknowledged, held)
        for conversation_id, answers in self.answered.items():
            held = [text for author, text in stored.get(conversation_id, []) if author == "bot"]
            assert held == answers, difference(answers, held)


def difference(wanted: list[str], held: list[str]) -> str:
    """What is missing, doubled or out of order, in a line."""
    count = Counter(held)
    missing = [text for text in wanted if text not in count]
    doubled = [text for text, times in count.items() if times > 1]
    return f"missing {missing[:5]}, doubled {doubled[:5]}, {'out of order' if not missing and not doubled else ''} ({len(wanted)}/{len(held)})"


def child_pid(parent: int, name: str) -> int | None:
    """The process that the supervisor runs under this name."""
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        with contextlib.suppress(OSError, IndexError):
            command = (folder / "cmdline").read_bytes().decode(errors="replace").split("\0")
            stat = (folder / "stat").read_text().rpartition(")")[2].split()
            if int(stat[1]) == parent and "comptoir.entrypoints.processes" in command and name in command:
                return int(folder.name)
    return None
