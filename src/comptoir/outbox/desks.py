"""What a process knows of the inboxes that it sends for."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from uuid import UUID

from comptoir.contracts.channel import Channel, InboxView
from comptoir.outbox.buckets import Bucket


class Desk:
    """One inbox: its lease as this process knows it, its rate, and what is under way.

    `safe_until` (monotonic seconds) is when the lease may be over; nothing is begun after it. A delivery is under way until its result is committed.
    """

    def __init__(self, inbox: InboxView, channel: Channel, monotonic: Callable[[], float]) -> None:
        self.inbox = inbox
        self.channel = channel
        self._monotonic = monotonic
        self.bucket = Bucket(channel.manifest.limits, monotonic)
        self.fence = -1
        self.safe_until = 0.0
        self.expires_next = 0.0
        self.under_way: set[UUID] = set()

    def begin(self, fence: int) -> None:
        """The lease came into our hands: what the last holder sent is not known, so the bucket starts low."""
        self.fence = fence
        self.bucket = Bucket(self.channel.manifest.limits, self._monotonic)


class Alarms:
    """Inboxes to look at again at a moment (monotonic seconds); of several alarms of one inbox the earliest counts."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, UUID]] = []
        self._at: dict[UUID, float] = {}

    def ring_at(self, at: float, inbox_id: UUID) -> None:
        """Ring at `at`, unless it rings earlier anyway."""
        if at < self._at.get(inbox_id, float("inf")):
            self._at[inbox_id] = at
            heapq.heappush(self._heap, (at, inbox_id))

    def ring(self, now: float) -> set[UUID]:
        """Those whose moment has come."""
        rung = set()
        while self._heap and self._heap[0][0] <= now:
            at, inbox_id = heapq.heappop(self._heap)
            if self._at.get(inbox_id) == at:
                del self._at[inbox_id]
                rung.add(inbox_id)
        return rung

    def next(self) -> float | None:
        """When the next one rings."""
        return self._heap[0][0] if self._heap else None
