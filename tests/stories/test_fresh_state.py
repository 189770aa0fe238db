"""State and events make the fresh state.

Whatever happens and however often the line breaks, a client that applies the frames holds what it would get by asking anew. The client
here is the protocol's (`docs/protocol.md`, Realtime for agents) in a few lines; what happens is drawn by a seeded generator.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Any, Literal
from uuid import UUID

import msgspec
import pytest
from websockets.asyncio.client import connect

from comptoir.contacts.commands import update_contact
from comptoir.contacts.queries import contact_briefs
from comptoir.contracts.channel import InboundReceipt
from comptoir.conversations.commands import (
    assign,
    create_label,
    delete_label,
    label_conversation,
    mark_read,
    prioritise,
    set_status,
)
from comptoir.conversations.queries import ConversationFilter, list_conversations, messages_page
from comptoir.conversations.views import PRIORITIES
from comptoir.infra import journal
from tests.doors import Doors, Peer
from tests.world import World, said

STEPS = 90


class Client:
    """What an agent's browser holds, and how it applies frames."""

    def __init__(self, agent_id: UUID, fresh: dict[str, Any]) -> None:
        self.me = str(agent_id)
        self.position: int = fresh["position"]
        self.conversations: dict[str, Any] = fresh["conversations"]
        self.contacts: dict[str, Any] = fresh["contacts"]
        self.messages: dict[str, Any] = fresh["messages"]

    def apply(self, frame: dict[str, Any]) -> None:
        for event in frame.get("events", []):
            self._apply(event)
        if frame["type"] == "events":
            self.position = frame["position"]
        assert frame["type"] in {"hello", "events"}, "nothing here is ever too far back"

    def _apply(self, event: dict[str, Any]) -> None:
        told = event["conversation"]
        if told is not None:
            held = self.conversations.get(told["id"])
            if held is None or told["version"] >= held["version"]:
                mine = held or {"my_read_count": 0, "my_read_seq": 0}
                self.conversations[told["id"]] = told | {name: mine[name] for name in ("my_read_count", "my_read_seq")}
        if event["contact"] is not None:
            self.contacts[event["contact"]["id"]] = event["contact"]
        if event["message"] is not None:
            self.messages[event["message"]["id"]] = event["message"]
        data = event["data"]
        if event["kind"] == "ConversationRead" and data["agent_id"] == self.me:
            held = self.conversations[event["conversation_id"]]
            held["my_read_seq"] = max(held["my_read_seq"], data["read_seq"])
            held["my_read_count"] = max(held["my_read_count"], data["read_count"])
        if event["kind"] == "LabelChanged" and data["removed"]:
            for conversation in self.conversations.values():
                if data["label_id"] in conversation["label_ids"]:
                    conversation["label_ids"].remove(data["label_id"])
                    # The row was written too; no event says so, and no client needs it but this one, which compares all.
                    conversation["version"] += 1
        if event["kind"] == "ReceiptReceived":
            self._receipt(event["conversation_id"], data["contact_delivered_seq"], data["contact_read_seq"])

    def _receipt(self, conversation_id: str, delivered: int, read: int) -> None:
        for message in self.messages.values():
            delivery = message["delivery"]
            if (
                message["conversation_id"] == conversation_id
                and delivery
                and delivery["state"] in {"sent", "delivered"}
            ):
                if message["seq"] <= read:
                    delivery["state"] = "read"
                elif message["seq"] <= delivered:
                    delivery["state"] = "delivered"


async def fresh_state(world: World) -> dict[str, Any]:
    """All that an agent sees, asked for anew."""
    async with world.db.workspace(world.workspace_id) as tx:
        position = await journal.position(tx, world.workspace_id)
        found = []
        for chosen in (ConversationFilter(status="open"), ConversationFilter(status="closed")):
            found += (await list_conversations(tx, world.workspace_id, chosen, world.agent_id, None, 100)).items
        contacts = await contact_briefs(tx, world.workspace_id, [item.contact_id for item in found])
        messages = []
        for item in found:
            messages += (await messages_page(tx, world.workspace_id, item.id, world.media, limit=500)).items
    return {
        "position": position,
        "conversations": {str(item.id): plain(item) for item in found},
        "contacts": {str(key): plain(value) for key, value in contacts.items()},
        "messages": {str(item.id): plain(item) for item in messages},
    }


def plain(view: Any) -> Any:
    return msgspec.json.decode(msgspec.json.encode(view))


