"""The realtime and widget doors over real sockets, in the test's own process: a server on a free port, and lanes that run by themselves."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import aiohttp
import msgspec
import uvicorn
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from comptoir.api.bare import App, Receive, Scope, Send
from comptoir.api.hooks import HookDoor
from comptoir.api.pages import PageDoor
from comptoir.api.realtime import RealtimeDoor
from comptoir.api.services import Services
from comptoir.api.widget import WidgetDoor
from comptoir.contracts.content import Content, Text
from comptoir.conversations.commands import SendMessage, send_message
from comptoir.inboxes.cache import InboxCache
from comptoir.inboxes.health import HealthNotes
from comptoir.infra.blobs import open_blobs
from comptoir.infra.config import load_config
from comptoir.infra.crypto import KeyRing
from comptoir.infra.disk import DiskWatch
from comptoir.ingest.lanes import LaneRunner
from comptoir.kernel.ids import uuid7
from comptoir.realtime.hub import Hub
from comptoir.workspaces.access import COOKIE
from comptoir.workspaces.commands import create_api_key, sign_in
from tests.processes import clean_environment, free_port
from tests.world import SECRET, World


@dataclass(slots=True)
class Doors:
    """The doors of a world, open."""

    world: World
    services: Services
    base_url: str
    http: aiohttp.ClientSession

    @property
    def sockets(self) -> str:
        """The base of WebSocket addresses."""
        return self.base_url.replace("http", "ws", 1)

    @property
    def widget(self) -> str:
        """Where the widget's calls go."""
        return f"{self.base_url}/widget/api/{self.world.inbox.id}"

    # ------------------------------------------------------------------------------------------------------------ agents

    async def key(self) -> dict[str, str]:
        """The header of an API key."""
        async with self.world.db.system() as tx:
            _, token = await create_api_key(tx, self.world.workspace_id, name="test", role="agent")
        return {"Authorization": f"Bearer {token}"}

    async def session(self, email: str | None = None) -> tuple[dict[str, str], str]:
        """The cookie header of a signed-in agent, and the session's token."""
        async with self.world.db.system() as tx:
            found = await tx.value("SELECT person_id FROM agent WHERE id = $1", self.world.agent_id)
            token = await sign_in(tx, found)
        return {"Cookie": f"{COOKIE}={token}"}, token

    @contextlib.asynccontextmanager
    async def agent(self, after: int | None = None, headers: dict[str, str] | None = None) -> AsyncIterator[Peer]:
        """An agent's socket, greeted."""
        query = "" if after is None else f"?after={after}"
        async with connect(
            f"{self.sockets}/api/v1/socket{query}", additional_headers=headers or await self.key()
        ) as line:
            yield Peer(line)

    async def say(self, conversation_id: UUID, text: str | Content, kind: str = "message") -> UUID:
        """An agent writes; gives the message's id."""
        command = SendMessage(
            workspace_id=self.world.workspace_id,
            conversation_id=conversation_id,
            id=uuid7(),
            kind=kind,  # type: ignore[arg-type]  # tests write words
            content=Text(text=text) if isinstance(text, str) else text,
            author_kind="agent",
            author_id=self.world.agent_id,
        )
        async with self.world.db.workspace(self.world.workspace_id) as tx:
            await send_message(tx, command)
        return command.id

    # ---------------------------------------------------------------------------------------------------------- visitors

    async def visitor(self) -> tuple[str, str]:
        """A new visitor: token and id."""
        async with self.http.post(f"{self.widget}/visitor") as answer:
            assert answer.status == 201, await answer.text()
            body = await answer.json()
        return body["token"], body["visitor_id"]

    @contextlib.asynccontextmanager
    async def browser(self, token: str, after_seq: int = 0, **options: Any) -> AsyncIterator[Peer]:
        """A visitor's socket that has said hello; the welcome is its first frame."""
        async with connect(f"{self.widget.replace('http', 'ws', 1)}/socket", **options) as line:
            peer = Peer(line)
            await peer.send(type="hello", token=token, after_seq=after_seq)
            yield peer

    async def call(self, method: str, path: str, token: str | None, **options: Any) -> tuple[int, Any]:
        """One of the widget's calls: status and body."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        headers |= options.pop("headers", {})
        async with self.http.request(method, f"{self.widget}/{path}", headers=headers, **options) as answer:
            text = await answer.read()
            return answer.status, msgspec.json.decode(text) if text else None


class Peer:
    """One end of a socket, speaking JSON."""

    def __init__(self, line: ClientConnection) -> None:
        self.line = line
        self._events: list[dict[str, Any]] = []

    async def send(self, **frame: Any) -> None:
        await self.line.send(msgspec.json.encode(frame).decode())

    async def next(self, within: float = 5.0) -> dict[str, Any]:
        """The next frame."""
        async with asyncio.timeout(within):
            text = await self.line.recv()
        frame: dict[str, Any] = msgspec.json.decode(text)
        return frame

    async def until(self, kind: str, within: float = 5.0) -> dict[str, Any]:
        """The next frame of a type; others before it are passed over."""
        async with asyncio.timeout(within):
            while True:
                frame = await self.next(within)
                if frame["type"] == kind:
                    return frame

    async def events(self, up_to: int, within: float = 10.0) -> list[dict[str, Any]]:
        """All events until a position is reached."""
        found: list[dict[str, Any]] = []
        while not found or found[-1]["position"] < up_to:
            found += (await self.until("events", within))["events"]
        return found

    async def event(self, kind: str) -> dict[str, Any]:
        """The next event of a kind, however events are cut into frames."""
        while True:
            while self._events:
                event = self._events.pop(0)
                if event["kind"] == kind:
                    return event
            self._events += (await self.until("events"))["events"]

    async def write(self, text: str, client_id: UUID | None = None) -> str:
        """Send a text as a visitor; gives the client's id."""
        named = str(client_id or uuid7())
        await self.send(type="send", client_id=named, content={"type": "text", "text": text})
        return named

    async def rest(self, within: float = 5.0) -> list[dict[str, Any]]:
        """All frames until the other side closes."""
        found = []
        with contextlib.suppress(ConnectionClosed):
            async with asyncio.timeout(within):
                while True:
                    found.append(msgspec.json.decode(await self.line.recv()))
        return found

    async def closed(self, within: float = 5.0) -> int:
        """The close code, whatever comes before it."""
        await self.rest(within)
        assert self.line.close_code is not None
        return self.line.close_code


