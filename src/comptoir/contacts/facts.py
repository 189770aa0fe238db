"""What happens to contacts."""

from __future__ import annotations

from uuid import UUID

from comptoir.kernel.fact import Fact


class ContactCreated(Fact, frozen=True, kw_only=True):
    """Somebody wrote for the first time."""

    contact_id: UUID


class ContactUpdated(Fact, frozen=True, kw_only=True):
    """Fields of a contact changed; `fields` names them."""

    contact_id: UUID
    fields: tuple[str, ...]
