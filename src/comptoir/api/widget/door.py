"""Routes below `/widget/api/INBOX_ID`: each call of the protocol is one method here."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeVar

import msgspec

from comptoir.api.bare import (
    HungUp,
    Receive,
    Scope,
    Send,
    answer,
    answer_json,
    answer_refusal,
    bearer,
    header,
    integer,
    is_same_origin,
    locale_of,
    query,
    read_body,
    uuid_of,
)
from comptoir.api.door_errors import MalformedFrame, OriginRefused
from comptoir.api.errors import StorageFull
from comptoir.api.services import Services
from comptoir.api.streams import end_when_gone, polled, stream_frames
from comptoir.api.widget.guard import Guard, address_of
from comptoir.api.widget.origins import allows
from comptoir.api.widget.receipts import ReceiptGatherer
from comptoir.api.widget.sending import FRAME_LIMIT, READ_LIMIT, Sending, client_id_of, uploader_of
from comptoir.api.widget.socket import HELLO_SECONDS, VisitorSocket
from comptoir.api.widget.state import VisitorState
from comptoir.api.widget.tokens import VisitorTokens
from comptoir.channels.web.inbound import Receipt
from comptoir.channels.web.manifest import MANIFEST
from comptoir.contracts.channel import InboxView, MalformedEvent
from comptoir.conversations.attachments import CONTACT_LIMIT, store_upload, with_links
from comptoir.infra.database import AWAY
from comptoir.infra.log import get_logger
from comptoir.kernel.errors import BodyTooLarge, NotFound, Refusal, Unavailable
from comptoir.kernel.ids import thread_key
from comptoir.kernel.text import read_json
from comptoir.realtime.frames import WidgetMarks, WidgetMessages, encode
from comptoir.realtime.lines import WaitingLine

S = TypeVar("S", bound=msgspec.Struct)

PREFIX = "/widget/api/"
MOST_WAIT = 30
_SMALL_BODY = 16 * 1024
_MOST_SEQ = 2**31 - 1
log = get_logger("widget")


class TypingBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of `POST /typing`."""

    on: bool


class ReceiptBody(Receipt, frozen=True, tag=False, forbid_unknown_fields=True):
    """The body of `POST /receipts`."""


class Call(msgspec.Struct, frozen=True):
    """One request."""

    inbox: InboxView
    scope: Scope
    receive: Receive
    send: Send


