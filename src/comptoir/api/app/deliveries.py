"""Deliveries that wait for a person's decision."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

import msgspec
from litestar import Controller, get, post
from litestar.params import FromPath, JSONBody, QueryParameter

from comptoir.api.app.desk import AtDesk
from comptoir.api.app.shapes import Body, Cursor, Limit
from comptoir.conversations.deliveries import settle
from comptoir.conversations.delivery_views import DeliveryView, deliveries_to_settle, delivery_view
from comptoir.kernel.cursors import read_cursor, write_cursor

# Under another name inside, for the framework keeps `state` to itself.
State = Annotated[Literal["uncertain", "failed"], QueryParameter(name="state", required=False)]


class Settlement(Body, frozen=True, rename={"outcome": "as"}):
    """`sent`: it arrived; `failed`: it did not; `retry`: send it again, at the risk that it arrives twice."""

    outcome: Literal["sent", "failed", "retry"]


class DeliveryPageView(msgspec.Struct, frozen=True):
    """One page, newest first."""

    items: list[DeliveryView]
    next_cursor: str | None


class DeliveryController(Controller):
    """`/deliveries`."""

    path = "/deliveries"
    tags = ("deliveries",)

    @get("/")
    async def page(
        self,
        desk: AtDesk,
        shown: State = "uncertain",
        cursor: Cursor = None,
        limit: Limit = 50,
    ) -> DeliveryPageView:
        """Deliveries that are uncertain, or that failed."""
        async with desk.read("conversations.read") as tx:
            page = await deliveries_to_settle(tx, desk.workspace_id, shown, read_cursor(cursor), limit)
        return DeliveryPageView(page.items, write_cursor(page.next_after))

    @post("/{delivery_id:uuid}/settle", status_code=200)
    async def settle(self, desk: AtDesk, delivery_id: FromPath[UUID], data: JSONBody[Settlement]) -> DeliveryView:
        """Decide about a delivery that is uncertain or failed."""
        async with desk.write("deliveries.settle") as tx:
            await settle(tx, desk.workspace_id, delivery_id, data.outcome)
            return await delivery_view(tx, desk.workspace_id, delivery_id)
