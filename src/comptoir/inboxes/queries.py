"""Reading inboxes."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from comptoir.channels.registry import all_channels
from comptoir.infra.database import Record, Transaction
from comptoir.kernel.errors import NotFound


class InboxDetail(msgspec.Struct, frozen=True, kw_only=True):
    """An inbox as `docs/protocol.md` gives it. Credentials are never in it."""

    id: UUID
    channel: str
    name: str
    settings: dict[str, Any]
    webhook_url: str | None
    slug: str | None
    created_at: datetime
    has_credentials: bool


_COLUMNS = "id, channel, name, settings, slug, created_at, credentials IS NOT NULL AS has_credentials"


async def list_inboxes(tx: Transaction, workspace_id: UUID, public_url: str) -> list[InboxDetail]:
    """All inboxes of a workspace, the oldest first."""
    rows = await tx.fetch(f"SELECT {_COLUMNS} FROM inbox WHERE workspace_id = $1 ORDER BY created_at, id", workspace_id)
    return [_detail(row, public_url) for row in rows]


async def get_inbox(tx: Transaction, workspace_id: UUID, inbox_id: UUID, public_url: str) -> InboxDetail:
    """One inbox. Raises NotFound."""
    row = await tx.row(f"SELECT {_COLUMNS} FROM inbox WHERE workspace_id = $1 AND id = $2", workspace_id, inbox_id)
    if row is None:
        raise NotFound
    return _detail(row, public_url)


async def inbox_exists(tx: Transaction, workspace_id: UUID, inbox_id: UUID) -> bool:
    """Whether the workspace has this inbox."""
    return bool(await tx.value("SELECT true FROM inbox WHERE workspace_id = $1 AND id = $2", workspace_id, inbox_id))


async def inbox_channels(tx: Transaction, workspace_id: UUID, inbox_ids: Collection[UUID]) -> dict[UUID, str]:
    """The channels of inboxes by their ids."""
    rows = await tx.fetch(
        "SELECT id, channel FROM inbox WHERE workspace_id = $1 AND id = ANY($2::uuid[])", workspace_id, list(inbox_ids)
    )
    return {row["id"]: row["channel"] for row in rows}


async def inbox_of_slug(tx: Transaction, slug: str) -> UUID | None:
    """The inbox whose page is `/c/{slug}`. System transaction: a slug belongs to the installation."""
    found: UUID | None = await tx.value("SELECT id FROM inbox WHERE slug = $1", slug)
    return found


def _detail(row: Record, public_url: str) -> InboxDetail:
    channel = all_channels().get(row["channel"])
    hooked = channel is not None and channel.manifest.public_hook
    return InboxDetail(
        **{**row, "settings": msgspec.json.decode(row["settings"])},
        webhook_url=f"{public_url}/hooks/{row['channel']}/{row['id']}" if hooked else None,
    )
