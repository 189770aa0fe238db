"""Unordered work, timers and schedules: pgqueuer behind one file.

A job is asked for in the caller's transaction, so it exists if and only if what asked for it was committed. Work that
has an order (a conversation's) belongs in a lane, not here.

A job runs at least once: a worker that dies hands it on when its heart has not beaten for thirty seconds. A handler
whose effect must happen once settles the job in the transaction of the effect (`settle`).

pgqueuer is imported only where jobs run: with pydantic it weighs more than the rest of the worker.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar

import asyncpg
import msgspec

from comptoir.infra.log import get_logger
from comptoir.infra.metrics import counter, latency

if TYPE_CHECKING:
    from pgqueuer import PgQueuer
    from pgqueuer.models import Job as PgqJob
    from pgqueuer.models import Schedule

    Connection = asyncpg.Connection[Any]

T = TypeVar("T")

_DONE = counter("jobs_total", "Jobs run, by name and outcome.", "name", "outcome")
_TIME = latency("job_seconds", "How long a job ran.", "name")
_GRACE_SECONDS = 1.0
_log = get_logger(__name__)

_ENQUEUE = """
INSERT INTO pgqueuer (priority, entrypoint, payload, execute_after, dedupe_key, status)
SELECT $1, $2, payload, now() + $3::interval, key, 'queued'
  FROM unnest($4::bytea[], $5::text[]) WITH ORDINALITY AS input (payload, key, place)
 ORDER BY place
    ON CONFLICT DO NOTHING
