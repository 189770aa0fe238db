"""Contacts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Controller, get, patch
from litestar.params import FromPath, JSONBody, QueryParameter

from comptoir.api.app.desk import AtDesk
from comptoir.api.app.shapes import Body, Cursor, Limit
from comptoir.api.app.skips import read_skip, write_skip
from comptoir.contacts.commands import update_contact
from comptoir.contacts.queries import ContactView, contact_views, list_contacts, search_contacts
from comptoir.inboxes.queries import inbox_channels
from comptoir.infra.database import Transaction
from comptoir.kernel.cursors import read_cursor, write_cursor
from comptoir.kernel.errors import NotFound
from comptoir.kernel.text import storable

# Under another name inside, for the framework keeps `query` to itself.
Words = Annotated[str | None, QueryParameter(name="query", max_length=200, required=False)]
_UNSET = msgspec.UNSET


class ContactChange(Body, frozen=True):
    """What is absent stays; `attributes` replaces them all."""

    name: str | msgspec.UnsetType | None = _UNSET
    email: str | msgspec.UnsetType | None = _UNSET
    phone: str | msgspec.UnsetType | None = _UNSET
    locale: str | msgspec.UnsetType | None = _UNSET
    blocked: bool | msgspec.UnsetType = _UNSET
    attributes: dict[str, Any] | msgspec.UnsetType = _UNSET


class Contacts(msgspec.Struct, frozen=True):
    """One page of contacts."""

    items: list[ContactView]
    next_cursor: str | None


class ContactController(Controller):
    """`/contacts`."""

    path = "/contacts"
    tags = ("contacts",)

    @get("/")
    async def page(self, desk: AtDesk, words: Words = None, cursor: Cursor = None, limit: Limit = 50) -> Contacts:
        """The newest first; with `query`, those whose name, e-mail or phone holds it or nearly so, the best first."""
        sought = storable(words or "").strip()
        async with desk.read("contacts.read") as tx:
            if sought:
                skip = read_skip(cursor)
                found = await search_contacts(tx, sought, limit, skip)
                views = await whole_contacts(tx, desk.workspace_id, found)
                items = [views[contact_id] for contact_id in found if contact_id in views]
                return Contacts(items, write_skip(skip, len(found), limit))
            listed = await list_contacts(tx, desk.workspace_id, read_cursor(cursor), limit)
            items = await _with_channels(tx, desk.workspace_id, listed.items)
            return Contacts(items, write_cursor(listed.next_after))

    @get("/{contact_id:uuid}")
    async def one(self, desk: AtDesk, contact_id: FromPath[UUID]) -> ContactView:
        """One contact."""
        async with desk.read("contacts.read") as tx:
            return await whole_contact(tx, desk.workspace_id, contact_id)

    @patch("/{contact_id:uuid}")
    async def change(self, desk: AtDesk, contact_id: FromPath[UUID], data: JSONBody[ContactChange]) -> ContactView:
        """Change what is known of a contact, or block them."""
        changes = {name: value for name, value in msgspec.structs.asdict(data).items() if value is not _UNSET}
        async with desk.write("contacts.write") as tx:
            await update_contact(tx, desk.workspace_id, contact_id, changes)
            return await whole_contact(tx, desk.workspace_id, contact_id)


async def whole_contacts(tx: Transaction, workspace_id: UUID, ids: Sequence[UUID]) -> dict[UUID, ContactView]:
    """Contacts by id, their identities with channels."""
    views = await contact_views(tx, workspace_id, ids)
    return {view.id: view for view in await _with_channels(tx, workspace_id, list(views.values()))}


async def whole_contact(tx: Transaction, workspace_id: UUID, contact_id: UUID) -> ContactView:
    """One contact. Raises NotFound."""
    found = (await whole_contacts(tx, workspace_id, [contact_id])).get(contact_id)
    if found is None:
        raise NotFound(field="contact_id")
    return found


async def _with_channels(tx: Transaction, workspace_id: UUID, contacts: Sequence[ContactView]) -> list[ContactView]:
    inbox_ids = {identity.inbox_id for contact in contacts for identity in contact.identities}
    channels = await inbox_channels(tx, workspace_id, inbox_ids) if inbox_ids else {}
    replace = msgspec.structs.replace
    return [
        replace(
            contact,
            identities=[replace(one, channel=channels.get(one.inbox_id)) for one in contact.identities],
        )
        for contact in contacts
    ]
