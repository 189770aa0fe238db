"""When an outbox freezes, dies, or does not hear the answer: nothing goes twice by itself, and nothing is forgotten."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import asyncpg
import pytest

from comptoir.contracts.channel import InboundEcho, InboundReceipt
from comptoir.conversations.deliveries import settle
from comptoir.conversations.delivery_views import deliveries_to_settle, delivery_view, message_deliveries
from comptoir.conversations.errors import NotToSettle
from comptoir.kernel.errors import NotFound
from comptoir.kernel.ids import uuid7
from tests.postroom import SHORT_LEASE, Postroom, open_postroom
from tests.world import World


@pytest.fixture
async def post(world: World) -> AsyncIterator[Postroom]:
    async with open_postroom(world) as opened:
        yield opened


@contextlib.asynccontextmanager
async def another_process(post: Postroom, *, idempotent: bool) -> AsyncIterator[asyncio.subprocess.Process]:
    """An outbox on another host, as it were; killed at the end."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.outbox_process",
        post.world.db.dsn,
        "idempotent" if idempotent else "plain",
        str(SHORT_LEASE.total_seconds()),
        cwd=Path.cwd(),
    )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGCONT)
            process.kill()
        await process.wait()


async def taken(post: Postroom, count: int, within: float = 15.0) -> None:
    """Wait until the provider has accepted so many."""
    async with asyncio.timeout(within):
        while len(post.simulator.calls) < count:  # noqa: ASYNC110  # the simulator is what is watched
            await asyncio.sleep(0.02)


async def cut_every_line(dsn: str) -> None:
    """End all sessions of the database but our own, as a restart does."""
    connection = await asyncpg.connect(dsn)
    await connection.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = current_database()"
    )
    await connection.close()
    await asyncio.sleep(0.3)


async def settled(post: Postroom, message_id: UUID, as_: str) -> None:
    delivery = await post.delivery(message_id)
    async with post.world.db.workspace(post.world.workspace_id) as tx:
        await settle(tx, post.world.workspace_id, delivery["id"], as_)  # type: ignore[arg-type]  # tests write words


async def test_an_answer_that_never_came_leaves_the_delivery_uncertain(post: Postroom) -> None:
    alice = await post.conversation("alice")
    post.simulator.troubles.append("dropped")
    async with post.sending(idempotent=False):
        first, second = await post.answer(alice, "did it arrive?", "next")
        await post.until([first], "uncertain")
        await asyncio.sleep(0.6)
        assert await post.states([first, second]) == ["uncertain", "queued"], "it holds its followers for a moment"
        assert post.simulator.texts() == ["did it arrive?"], "and is never repeated by itself"
        post.pass_time(seconds=25)
        await post.until([second], "sent")
    assert await post.states([first]) == ["uncertain"]
    async with post.world.db.workspace(post.world.workspace_id) as tx:
        page = await deliveries_to_settle(tx, post.world.workspace_id, "uncertain", None, 10)
    assert [view.message_id for view in page.items] == [first]


async def test_where_keys_are_honoured_the_same_request_is_repeated_and_makes_one_message(post: Postroom) -> None:
    alice = await post.conversation("alice")
    post.simulator.troubles.append("dropped")
    async with post.sending(idempotent=True):
        first, second = await post.answer(alice, "once", "next")
        await post.until([first], "held")
        post.pass_time(seconds=5)
        await post.until([first, second], "sent")
    assert post.simulator.calls.count(("alice", "once")) == 2
    assert post.simulator.texts("alice") == ["once", "next"]


async def test_an_echo_settles_an_uncertain_delivery(post: Postroom) -> None:
    alice = await post.conversation("alice")
    post.simulator.troubles.append("dropped")
    async with post.sending(idempotent=False):
        (message,) = await post.answer(alice, "did it arrive?")
        await post.until([message], "uncertain")
        delivery = await post.delivery(message)
        echo = InboundEcho(address="alice", event_key="ev_e", provider_id="lm_9", delivery_id=delivery["id"])
        await post.hear(echo)
        assert await post.states([message]) == ["sent"]
        read = InboundReceipt(address="alice", event_key="ev_r", state="read", provider_ids=("lm_9",))
        await post.hear(read)
    delivery = await post.delivery(message)
    assert (delivery["state"], delivery["error_code"]) == ("read", None)
    assert delivery["delivered_at"] is not None
    assert [fact["state"] for fact in await post.facts("DeliveryUpdated")] == ["uncertain", "sent", "read"]
    (marks,) = await post.facts("ReceiptReceived")
    assert marks["contact_read_seq"] == 2


async def test_an_echo_of_somebody_elses_inbox_settles_nothing(post: Postroom) -> None:
    alice = await post.conversation("alice")
    other = await post.another_inbox(post.simulator)
    await post.conversation("mallory", inbox=other)
    (message,) = await post.answer(alice, "waits")
    delivery = await post.delivery(message)
    echo = InboundEcho(address="mallory", event_key="ev_e", provider_id="lm_9", delivery_id=delivery["id"])
    await post.hear(echo, inbox=other)
    assert await post.states([message]) == ["queued"]


