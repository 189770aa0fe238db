"""The bare limit: the least that could be called the same work, on the same libraries, against which the product is measured in the same run.

A visitor's token is checked at hello (HMAC), a frame is decoded, one statement inserts each batch (while it commits the next one gathers), then the
writer is told and the agents' sockets get one frame a batch. A webhook is checked (HMAC over the bytes) and answered after its commit. No
conversation, no contact, no order, no lane, no journal, no policy, no row-level security, no search.
"""

from __future__ import annotations

import asyncio
import hmac
import os
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

DSN, SECRET = "BARE_DSN", "BARE_SECRET"
TABLE = "CREATE TABLE bare_message (id text PRIMARY KEY, address text NOT NULL, body bytea NOT NULL, received_at timestamptz NOT NULL DEFAULT now())"
_INSERT = "INSERT INTO bare_message (id, address, body) SELECT * FROM unnest($1::text[], $2::text[], $3::bytea[]) ON CONFLICT (id) DO NOTHING"


class _Hello(msgspec.Struct, tag="hello"):
    token: str


class _Content(msgspec.Struct):
    type: str
    text: str


class _Said(msgspec.Struct, tag="send"):
    client_id: UUID
    content: _Content


class _Hooked(msgspec.Struct):
    id: str
    contact: str


class _Hook(msgspec.Struct):
    events: list[_Hooked]


_read_hello = msgspec.json.Decoder(_Hello).decode
_read_said = msgspec.json.Decoder(_Said).decode
_read_hook = msgspec.json.Decoder(_Hook).decode
_encode = msgspec.json.Encoder().encode


class Bare:
    """ASGI."""

    def __init__(self) -> None:
        self._secret = os.environ[SECRET].encode()
        self._queue: list[tuple[str, str, bytes, _Content | None, asyncio.Future[None]]] = []
        self._wake = asyncio.Event()
        self._agents: set[Send] = set()
        self._pool: asyncpg.Pool[asyncpg.Record] | None = None
        self._task: asyncio.Task[None] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            await self._hook(scope, receive, send)
        elif scope["path"].startswith("/agent"):
            await self._agent(receive, send)
        else:
            await self._visitor(receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        self._pool = await asyncpg.create_pool(
            os.environ[DSN], min_size=1, max_size=2, server_settings={"plan_cache_mode": "force_generic_plan"}
        )
        self._task = asyncio.create_task(self._store())
        await send({"type": "lifespan.startup.complete"})
        await receive()
        self._task.cancel()
        await self._pool.close()
        await send({"type": "lifespan.shutdown.complete"})

    async def _store(self) -> None:
        assert self._pool is not None
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._queue:
                batch, self._queue = self._queue, []
                ids, addresses, bodies, contents, waiting = zip(*batch, strict=True)
                async with self._pool.acquire() as connection:
                    await connection.execute(_INSERT, ids, addresses, bodies)
                for done in waiting:
                    done.set_result(None)
                events = [
                    {
                        "kind": "MessageReceived",
                        "conversation_id": address,
                        "message": {"author": {"kind": "contact"}, "content": content},
                    }
                    for address, content in zip(addresses, contents, strict=True)
                    if content is not None
                ]
                frame = _encode({"type": "events", "events": events}).decode()
                for agent in self._agents:
                    await agent({"type": "websocket.send", "text": frame})

    def _durable(self, message_id: str, address: str, body: bytes, content: _Content | None) -> asyncio.Future[None]:
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue.append((message_id, address, body, content, done))
        self._wake.set()
        return done

    def _signed(self, data: bytes) -> str:
        return hmac.digest(self._secret, data, "sha256").hex()

    async def _visitor(self, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        address, _, signature = _read_hello((await receive())["text"]).token.partition(".")
        if not hmac.compare_digest(signature, self._signed(address.encode())):
            await send({"type": "websocket.close", "code": 4401})
            return
        await send({"type": "websocket.send", "text": '{"type":"welcome"}'})
        while (message := await receive())["type"] == "websocket.receive":
            said = _read_said(message["text"])
            await self._durable(str(said.client_id), address, message["text"].encode(), said.content)
            await send({"type": "websocket.send", "text": f'{{"type":"ack","client_id":"{said.client_id}"}}'})

    async def _agent(self, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        self._agents.add(send)
        while (await receive())["type"] == "websocket.receive":
            pass
        self._agents.discard(send)

    async def _hook(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = (await receive())["body"]
        status = 401
        given = dict(scope["headers"]).get(b"x-loopback-signature", b"").decode()
        if hmac.compare_digest(given, f"sha256={self._signed(body)}"):
            await asyncio.gather(
                *(self._durable(event.id, event.contact, body, None) for event in _read_hook(body).events)
            )
            status = 200
        await send({"type": "http.response.start", "status": status, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})


def create_app() -> Bare:
    """The factory that uvicorn imports."""
    return Bare()
