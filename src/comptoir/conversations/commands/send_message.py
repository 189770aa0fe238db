"""An agent, a bot or the house writes: a message to the contact, or a note among colleagues."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal
from uuid import UUID

import msgspec

from comptoir.channels.registry import channel_of
from comptoir.contacts.queries import blocked_contacts
from comptoir.contracts.channel import Manifest
from comptoir.contracts.content import Content, check_content, content_type
from comptoir.conversations.attachments import resolve
from comptoir.conversations.errors import MessageIdTaken, UnknownReply
from comptoir.conversations.facts import MessageSent, NoteAdded
from comptoir.conversations.queries import ConversationRow, lock_conversation
from comptoir.conversations.views import last_message
from comptoir.infra.database import Transaction
from comptoir.kernel.ids import uuid7
from comptoir.policy.errors import require
from comptoir.policy.verdicts import Intent, ThreadState, Verdict, decide

# A delivery that cannot leave within this time fails visibly and lets its followers go.
GIVE_UP_AFTER = timedelta(hours=1)


class SendMessage(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be written. `id` is the idempotency key, made by whoever writes."""

    workspace_id: UUID
    conversation_id: UUID
    id: UUID
    kind: Literal["message", "note"]
    content: Content
    author_kind: Literal["agent", "bot", "system"]
    author_id: UUID | None
    reply_to_id: UUID | None = None


async def send_message(tx: Transaction, command: SendMessage) -> bool:
    """Write a message or a note under the conversation's lock; gives False when the same id had been written before (nothing changes then).

    Raises NotFound, MessageTooLong, MessageEmpty, UnknownAttachment, UnknownReply, MessageIdTaken, and NotAllowedNow when the channel's rules say no.
    Publishes MessageSent or NoteAdded.
    """
    conversation = await lock_conversation(tx, command.workspace_id, command.conversation_id)
    if await _written_before(tx, command):
        return False
    content = await resolve(tx, command.workspace_id, check_content(command.content))
    await _check_reply(tx, command)
    seq = conversation.last_seq + 1
    await tx.run(
        "INSERT INTO message (workspace_id, id, conversation_id, seq, inbox_id, kind, author_kind, author_id, content, reply_to_id, created_at)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        command.workspace_id,
        command.id,
        command.conversation_id,
        seq,
        conversation.inbox_id,
        command.kind,
        command.author_kind,
        command.author_id,
        content,
        command.reply_to_id,
        tx.now,
    )
    if command.kind == "note":
        await _count_note(tx, command, seq)
    else:
        verdict = require(await _verdict(tx, command, conversation, content))
        await _write_delivery(tx, command, conversation, seq, verdict)
        await _count_message(tx, command, seq, content)
    return True


async def _written_before(tx: Transaction, command: SendMessage) -> bool:
    row = await tx.row(
        "SELECT conversation_id, author_id FROM message WHERE workspace_id = $1 AND id = $2",
        command.workspace_id,
        command.id,
    )
    if row is None:
        return False
    if row["conversation_id"] != command.conversation_id or row["author_id"] != command.author_id:
        raise MessageIdTaken(field="id")
    return True


async def _check_reply(tx: Transaction, command: SendMessage) -> None:
    if command.reply_to_id is None:
        return
    found = await tx.value(
        "SELECT true FROM message WHERE workspace_id = $1 AND id = $2 AND conversation_id = $3",
        command.workspace_id,
        command.reply_to_id,
        command.conversation_id,
    )
    if not found:
        raise UnknownReply(field="reply_to_id")


async def _verdict(tx: Transaction, command: SendMessage, conversation: ConversationRow, content: Content) -> Verdict:
    manifest = channel_of(conversation.channel).manifest
    blocked = await blocked_contacts(tx, command.workspace_id, [conversation.contact_id])
    state = ThreadState(
        last_inbound_at=conversation.last_inbound_at, blocked=bool(blocked), transport=manifest.transport
    )
    return decide(
        Intent(sender=command.author_kind, content_type=content_type(content)), state, manifest.window, tx.now
    )


async def _write_delivery(
    tx: Transaction, command: SendMessage, conversation: ConversationRow, seq: int, verdict: Verdict
) -> None:
    manifest: Manifest = channel_of(conversation.channel).manifest
    # In a stream channel the message is sent by standing in the contact's own stream.
    streamed = manifest.transport == "stream"
    await tx.run(
        "INSERT INTO delivery (workspace_id, id, message_id, conversation_id, inbox_id, identity_id, seq, state, verdict,"
        " created_at, due_at, give_up_at, sent_at)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10, $11, $12)",
        command.workspace_id,
        uuid7(),
        command.id,
        command.conversation_id,
        conversation.inbox_id,
        conversation.identity_id,
        seq,
        "sent" if streamed else "queued",
        verdict,
        tx.now,
        tx.now + GIVE_UP_AFTER,
        tx.now if streamed else None,
    )
    if not streamed:
        tx.signal("outbox", str(conversation.inbox_id))


async def _count_message(tx: Transaction, command: SendMessage, seq: int, content: Content) -> None:
    shown = last_message(seq, "message", command.author_kind, command.author_id, content)
    # An answer ends the waiting; a message of the house itself does not.
    answered = command.author_kind != "system"
    row = await tx.row(
        "UPDATE conversation SET last_seq = $3, last_message = $4, last_activity_at = $5, version = version + 1,"
        " waiting_since = CASE WHEN $6 THEN NULL ELSE waiting_since END WHERE workspace_id = $1 AND id = $2 RETURNING inbox_id",
        command.workspace_id,
        command.conversation_id,
        seq,
        shown,
        tx.now,
        answered,
    )
    assert row is not None
    tx.publish(
        MessageSent(
            workspace_id=command.workspace_id,
            conversation_id=command.conversation_id,
            message_id=command.id,
            seq=seq,
            inbox_id=row["inbox_id"],
            author_kind=command.author_kind,
            author_id=command.author_id,
        )
    )


async def _count_note(tx: Transaction, command: SendMessage, seq: int) -> None:
    await tx.run(
        "UPDATE conversation SET last_seq = $3, version = version + 1 WHERE workspace_id = $1 AND id = $2",
        command.workspace_id,
        command.conversation_id,
        seq,
    )
    tx.publish(
        NoteAdded(
            workspace_id=command.workspace_id,
            conversation_id=command.conversation_id,
            message_id=command.id,
            seq=seq,
            author_id=command.author_id,
        )
    )
