"""What a visitor may see: their own conversation, without notes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from uuid import UUID

import msgspec

from comptoir.api.services import Services
from comptoir.contacts.queries import IdentityRow, identities_by_threads, identity_by_thread
from comptoir.contracts.channel import InboxView
from comptoir.conversations.queries import MessagesPage, latest_messages, messages_page
from comptoir.conversations.views import ConversationView, conversation_views
from comptoir.infra.database import AWAY, Transaction
from comptoir.infra.log import get_logger
from comptoir.kernel.ids import thread_key
from comptoir.realtime.frames import WidgetConversation, WidgetMessage, widget_conversation, widget_message
from comptoir.workspaces.queries import team_faces

log = get_logger("widget")
PAGE = 30
_MOST_AT_ONCE = 100
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


class _Asked(msgspec.Struct, frozen=True):
    inbox: InboxView
    visitor_id: str
    thread_key: UUID
    after_seq: int
    answer: asyncio.Future[dict[str, object]]


class VisitorState:
    """Reads what visitors may see. One per process.

    After a restart thousands of browsers come back at once. Their welcomes are gathered while the last ones are being read, and read
    together: a few queries for a hundred browsers instead of a few for each.
    """

    def __init__(self, services: Services, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._services, self._monotonic = services, monotonic
        self._faces: dict[UUID, tuple[float, list[TeamFace]]] = {}
        self._asked: list[_Asked] = []
        self._reading: asyncio.Task[None] | None = None

    async def welcome(self, inbox: InboxView, visitor_id: str, after_seq: int) -> dict[str, object]:
        """The state now: messages after `after_seq`, or the last 30 when it is 0 or when more than 30 have come since.

        `has_before` says that something lies between what the visitor has (up to `after_seq`) and the first message given. Raises one of `AWAY`.
        """
        answer: asyncio.Future[dict[str, object]] = asyncio.get_running_loop().create_future()
        self._asked.append(_Asked(inbox, visitor_id, thread_key(inbox.id, visitor_id), after_seq, answer))
        if self._reading is None or self._reading.done():
            self._reading = asyncio.create_task(self._read_all())
        return await answer

    async def _read_all(self) -> None:
        while self._asked:
            batch, self._asked = self._asked[:_MOST_AT_ONCE], self._asked[_MOST_AT_ONCE:]
            try:
                answers = await self._read(batch)
            except Exception as error:
                # Whoever asked learns why; the next batch may fare better.
                log.warning("widget.not_welcomed", error=type(error).__name__, exc_info=not isinstance(error, AWAY))
                for asked in batch:
                    if not asked.answer.done():
                        asked.answer.set_exception(error)
                continue
            for asked, answer in zip(batch, answers, strict=True):
                if not asked.answer.done():
                    asked.answer.set_result(answer)

    async def _read(self, batch: list[_Asked]) -> list[dict[str, object]]:
        views: dict[UUID, ConversationView] = {}
        pages: dict[tuple[UUID, int], MessagesPage] = {}
        async with self._services.db.system() as tx:
            identities = await identities_by_threads(tx, [asked.thread_key for asked in batch])
            for workspace_id in {asked.inbox.workspace_id for asked in batch}:
                await self._faces_of(tx, workspace_id)
            for workspace_id, after in _rounds(batch, identities):
                views |= await conversation_views(tx, workspace_id, list(after))
                found = await latest_messages(tx, workspace_id, after, self._services.media, PAGE)
                pages |= {(conversation_id, after[conversation_id]): page for conversation_id, page in found.items()}
        return [self._answer(asked, identities.get(asked.thread_key), views, pages) for asked in batch]

    def _answer(
        self,
        asked: _Asked,
        identity: IdentityRow | None,
        views: Mapping[UUID, ConversationView],
        pages: Mapping[tuple[UUID, int], MessagesPage],
    ) -> dict[str, object]:
        faces = self._faces[asked.inbox.workspace_id][1]
        conversation_id = identity.conversation_id if identity is not None else None
        view = views.get(conversation_id) if conversation_id is not None else None
        if conversation_id is None or view is None:
            return welcome(asked.visitor_id, None, MessageList([], has_before=False), faces)
        page = pages[conversation_id, asked.after_seq]
        messages = MessageList([widget_message(message) for message in page.items], page.has_before)
        return welcome(asked.visitor_id, widget_conversation(view), messages, faces)

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


def _rounds(batch: list[_Asked], identities: Mapping[UUID, IdentityRow]) -> list[tuple[UUID, dict[UUID, int]]]:
    """What to ask for at once: of one workspace, each conversation with one position. Two tabs at different positions make two rounds."""
    rounds: list[tuple[UUID, dict[UUID, int]]] = []
    for asked in batch:
        identity = identities.get(asked.thread_key)
        if identity is None or identity.conversation_id is None:
            continue
        workspace_id, conversation_id = asked.inbox.workspace_id, identity.conversation_id
        for known, after in rounds:
            if known == workspace_id and after.get(conversation_id, asked.after_seq) == asked.after_seq:
                after[conversation_id] = asked.after_seq
                break
        else:
            rounds.append((workspace_id, {conversation_id: asked.after_seq}))
    return rounds
