"""The visitor's socket: hello with the token, welcome with the state, then frames both ways."""

from __future__ import annotations

import asyncio
from uuid import UUID

import msgspec

from comptoir.api.bare import Receive, Scope, Send, is_same_origin, locale_of
from comptoir.api.door_errors import MalformedFrame, OriginRefused, TooManyRequests, VisitorTokenRefused
from comptoir.api.services import Services
from comptoir.api.widget.guard import address_of
from comptoir.api.widget.origins import allows
from comptoir.api.widget.receipts import ReceiptGatherer
from comptoir.api.widget.sending import READ_LIMIT, Sending, client_id_of
from comptoir.api.widget.state import VisitorState
from comptoir.api.widget.tokens import VisitorTokens
from comptoir.channels.web.inbound import Receipt, Seq
from comptoir.contracts.channel import InboxView
from comptoir.infra.database import AWAY
from comptoir.infra.log import get_logger
from comptoir.infra.metrics import count_refusal
from comptoir.kernel.errors import BodyTooLarge, Locale, NotFound, Refusal
from comptoir.kernel.ids import thread_key
from comptoir.realtime.frames import PONG, encode
from comptoir.realtime.hub import Watch
from comptoir.realtime.lines import TOO_SLOW, SocketLine

TOKEN = 4401
ORIGIN = 4403
NO_INBOX = 4404
NO_HELLO = 4408
HELLO_SECONDS = 10.0
UNAVAILABLE_SECONDS = 2.0
# A flood is read slowly rather than refused; a wait beyond this would look like a dead line.
_LONGEST_WAIT = 5.0
log = get_logger("widget")


class Hello(msgspec.Struct, frozen=True, tag="hello"):
    """First frame of all."""

    token: str
    after_seq: Seq = 0


class Typing(msgspec.Struct, frozen=True, tag="typing"):
    """The visitor begins or ceases to type."""

    on: bool


class Ping(msgspec.Struct, frozen=True, tag="ping"):
    """Asks for a sign of life."""


class SendHead(msgspec.Struct, frozen=True, tag="send"):
    """A message, read whole by the channel."""


_read_hello = msgspec.json.Decoder(Hello).decode
_read_frame = msgspec.json.Decoder(SendHead | Receipt | Typing | Ping).decode


class Gone(Exception):
    """The peer has left."""


class Silent(Exception):
    """Nobody said hello in time."""


class Visitor(msgspec.Struct, frozen=True):
    """Who is on the line."""

    inbox: InboxView
    id: str
    thread_key: UUID
    address: str | None
    locale: Locale


