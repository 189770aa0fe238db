"""What the doors work with. Put together once per process in `entrypoints/wiring.py`."""

from __future__ import annotations

from dataclasses import dataclass

from comptoir.conversations.attachments import MediaLinks
from comptoir.inboxes.cache import InboxCache
from comptoir.inboxes.health import HealthNotes
from comptoir.infra.blobs import BlobStore
from comptoir.infra.config import Config
from comptoir.infra.crypto import KeyRing, Sealer
from comptoir.infra.database import Database
from comptoir.infra.disk import DiskWatch
from comptoir.infra.signals import Signals
from comptoir.ingest.batcher import Batcher
from comptoir.kernel.clock import Clock
from comptoir.realtime.hub import Hub


@dataclass(frozen=True, slots=True)
class Services:
    """The tools of one web process."""

    config: Config
    db: Database
    signals: Signals
    clock: Clock
    key_ring: KeyRing
    sealer: Sealer
    media: MediaLinks
    blobs: BlobStore
    inboxes: InboxCache
    health: HealthNotes
    batcher: Batcher
    hub: Hub
    disk: DiskWatch
