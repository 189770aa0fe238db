"""Receipts from browsers, gathered: a scrolling visitor sends dozens, the lanes get at most one a second from each."""

from __future__ import annotations

import asyncio

import msgspec

from comptoir.channels.web.inbound import VISITOR, receipts
from comptoir.contracts.channel import HookRequest, InboxView
from comptoir.infra.log import get_logger
from comptoir.ingest.batcher import Batcher
from comptoir.kernel.errors import Refusal

GATHER_SECONDS = 1.0
_MOST_WAITING = 20_000
log = get_logger("widget")


class _Pending(msgspec.Struct):
    inbox: InboxView
    visitor_id: str
    delivered_seq: int = 0
    read_seq: int = 0
    told: tuple[int, int] = (0, 0)


class ReceiptGatherer:
    """One per process. A first receipt goes on at once, further ones of the same visitor after a second, together.

    What is lost with the process is sent again by the browser, which keeps what it has shown.
    """

    def __init__(self, batcher: Batcher) -> None:
        self._batcher = batcher
        self._pending: dict[tuple[str, str], _Pending] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def note(self, inbox: InboxView, visitor_id: str, delivered_seq: int, read_seq: int) -> None:
        """Take in that a visitor has got, and has seen, what we wrote up to these positions."""
        key = (str(inbox.id), visitor_id)
        pending = self._pending.get(key)
        if pending is None:
            if len(self._pending) >= _MOST_WAITING:
                return
            pending = self._pending[key] = _Pending(inbox, visitor_id, delivered_seq, read_seq)
            task = asyncio.create_task(self._pass_on(key, pending))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        else:
            pending.delivered_seq = max(pending.delivered_seq, delivered_seq)
            pending.read_seq = max(pending.read_seq, read_seq)

    async def _pass_on(self, key: tuple[str, str], pending: _Pending) -> None:
        try:
            while (pending.delivered_seq, pending.read_seq) != pending.told:
                pending.told = (pending.delivered_seq, pending.read_seq)
                await self._store(pending)
                await asyncio.sleep(GATHER_SECONDS)
        finally:
            del self._pending[key]

    async def _store(self, pending: _Pending) -> None:
        delivered_seq, read_seq = pending.told
        events = receipts(pending.visitor_id, delivered_seq, read_seq)
        if not events:
            return
        body = msgspec.json.encode({"type": "receipt", "delivered_seq": delivered_seq, "read_seq": read_seq})
        request = HookRequest(method="POST", body=body, headers={VISITOR: pending.visitor_id})
        try:
            await self._batcher.accept(pending.inbox, request, events)
        except Refusal as refusal:
            log.info("widget.receipt_not_taken", code=refusal.code)
