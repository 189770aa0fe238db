"""Say how urgent it is."""

from __future__ import annotations

from uuid import UUID

from comptoir.conversations.facts import ConversationPrioritised
from comptoir.conversations.queries import lock_conversation
from comptoir.conversations.views import PRIORITIES
from comptoir.infra.database import Transaction
from comptoir.kernel.errors import InvalidInput


async def prioritise(
    tx: Transaction, workspace_id: UUID, conversation_id: UUID, priority: str, agent_id: UUID | None
) -> None:
    """Set one of `PRIORITIES`. Raises NotFound, InvalidInput."""
    if priority not in PRIORITIES:
        raise InvalidInput(field="priority", detail=" | ".join(PRIORITIES))
    conversation = await lock_conversation(tx, workspace_id, conversation_id)
    rank = PRIORITIES.index(priority)
    if conversation.priority == rank:
        return
    await tx.run(
        "UPDATE conversation SET priority = $3, version = version + 1 WHERE workspace_id = $1 AND id = $2",
        workspace_id,
        conversation_id,
        rank,
    )
    tx.publish(
        ConversationPrioritised(
            workspace_id=workspace_id, conversation_id=conversation_id, priority=priority, agent_id=agent_id
        )
    )
