"""What leaves: in order, once, within the rules, and never because of somebody else's trouble."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import msgspec
import pytest

from comptoir.contracts.capabilities import SendLimits
from comptoir.contracts.content import Text
from comptoir.inboxes.commands import update_inbox
from comptoir.simulators.loopback import LoopbackSimulator
from tests.postroom import Postroom, open_postroom
from tests.world import World


@pytest.fixture
async def post(world: World) -> AsyncIterator[Postroom]:
    async with open_postroom(world) as opened:
        yield opened


async def test_an_answer_reaches_the_contact_and_its_delivery_says_so(post: Postroom) -> None:
    conversation = await post.conversation("alice")
    async with post.sending():
        (message,) = await post.answer(conversation, "Bonjour Alice")
        await post.until([message], "sent")
    assert post.simulator.texts("alice") == ["Bonjour Alice"]
    delivery = await post.delivery(message)
    assert (delivery["attempts"], delivery["error_code"]) == (1, None)
    assert delivery["sent_at"] is not None
    assert post.simulator.taken[0].key == str(delivery["id"])
    assert [fact["state"] for fact in await post.facts("DeliveryUpdated")] == ["sent"]


async def test_what_was_written_in_order_arrives_in_order(post: Postroom) -> None:
    conversations = {name: await post.conversation(name) for name in ("alice", "bob", "chloe")}
    post.simulator.always, post.simulator.slow_seconds = "slow", 0.02
    sent = []
    for number in range(15):
        for name, conversation in conversations.items():
            sent += await post.answer(conversation, f"{name} {number}")
    async with post.sending():
        await post.until(sent, "sent", within=20)
    for name in conversations:
        assert post.simulator.texts(name) == [f"{name} {number}" for number in range(15)]
    assert post.simulator.most_under_way > 1, "different threads go beside each other"


async def test_replies_leave_before_a_broadcast(post: Postroom) -> None:
    crowd = [await post.conversation(f"crowd-{number}") for number in range(30)]
    alice = await post.conversation("alice")
    broadcast = [(await post.answer(one, "News", bulk=True))[0] for one in crowd]
    reply = await post.answer(alice, "Your answer")
    async with post.sending(limits=SendLimits(per_second=60, burst=2, at_once=2)):
        await post.until([*broadcast, *reply], "sent")
    assert post.simulator.texts()[0] == "Your answer"


async def test_a_reply_behind_a_broadcast_in_its_own_thread_takes_it_along(post: Postroom) -> None:
    crowd = [await post.conversation(f"crowd-{number}") for number in range(20)]
    alice = await post.conversation("alice")
    broadcast = [(await post.answer(one, "News", bulk=True))[0] for one in [*crowd, alice]]
    reply = await post.answer(alice, "Your answer")
    async with post.sending(limits=SendLimits(per_second=60, burst=2, at_once=2)):
        await post.until([*broadcast, *reply], "sent")
    assert post.simulator.texts("alice") == ["News", "Your answer"]
    assert post.simulator.texts().index("Your answer") <= 2


async def test_a_busy_provider_is_tried_again_and_holds_only_that_thread(post: Postroom) -> None:
    alice, bob = await post.conversation("alice"), await post.conversation("bob")
    post.simulator.troubled["alice"] = "busy"
    held = await post.answer(alice, "one", "two")
    async with post.sending():
        await post.until(held[:1], "held")
        (free,) = await post.answer(bob, "hello")
        await post.until([free], "sent")
        assert await post.states(held) == ["held", "queued"]
        assert (await post.delivery(held[0]))["error_code"] == "busy"
        del post.simulator.troubled["alice"]
        post.pass_time(seconds=10)
        await post.until(held, "sent")
    assert post.simulator.texts("alice") == ["one", "two"]
    assert (await post.delivery(held[0]))["attempts"] == 2
    assert (await post.delivery(held[0]))["error_code"] is None


async def test_what_cannot_leave_in_time_fails_visibly_and_frees_its_followers(post: Postroom) -> None:
    alice = await post.conversation("alice")
    post.simulator.troubled["alice"] = "busy"
    (first,) = await post.answer(alice, "never")
    post.pass_time(minutes=30)
    (second,) = await post.answer(alice, "later")
    async with post.sending():
        await post.until([first], "held")
        post.pass_time(minutes=31)
        await post.until([first], "failed")
        del post.simulator.troubled["alice"]
        post.pass_time(minutes=6)
        await post.until([second], "sent")
    failed = await post.delivery(first)
    assert failed["error_code"] == "not_sent_in_time"
    assert "503" in failed["error_message"]


async def test_throttling_pauses_the_inbox_for_as_long_as_it_was_asked(post: Postroom) -> None:
    alice, bob = await post.conversation("alice"), await post.conversation("bob")
    post.simulator.troubles.append("throttled")
    post.simulator.retry_after = 30
    async with post.sending():
        (first,) = await post.answer(alice, "too fast")
        await post.until([first], "held")
        (second,) = await post.answer(bob, "behind")
        post.pass_time(seconds=29)
        await asyncio.sleep(0.5)
        assert await post.states([first, second]) == ["held", "queued"]
        assert len(post.simulator.calls) == 1
        post.pass_time(seconds=2)
        await post.until([first, second], "sent")


async def test_wrong_credentials_stop_the_inbox_until_they_are_mended(post: Postroom) -> None:
    alice = await post.conversation("alice")
    post.simulator.token = "changed at the provider"
    async with post.sending():
        (message,) = await post.answer(alice, "hello")
        await post.until([message], "held")
        assert (await post.delivery(message))["error_code"] == "token_unknown"
        await asyncio.sleep(0.5)
        assert (await post.delivery(message))["attempts"] == 1, "one refusal is enough to stop"
        async with post.world.db.workspace(post.world.workspace_id) as tx:
            await update_inbox(
                tx,
                post.world.workspace_id,
                post.inbox.id,
                sealer=post.world.sealer,
                credentials=post.inbox.credentials | {"token": "changed at the provider"},
            )
        await post.until([message], "sent")
    async with post.world.db.system() as tx:
        assert "token_unknown" in await tx.value(
            "SELECT last_error FROM inbox_health WHERE inbox_id = $1", post.inbox.id
        )


@pytest.mark.parametrize(
    ("trouble", "code"), [("gone", "contact_gone"), ("refused", "content_refused"), ("unauthorised", "token_revoked")]
)
async def test_what_repeating_cannot_mend_is_not_repeated(post: Postroom, trouble: str, code: str) -> None:
    alice = await post.conversation("alice")
    post.simulator.always = trouble  # type: ignore[assignment]  # the words of the simulator
    async with post.sending():
        (message,) = await post.answer(alice, "hello")
        await post.until([message], "failed", "held")
        await asyncio.sleep(0.4)
    delivery = await post.delivery(message)
    assert (delivery["error_code"], delivery["attempts"]) == (code, 1)


async def test_the_window_is_asked_again_at_the_last_moment(post: Postroom) -> None:
    alice, bob = await post.conversation("alice"), await post.conversation("bob")
    (late,) = await post.answer(alice, "written in time, sent too late")
    post.pass_time(hours=23, minutes=59, seconds=59)
    post_give_up_later = "UPDATE delivery SET give_up_at = give_up_at + interval '7 days'"
    async with post.world.db.system() as tx:
        await tx.run(post_give_up_later)
    await post.conversation("bob")
    post.pass_time(seconds=1)
    async with post.sending():
        (fine,) = await post.answer(bob, "still open")
        await post.until([late, fine], "failed", "sent")
    delivery = await post.delivery(late)
    assert (delivery["state"], delivery["error_code"]) == ("failed", "refused_by_window")
    assert msgspec.json.decode(delivery["verdict"])["reason"] == "window_closed"
    assert post.simulator.calls == [("bob", "still open")], "what may not leave is not even tried"


async def test_a_contact_blocked_after_the_message_was_written_gets_nothing(post: Postroom) -> None:
    alice = await post.conversation("alice")
    (message,) = await post.answer(alice, "hello")
    async with post.world.db.system() as tx:
        await tx.run("UPDATE contact SET blocked = true")
    async with post.sending():
        await post.until([message], "failed")
    assert post.simulator.calls == []


async def test_what_the_provider_refuses_by_its_own_clock_fails_by_name(post: Postroom) -> None:
    alice = await post.conversation("alice")
    post.simulator._heard.clear()  # noqa: SLF001  # its memory of the window differs from ours
    async with post.sending():
        (message,) = await post.answer(alice, "hello")
        await post.until([message], "failed")
    assert (await post.delivery(message))["error_code"] == "window_closed"


async def test_content_over_a_limit_is_refused_by_name_before_it_is_sent(post: Postroom) -> None:
    alice = await post.conversation("alice")
    async with post.sending():
        long, short = await post.answer(alice, Text("x" * 2001), "short")
        await post.until([long, short], "failed", "sent")
    assert await post.states([long, short]) == ["failed", "sent"]
    delivery = await post.delivery(long)
    assert delivery["error_code"] == "content_refused"
    assert "2000" in delivery["error_message"]


async def test_a_reply_names_the_message_it_answers_by_the_providers_id(post: Postroom) -> None:
    alice = await post.conversation("alice")
    async with post.sending():
        (first,) = await post.answer(alice, "one")
        await post.until([first], "sent")
        (second,) = await post.answer(alice, "about one", reply_to_id=first)
        await post.until([second], "sent")
    first_taken, second_taken = post.simulator.taken
    assert second_taken.message["reply_to"] == first_taken.id


async def test_a_slow_provider_does_not_hold_the_other_inboxes(post: Postroom) -> None:
    quick = LoopbackSimulator(clock=post.world.db.clock)
    await quick.start()
    other = await post.another_inbox(quick)
    post.simulator.always = "silent"
    slow = [(await post.answer(await post.conversation(f"slow-{number}"), "waits"))[0] for number in range(20)]
    quick.hear("alice")
    alice = await post.conversation("alice", inbox=other)
    async with post.sending():
        await post.until(slow[:8], "sending")
        fast = await post.answer(alice, *[f"quick {number}" for number in range(10)])
        await post.until(fast, "sent", within=3)
        assert await post.states(slow) == ["sending"] * 8 + ["queued"] * 12, "at most `at_once` requests to one inbox"
        post.simulator.always = None
        post.simulator.released.set()
        await post.until(slow, "sent")
    await quick.stop()


async def test_the_rate_of_an_inbox_is_kept(post: Postroom) -> None:
    conversations = [await post.conversation(f"contact-{number}") for number in range(25)]
    messages = [(await post.answer(one, "hi"))[0] for one in conversations]
    loop = asyncio.get_running_loop()
    async with post.sending(limits=SendLimits(per_second=25, burst=5, at_once=8)):
        started = loop.time()
        await post.until(messages, "sent")
        took = loop.time() - started
    assert took > 0.7, f"25 messages at 25 a second took {took:.2f} s"


async def test_stopping_finishes_what_is_under_way_and_begins_nothing_new(post: Postroom) -> None:
    alice = await post.conversation("alice")
    post.simulator.troubles.append("slow")
    runner = post.runner()
    task = asyncio.create_task(runner.run())
    first, second = await post.answer(alice, "under way", "not begun")
    await post.until([first], "sending")
    runner.stop()
    await asyncio.wait_for(task, 10)
    assert await post.states([first, second]) == ["sent", "queued"]
    async with post.world.db.system() as tx:
        assert await tx.value("SELECT expires_at < now() FROM outbox_lease WHERE inbox_id = $1", post.inbox.id)
