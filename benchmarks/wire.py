"""Sockets and HTTP as the load generator speaks them: just enough of both, so that the generator takes little of the machine it shares."""

from __future__ import annotations

import asyncio
import base64
import os
from collections import deque
from collections.abc import Callable
from typing import cast

OnFrame = Callable[[bytes], None]


class Gone(Exception):
    """The program under load has closed the line."""


class SocketClient(asyncio.Protocol):
    """A WebSocket without compression. `on_frame` is called with every text frame, as bytes."""

    def __init__(self, on_frame: OnFrame) -> None:
        self.on_frame = on_frame
        self.closed: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._transport: asyncio.WriteTransport | None = None
        self._rest = b""
        self._upgraded = False

    @classmethod
    async def connect(cls, port: int, path: str, on_frame: OnFrame, headers: str = "") -> SocketClient:
        """Connect to this machine and shake hands. Raises Gone."""
        loop = asyncio.get_running_loop()
        _, client = await loop.create_connection(lambda: cls(on_frame), "127.0.0.1", port)
        key = base64.b64encode(os.urandom(16)).decode()
        client.write(
            f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\nOrigin: http://127.0.0.1:{port}\r\n{headers}\r\n".encode()
        )
        await client.opened
        return client

    def send(self, payload: bytes) -> None:
        """Send a text frame. The mask is all zeros, which is a mask, and costs no arithmetic."""
        size = len(payload)
        head = bytes([0x81, 0x80 | size]) if size < 126 else bytes([0x81, 0xFE]) + size.to_bytes(2, "big")
        self.write(head + b"\0\0\0\0" + payload)

    def close(self) -> None:
        """Hang up."""
        if self._transport is not None:
            self._transport.close()

    def write(self, data: bytes) -> None:
        """Bytes as they are. Raises Gone."""
        if self._transport is None or self._transport.is_closing():
            raise Gone
        self._transport.write(data)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # Not `isinstance`: uvloop's transports have the methods without the class.
        self._transport = cast("asyncio.WriteTransport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.opened.done():
            self.opened.set_exception(Gone(f"the line broke during the handshake: {exc}"))
        if not self.closed.done():
            self.closed.set_result(1006)

    def data_received(self, data: bytes) -> None:
        data = self._rest + data if self._rest else data
        if not self._upgraded:
            end = data.find(b"\r\n\r\n")
            if end < 0:
                self._rest = data
                return
            if not data.startswith(b"HTTP/1.1 101"):
                self.opened.set_exception(Gone(data[:200].decode("latin-1")))
                return
            self._upgraded, data = True, data[end + 4 :]
            self.opened.set_result(None)
        self._rest = self._frames(data)

    def _frames(self, data: bytes) -> bytes:
        at, end = 0, len(data)
        while end - at >= 2:
            size, body = data[at + 1], at + 2
            if size == 126:
                size, body = int.from_bytes(data[at + 2 : at + 4], "big"), at + 4
            elif size == 127:
                size, body = int.from_bytes(data[at + 2 : at + 10], "big"), at + 10
            if end < body + size:
                break
            self._frame(data[at] & 0x0F, data[body : body + size])
            at = body + size
        return data[at:]

    def _frame(self, kind: int, payload: bytes) -> None:
        if kind == 1:
            self.on_frame(payload)
        elif kind == 9:
            self.write(bytes([0x8A, 0x80 | len(payload)]) + b"\0\0\0\0" + payload)
        elif kind == 8 and not self.closed.done():
            self.closed.set_result(int.from_bytes(payload[:2], "big"))


class HttpClient(asyncio.Protocol):
    """One keep-alive connection, one request at a time; answers must carry a Content-Length."""

    def __init__(self) -> None:
        self._transport: asyncio.WriteTransport | None = None
        self._answer: asyncio.Future[tuple[int, bytes]] | None = None
        self._rest = b""

    @classmethod
    async def connect(cls, port: int) -> HttpClient:
        """Connect to this machine."""
        _, client = await asyncio.get_running_loop().create_connection(cls, "127.0.0.1", port)
        return client

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # Not `isinstance`: uvloop's transports have the methods without the class.
        self._transport = cast("asyncio.WriteTransport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(Gone(str(exc)))

    def data_received(self, data: bytes) -> None:
        data = self._rest + data if self._rest else data
        self._rest = data
        end = data.find(b"\r\n\r\n")
        if end < 0:
            return
        head = data[:end].lower()
        found = head.find(b"content-length:")
        size = int(head[found + 15 :].split(b"\r\n", 1)[0]) if found >= 0 else 0
        if len(data) < end + 4 + size:
            return
        self._rest = b""
        answer, self._answer = self._answer, None
        if answer is not None and not answer.done():
            answer.set_result((int(data[9:12]), data[end + 4 : end + 4 + size]))

    async def request(self, request: bytes) -> tuple[int, bytes]:
        """Status and body. Raises Gone."""
        if self._transport is None or self._transport.is_closing():
            raise Gone
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._answer

    def close(self) -> None:
        """Hang up."""
        if self._transport is not None:
            self._transport.close()


class HttpPool:
    """Connections that requests take turns on, the one used last first; whoever finds none free waits for one."""

    def __init__(self, port: int, size: int) -> None:
        self._port, self._size = port, size
        self._free: deque[HttpClient] = deque()
        self._turn = asyncio.Semaphore(size)

    async def open(self) -> None:
        """Connect all."""
        self._free.extend([await HttpClient.connect(self._port) for _ in range(self._size)])

    async def request(self, request: bytes) -> tuple[int, bytes]:
        """Status and body. Raises Gone."""
        async with self._turn:
            client = self._free.pop()
            try:
                return await client.request(request)
            finally:
                self._free.append(client)

    def close(self) -> None:
        """Hang up."""
        for client in self._free:
            client.close()


def post(port: int, path: str, body: bytes, headers: str = "") -> bytes:
    """A POST as bytes."""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nOrigin: http://127.0.0.1:{port}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n{headers}\r\n"
    )
    return head.encode() + body


def get(port: int, path: str, headers: str = "") -> bytes:
    """A GET as bytes."""
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{headers}\r\n".encode()