@contextlib.asynccontextmanager
async def open_doors(world: World, folder: Path, static: Path | None = None) -> AsyncIterator[Doors]:
    """Serve the doors of a world until the end of the block."""
    port = free_port()
    env = clean_environment(COMPTOIR_DATA=str(folder), COMPTOIR_PORT=str(port), COMPTOIR_SECRET_KEY=SECRET)
    config = load_config(env)
    services = Services(
        config=config,
        db=world.db,
        signals=world.signals,
        clock=world.db.clock,
        key_ring=KeyRing((SECRET,)),
        sealer=world.sealer,
        media=world.media,
        blobs=open_blobs(config),
        inboxes=InboxCache(world.db, world.sealer, world.signals),
        health=HealthNotes(world.db),
        batcher=world.batcher,
        hub=Hub(world.db, world.signals, world.media),
        disk=DiskWatch([folder], measure=lambda _: (1 << 40, 1 << 41)),
    )
    lanes = asyncio.create_task(_work(world.lanes))
    await services.signals.open()
    await services.hub.open()
    hooks = HookDoor(services)
    async with serving(_dispatch(services, static, hooks), port), aiohttp.ClientSession() as http:
        try:
            yield Doors(world, services, f"http://127.0.0.1:{port}", http)
        finally:
            await services.health.close()
            await services.hub.close()
            world.lanes.stop()
            await lanes
            await services.signals.close()


async def _work(lanes: LaneRunner) -> None:
    await lanes.run()


def _dispatch(services: Services, static: Path | None, hooks: HookDoor) -> App:
    widget, agents = WidgetDoor(services, hello_seconds=3.0), RealtimeDoor(services, sweep_seconds=0.5)
    pages = PageDoor(services) if static is None else PageDoor(services, static)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"].startswith("/widget/api/"):
            await widget(scope, receive, send)
        elif scope["path"].startswith("/api/v1/"):
            await agents(scope, receive, send)
        elif scope["path"].startswith("/hooks/"):
            await hooks(scope, receive, send)
        else:
            await pages(scope, receive, send)

    return app


class _Server(uvicorn.Server):
    """Says when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()


@contextlib.asynccontextmanager
async def serving(app: App, port: int) -> AsyncIterator[None]:
    """Uvicorn as the program sets it up, on a port of its own."""
    config = uvicorn.Config(
        app,
        port=port,
        http="httptools",
        ws="websockets-sansio",
        ws_max_size=4 * 1024 * 1024,
        ws_per_message_deflate=False,
        lifespan="off",
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=3,
    )
    server = _Server(config)
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    task = asyncio.create_task(server.serve(sockets=[listener]))
    await server.ready.wait()
    try:
        yield
    finally:
        server.should_exit = True
        await task
        listener.close()
