"""Inboxes, their health and what they had to set aside."""

from __future__ import annotations

import base64
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Controller, get, patch, post
from litestar.params import FromPath, JSONBody

from comptoir.api.app.desk import AtDesk
from comptoir.api.app.shapes import Body, Cursor
from comptoir.conversations.delivery_views import count_uncertain
from comptoir.inboxes.commands import create_inbox, update_inbox
from comptoir.inboxes.health import inbox_health
from comptoir.inboxes.queries import InboxDetail, get_inbox, list_inboxes
from comptoir.ingest.queries import parked_count, quarantine, quarantined_count
from comptoir.kernel.cursors import read_cursor, write_cursor

Name = Annotated[str, msgspec.Meta(max_length=200)]
_QUARANTINE_PAGE = 20


class NewInbox(Body, frozen=True):
    """An inbox to be made. Fields of `settings` and `credentials` are those that the channel names."""

    channel: Annotated[str, msgspec.Meta(max_length=60)]
    name: Name
    settings: dict[str, Any] = {}
    credentials: dict[str, Any] = {}


class InboxChange(Body, frozen=True):
    """What is absent stays. `settings` replaces all settings; of `credentials` only those named are replaced."""

    name: Name | msgspec.UnsetType = msgspec.UNSET
    settings: dict[str, Any] | msgspec.UnsetType = msgspec.UNSET
    credentials: dict[str, Any] | msgspec.UnsetType = msgspec.UNSET


class Inboxes(msgspec.Struct, frozen=True):
    """All inboxes of the workspace."""

    items: list[InboxDetail]


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """How an inbox is doing. `parked` counts the threads of the whole workspace whose work failed and waits."""

    last_event_at: datetime | None
    last_error: str | None
    last_error_at: datetime | None
    quarantined: int
    parked: int
    uncertain: int


class Quarantined(msgspec.Struct, frozen=True):
    """An event that could not be stored, as the bytes that came."""

    id: UUID
    received_at: datetime
    reason: str
    body_base64: str


class QuarantinePage(msgspec.Struct, frozen=True):
    """One page, newest first."""

    items: list[Quarantined]
    next_cursor: str | None


class InboxController(Controller):
    """`/inboxes`."""

    path = "/inboxes"
    tags = ("inboxes",)

    @get("/")
    async def all(self, desk: AtDesk) -> Inboxes:
        """All inboxes, the oldest first."""
        async with desk.read("inboxes.read") as tx:
            return Inboxes(await list_inboxes(tx, desk.workspace_id, desk.services.config.public_url))

    @post("/")
    async def make(self, desk: AtDesk, data: JSONBody[NewInbox]) -> InboxDetail:
        """Make an inbox of a channel."""
        async with desk.write("inboxes.write") as tx:
            inbox_id = await create_inbox(
                tx,
                desk.workspace_id,
                channel=data.channel,
                name=data.name,
                sealer=desk.services.sealer,
                settings=data.settings,
                credentials=data.credentials,
            )
            return await get_inbox(tx, desk.workspace_id, inbox_id, desk.services.config.public_url)

    @get("/{inbox_id:uuid}")
    async def one(self, desk: AtDesk, inbox_id: FromPath[UUID]) -> InboxDetail:
        """One inbox."""
        async with desk.read("inboxes.read") as tx:
            return await get_inbox(tx, desk.workspace_id, inbox_id, desk.services.config.public_url)

    @patch("/{inbox_id:uuid}")
    async def change(self, desk: AtDesk, inbox_id: FromPath[UUID], data: JSONBody[InboxChange]) -> InboxDetail:
        """Change an inbox."""
        async with desk.write("inboxes.write") as tx:
            await update_inbox(
                tx,
                desk.workspace_id,
                inbox_id,
                sealer=desk.services.sealer,
                name=None if data.name is msgspec.UNSET else data.name,
                settings=None if data.settings is msgspec.UNSET else data.settings,
                credentials=None if data.credentials is msgspec.UNSET else data.credentials,
            )
            return await get_inbox(tx, desk.workspace_id, inbox_id, desk.services.config.public_url)

    @get("/{inbox_id:uuid}/health")
    async def health(self, desk: AtDesk, inbox_id: FromPath[UUID]) -> Health:
        """How an inbox is doing."""
        async with desk.read("inboxes.read") as tx:
            await get_inbox(tx, desk.workspace_id, inbox_id, "")
            noted = await inbox_health(tx, desk.workspace_id, inbox_id)
            return Health(
                last_event_at=noted.last_event_at,
                last_error=noted.last_error,
                last_error_at=noted.last_error_at,
                quarantined=await quarantined_count(tx, desk.workspace_id, inbox_id),
                parked=await parked_count(tx, desk.workspace_id),
                uncertain=await count_uncertain(tx, desk.workspace_id, inbox_id),
            )

    @get("/{inbox_id:uuid}/quarantine")
    async def quarantine(self, desk: AtDesk, inbox_id: FromPath[UUID], cursor: Cursor = None) -> QuarantinePage:
        """Events that could not be stored, newest first, twenty a page. Bodies hold what contacts wrote: for owners and admins."""
        desk.principal.require("inboxes.write")
        async with desk.read("inboxes.read") as tx:
            await get_inbox(tx, desk.workspace_id, inbox_id, "")
            found = await quarantine(tx, desk.workspace_id, inbox_id, read_cursor(cursor), _QUARANTINE_PAGE + 1)
        page = found[:_QUARANTINE_PAGE]
        return QuarantinePage(
            [Quarantined(row.id, row.received_at, row.reason, base64.b64encode(row.body).decode()) for row in page],
            write_cursor((page[-1].received_at, page[-1].id)) if len(found) > len(page) else None,
        )
