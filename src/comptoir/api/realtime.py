"""Agents' realtime: one socket, or server-sent events where sockets are blocked, or long polling below that (`docs/protocol.md`)."""

from __future__ import annotations

import asyncio
from http.cookies import CookieError, SimpleCookie
from uuid import UUID

import msgspec

from comptoir.api.bare import (
    Receive,
    Scope,
    Send,
    answer,
    answer_refusal,
    header,
    integer,
    is_same_origin,
    locale_of,
    query,
    uuid_of,
)
from comptoir.api.door_errors import MalformedFrame, OriginRefused
from comptoir.api.services import Services
from comptoir.api.streams import end_when_gone, polled, stream_frames
from comptoir.infra.database import AWAY
from comptoir.infra.log import get_logger
from comptoir.infra.metrics import count_refusal
from comptoir.kernel.errors import Locale, NotFound, Refusal, Unavailable
from comptoir.realtime.frames import PONG, Author, encode
from comptoir.realtime.hub import Watch
from comptoir.realtime.lines import TOO_SLOW, Line, SocketLine, WaitingLine
from comptoir.workspaces.access import COOKIE, Access, Principal
from comptoir.workspaces.errors import NotSignedIn

BAD_REQUEST = 4400
SIGNED_OUT = 4401
ORIGIN = 4403
NO_WORKSPACE = 4404
# Together with the half minute for which access is remembered: under a minute from the end of a session to the end of its lines.
SWEEP_SECONDS = 20.0
MOST_WAIT = 30
_MOST_FRAME = 64 * 1024
_MOST_POLLED = 2_000_000
log = get_logger("realtime")


class Ping(msgspec.Struct, frozen=True, tag="ping"):
    """Asks for a sign of life."""


class TypingFrame(msgspec.Struct, frozen=True, tag="typing"):
    """The agent begins or ceases to type."""

    conversation_id: UUID
    on: bool


_read_frame = msgspec.json.Decoder(Ping | TypingFrame).decode


class Ticket(msgspec.Struct, frozen=True):
    """What a line was opened with, to be looked at again now and then."""

    cookie: str | None
    authorization: str | None
    workspace_id: UUID


