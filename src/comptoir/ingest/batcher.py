"""The batcher: events become durable here, many in one commit.

It has no timer. While one transaction commits, the next batch gathers, so an idle house answers at once and a busy one commits hundreds of events
together; only above some thousand commits a second would a short wait pay. A batch that the database refuses is halved until the one bad event stands
alone and is quarantined as bytes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import asyncpg
import msgspec

from comptoir.channels.registry import channel_of
from comptoir.contracts.channel import HookRequest, InboundEvent, InboxView
from comptoir.infra.database import AWAY, DATABASE_ERRORS, Database
from comptoir.infra.log import get_logger
from comptoir.infra.metrics import count_refusal, counter
from comptoir.infra.signals import Signals
from comptoir.ingest.facts import InboundReceived
from comptoir.kernel.clock import Clock
from comptoir.kernel.errors import Unavailable
from comptoir.kernel.ids import digest_uuid, lane_of, thread_key, uuid7
from comptoir.kernel.text import storable_tree

log = get_logger(__name__)
EVENTS = counter("ingest_events_total", "Events made durable", "outcome")
_encoder = msgspec.json.Encoder()

# One statement, therefore one transaction and one round trip. Keys are inserted sorted, so that two batches never wait for each other in a circle;
# what another batch has brought already yields no todo. The lane stored on the identity wins over the one computed from the key.
_STORE = """
WITH event AS (
    SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::smallint[], $5::bytea[], $6::bool[])
           WITH ORDINALITY AS e (workspace_id, key, thread_key, lane, fact, replayed, nth)
), fresh AS (
    INSERT INTO event_key (workspace_id, key, received_at)
    SELECT workspace_id, key, $13 FROM event ORDER BY key
    ON CONFLICT (key) DO NOTHING RETURNING key
), kept AS (
    INSERT INTO raw_event (workspace_id, id, inbox_id, received_at, headers, body)
    SELECT r.workspace_id, r.id, r.inbox_id, $13, r.headers, r.body
      FROM unnest($7::uuid[], $8::uuid[], $9::uuid[], $10::jsonb[], $11::bytea[]) AS r (workspace_id, id, inbox_id, headers, body)
)
INSERT INTO todo (lane, thread_key, workspace_id, kind, fact, replayed)
SELECT coalesce(l.lane, e.lane), e.thread_key, e.workspace_id, $12, e.fact, e.replayed
  FROM event e JOIN fresh USING (key)
  LEFT JOIN thread_lane l ON l.thread_key = e.thread_key
 ORDER BY e.nth
