"""The webhook door: `/hooks/{channel}/{inbox_id}`, a bare ASGI handler because channels call it thousands of times a second.

It verifies over the raw bytes, parses, and hands to the batcher; 200 means that the bytes are durable. Whatever else
happens is one of the contract's errors, with a status that makes the channel come back when coming back can help.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import TYPE_CHECKING
from uuid import UUID

from comptoir.api.bare import (
    HungUp,
    Receive,
    Scope,
    Send,
    answer,
    answer_refusal,
    locale_of,
    query,
    read_body,
    uuid_of,
)
from comptoir.api.door_errors import TooManyRequests
from comptoir.channels.registry import all_channels
from comptoir.contracts.channel import (
    BadSignature,
    Channel,
    HookAnswer,
    HookRequest,
    InboundEvent,
    InboxView,
    MalformedEvent,
)
from comptoir.infra.database import AWAY
from comptoir.infra.log import get_logger
from comptoir.kernel.errors import NotFound, Refusal, Unavailable

if TYPE_CHECKING:
    from comptoir.api.services import Services

BODY_LIMIT = 1024 * 1024
BODY_SECONDS = 15.0
# More than a busy channel sends to one inbox; beyond it each further second begins anew.
MOST_PER_SECOND = 2000
_MOST_COUNTED = 10_000
_PREFIX = "/hooks/"
log = get_logger("hooks")


class FloodGuard:
    """Counts the requests of each inbox in the running second of this process."""

    def __init__(self, most: int, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._most = most
        self._monotonic = monotonic
        self._second = -1
        self._counts: dict[UUID, int] = {}

    def pass_one(self, inbox_id: UUID) -> None:
        """Raise TooManyRequests when the inbox has had its share of this second."""
        second = int(self._monotonic())
        if second != self._second or len(self._counts) > _MOST_COUNTED:
            self._second, self._counts = second, {}
        count = self._counts[inbox_id] = self._counts.get(inbox_id, 0) + 1
        if count > self._most:
            raise TooManyRequests(retry_after=1)


class HookDoor:
    """Takes the webhooks of every channel that has them."""

    def __init__(self, services: Services, *, most_per_second: int = MOST_PER_SECOND) -> None:
        self._services = services
        self._guard = FloodGuard(most_per_second)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 4404})
            return
        try:
            given = await self._take(scope, receive)
        except HungUp:
            return
        except Refusal as refusal:
            await answer_refusal(send, refusal, locale_of(scope))
        except AWAY:
            await answer_refusal(send, Unavailable(), locale_of(scope))
        else:
            await answer(send, given.status, given.body, given.media_type.encode("latin-1", "replace"))

    async def _take(self, scope: Scope, receive: Receive) -> HookAnswer:
        inbox, channel = await self._find(scope)
        self._guard.pass_one(inbox.id)
        request = await _read(scope, receive)
        try:
            events = understand(channel, inbox, request)
        except (BadSignature, MalformedEvent) as refusal:
            self._services.health.note_error(inbox.id, f"{refusal.code}: {refusal.sentence('en')}")
            raise
        if isinstance(events, HookAnswer):
            return events
        if self._services.disk.refuse_input:
            raise Unavailable
        await self._services.batcher.accept(inbox, request, events)
        self._services.health.note_event(inbox.id)
        return HookAnswer(body=b"{}", media_type="application/json")

    async def _find(self, scope: Scope) -> tuple[InboxView, Channel]:
        code, _, rest = str(scope["path"]).removeprefix(_PREFIX).partition("/")
        channel, inbox_id = all_channels().get(code), uuid_of(rest)
        if channel is None or inbox_id is None or not channel.manifest.public_hook or scope["method"] not in _METHODS:
            raise NotFound
        inbox = await self._services.inboxes.get(inbox_id)
        # An inbox of another channel does not exist here: its secrets are not for this one's code.
        if inbox is None or inbox.channel != code:
            raise NotFound
        return inbox, channel


_METHODS = frozenset({"GET", "POST"})


async def _read(scope: Scope, receive: Receive) -> HookRequest:
    try:
        async with asyncio.timeout(BODY_SECONDS):
            body = await read_body(receive, scope, BODY_LIMIT)
    except TimeoutError:
        raise MalformedEvent(detail="the body did not arrive in time") from None
    try:
        parameters = query(scope)
    except ValueError:
        raise MalformedEvent(detail="too many query parameters") from None
    return HookRequest(
        method=scope["method"],
        body=body,
        headers={name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]},
        query=parameters,
    )


def understand(channel: Channel, inbox: InboxView, request: HookRequest) -> list[InboundEvent] | HookAnswer:
    """The channel's own functions, and nothing of theirs but the contract's errors gets out."""
    try:
        if channel.handshake is not None:
            answered = channel.handshake(inbox, request)
            if answered is not None:
                return answered
        channel.verify(inbox, request)
        return channel.parse(inbox, request)
    except Refusal:
        raise
    except Exception as error:
        # Our fault, not the sender's: it keeps the event and brings it again, to a release that can read it.
        log.warning("hooks.channel_failed", channel=inbox.channel, error=type(error).__name__)
        raise Unavailable from error
