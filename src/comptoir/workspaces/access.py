"""Who is asking, and what they may do: the one place where roles mean something.

A request carries a session's cookie or an API key. What was found for it is kept in memory for at most half a minute; ending a
session, revoking a key or changing an agent forgets it at once in the process that did it.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from uuid import UUID
from weakref import WeakSet

import msgspec

from comptoir.infra.crypto import token_digest
from comptoir.infra.database import Database, Transaction
from comptoir.kernel.errors import NotFound
from comptoir.workspaces.errors import AgentNeeded, NotPermitted, NotSignedIn
from comptoir.workspaces.queries import Membership, PersonView, Role, memberships, person_by_id

COOKIE = "comptoir_session"
SESSION_DAYS = 30
KEPT_SECONDS = 30.0
_MOST_KEPT = 5000
# A session's end moves at most this often, so that reading costs no write.
_EXTEND_AFTER = timedelta(hours=1)

READ = frozenset({"agents.read", "labels.read", "inboxes.read", "contacts.read", "conversations.read", "events.read"})
WRITE = READ | {"labels.write", "contacts.write", "conversations.write", "deliveries.settle", "attachments.write"}
MANAGE = WRITE | {"inboxes.write", "agents.write", "workspace.write"}
PERMISSIONS: dict[Role, frozenset[str]] = {"owner": MANAGE, "admin": MANAGE, "agent": WRITE, "observer": READ}


class Principal(msgspec.Struct, frozen=True, kw_only=True):
    """Who acts in a workspace: an agent (`agent_id`, `person_id`) or an API key (`key_id`)."""

    workspace_id: UUID
    role: Role
    name: str
    agent_id: UUID | None = None
    person_id: UUID | None = None
    key_id: UUID | None = None

    def may(self, permission: str) -> bool:
        """Whether the role carries a permission. An unknown permission is a mistake in the program."""
        if permission not in MANAGE:
            raise ValueError(f"no permission is called {permission}")
        return permission in PERMISSIONS[self.role]

    def require(self, permission: str) -> None:
        """Raises NotPermitted unless the role carries the permission."""
        if not self.may(permission):
            raise NotPermitted

    def agent(self) -> UUID:
        """The agent who acts. Raises AgentNeeded for an API key."""
        if self.agent_id is None:
            raise AgentNeeded
        return self.agent_id


class SignedIn(msgspec.Struct, frozen=True, kw_only=True):
    """A person and the workspaces they are an active agent of."""

    person: PersonView
    workspaces: tuple[Membership, ...]
    expires_at: datetime

    def principal(self, workspace_id: UUID | None) -> Principal:
        """The person as an agent of a workspace, of the first one where none is named. Raises NotFound."""
        for membership in self.workspaces:
            if workspace_id in {None, membership.id}:
                return Principal(
                    workspace_id=membership.id,
                    role=membership.role,
                    name=self.person.name,
                    agent_id=membership.agent_id,
                    person_id=self.person.id,
                )
        raise NotFound(field="workspace")


class _Kept(msgspec.Struct, frozen=True):
    until: float
    found: SignedIn | Principal | None


_Loader = Callable[[Transaction, bytes], Awaitable[SignedIn | Principal | None]]


class Access:
    """Finds out who is asking. One for each process."""

    def __init__(self, db: Database, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._db = db
        self._monotonic = monotonic
        self._kept: dict[bytes, _Kept] = {}
        self._forgettings = 0
        _caches.add(self)

    async def principal(
        self, *, cookie: str | None = None, authorization: str | None = None, workspace_id: UUID | None = None
    ) -> Principal:
        """Who acts, from the value of the cookie or of the `Authorization` header (which wins), in the workspace named.

        Raises NotSignedIn; NotFound when the workspace is not theirs.
        """
        if authorization is None:
            return (await self.signed_in(cookie)).principal(workspace_id)
        scheme, _, token = authorization.partition(" ")
        found = await self._find(token.strip(), _load_key) if scheme.lower() == "bearer" and token.strip() else None
        if not isinstance(found, Principal):
            raise NotSignedIn
        if workspace_id not in {None, found.workspace_id}:
            raise NotFound(field="workspace")
        return found

    async def signed_in(self, cookie: str | None) -> SignedIn:
        """The person of a session's cookie. Raises NotSignedIn."""
        found = await self._find(cookie, _load_session) if cookie else None
        if not isinstance(found, SignedIn) or found.expires_at <= self._db.clock():
            raise NotSignedIn
        return found

    def forget(self, person_id: UUID | None = None, token_hash: bytes | None = None) -> None:
        """Look again at the next request; both None: for everybody."""
        self._forgettings += 1
        for digest, kept in list(self._kept.items()):
            person = kept.found.person.id if isinstance(kept.found, SignedIn) else None
            if digest == token_hash or (person_id is not None and person == person_id):
                del self._kept[digest]
        if person_id is None and token_hash is None:
            self._kept.clear()

    async def _find(self, token: str, load: _Loader) -> SignedIn | Principal | None:
        digest = token_digest(token)
        kept = self._kept.get(digest)
        if kept is not None and kept.until > self._monotonic():
            return kept.found
        before, started = self._forgettings, self._monotonic()
        async with self._db.system() as tx:
            found = await load(tx, digest)
        # What was read while somebody signed out may be from before; it serves this request and is not kept.
        if before == self._forgettings and found is not None:
            if len(self._kept) >= _MOST_KEPT:
                self._kept.clear()
            self._kept[digest] = _Kept(started + KEPT_SECONDS, found)
        return found


_caches: WeakSet[Access] = WeakSet()


async def _load_session(tx: Transaction, digest: bytes) -> SignedIn | None:
    row = await tx.row(
        "SELECT person_id, seen_at, expires_at FROM session WHERE token_hash = $1 AND expires_at > $2", digest, tx.now
    )
    person = await person_by_id(tx, row["person_id"]) if row else None
    if row is None or person is None:
        return None
    expires_at: datetime = row["expires_at"]
    if tx.now - row["seen_at"] > _EXTEND_AFTER:
        expires_at = tx.now + timedelta(days=SESSION_DAYS)
        await tx.run(
            "UPDATE session SET seen_at = $2, expires_at = $3 WHERE token_hash = $1", digest, tx.now, expires_at
        )
    return SignedIn(person=person, workspaces=tuple(await memberships(tx, person.id)), expires_at=expires_at)


async def _load_key(tx: Transaction, digest: bytes) -> Principal | None:
    row = await tx.row(
        "SELECT workspace_id, id, name, role FROM api_key WHERE token_hash = $1 AND revoked_at IS NULL", digest
    )
    if row is None:
        return None
    return Principal(workspace_id=row["workspace_id"], role=row["role"], name=row["name"], key_id=row["id"])


def forget(*, person_id: UUID | None = None, token_hash: bytes | None = None) -> None:
    """What was known in this process of a person or a token is known no more; commands call it after their commit."""
    for cache in list(_caches):
        cache.forget(person_id, token_hash)
