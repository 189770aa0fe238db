"""The door's promises.

One bad event is quarantined and the others pass; a failing thread is parked and the others go on; caps answer "not now"; replay has no
second effect.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from urllib.parse import urlsplit, urlunsplit
from uuid import UUID

import asyncpg
import pytest

from comptoir.contracts.channel import HookRequest, InboxView
from comptoir.conversations.facts import MessageReceived
from comptoir.conversations.subscribers import ConversationKeeper
from comptoir.infra.database import Database
from comptoir.ingest.batcher import Batcher
from comptoir.ingest.facts import InboundReceived
from comptoir.ingest.lanes import LaneBatch, LaneRunner, Work
from comptoir.ingest.queries import backlog, quarantine
from comptoir.ingest.replay import replay
from comptoir.ingest.retention import sweep
from comptoir.kernel.errors import Unavailable
from comptoir.kernel.fact import Fact
from tests.conftest import HandClock
from tests.world import World, said


async def seqs(db: Database) -> list[tuple[str, int]]:
    async with db.system() as tx:
        rows = await tx.fetch("SELECT content->>'text' AS text, seq FROM message ORDER BY conversation_id, seq")
    return [(row["text"], row["seq"]) for row in rows]


async def refuse_bodies(db: Database, mark: str) -> None:
    """Let the real database refuse raw events that hold a mark, as it would any row it cannot keep."""
    connection = await asyncpg.connect(db.dsn)
    await connection.execute(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        f" IF position('{mark}'::bytea IN NEW.body) > 0 THEN RAISE EXCEPTION USING ERRCODE = 'data_exception'; END IF; RETURN NEW; END $$;"
        "CREATE TRIGGER refuse BEFORE INSERT ON raw_event FOR EACH ROW EXECUTE FUNCTION refuse()"
    )
    await connection.close()


async def test_one_bad_event_stands_alone_in_quarantine(world: World) -> None:
    await refuse_bodies(world.db, "POISON")
    await asyncio.gather(
        *[world.receive(said("visitor-1", f"{n}"), body=b"POISON" if n == 7 else b"{}") for n in range(20)],
    )
    assert await world.settle() == 19
    async with world.db.workspace(world.workspace_id) as tx:
        (bad,) = await quarantine(tx, world.workspace_id, world.inbox.id, None, 10)
    assert bad.body == b"POISON"
    assert "7" not in [text for text, _ in await seqs(world.db)]


class Stumbling:
    """A room that fails on a word, until it is mended."""

    listens: tuple[type[Fact], ...] = (InboundReceived,)
    mended = False

    def __init__(self, batch: LaneBatch) -> None:
        self.batch = batch

    async def load(self) -> None:
        """Nothing to load."""

    def handle(self, item: Work) -> None:
        """Fail on the word."""
        assert isinstance(item.fact, InboundReceived)
        if not Stumbling.mended and "stumble" in str(item.fact.event):
            raise RuntimeError("stumbled")

    async def write(self) -> None:
        """Nothing to write."""


async def test_a_failing_thread_is_parked_and_the_others_go_on(world: World, clock: HandClock) -> None:
    Stumbling.mended = False
    lanes = LaneRunner(world.db, world.signals, (ConversationKeeper, Stumbling))
    await world.receive(*[said(f"visitor-{n}", "before") for n in range(8)])
    await world.receive(said("visitor-3", "stumble"))
    await world.receive(*[said(f"visitor-{n}", "after") for n in range(8)])
    for _ in range(6):
        await lanes.work_once()
    done = await seqs(world.db)
    assert done.count(("before", 1)) == 8
    assert done.count(("after", 2)) == 7
    async with world.db.system() as tx:
        state = await backlog(tx)
    assert (state.waiting, state.parked) == (2, 1)
    Stumbling.mended = True
    assert await lanes.work_once() == 0
    clock.pass_time(minutes=1)
    for _ in range(3):
        await lanes.work_once()
    done = await seqs(world.db)
    assert done.count(("stumble", 2)) == 1
    assert done.count(("after", 3)) == 1
    async with world.db.system() as tx:
        assert (await backlog(tx)).parked == 0


async def test_two_workers_share_the_lanes_and_do_nothing_twice(world: World) -> None:
    other = LaneRunner(world.db, world.signals, (ConversationKeeper,))
    for n in range(30):
        await world.receive(*[said(f"visitor-{who}", f"{n}") for who in range(10)])
    while sum(await asyncio.gather(*[lane.work_once(most=40) for lane in (world.lanes, other, world.lanes, other)])):
        pass
    done = await seqs(world.db)
    assert len(done) == 300
    assert all(int(text) == seq - 1 for text, seq in done)


async def test_a_full_house_says_not_now_and_stores_nothing(world: World, clock: HandClock) -> None:
    batcher = Batcher(world.db, world.signals, clock, most_waiting=3)
    request = HookRequest(method="POST", body=b"{}")
    with pytest.raises(Unavailable):
        await batcher.accept(world.inbox, request, [said("visitor-1", str(n)) for n in range(4)])
    assert await world.settle() == 0


async def test_a_database_away_is_not_now_and_what_comes_later_passes(world: World) -> None:
    parts = urlsplit(world.db.dsn)
    name = parts.path.lstrip("/")
    door = await asyncpg.connect(urlunsplit(parts._replace(path="/postgres")))
    try:
        await door.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
        await door.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", name)
        with pytest.raises(Unavailable):
            await world.write("visitor-1", "into the void")
        await door.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')
    finally:
        await door.close()
    await world.write("visitor-1", "and back")
    assert await seqs(world.db) == [("and back", 1)]


async def test_replay_brings_back_what_was_lost_and_repeats_nothing(world: World, clock: HandClock) -> None:
    from comptoir.channels.web import inbound

    body = b'{"type":"send","client_id":"01a200a9-86a2-77ed-a682-4de0b5294928","content":{"type":"text","text":"Kept"}}'
    request = HookRequest(method="POST", body=body, headers={"visitor": "visitor-1"})
    await world.batcher.accept(world.inbox, request, inbound.parse(world.inbox, request))
    lost = b'{"type":"send","client_id":"01a200a9-86a2-77ed-a682-4de0b5294929","content":{"type":"text","text":"Lost"}}'
    await world.batcher.accept(world.inbox, HookRequest(method="POST", body=lost, headers={"visitor": "visitor-1"}), [])
    await world.settle()

    async def find(inbox_id: UUID) -> InboxView | None:
        return world.inbox if inbox_id == world.inbox.id else None

    since, until = clock() - timedelta(hours=1), clock() + timedelta(hours=1)
    report = await replay(world.db, world.batcher, find, None, since, until)
    assert (report.requests, report.events, report.unreadable) == (2, 2, 0)
    await world.settle()
    assert await seqs(world.db) == [("Kept", 1), ("Lost", 2)]
    assert MessageReceived.__name__ in Fact.KINDS


async def test_raw_events_go_after_their_days_and_keys_stay(world: World, clock: HandClock) -> None:
    async with world.db.system() as tx:
        await tx.run("UPDATE workspace SET settings = '{\"raw_event_days\": 3}' WHERE id = $1", world.workspace_id)
    old = said("visitor-1", "old")
    await world.receive(old)
    clock.pass_time(days=4)
    await world.receive(said("visitor-1", "new"))
    await world.settle()
    await sweep(world.db)
    async with world.db.system() as tx:
        assert await tx.value("SELECT count(*) FROM raw_event") == 1
    await world.receive(old)
    await world.settle()
    assert await seqs(world.db) == [("old", 1), ("new", 2)]
