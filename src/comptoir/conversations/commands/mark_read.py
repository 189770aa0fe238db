"""An agent has read."""

from __future__ import annotations

from uuid import UUID

from comptoir.conversations.facts import ConversationRead
from comptoir.conversations.queries import lock_conversation
from comptoir.infra.database import Transaction


async def mark_read(tx: Transaction, workspace_id: UUID, conversation_id: UUID, agent_id: UUID, seq: int) -> None:
    """Note that an agent has read up to `seq`; going back changes nothing. The contact sees the furthest of all agents. Raises NotFound."""
    conversation = await lock_conversation(tx, workspace_id, conversation_id)
    seq = min(max(seq, 0), conversation.last_seq)
    held = await tx.value(
        "SELECT read_seq FROM conversation_read WHERE workspace_id = $1 AND agent_id = $2 AND conversation_id = $3",
        workspace_id,
        agent_id,
        conversation_id,
    )
    if seq <= (held or 0):
        return
    # Beyond the last read message there are few: what is left unread is counted, not the whole conversation.
    unread = await tx.value(
        "SELECT count(*) FROM message WHERE workspace_id = $1 AND conversation_id = $2 AND seq > $3 AND author_kind = 'contact'",
        workspace_id,
        conversation_id,
        seq,
    )
    read_count = max(conversation.inbound_count - unread, 0)
    await tx.run(
        "INSERT INTO conversation_read AS r (workspace_id, agent_id, conversation_id, read_seq, read_count) VALUES ($1, $2, $3, $4, $5)"
        " ON CONFLICT (workspace_id, agent_id, conversation_id) DO UPDATE SET read_seq = excluded.read_seq, read_count = excluded.read_count",
        workspace_id,
        agent_id,
        conversation_id,
        seq,
        read_count,
    )
    await tx.run(
        "UPDATE conversation SET agents_read_seq = $3, version = version + 1 WHERE workspace_id = $1 AND id = $2 AND agents_read_seq < $3",
        workspace_id,
        conversation_id,
        seq,
    )
    tx.publish(
        ConversationRead(
            workspace_id=workspace_id,
            conversation_id=conversation_id,
            agent_id=agent_id,
            read_seq=seq,
            read_count=read_count,
        )
    )
