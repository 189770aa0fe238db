"""Loopback's side of the line: an HTTP server that takes messages by its own rules, and calls our webhook with signed events.

It is strict where a provider is strict (bearer, idempotency, the 24-hour window, the length of a text) and misbehaves on demand, as providers do.
"""

from __future__ import annotations

import asyncio
import hmac
import random
from collections import deque
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Literal

import aiohttp
import msgspec
from aiohttp import web

from comptoir.kernel.clock import Clock, rfc3339, system_clock

# What a fresh simulator is set up with; an inbox that talks to it has the same.
TOKEN = "loopback-token"  # noqa: S105  # a simulator keeps no secrets
SECRET = "loopback-secret"  # noqa: S105  # as above
WINDOW = timedelta(hours=24)
TEXT_LIMIT = 2000

# What may go wrong with a message: `dropped` takes it and hangs up without an answer, `silent` takes it and does not answer until released.
Trouble = Literal[
    "busy", "broken", "throttled", "unauthorised", "gone", "refused", "dropped", "hung_up", "slow", "silent"
]
_REFUSALS: dict[str, tuple[int, str]] = {
    "busy": (503, "busy"),
    "broken": (502, "bad_gateway"),
    "throttled": (429, "too_many"),
    "unauthorised": (401, "token_revoked"),
    "gone": (410, "contact_gone"),
    "refused": (422, "content_refused"),
}


class Taken(msgspec.Struct, frozen=True):
    """A message that the simulator has accepted, once per idempotency key."""

    id: str
    contact: str
    text: str
    key: str
    at: datetime
    message: dict[str, Any]


class Habits(msgspec.Struct):
    """How it sends webhooks: each `copies` times, shuffled where `disorder`, after `delay` seconds.

    With `echoes` and `delivered` it tells of every message that it takes, of its own accord.
    """

    copies: int = 1
    disorder: bool = False
    delay: float = 0.0
    echoes: bool = False
    delivered: bool = False


