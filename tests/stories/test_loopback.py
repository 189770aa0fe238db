"""A whole conversation over a channel that calls us: webhook to agent, answer to contact, receipts back; and a provider that misbehaves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.doors import Doors, open_doors
from tests.postroom import Postroom, open_postroom
from tests.world import World


class Counter:
    """The shop's side and the provider's, both at work."""

    def __init__(self, post: Postroom, doors: Doors) -> None:
        self.post, self.doors, self.provider = post, doors, post.simulator
        self.provider.hook_url = f"{doors.base_url}/hooks/loopback/{post.inbox.id}"

    async def thread(self, contact: str) -> list[dict[str, Any]]:
        """What agents see of a contact's conversation, in its order."""
        async with self.post.world.db.system() as tx:
            rows = await tx.fetch(
                "SELECT m.seq, m.author_kind, m.content, d.state, m.conversation_id, r.seq AS replied FROM message m"
                "  JOIN conversation c ON c.id = m.conversation_id JOIN identity i ON i.id = c.identity_id"
                "  LEFT JOIN delivery d ON d.message_id = m.id LEFT JOIN message r ON r.id = m.reply_to_id"
                " WHERE i.address = $1 ORDER BY m.seq",
                contact,
            )
        return [{**row, "content": msgspec.json.decode(row["content"])} for row in rows]

    async def texts(self, contact: str) -> list[str]:
        return [line["content"].get("text", "") for line in await self.thread(contact)]


@pytest.fixture
async def counter(world: World, tmp_path: Path) -> AsyncIterator[Counter]:
    async with open_postroom(world) as post, open_doors(world, tmp_path / "data") as doors, post.sending():
        yield Counter(post, doors)


async def comes_true(what: Callable[[], Awaitable[bool]], within: float = 10.0) -> None:
    async with asyncio.timeout(within):
        while not await what():  # noqa: ASYNC110  # the database is what is watched
            await asyncio.sleep(0.03)


async def test_a_conversation_from_first_word_to_read_receipt(counter: Counter) -> None:
    provider = counter.provider
    provider.habits.echoes = provider.habits.delivered = True
    await provider.say("alice", "Bonjour, du 42 ?", name="Alice Martin", locale="fr")
    await comes_true(lambda: _has(counter, "alice", 1))
    (first,) = await counter.thread("alice")
    (answer,) = await counter.post.answer(first["conversation_id"], "Oui, en rouge et en noir.")
    await counter.post.until([answer], "delivered")
    assert provider.texts("alice") == ["Oui, en rouge et en noir."]
    await provider.receive("alice", "read", [provider.taken[0].id])
    await counter.post.until([answer], "read")
    await provider.say("alice", "Rouge alors", message={"reply_to": provider.taken[0].id})
    await comes_true(lambda: _has(counter, "alice", 3))
    thread = await counter.thread("alice")
    assert [(line["author_kind"], line["state"]) for line in thread] == [
        ("contact", None),
        ("agent", "read"),
        ("contact", None),
    ]
    assert thread[2]["replied"] == 2, "the contact answered our message, by the id that the provider gave it"
    async with counter.post.world.db.system() as tx:
        assert await tx.value("SELECT name FROM contact WHERE name IS NOT NULL AND locale = 'fr'") == "Alice Martin"


async def _has(counter: Counter, contact: str, count: int) -> bool:
    return len(await counter.thread(contact)) >= count


async def test_a_provider_that_sends_everything_thrice_and_shuffled(counter: Counter) -> None:
    provider = counter.provider
    provider.habits.copies, provider.habits.disorder, provider.habits.echoes = 3, True, True
    for number in range(5):
        await provider.say("alice", f"{number}")
    await comes_true(lambda: _has(counter, "alice", 5))
    assert await counter.texts("alice") == [f"{number}" for number in range(5)]
    assert set(provider.webhook_statuses) == {200}
    (first, *_) = await counter.thread("alice")
    sent = await counter.post.answer(first["conversation_id"], "one", "two")
    await counter.post.until(sent, "sent", "delivered", "read")
    await asyncio.sleep(0.3)
    assert provider.texts("alice") == ["one", "two"]
    assert len(await counter.thread("alice")) == 7, "an echo of what we sent is no new message"


async def test_many_contacts_write_and_are_answered_at_once(counter: Counter) -> None:
    provider = counter.provider
    names = [f"contact-{number}" for number in range(12)]
    await asyncio.gather(*(provider.say(name, f"I am {name}") for name in names))
    for name in names:
        await comes_true(lambda name=name: _has(counter, name, 1))  # type: ignore[misc]  # bound per turn
    sent = []
    for name in names:
        (line,) = await counter.thread(name)
        sent += await counter.post.answer(line["conversation_id"], f"Hello {name}", f"Goodbye {name}")
    await counter.post.until(sent, "sent")
    for name in names:
        assert provider.texts(name) == [f"Hello {name}", f"Goodbye {name}"]


async def test_what_the_provider_calls_something_new_is_shown_as_such(counter: Counter) -> None:
    provider = counter.provider
    provider.hear("alice")
    assert await provider.post([{"id": "ev_x", "type": "hologram", "contact": "alice"}]) == 200
    await comes_true(lambda: _has(counter, "alice", 1))
    (line,) = await counter.thread("alice")
    assert line["content"] == {"type": "unsupported", "summary": "Loopback: hologram"}
    assert await provider.post_raw(b'{"events": []}', signature="sha256=forged") == 403
