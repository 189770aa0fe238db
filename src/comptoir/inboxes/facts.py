"""What happened in the room."""

from __future__ import annotations

from uuid import UUID

from comptoir.kernel.fact import Fact


class InboxChanged(Fact, frozen=True, kw_only=True):
    """An inbox was made or its settings changed."""

    inbox_id: UUID
