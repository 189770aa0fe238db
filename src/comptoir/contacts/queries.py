"""Reading contacts and identities, always set-based."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from comptoir.infra.database import Record, Transaction


class IdentityView(msgspec.Struct, frozen=True):
    """An address of a contact, as `docs/protocol.md` gives it; the channel is added by the room of inboxes' caller."""

    id: UUID
    inbox_id: UUID
    address: str
    created_at: datetime
    channel: str | None = None


class ContactView(msgspec.Struct, frozen=True):
    """A contact, whole."""

    id: UUID
    name: str | None
    email: str | None
    phone: str | None
    locale: str | None
    time_zone: str | None
    blocked: bool
    attributes: Any
    last_page: Any
    last_seen_at: datetime | None
    created_at: datetime
    identities: list[IdentityView] = []


class ContactBrief(msgspec.Struct, frozen=True):
    """What a list shows of a contact."""

    id: UUID
    name: str | None
    locale: str | None
    avatar_url: str | None = None


class IdentityRow(msgspec.Struct, frozen=True):
    """An identity as other rooms use it."""

    workspace_id: UUID
    id: UUID
    inbox_id: UUID
    contact_id: UUID
    address: str
    thread_key: UUID
    lane: int
    conversation_id: UUID | None


class ContactPage(msgspec.Struct, frozen=True):
    """One page of contacts, newest first."""

    items: list[ContactView]
    next_after: tuple[datetime, UUID] | None


_CONTACT = "id, name, email, phone, locale, time_zone, blocked, attributes, last_page, last_seen_at, created_at"
_IDENTITY = "workspace_id, id, inbox_id, contact_id, address, thread_key, lane, conversation_id"


async def contact_views(tx: Transaction, workspace_id: UUID, ids: Sequence[UUID]) -> dict[UUID, ContactView]:
    """Contacts with their identities, by id; those that do not exist are absent."""
    rows = await tx.fetch(
        f"SELECT {_CONTACT} FROM contact WHERE workspace_id = $1 AND id = ANY($2::uuid[])", workspace_id, list(ids)
    )
    return await _with_identities(tx, workspace_id, rows)


async def _with_identities(tx: Transaction, workspace_id: UUID, rows: Sequence[Record]) -> dict[UUID, ContactView]:
    identities: dict[UUID, list[IdentityView]] = {}
    if rows:
        found = await tx.fetch(
            "SELECT contact_id, id, inbox_id, address, created_at FROM identity"
            " WHERE workspace_id = $1 AND contact_id = ANY($2::uuid[]) ORDER BY created_at",
            workspace_id,
            [row["id"] for row in rows],
        )
        for row in found:
            identities.setdefault(row["contact_id"], []).append(IdentityView(*tuple(row)[1:]))
    return {row["id"]: ContactView(*[*row, identities.get(row["id"], [])]) for row in rows}


async def contact_briefs(tx: Transaction, workspace_id: UUID, ids: Sequence[UUID]) -> dict[UUID, ContactBrief]:
    """Names for a list, by id."""
    rows = await tx.fetch(
        "SELECT id, name, locale FROM contact WHERE workspace_id = $1 AND id = ANY($2::uuid[])",
        workspace_id,
        list(set(ids)),
    )
    return {row["id"]: ContactBrief(*row) for row in rows}


async def list_contacts(
    tx: Transaction, workspace_id: UUID, after: tuple[datetime, UUID] | None, limit: int
) -> ContactPage:
    """Contacts, newest first, by keyset: `after` is the (created_at, id) of the last row seen."""
    moment, last_id = after or (None, None)
    rows = await tx.fetch(
        f"SELECT {_CONTACT} FROM contact WHERE workspace_id = $1 AND ($2::timestamptz IS NULL OR (created_at, id) < ($2, $3::uuid))"
        " ORDER BY created_at DESC, id DESC LIMIT $4",
        workspace_id,
        moment,
        last_id,
        limit + 1,
    )
    page = rows[:limit]
    items = list((await _with_identities(tx, workspace_id, page)).values())
    more = len(rows) > limit
    return ContactPage(items, (items[-1].created_at, items[-1].id) if more else None)


async def search_contacts(tx: Transaction, words: str, limit: int, skip: int = 0) -> list[UUID]:
    """Ids of contacts whose name, e-mail or phone holds the words or nearly so, best first. Needs a workspace's transaction."""
    rows = await tx.fetch("SELECT id FROM search_contacts($1, $2, $3)", words.strip()[:200], limit, skip)
    return [row["id"] for row in rows]


async def identity_by_thread(tx: Transaction, thread_key: UUID) -> IdentityRow | None:
    """The identity behind a thread key, or None before the first message. Needs the system's role."""
    row = await tx.row(f"SELECT {_IDENTITY} FROM identity WHERE thread_key = $1", thread_key)
    return IdentityRow(*row) if row else None


async def identities_by_threads(tx: Transaction, thread_keys: Sequence[UUID]) -> dict[UUID, IdentityRow]:
    """The identities behind thread keys, by key. Needs the system's role."""
    rows = await tx.structs(
        IdentityRow, f"SELECT {_IDENTITY} FROM identity WHERE thread_key = ANY($1::uuid[])", list(set(thread_keys))
    )
    return {row.thread_key: row for row in rows}


async def identities(tx: Transaction, workspace_id: UUID, ids: Sequence[UUID]) -> dict[UUID, IdentityRow]:
    """Identities by id."""
    rows = await tx.structs(
        IdentityRow,
        f"SELECT {_IDENTITY} FROM identity WHERE workspace_id = $1 AND id = ANY($2::uuid[])",
        workspace_id,
        list(set(ids)),
    )
    return {row.id: row for row in rows}


async def blocked_contacts(tx: Transaction, workspace_id: UUID, ids: Sequence[UUID]) -> set[UUID]:
    """Those of the contacts that are blocked."""
    rows = await tx.fetch(
        "SELECT id FROM contact WHERE workspace_id = $1 AND id = ANY($2::uuid[]) AND blocked",
        workspace_id,
        list(set(ids)),
    )
    return {row["id"] for row in rows}
