"""Messages and notes of a conversation."""

from __future__ import annotations

from typing import Literal
from uuid import UUID

import msgspec
from litestar import Controller, Response, get, post
from litestar.params import FromPath, JSONBody

from comptoir.api.app.desk import AtDesk
from comptoir.api.app.shapes import Body, Limit, Seq
from comptoir.contracts.content import Audio, File, Image, Text, Video
from comptoir.conversations.commands.send_message import SendMessage, send_message
from comptoir.conversations.delivery_views import DeliveryView, message_deliveries
from comptoir.conversations.queries import MessagesPage, message_conversation, messages_page
from comptoir.conversations.views import MessageView, message_views
from comptoir.kernel.errors import InvalidInput
from comptoir.kernel.ids import uuid7


class NewMessage(Body, frozen=True):
    """What to write. `id` is the idempotency key (UUIDv7, made by the client); without one, a repetition is a second message."""

    content: Text | Image | Video | Audio | File
    id: UUID | None = None
    kind: Literal["message", "note"] = "message"
    reply_to_id: UUID | None = None


class Deliveries(msgspec.Struct, frozen=True):
    """The deliveries of one message."""

    items: list[DeliveryView]


class MessageController(Controller):
    """`/conversations/{id}/messages` and `/messages/{id}/deliveries`."""

    path = "/"
    tags = ("messages",)

    @get("/conversations/{conversation_id:uuid}/messages")
    async def page(
        self,
        desk: AtDesk,
        conversation_id: FromPath[UUID],
        before_seq: Seq = None,
        after_seq: Seq = None,
        around_seq: Seq = None,
        limit: Limit = 50,
    ) -> MessagesPage:
        """Messages before, after or around a place; the newest without one."""
        if sum(named is not None for named in (before_seq, after_seq, around_seq)) > 1:
            raise InvalidInput(field="before_seq", detail="before_seq | after_seq | around_seq")
        async with desk.read("conversations.read") as tx:
            return await messages_page(
                tx,
                desk.workspace_id,
                conversation_id,
                desk.services.media,
                before_seq=before_seq,
                after_seq=after_seq,
                around_seq=around_seq,
                limit=limit,
            )

    @post("/conversations/{conversation_id:uuid}/messages")
    async def write(
        self, desk: AtDesk, conversation_id: FromPath[UUID], data: JSONBody[NewMessage]
    ) -> Response[MessageView]:
        """Write a message or a note: 201, or 200 with the first message, unchanged, when the id has been written before."""
        who = desk.principal
        command = SendMessage(
            workspace_id=desk.workspace_id,
            conversation_id=conversation_id,
            id=data.id or uuid7(),
            kind=data.kind,
            content=data.content,
            # What a program writes is a bot's word: it answers the contact, but no agent stands for it.
            author_kind="bot" if who.agent_id is None else "agent",
            author_id=who.agent_id,
            reply_to_id=data.reply_to_id,
        )
        async with desk.write("conversations.write") as tx:
            made = await send_message(tx, command)
            views = await message_views(tx, desk.workspace_id, [command.id], desk.services.media)
        return Response(views[command.id], status_code=201 if made else 200)

    @get("/messages/{message_id:uuid}/deliveries")
    async def deliveries(self, desk: AtDesk, message_id: FromPath[UUID]) -> Deliveries:
        """The attempts to bring a message to its contact, the oldest first."""
        async with desk.read("conversations.read") as tx:
            await message_conversation(tx, desk.workspace_id, message_id)
            return Deliveries(await message_deliveries(tx, desk.workspace_id, message_id))
