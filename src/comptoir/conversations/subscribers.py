"""The room's part in the lanes: what came in becomes messages and receipts of conversations, a whole batch at a time.

Everything is loaded and locked first (identities, then conversations in id order), handled in memory, and written in a few set-based statements.
`seq` is given here, under the conversation's lock; messages sort by it and by nothing else.
"""

from __future__ import annotations

from uuid import UUID

from comptoir.contacts.arrivals import Arrival, Arrivals
from comptoir.contracts.channel import InboundEcho, InboundMessage, InboundReceipt
from comptoir.contracts.content import Content, Unsupported, attachment_of, check_content, media_content, text_of
from comptoir.conversations import lane_writes
from comptoir.conversations.attachments import UploadedFile, uploaded_files
from comptoir.conversations.counters import Tally
from comptoir.conversations.deliveries import EchoWrite, ReceiptWrite, apply_receipts, settle_by_echo
from comptoir.conversations.facts import ConversationOpened, ConversationReopened, MessageReceived, ReceiptReceived
from comptoir.conversations.lane_writes import NewMessage, OpenConversation
from comptoir.conversations.views import last_message
from comptoir.ingest.facts import InboundReceived
from comptoir.ingest.lanes import LaneBatch, Work
from comptoir.kernel.fact import Fact
from comptoir.kernel.ids import uuid7