class LoopbackSimulator:
    """One Loopback. Set `hook_url` to the inbox's webhook address, and let the inbox's `api_base` be `base_url`.

    `troubles` are met by the next messages, one each; `troubled` by those to a contact; `always` by all the others.
    `slow_seconds` is how long `slow` takes, `retry_after` what `throttled` asks for.
    """

    def __init__(
        self,
        *,
        token: str = TOKEN,
        secret: str = SECRET,
        clock: Clock = system_clock,
        seed: int = 0,
    ) -> None:
        self.token, self.secret, self.clock = token, secret, clock
        self.hook_url: str | None = None
        self.habits = Habits()
        self.troubles: deque[Trouble] = deque()
        self.always: Trouble | None = None
        self.troubled: dict[str, Trouble] = {}
        self.slow_seconds = 0.5
        self.retry_after: float | None = 1.0
        self.honours_keys = True
        self.taken: list[Taken] = []
        self.calls: list[tuple[str, str]] = []
        self.webhook_statuses: list[int] = []
        self.released = asyncio.Event()
        self.under_way = 0
        self.most_under_way = 0
        self._heard: dict[str, datetime] = {}
        self._by_key: dict[str, Taken] = {}
        self._numbers = 0
        self._random = random.Random(seed)  # noqa: S311  # a seeded order of events, no secret
        self._runner: web.AppRunner | None = None
        self._client: aiohttp.ClientSession | None = None
        self._posting: set[asyncio.Task[Any]] = set()
        self.base_url = ""

    async def start(self, port: int = 0) -> str:
        """Listen on this machine; gives the base URL."""
        app = web.Application()
        app.router.add_post("/messages", self._take)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", port)
        await site.start()
        self._client = aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar())
        self.base_url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self.base_url

    async def stop(self) -> None:
        """Let go of everybody and close."""
        self.released.set()
        for task in self._posting:
            task.cancel()
        await asyncio.gather(*self._posting, return_exceptions=True)
        if self._client is not None:
            await self._client.close()
        if self._runner is not None:
            await self._runner.cleanup()

    # What contacts do: each becomes a signed webhook.

    async def say(self, contact: str, text: str, **fields: Any) -> dict[str, Any]:
        """A contact writes. Fields of the event may be given; the event is returned."""
        self.hear(contact)
        message = {"id": self._number("lm"), "type": "text", "text": text} | fields.pop("message", {})
        event = self._event("message", contact, message=message, **fields)
        await self.post([event])
        return event

    async def receive(self, contact: str, state: Literal["delivered", "read"], ids: Sequence[str]) -> int:
        """A contact's app got our messages, or the contact read them."""
        return await self.post([self._event(state, contact, message_ids=list(ids))])

    async def echo(self, taken: Taken) -> int:
        """Show us what we sent, with the delivery's id from the metadata."""
        delivery_id = taken.message.get("metadata", {}).get("delivery_id")
        event = self._event("echo", taken.contact, message_ids=[taken.id], delivery_id=delivery_id)
        return await self.post([event])

    def hear(self, contact: str) -> None:
        """The contact wrote just now, as far as the window goes."""
        self._heard[contact] = self.clock()

    async def post(self, events: list[dict[str, Any]]) -> int:
        """Send events in one signed body, by `habits`; gives the last status (0 when nobody answered)."""
        await asyncio.sleep(self.habits.delay)
        status = 0
        for _ in range(self.habits.copies):
            body = list(events)
            if self.habits.disorder:
                self._random.shuffle(body)
            status = await self.post_raw(msgspec.json.encode({"events": body}))
        return status

    async def post_raw(self, body: bytes, signature: str | None = None) -> int:
        """Send bytes as a webhook, signed unless a signature is given."""
        if self._client is None or self.hook_url is None:
            return 0
        signature = signature or "sha256=" + hmac.digest(self.secret.encode(), body, "sha256").hex()
        try:
            async with self._client.post(
                self.hook_url,
                data=body,
                headers={"x-loopback-signature": signature, "content-type": "application/json"},
            ) as answer:
                await answer.read()
                status = answer.status
        except aiohttp.ClientError:
            status = 0
        self.webhook_statuses.append(status)
        return status

    def _event(self, kind: str, contact: str, **fields: Any) -> dict[str, Any]:
        return {"id": self._number("ev"), "type": kind, "contact": contact, "at": rfc3339(self.clock())} | fields

    def _number(self, prefix: str) -> str:
        self._numbers += 1
        return f"{prefix}_{self._numbers}"

    # What we ask of it.

    async def _take(self, request: web.Request) -> web.StreamResponse:
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        try:
            return await self._judge(request)
        finally:
            self.under_way -= 1

    async def _judge(self, request: web.Request) -> web.StreamResponse:
        raw = await request.read()
        if not hmac.compare_digest(request.headers.get("Authorization", "").encode(), f"Bearer {self.token}".encode()):
            return _refuse(401, "token_unknown")
        try:
            body = msgspec.json.decode(raw, type=dict[str, Any])
            contact, message = str(body["contact"]), dict(body["message"])
        except (msgspec.MsgspecError, KeyError, TypeError, ValueError):
            return _refuse(400, "malformed")
        self.calls.append((contact, str(message.get("text"))))
        trouble = self._trouble(contact)
        if trouble in _REFUSALS:
            status, code = _REFUSALS[trouble]
            throttled = trouble == "throttled" and self.retry_after is not None
            return _refuse(status, code, {"Retry-After": f"{self.retry_after:g}"} if throttled else {})
        if trouble == "hung_up":
            return _hang_up(request)
        if trouble == "slow":
            await asyncio.sleep(self.slow_seconds)
        refusal = self._rules(contact, message)
        if refusal is not None:
            return refusal
        taken = self._accept(contact, message, request.headers.get("Idempotency-Key", ""), body)
        if trouble == "silent":
            await self.released.wait()
        if trouble == "dropped":
            return _hang_up(request)
        return web.json_response({"id": taken.id}, status=201)

    def _trouble(self, contact: str) -> Trouble | None:
        if self.troubles:
            return self.troubles.popleft()
        return self.troubled.get(contact, self.always)

    def _rules(self, contact: str, message: dict[str, Any]) -> web.Response | None:
        if len(str(message.get("text", ""))) > TEXT_LIMIT:
            return _refuse(422, "content_refused")
        heard = self._heard.get(contact)
        if heard is None or self.clock() - heard >= WINDOW:
            return _refuse(409, "window_closed")
        return None

    def _accept(self, contact: str, message: dict[str, Any], key: str, body: dict[str, Any]) -> Taken:
        known = self._by_key.get(key) if key and self.honours_keys else None
        if known is not None:
            return known
        whole = message | {"metadata": body.get("metadata", {})}
        taken = Taken(self._number("lm"), contact, str(message.get("text", "")), key, self.clock(), whole)
        self._by_key[key] = taken
        self.taken.append(taken)
        if self.habits.echoes:
            self._later(self.echo(taken))
        if self.habits.delivered:
            self._later(self.receive(contact, "delivered", [taken.id]))
        return taken

    def _later(self, work: Any) -> None:
        task = asyncio.ensure_future(work)
        self._posting.add(task)
        task.add_done_callback(self._posting.discard)

    def texts(self, contact: str | None = None) -> list[str]:
        """The texts accepted, in their order; of one contact or all."""
        return [taken.text for taken in self.taken if contact in {None, taken.contact}]


def _refuse(status: int, code: str, headers: dict[str, str] | None = None) -> web.Response:
    return web.json_response(
        {"error": {"code": code, "message": f"Loopback says {code}."}}, status=status, headers=headers
    )


def _hang_up(request: web.Request) -> web.Response:
    if request.transport is not None:
        request.transport.abort()
    return web.Response()