class Life:
    """Draws what happens next, in a workspace with three visitors and two agents."""

    def __init__(self, doors: Doors, seed: int) -> None:
        self.doors, self.world, self.dice = doors, doors.world, random.Random(seed)
        self.labels: list[UUID] = []
        self.kinds: set[str] = set()

    async def step(self) -> None:
        happenings: list[Callable[[UUID, int], Awaitable[None]]] = [
            self.contact_writes,
            self.contact_writes,
            self.agent_writes,
            self.agent_writes,
            self.note,
            self.reads,
            self.receipt,
            self.status,
            self.assigned,
            self.priority,
            self.labelled,
            self.label_gone,
            self.renamed,
        ]
        async with self.world.db.workspace(self.world.workspace_id) as tx:
            rows = await tx.fetch("SELECT id, last_seq FROM conversation ORDER BY id")
        if not rows:
            await self.world.receive(said("visitor-1", "first"))
            return
        row = self.dice.choice(rows)
        await self.dice.choice(happenings)(row["id"], row["last_seq"])

    async def contact_writes(self, *_: object) -> None:
        who = f"visitor-{self.dice.randrange(3)}"
        await self.world.receive(*[said(who, f"{self.dice.random()}") for _ in range(self.dice.randrange(1, 4))])

    async def agent_writes(self, conversation_id: UUID, _: int) -> None:
        await self.doors.say(conversation_id, f"answer {self.dice.random()}")

    async def note(self, conversation_id: UUID, _: int) -> None:
        await self.doors.say(conversation_id, "note", "note")

    async def reads(self, conversation_id: UUID, last_seq: int) -> None:
        who = self.dice.choice([self.world.agent_id, self.world.owner_id])
        async with self.world.db.workspace(self.world.workspace_id) as tx:
            await mark_read(tx, self.world.workspace_id, conversation_id, who, self.dice.randint(0, last_seq))

    async def receipt(self, _: UUID, last_seq: int) -> None:
        address, seq = f"visitor-{self.dice.randrange(3)}", self.dice.randint(0, last_seq + 2)
        state: Literal["delivered", "read"] = "delivered" if self.dice.random() < 0.5 else "read"
        await self.world.receive(
            InboundReceipt(address=address, event_key=f"{self.dice.random()}", state=state, up_to_seq=seq)
        )

    async def status(self, conversation_id: UUID, _: int) -> None:
        status = self.dice.choice(["open", "closed"])
        async with self.world.db.workspace(self.world.workspace_id) as tx:
            await set_status(tx, self.world.workspace_id, conversation_id, status, self.world.agent_id)  # type: ignore[arg-type]  # one of two words

    async def assigned(self, conversation_id: UUID, _: int) -> None:
        who = self.dice.choice([self.world.agent_id, self.world.owner_id, None])
        async with self.world.db.workspace(self.world.workspace_id) as tx:
            await assign(tx, self.world.workspace_id, conversation_id, who, self.world.owner_id)

    async def priority(self, conversation_id: UUID, _: int) -> None:
        async with self.world.db.workspace(self.world.workspace_id) as tx:
            await prioritise(
                tx, self.world.workspace_id, conversation_id, self.dice.choice(PRIORITIES), self.world.agent_id
            )

    async def labelled(self, conversation_id: UUID, _: int) -> None:
        async with self.world.db.workspace(self.world.workspace_id) as tx:
            if len(self.labels) < 4:
                self.labels.append((await create_label(tx, self.world.workspace_id, f"{self.dice.random()}", "sky")).id)
            chosen = self.dice.sample(self.labels, self.dice.randint(0, len(self.labels)))
            await label_conversation(tx, self.world.workspace_id, conversation_id, chosen, self.world.agent_id)

    async def label_gone(self, *_: object) -> None:
        if self.labels:
            async with self.world.db.workspace(self.world.workspace_id) as tx:
                await delete_label(tx, self.world.workspace_id, self.labels.pop())

    async def renamed(self, *_: object) -> None:
        async with self.world.db.workspace(self.world.workspace_id) as tx:
            ids = [row["id"] for row in await tx.fetch("SELECT id FROM contact ORDER BY id")]
            await update_contact(
                tx, self.world.workspace_id, self.dice.choice(ids), {"name": f"Anna {self.dice.random()}"}
            )


async def settled(world: World) -> int:
    """The position when nothing waits any more."""
    async with asyncio.timeout(20):
        while True:
            async with world.db.system() as tx:
                if not await tx.value("SELECT count(*) FROM todo"):
                    return await journal.position(tx, world.workspace_id)
            await asyncio.sleep(0.01)


def differences(held: dict[str, Any], fresh: dict[str, Any]) -> list[tuple[str, Any, Any]]:
    """Each field that is not what it should be: where, what is held, what is true."""
    found = [(key, held.get(key), fresh.get(key)) for key in held.keys() ^ fresh.keys()]
    for key in held.keys() & fresh.keys():
        found += [
            (f"{key}.{name}", held[key].get(name), value)
            for name, value in fresh[key].items()
            if held[key].get(name) != value
        ]
    return found


@pytest.mark.parametrize("seed", range(4))
async def test_state_and_events_make_the_fresh_state(doors: Doors, seed: int) -> None:
    world, life = doors.world, Life(doors, seed)
    headers, _ = await doors.session()
    for _ in range(12):
        await life.step()
    await settled(world)
    client = Client(world.agent_id, await fresh_state(world))
    kinds: set[str] = set()
    steps = 0
    while steps < STEPS:
        url = f"{doors.sockets}/api/v1/socket?after={client.position}"
        async with connect(url, additional_headers=headers) as line:
            peer = Peer(line)
            # Some of it happens while the client listens, some while its line is down.
            for _ in range(life.dice.randint(3, 15)):
                await life.step()
                steps += 1
            end = await settled(world)
            while client.position < (end if life.dice.random() < 0.7 else end - 1):
                frame = await peer.next(within=10)
                kinds |= {event["kind"] for event in frame.get("events", [])}
                client.apply(frame)
        for _ in range(life.dice.randint(0, 5)):
            await life.step()
            steps += 1
    end = await settled(world)
    async with connect(f"{doors.sockets}/api/v1/socket?after={client.position}", additional_headers=headers) as line:
        peer = Peer(line)
        while client.position < end:
            client.apply(await peer.next(within=10))
    fresh = await fresh_state(world)
    assert client.position == fresh["position"]
    for name in ("conversations", "contacts", "messages"):
        assert differences(getattr(client, name), fresh[name]) == []
    assert {"MessageReceived", "MessageSent", "NoteAdded", "ConversationRead"} <= kinds
