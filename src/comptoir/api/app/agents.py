"""Who answers."""

from __future__ import annotations

import msgspec
from litestar import Controller, get

from comptoir.api.app.desk import AtDesk
from comptoir.workspaces.queries import AgentView, list_agents


class Agents(msgspec.Struct, frozen=True):
    """All agents of the workspace."""

    items: list[AgentView]


class AgentController(Controller):
    """`/agents`."""

    path = "/agents"
    tags = ("agents",)

    @get("/")
    async def all(self, desk: AtDesk) -> Agents:
        """All agents by name, the deactivated ones too."""
        desk.principal.require("agents.read")
        # E-mail addresses stand with the persons, who belong to no workspace: hence the system's role, held to this one.
        async with desk.services.db.system() as tx:
            return Agents(await list_agents(tx, desk.workspace_id))
