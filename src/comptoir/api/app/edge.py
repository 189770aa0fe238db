"""What every request to the app's API passes before the framework sees it, and every answer after.

Bodies are read whole and bounded here, because a browser that is still sending does not hear an answer: what is too much is
read to its end and thrown away first.
"""

from __future__ import annotations

import asyncio

from comptoir.api.bare import (
    SAFE,
    App,
    HungUp,
    Message,
    Receive,
    Scope,
    Send,
    answer_refusal,
    header,
    is_same_origin,
    locale_of,
    read_body,
)
from comptoir.api.errors import CrossOriginRefused
from comptoir.kernel.errors import BodyTooLarge, Refusal
from comptoir.workspaces.access import COOKIE

JSON_LIMIT = 256 * 1024
# A body beyond this is not waited for, however politely.
_MOST_DRAINED = 64 * 1024 * 1024
_DRAIN_SECONDS = 20.0
_STREAMED = "/api/v1/attachments"
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_HEADERS = [
    *SAFE,
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'; base-uri 'none'"),
    (b"cross-origin-resource-policy", b"same-origin"),
]


class Edge:
    """ASGI around the framework."""

    def __init__(self, app: App, public_url: str) -> None:
        self._app = app
        self._public_url = public_url

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        body = _Body(receive)
        try:
            self._require_own_page(scope)
            # PostgreSQL's text holds no NUL; in a query it is a stray sign like any other.
            scope["query_string"] = scope["query_string"].replace(b"%00", b"%EF%BF%BD")
            hear = body.receive if scope["path"].rstrip("/") == _STREAMED else await _whole(scope, body)
            await self._app(scope, hear, body.sender(send))
        except Refusal as refusal:
            await answer_refusal(body.sender(send), refusal, locale_of(scope))
        except HungUp:
            return

    def _require_own_page(self, scope: Scope) -> None:
        """A browser sends the cookie with whatever page asks; only our own pages may change something by it."""
        if scope["method"] in _SAFE_METHODS or header(scope, b"authorization") is not None:
            return
        site, origin = header(scope, b"sec-fetch-site"), header(scope, b"origin")
        ours = site == "same-origin" or (origin is not None and is_same_origin(scope, self._public_url))
        has_cookie = f"{COOKIE}=" in (header(scope, b"cookie") or "")
        if not ours and (has_cookie or origin is not None):
            raise CrossOriginRefused


class _Body:
    """Knows how much of a request's body is still to come."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._more = True

    async def receive(self) -> Message:
        message = await self._receive()
        self._more = message["type"] == "http.request" and message.get("more_body", False)
        return message

    def sender(self, send: Send) -> Send:
        async def safe_send(message: Message) -> None:
            if message["type"] == "http.response.start":
                if message["status"] >= 400:
                    await self._drain()
                given = {name for name, _ in message.get("headers", ())}
                message["headers"] = [
                    *message.get("headers", ()),
                    *[(name, value) for name, value in _HEADERS if name not in given],
                ]
            await send(message)

        return safe_send

    async def _drain(self) -> None:
        drained = 0
        try:
            async with asyncio.timeout(_DRAIN_SECONDS):
                while self._more and drained < _MOST_DRAINED:
                    drained += len((await self.receive()).get("body", b""))
        except TimeoutError:
            return


async def _whole(scope: Scope, body: _Body) -> Receive:
    """The body, read; what follows it is passed on."""
    if scope["method"] in _SAFE_METHODS:
        return body.receive
    try:
        value = await read_body(body.receive, scope, JSON_LIMIT)
    except BodyTooLarge as error:
        raise BodyTooLarge(field="body", **error.values) from None
    rest: list[Message] = [{"type": "http.request", "body": value, "more_body": False}]

    async def hear() -> Message:
        return rest.pop() if rest else await body.receive()

    return hear
