"""Reading workspaces, persons and agents.

The tables `person`, `workspace` and `session` belong to no single workspace: only system transactions may read them, so every
function here that does says so and takes the workspace it may speak of.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal
from uuid import UUID

import msgspec

from comptoir.infra.database import Transaction
from comptoir.kernel.text import storable

Role = Literal["owner", "admin", "agent", "observer"]


class WorkspaceView(msgspec.Struct, frozen=True):
    """A workspace."""

    id: UUID
    slug: str
    name: str
    locale: str


class Membership(msgspec.Struct, frozen=True):
    """A workspace as one of its agents sees it."""

    id: UUID
    name: str
    slug: str
    locale: str
    agent_id: UUID
    role: Role


class PersonView(msgspec.Struct, frozen=True):
    """A person."""

    id: UUID
    email: str
    name: str
    locale: str


class AgentView(msgspec.Struct, frozen=True):
    """An agent as `docs/protocol.md` gives it."""

    id: UUID
    person_id: UUID
    name: str
    email: str
    role: Role
    active: bool
    avatar_url: str | None = None


class ApiKeyView(msgspec.Struct, frozen=True):
    """An API key, without what opens."""

    id: UUID
    name: str
    role: Role
    revoked: bool


async def list_workspaces(tx: Transaction) -> list[WorkspaceView]:
    """All workspaces by name. System transaction."""
    return await tx.structs(WorkspaceView, "SELECT id, slug, name, locale FROM workspace ORDER BY lower(name), id")


async def workspace_by_slug(tx: Transaction, slug: str) -> WorkspaceView | None:
    """The workspace of a slug. System transaction."""
    found = await tx.structs(WorkspaceView, "SELECT id, slug, name, locale FROM workspace WHERE slug = $1", slug)
    return found[0] if found else None


async def workspaces_by_id(tx: Transaction, workspace_ids: Collection[UUID]) -> dict[UUID, WorkspaceView]:
    """Workspaces by id. System transaction."""
    rows = await tx.structs(
        WorkspaceView, "SELECT id, slug, name, locale FROM workspace WHERE id = ANY($1::uuid[])", list(workspace_ids)
    )
    return {row.id: row for row in rows}


async def person_by_email(tx: Transaction, email: str) -> PersonView | None:
    """The person of an e-mail address, in whatever case it is written. System transaction."""
    found = await tx.structs(
        PersonView, "SELECT id, email, name, locale FROM person WHERE lower(email) = lower($1)", email
    )
    return found[0] if found else None


async def person_by_id(tx: Transaction, person_id: UUID) -> PersonView | None:
    """A person. System transaction."""
    found = await tx.structs(PersonView, "SELECT id, email, name, locale FROM person WHERE id = $1", person_id)
    return found[0] if found else None


async def memberships(tx: Transaction, person_id: UUID) -> list[Membership]:
    """The workspaces in which a person is an active agent, the oldest membership first. System transaction."""
    return await tx.structs(
        Membership,
        "SELECT w.id, w.name, w.slug, w.locale, a.id, a.role FROM agent a JOIN workspace w ON w.id = a.workspace_id"
        " WHERE a.person_id = $1 AND a.active ORDER BY a.created_at, a.id",
        person_id,
    )


async def list_agents(tx: Transaction, workspace_id: UUID) -> list[AgentView]:
    """All agents of a workspace by name, the deactivated ones too. System transaction."""
    return await tx.structs(
        AgentView,
        "SELECT a.id, a.person_id, a.name, p.email, a.role, a.active FROM agent a JOIN person p ON p.id = a.person_id"
        " WHERE a.workspace_id = $1 ORDER BY lower(a.name), a.id",
        workspace_id,
    )


async def agent_names(tx: Transaction, workspace_id: UUID, agent_ids: Collection[UUID]) -> dict[UUID, str]:
    """The names of agents by id; ids of other workspaces are left out."""
    rows = await tx.fetch(
        "SELECT id, name FROM agent WHERE workspace_id = $1 AND id = ANY($2::uuid[])", workspace_id, list(agent_ids)
    )
    return {row["id"]: row["name"] for row in rows}


async def active_agent(tx: Transaction, workspace_id: UUID, agent_id: UUID) -> bool:
    """Whether there is such an agent and work may be given to them (observers do none)."""
    return bool(
        await tx.value(
            "SELECT true FROM agent WHERE workspace_id = $1 AND id = $2 AND active AND role <> 'observer'",
            workspace_id,
            agent_id,
        )
    )


async def team_faces(tx: Transaction, workspace_id: UUID, most: int = 5) -> list[str]:
    """The names of the agents who answer, the longest-serving first: what a contact sees of the team."""
    rows = await tx.fetch(
        "SELECT name FROM agent WHERE workspace_id = $1 AND active AND role <> 'observer' ORDER BY created_at, id LIMIT $2",
        workspace_id,
        most,
    )
    return [row["name"] for row in rows]


async def list_api_keys(tx: Transaction, workspace_id: UUID) -> list[ApiKeyView]:
    """The API keys of a workspace, newest first."""
    return await tx.structs(
        ApiKeyView,
        "SELECT id, name, role, revoked_at IS NOT NULL FROM api_key WHERE workspace_id = $1 ORDER BY created_at DESC, id",
        workspace_id,
    )


class Login(msgspec.Struct, frozen=True):
    """What signing in compares."""

    person_id: UUID
    password_hash: str | None


async def password_of(tx: Transaction, email: str) -> Login | None:
    """The login behind an e-mail address. System transaction."""
    found = await tx.structs(
        Login, "SELECT id, password_hash FROM person WHERE lower(email) = lower($1)", storable(email.strip())
    )
    return found[0] if found else None


async def raw_event_days(tx: Transaction, default: int) -> dict[UUID, int]:
    """For how many days each workspace keeps raw events (its setting `raw_event_days`, 1 to 3650). System transaction."""
    rows = await tx.fetch(
        "SELECT id, CASE WHEN jsonb_typeof(settings->'raw_event_days') = 'number'"
        "  THEN least(greatest((settings->>'raw_event_days')::numeric, 1), 3650)::int ELSE $1 END AS days FROM workspace",
        default,
    )
    return {row["id"]: row["days"] for row in rows}