class WidgetDoor:
    """ASGI. One per process."""

    def __init__(self, services: Services, hello_seconds: float = HELLO_SECONDS) -> None:
        self._services = services
        self._guard = Guard()
        self._tokens = VisitorTokens(services.key_ring, services.clock)
        self._state = VisitorState(services)
        self._sending = Sending(services, self._guard)
        self._receipts = ReceiptGatherer(services.batcher)
        self._socket = VisitorSocket(services, self._tokens, self._state, self._sending, self._receipts, hello_seconds)
        self._routes: dict[tuple[str, str], Callable[[Call], Awaitable[None]]] = {
            ("POST", "visitor"): self._visitor,
            ("GET", "session"): self._session,
            ("GET", "messages"): self._messages,
            ("POST", "messages"): self._write,
            ("POST", "attachments"): self._upload,
            ("POST", "receipts"): self._receipt,
            ("POST", "typing"): self._typing,
            ("GET", "stream"): self._stream,
            ("GET", "poll"): self._poll,
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        named, _, rest = scope["path"].removeprefix(PREFIX).partition("/")
        try:
            inbox = await self._inbox(named)
            if scope["type"] == "websocket":
                await self._socket(scope, receive, send, inbox if rest == "socket" else None)
                return
            route = self._routes.get((scope["method"], rest))
            if inbox is None or route is None:
                raise NotFound
            if not is_same_origin(scope, self._services.config.public_url) and not allows(inbox, scope):
                raise OriginRefused
            await route(Call(inbox, scope, receive, send))
        except HungUp:
            return
        except Refusal as refusal:
            await answer_refusal(send, refusal, locale_of(scope))
        except AWAY as error:
            log.warning("widget.away", error=type(error).__name__)
            if scope["type"] == "websocket":
                # Before the handshake is answered: the browser comes back by itself.
                await send({"type": "websocket.close", "code": 1013})
            else:
                await answer_refusal(send, Unavailable(), locale_of(scope))

    async def _inbox(self, named: str) -> InboxView | None:
        inbox_id = uuid_of(named)
        inbox = await self._services.inboxes.get(inbox_id) if inbox_id is not None else None
        return inbox if inbox is not None and inbox.channel == MANIFEST.code else None

    def _known(self, call: Call, what: str) -> str:
        """The visitor who asks, within what one may ask for. Raises VisitorTokenRefused, TooManyRequests."""
        visitor_id = self._tokens.read(bearer(call.scope), call.inbox.id)
        if what != "send":
            self._guard.check(what, visitor_id, address_of(call.scope))
        return visitor_id

    async def _visitor(self, call: Call) -> None:
        self._guard.check("visitor", None, address_of(call.scope))
        token, visitor_id = self._tokens.make(call.inbox.id)
        await answer_json(call.send, {"token": token, "visitor_id": visitor_id}, 201)

    async def _session(self, call: Call) -> None:
        visitor_id = self._known(call, "read")
        await answer_json(call.send, await self._state.welcome(call.inbox, visitor_id, 0))

    async def _messages(self, call: Call) -> None:
        visitor_id = self._known(call, "read")
        before = integer(query(call.scope), "before_seq", _MOST_SEQ, _MOST_SEQ) or 0
        await answer_json(call.send, await self._state.messages(call.inbox, visitor_id, before))

    async def _write(self, call: Call) -> None:
        visitor_id = self._known(call, "send")
        body = await read_body(call.receive, call.scope, READ_LIMIT)
        if len(body) > FRAME_LIMIT:
            raise BodyTooLarge(limit=FRAME_LIMIT)
        try:
            frame = read_json(body)
        except ValueError:
            raise MalformedEvent(detail="not JSON") from None
        if not isinstance(frame, dict):
            raise MalformedEvent(detail="not a JSON object")
        body = msgspec.json.encode({**frame, "type": "send"})
        await self._sending.take(call.inbox, visitor_id, address_of(call.scope), body)
        await answer_json(call.send, {"client_id": client_id_of(body)}, 202)

    async def _upload(self, call: Call) -> None:
        visitor_id = self._known(call, "upload")
        if self._services.disk.refuse_input:
            raise StorageFull
        declared = header(call.scope, b"content-length")
        if declared is not None and declared.isdigit() and int(declared) > CONTACT_LIMIT:
            raise BodyTooLarge(limit=CONTACT_LIMIT)
        workspace_id = call.inbox.workspace_id
        stored = await store_upload(
            self._services.db,
            self._services.blobs,
            workspace_id=workspace_id,
            uploader=uploader_of(call.inbox, visitor_id),
            name=query(call.scope).get("name", ""),
            declared_type=header(call.scope, b"content-type"),
            stream=_pieces(call.receive),
            limit=CONTACT_LIMIT,
        )
        await answer_json(call.send, with_links(stored, workspace_id, self._services.media), 201)

    async def _receipt(self, call: Call) -> None:
        visitor_id = self._known(call, "read")
        receipt = _decoded(await read_body(call.receive, call.scope, _SMALL_BODY), ReceiptBody)
        self._receipts.note(call.inbox, visitor_id, receipt.delivered_seq, receipt.read_seq)
        await answer(call.send, 202)

    async def _typing(self, call: Call) -> None:
        visitor_id = self._known(call, "read")
        typing = _decoded(await read_body(call.receive, call.scope, _SMALL_BODY), TypingBody)
        thread = thread_key(call.inbox.id, visitor_id)
        await self._services.hub.typists.visitor(call.inbox.workspace_id, thread, on=typing.on)
        await answer(call.send, 204)

    async def _stream(self, call: Call) -> None:
        visitor_id = self._known(call, "read")
        after_seq = integer(query(call.scope), "after_seq", 0, _MOST_SEQ) or 0
        hub, line = self._services.hub, WaitingLine()
        thread = thread_key(call.inbox.id, visitor_id)
        watch = hub.join_thread(line, call.inbox.workspace_id, thread)
        gone = asyncio.create_task(end_when_gone(call.receive, line))
        try:
            await hub.begin(watch)
            line.release(encode(await self._state.welcome(call.inbox, visitor_id, after_seq)))
            await stream_frames(line, call.send)
        finally:
            gone.cancel()
            hub.leave(line, watch, thread)

    async def _poll(self, call: Call) -> None:
        visitor_id = self._known(call, "read")
        values = query(call.scope)
        after_seq = integer(values, "after_seq", 0, _MOST_SEQ) or 0
        wait = integer(values, "wait", 25, MOST_WAIT) or 0
        hub, line = self._services.hub, WaitingLine()
        thread = thread_key(call.inbox.id, visitor_id)
        watch = hub.join_thread(line, call.inbox.workspace_id, thread)
        try:
            await hub.begin(watch)
            state = await self._state.welcome(call.inbox, visitor_id, after_seq)
            line.release()
            frames = []
            if state["messages"]:
                frames.append(encode(WidgetMessages(state["messages"])))  # type: ignore[arg-type]  # as `welcome` puts them
            # Marks may have moved between two polls, so they are said at each.
            if state["conversation"] is not None:
                frames.append(encode(WidgetMarks(state["conversation"])))  # type: ignore[arg-type]  # the same
            frames += await line.wait(0 if state["messages"] else wait)
        finally:
            hub.leave(line, watch, thread)
        await answer(call.send, 200, polled(frames))


async def _pieces(receive: Receive) -> AsyncIterator[bytes]:
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise HungUp
        if message.get("body"):
            yield message["body"]
        if not message.get("more_body", False):
            return


def _decoded(body: bytes, model: type[S]) -> S:
    try:
        return msgspec.json.decode(body, type=model)
    except (msgspec.DecodeError, UnicodeError) as error:
        raise MalformedFrame(detail=str(error)[:200]) from None
