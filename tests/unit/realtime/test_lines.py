"""A line: frames in order, held back until the state was told, and never more of them than fit."""

from __future__ import annotations

import asyncio
from typing import Any

from comptoir.realtime.lines import MOST_FRAMES, TOO_SLOW, SocketLine, WaitingLine


class Wire:
    """Where a socket's messages go; it may be stopped."""

    def __init__(self) -> None:
        self.sent: list[Any] = []
        self.open = asyncio.Event()
        self.open.set()

    async def send(self, message: Any) -> None:
        await self.open.wait()
        self.sent.append(message.get("text", message.get("code")))


async def quiet() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_what_is_held_comes_after_the_state_and_before_the_rest() -> None:
    wire = Wire()
    line = SocketLine(wire.send)
    line.push("while the state was read")
    await quiet()
    assert wire.sent == []
    line.release("state")
    line.push("live")
    await quiet()
    assert wire.sent == ["state", "while the state was read", "live"]
    line.left()


async def test_frames_keep_their_order_while_the_wire_is_slow() -> None:
    wire = Wire()
    line = SocketLine(wire.send)
    line.release()
    wire.open.clear()
    for number in range(10):
        line.push(f"{number}")
        await asyncio.sleep(0)
    wire.open.set()
    await line.drained()
    assert wire.sent == [f"{number}" for number in range(10)]
    line.left()


async def test_too_many_frames_end_the_line_and_free_its_memory() -> None:
    wire = Wire()
    wire.open.clear()
    done = asyncio.Event()
    lines: list[SocketLine] = []

    async def reader() -> None:
        line = SocketLine(wire.send)
        lines.append(line)
        line.release()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            assert line.ended == TOO_SLOW
            wire.open.set()
            await line.goodbye()
            done.set()

    task = asyncio.create_task(reader())
    await quiet()
    for number in range(MOST_FRAMES + 2):
        lines[0].push(f"{number}")
    await asyncio.wait_for(done.wait(), 2)
    await task
    assert lines[0].frames == []
    assert wire.sent[-1] == TOO_SLOW
    lines[0].push("too late")
    assert lines[0].frames == []


async def test_a_peer_that_never_reads_is_given_up() -> None:
    wire = Wire()
    wire.open.clear()
    line = SocketLine(wire.send)
    line.release("never read")
    line.ended = TOO_SLOW
    began = asyncio.get_running_loop().time()
    line._reader = None  # noqa: SLF001  # this task is the reader and goes on
    await line.goodbye()
    assert 4 < asyncio.get_running_loop().time() - began < 8
    await quiet()


async def test_a_waiting_line_wakes_for_frames_and_for_its_end() -> None:
    line = WaitingLine()
    line.release()
    assert await line.wait(0.01) == []
    waiting = asyncio.create_task(line.wait(5))
    await quiet()
    line.push("one")
    line.push("two")
    assert await waiting == ["one", "two"]
    line.push("last words")
    line.end(1012)
    assert await line.wait(5) == ["last words"]
    assert await line.wait(5) == []
