"""Puts the demonstration's businesses into the database, once."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

import msgspec

from comptoir.contacts.commands import NewContact
from comptoir.contracts.content import Text
from comptoir.conversations.commands.import_history import PastConversation, PastMessage, import_history
from comptoir.conversations.commands.label import create_label
from comptoir.entrypoints.demo_seed import comfy_shoes, dream_hotels
from comptoir.entrypoints.demo_seed.generator import History, histories
from comptoir.entrypoints.demo_seed.scripts import Business
from comptoir.inboxes.commands import create_inbox, update_inbox
from comptoir.inboxes.queries import inbox_of_slug
from comptoir.infra.crypto import Sealer
from comptoir.infra.database import Database, Transaction
from comptoir.workspaces.commands import add_agent, create_person, create_workspace
from comptoir.workspaces.queries import Role, workspace_by_slug

BUSINESSES: tuple[Business, ...] = (comfy_shoes.BUSINESS, dream_hotels.BUSINESS)
PASSWORD = "comptoir-demo"  # noqa: S105 -- printed on the screen: it opens made-up businesses only


class Seeded(msgspec.Struct, frozen=True):
    """A business that stands: its inbox, and whether it was made just now."""

    business: Business
    inbox_id: UUID
    new: bool


def email_of(business: Business, agent: tuple[str, str, str, str]) -> str:
    """The address an agent of a business signs in with."""
    return f"{agent[1]}@{business.slug}.example"


async def seed(db: Database, sealer: Sealer, shop_origin: str) -> list[Seeded]:
    """Make each business that is not there yet, in one transaction each. `shop_origin` is where its own pages are."""
    return [await _seed_one(db, sealer, business, shop_origin) for business in BUSINESSES]


async def _seed_one(db: Database, sealer: Sealer, business: Business, shop_origin: str) -> Seeded:
    settings = {"title": business.name, "colour": business.colour, "allowed_origins": [shop_origin]}
    async with db.system() as tx:
        found = await workspace_by_slug(tx, business.slug)
        inbox_id = await inbox_of_slug(tx, business.slug) if found else None
        if found is not None and inbox_id is not None:
            # The pages may stand at another port than last time.
            await update_inbox(tx, found.id, inbox_id, sealer=sealer, settings=settings)
            return Seeded(business, inbox_id, new=False)
        workspace_id = await create_workspace(tx, name=business.name, slug=business.slug, locale=business.locale)
        agent_ids = [await _agent(tx, workspace_id, business, agent) for agent in business.agents]
        inbox_id = await create_inbox(
            tx, workspace_id, channel="web", name=business.name, sealer=sealer, settings=settings, slug=business.slug
        )
        label_ids = {
            name: (await create_label(tx, workspace_id, name, colour)).id for name, colour in business.labels.items()
        }
        past = [
            _conversation(history, inbox_id, agent_ids, label_ids, f"{shop_origin}/{business.slug}", business.name)
            for history in histories(business, tx.now)
        ]
        await import_history(tx, workspace_id, "web", past)
    return Seeded(business, inbox_id, new=True)


async def _agent(tx: Transaction, workspace_id: UUID, business: Business, agent: tuple[str, str, str, str]) -> UUID:
    name, _, role, locale = agent
    person_id = await create_person(tx, email=email_of(business, agent), name=name, password=PASSWORD, locale=locale)
    known: Role = role  # type: ignore[assignment]  # written as one of the roles in the business's own file
    return await add_agent(tx, workspace_id, person_id, known)


def _conversation(
    history: History,
    inbox_id: UUID,
    agent_ids: list[UUID],
    label_ids: Mapping[str, UUID],
    site: str,
    title: str,
) -> PastConversation:
    return PastConversation(
        contact=NewContact(
            inbox_id=inbox_id,
            address=history.address,
            created_at=history.messages[0].at,
            name=history.contact_name,
            email=history.email,
            locale=history.locale,
            time_zone=history.time_zone,
            last_page={"url": f"{site}/{history.page}", "title": title, "referrer": None},
        ),
        messages=[
            PastMessage(
                created_at=line.at,
                author_kind="contact" if line.agent is None else "agent",
                author_id=None if line.agent is None else agent_ids[line.agent],
                kind="note" if line.note else "message",
                content=Text(text=line.text),
            )
            for line in history.messages
        ],
        status=history.status,
        assignee_id=None if history.assignee is None else agent_ids[history.assignee],
        priority=history.priority,
        label_ids=[label_ids[name] for name in history.labels],
        read_by=[agent_ids[reader] for reader in history.readers],
    )
