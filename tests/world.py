"""A small world for tests: a workspace with an inbox and agents, and the parts that move a message, run by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID, uuid4

from comptoir.channels.registry import channel_of
from comptoir.contracts.channel import HookRequest, InboundEvent, InboundMessage, InboxView
from comptoir.contracts.content import Text
from comptoir.conversations.attachments import MediaLinks
from comptoir.conversations.subscribers import ConversationKeeper
from comptoir.inboxes.cache import InboxCache
from comptoir.inboxes.commands import create_inbox
from comptoir.infra.crypto import KeyRing, Sealer
from comptoir.infra.database import Database
from comptoir.infra.signals import Signals
from comptoir.ingest.batcher import Batcher
from comptoir.ingest.lanes import LaneRunner
from comptoir.kernel.clock import Clock
from comptoir.workspaces.commands import add_agent, create_person, create_workspace

SECRET = "a-secret-for-tests-that-is-long-enough-0123456789"
PASSWORD = "correct horse battery staple"


@dataclass(slots=True)
class World:
    """One workspace, its web inbox, an owner and an agent; and the moving parts, driven by hand."""

    db: Database
    signals: Signals
    batcher: Batcher
    lanes: LaneRunner
    media: MediaLinks
    sealer: Sealer
    workspace_id: UUID
    inbox: InboxView
    owner_id: UUID
    agent_id: UUID

    async def receive(self, *events: InboundEvent, body: bytes = b"{}", replayed: bool = False) -> None:
        """Make events durable, as a door does."""
        await self.batcher.accept(self.inbox, HookRequest(method="POST", body=body), events, replayed=replayed)

    async def write(self, address: str, *texts: str) -> None:
        """A contact writes, one request per text, and the lanes run."""
        for text in texts:
            await self.receive(said(address, text))
        await self.settle()

    async def settle(self) -> int:
        """Run the lanes until nothing is left that can be done now."""
        total = 0
        while done := await self.lanes.work_once():
            total += done
        return total

    async def close(self) -> None:
        """Commit what waits."""
        await self.batcher.close()


def said(address: str, text: str, key: str | None = None) -> InboundMessage:
    """An inbound text with a key of its own."""
    event_key = key or str(uuid4())
    return InboundMessage(address=address, event_key=event_key, content=Text(text=text), origin_id=event_key)


async def make_world(
    db: Database, clock: Clock, *, slug: str = "comfy-shoes", subscribers: Sequence[type] = (ConversationKeeper,)
) -> World:
    """Make a workspace of this slug, with what moves its messages."""
    sealer = Sealer(KeyRing((SECRET,)))
    async with db.system() as tx:
        workspace_id = await create_workspace(tx, name=slug.replace("-", " ").title(), slug=slug, locale="en")
        owner = await create_person(
            tx, email=f"nora@{slug}.example", name="Nora Lefèvre", password=PASSWORD, locale="fr"
        )
        owner_id = await add_agent(tx, workspace_id, owner, "owner")
        person = await create_person(tx, email=f"tom@{slug}.example", name="Tom Baker", password=PASSWORD)
        agent_id = await add_agent(tx, workspace_id, person, "agent")
        inbox_id = await create_inbox(tx, workspace_id, channel="web", name=f"{slug} website", sealer=sealer, slug=slug)
    signals = Signals(db.dsn)
    db.signals = signals
    inbox = await InboxCache(db, sealer).get(inbox_id)
    assert inbox is not None
    assert channel_of(inbox.channel).manifest.transport == "stream"
    batcher = Batcher(db, signals, clock)
    await batcher.open()
    return World(
        db=db,
        signals=signals,
        batcher=batcher,
        lanes=LaneRunner(db, signals, subscribers),
        media=MediaLinks(KeyRing((SECRET,)), clock),
        sealer=sealer,
        workspace_id=workspace_id,
        inbox=inbox,
        owner_id=owner_id,
        agent_id=agent_id,
    )