"""

_QUARANTINE = """
INSERT INTO quarantined_event (workspace_id, id, inbox_id, reason, headers, body) VALUES ($1, $2, $3, $4, $5, $6)
"""


class Row(msgspec.Struct):
    """One event of a request, ready to be stored."""

    key: UUID
    thread_key: UUID
    lane: int
    fact: bytes


class Waiting(msgspec.Struct):
    """One request waiting for its commit."""

    inbox: InboxView
    raw_id: UUID
    headers: dict[str, str] | None
    body: bytes
    rows: list[Row]
    replayed: bool
    done: asyncio.Future[None]

    def size(self) -> int:
        """Bytes held in memory."""
        return len(self.body) + sum(len(row.fact) for row in self.rows)


class Batcher:
    """One per process. `deduplicate=False` exists for the chaos test alone, to prove that it would notice."""

    def __init__(
        self,
        db: Database,
        signals: Signals,
        clock: Clock,
        *,
        most_waiting: int = 20_000,
        most_bytes: int = 64 * 1024 * 1024,
        most_in_batch: int = 1000,
        deduplicate: bool = True,
    ) -> None:
        self._db, self._signals, self._clock = db, signals, clock
        self._most_waiting, self._most_bytes, self._most_in_batch = most_waiting, most_bytes, most_in_batch
        self._deduplicate = deduplicate
        self._queue: list[Waiting] = []
        self._rows = self._bytes = 0
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._closing = False

    async def open(self) -> None:
        """Begin to take events."""
        self._task = asyncio.create_task(self._run(), name="batcher")

    async def close(self) -> None:
        """Refuse new events, commit those that wait."""
        self._closing = True
        self._wake.set()
        if self._task is not None:
            await self._task

    async def accept(
        self, inbox: InboxView, request: HookRequest, events: Sequence[InboundEvent], *, replayed: bool = False
    ) -> None:
        """Return when the events are durable (or were so already, or are quarantined). Raises Unavailable: nothing was stored, come again."""
        waiting = self._ticket(inbox, request, events, replayed=replayed)
        size = waiting.size()
        if self._closing or self._rows + len(events) > self._most_waiting or self._bytes + size > self._most_bytes:
            count_refusal("ingest_full")
            raise Unavailable
        self._rows += len(waiting.rows)
        self._bytes += size
        self._queue.append(waiting)
        self._wake.set()
        try:
            await waiting.done
        finally:
            self._rows -= len(waiting.rows)
            self._bytes -= size

    def _ticket(
        self, inbox: InboxView, request: HookRequest, events: Sequence[InboundEvent], *, replayed: bool
    ) -> Waiting:
        now, raw_id = self._clock(), uuid7()
        names = channel_of(inbox.channel).manifest.kept_headers
        kept = {name: request.headers[name] for name in names if name in request.headers}
        return Waiting(
            inbox=inbox,
            raw_id=raw_id,
            headers=kept or None,
            body=request.body,
            rows=[self._row(inbox, event, raw_id, now) for event in events],
            replayed=replayed,
            done=asyncio.get_running_loop().create_future(),
        )

    def _row(self, inbox: InboxView, event: InboundEvent, raw_id: UUID, now: datetime) -> Row:
        thread = thread_key(inbox.id, event.address)
        fact = InboundReceived(
            workspace_id=inbox.workspace_id,
            inbox_id=inbox.id,
            channel=inbox.channel,
            event=event,
            raw_event_id=raw_id,
            received_at=now,
        )
        key = digest_uuid(str(inbox.id), event.event_key) if self._deduplicate else uuid7()
        return Row(key=key, thread_key=thread, lane=lane_of(thread), fact=_encode(fact))

    async def _run(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._queue:
                batch = self._take()
                await self._store_safely(batch)
            if self._closing:
                return

    def _take(self) -> list[Waiting]:
        total = taken = 0
        for waiting in self._queue:
            if taken and total + len(waiting.rows) > self._most_in_batch:
                break
            total += len(waiting.rows)
            taken += 1
        batch, self._queue = self._queue[:taken], self._queue[taken:]
        return batch

    async def _store_safely(self, batch: list[Waiting]) -> None:
        try:
            await self._store(batch)
        except AWAY as error:
            log.warning("ingest.away", error=type(error).__name__, requests=len(batch))
            count_refusal("ingest_database_away")
            _settle(batch, Unavailable())
        except (asyncpg.PostgresError, ValueError, OverflowError, UnicodeError) as error:
            if len(batch) > 1:
                middle = len(batch) // 2
                await self._store_safely(batch[:middle])
                await self._store_safely(batch[middle:])
            else:
                await self._quarantine(batch[0], error)
        else:
            EVENTS.labels("stored").inc(sum(len(waiting.rows) for waiting in batch))
            _settle(batch, None)
            self._signals.send("todo")

    async def _store(self, batch: list[Waiting]) -> None:
        # A key twice in one batch would pass the conflict check together; the first of it is the event.
        first: dict[UUID, tuple[Waiting, Row]] = {}
        for waiting in batch:
            for row in waiting.rows:
                first.setdefault(row.key, (waiting, row))
        rows = list(first.values())
        async with self._db.connection() as connection:
            await connection.execute(
                _STORE,
                [waiting.inbox.workspace_id for waiting, _ in rows],
                [row.key for _, row in rows],
                [row.thread_key for _, row in rows],
                [row.lane for _, row in rows],
                [row.fact for _, row in rows],
                [waiting.replayed for waiting, _ in rows],
                [waiting.inbox.workspace_id for waiting in batch],
                [waiting.raw_id for waiting in batch],
                [waiting.inbox.id for waiting in batch],
                [waiting.headers for waiting in batch],
                [waiting.body for waiting in batch],
                InboundReceived.__name__,
                self._clock(),
            )

    async def _quarantine(self, waiting: Waiting, reason: Exception) -> None:
        log.error("ingest.quarantined", inbox_id=str(waiting.inbox.id), error=type(reason).__name__)
        EVENTS.labels("quarantined").inc(len(waiting.rows))
        try:
            async with self._db.connection() as connection:
                await connection.execute(
                    _QUARANTINE,
                    waiting.inbox.workspace_id,
                    uuid7(),
                    waiting.inbox.id,
                    f"{type(reason).__name__}: {reason}".replace("\x00", "")[:500],
                    waiting.headers,
                    waiting.body,
                )
        except DATABASE_ERRORS:
            _settle([waiting], Unavailable())
        else:
            _settle([waiting], None)


def _encode(fact: InboundReceived) -> bytes:
    """JSON without what the database cannot hold (NUL, lone surrogates), should an adapter have let it through."""
    try:
        encoded = _encoder.encode(fact)
    except UnicodeEncodeError:
        pass
    else:
        if b"\\u0000" not in encoded:
            return encoded
    return _encoder.encode(storable_tree(msgspec.to_builtins(fact)))


def _settle(batch: list[Waiting], error: Exception | None) -> None:
    for waiting in batch:
        if waiting.done.done():
            continue
        if error is None:
            waiting.done.set_result(None)
        else:
            waiting.done.set_exception(error)
