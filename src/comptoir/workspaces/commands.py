"""Making and changing persons, workspaces, agents, sessions and API keys.

All but those of agents need a system transaction: the tables of persons, workspaces and sessions belong to no single workspace.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import timedelta
from uuid import UUID

import asyncpg

from comptoir.infra.crypto import random_token, token_digest
from comptoir.infra.database import Transaction
from comptoir.kernel.errors import LOCALES, InvalidInput, NotFound
from comptoir.kernel.ids import uuid7
from comptoir.kernel.text import storable
from comptoir.workspaces import passwords
from comptoir.workspaces.access import SESSION_DAYS, forget
from comptoir.workspaces.errors import AlreadyAgent, EmailTaken, LastOwner, SlugTaken
from comptoir.workspaces.facts import AgentChanged
from comptoir.workspaces.queries import Role

KEY_PREFIX = "cpt_"
_EMAIL = re.compile(r"[^\s@\x00-\x1f<>\"]{1,64}@[^\s@\x00-\x1f<>\"]{1,189}")
_SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,58}[a-z0-9])?")


async def create_person(
    tx: Transaction, *, email: str, name: str, password: str | None = None, locale: str = "en"
) -> UUID:
    """Make a person; without a password they cannot sign in yet. Raises EmailTaken, InvalidInput, PasswordTooWeak."""
    address = checked_email(email)
    person_id = uuid7()
    made = await tx.value(
        "INSERT INTO person (id, email, name, password_hash, locale, created_at) VALUES ($1, $2, $3, $4, $5, $6)"
        " ON CONFLICT ((lower(email))) DO NOTHING RETURNING id",
        person_id,
        address,
        checked_name(name),
        None if password is None else await passwords.hash_password(password),
        checked_locale(locale),
        tx.now,
    )
    if made is None:
        raise EmailTaken(field="email")
    return person_id


async def set_password(tx: Transaction, person_id: UUID, password: str) -> None:
    """Replace a person's password and end all their sessions. Raises NotFound, PasswordTooWeak."""
    hashed = await passwords.hash_password(password)
    if await tx.run("UPDATE person SET password_hash = $2 WHERE id = $1", person_id, hashed) == "UPDATE 0":
        raise NotFound
    await end_sessions(tx, person_id)


async def set_locale(tx: Transaction, person_id: UUID, locale: str) -> None:
    """The language in which the program speaks to a person: `en` or `fr`. Raises InvalidInput."""
    await tx.run("UPDATE person SET locale = $2 WHERE id = $1", person_id, checked_locale(locale))
    tx.after_commit(lambda: forget(person_id=person_id))


async def create_workspace(tx: Transaction, *, name: str, slug: str | None = None, locale: str = "en") -> UUID:
    """Make a workspace. The slug is made from the name where none is given. Raises SlugTaken, InvalidInput."""
    title = checked_name(name)
    short = slugify(title) if slug is None else slug
    if not _SLUG.fullmatch(short):
        raise InvalidInput(field="slug", detail="a slug has 1 to 60 of a–z, 0–9 and -")
    workspace_id = uuid7()
    made = await tx.value(
        "INSERT INTO workspace (id, slug, name, locale, created_at) VALUES ($1, $2, $3, $4, $5)"
        " ON CONFLICT (slug) DO NOTHING RETURNING id",
        workspace_id,
        short,
        title,
        checked_locale(locale),
        tx.now,
    )
    if made is None:
        raise SlugTaken(field="slug")
    return workspace_id


async def add_agent(
    tx: Transaction, workspace_id: UUID, person_id: UUID, role: Role, *, name: str | None = None
) -> UUID:
    """Make a person an agent of a workspace, under their own name unless another is given. Raises AlreadyAgent, NotFound."""
    agent_id = uuid7()
    try:
        made = await tx.value(
            "INSERT INTO agent (workspace_id, id, person_id, role, name, created_at)"
            " SELECT $1, $2, p.id, $4, coalesce($5, p.name), $6 FROM person p WHERE p.id = $3 RETURNING id",
            workspace_id,
            agent_id,
            person_id,
            role,
            None if name is None else checked_name(name),
            tx.now,
        )
    except asyncpg.UniqueViolationError:
        raise AlreadyAgent from None
    except asyncpg.ForeignKeyViolationError:
        raise NotFound from None
    if made is None:
        raise NotFound
    _agent_changed(tx, workspace_id, agent_id, person_id)
    return agent_id


async def change_role(tx: Transaction, workspace_id: UUID, agent_id: UUID, role: Role) -> None:
    """Give an agent another role. Raises LastOwner, NotFound."""
    person_id = await _lock_agent(tx, workspace_id, agent_id, stays_owner=role == "owner")
    await tx.run("UPDATE agent SET role = $3 WHERE workspace_id = $1 AND id = $2", workspace_id, agent_id, role)
    _agent_changed(tx, workspace_id, agent_id, person_id)


