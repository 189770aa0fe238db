"""Whom a message goes to, read under lock at the moment it is to leave."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import msgspec

from comptoir.infra.database import Transaction

# Skipping what somebody is just changing: the outbox comes back, and never waits for a lock.
_LOCK = """
SELECT i.id, i.address, c.blocked
  FROM unnest($1::uuid[], $2::uuid[]) AS k (workspace_id, id)
  JOIN identity i ON i.workspace_id = k.workspace_id AND i.id = k.id
  JOIN contact c ON c.workspace_id = i.workspace_id AND c.id = i.contact_id
   FOR SHARE OF c SKIP LOCKED
"""


class Recipient(msgspec.Struct, frozen=True):
    """An identity as the exit needs it."""

    identity_id: UUID
    address: str
    blocked: bool


async def lock_recipients(tx: Transaction, keys: Sequence[tuple[UUID, UUID]]) -> dict[UUID, Recipient]:
    """Recipients by identity, for keys of (workspace, identity). Whether they are blocked stays so until the end of the transaction.

    Those whose contact is being changed at this moment are absent.
    """
    found = await tx.structs(Recipient, _LOCK, [key[0] for key in keys], [key[1] for key in keys])
    return {recipient.identity_id: recipient for recipient in found}
