"""A line: one open socket, stream or poll, with a bounded queue of frames on our side.

The hub pushes and never waits. There may be ten thousand lines, so a line is small and has no task of its own: a task lives only while frames
are being written. Whoever does not read fast enough is sent away with 1013 and comes back with its position.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from uuid import UUID

from comptoir.infra.metrics import count_refusal

Message = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]

RESTARTING = 1012
TOO_SLOW = 1013
MOST_FRAMES = 500
MOST_CHARACTERS = 4_000_000
_GOODBYE_SECONDS = 5.0


class Line(ABC):
    """What the hub pushes to. `held` frames gather until `release`; `position` is what the line has been given."""

    __slots__ = ("agent_id", "ended", "frames", "held", "position", "size")

    def __init__(self, agent_id: UUID | None = None) -> None:
        self.agent_id = agent_id
        self.frames: list[str] = []
        self.size = 0
        self.held = True
        self.position = 0
        self.ended: int | None = None

    def push(self, frame: str) -> None:
        """Queue a frame; the queue's overflow ends the line."""
        if self.ended is not None:
            return
        self.frames.append(frame)
        self.size += len(frame)
        if len(self.frames) > MOST_FRAMES or self.size > MOST_CHARACTERS:
            self.frames.clear()
            count_refusal("line_too_slow")
            self.end(TOO_SLOW)
        elif not self.held:
            self.wake()

    def release(self, *first: str) -> None:
        """These frames first, then what was held back, then live."""
        self.frames[:0] = first
        self.size += sum(len(frame) for frame in first)
        self.held = False
        if self.frames:
            self.wake()

    def take(self) -> list[str]:
        """All queued frames; the queue is empty then."""
        frames, self.frames, self.size = self.frames, [], 0
        return frames

    def end(self, code: int) -> None:
        """Send this line away; the first code given counts."""
        if self.ended is None:
            self.ended = code
            self.wake()

    @abstractmethod
    def wake(self) -> None:
        """Something is to be written, or the line has ended."""

    @abstractmethod
    async def drained(self) -> None:
        """Return when what was pushed so far has been handed to the network: whoever replays a lot waits for it."""


class SocketLine(Line):
    """A WebSocket. The task that reads the socket makes it and calls `goodbye` when it is cancelled by `end`."""

    __slots__ = ("_reader", "_send", "_writer")

    def __init__(self, send: Send, agent_id: UUID | None = None) -> None:
        super().__init__(agent_id)
        self._send = send
        self._reader = asyncio.current_task()
        self._writer: asyncio.Task[None] | None = None

    def wake(self) -> None:
        if self.ended is not None:
            # The reader waits for a frame from a peer who may never speak again.
            if self._reader is not None:
                self._reader.cancel()
        elif self._writer is None:
            self._writer = asyncio.create_task(self._write())

    async def _write(self) -> None:
        try:
            while self.frames and not self.held:
                for frame in self.take():
                    await self._send({"type": "websocket.send", "text": frame})
        except (OSError, RuntimeError):
            # The peer has gone; the reader is told by the server and leaves.
            self.frames.clear()
        finally:
            self._writer = None

    async def drained(self) -> None:
        while self._writer is not None:
            await asyncio.wait([self._writer])

    async def goodbye(self) -> None:
        """Write what is queued, then the close frame; give up on a peer that does not read."""
        if self._reader is not None:
            self._reader.uncancel()
            self._reader = None
        try:
            async with asyncio.timeout(_GOODBYE_SECONDS):
                await self.drained()
                for frame in self.take():
                    await self._send({"type": "websocket.send", "text": frame})
                await self._send({"type": "websocket.close", "code": self.ended or 1000})
        except (OSError, RuntimeError, TimeoutError):
            pass
        finally:
            if self._writer is not None:
                self._writer.cancel()

    def left(self) -> None:
        """The reader is done: nobody may cancel it any more."""
        self._reader = None
        if self.ended is None:
            self.ended = 1000


class WaitingLine(Line):
    """A stream or a poll: whoever answers the request waits here for frames."""

    __slots__ = ("_empty", "_event")

    def __init__(self, agent_id: UUID | None = None) -> None:
        super().__init__(agent_id)
        self._event = asyncio.Event()
        self._empty = asyncio.Event()

    def wake(self) -> None:
        self._event.set()

    async def wait(self, seconds: float) -> list[str]:
        """Frames as soon as there are some; nothing after the time or when the line has ended."""
        if not self.frames and self.ended is None and seconds > 0:
            try:
                async with asyncio.timeout(seconds):
                    await self._event.wait()
            except TimeoutError:
                return []
        self._event.clear()
        self._empty.set()
        return self.take()

    async def drained(self) -> None:
        if self.frames and self.ended is None:
            self._empty.clear()
            await self._empty.wait()