class ConversationKeeper:
    """One per batch."""

    listens: tuple[type[Fact], ...] = (InboundReceived,)

    def __init__(self, batch: LaneBatch) -> None:
        self._tx = batch.tx
        self._work = batch.work
        self._arrivals = Arrivals(batch.tx)
        self._tally = Tally.of(batch.tx)
        self._open: dict[UUID, OpenConversation] = {}
        self._messages: list[NewMessage] = []
        self._receipts: list[ReceiptWrite] = []
        self._echoes: list[EchoWrite] = []
        self._files: dict[tuple[UUID, UUID], UploadedFile] = {}
        self._replies: dict[tuple[UUID, str], tuple[UUID, UUID]] = {}

    async def load(self) -> None:
        """Identities and their conversations, locked; and what the messages say they answer."""
        inbound = [item.fact for item in self._work if isinstance(item.fact, InboundReceived)]
        await self._arrivals.load({item.thread_key for item in self._work})
        pointed = [(a.workspace_id, a.conversation_id) for a in self._arrivals.all() if a.conversation_id is not None]
        for conversation in await lane_writes.load_conversations(self._tx, pointed):
            self._open[conversation.id] = conversation
        files = {
            (f.workspace_id, named.id)
            for f in inbound
            if isinstance(f.event, InboundMessage) and (named := attachment_of(f.event.content)) and not named.size
        }
        if files:
            self._files = await uploaded_files(self._tx, files)
        asked = {
            (f.workspace_id, f.inbox_id, f.event.reply_to)
            for f in inbound
            if isinstance(f.event, InboundMessage) and f.event.reply_to
        }
        if asked:
            self._replies = await lane_writes.load_replies(self._tx, asked)

    def handle(self, item: Work) -> None:
        """One inbound event."""
        fact = item.fact
        assert isinstance(fact, InboundReceived)
        event = fact.event
        if isinstance(event, InboundMessage):
            self._receive(item, fact, event)
        elif isinstance(event, InboundReceipt):
            self._note_receipt(item, event)
        else:
            self._note_echo(item, event)

    def _receive(self, item: Work, fact: InboundReceived, event: InboundMessage) -> None:
        arrival = self._arrivals.receive(
            fact.workspace_id, fact.inbox_id, event.address, item.thread_key, event.profile
        )
        conversation = self._conversation(fact, arrival)
        content = check_content(self._with_file(fact, event))
        seq = conversation.next_seq()
        message = NewMessage(
            workspace_id=fact.workspace_id,
            id=uuid7(),
            conversation_id=conversation.id,
            seq=seq,
            inbox_id=fact.inbox_id,
            author_id=arrival.contact_id,
            content=content,
            reply_to_id=self._reply_id(conversation, fact, event),
            origin_id=event.origin_id,
            raw_event_id=fact.raw_event_id,
        )
        self._messages.append(message)
        conversation.last_message = last_message(seq, "message", "contact", arrival.contact_id, content)
        conversation.last_inbound_at = conversation.last_activity_at = fact.received_at
        if not arrival.blocked:
            # What a blocked contact writes is kept, but asks for nobody's time.
            conversation.inbound_count += 1
            conversation.waiting_since = conversation.waiting_since or fact.received_at
            self._reopen(conversation)
        self._tx.publish(
            MessageReceived(
                workspace_id=fact.workspace_id,
                conversation_id=conversation.id,
                message_id=message.id,
                seq=seq,
                inbox_id=fact.inbox_id,
            )
        )

    def _conversation(self, fact: InboundReceived, arrival: Arrival) -> OpenConversation:
        if arrival.conversation_id is not None and arrival.conversation_id in self._open:
            return self._open[arrival.conversation_id]
        profile = arrival.profile
        conversation = OpenConversation(
            workspace_id=fact.workspace_id,
            id=uuid7(),
            contact_id=arrival.contact_id,
            inbox_id=fact.inbox_id,
            channel=fact.channel,
            identity_id=arrival.id,
            thread_key=arrival.thread_key,
            lane=arrival.lane,
            locale=profile.locale if profile else None,
            last_activity_at=fact.received_at,
            fresh=True,
        )
        self._open[conversation.id] = conversation
        arrival.points_to(conversation.id)
        self._tally.add(fact.workspace_id, "open", None)
        self._tx.publish(ConversationOpened(workspace_id=fact.workspace_id, conversation_id=conversation.id))
        return conversation

    def _with_file(self, fact: InboundReceived, event: InboundMessage) -> Content:
        named = attachment_of(event.content)
        if named is None or named.size:
            return event.content
        # The event names the file alone; its row says what it is, and whether it is the writer's own.
        file = self._files.get((fact.workspace_id, named.id))
        if file is None or file.uploader != event.address:
            return Unsupported(summary=named.name or "file")
        return media_content(file.attachment, text_of(event.content) if getattr(event.content, "text", "") else "")

    def _reopen(self, conversation: OpenConversation) -> None:
        if conversation.status == "closed":
            conversation.status, conversation.closed_at = "open", None
            self._tally.add(conversation.workspace_id, "closed", conversation.assignee_id, -1)
            self._tally.add(conversation.workspace_id, "open", conversation.assignee_id)
            self._tx.publish(
                ConversationReopened(workspace_id=conversation.workspace_id, conversation_id=conversation.id)
            )

    def _reply_id(self, conversation: OpenConversation, fact: InboundReceived, event: InboundMessage) -> UUID | None:
        if event.reply_to is None:
            return None
        # A reply may answer a message of this very batch, by the id its channel gave it.
        for message in self._messages:
            if message.conversation_id == conversation.id and event.reply_to in (message.origin_id, str(message.id)):
                return message.id
        found = self._replies.get((fact.workspace_id, event.reply_to))
        return found[1] if found and found[0] == conversation.id else None

    def _note_receipt(self, item: Work, event: InboundReceipt) -> None:
        conversation = self._thread_conversation(item)
        if conversation is None:
            return
        self._receipts.append(
            ReceiptWrite(
                workspace_id=conversation.workspace_id,
                conversation_id=conversation.id,
                inbox_id=conversation.inbox_id,
                state=event.state,
                up_to_seq=min(event.up_to_seq, conversation.last_seq) if event.up_to_seq is not None else None,
                provider_ids=event.provider_ids,
            )
        )

    def _note_echo(self, item: Work, event: InboundEcho) -> None:
        conversation = self._thread_conversation(item)
        if conversation is not None:
            self._echoes.append(
                EchoWrite(
                    workspace_id=conversation.workspace_id,
                    conversation_id=conversation.id,
                    inbox_id=conversation.inbox_id,
                    provider_id=event.provider_id,
                    delivery_id=event.delivery_id,
                )
            )

    def _thread_conversation(self, item: Work) -> OpenConversation | None:
        arrival = self._arrivals.find(item.thread_key)
        return self._open.get(arrival.conversation_id) if arrival and arrival.conversation_id else None

    async def write(self) -> None:
        """Contacts before conversations before messages, as the references ask; receipts last."""
        await self._arrivals.write_contacts()
        if self._messages:
            await lane_writes.write_conversations(self._tx, [c for c in self._open.values() if c.touched])
            await lane_writes.insert_messages(self._tx, self._messages)
            await self._arrivals.write_identities()
        if self._echoes:
            await settle_by_echo(self._tx, self._echoes)
        if self._receipts:
            reached = await apply_receipts(self._tx, self._receipts)
            await self._write_marks(reached)

    async def _write_marks(self, reached: dict[UUID, tuple[int, int]]) -> None:
        """Move the contact's marks of each conversation to (delivered, read), where they rose."""
        risen: list[OpenConversation] = []
        for conversation_id, (delivered, read) in reached.items():
            conversation = self._open[conversation_id]
            if conversation.raise_marks(delivered, read):
                risen.append(conversation)
                self._tx.publish(
                    ReceiptReceived(
                        workspace_id=conversation.workspace_id,
                        conversation_id=conversation_id,
                        contact_delivered_seq=conversation.contact_delivered_seq,
                        contact_read_seq=conversation.contact_read_seq,
                    )
                )
        await lane_writes.write_marks(self._tx, risen)
