"""What ingest tells the lanes."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from comptoir.contracts.channel import InboundEvent
from comptoir.kernel.fact import Fact


class InboundReceived(Fact, frozen=True, kw_only=True):
    """An event came in through an inbox and is durable. It lives in `todo` until its lane has given it its effect, and is not journalled."""

    inbox_id: UUID
    channel: str
    event: InboundEvent
    raw_event_id: UUID
    received_at: datetime
