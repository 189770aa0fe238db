"""A cable to the database that can be pulled out and put in again: a relay between the program and the real server."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, quote, urlsplit

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

Lines = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Cable:
    """`dsn` leads through the relay. `pull()` breaks every connection and refuses new ones; `plug_in()` lets them through."""

    def __init__(self, dsn: str) -> None:
        parts = urlsplit(dsn)
        options = parse_qs(parts.query)
        self._folder = options["host"][0] if "host" in options else None
        self._port = int(options.get("port", [str(parts.port or 5432)])[0])
        self._host = parts.hostname
        self._path, self._person = parts.path, parts.username or "postgres"
        self._writers: set[asyncio.StreamWriter] = set()
        self._whole = True
        self._server: asyncio.Server | None = None
        self.dsn = ""

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._relay, "127.0.0.1", 0)
        port = self._server.sockets[0].getsockname()[1]
        self.dsn = f"postgresql://{quote(self._person)}@127.0.0.1:{port}{self._path}?sslmode=disable"

    def pull(self) -> None:
        self._whole = False
        for writer in list(self._writers):
            writer.transport.abort()

    def plug_in(self) -> None:
        self._whole = True

    async def close(self) -> None:
        self.pull()
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    async def _upstream(self) -> Lines:
        if self._folder is not None:
            return await asyncio.open_unix_connection(f"{self._folder}/.s.PGSQL.{self._port}")
        return await asyncio.open_connection(self._host, self._port)

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self._whole:
            writer.transport.abort()
            return
        there, back = await self._upstream()
        self._writers |= {writer, back}
        with suppress(OSError):
            await asyncio.gather(_copy(reader, back), _copy(there, writer))
        self._writers -= {writer, back}


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while piece := await reader.read(65_536):
            writer.write(piece)
            await writer.drain()
    finally:
        writer.close()


@asynccontextmanager
async def cable_to(dsn: str) -> AsyncIterator[Cable]:
    """A cable in place until the block ends."""
    cable = Cable(dsn)
    await cable.open()
    try:
        yield cable
    finally:
        await cable.close()
