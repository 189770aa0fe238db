"""Jobs: asked for in a transaction, done once, tried again, handed on, drained."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from uuid import uuid4

import asyncpg
import msgspec
import pytest

from comptoir.infra.database import Database
from comptoir.infra.jobs import Job, Jobs, JobSettled, enqueue, failed_jobs, settle

SOON = timedelta(milliseconds=50)


class Greeting(msgspec.Struct):
    to: str


@asynccontextmanager
async def running(*workers: Jobs, heartbeat: timedelta = timedelta(seconds=30)) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(worker.run(heartbeat=heartbeat)) for worker in workers]
    try:
        yield
    finally:
        for worker in workers:
            worker.stop()
        await asyncio.wait_for(asyncio.gather(*tasks), 15)


async def until(condition: object, within: float = 15.0) -> None:
    assert callable(condition)
    async with asyncio.timeout(within):
        while not condition():  # noqa: ASYNC110 - what is waited for happens in another process or library
            await asyncio.sleep(0.02)


async def ask(db: Database, name: str, *payloads: object, **options: object) -> int:
    async with db.system() as tx:
        return await enqueue(tx.connection, name, payloads, **options)  # type: ignore[arg-type]


async def left(db: Database) -> int:
    async with db.system() as tx:
        return int(await tx.value("SELECT count(*) FROM pgqueuer"))


async def test_several_workers_do_each_job_once(db: Database) -> None:
    done: Counter[str] = Counter()

    async def greet(job: Job) -> None:
        done[job.read(Greeting).to] += 1

    workers = [Jobs(db.dsn), Jobs(db.dsn)]
    for worker in workers:
        worker.handle("greet", greet)
    names = [f"person {number}" for number in range(100)]
    assert await ask(db, "greet", *(Greeting(name) for name in names)) == 100
    async with running(*workers):
        await until(lambda: len(done) == 100)
        await asyncio.sleep(0.3)
    assert done == Counter(names)
    assert await left(db) == 0


async def test_a_job_of_a_transaction_that_was_rolled_back_does_not_exist(db: Database) -> None:
    async def change_ones_mind() -> None:
        async with db.system() as tx:
            await enqueue(tx.connection, "greet", [Greeting("nobody")])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await change_ones_mind()
    assert await left(db) == 0


async def test_the_apps_role_may_ask_but_not_look(db: Database) -> None:
    async with db.workspace(uuid4()) as tx:
        assert await enqueue(tx.connection, "greet", [Greeting("a")]) == 1
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await tx.value("SELECT count(*) FROM pgqueuer")


async def test_a_key_that_waits_already_is_not_asked_for_twice(db: Database) -> None:
    assert await ask(db, "sync", 1, 2, keys=["inbox 1", "inbox 2"]) == 2
    assert await ask(db, "sync", 3, 4, keys=["inbox 1", "inbox 3"]) == 1
    assert await left(db) == 3


async def test_a_job_waits_for_its_time(db: Database) -> None:
    done: list[float] = []
    loop = asyncio.get_running_loop()

    async def note(_: Job) -> None:
        done.append(loop.time())

    worker = Jobs(db.dsn)
    worker.handle("later", note)
    async with running(worker):
        await asyncio.sleep(0.3)
        asked = loop.time()
        await ask(db, "later", None, delay=timedelta(seconds=1))
        await until(lambda: bool(done))
    assert done[0] - asked >= 1.0


async def test_a_failing_job_is_tried_again_and_then_kept_for_a_person(db: Database) -> None:
    tried: list[int] = []

    async def fail(job: Job) -> None:
        tried.append(job.attempt)
        raise RuntimeError("the provider is away")

    worker = Jobs(db.dsn, tries=3, first_delay=SOON)
    worker.handle("sync", fail)
    await ask(db, "sync", None)

    async with running(worker):
        await until(lambda: len(tried) == 3)
        await asyncio.sleep(0.5)
    assert tried == [1, 2, 3]
    async with db.system() as tx:
        assert await failed_jobs(tx.connection) == 1


async def test_a_job_whose_worker_died_is_handed_on_and_its_effect_happens_once(db: Database) -> None:
    """The first worker does the work but is cut off before it could say so; the second must not do it again."""
    effects: list[int] = []
    outcomes: list[str] = []

    async def work(job: Job) -> None:
        try:
            async with db.system() as tx:
                await settle(tx.connection, job)
                tx.after_commit(lambda: effects.append(job.id))
        except JobSettled:
            outcomes.append("settled elsewhere")
            raise

    await ask(db, "charge", None)
    async with db.system() as tx:
        row = await tx.row("UPDATE pgqueuer SET status = 'picked' RETURNING id")
    assert row is not None
    job = Job(id=row["id"], name="charge", payload=b"null", attempt=1)
    await work(job)
    with pytest.raises(JobSettled):
        await work(job)
    assert effects == [job.id]
    assert outcomes == ["settled elsewhere"]


async def test_a_silent_workers_jobs_are_taken_over(db: Database) -> None:
    done: list[str] = []

    async def note(job: Job) -> None:
        done.append(job.name)

    await ask(db, "orphan", None)
    async with db.system() as tx:
        await tx.run(
            "UPDATE pgqueuer SET status = 'picked', heartbeat = now() - interval '1 minute', queue_manager_id = gen_random_uuid()"
        )
    worker = Jobs(db.dsn)
    worker.handle("orphan", note)
    async with running(worker):
        await until(lambda: bool(done))
    assert done == ["orphan"]


async def test_stopping_lets_running_jobs_end_and_takes_no_new_ones(db: Database) -> None:
    started, finished = asyncio.Event(), []

    async def slow(job: Job) -> None:
        started.set()
        await asyncio.sleep(0.5)
        finished.append(job.id)

    worker = Jobs(db.dsn)
    worker.handle("slow", slow)
    await ask(db, "slow", None)
    async with running(worker):
        await asyncio.wait_for(started.wait(), 10)
        worker.stop()
        await ask(db, "slow", None)
    assert len(finished) == 1
    assert await left(db) == 1


async def test_a_lost_connection_is_made_again(db: Database) -> None:
    done: list[int] = []

    async def note(job: Job) -> None:
        done.append(job.id)

    worker = Jobs(db.dsn)
    worker.handle("note", note)
    async with running(worker):
        await ask(db, "note", None)
        await until(lambda: len(done) == 1)
        killer = await asyncpg.connect(db.dsn)
        cut = await killer.fetchval(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
            " WHERE application_name = 'comptoir_jobs' AND datname = current_database()"
        )
        await killer.close()
        assert cut == 1
        await ask(db, "note", None)
        await until(lambda: len(done) == 2, within=20)


async def test_a_schedule_runs_on_one_worker_each_time(db: Database) -> None:
    ran: list[str] = []

    def schedule(name: str) -> Jobs:
        async def tick() -> None:
            ran.append(name)

        worker = Jobs(db.dsn)
        worker.schedule("tick", "* * * * *", tick)
        return worker

    workers = [schedule("first"), schedule("second")]
    async with running(*workers):
        await asyncio.sleep(0.5)
        async with db.system() as tx:
            # The minute is over for the table; nobody waits a minute in a test.
            await tx.run(
                "UPDATE pgqueuer_schedules SET next_run = now() - interval '1 second' WHERE entrypoint = 'tick'"
            )
    third = schedule("third")
    async with running(third):
        await until(lambda: bool(ran))
        await asyncio.sleep(0.3)
    assert ran == ["third"]


async def _never() -> None:
    raise AssertionError("not started")


async def test_names_are_given_once() -> None:
    worker = Jobs("postgresql://nowhere/x")
    worker.handle("a", _ignore)
    with pytest.raises(ValueError, match="handler already"):
        worker.handle("a", _ignore)
    worker.schedule("a", "* * * * *", _never)
    with pytest.raises(ValueError, match="stands already"):
        worker.schedule("a", "* * * * *", _never)


async def _ignore(_: Job) -> None:
    return
