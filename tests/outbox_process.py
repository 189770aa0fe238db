"""An outbox in a process of its own, for stories in which it freezes or dies: `python -m tests.outbox_process DSN IDEMPOTENT LEASE_SECONDS`."""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime, timedelta

from comptoir.conversations.attachments import MediaLinks
from comptoir.inboxes.cache import InboxCache
from comptoir.infra.crypto import KeyRing, Sealer
from comptoir.infra.database import Database
from comptoir.infra.http import HttpClient
from comptoir.infra.signals import Signals
from comptoir.outbox.runner import OutboxRunner
from tests.postroom import changed
from tests.world import SECRET

# The moment at which the stories' clocks stand.
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


async def main(dsn: str, idempotent: str, lease_seconds: str) -> None:
    """Send until killed."""
    ring = KeyRing((SECRET,))
    signals = Signals(dsn)
    db = Database(dsn, clock=lambda: NOW, app_size=1, system_size=2, signals=signals)
    await db.open()
    http = HttpClient(allow_private=True, timeout=30)
    await http.open()
    runner = OutboxRunner(
        db,
        signals,
        InboxCache(db, Sealer(ring), signals),
        http,
        MediaLinks(ring, lambda: NOW),
        lambda: NOW,
        channels=changed(idempotent=idempotent == "idempotent"),
        lease_time=timedelta(seconds=float(lease_seconds)),
        poll=0.1,
        request=30,
    )
    await runner.run()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
