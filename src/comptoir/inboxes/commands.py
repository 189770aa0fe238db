"""Making and changing inboxes."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import msgspec

from comptoir.inboxes.cache import SIGNAL, open_credentials
from comptoir.inboxes.facts import InboxChanged
from comptoir.inboxes.settings import checked_credentials, checked_settings
from comptoir.infra.crypto import Sealer
from comptoir.infra.database import Transaction
from comptoir.kernel.errors import NotFound
from comptoir.kernel.ids import uuid7
from comptoir.workspaces.commands import checked_name, slugify

_SLUG_TRIES = 6


async def create_inbox(
    tx: Transaction,
    workspace_id: UUID,
    *,
    channel: str,
    name: str,
    sealer: Sealer,
    settings: Mapping[str, Any] | None = None,
    credentials: Mapping[str, Any] | None = None,
    slug: str | None = None,
) -> UUID:
    """Make an inbox of a channel. Gives its id.

    `settings` and `credentials` hold fields that the channel's manifest names; credentials are sealed and never given back. The slug
    is made from the name (or from `slug`), with a few random letters where it is taken. Raises UnknownChannel, UnknownSetting,
    CredentialsRefused, InvalidInput.
    """
    title = checked_name(name)
    kept = checked_settings(channel, settings or {})
    secret = checked_credentials(channel, credentials or {})
    inbox_id = uuid7()
    sealed = sealer.seal(msgspec.json.encode(secret), inbox_id) if secret else None
    wanted = slugify(slug or title, fallback=channel)
    for attempt in range(_SLUG_TRIES):
        made = await tx.value(
            "INSERT INTO inbox (workspace_id, id, channel, name, slug, settings, credentials, created_at)"
            " VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (slug) DO NOTHING RETURNING id",
            workspace_id,
            inbox_id,
            channel,
            title,
            wanted if attempt == 0 else f"{wanted}-{secrets.token_hex(3)}",
            kept,
            sealed,
            tx.now,
        )
        if made is not None:
            _changed(tx, workspace_id, inbox_id)
            return inbox_id
    raise RuntimeError("six random slugs were all taken")


async def update_inbox(
    tx: Transaction,
    workspace_id: UUID,
    inbox_id: UUID,
    *,
    sealer: Sealer,
    name: str | None = None,
    settings: Mapping[str, Any] | None = None,
    credentials: Mapping[str, Any] | None = None,
) -> None:
    """Change an inbox. None leaves a part as it is; `settings` replaces them all, of `credentials` only those named.

    Raises NotFound, UnknownSetting, CredentialsRefused, InvalidInput.
    """
    row = await tx.row(
        "SELECT channel, credentials FROM inbox WHERE workspace_id = $1 AND id = $2 FOR UPDATE", workspace_id, inbox_id
    )
    if row is None:
        raise NotFound
    sealed = row["credentials"]
    if credentials is not None:
        secret = {**open_credentials(sealer, sealed, inbox_id), **checked_credentials(row["channel"], credentials)}
        sealed = sealer.seal(msgspec.json.encode(secret), inbox_id) if secret else None
    await tx.run(
        "UPDATE inbox SET name = coalesce($3, name), settings = coalesce($4, settings), credentials = $5"
        " WHERE workspace_id = $1 AND id = $2",
        workspace_id,
        inbox_id,
        None if name is None else checked_name(name),
        None if settings is None else checked_settings(row["channel"], settings),
        sealed,
    )
    _changed(tx, workspace_id, inbox_id)


def _changed(tx: Transaction, workspace_id: UUID, inbox_id: UUID) -> None:
    tx.publish(InboxChanged(workspace_id=workspace_id, inbox_id=inbox_id))
    tx.signal(SIGNAL, str(inbox_id))
