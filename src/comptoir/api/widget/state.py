"""What a visitor may see: their own conversation, without notes."""

from __future__ import annotations

import time
from collections.abc import Callable
from uuid import UUID

import msgspec

from comptoir.api.services import Services
from comptoir.contacts.queries import identity_by_thread
from comptoir.contracts.channel import InboxView
from comptoir.conversations.queries import messages_page
from comptoir.conversations.views import conversation_views
from comptoir.infra.database import Transaction
from comptoir.kernel.ids import thread_key
from comptoir.realtime.frames import WidgetConversation, WidgetMessage, widget_conversation, widget_message
from comptoir.workspaces.queries import team_faces

PAGE = 30
_FACES = 4
_FACES_KEPT_SECONDS = 60.0


class TeamFace(msgspec.Struct, frozen=True):
    """Somebody who answers."""

    name: str
    avatar_url: str | None = None


class MessageList(msgspec.Struct, frozen=True):
    """A page of messages by seq."""

    items: list[WidgetMessage]
    has_before: bool


def welcome(
    visitor_id: str, conversation: WidgetConversation | None, messages: MessageList, agents: list[TeamFace]
) -> dict[str, object]:
    """The frame `welcome`, which is also the answer of `GET /session`."""
    return {
        "type": "welcome",
        "visitor_id": visitor_id,
        "conversation": conversation,
        "messages": messages.items,
        "has_before": messages.has_before,
        "agents": agents,
    }


class VisitorState:
    """Reads what visitors may see. One per process."""

    def __init__(self, services: Services, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._services, self._monotonic = services, monotonic
        self._faces: dict[UUID, tuple[float, list[TeamFace]]] = {}

    async def welcome(self, inbox: InboxView, visitor_id: str, after_seq: int) -> dict[str, object]:
        """The state now: messages after `after_seq`, or the last 30 when it is 0 or when more than 30 have come since.

        `has_before` says that something lies between what the visitor has (after `after_seq`) and the first message given.
        """
        async with self._services.db.system() as tx:
            faces = await self._faces_of(tx, inbox.workspace_id)
            conversation_id = await self._conversation_id(tx, inbox, visitor_id)
            if conversation_id is None:
                return welcome(visitor_id, None, MessageList([], has_before=False), faces)
            views = await conversation_views(tx, inbox.workspace_id, [conversation_id])
            messages = await self._newest(tx, inbox.workspace_id, conversation_id, after_seq)
        view = views.get(conversation_id)
        return welcome(visitor_id, widget_conversation(view) if view else None, messages, faces)

    async def messages(self, inbox: InboxView, visitor_id: str, before_seq: int) -> MessageList:
        """The 30 messages before a position."""
        async with self._services.db.system() as tx:
            conversation_id = await self._conversation_id(tx, inbox, visitor_id)
            if conversation_id is None:
                return MessageList([], has_before=False)
            page = await messages_page(
                tx,
                inbox.workspace_id,
                conversation_id,
                self._services.media,
                before_seq=before_seq,
                limit=PAGE,
                with_notes=False,
            )
        return MessageList([widget_message(view) for view in page.items], page.has_before)

    async def faces(self, workspace_id: UUID) -> list[TeamFace]:
        """Who answers, remembered for a minute."""
        async with self._services.db.system() as tx:
            return await self._faces_of(tx, workspace_id)

    async def _newest(self, tx: Transaction, workspace_id: UUID, conversation_id: UUID, after_seq: int) -> MessageList:
        media = self._services.media
        if after_seq > 0:
            page = await messages_page(
                tx, workspace_id, conversation_id, media, after_seq=after_seq, limit=PAGE, with_notes=False
            )
            if not page.has_after:
                return MessageList([widget_message(view) for view in page.items], has_before=False)
        page = await messages_page(tx, workspace_id, conversation_id, media, limit=PAGE, with_notes=False)
        return MessageList([widget_message(view) for view in page.items], page.has_before)

    async def _conversation_id(self, tx: Transaction, inbox: InboxView, visitor_id: str) -> UUID | None:
        identity = await identity_by_thread(tx, thread_key(inbox.id, visitor_id))
        return identity.conversation_id if identity is not None else None

    async def _faces_of(self, tx: Transaction, workspace_id: UUID) -> list[TeamFace]:
        kept = self._faces.get(workspace_id)
        if kept is not None and kept[0] > self._monotonic():
            return kept[1]
        faces = [TeamFace(name) for name in await team_faces(tx, workspace_id, _FACES)]
        self._faces[workspace_id] = (self._monotonic() + _FACES_KEPT_SECONDS, faces)
        return faces
