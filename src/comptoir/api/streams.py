"""Server-sent events and the end of a request, for agents and visitors alike."""

from __future__ import annotations

import re

from comptoir.api.bare import SAFE, Headers, Receive, Send
from comptoir.realtime.lines import Line, WaitingLine

KEEP_ALIVE_SECONDS = 15.0
_POSITION = re.compile(r'\{"type":"(?:hello|reload|events)","position":(\d+)')
_START: Headers = (
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    # A proxy that gathers would hold the events back.
    (b"x-accel-buffering", b"no"),
    *SAFE,
)


async def stream_frames(line: WaitingLine, send: Send) -> None:
    """Answer a request with a line's frames until the line ends, with a sign of life where there is nothing to say."""
    await send({"type": "http.response.start", "status": 200, "headers": _START})
    await _write(send, "retry: 2000\n\n")
    while True:
        frames = await line.wait(KEEP_ALIVE_SECONDS)
        if frames:
            await _write(send, "".join(map(server_sent, frames)))
        elif line.ended is not None:
            break
        else:
            await _write(send, ": \n\n")
    await send({"type": "http.response.body", "body": b""})


def server_sent(frame: str) -> str:
    """A frame as a server-sent event. Its id is the position up to which everything has been told; JSON has no line breaks of its own."""
    found = _POSITION.match(frame)
    return f"id: {found[1]}\ndata: {frame}\n\n" if found else f"data: {frame}\n\n"


def polled(frames: list[str]) -> bytes:
    """The answer of a poll."""
    return b'{"frames":[' + ",".join(frames).encode() + b"]}"


async def end_when_gone(receive: Receive, line: Line) -> None:
    """End a line when the client hangs up."""
    while (await receive())["type"] != "http.disconnect":
        pass
    line.end(1000)


async def _write(send: Send, text: str) -> None:
    await send({"type": "http.response.body", "body": text.encode(), "more_body": True})
