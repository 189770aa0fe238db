"""Lanes: where facts waiting in `todo` take their effect, each exactly once, in order per contact.

A worker claims every free lane that has work, reads its rows in order of position, lets the subscribers load what they need in a few
set-based queries, handle the facts in memory, and write all effects and delete the rows in one transaction. A batch that fails is run again
in halves until the failing thread stands alone; that one is parked with its reason and tried again later, and the others go on.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from datetime import timedelta
from typing import Protocol, TypeVar
from uuid import UUID

import msgspec

from comptoir.infra.database import AWAY, Database, Transaction
from comptoir.infra.log import get_logger
from comptoir.infra.metrics import counter, latency
from comptoir.infra.signals import Signals
from comptoir.kernel.fact import Fact

log = get_logger(__name__)
HANDLED = counter("lane_facts_total", "Facts that took their effect in a lane")
PARKED = counter("lane_parked_total", "Times a thread was parked")
BATCH_SECONDS = latency("lane_batch_seconds", "Time of a lane transaction")

POLL_SECONDS = 2.0
MOST_IN_BATCH = 500
_PARK_FIRST, _PARK_MOST = timedelta(seconds=2), timedelta(minutes=10)

_CLAIM = """
SELECT l.id FROM lane l
 WHERE EXISTS (SELECT 1 FROM todo t WHERE t.lane = l.id)
   FOR UPDATE SKIP LOCKED
"""
# The claim is a statement of its own: this one takes its snapshot after the locks are held, and so sees all that the last holder did.
_READ = """
SELECT t.position, t.thread_key, t.workspace_id, t.kind, t.fact, t.replayed, t.lane
  FROM todo t LEFT JOIN parked_thread p ON p.thread_key = t.thread_key
 WHERE t.lane = ANY($1::smallint[]) AND (p.thread_key IS NULL OR p.parked_until <= $2)
   AND ($4::uuid[] IS NULL OR t.thread_key = ANY($4))
 ORDER BY t.position LIMIT $3
"""
_DONE = """
WITH passed AS (DELETE FROM parked_thread WHERE thread_key = ANY($2::uuid[]))
DELETE FROM todo WHERE position = ANY($1::bigint[])
"""
_PARK = """
INSERT INTO parked_thread (thread_key, workspace_id, lane, parked_until, reason) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (thread_key) DO UPDATE SET attempts = parked_thread.attempts + 1, reason = excluded.reason,
    parked_until = $6::timestamptz + least($7::interval, $8::interval * power(2, least(parked_thread.attempts, 12)))
"""


class Work(msgspec.Struct):
    """A row of todo, decoded."""

    position: int
    thread_key: UUID
    workspace_id: UUID
    fact: Fact
    replayed: bool
    lane: int


class LaneBatch:
    """One transaction of a lane worker: the work, and what the subscribers keep in memory for it."""

    def __init__(self, tx: Transaction, work: Sequence[Work], subscribers: Sequence[type[Subscriber]]) -> None:
        self.tx = tx
        self.work = work
        self._subscribers = {kind: kind(self) for kind in subscribers}

    def get(self, kind: type[K]) -> K:
        """Another room's subscriber of this batch, to the left of the one that asks."""
        found = self._subscribers[kind]
        assert isinstance(found, kind)
        return found

    def publish(self, fact: Fact) -> None:
        """Journal a fact at the end of the batch."""
        self.tx.publish(fact)

    async def run(self) -> None:
        """Load, handle every fact in order, write, and take the work off the list."""
        for subscriber in self._subscribers.values():
            await subscriber.load()
        for item in self.work:
            for subscriber in self._subscribers.values():
                if isinstance(item.fact, subscriber.listens):
                    subscriber.handle(item)
        for subscriber in self._subscribers.values():
            await subscriber.write()
        await self.tx.run(_DONE, [item.position for item in self.work], list({item.thread_key for item in self.work}))


