"""Visitor tokens: who a browser is, signed. Nothing about a visitor is stored before the first message."""

from __future__ import annotations

from uuid import UUID

from comptoir.api.door_errors import VisitorTokenRefused
from comptoir.infra.crypto import KeyRing, Signer, TokenRefused
from comptoir.infra.metrics import counter
from comptoir.kernel.clock import Clock
from comptoir.kernel.ids import IdMaker, uuid7

_REFUSED = counter("visitor_tokens_refused_total", "Visitor tokens that are not ours", "reason")


class VisitorTokens:
    """Makes and reads tokens that name a visitor of one inbox. A token of another inbox is as good as none."""

    def __init__(self, ring: KeyRing, clock: Clock, new_id: IdMaker = uuid7) -> None:
        self._signer = Signer(ring, "visitor")
        self._clock, self._new_id = clock, new_id

    def make(self, inbox_id: UUID) -> tuple[str, str]:
        """A token for a new visitor, and the visitor's id."""
        visitor_id = self._new_id()
        return self._signer.sign(inbox_id.bytes + visitor_id.bytes), str(visitor_id)

    def read(self, token: str | None, inbox_id: UUID) -> str:
        """The id of the visitor, which is the address of their identity. Raises VisitorTokenRefused."""
        if not token:
            _REFUSED.labels("absent").inc()
            raise VisitorTokenRefused
        try:
            data = self._signer.verify(token, now=int(self._clock().timestamp()))
        except TokenRefused as refused:
            _REFUSED.labels(refused.reason).inc()
            raise VisitorTokenRefused from None
        if len(data) != 32 or data[:16] != inbox_id.bytes:
            _REFUSED.labels("foreign").inc()
            raise VisitorTokenRefused
        return str(UUID(bytes=data[16:]))
