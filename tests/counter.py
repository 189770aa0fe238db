"""The app's API on a real socket, over the parts of a `World`, and a client that speaks with it as a browser or a program does."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import aiohttp
import msgspec
import uvicorn

from comptoir.api.app import create_api
from comptoir.api.services import Services
from comptoir.inboxes.cache import InboxCache
from comptoir.inboxes.health import HealthNotes
from comptoir.infra.blobs import open_blobs
from comptoir.infra.config import load_config
from comptoir.infra.crypto import KeyRing
from comptoir.infra.disk import DiskWatch
from comptoir.realtime.hub import Hub
from comptoir.workspaces.commands import create_api_key
from comptoir.workspaces.queries import Role
from tests.world import PASSWORD, SECRET, World

METRICS_TOKEN = "metrics-for-tests"


@dataclass(slots=True)
class Answer:
    """What came back."""

    status: int
    body: bytes
    headers: dict[str, str]

    @property
    def json(self) -> Any:
        return msgspec.json.decode(self.body)

    @property
    def code(self) -> str | None:
        """The code of a refusal, None of a success."""
        return None if self.status < 400 else str(self.json["error"]["code"])


@dataclass(slots=True)
class Client:
    """Somebody who asks: a browser with a cookie, or a program with a key."""

    base_url: str
    session: aiohttp.ClientSession
    headers: dict[str, str] = field(default_factory=dict)

    async def ask(self, method: str, path: str, body: Any = None, **options: Any) -> Answer:
        """One request below `/api/v1`, or to a path of its own when it starts with two slashes."""
        url = self.base_url + (path[1:] if path.startswith("//") else "/api/v1" + path)
        headers = {**self.headers, **options.pop("headers", {})}
        if body is not None:
            options["data"] = io.BytesIO(body if isinstance(body, bytes) else msgspec.json.encode(body))
            headers.setdefault("Content-Type", "application/json")
        async with self.session.request(method, url, headers=headers, allow_redirects=False, **options) as answer:
            return Answer(answer.status, await answer.read(), {k.lower(): v for k, v in answer.headers.items()})

    async def get(self, path: str, **params: Any) -> Answer:
        return await self.ask("GET", path, params={name: str(value) for name, value in params.items()})

    async def post(self, path: str, body: Any = None, **options: Any) -> Answer:
        return await self.ask("POST", path, body, **options)

    async def patch(self, path: str, body: Any) -> Answer:
        return await self.ask("PATCH", path, body)

    async def delete(self, path: str) -> Answer:
        return await self.ask("DELETE", path)


@dataclass(slots=True)
class Counter:
    """A running API."""

    world: World
    services: Services
    base_url: str
    session: aiohttp.ClientSession

    def stranger(self, **headers: str) -> Client:
        """Somebody without a cookie or key."""
        return Client(self.base_url, self.session, headers)

    async def sign_in(self, email: str, password: str = PASSWORD) -> Client:
        """A browser that has signed in."""
        client = Client(self.base_url, self.session, {"Origin": self.base_url})
        answer = await client.post("/session", {"email": email, "password": password})
        assert answer.status == 200, answer.body
        client.headers["Cookie"] = answer.headers["set-cookie"].partition(";")[0]
        return client

    async def owner(self) -> Client:
        return await self.sign_in("nora@comfy-shoes.example")

    async def agent(self) -> Client:
        return await self.sign_in("tom@comfy-shoes.example")

    async def program(self, role: Role, workspace_id: UUID | None = None) -> Client:
        """A program with an API key of this role."""
        async with self.world.db.system() as tx:
            _, key = await create_api_key(tx, workspace_id or self.world.workspace_id, name="tests", role=role)
        return Client(self.base_url, self.session, {"Authorization": f"Bearer {key}"})


def services_over(world: World, folder: Path, clock: Any) -> Services:
    """The tools of a web process, over a world's."""
    folder.mkdir(parents=True, exist_ok=True)
    config = load_config(
        {"COMPTOIR_DATA": str(folder), "COMPTOIR_SECRET_KEY": SECRET, "COMPTOIR_METRICS_TOKEN": METRICS_TOKEN}
    )
    return Services(
        config=config,
        db=world.db,
        signals=world.signals,
        clock=clock,
        key_ring=KeyRing((SECRET,)),
        sealer=world.sealer,
        media=world.media,
        blobs=open_blobs(config),
        inboxes=InboxCache(world.db, world.sealer, world.signals),
        health=HealthNotes(world.db),
        batcher=world.batcher,
        hub=Hub(world.db, world.signals, world.media),
        disk=DiskWatch([folder], reserve=0),
    )


@asynccontextmanager
async def running(world: World, folder: Path, clock: Any) -> AsyncIterator[Counter]:
    """The API on a free port of this machine until the block ends."""
    services = services_over(world, folder, clock)
    settings = uvicorn.Config(
        create_api(services), host="127.0.0.1", port=0, log_config=None, lifespan="off", proxy_headers=False
    )
    server = uvicorn.Server(settings)
    serving = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110  # the server has no event to wait for
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        yield Counter(world, services, f"http://127.0.0.1:{port}", session)
    server.should_exit = True
    await serving
