"""What happened in the room."""

from __future__ import annotations

from uuid import UUID

from comptoir.kernel.fact import Fact


class AgentChanged(Fact, frozen=True, kw_only=True):
    """An agent was added, got another role or name, or was deactivated."""

    agent_id: UUID
