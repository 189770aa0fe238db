"""Signals between processes: small wake-ups that may be lost, with a poll behind every one of them.

One sender per process hands signals over in memory at once and tells other processes by one batched `pg_notify` after commit: while
one notification is under way the next ones gather. `NOTIFY` in every transaction would serialise all commits.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import asyncpg

from comptoir.infra.database import DATABASE_ERRORS
from comptoir.infra.log import get_logger

Listener = Callable[[str | None], None]

_MOST_BYTES = 7900
_CHANNEL = "comptoir_"
log = get_logger(__name__)


class Signals:
    """Send and hear signals. A listener gets the payload, or None when something may have been missed."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._listeners: dict[str, list[Listener]] = defaultdict(list)
        self._pending: dict[tuple[str, str], None] = {}
        self._wake = asyncio.Event()
        self._pid = 0
        self._task: asyncio.Task[None] | None = None

    def hear(self, name: str, listener: Listener) -> None:
        """Call the listener for every signal of this name. To be said before `open`."""
        self._listeners[name].append(listener)

    def send(self, name: str, payload: str = "") -> None:
        """Signal at once in this process, and in the others as soon as the line is free. Repeats gather into one."""
        for listener in self._listeners.get(name, ()):
            listener(payload)
        if len(payload.encode()) <= _MOST_BYTES:
            self._pending[name, payload] = None
            self._wake.set()

    def send_elsewhere(self, name: str, payload: str) -> None:
        """Signal to the other processes only."""
        self._pending[name, payload] = None
        self._wake.set()

    async def open(self) -> None:
        """Begin to listen and to send."""
        self._task = asyncio.create_task(self._run(), name="signals")

    async def close(self) -> None:
        """Stop; what is pending is left to the polls."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        delay = 0.1
        while True:
            try:
                connection = await asyncpg.connect(
                    self._dsn,
                    timeout=10,
                    # A notification is not worth a flush to disk: what it announces is committed already.
                    server_settings={"application_name": "comptoir_signals", "synchronous_commit": "off"},
                )
            except DATABASE_ERRORS as error:
                log.warning("signals.away", error=type(error).__name__)
                await asyncio.sleep(delay)
                delay = min(delay * 2, 2.0)
                continue
            delay = 0.1
            try:
                await self._serve(connection)
            except DATABASE_ERRORS as error:
                log.warning("signals.lost", error=type(error).__name__)
            finally:
                connection.terminate()

    async def _serve(self, connection: asyncpg.Connection[Any]) -> None:
        self._pid = connection.get_server_pid()
        lost = asyncio.Event()

        def note_loss(_: object) -> None:
            lost.set()
            self._wake.set()

        connection.add_termination_listener(note_loss)
        for name in self._listeners:
            await connection.add_listener(_CHANNEL + name, self._heard)
        for listeners in self._listeners.values():
            for listener in listeners:
                listener(None)
        while not lost.is_set():
            await self._wake.wait()
            self._wake.clear()
            if self._pending:
                pending = list(self._pending)
                self._pending.clear()
                await connection.execute(
                    "SELECT pg_notify(name, payload) FROM unnest($1::text[], $2::text[]) AS s (name, payload)",
                    [_CHANNEL + name for name, _ in pending],
                    [payload for _, payload in pending],
                )

    def _heard(self, _: object, pid: int, channel: str, payload: object) -> None:
        if pid == self._pid:
            return
        for listener in self._listeners.get(channel.removeprefix(_CHANNEL), ()):
            listener(str(payload))
