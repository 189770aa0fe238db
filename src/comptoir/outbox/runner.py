"""The outbox of one process: wakes when something is due, runs rounds, carries messages to their channels, and drains when told to stop.

A slow provider holds nobody but itself: requests run beside the rounds, at most `at_once` per inbox. Woken by the signal
`outbox`, with a poll behind it.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from uuid import UUID

from comptoir.channels.registry import UnknownChannel, channel_of
from comptoir.contracts.channel import Channel, Failed, FailureKind, Sent
from comptoir.conversations.attachments import MediaLinks
from comptoir.conversations.deliveries import apply_early_receipts, drop_early_receipts
from comptoir.conversations.sending import SendResult, waiting_inboxes
from comptoir.inboxes.cache import InboxCache
from comptoir.inboxes.health import HealthNotes
from comptoir.infra.database import AWAY, DATABASE_ERRORS, Database
from comptoir.infra.http import HttpClient
from comptoir.infra.log import get_logger
from comptoir.infra.metrics import counter
from comptoir.infra.signals import Signals
from comptoir.kernel.clock import Clock
from comptoir.kernel.ids import uuid7
from comptoir.outbox import leases
from comptoir.outbox.desks import Alarms, Desk
from comptoir.outbox.outcomes import outcome_of
from comptoir.outbox.rounds import Errand, Round, run_round
from comptoir.outbox.sender import Parcel, Sender

log = get_logger("outbox")
OUTCOMES = counter("outbox_outcomes_total", "Ends of requests to providers.", "channel", "outcome")
RECOVERED = counter("outbox_recovered_total", "Deliveries taken over from a holder that stopped in mid-sending.")

_EXPIRE_EVERY = 5.0
_DROP_EARLY_EVERY = 60.0
_BUSY_WAIT = 0.03
_GATHER = 0.05


class OutboxRunner:
    """Runs until `stop`; `run` returns when what was under way is finished and the leases are given back.

    `channels` finds a channel by its code. Times are in seconds: `poll` between looks at the whole table, `request` for one exchange with a provider,
    `drain` for what is under way at the end. `lease_time` is how long a silent process keeps its inboxes.
    """

    def __init__(
        self,
        db: Database,
        signals: Signals,
        inboxes: InboxCache,
        http: HttpClient,
        media: MediaLinks,
        clock: Clock,
        *,
        health: HealthNotes | None = None,
        channels: Callable[[str], Channel] = channel_of,
        monotonic: Callable[[], float] = time.monotonic,
        lease_time: timedelta = timedelta(seconds=10),
        poll: float = 2.0,
        request: float = 20.0,
        drain: float = 15.0,
    ) -> None:
        self._db, self._inboxes, self._clock = db, inboxes, clock
        self._health = health or HealthNotes(db)
        self._own_health = health is None
        self._channels, self._monotonic = channels, monotonic
        self._lease_time, self._poll, self._drain = lease_time, min(poll, lease_time.total_seconds() / 3), drain
        self._sender = Sender(http, media, request)
        self._holder = uuid7()
        self._desks: dict[UUID, Desk] = {}
        self._ensured: set[UUID] = set()
        self._hot: set[UUID] = set()
        self._changed: set[UUID] = set()
        self._doubtful: set[UUID] = set()
        self._alarms = Alarms()
        self._results: list[SendResult] = []
        self._pauses: list[tuple[UUID, int, datetime]] = []
        self._carrying: set[asyncio.Task[None]] = set()
        self._desk_of: dict[UUID, Desk] = {}
        self._next_look = 0.0
        self._next_drop = 0.0
        self._wake = asyncio.Event()
        self._stopping_since: float | None = None
        signals.hear("outbox", self._heard)
        signals.hear("inbox", self._heard_change)

    def stop(self) -> None:
        """Begin nothing new; finish what is under way."""
        if self._stopping_since is None:
            self._stopping_since = self._monotonic()
        self._wake.set()

    async def run(self) -> None:
        """Send until stopped. A database that is away is waited for."""
        while not self._drained():
            self._wake.clear()
            try:
                await self._work()
            except AWAY as error:
                log.warning("outbox.away", error=type(error).__name__)
                await asyncio.sleep(0.5)
            except Exception:
                # Nothing is lost: what could not be written stays in memory, and behind it the lease and the rows.
                log.exception("outbox.round_failed")
                await self._write_apart()
                await asyncio.sleep(1.0)
            else:
                await self._rest()
        with contextlib.suppress(*DATABASE_ERRORS):
            async with self._db.system() as tx:
                await leases.release_leases(tx, self._holder)
        if self._own_health:
            await self._health.close()

    def _heard(self, payload: str | None) -> None:
        if payload:
            self._hot.add(UUID(payload))
        else:
            self._next_look = 0.0
        self._wake.set()

    def _heard_change(self, payload: str | None) -> None:
        if payload:
            self._changed.add(UUID(payload))
            self._hot.add(UUID(payload))
            self._wake.set()

    def _drained(self) -> bool:
        if self._stopping_since is None:
            return False
        waited = self._monotonic() - self._stopping_since
        if waited > self._drain:
            for task in self._carrying:
                task.cancel()
        # With the database away for good, the rows tell the next holder what was under way.
        return (not self._carrying and not self._results) or waited > self._drain + 5.0

    async def _rest(self) -> None:
        if self._hot or self._results or self._changed:
            return
        now = self._monotonic()
        until = min(self._next_look, self._alarms.next() or self._next_look)
        if self._stopping_since is not None:
            until = min(until, now + 0.2)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._wake.wait(), max(until - now, 0.001))

    async def _work(self) -> None:
        now = self._monotonic()
        if now >= self._next_look:
            await self._look()
            self._next_look = self._monotonic() + self._poll
        self._hot |= self._alarms.ring(self._monotonic())
        stale = now + self._lease_time.total_seconds() * 2 / 3
        self._hot |= {id_ for id_, desk in self._desks.items() if desk.under_way and desk.safe_until < stale}
        hot, self._hot = self._hot, set()
        try:
            desks = await self._find_desks(hot)
            await self._round(desks)
        except BaseException:
            self._hot |= hot
            raise

    async def _look(self) -> None:
        """What signals may have missed: inboxes with waiting deliveries, receipts that came too early."""
        async with self._db.system() as tx:
            self._hot.update(await waiting_inboxes(tx))
            await apply_early_receipts(tx)
            if self._monotonic() >= self._next_drop:
                self._next_drop = self._monotonic() + _DROP_EARLY_EVERY
                await drop_early_receipts(tx)

    async def _find_desks(self, inbox_ids: Iterable[UUID]) -> dict[UUID, Desk]:
        found: dict[UUID, Desk] = {}
        wanted = list(inbox_ids)
        inboxes = await asyncio.gather(*(self._inboxes.get(inbox_id) for inbox_id in wanted))
        for inbox_id, inbox in zip(wanted, inboxes, strict=True):
            if inbox is None:
                continue
            desk = self._desks.get(inbox_id)
            if desk is None:
                try:
                    desk = Desk(inbox, self._channels(inbox.channel), self._monotonic)
                except UnknownChannel:
                    # A channel of a later release, or one that was taken out: its deliveries wait for a worker that knows it.
                    log.warning("outbox.unknown_channel", channel=inbox.channel)
                    continue
                self._desks[inbox_id] = desk
            desk.inbox = inbox
            found[inbox_id] = desk
        missing = [
            (desk.inbox.id, desk.inbox.workspace_id) for desk in found.values() if desk.inbox.id not in self._ensured
        ]
        if missing:
            async with self._db.system() as tx:
                await leases.ensure_leases(tx, missing)
            self._ensured.update(inbox_id for inbox_id, _ in missing)
        return found

    async def _round(self, desks: dict[UUID, Desk]) -> None:
        if not desks and not self._results:
            return
        began = self._monotonic()
        errand = Errand(
            holder=self._holder,
            lease_time=self._lease_time,
            desks=desks,
            results=self._results,
            pauses=self._pauses,
            changed=self._changed,
            doubtful=self._doubtful & set(desks),
            expiring={inbox_id for inbox_id, desk in desks.items() if desk.expires_next <= began},
            claiming=self._stopping_since is None,
        )
        self._results, self._pauses, self._changed = [], [], set()
        try:
            async with self._db.system() as tx:
                done = await run_round(tx, errand)
        except BaseException:
            # The commit may have happened all the same: results written twice change nothing, claims are put back.
            self._results, self._pauses = errand.results + self._results, errand.pauses + self._pauses
            self._changed |= errand.changed
            self._doubtful |= set(desks)
            raise
        self._believe(errand, done, began)

    def _believe(self, errand: Errand, done: Round, began: float) -> None:
        """The round is committed: know its leases, forget its results, send its parcels."""
        RECOVERED.inc(done.recovered)
        for result in errand.results:
            self._forget(result.id)
        self._doubtful -= done.leases.keys()
        for inbox_id, lease in done.leases.items():
            desk = errand.desks[inbox_id]
            if desk.fence != lease.fence:
                desk.begin(lease.fence)
            desk.safe_until = began + self._lease_time.total_seconds()
            if inbox_id in errand.expiring:
                desk.expires_next = began + _EXPIRE_EVERY
            if lease.paused_until is not None:
                self._ring_at(lease.paused_until, inbox_id)
            if inbox_id in done.full:
                # Under load some tokens gather first, so that a round stays worth its transaction.
                self._alarms.ring_at(self._monotonic() + max(desk.bucket.wait() + 0.001, _GATHER), inbox_id)
        for inbox_id in done.again:
            self._alarms.ring_at(self._monotonic() + _BUSY_WAIT, inbox_id)
        for inbox_id, parcel in done.parcels:
            desk = errand.desks[inbox_id]
            desk.under_way.add(parcel.delivery_id)
            self._desk_of[parcel.delivery_id] = desk
            desk.bucket.spend(1)
            task = asyncio.create_task(self._carry(desk, parcel), name=f"delivery-{parcel.delivery_id}")
            self._carrying.add(task)
            task.add_done_callback(self._carried)

    def _carried(self, task: asyncio.Task[None]) -> None:
        self._carrying.discard(task)
        self._wake.set()

    async def _carry(self, desk: Desk, parcel: Parcel) -> None:
        if self._monotonic() >= desk.safe_until:
            # This process slept through its lease; somebody else may be sending by now.
            self._note(desk, parcel, _NOT_BEGUN)
            return
        try:
            end = await self._sender.send(desk.inbox, desk.channel, parcel)
        except asyncio.CancelledError:
            end = _CUT_OFF
        self._note(desk, parcel, end)

    def _note(self, desk: Desk, parcel: Parcel, end: Sent | Failed) -> None:
        now, inbox = self._clock(), desk.inbox
        outcome = outcome_of(
            end,
            attempt=parcel.attempt,
            idempotent=desk.channel.manifest.idempotent,
            now=now,
            chance=random.random(),  # noqa: S311  # spreads retries; nothing is secret about it
        )
        OUTCOMES.labels(inbox.channel, end.kind.value if isinstance(end, Failed) else "sent").inc()
        self._results.append(
            SendResult(
                workspace_id=parcel.workspace_id,
                id=parcel.delivery_id,
                fence=parcel.fence,
                state=outcome.state,
                due_at=outcome.due_at,
                error_code=outcome.error_code,
                error_message=outcome.error_message,
                provider_id=outcome.provider_id,
            )
        )
        if outcome.pause_until is not None:
            self._pauses.append((inbox.id, parcel.fence, outcome.pause_until))
        if outcome.unwell is not None:
            self._health.note_error(inbox.id, outcome.unwell)
        if outcome.due_at > now:
            self._ring_at(outcome.due_at, inbox.id)
        self._hot.add(inbox.id)
        self._wake.set()

    def _ring_at(self, moment: datetime, inbox_id: UUID) -> None:
        seconds = (moment - self._clock()).total_seconds()
        if seconds > 0:
            self._alarms.ring_at(self._monotonic() + seconds + 0.001, inbox_id)

    async def _write_apart(self) -> None:
        """A round failed for a reason that repeating does not mend: write each result alone, so that one bad one holds back none."""
        results, self._results = self._results, []
        for position, result in enumerate(results):
            try:
                async with self._db.system() as tx:
                    await run_round(tx, self._errand_of(result))
            except AWAY:
                self._results = results[position:] + self._results
                return
            except Exception:
                log.exception("outbox.result_refused", delivery_id=str(result.id))
                await self._write_uncertain(result)
            self._forget(result.id)

    async def _write_uncertain(self, result: SendResult) -> None:
        """The database takes the delivery's end in no form: let a person decide, and hold nobody behind it."""
        bare = SendResult(
            workspace_id=result.workspace_id,
            id=result.id,
            fence=result.fence,
            state="uncertain",
            due_at=self._clock(),
            error_code="result_refused",
        )
        with contextlib.suppress(*DATABASE_ERRORS):
            async with self._db.system() as tx:
                await run_round(tx, self._errand_of(bare))

    def _forget(self, delivery_id: UUID) -> None:
        desk = self._desk_of.pop(delivery_id, None)
        if desk is not None:
            desk.under_way.discard(delivery_id)

    def _errand_of(self, result: SendResult) -> Errand:
        return Errand(
            holder=self._holder,
            lease_time=self._lease_time,
            desks={},
            results=[result],
            pauses=[],
            changed=set(),
            doubtful=set(),
            expiring=set(),
            claiming=False,
        )


_NOT_BEGUN = Failed(
    kind=FailureKind.RETRY_LATER, code="lease_over", message="The program paused before this could be sent."
)
_CUT_OFF = Failed(
    kind=FailureKind.UNKNOWN_OUTCOME, code="interrupted", message="The program stopped while this was being sent."
)