async def deactivate_agent(tx: Transaction, workspace_id: UUID, agent_id: UUID) -> None:
    """Shut an agent out of a workspace; what they wrote stays. Raises LastOwner, NotFound."""
    person_id = await _lock_agent(tx, workspace_id, agent_id, stays_owner=False)
    await tx.run("UPDATE agent SET active = false WHERE workspace_id = $1 AND id = $2", workspace_id, agent_id)
    _agent_changed(tx, workspace_id, agent_id, person_id)


async def activate_agent(tx: Transaction, workspace_id: UUID, agent_id: UUID) -> None:
    """Let a deactivated agent in again. Raises NotFound."""
    person_id = await _lock_agent(tx, workspace_id, agent_id, stays_owner=True)
    await tx.run("UPDATE agent SET active = true WHERE workspace_id = $1 AND id = $2", workspace_id, agent_id)
    _agent_changed(tx, workspace_id, agent_id, person_id)


async def sign_in(tx: Transaction, person_id: UUID) -> str:
    """Open a session for a person whose password was verified. Gives the token for the cookie; only its digest is kept."""
    token = random_token()
    await tx.run("DELETE FROM session WHERE person_id = $1 AND expires_at < $2", person_id, tx.now)
    await tx.run(
        "INSERT INTO session (id, token_hash, person_id, created_at, seen_at, expires_at) VALUES ($1, $2, $3, $4, $4, $5)",
        uuid7(),
        token_digest(token),
        person_id,
        tx.now,
        tx.now + timedelta(days=SESSION_DAYS),
    )
    return token


async def sign_out(tx: Transaction, token: str) -> None:
    """End a session: at once in this process, within half a minute in the others."""
    digest = token_digest(token)
    await tx.run("DELETE FROM session WHERE token_hash = $1", digest)
    tx.after_commit(lambda: forget(token_hash=digest))


async def end_sessions(tx: Transaction, person_id: UUID) -> None:
    """End all sessions of a person."""
    await tx.run("DELETE FROM session WHERE person_id = $1", person_id)
    tx.after_commit(lambda: forget(person_id=person_id))


async def create_api_key(tx: Transaction, workspace_id: UUID, *, name: str, role: Role) -> tuple[UUID, str]:
    """Make an API key of a workspace. Gives its id and the key itself, which is shown once and kept only as a digest."""
    key_id, token = uuid7(), KEY_PREFIX + random_token()
    await tx.run(
        "INSERT INTO api_key (workspace_id, id, name, role, token_hash, created_at) VALUES ($1, $2, $3, $4, $5, $6)",
        workspace_id,
        key_id,
        checked_name(name),
        role,
        token_digest(token),
        tx.now,
    )
    return key_id, token


async def revoke_api_key(tx: Transaction, workspace_id: UUID, key_id: UUID) -> None:
    """End an API key for good. Raises NotFound."""
    digest = await tx.value(
        "UPDATE api_key SET revoked_at = coalesce(revoked_at, $3) WHERE workspace_id = $1 AND id = $2 RETURNING token_hash",
        workspace_id,
        key_id,
        tx.now,
    )
    if digest is None:
        raise NotFound
    tx.after_commit(lambda: forget(token_hash=digest))


def checked_email(email: str) -> str:
    """An e-mail address without the spaces around it. Raises InvalidInput."""
    address = email.strip()
    if not _EMAIL.fullmatch(address) or storable(address) != address:
        raise InvalidInput(field="email", detail="this is not an e-mail address")
    return address


def checked_name(name: str, field: str = "name", most: int = 120) -> str:
    """A name on one line, of 1 to `most` characters. Raises InvalidInput."""
    clean = " ".join(storable(name).split())
    if not 1 <= len(clean) <= most:
        raise InvalidInput(field=field, detail=f"1–{most}")
    return clean


def checked_locale(locale: str) -> str:
    """A language the program speaks. Raises InvalidInput."""
    if locale not in LOCALES:
        raise InvalidInput(field="locale", detail=" / ".join(LOCALES))
    return locale


def slugify(name: str, fallback: str = "comptoir") -> str:
    """A name as part of an address: `Crêpes & Cie` gives `crepes-cie`."""
    plain = unicodedata.normalize("NFKD", name.lower()).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:48].strip("-") or fallback


def _agent_changed(tx: Transaction, workspace_id: UUID, agent_id: UUID, person_id: UUID) -> None:
    tx.publish(AgentChanged(workspace_id=workspace_id, agent_id=agent_id))
    tx.after_commit(lambda: forget(person_id=person_id))


async def _lock_agent(tx: Transaction, workspace_id: UUID, agent_id: UUID, *, stays_owner: bool) -> UUID:
    # All owners are locked together, so that two owners cannot remove each other at once.
    rows = await tx.fetch(
        "SELECT id, person_id, role = 'owner' AND active AS owns FROM agent"
        " WHERE workspace_id = $1 AND (id = $2 OR (role = 'owner' AND active)) ORDER BY id FOR UPDATE",
        workspace_id,
        agent_id,
    )
    meant = next((row for row in rows if row["id"] == agent_id), None)
    if meant is None:
        raise NotFound
    if meant["owns"] and not stays_owner and sum(row["owns"] for row in rows) == 1:
        raise LastOwner
    person_id: UUID = meant["person_id"]
    return person_id
