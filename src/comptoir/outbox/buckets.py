"""The token bucket of one inbox."""

from __future__ import annotations

from collections.abc import Callable

from comptoir.contracts.capabilities import SendLimits


class Bucket:
    """Holds at most `burst` tokens and gains `per_second`; one message costs one. `monotonic` counts seconds.

    It begins with one token: whoever takes over an inbox does not know what the last holder has just sent.
    """

    def __init__(self, limits: SendLimits, monotonic: Callable[[], float]) -> None:
        self._limits = limits
        self._monotonic = monotonic
        self._tokens = 1.0
        self._filled_at = monotonic()

    def available(self) -> int:
        """How many messages may go now."""
        now = self._monotonic()
        gained = (now - self._filled_at) * self._limits.per_second
        self._tokens = min(float(max(self._limits.burst, 1)), self._tokens + gained)
        self._filled_at = now
        # A hair of tolerance: a wait computed in floating point must not end a billionth of a token short.
        return int(self._tokens + 1e-6)

    def spend(self, count: int) -> None:
        """Take tokens for messages that go."""
        self._tokens -= count

    def wait(self) -> float:
        """Seconds until the next message may go; 0 when one may go now."""
        missing = 1.0 - self._tokens
        return max(missing, 0.0) / self._limits.per_second