async def test_a_person_decides_about_an_uncertain_delivery(post: Postroom) -> None:
    alice, bob, chloe = [await post.conversation(name) for name in ("alice", "bob", "chloe")]
    post.simulator.troubles.extend(["dropped"] * 3)
    messages = [(await post.answer(one, "did it arrive?"))[0] for one in (alice, bob, chloe)]
    async with post.sending(idempotent=False):
        await post.until(messages, "uncertain")
        await settled(post, messages[0], "sent")
        await settled(post, messages[1], "failed")
        await settled(post, messages[2], "retry")
        await post.until([messages[2]], "sent")
        assert await post.states(messages) == ["sent", "failed", "sent"]
        await settled(post, messages[1], "retry")
        await post.until([messages[1]], "sent")
    async with post.world.db.workspace(post.world.workspace_id) as tx:
        (view,) = await message_deliveries(tx, post.world.workspace_id, messages[1])
        assert (view.state, view.error) == ("sent", None)
        with pytest.raises(NotToSettle):
            await settle(tx, post.world.workspace_id, view.id, "retry")
        with pytest.raises(NotFound):
            await settle(tx, post.world.workspace_id, uuid7(), "sent")
        assert (await delivery_view(tx, post.world.workspace_id, view.id)).message_id == messages[1]


async def test_a_receipt_that_overtakes_the_answer_is_kept_until_its_message_is_known(post: Postroom) -> None:
    alice = await post.conversation("alice")
    post.simulator.troubles.append("silent")
    async with post.sending():
        (message,) = await post.answer(alice, "quick reader")
        await taken(post, 1)
        read = InboundReceipt(
            address="alice", event_key="ev_r", state="read", provider_ids=(post.simulator.taken[0].id, "lm_unknown")
        )
        await post.hear(read)
        assert await post.states([message]) == ["sending"]
        post.simulator.released.set()
        await post.until([message], "read")
        post.pass_time(hours=2)
    async with post.sending():
        await asyncio.sleep(0.3)
    async with post.world.db.system() as tx:
        assert await tx.value("SELECT count(*) FROM early_receipt") == 0, "and those of nobody are dropped in time"


@pytest.mark.parametrize("idempotent", [False, True])
async def test_a_crash_between_sending_and_commit(post: Postroom, *, idempotent: bool) -> None:
    alice = await post.conversation("alice")
    post.simulator.troubles.append("silent")
    (message,) = await post.answer(alice, "sent, and then the light went out")
    async with another_process(post, idempotent=idempotent) as process:
        await taken(post, 1)
        process.kill()
        await process.wait()
    assert await post.states([message]) == ["sending"]
    async with post.sending(idempotent=idempotent):
        await post.until([message], "sent" if idempotent else "uncertain")
        await asyncio.sleep(0.4)
    assert post.simulator.texts() == ["sent, and then the light went out"]
    assert len(post.simulator.calls) == (2 if idempotent else 1)
    delivery = await post.delivery(message)
    assert delivery["state"] == ("sent" if idempotent else "uncertain")
    assert delivery["error_code"] == (None if idempotent else "interrupted")


async def test_a_holder_that_froze_and_wakes_late_changes_nothing(post: Postroom) -> None:
    alice, bob = await post.conversation("alice"), await post.conversation("bob")
    post.simulator.troubled["alice"] = "silent"
    (first,) = await post.answer(alice, "from the sleeper")
    async with another_process(post, idempotent=False) as sleeper:
        await taken(post, 1)
        fence = (await post.delivery(first))["fence"]
        sleeper.send_signal(signal.SIGSTOP)
        async with post.sending(idempotent=False):
            await post.until([first], "uncertain")
            (second,) = await post.answer(bob, "from the successor")
            await post.until([second], "sent")
            assert (await post.delivery(second))["fence"] == fence + 1
            post.simulator.released.set()
            sleeper.send_signal(signal.SIGCONT)
            # The sleeper now hears that its message was taken, and writes so under a fence that no longer holds.
            await asyncio.sleep(1.5)
            assert await post.states([first, second]) == ["uncertain", "sent"]
            (third,) = await post.answer(bob, "still the successor's")
            await post.until([third], "sent")
            assert (await post.delivery(third))["fence"] == fence + 1
    assert post.simulator.texts() == ["from the sleeper", "from the successor", "still the successor's"]


async def test_a_sleepers_result_is_not_taken_for_that_of_the_attempt_under_way(post: Postroom) -> None:
    alice = await post.conversation("alice")
    post.simulator.troubles.extend(["silent", "slow"])
    post.simulator.slow_seconds = 4.0
    (message,) = await post.answer(alice, "repeated under the same key")
    async with another_process(post, idempotent=True) as sleeper:
        await taken(post, 1)
        sleeper.send_signal(signal.SIGSTOP)
        async with post.sending(idempotent=True):
            await taken(post, 2)
            post.simulator.released.set()
            sleeper.send_signal(signal.SIGCONT)
            await asyncio.sleep(1.5)
            assert await post.states([message]) == ["sending"], "the successor has not heard its own answer yet"
            await post.until([message], "sent")
    assert post.simulator.texts() == ["repeated under the same key"]


async def test_two_outboxes_share_the_inboxes_and_send_everything_once(post: Postroom) -> None:
    conversations = [await post.conversation(f"contact-{number}") for number in range(12)]
    async with post.sending(), post.sending(), another_process(post, idempotent=True):
        messages = []
        for number in range(6):
            for conversation in conversations:
                messages += await post.answer(conversation, f"{number}")
        await post.until(messages, "sent", within=20)
    for number in range(12):
        assert post.simulator.texts(f"contact-{number}") == [str(index) for index in range(6)]
    assert len(post.simulator.calls) == len(messages)


async def test_the_outbox_waits_for_a_database_that_is_away(post: Postroom) -> None:
    alice = await post.conversation("alice")
    post.simulator.troubles.append("silent")
    async with post.sending(idempotent=False):
        (first,) = await post.answer(alice, "taken while the database was there")
        await taken(post, 1)
        await cut_every_line(post.world.db.dsn)
        post.simulator.released.set()
        await post.until([first], "sent")
        (second,) = await post.answer(alice, "and it goes on")
        await post.until([second], "sent")
    assert post.simulator.texts() == ["taken while the database was there", "and it goes on"]
