"""A world with a Loopback inbox, a simulator at the other end of the line, and outboxes that send to it over HTTP."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import msgspec

from comptoir.channels.registry import channel_of
from comptoir.contracts.capabilities import SendLimits
from comptoir.contracts.channel import Channel, HookRequest, InboundEvent, InboundMessage, InboxView
from comptoir.contracts.content import Content, Text
from comptoir.conversations.commands import SendMessage, send_message
from comptoir.inboxes.cache import InboxCache
from comptoir.inboxes.commands import create_inbox
from comptoir.infra.database import Record
from comptoir.infra.http import HttpClient
from comptoir.kernel.ids import thread_key, uuid7
from comptoir.outbox.runner import OutboxRunner
from comptoir.simulators.loopback import LoopbackSimulator
from tests.world import World

FAST = SendLimits(per_second=2000, burst=200, at_once=8)


def changed(code: str = "loopback", **manifest: Any) -> Callable[[str], Channel]:
    """The channels, one of them with another manifest: a provider without idempotency keys, a slower one."""
    channel = channel_of(code)
    other = msgspec.structs.replace(channel, manifest=msgspec.structs.replace(channel.manifest, **manifest))
    return lambda asked: other if asked == code else channel_of(asked)


class Postroom:
    """Where a test's messages leave from."""

    def __init__(self, world: World, simulator: LoopbackSimulator, inbox: InboxView, http: HttpClient) -> None:
        self.world, self.simulator, self.inbox, self.http = world, simulator, inbox, http

    def runner(self, *, idempotent: bool = True, limits: SendLimits = FAST, **options: Any) -> OutboxRunner:
        """An outbox as a worker process would have it, not yet running."""
        settings: dict[str, Any] = {"channels": changed(idempotent=idempotent, limits=limits), "poll": 0.2} | options
        return OutboxRunner(
            self.world.db,
            self.world.signals,
            InboxCache(self.world.db, self.world.sealer, self.world.signals),
            self.http,
            self.world.media,
            self.world.db.clock,
            **settings,
        )

    @contextlib.asynccontextmanager
    async def sending(self, **options: Any) -> AsyncIterator[OutboxRunner]:
        """An outbox that runs until the end of the block."""
        runner = self.runner(**options)
        task = asyncio.create_task(runner.run())
        try:
            yield runner
        finally:
            runner.stop()
            await asyncio.wait_for(task, 30)

    async def another_inbox(self, simulator: LoopbackSimulator) -> InboxView:
        """A second inbox of the same channel, whose provider is another simulator."""
        return await make_inbox(self.world, simulator)

    async def hear(self, *events: InboundEvent, inbox: InboxView | None = None) -> None:
        """Events come in through the inbox and take their effect."""
        request = HookRequest(method="POST", body=b"{}")
        await self.world.batcher.accept(inbox or self.inbox, request, events)
        await self.world.settle()

    async def conversation(self, contact: str = "alice", inbox: InboxView | None = None) -> UUID:
        """A contact has just written; gives the conversation."""
        self.simulator.hear(contact)
        inbox = inbox or self.inbox
        await self.hear(InboundMessage(address=contact, event_key=str(uuid4()), content=Text("Hello")), inbox=inbox)
        async with self.world.db.system() as tx:
            found = await tx.value(
                "SELECT conversation_id FROM identity WHERE thread_key = $1", thread_key(inbox.id, contact)
            )
        assert isinstance(found, UUID)
        return found

    async def answer(
        self, conversation_id: UUID, *texts: str | Content, bulk: bool = False, reply_to_id: UUID | None = None
    ) -> list[UUID]:
        """An agent writes, in one transaction; gives the messages' ids. `bulk` makes them a broadcast's."""
        made = []
        async with self.world.db.workspace(self.world.workspace_id) as tx:
            for text in texts:
                command = SendMessage(
                    workspace_id=self.world.workspace_id,
                    conversation_id=conversation_id,
                    id=uuid7(),
                    kind="message",
                    content=Text(text) if isinstance(text, str) else text,
                    author_kind="agent",
                    author_id=self.world.agent_id,
                    reply_to_id=reply_to_id,
                )
                await send_message(tx, command)
                made.append(command.id)
            await tx.run("UPDATE delivery SET bulk = $1 WHERE message_id = ANY ($2::uuid[])", bulk, made)
        return made

    def pass_time(self, **span: float) -> None:
        """Let time go by, for the program and the provider alike."""
        clock: Any = self.world.db.clock
        clock.pass_time(**span)

    async def delivery(self, message_id: UUID) -> Record:
        """The delivery of a message, as it stands."""
        async with self.world.db.system() as tx:
            row = await tx.row("SELECT * FROM delivery WHERE message_id = $1", message_id)
        assert row is not None
        return row

    async def states(self, message_ids: list[UUID]) -> list[str]:
        """The states of messages, in their order."""
        async with self.world.db.system() as tx:
            rows = await tx.fetch(
                "SELECT message_id, state FROM delivery WHERE message_id = ANY ($1::uuid[])", message_ids
            )
        states = {row["message_id"]: row["state"] for row in rows}
        return [states[message_id] for message_id in message_ids]

    async def until(self, message_ids: list[UUID], *states: str, within: float = 10.0) -> None:
        """Wait until every message has one of these states."""
        try:
            async with asyncio.timeout(within):
                while not set(await self.states(message_ids)) <= set(states):  # noqa: ASYNC110  # the database is what is watched
                    await asyncio.sleep(0.02)
        except TimeoutError:
            raise AssertionError(f"{await self.states(message_ids)} instead of {states}") from None

    async def facts(self, kind: str) -> list[dict[str, Any]]:
        """The data of the journalled facts of a kind, in order."""
        async with self.world.db.system() as tx:
            rows = await tx.fetch("SELECT data FROM fact WHERE kind = $1 ORDER BY position", kind)
        return [msgspec.json.decode(row["data"]) for row in rows]


async def make_inbox(world: World, simulator: LoopbackSimulator) -> InboxView:
    """A Loopback inbox whose provider is the simulator."""
    async with world.db.system() as tx:
        inbox_id = await create_inbox(
            tx,
            world.workspace_id,
            channel="loopback",
            name="Loopback",
            sealer=world.sealer,
            settings={"api_base": simulator.base_url},
            credentials={"token": simulator.token, "secret": simulator.secret, "verify_token": "knock"},
        )
    inbox = await InboxCache(world.db, world.sealer).get(inbox_id)
    assert inbox is not None
    return inbox


@contextlib.asynccontextmanager
async def open_postroom(world: World) -> AsyncIterator[Postroom]:
    """Everything open until the end of the block."""
    simulator = LoopbackSimulator(clock=world.db.clock)
    await simulator.start()
    http = HttpClient(allow_private=True, timeout=5)
    await http.open()
    try:
        yield Postroom(world, simulator, await make_inbox(world, simulator), http)
    finally:
        await simulator.stop()
        await http.close()


SHORT_LEASE = timedelta(seconds=0.6)