"""
_SETTLE = "DELETE FROM pgqueuer WHERE id = $1 AND status = 'picked' RETURNING id"
_SWEEP_LOG = "DELETE FROM pgqueuer_log WHERE created < now() - interval '7 days'"
_SWEEP_STATISTICS = "DELETE FROM pgqueuer_statistics WHERE created < now() - interval '30 days'"
_KEEP_AHEAD = "SELECT comptoir_ensure_partitions()"
_FAILED = "SELECT count(*) FROM pgqueuer WHERE status = 'failed'"


class Job(msgspec.Struct, frozen=True):
    """One piece of work as its handler sees it; `attempt` counts from 1."""

    id: int
    name: str
    payload: bytes
    attempt: int

    def read(self, kind: type[T]) -> T:
        """The payload as `kind`. Raises msgspec.ValidationError."""
        return msgspec.json.decode(self.payload, type=kind)


Handler = Callable[[Job], Awaitable[None]]


class JobSettled(Exception):
    """Another worker has settled this job: give the transaction up, its effect is there already."""


async def enqueue(
    connection: Connection,
    name: str,
    payloads: Sequence[object],
    *,
    delay: timedelta = timedelta(0),
    priority: int = 0,
    keys: Sequence[str | None] | None = None,
) -> int:
    """Ask for one job per payload, in the transaction of `connection`; returns how many were new.

    A payload is anything that msgspec encodes as JSON. Higher `priority` first. While a job with the same key waits
    or runs, another one is not made.
    """
    if keys is not None and len(keys) != len(payloads):
        raise ValueError("one key for each payload")
    encoded = [msgspec.json.encode(payload) for payload in payloads]
    tag: str = await connection.execute(
        _ENQUEUE, priority, name, delay, encoded, list(keys) if keys is not None else [None] * len(encoded)
    )
    return int(tag.rpartition(" ")[2])


async def settle(connection: Connection, job: Job) -> None:
    """Make the job's end part of the handler's transaction: its effect then happens exactly once, crash or not.

    Raises JobSettled when a worker that was thought dead has already done it.
    """
    if await connection.fetchval(_SETTLE, job.id) is None:
        raise JobSettled


async def failed_jobs(connection: Connection) -> int:
    """How many jobs gave up after their last try and wait for a person."""
    count: int = await connection.fetchval(_FAILED)
    return count


class Jobs:
    """The worker's side: handlers and schedules by name, and the loop that runs them.

    `dsn` is the database's address; the loop holds one connection of its own, as the system's role, and makes a new
    one when it is lost. A job that fails is tried again after `first_delay`, then twice that, up to an hour, in all
    `tries` times; after the last it stays in the table as failed, and `doctor` shows it.
    """

    def __init__(self, dsn: str, *, tries: int = 8, first_delay: timedelta = timedelta(seconds=2)) -> None:
        self._dsn = dsn
        self._tries = tries
        self._first_delay = first_delay
        self._handlers: dict[str, tuple[Handler, int]] = {}
        self._schedules: dict[str, tuple[str, Callable[[], Awaitable[None]]]] = {}
        self._stopping = asyncio.Event()
        self._running: PgQueuer | None = None

    def handle(self, name: str, handler: Handler, *, at_once: int = 0) -> None:
        """Run `handler` for the jobs called `name`, at most `at_once` of them over all workers (0: no limit)."""
        if name in self._handlers:
            raise ValueError(f"the job {name} has a handler already")
        self._handlers[name] = (handler, at_once)

    def schedule(self, name: str, cron: str, action: Callable[[], Awaitable[None]]) -> None:
        """Run `action` at the times of `cron` (five fields, UTC), on one worker of the installation each time."""
        if name in self._schedules:
            raise ValueError(f"the schedule {name} stands already")
        self._schedules[name] = (cron, action)

    def stop(self) -> None:
        """Take no new jobs; `run` returns once those under way have ended."""
        self._stopping.set()
        if self._running is not None:
            self._running.shutdown.set()

    async def run(self, *, heartbeat: timedelta = timedelta(seconds=30)) -> None:
        """Run jobs until `stop`. A lost database is waited for.

        `heartbeat` is how long a silent worker keeps its jobs before others may take them.
        """
        pause = 0.1
        while not self._stopping.is_set():
            try:
                await self._run_once(heartbeat)
                pause = 0.1
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, _listener_failure()) as error:
                _log.warning("jobs.away", error=type(error).__name__, again_in=pause)
                try:
                    await asyncio.wait_for(self._stopping.wait(), pause)
                except TimeoutError:
                    pause = min(pause * 2, 5.0)

    async def _run_once(self, heartbeat: timedelta) -> None:
        from pgqueuer import PgQueuer

        connection = await asyncpg.connect(
            self._dsn,
            timeout=10,
            command_timeout=30,
            server_settings={"application_name": "comptoir_jobs", "role": "comptoir_system"},
        )
        try:
            queue = PgQueuer.from_asyncpg_connection(connection)
            self._register(queue)
            self._running = queue
            if self._stopping.is_set():
                return
            running = asyncio.ensure_future(
                queue.run(
                    dequeue_timeout=timedelta(seconds=30),
                    batch_size=10,
                    shutdown_on_listener_failure=True,
                    heartbeat_timeout=heartbeat,
                    log_aggregation_interval=timedelta(0),
                )
            )
            await _until_done_or_lost(running, connection)
        finally:
            self._running = None
            connection.terminate()

    def _register(self, queue: PgQueuer) -> None:
        for name, (handler, at_once) in self._handlers.items():
            queue.entrypoint(name, concurrency_limit=at_once, accepts_context=False, on_failure="hold")(
                self._runner(name, handler)
            )

        async def keep_ahead() -> None:
            await queue.connection.execute(_KEEP_AHEAD)

        async def sweep() -> None:
            await queue.connection.execute(_SWEEP_LOG)
            await queue.connection.execute(_SWEEP_STATISTICS)

        own = {"comptoir.partitions": ("17 * * * *", keep_ahead), "comptoir.job_log": ("43 3 * * *", sweep)}
        for name, (cron, action) in (own | self._schedules).items():
            queue.schedule(name, cron, accepts_context=False)(_ticker(action))

    def _runner(self, name: str, handler: Handler) -> Callable[[PgqJob], Awaitable[None]]:
        from pgqueuer.errors import RetryRequested

        async def run(raw: PgqJob) -> None:
            job = Job(id=int(raw.id), name=name, payload=raw.payload or b"null", attempt=raw.attempts + 1)
            try:
                with _TIME.labels(name).time():
                    await handler(job)
            except JobSettled:
                _DONE.labels(name, "settled_elsewhere").inc()
            except Exception as error:
                _DONE.labels(name, "failed").inc()
                _log.warning("job.failed", name=name, job=job.id, attempt=job.attempt, exc_info=error)
                if job.attempt >= self._tries:
                    raise
                delay = min(self._first_delay * 2**raw.attempts, timedelta(hours=1))
                raise RetryRequested(delay=delay, reason=type(error).__name__) from error
            else:
                _DONE.labels(name, "done").inc()

        return run


async def _until_done_or_lost(running: asyncio.Future[None], connection: Connection) -> None:
    """Wait for the loop; when its connection is lost, which pgqueuer does not notice by itself, end it.

    Jobs under way have a moment to finish. Whether they did can no longer be written down, so they run again.
    """
    lost = asyncio.Event()

    def note_loss(_: object) -> None:
        lost.set()

    connection.add_termination_listener(note_loss)
    losing = asyncio.ensure_future(lost.wait())
    try:
        either: list[asyncio.Future[Any]] = [running, losing]
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if running.done():
            running.result()
            return
        await asyncio.sleep(_GRACE_SECONDS)
        raise ConnectionResetError("the jobs' connection is lost")
    finally:
        losing.cancel()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


def _ticker(action: Callable[[], Awaitable[None]]) -> Callable[[Schedule], Awaitable[None]]:
    async def tick(_: Schedule) -> None:
        await action()

    return tick


def _listener_failure() -> type[Exception]:
    from pgqueuer.errors import FailingListenerError

    return FailingListenerError
