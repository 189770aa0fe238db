"""What agents and imports do to contacts."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from comptoir.contacts.errors import InvalidEmail
from comptoir.contacts.facts import ContactUpdated
from comptoir.infra.database import Transaction
from comptoir.kernel.errors import InvalidInput, NotFound
from comptoir.kernel.ids import lane_of, thread_key, uuid7
from comptoir.kernel.text import storable_tree

_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s]{1,190}\.[^@\s]{2,}")
_LENGTHS = {"name": 200, "email": 254, "phone": 40, "locale": 20, "time_zone": 60}
_FIELDS = (*_LENGTHS, "blocked", "attributes")
_MOST_ATTRIBUTES = 16_384


class NewContact(msgspec.Struct, kw_only=True):
    """A contact to be imported with one identity. Times are UTC."""

    inbox_id: UUID
    address: str
    created_at: datetime
    name: str | None = None
    email: str | None = None
    phone: str | None = None
    locale: str | None = None
    time_zone: str | None = None
    last_page: Any = None
    id: UUID = msgspec.field(default_factory=uuid7)
    identity_id: UUID = msgspec.field(default_factory=uuid7)


async def update_contact(tx: Transaction, workspace_id: UUID, contact_id: UUID, changes: dict[str, Any]) -> None:
    """Set fields of a contact (name, email, phone, locale, time_zone, blocked, attributes); absent fields stay.

    Raises NotFound, InvalidEmail, InvalidInput. Publishes ContactUpdated when something changed.
    """
    wanted = {name: storable_tree(value) for name, value in changes.items() if name in _FIELDS}
    for name, most in _LENGTHS.items():
        value = wanted.get(name)
        if isinstance(value, str):
            wanted[name] = value = value.strip() or None
            if value and len(value) > most:
                raise InvalidInput(field=name, detail=f"{name} > {most}")
    if wanted.get("email") and not _EMAIL.fullmatch(wanted["email"]):
        raise InvalidEmail(field="email")
    if len(msgspec.json.encode(wanted.get("attributes"))) > _MOST_ATTRIBUTES:
        raise InvalidInput(field="attributes", detail=f"attributes > {_MOST_ATTRIBUTES}")
    exists = await tx.value(
        "SELECT true FROM contact WHERE workspace_id = $1 AND id = $2 FOR UPDATE", workspace_id, contact_id
    )
    if not exists:
        raise NotFound(field="contact_id")
    if not wanted:
        return
    assignments = ", ".join(f"{name} = ${number}" for number, name in enumerate(wanted, 3))
    await tx.run(
        # composed: the names come from the closed list above, never from outside
        f"UPDATE contact SET {assignments} WHERE workspace_id = $1 AND id = $2",
        workspace_id,
        contact_id,
        *wanted.values(),
    )
    tx.publish(ContactUpdated(workspace_id=workspace_id, contact_id=contact_id, fields=tuple(wanted)))


async def import_contacts(tx: Transaction, workspace_id: UUID, contacts: Sequence[NewContact]) -> None:
    """Insert contacts with one identity each, in two statements, without facts: they are history, not news."""
    await tx.run(
        "INSERT INTO contact (workspace_id, id, name, email, phone, locale, time_zone, last_page, last_seen_at, created_at)"
        " SELECT $1, * FROM unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::jsonb[],"
        " $9::timestamptz[], $9::timestamptz[])",
        workspace_id,
        [contact.id for contact in contacts],
        [contact.name for contact in contacts],
        [contact.email for contact in contacts],
        [contact.phone for contact in contacts],
        [contact.locale for contact in contacts],
        [contact.time_zone for contact in contacts],
        [contact.last_page for contact in contacts],
        [contact.created_at for contact in contacts],
    )
    keys = [thread_key(contact.inbox_id, contact.address) for contact in contacts]
    await tx.run(
        "INSERT INTO identity (workspace_id, id, inbox_id, contact_id, address, thread_key, lane, created_at)"
        " SELECT $1, * FROM unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::text[], $6::uuid[], $7::smallint[], $8::timestamptz[])",
        workspace_id,
        [contact.identity_id for contact in contacts],
        [contact.inbox_id for contact in contacts],
        [contact.id for contact in contacts],
        [contact.address for contact in contacts],
        keys,
        [lane_of(key) for key in keys],
        [contact.created_at for contact in contacts],
    )


async def point_identities(tx: Transaction, workspace_id: UUID, pairs: Sequence[tuple[UUID, UUID]]) -> None:
    """Say which conversation each identity's next message belongs to: pairs of (identity id, conversation id)."""
    await tx.run(
        "UPDATE identity SET conversation_id = p.conversation_id FROM unnest($2::uuid[], $3::uuid[]) AS p (id, conversation_id)"
        " WHERE identity.workspace_id = $1 AND identity.id = p.id",
        workspace_id,
        [identity_id for identity_id, _ in pairs],
        [conversation_id for _, conversation_id in pairs],
    )
