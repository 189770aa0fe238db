"""Inboxes as the doors know them: opened, kept in memory, told of changes; and how they are doing."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest

from comptoir.inboxes.cache import KEPT_SECONDS, UNKNOWN_SECONDS, InboxCache
from comptoir.inboxes.commands import create_inbox, update_inbox
from comptoir.inboxes.health import HealthNotes, inbox_health
from comptoir.inboxes.queries import get_inbox, inbox_of_slug
from comptoir.infra.crypto import KeyRing, Sealer
from comptoir.infra.database import Database
from comptoir.infra.signals import Signals
from comptoir.kernel.errors import NotFound
from comptoir.kernel.ids import uuid7
from comptoir.workspaces.commands import create_workspace
from tests.world import SECRET, World

SEALER = Sealer(KeyRing((SECRET,)))


class HandSeconds:
    """A monotonic clock moved by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


async def an_inbox(db: Database, name: str = "Till") -> tuple[UUID, UUID]:
    async with db.system() as tx:
        workspace_id = await create_workspace(tx, name=f"Shop {uuid7()}")
        return workspace_id, await create_inbox(
            tx, workspace_id, channel="loopback", name=name, sealer=SEALER, credentials={"token": "one"}
        )


async def rename(db: Database, workspace_id: UUID, inbox_id: UUID, name: str) -> None:
    async with db.workspace(workspace_id) as tx:
        await update_inbox(tx, workspace_id, inbox_id, sealer=SEALER, name=name)


async def test_a_change_is_known_at_once_here_and_soon_elsewhere(database_url: str) -> None:
    processes = []
    for _ in range(2):
        signals = Signals(database_url)
        db = Database(database_url, app_size=1, system_size=2, signals=signals)
        await db.open()
        cache = InboxCache(db, SEALER, signals)
        await signals.open()
        processes.append((db, signals, cache))
    (db, _, here), (_, _, elsewhere) = processes
    workspace_id, inbox_id = await an_inbox(db)
    for cache in (here, elsewhere):
        found = await cache.get(inbox_id)
        assert found is not None
        assert (found.name, found.credentials) == ("Till", {"token": "one"})
    # Listening begins in the background; a change made before it is found by the reading that follows it.
    await rename(db, workspace_id, inbox_id, "Counter")
    now = await here.get(inbox_id)
    assert now is not None
    assert now.name == "Counter"
    for _ in range(500):
        seen = await elsewhere.get(inbox_id)
        if seen is not None and seen.name == "Counter":
            break
        await asyncio.sleep(0.02)
    else:
        pytest.fail("the other process was not told within ten seconds")
    for db, signals, _ in processes:
        await signals.close()
        await db.close()


async def test_what_is_kept_is_not_read_again_until_its_time(db: Database) -> None:
    workspace_id, inbox_id = await an_inbox(db)
    seconds = HandSeconds()
    cache = InboxCache(db, SEALER, None, seconds)
    first = await cache.get(inbox_id)
    # Without signals nobody tells the cache: the poll behind them does.
    await rename(db, workspace_id, inbox_id, "Counter")
    assert await cache.get(inbox_id) is first
    seconds.now += KEPT_SECONDS + 0.1
    again = await cache.get(inbox_id)
    assert again is not None
    assert again.name == "Counter"
    unknown = uuid7()
    assert await cache.get(unknown) is None
    async with db.system() as tx:
        await tx.run("UPDATE inbox SET id = $1 WHERE id = $2", unknown, inbox_id)
    assert await cache.get(unknown) is None
    seconds.now += UNKNOWN_SECONDS + 0.1
    found = await cache.get(unknown)
    assert found is not None
    # Sealed for another row: a value that was moved opens for nobody, and the inbox goes on without it.
    assert found.credentials == {}


async def test_many_who_ask_at_once_are_served_by_one_reading(db: Database) -> None:
    _, inbox_id = await an_inbox(db)
    cache = InboxCache(db, SEALER)
    found = await asyncio.gather(*[cache.get(inbox_id) for _ in range(50)])
    assert all(one is found[0] for one in found)


async def test_slugs_belong_to_the_installation(db: Database) -> None:
    first_workspace, first = await an_inbox(db, "Été à Nîmes")
    second_workspace, second = await an_inbox(db, "Été à Nîmes")
    async with db.system() as tx:
        assert (await get_inbox(tx, first_workspace, first, "")).slug == "ete-a-nimes"
        other = (await get_inbox(tx, second_workspace, second, "")).slug
        assert other is not None
        assert other.startswith("ete-a-nimes-")
        assert await inbox_of_slug(tx, other) == second
        assert await inbox_of_slug(tx, "nothing") is None
        with pytest.raises(NotFound):
            await get_inbox(tx, second_workspace, first, "")


async def test_health_is_written_for_many_events_at_once_and_never_goes_back(world: World) -> None:
    notes = HealthNotes(world.db, write_every=0.05)
    for _ in range(1000):
        notes.note_event(world.inbox.id)
    notes.note_error(world.inbox.id, "bad_signature: The signature is wrong.\u0000")
    notes.note_event(uuid7())
    async with asyncio.timeout(5):
        while True:
            async with world.db.workspace(world.workspace_id) as tx:
                health = await inbox_health(tx, world.workspace_id, world.inbox.id)
            if health.last_event_at:
                break
            await asyncio.sleep(0.02)
    assert health.last_error == "bad_signature: The signature is wrong.\ufffd"
    async with world.db.system() as tx:
        await tx.run("UPDATE inbox_health SET last_event_at = $1", health.last_event_at + timedelta(hours=1))
    notes.note_event(world.inbox.id)
    await notes.close()
    async with world.db.workspace(world.workspace_id) as tx:
        later = await inbox_health(tx, world.workspace_id, world.inbox.id)
    assert later.last_event_at == health.last_event_at + timedelta(hours=1)
    assert later.last_error == health.last_error
