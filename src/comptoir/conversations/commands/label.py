"""Labels: a workspace's own words for what conversations are about."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import asyncpg
import msgspec

from comptoir.conversations.errors import LabelExists, UnknownLabel
from comptoir.conversations.facts import ConversationLabelled, LabelChanged
from comptoir.conversations.queries import lock_conversation
from comptoir.infra.database import Transaction
from comptoir.kernel.errors import InvalidInput, NotFound
from comptoir.kernel.ids import uuid7
from comptoir.kernel.text import storable

COLOURS = ("zinc", "brass", "green", "brick", "sky", "plum")
_NAME_LIMIT = 40
_MOST_PER_CONVERSATION = 20


class LabelView(msgspec.Struct, frozen=True):
    """A label."""

    id: UUID
    name: str
    colour: str


def _check(name: str, colour: str) -> str:
    name = storable(name).strip()
    if not 1 <= len(name) <= _NAME_LIMIT:
        raise InvalidInput(field="name", detail=f"1–{_NAME_LIMIT}")
    if colour not in COLOURS:
        raise InvalidInput(field="colour", detail=" | ".join(COLOURS))
    return name


async def list_labels(tx: Transaction, workspace_id: UUID) -> list[LabelView]:
    """All labels of a workspace by name."""
    return await tx.structs(
        LabelView, "SELECT id, name, colour FROM label WHERE workspace_id = $1 ORDER BY lower(name)", workspace_id
    )


async def create_label(tx: Transaction, workspace_id: UUID, name: str, colour: str) -> LabelView:
    """Make a label. Raises InvalidInput, LabelExists."""
    view = LabelView(uuid7(), _check(name, colour), colour)
    done = await tx.value(
        "INSERT INTO label (workspace_id, id, name, colour) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING RETURNING id",
        workspace_id,
        view.id,
        view.name,
        colour,
    )
    if done is None:
        raise LabelExists(field="name", name=view.name)
    tx.publish(LabelChanged(workspace_id=workspace_id, label_id=view.id))
    return view


async def update_label(tx: Transaction, workspace_id: UUID, label_id: UUID, name: str, colour: str) -> LabelView:
    """Rename or recolour. Raises NotFound, InvalidInput, LabelExists."""
    view = LabelView(label_id, _check(name, colour), colour)
    try:
        tag = await tx.run(
            "UPDATE label SET name = $3, colour = $4 WHERE workspace_id = $1 AND id = $2",
            workspace_id,
            label_id,
            view.name,
            colour,
        )
    except asyncpg.UniqueViolationError as error:
        raise LabelExists(field="name", name=view.name) from error
    if tag == "UPDATE 0":
        raise NotFound(field="label_id")
    tx.publish(LabelChanged(workspace_id=workspace_id, label_id=label_id))
    return view


async def delete_label(tx: Transaction, workspace_id: UUID, label_id: UUID) -> None:
    """Remove a label, from the conversations that wear it too. Raises NotFound."""
    if await tx.run("DELETE FROM label WHERE workspace_id = $1 AND id = $2", workspace_id, label_id) == "DELETE 0":
        raise NotFound(field="label_id")
    await tx.run(
        "UPDATE conversation SET label_ids = array_remove(label_ids, $2), version = version + 1"
        " WHERE workspace_id = $1 AND id IN (SELECT conversation_id FROM conversation_label WHERE workspace_id = $1 AND label_id = $2)",
        workspace_id,
        label_id,
    )
    tx.publish(LabelChanged(workspace_id=workspace_id, label_id=label_id, removed=True))


async def label_conversation(
    tx: Transaction, workspace_id: UUID, conversation_id: UUID, label_ids: Sequence[UUID], agent_id: UUID | None
) -> None:
    """Set the labels of a conversation, in the order given, at most twenty. Raises NotFound, UnknownLabel, InvalidInput."""
    wanted = list(dict.fromkeys(label_ids))
    if len(wanted) > _MOST_PER_CONVERSATION:
        raise InvalidInput(field="label_ids", detail=f"≤ {_MOST_PER_CONVERSATION}")
    conversation = await lock_conversation(tx, workspace_id, conversation_id)
    if list(conversation.label_ids) == wanted:
        return
    known = await tx.value(
        "SELECT count(*) FROM label WHERE workspace_id = $1 AND id = ANY($2::uuid[])", workspace_id, wanted
    )
    if known != len(wanted):
        raise UnknownLabel(field="label_ids")
    await tx.run(
        "UPDATE conversation SET label_ids = $3, version = version + 1 WHERE workspace_id = $1 AND id = $2",
        workspace_id,
        conversation_id,
        wanted,
    )
    tx.publish(
        ConversationLabelled(
            workspace_id=workspace_id, conversation_id=conversation_id, label_ids=tuple(wanted), agent_id=agent_id
        )
    )
