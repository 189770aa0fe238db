"""Searching messages and contacts at once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from litestar import Controller, get
from litestar.params import FromQuery, QueryParameter

from comptoir.api.app.contacts import whole_contacts
from comptoir.api.app.desk import AtDesk
from comptoir.api.app.highlights import highlight
from comptoir.api.app.shapes import Cursor, Limit
from comptoir.api.app.skips import read_skip, write_skip
from comptoir.contacts.queries import ContactBrief, ContactView, contact_briefs, search_contacts
from comptoir.conversations.queries import latest_conversations
from comptoir.conversations.search import Segment, search_messages
from comptoir.infra.database import Transaction
from comptoir.kernel.cursors import read_cursor, write_cursor
from comptoir.kernel.text import storable

Query = Annotated[
    str,
    QueryParameter(max_length=500, required=False, description="Words; “exact phrases” and -exclusions in messages"),
]
# Beside messages, contacts are a hint and not a list.
_CONTACTS_BESIDE = 5


class MessageHit(msgspec.Struct, frozen=True, kw_only=True):
    """A message found; `snippet` in pieces, so that no text can become markup."""

    message_id: UUID
    conversation_id: UUID
    seq: int
    created_at: datetime
    author_kind: str
    contact: ContactBrief
    snippet: list[Segment]


class ContactHit(msgspec.Struct, frozen=True):
    """A contact found, with their latest conversation and what matched."""

    contact: ContactView
    conversation_id: UUID | None
    matched: list[Segment]


class Found(msgspec.Struct, frozen=True):
    """One page: messages newest first, contacts best first."""

    messages: list[MessageHit]
    contacts: list[ContactHit]
    next_cursor: str | None


class SearchController(Controller):
    """`/search`."""

    path = "/search"
    tags = ("search",)

    @get("/")
    async def find(
        self,
        desk: AtDesk,
        q: Query = "",
        kind: FromQuery[Literal["all", "messages", "contacts"]] = "all",
        cursor: Cursor = None,
        limit: Limit = 20,
    ) -> Found:
        """Find messages and contacts. With `kind=all`, contacts stand on the first page only."""
        words = storable(q).strip()
        desk.principal.require("contacts.read")
        if not words:
            return Found([], [], None)
        async with desk.read("conversations.read") as tx:
            if kind == "contacts":
                skip = read_skip(cursor)
                hits = await _contacts(tx, desk.workspace_id, words, limit, skip)
                return Found([], hits, write_skip(skip, len(hits), limit))
            contacts = (
                await _contacts(tx, desk.workspace_id, words, _CONTACTS_BESIDE)
                if kind == "all" and cursor is None
                else []
            )
            found = await search_messages(tx, words, read_cursor(cursor), limit + 1)
            briefs = await contact_briefs(tx, desk.workspace_id, [hit.contact_id for hit in found])
        page = found[:limit]
        messages = [
            MessageHit(
                message_id=hit.message_id,
                conversation_id=hit.conversation_id,
                seq=hit.seq,
                created_at=hit.created_at,
                author_kind=hit.author_kind,
                contact=briefs[hit.contact_id],
                snippet=hit.snippet,
            )
            for hit in page
        ]
        last = (page[-1].created_at, page[-1].message_id) if len(found) > limit else None
        return Found(messages, contacts, write_cursor(last))


async def _contacts(tx: Transaction, workspace_id: UUID, words: str, limit: int, skip: int = 0) -> list[ContactHit]:
    found: Sequence[UUID] = await search_contacts(tx, words, limit, skip)
    views = await whole_contacts(tx, workspace_id, found)
    latest = await latest_conversations(tx, workspace_id, found)
    return [
        ContactHit(views[one], latest.get(one), highlight([views[one].name, views[one].email, views[one].phone], words))
        for one in found
        if one in views
    ]
