"""Say who answers."""

from __future__ import annotations

from uuid import UUID

from comptoir.conversations.counters import Tally
from comptoir.conversations.errors import UnknownAssignee
from comptoir.conversations.facts import ConversationAssigned
from comptoir.conversations.queries import lock_conversation
from comptoir.infra.database import Transaction


async def assign(
    tx: Transaction, workspace_id: UUID, conversation_id: UUID, assignee_id: UUID | None, agent_id: UUID | None
) -> None:
    """Assign to an active agent, or to nobody. Raises NotFound, UnknownAssignee."""
    conversation = await lock_conversation(tx, workspace_id, conversation_id)
    if conversation.assignee_id == assignee_id:
        return
    if assignee_id is not None:
        active = await tx.value(
            "SELECT active FROM agent_name WHERE workspace_id = $1 AND id = $2", workspace_id, assignee_id
        )
        if not active:
            raise UnknownAssignee(field="assignee_id")
    await tx.run(
        "UPDATE conversation SET assignee_id = $3, version = version + 1 WHERE workspace_id = $1 AND id = $2",
        workspace_id,
        conversation_id,
        assignee_id,
    )
    tally = Tally.of(tx)
    tally.add(workspace_id, conversation.status, conversation.assignee_id, -1)
    tally.add(workspace_id, conversation.status, assignee_id)
    tx.publish(
        ConversationAssigned(
            workspace_id=workspace_id, conversation_id=conversation_id, assignee_id=assignee_id, agent_id=agent_id
        )
    )
