"""Labels."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

import msgspec
from litestar import Controller, delete, get, patch, post
from litestar.params import FromPath, JSONBody

from comptoir.api.app.desk import AtDesk
from comptoir.api.app.shapes import Body
from comptoir.conversations.commands.label import (
    LabelView,
    create_label,
    delete_label,
    list_labels,
    update_label,
)
from comptoir.kernel.errors import NotFound

Name = Annotated[str, msgspec.Meta(max_length=200)]
Colour = Literal["zinc", "brass", "green", "brick", "sky", "plum"]


class NewLabel(Body, frozen=True):
    """A label to be made."""

    name: Name
    colour: Colour = "zinc"


class LabelChange(Body, frozen=True):
    """What is absent stays."""

    name: Name | msgspec.UnsetType = msgspec.UNSET
    colour: Colour | msgspec.UnsetType = msgspec.UNSET


class Labels(msgspec.Struct, frozen=True):
    """All labels of the workspace."""

    items: list[LabelView]


class LabelController(Controller):
    """`/labels`."""

    path = "/labels"
    tags = ("labels",)

    @get("/")
    async def all(self, desk: AtDesk) -> Labels:
        """All labels by name."""
        async with desk.read("labels.read") as tx:
            return Labels(await list_labels(tx, desk.workspace_id))

    @post("/")
    async def make(self, desk: AtDesk, data: JSONBody[NewLabel]) -> LabelView:
        """Make a label."""
        async with desk.write("labels.write") as tx:
            return await create_label(tx, desk.workspace_id, data.name, data.colour)

    @patch("/{label_id:uuid}")
    async def change(self, desk: AtDesk, label_id: FromPath[UUID], data: JSONBody[LabelChange]) -> LabelView:
        """Rename or recolour a label."""
        async with desk.write("labels.write") as tx:
            held = next((label for label in await list_labels(tx, desk.workspace_id) if label.id == label_id), None)
            if held is None:
                raise NotFound(field="label_id")
            return await update_label(
                tx,
                desk.workspace_id,
                label_id,
                held.name if data.name is msgspec.UNSET else data.name,
                held.colour if data.colour is msgspec.UNSET else data.colour,
            )

    @delete("/{label_id:uuid}")
    async def remove(self, desk: AtDesk, label_id: FromPath[UUID]) -> None:
        """Remove a label, from the conversations that wear it too."""
        async with desk.write("labels.write") as tx:
            await delete_label(tx, desk.workspace_id, label_id)
