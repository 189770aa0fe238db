"""Close a conversation, or open it again."""

from __future__ import annotations

from typing import Literal
from uuid import UUID

from comptoir.conversations.counters import Tally
from comptoir.conversations.facts import ConversationClosed, ConversationReopened
from comptoir.conversations.queries import lock_conversation
from comptoir.infra.database import Transaction


async def set_status(
    tx: Transaction, workspace_id: UUID, conversation_id: UUID, status: Literal["open", "closed"], agent_id: UUID | None
) -> None:
    """Set the status; the same status again changes nothing. Closing ends the waiting. Raises NotFound."""
    conversation = await lock_conversation(tx, workspace_id, conversation_id)
    if conversation.status == status:
        return
    await tx.run(
        "UPDATE conversation SET status = $3, closed_at = $4, version = version + 1,"
        " waiting_since = CASE WHEN $3 = 'closed' THEN NULL ELSE waiting_since END WHERE workspace_id = $1 AND id = $2",
        workspace_id,
        conversation_id,
        status,
        tx.now if status == "closed" else None,
    )
    tally = Tally.of(tx)
    tally.add(workspace_id, conversation.status, conversation.assignee_id, -1)
    tally.add(workspace_id, status, conversation.assignee_id)
    kind = ConversationClosed if status == "closed" else ConversationReopened
    tx.publish(kind(workspace_id=workspace_id, conversation_id=conversation_id, agent_id=agent_id))
