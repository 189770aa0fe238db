"""Whoever writes has an identity and a contact: found or made here, for a whole batch of a lane at once."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from uuid import UUID

import msgspec

from comptoir.contacts.facts import ContactCreated
from comptoir.contracts.channel import Profile
from comptoir.infra.database import Transaction
from comptoir.kernel.ids import lane_of, uuid7
from comptoir.kernel.text import storable_tree

# Rows are locked in id order, so that a merge and a lane never wait for each other in a circle.
_LOAD = """
SELECT workspace_id, id, inbox_id, contact_id, address, thread_key, lane, conversation_id
  FROM identity WHERE thread_key = ANY($1::uuid[]) ORDER BY id FOR UPDATE
"""
_LOAD_BLOCKED = """
SELECT c.id FROM contact c JOIN unnest($1::uuid[], $2::uuid[]) AS k (workspace_id, id) USING (workspace_id, id) WHERE c.blocked
"""
_INSERT_CONTACTS = """
INSERT INTO contact (workspace_id, id, name, email, phone, locale, time_zone, last_page, last_seen_at, created_at)
SELECT *, $9, $9 FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::jsonb[])
"""
_INSERT_IDENTITIES = """
INSERT INTO identity (workspace_id, id, inbox_id, contact_id, address, thread_key, lane, conversation_id, created_at)
SELECT *, $9 FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::text[], $6::uuid[], $7::smallint[], $8::uuid[])
"""
_POINT = """
UPDATE identity SET conversation_id = p.conversation_id
  FROM unnest($1::uuid[], $2::uuid[]) AS p (thread_key, conversation_id) WHERE identity.thread_key = p.thread_key
"""
# A profile fills gaps; what an agent wrote stays. The page is always the latest.
_TOUCH = """
UPDATE contact c
   SET last_seen_at = $9, name = coalesce(c.name, p.name), email = coalesce(c.email, p.email), phone = coalesce(c.phone, p.phone),
       locale = coalesce(c.locale, p.locale), time_zone = coalesce(p.time_zone, c.time_zone), last_page = coalesce(p.page, c.last_page)
  FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::jsonb[])
       AS p (workspace_id, id, name, email, phone, locale, time_zone, page)
 WHERE c.workspace_id = p.workspace_id AND c.id = p.id
"""


class Arrival(msgspec.Struct):
    """An identity in memory, with what changed about it in this batch."""

    workspace_id: UUID
    id: UUID
    inbox_id: UUID
    contact_id: UUID
    address: str
    thread_key: UUID
    lane: int
    conversation_id: UUID | None
    fresh: bool = False
    moved: bool = False
    blocked: bool = False
    profile: Profile | None = None

    def points_to(self, conversation_id: UUID) -> None:
        """The identity's next messages belong to this conversation."""
        self.conversation_id = conversation_id
        self.moved = True


class Arrivals:
    """The identities of one batch."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx
        self._known: dict[UUID, Arrival] = {}

    async def load(self, thread_keys: Collection[UUID]) -> None:
        """Read and lock the identities that stand already."""
        for row in await self._tx.fetch(_LOAD, list(thread_keys)):
            arrival = Arrival(*row)
            self._known[arrival.thread_key] = arrival
        known = self._known.values()
        rows = await self._tx.fetch(_LOAD_BLOCKED, [a.workspace_id for a in known], [a.contact_id for a in known])
        blocked = {row["id"] for row in rows}
        for arrival in known:
            arrival.blocked = arrival.contact_id in blocked

    def find(self, thread_key: UUID) -> Arrival | None:
        """The identity of a thread, if it stands."""
        return self._known.get(thread_key)

    def all(self) -> list[Arrival]:
        """Every identity loaded or made so far."""
        return list(self._known.values())

    def receive(
        self, workspace_id: UUID, inbox_id: UUID, address: str, thread_key: UUID, profile: Profile | None
    ) -> Arrival:
        """The identity of somebody who writes, made with its contact if this is the first time."""
        arrival = self._known.get(thread_key)
        if arrival is None:
            arrival = Arrival(
                workspace_id=workspace_id,
                id=uuid7(),
                inbox_id=inbox_id,
                contact_id=uuid7(),
                address=address,
                thread_key=thread_key,
                lane=lane_of(thread_key),
                conversation_id=None,
                fresh=True,
            )
            self._known[thread_key] = arrival
            self._tx.publish(ContactCreated(workspace_id=workspace_id, contact_id=arrival.contact_id))
        arrival.profile = profile or arrival.profile or Profile()
        return arrival

    async def write_contacts(self) -> None:
        """Insert new contacts, and tell known ones from their profiles. To be written before conversations."""
        fresh = [a for a in self._known.values() if a.fresh]
        if fresh:
            await self._tx.run(_INSERT_CONTACTS, *_profile_columns(fresh), self._tx.now)
        seen = sorted(
            (a for a in self._known.values() if not a.fresh and a.profile is not None), key=lambda a: a.contact_id
        )
        if seen:
            await self._tx.run(_TOUCH, *_profile_columns(seen), self._tx.now)

    async def write_identities(self) -> None:
        """Insert new identities and move those whose conversation changed. To be written after conversations."""
        fresh = [a for a in self._known.values() if a.fresh]
        if fresh:
            columns = list(zip(*[_identity_row(a) for a in fresh], strict=True))
            await self._tx.run(_INSERT_IDENTITIES, *map(list, columns), self._tx.now)
        moved = [a for a in self._known.values() if a.moved and not a.fresh]
        if moved:
            await self._tx.run(_POINT, [a.thread_key for a in moved], [a.conversation_id for a in moved])


def _identity_row(arrival: Arrival) -> tuple[Any, ...]:
    return (
        arrival.workspace_id,
        arrival.id,
        arrival.inbox_id,
        arrival.contact_id,
        arrival.address,
        arrival.thread_key,
        arrival.lane,
        arrival.conversation_id,
    )


def _profile_columns(arrivals: list[Arrival]) -> list[list[Any]]:
    profiles = [a.profile or Profile() for a in arrivals]
    return [
        [a.workspace_id for a in arrivals],
        [a.contact_id for a in arrivals],
        [_clip(p.name, 200) for p in profiles],
        [_clip(p.email, 254) for p in profiles],
        [_clip(p.phone, 40) for p in profiles],
        [_clip(p.locale, 20) for p in profiles],
        [_clip(p.time_zone, 60) for p in profiles],
        [storable_tree(msgspec.to_builtins(p.page)) if p.page else None for p in profiles],
    ]


def _clip(value: str | None, most: int) -> str | None:
    return storable_tree(value)[:most] or None if value else None