class VisitorSocket:
    """ASGI websocket handler. One per process."""

    def __init__(
        self,
        services: Services,
        tokens: VisitorTokens,
        state: VisitorState,
        sending: Sending,
        receipts: ReceiptGatherer,
        hello_seconds: float,
    ) -> None:
        self._services, self._tokens, self._state = services, tokens, state
        self._sending, self._receipts, self._hello_seconds = sending, receipts, hello_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send, inbox: InboxView | None) -> None:
        """Accept, so that a browser is told why it is sent away, and serve until one side leaves."""
        await receive()
        await send({"type": "websocket.accept"})
        line = SocketLine(send)
        watch: Watch | None = None
        visitor: Visitor | None = None
        code: int | None = None
        try:
            visitor, after_seq = await self._greeted(scope, receive, inbox)
            watch = self._services.hub.join_thread(line, visitor.inbox.workspace_id, visitor.thread_key)
            await self._services.hub.begin(watch)
            line.release(encode(await self._state.welcome(visitor.inbox, visitor.id, after_seq)))
            await self._read(line, visitor, receive)
        except asyncio.CancelledError:
            if line.ended is None:
                raise
            await line.goodbye()
        except Gone:
            pass
        except Silent:
            code = NO_HELLO
        except Refusal as refusal:
            count_refusal(refusal.code)
            code = _close_code(refusal)
        except AWAY as error:
            log.warning("widget.away", error=type(error).__name__)
            code = TOO_SLOW
        finally:
            line.left()
            if watch is not None and visitor is not None:
                self._services.hub.leave(line, watch, visitor.thread_key)
        if code is not None:
            await _close(send, code)

    async def _greeted(self, scope: Scope, receive: Receive, inbox: InboxView | None) -> tuple[Visitor, int]:
        """The visitor behind the first frame. Raises NotFound, OriginRefused, VisitorTokenRefused, Silent, Gone."""
        if inbox is None:
            raise NotFound
        if not is_same_origin(scope, self._services.config.public_url) and not allows(inbox, scope):
            raise OriginRefused
        try:
            async with asyncio.timeout(self._hello_seconds):
                text = await _next(receive)
        except TimeoutError:
            raise Silent from None
        try:
            hello = _read_hello(text)
        except (msgspec.DecodeError, UnicodeError):
            raise VisitorTokenRefused from None
        visitor_id = self._tokens.read(hello.token, inbox.id)
        key = thread_key(inbox.id, visitor_id)
        return Visitor(inbox, visitor_id, key, address_of(scope), locale_of(scope)), hello.after_seq

    async def _read(self, line: SocketLine, visitor: Visitor, receive: Receive) -> None:
        while True:
            body = await _next(receive)
            try:
                if len(body) > READ_LIMIT:
                    raise BodyTooLarge(limit=READ_LIMIT)
                frame = _read_frame(body)
            except Refusal as refusal:
                _refuse(line, client_id_of(body), refusal, visitor.locale)
                continue
            except (msgspec.DecodeError, UnicodeError) as error:
                # The channel reads what the strict decoder refuses (lone surrogates are ordinary) and says best what is wrong with a message.
                if client_id_of(body) is not None:
                    await self._take(line, visitor, body)
                else:
                    _refuse(line, None, MalformedFrame(detail=str(error)[:200]), visitor.locale)
                continue
            if isinstance(frame, Ping):
                line.push(PONG)
            elif isinstance(frame, SendHead):
                await self._take(line, visitor, body)
            elif isinstance(frame, Receipt):
                self._receipts.note(visitor.inbox, visitor.id, frame.delivered_seq, frame.read_seq)
            else:
                await self._types(visitor, on=frame.on)

    async def _types(self, visitor: Visitor, *, on: bool) -> None:
        try:
            await self._services.hub.typists.visitor(visitor.inbox.workspace_id, visitor.thread_key, on=on)
        except AWAY as error:
            # Nobody misses a keystroke.
            log.info("widget.typing_away", error=type(error).__name__)

    async def _take(self, line: SocketLine, visitor: Visitor, body: bytes) -> None:
        client_id = client_id_of(body)
        try:
            while True:
                try:
                    await self._sending.take(visitor.inbox, visitor.id, visitor.address, body)
                    break
                except TooManyRequests as refusal:
                    if refusal.retry_after > _LONGEST_WAIT:
                        raise
                    await asyncio.sleep(refusal.retry_after)
        except Refusal as refusal:
            if refusal.status in {429, 503}:
                count_refusal(refusal.code)
                seconds = getattr(refusal, "retry_after", UNAVAILABLE_SECONDS)
                line.push(encode({"type": "unavailable", "client_id": client_id, "retry_after": seconds}))
            else:
                _refuse(line, client_id, refusal, visitor.locale)
        else:
            line.push(encode({"type": "ack", "client_id": client_id}))


def _refuse(line: SocketLine, client_id: str | None, refusal: Refusal, locale: Locale) -> None:
    count_refusal(refusal.code)
    line.push(encode({"type": "refused", "client_id": client_id, **refusal.body(locale)}))


async def _next(receive: Receive) -> bytes:
    message = await receive()
    if message["type"] == "websocket.disconnect":
        raise Gone
    text = message.get("text")
    return text.encode("utf-8", "surrogatepass") if text is not None else message.get("bytes") or b""


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
        return NO_INBOX
    return TOKEN if isinstance(refusal, VisitorTokenRefused) else TOO_SLOW
