"""Conversations: the lists, one of them, and what agents do to them."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

import msgspec
from litestar import Controller, get, patch, post
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter

from comptoir.api.app.contacts import whole_contact
from comptoir.api.app.desk import AtDesk, Desk
from comptoir.api.app.shapes import MOST_SEQ, Body, Cursor, Limit
from comptoir.contacts.queries import ContactBrief, ContactView, contact_briefs
from comptoir.conversations.commands.assign import assign
from comptoir.conversations.commands.label import label_conversation
from comptoir.conversations.commands.mark_read import mark_read
from comptoir.conversations.commands.prioritise import prioritise
from comptoir.conversations.commands.set_status import set_status
from comptoir.conversations.counters import Counts, counts
from comptoir.conversations.queries import ANYBODY, NOBODY, ConversationFilter, list_conversations
from comptoir.conversations.views import ConversationView, conversation_views
from comptoir.infra import journal
from comptoir.infra.database import Transaction
from comptoir.kernel.cursors import read_cursor, write_cursor
from comptoir.kernel.errors import InvalidInput, NotFound
from comptoir.realtime.frames import Author

Status = Literal["open", "closed"]
Priority = Literal["none", "low", "normal", "high", "urgent"]
Assignee = Annotated[
    str | None, QueryParameter(max_length=36, description="`me`, `none` or an agent's id", required=False)
]
_UNSET = msgspec.UNSET


class ConversationChange(Body, frozen=True):
    """What is absent stays. `assignee_id` null: nobody; `label_ids` are all that the conversation is to wear."""

    status: Status | msgspec.UnsetType = _UNSET
    assignee_id: UUID | msgspec.UnsetType | None = _UNSET
    priority: Priority | msgspec.UnsetType = _UNSET
    label_ids: Annotated[list[UUID], msgspec.Meta(max_length=100)] | msgspec.UnsetType = _UNSET


class ReadUpTo(Body, frozen=True):
    """The furthest message that this agent has read."""

    seq: Annotated[int, msgspec.Meta(ge=0, le=MOST_SEQ)]


class TypingState(Body, frozen=True):
    """Whether this agent is typing."""

    on: bool


class Conversations(msgspec.Struct, frozen=True):
    """One page, latest activity first. Events after `position` are not in it."""

    items: list[ConversationView]
    contacts: list[ContactBrief]
    next_cursor: str | None
    position: int


class OneConversation(msgspec.Struct, frozen=True):
    """A conversation with its contact. Events after `position` are not in it."""

    conversation: ConversationView
    contact: ContactView
    position: int


class ConversationController(Controller):
    """`/conversations`."""

    path = "/conversations"
    tags = ("conversations",)

    @get("/")
    async def page(
        self,
        desk: AtDesk,
        status: FromQuery[Status] = "open",
        assignee: Assignee = None,
        inbox_id: FromQuery[UUID | None] = None,
        label_id: FromQuery[UUID | None] = None,
        cursor: Cursor = None,
        limit: Limit = 50,
    ) -> Conversations:
        """One page of a list."""
        chosen = ConversationFilter(
            status=status, assignee=_assignee(desk, assignee), inbox_id=inbox_id, label_id=label_id
        )
        async with desk.read("conversations.read") as tx:
            # Read first: what happens while the list is read is then told again by an event, rather than missed.
            position = await journal.position(tx, desk.workspace_id)
            page = await list_conversations(tx, desk.workspace_id, chosen, desk.reader, read_cursor(cursor), limit)
            briefs = await contact_briefs(tx, desk.workspace_id, [item.contact_id for item in page.items])
        return Conversations(page.items, list(briefs.values()), write_cursor(page.next_after), position)

    @get("/counts")
    async def numbers(self, desk: AtDesk) -> Counts:
        """The numbers beside the lists."""
        async with desk.read("conversations.read") as tx:
            position = await journal.position(tx, desk.workspace_id)
            return msgspec.structs.replace(await counts(tx, desk.workspace_id, desk.reader), position=position)

    @get("/{conversation_id:uuid}")
    async def one(self, desk: AtDesk, conversation_id: FromPath[UUID]) -> OneConversation:
        """A conversation with its contact."""
        async with desk.read("conversations.read") as tx:
            position = await journal.position(tx, desk.workspace_id)
            view = await _view(tx, desk, conversation_id)
            return OneConversation(view, await whole_contact(tx, desk.workspace_id, view.contact_id), position)

    @patch("/{conversation_id:uuid}")
    async def change(
        self, desk: AtDesk, conversation_id: FromPath[UUID], data: JSONBody[ConversationChange]
    ) -> ConversationView:
        """Open or close it, assign it, give it a priority or labels: all that is named, in one transaction."""
        agent_id, workspace_id = desk.principal.agent_id, desk.workspace_id
        async with desk.write("conversations.write") as tx:
            if data.assignee_id is not _UNSET:
                await assign(tx, workspace_id, conversation_id, data.assignee_id, agent_id)
            if data.label_ids is not _UNSET:
                await label_conversation(tx, workspace_id, conversation_id, data.label_ids, agent_id)
            if data.priority is not _UNSET:
                await prioritise(tx, workspace_id, conversation_id, data.priority, agent_id)
            if data.status is not _UNSET:
                await set_status(tx, workspace_id, conversation_id, data.status, agent_id)
            return await _view(tx, desk, conversation_id)

    @post("/{conversation_id:uuid}/read", status_code=204)
    async def read_up_to(self, desk: AtDesk, conversation_id: FromPath[UUID], data: JSONBody[ReadUpTo]) -> None:
        """Note that this agent has read up to a message. Going back changes nothing."""
        async with desk.write("conversations.write") as tx:
            await mark_read(tx, desk.workspace_id, conversation_id, desk.principal.agent(), data.seq)

    @post("/{conversation_id:uuid}/typing", status_code=204)
    async def typing(self, desk: AtDesk, conversation_id: FromPath[UUID], data: JSONBody[TypingState]) -> None:
        """Tell that this agent begins or ceases to type; the others forget it after six seconds."""
        desk.principal.require("conversations.write")
        author = Author("agent", desk.principal.agent(), desk.principal.name)
        async with desk.read("conversations.read") as tx:
            await _view(tx, desk, conversation_id)
        await desk.services.hub.typists.agent(desk.workspace_id, conversation_id, author, on=data.on)


def _assignee(desk: Desk, named: str | None) -> UUID | Literal["anybody", "nobody"]:
    if named is None:
        return ANYBODY
    if named == "none":
        return NOBODY
    if named == "me":
        return desk.reader
    try:
        return UUID(named)
    except ValueError:
        raise InvalidInput(field="assignee", detail="me / none / id") from None


async def _view(tx: Transaction, desk: Desk, conversation_id: UUID) -> ConversationView:
    found = (await conversation_views(tx, desk.workspace_id, [conversation_id], desk.reader)).get(conversation_id)
    if found is None:
        raise NotFound(field="conversation_id")
    return found
