"""What happens to conversations and messages."""

from __future__ import annotations

from typing import Literal
from uuid import UUID

from comptoir.kernel.fact import Fact


class ConversationOpened(Fact, frozen=True, kw_only=True):
    """A thread with a contact began."""


class ConversationClosed(Fact, frozen=True, kw_only=True):
    """An agent closed it."""

    agent_id: UUID | None = None


class ConversationReopened(Fact, frozen=True, kw_only=True):
    """An agent opened it again, or the contact wrote."""

    agent_id: UUID | None = None


class ConversationAssigned(Fact, frozen=True, kw_only=True):
    """It is now for this agent to answer, or for nobody."""

    assignee_id: UUID | None
    agent_id: UUID | None = None


class ConversationPrioritised(Fact, frozen=True, kw_only=True):
    """Its priority changed."""

    priority: str
    agent_id: UUID | None = None


class ConversationLabelled(Fact, frozen=True, kw_only=True):
    """Its labels changed."""

    label_ids: tuple[UUID, ...]
    agent_id: UUID | None = None


class ConversationRead(Fact, frozen=True, kw_only=True):
    """An agent has read up to `read_seq`, and by then `read_count` messages of the contact."""

    agent_id: UUID
    read_seq: int
    read_count: int


class MessageReceived(Fact, frozen=True, kw_only=True):
    """The contact wrote."""

    seq: int
    inbox_id: UUID


class MessageSent(Fact, frozen=True, kw_only=True):
    """We wrote; whether it arrived is told by its delivery."""

    seq: int
    inbox_id: UUID
    author_kind: Literal["agent", "bot", "system"]
    author_id: UUID | None


class NoteAdded(Fact, frozen=True, kw_only=True):
    """An agent left a note."""

    seq: int
    author_id: UUID | None


class ReceiptReceived(Fact, frozen=True, kw_only=True):
    """What we wrote arrived at the contact, or was read, up to these positions in the conversation."""

    contact_delivered_seq: int
    contact_read_seq: int


class LabelChanged(Fact, frozen=True, kw_only=True):
    """A label was made, renamed, recoloured or removed."""

    label_id: UUID
    removed: bool = False


class DeliveryUpdated(Fact, frozen=True, kw_only=True):
    """A message of ours left, waits, arrived, failed, or we do not know."""

    delivery_id: UUID
    state: str
    error_code: str | None = None
