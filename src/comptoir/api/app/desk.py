"""The desk of a request: who acts, in which workspace, and the one transaction in which it happens."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

from litestar import Request
from litestar.connection import ASGIConnection
from litestar.datastructures import State
from litestar.di import NamedDependency
from litestar.handlers import BaseRouteHandler

from comptoir.api.errors import StorageFull
from comptoir.api.services import Services
from comptoir.infra.database import Transaction
from comptoir.kernel.errors import NotFound
from comptoir.kernel.ids import NIL
from comptoir.workspaces.access import COOKIE, Access, Principal

AppRequest = Request[None, None, State]


class Desk:
    """Where a request is worked on. A handler opens one transaction here, and it commits when the handler leaves it."""

    def __init__(self, services: Services, principal: Principal) -> None:
        self.services = services
        self.principal = principal
        self.workspace_id = principal.workspace_id

    @property
    def reader(self) -> UUID:
        """The agent whose read marks are shown; an API key has read nothing."""
        return self.principal.agent_id or NIL

    @asynccontextmanager
    async def read(self, permission: str) -> AsyncIterator[Transaction]:
        """A transaction that reads. Raises NotPermitted."""
        self.principal.require(permission)
        async with self.services.db.workspace(self.workspace_id) as tx:
            yield tx

    @asynccontextmanager
    async def write(self, permission: str) -> AsyncIterator[Transaction]:
        """A transaction that writes. Raises NotPermitted, StorageFull."""
        self.may_write(permission)
        async with self.services.db.workspace(self.workspace_id) as tx:
            yield tx

    def may_write(self, permission: str) -> None:
        """Raises NotPermitted, StorageFull."""
        self.principal.require(permission)
        require_room(self.services)


def require_room(services: Services) -> None:
    """Raises StorageFull while the disk has no room for anything new."""
    if services.disk.refuse_input:
        raise StorageFull


def services_of(request: AppRequest) -> Services:
    """The tools of this process."""
    services: Services = request.app.state.services
    return services


def access_of(request: AppRequest) -> Access:
    """Who finds out who is asking."""
    access: Access = request.app.state.access
    return access


async def require_signed_in(connection: ASGIConnection[Any, Any, Any, State], _: BaseRouteHandler) -> None:
    """Guard: who asks is found out before anything else of a request is looked at.

    Raises NotSignedIn; NotFound when the workspace named is not theirs.
    """
    named = connection.headers.get("comptoir-workspace")
    try:
        workspace_id = UUID(named) if named else None
    except ValueError:
        raise NotFound(field="workspace") from None
    connection.state.principal = await connection.app.state.access.principal(
        cookie=connection.cookies.get(COOKIE),
        authorization=connection.headers.get("authorization"),
        workspace_id=workspace_id,
    )


async def provide_desk(request: AppRequest) -> Desk:
    """The desk of whoever the guard let in."""
    return Desk(services_of(request), request.state.principal)


# How a handler asks for the desk of its request.
AtDesk = NamedDependency[Desk]
