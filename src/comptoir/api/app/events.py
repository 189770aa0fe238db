"""The append-only facts, read after a position."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Controller, get
from litestar.params import QueryParameter

from comptoir.api.app.desk import AtDesk
from comptoir.api.app.shapes import Position
from comptoir.infra import journal

MostFacts = Annotated[int, QueryParameter(ge=1, le=500, required=False)]
Kind = Annotated[str | None, QueryParameter(max_length=100, required=False)]


class FactView(msgspec.Struct, frozen=True):
    """Something that happened."""

    position: int
    kind: str
    occurred_at: datetime
    conversation_id: UUID | None
    message_id: UUID | None
    data: Any


class Facts(msgspec.Struct, frozen=True):
    """Facts in order. To go on, ask for what comes after `position`; it stands still when nothing has happened since."""

    items: list[FactView]
    position: int


class EventController(Controller):
    """`/events`."""

    path = "/events"
    tags = ("events",)

    @get("/")
    async def after(self, desk: AtDesk, after: Position = 0, limit: MostFacts = 100, kind: Kind = None) -> Facts:
        """Facts after a position, the oldest first; of one kind where it is named."""
        async with desk.read("events.read") as tx:
            newest = await journal.position(tx, desk.workspace_id)
            rows = await journal.read_after(tx, desk.workspace_id, after, limit, kind, newest)
        items = [
            FactView(r.position, r.kind, r.occurred_at, r.conversation_id, r.message_id, r.data or {}) for r in rows
        ]
        # A page that is not full has reached the newest position, even if the last facts were of other kinds.
        return Facts(items, items[-1].position if len(items) == limit else max(newest, after))
