"""A guard against floods: token buckets in memory, per visitor and per network address. It slows down; it never loses a message."""

from __future__ import annotations

import time
from collections.abc import Callable
from ipaddress import ip_address, ip_network

from comptoir.api.bare import Scope, header
from comptoir.api.door_errors import TooManyRequests

_MOST_KEPT = 50_000


class Buckets:
    """Buckets of one size: `burst` at once, `per_second` in the long run."""

    def __init__(self, burst: float, per_second: float, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._burst, self._per_second, self._monotonic = burst, per_second, monotonic
        self._levels: dict[str, tuple[float, float]] = {}

    def wait(self, key: str) -> float:
        """Take one; 0, or the seconds until there is one again (nothing is taken then)."""
        now = self._monotonic()
        level, at = self._levels.get(key, (self._burst, now))
        level = min(self._burst, level + (now - at) * self._per_second)
        if level < 1:
            return (1 - level) / self._per_second
        if len(self._levels) >= _MOST_KEPT and key not in self._levels:
            self._forget_full(now)
        self._levels[key] = (level - 1, now)
        return 0.0

    def _forget_full(self, now: float) -> None:
        # A bucket that has filled up again is as good as none.
        self._levels = {
            key: (level, at)
            for key, (level, at) in self._levels.items()
            if level + (now - at) * self._per_second < self._burst
        }
        if len(self._levels) >= _MOST_KEPT:
            self._levels.clear()


class Guard:
    """How much one visitor and one address may ask for, in this process."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._limits = {
            # (per visitor, per address: an office or a school shares one)
            "send": (Buckets(100, 5, monotonic), Buckets(1000, 50, monotonic)),
            "upload": (Buckets(15, 0.2, monotonic), Buckets(100, 2, monotonic)),
            "visitor": (None, Buckets(100, 2, monotonic)),
            "read": (Buckets(60, 5, monotonic), Buckets(1000, 50, monotonic)),
        }

    def wait(self, what: str, visitor_id: str | None, address: str | None) -> float:
        """Seconds to wait before `what` may be done; 0 when it may be done now."""
        per_visitor, per_address = self._limits[what]
        wait = per_visitor.wait(visitor_id) if per_visitor is not None and visitor_id is not None else 0.0
        if wait == 0.0 and address is not None:
            wait = per_address.wait(address)
        return wait

    def check(self, what: str, visitor_id: str | None, address: str | None) -> None:
        """Raises TooManyRequests with the time to wait."""
        wait = self.wait(what, visitor_id, address)
        if wait > 0:
            raise TooManyRequests(wait)


def address_of(scope: Scope) -> str | None:
    """The network address to count by; None when it cannot be known.

    Behind a proxy on this machine or network everybody has the proxy's address: then what the proxy has put last into `X-Forwarded-For` counts, and
    without it there is nothing to count by, for one flood would shut out all. An IPv6 address counts by its /64, which is one customer's.
    """
    client = scope.get("client")
    try:
        peer = ip_address(client[0]) if client else None
        if peer is not None and (peer.is_loopback or peer.is_private):
            forwarded = (header(scope, b"x-forwarded-for") or "").rpartition(",")[2].strip()
            peer = ip_address(forwarded) if forwarded else None
    except ValueError:
        return None
    if peer is None:
        return None
    return str(ip_network((peer, 64), strict=False).network_address) if peer.version == 6 else str(peer)