class Subscriber(Protocol):
    """A room's part in the lanes. One object per batch; no network, no query in `handle`."""

    listens: tuple[type[Fact], ...]

    def __init__(self, batch: LaneBatch) -> None: ...

    async def load(self) -> None:
        """Read what the batch's facts need, in a few set-based queries, rows locked in id order."""

    def handle(self, item: Work) -> None:
        """Give one fact its effect in memory."""

    async def write(self) -> None:
        """Write all effects, set-based."""


K = TypeVar("K", bound=Subscriber)


class LaneRunner:
    """Runs the lanes in one process until stopped."""

    def __init__(self, db: Database, signals: Signals, subscribers: Sequence[type[Subscriber]]) -> None:
        self._db = db
        self._subscribers = subscribers
        self._wake = asyncio.Event()
        self._stopping = False
        signals.hear("todo", lambda _: self._wake.set())

    def stop(self) -> None:
        """Finish the batch under way, then return from `run`."""
        self._stopping = True
        self._wake.set()

    async def run(self) -> None:
        """Work until `stop`. A database that is away is waited for."""
        while not self._stopping:
            try:
                worked = await self.work_once()
            except AWAY as error:
                log.warning("lanes.away", error=type(error).__name__)
                await asyncio.sleep(0.5)
                continue
            if worked == 0 and not self._stopping:
                await self._sleep()

    async def _sleep(self) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._wake.wait(), POLL_SECONDS)
        self._wake.clear()

    async def work_once(self, only: list[UUID] | None = None, most: int = MOST_IN_BATCH) -> int:
        """One batch; gives how many facts took their effect. Raises one of `AWAY` alone."""
        self._wake.clear()
        work: list[Work] = []
        try:
            with BATCH_SECONDS.time():
                async with self._db.system() as tx:
                    work = await self._claim(tx, only, most)
                    if work:
                        await LaneBatch(tx, work, self._subscribers).run()
        except AWAY:
            raise
        except Exception as error:  # noqa: BLE001 -- whatever a subscriber raises parks its conversation, and only that
            log.warning("lanes.batch_failed", error=type(error).__name__, detail=str(error)[:300], facts=len(work))
            return await self._halve(work, error)
        HANDLED.inc(len(work))
        return len(work)

    async def _claim(self, tx: Transaction, only: list[UUID] | None, most: int) -> list[Work]:
        lanes = [row["id"] for row in await tx.fetch(_CLAIM)]
        if not lanes:
            return []
        rows = await tx.fetch(_READ, lanes, tx.now, most, only)
        return [
            Work(
                position=row["position"],
                thread_key=row["thread_key"],
                workspace_id=row["workspace_id"],
                fact=msgspec.json.decode(row["fact"], type=Fact.KINDS[row["kind"]]),
                replayed=row["replayed"],
                lane=row["lane"],
            )
            for row in rows
        ]

    async def _halve(self, work: Sequence[Work], error: Exception) -> int:
        threads = list(dict.fromkeys(item.thread_key for item in work))
        if len(threads) > 1:
            middle = len(threads) // 2
            return await self.work_once(threads[:middle]) + await self.work_once(threads[middle:])
        if len(work) > 1:
            # What came before the failing fact in the thread is good: let it through one by one.
            return await self.work_once(threads, most=1)
        if work:
            await self._park(work[0], error)
        return 0

    async def _park(self, item: Work, error: Exception) -> None:
        PARKED.inc()
        log.error("lanes.parked", thread_key=str(item.thread_key), error=type(error).__name__)
        reason = f"{type(error).__name__}: {error}".replace("\x00", "")[:500]
        async with self._db.system() as tx:
            await tx.run(
                _PARK,
                item.thread_key,
                item.workspace_id,
                item.lane,
                tx.now + _PARK_FIRST,
                reason,
                tx.now,
                _PARK_MOST,
                _PARK_FIRST,
            )
