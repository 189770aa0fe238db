"""Inboxes as the door, the outbox and the widget need them at every event: opened, in memory, looked up once.

A change is told by the signal `inbox` to every process; should it get lost, what is kept is read anew after a minute.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any
from uuid import UUID

import msgspec

from comptoir.contracts.channel import InboxView
from comptoir.infra.crypto import SealBroken, Sealer
from comptoir.infra.database import Database
from comptoir.infra.log import get_logger
from comptoir.infra.signals import Signals

SIGNAL = "inbox"
KEPT_SECONDS = 60.0
# An id nobody knows is asked for again soon: it may be an inbox that another process has just made.
UNKNOWN_SECONDS = 3.0
_MOST_KEPT = 10_000
_log = get_logger("inboxes")


class InboxCache:
    """The inboxes of one process. To be made before `signals.open`."""

    def __init__(
        self,
        db: Database,
        sealer: Sealer,
        signals: Signals | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._db = db
        self._sealer = sealer
        self._monotonic = monotonic
        self._kept: dict[UUID, tuple[float, InboxView | None]] = {}
        self._loading: dict[UUID, asyncio.Task[InboxView | None]] = {}
        if signals is not None:
            signals.hear(SIGNAL, self._heard)

    async def get(self, inbox_id: UUID) -> InboxView | None:
        """The inbox with its credentials opened, or None. Raises one of `AWAY` when it must be read and cannot."""
        kept = self._kept.get(inbox_id)
        if kept is not None and kept[0] > self._monotonic():
            return kept[1]
        task = self._loading.get(inbox_id)
        if task is None:
            task = asyncio.create_task(self._load(inbox_id))
            self._loading[inbox_id] = task
            task.add_done_callback(lambda done: self._loaded(inbox_id, done))
        # Shielded: whoever hangs up must not take the inbox from the others who wait for it.
        return await asyncio.shield(task)

    def forget(self, inbox_id: UUID | None) -> None:
        """Read an inbox (None: every one) anew when it is next asked for."""
        if inbox_id is None:
            self._kept.clear()
            self._loading.clear()
        else:
            self._kept.pop(inbox_id, None)
            self._loading.pop(inbox_id, None)

    def _heard(self, payload: str | None) -> None:
        self.forget(UUID(payload) if payload else None)

    def _loaded(self, inbox_id: UUID, task: asyncio.Task[InboxView | None]) -> None:
        # A task that was forgotten while it read may hold what was before the change, and is not kept.
        if self._loading.get(inbox_id) is not task:
            return
        del self._loading[inbox_id]
        if task.cancelled() or task.exception() is not None:
            return
        if len(self._kept) >= _MOST_KEPT:
            self._kept.clear()
        found = task.result()
        self._kept[inbox_id] = (self._monotonic() + (UNKNOWN_SECONDS if found is None else KEPT_SECONDS), found)

    async def _load(self, inbox_id: UUID) -> InboxView | None:
        async with self._db.system() as tx:
            row = await tx.row(
                "SELECT workspace_id, id, channel, name, settings, credentials, slug FROM inbox WHERE id = $1", inbox_id
            )
        if row is None:
            return None
        return InboxView(
            workspace_id=row["workspace_id"],
            id=row["id"],
            channel=row["channel"],
            name=row["name"],
            settings=msgspec.json.decode(row["settings"], type=dict[str, Any]),
            credentials=open_credentials(self._sealer, row["credentials"], inbox_id),
            slug=row["slug"],
        )


def open_credentials(sealer: Sealer, sealed: bytes | None, inbox_id: UUID) -> dict[str, str]:
    """The credentials of an inbox; none when they were sealed with a key that is gone (the log says so)."""
    if sealed is None:
        return {}
    try:
        return msgspec.json.decode(sealer.open(sealed, inbox_id), type=dict[str, str])
    except SealBroken as broken:
        _log.error("credentials.unreadable", inbox_id=str(inbox_id), reason=str(broken))
        return {}