class RealtimeDoor:
    """ASGI: `/api/v1/socket`, `/api/v1/stream`, `/api/v1/poll`."""

    def __init__(self, services: Services, sweep_seconds: float = SWEEP_SECONDS) -> None:
        self._services, self._sweep_seconds = services, sweep_seconds
        self._hub = services.hub
        self._access = Access(services.db)
        self._tickets: dict[Line, Ticket] = {}
        self._sweeper: asyncio.Task[None] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] == "websocket":
            await self._socket(scope, receive, send)
            return
        try:
            if scope["method"] != "GET" or scope["path"] not in {"/api/v1/stream", "/api/v1/poll"}:
                raise NotFound
            principal, ticket = await self._enter(scope)
            after = _after(scope)
            if scope["path"] == "/api/v1/stream":
                await self._stream(principal, ticket, after, receive, send)
            else:
                await self._poll(principal, ticket, after, integer(query(scope), "wait", 25, MOST_WAIT) or 0, send)
        except Refusal as refusal:
            await answer_refusal(send, refusal, locale_of(scope))
        except AWAY:
            await answer_refusal(send, Unavailable(), locale_of(scope))

    async def _enter(self, scope: Scope) -> tuple[Principal, Ticket]:
        """Who is asking. Raises NotSignedIn, NotFound, OriginRefused."""
        authorization = header(scope, b"authorization")
        if authorization is None and not is_same_origin(scope, self._services.config.public_url):
            # A cookie travels with whatever page asks; a key does not.
            raise OriginRefused
        cookie = None if authorization is not None else _cookie(scope)
        named = query(scope).get("workspace") or header(scope, b"comptoir-workspace")
        wanted = uuid_of(named) if named else None
        if named and wanted is None:
            raise NotFound(field="workspace")
        principal = await self._access.principal(cookie=cookie, authorization=authorization, workspace_id=wanted)
        principal.require("conversations.read")
        return principal, Ticket(cookie, authorization, principal.workspace_id)

    # --------------------------------------------------------------------------------------------------------------- socket

    async def _socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        line = SocketLine(send)
        watch: Watch | None = None
        try:
            principal, ticket = await self._enter(scope)
            line.agent_id = principal.agent_id
            after = _after(scope)
            watch = self._join(line, ticket)
            await self._hub.follow(line, watch, after)
            await self._read(line, principal, receive, locale_of(scope))
        except asyncio.CancelledError:
            if line.ended is None:
                raise
            await line.goodbye()
        except Refusal as refusal:
            count_refusal(refusal.code)
            await _close(send, _close_code(refusal))
        except AWAY as error:
            log.warning("realtime.away", error=type(error).__name__)
            await _close(send, TOO_SLOW)
        finally:
            line.left()
            self._leave(line, watch)

    async def _read(self, line: SocketLine, principal: Principal, receive: Receive, locale: Locale) -> None:
        author = Author("agent", principal.agent_id, principal.name)
        while True:
            message = await receive()
            if message["type"] == "websocket.disconnect":
                return
            text = message.get("text") or ""
            try:
                frame = _read_frame(text) if len(text) <= _MOST_FRAME else None
            except (msgspec.DecodeError, UnicodeError) as error:
                frame = None
                line.push(encode({"type": "refused", **MalformedFrame(detail=str(error)[:200]).body(locale)}))
            if isinstance(frame, Ping):
                line.push(PONG)
            elif isinstance(frame, TypingFrame) and principal.may("conversations.write"):
                try:
                    await self._hub.typists.agent(principal.workspace_id, frame.conversation_id, author, on=frame.on)
                except AWAY:
                    # Nobody misses a keystroke.
                    continue

    # ------------------------------------------------------------------------------------------------- stream and poll

    async def _stream(
        self, principal: Principal, ticket: Ticket, after: int | None, receive: Receive, send: Send
    ) -> None:
        line = WaitingLine(principal.agent_id)
        watch = self._join(line, ticket)
        gone = asyncio.create_task(end_when_gone(receive, line))
        follow = asyncio.create_task(self._follow(line, watch, after))
        try:
            await stream_frames(line, send)
        finally:
            gone.cancel()
            follow.cancel()
            line.ended = line.ended or 1000
            self._leave(line, watch)

    async def _poll(self, principal: Principal, ticket: Ticket, after: int | None, wait: int, send: Send) -> None:
        line = WaitingLine(principal.agent_id)
        watch = self._join(line, ticket)
        follow = asyncio.create_task(self._follow(line, watch, after))
        loop = asyncio.get_running_loop()
        deadline = loop.time() + wait
        frames: list[str] = []
        try:
            while line.ended is None and sum(map(len, frames)) < _MOST_POLLED:
                frames += await line.wait(max(deadline - loop.time(), 0.0) if follow.done() else 1.0)
                # The greeting alone is not worth an answer.
                if follow.done() and not line.frames and (len(frames) > 1 or loop.time() >= deadline):
                    break
        finally:
            follow.cancel()
            line.ended = line.ended or 1000
            self._leave(line, watch)
        if line.ended == TOO_SLOW and not frames:
            raise Unavailable
        await answer(send, 200, polled(frames))

    async def _follow(self, line: WaitingLine, watch: Watch, after: int | None) -> None:
        try:
            await self._hub.follow(line, watch, after)
        except AWAY as error:
            log.warning("realtime.away", error=type(error).__name__)
            line.end(TOO_SLOW)

    # ------------------------------------------------------------------------------------------------------- who still may

    def _join(self, line: Line, ticket: Ticket) -> Watch:
        self._tickets[line] = ticket
        if self._sweeper is None or self._sweeper.done():
            self._sweeper = asyncio.create_task(self._sweep(), name="sweep of sessions")
        return self._hub.join_workspace(line, ticket.workspace_id)

    def _leave(self, line: Line, watch: Watch | None) -> None:
        self._tickets.pop(line, None)
        if watch is not None:
            self._hub.leave(line, watch)

    async def _sweep(self) -> None:
        """End the lines of those who have signed out, lost their key or are no agents any more. Runs while there are lines."""
        while self._tickets:
            await asyncio.sleep(self._sweep_seconds)
            for ticket in set(self._tickets.values()):
                try:
                    await self._access.principal(
                        cookie=ticket.cookie, authorization=ticket.authorization, workspace_id=ticket.workspace_id
                    )
                except Refusal as refusal:
                    for line in [line for line, held in self._tickets.items() if held == ticket]:
                        line.end(_close_code(refusal))
                except AWAY as error:
                    # Nobody is sent away because the database is.
                    log.warning("realtime.sweep_away", error=type(error).__name__)


async def _close(send: Send, code: int) -> None:
    try:
        await send({"type": "websocket.close", "code": code})
    except (OSError, RuntimeError):
        # The peer was quicker.
        return


def _close_code(refusal: Refusal) -> int:
    if isinstance(refusal, OriginRefused):
        return ORIGIN
    if isinstance(refusal, NotFound):
        return NO_WORKSPACE
    if isinstance(refusal, NotSignedIn):
        return SIGNED_OUT
    return TOO_SLOW if isinstance(refusal, Unavailable) else BAD_REQUEST


def _after(scope: Scope) -> int | None:
    """The position to go on from: the browser's own memory of the stream wins over the address."""
    last = header(scope, b"last-event-id")
    if last is not None and last.isascii() and last.isdigit() and len(last) < 19:
        return int(last)
    return integer(query(scope), "after")


def _cookie(scope: Scope) -> str | None:
    try:
        found = SimpleCookie(header(scope, b"cookie") or "").get(COOKIE)
    except CookieError:
        return None
    return found.value if found is not None else None
