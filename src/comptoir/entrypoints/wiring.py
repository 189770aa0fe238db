"""Who listens to what. Read this page first.

A message comes in at a door (`api/hooks.py`, `api/widget/`), is made durable by the batcher (`ingest/batcher.py`), takes its effect in a
lane (`ingest/lanes.py`) through the `LANE_SUBSCRIBERS` below in this order, and leaves by the exits: the outbox (`outbox/`), and the hub
(`realtime/hub.py`), which reads the journal of facts.
"""

from __future__ import annotations

import os
from pathlib import Path

from comptoir.api.services import Services
from comptoir.conversations.attachments import MediaLinks
from comptoir.conversations.search import SearchIndexer
from comptoir.conversations.subscribers import ConversationKeeper
from comptoir.inboxes.cache import InboxCache
from comptoir.inboxes.health import HealthNotes
from comptoir.infra.blobs import open_blobs
from comptoir.infra.config import Config
from comptoir.infra.crypto import KeyRing, Sealer
from comptoir.infra.database import Database
from comptoir.infra.disk import DiskWatch
from comptoir.infra.http import HttpClient
from comptoir.infra.jobs import Jobs
from comptoir.infra.signals import Signals
from comptoir.ingest import retention
from comptoir.ingest.batcher import Batcher
from comptoir.ingest.lanes import LaneRunner, Subscriber
from comptoir.kernel.clock import Clock, system_clock
from comptoir.outbox.runner import OutboxRunner
from comptoir.realtime.hub import Hub

# The rooms that take part in the lanes, in the order in which a fact passes them. What a room to the left has loaded, the ones to its right may use.
LANE_SUBSCRIBERS: tuple[type[Subscriber], ...] = (ConversationKeeper,)


def web_services(config: Config, dsn: str, clock: Clock = system_clock) -> Services:
    """The tools of a web process, not yet opened."""
    signals = Signals(dsn)
    db = Database(dsn, clock=clock, signals=signals)
    ring = KeyRing(config.secret_keys)
    sealer = Sealer(ring)
    media = MediaLinks(ring, clock, config.public_url)
    return Services(
        config=config,
        db=db,
        signals=signals,
        clock=clock,
        key_ring=ring,
        sealer=sealer,
        media=media,
        blobs=open_blobs(config),
        inboxes=InboxCache(db, sealer, signals),
        health=HealthNotes(db),
        batcher=Batcher(db, signals, clock, deduplicate=os.environ.get("COMPTOIR_CHAOS_WITHOUT_DEDUPLICATION") != "1"),
        hub=Hub(db, signals, media),
        disk=DiskWatch(_disk_folders(config), reserve=config.disk_reserve),
    )


class WorkerServices:
    """The runners of a worker process: lanes, outbox, search index, jobs."""

    def __init__(self, config: Config, dsn: str, clock: Clock = system_clock) -> None:
        self.signals = Signals(dsn)
        self.db = Database(dsn, clock=clock, signals=self.signals)
        ring = KeyRing(config.secret_keys)
        self.http = HttpClient(allow_private=config.allow_private_http)
        self.lanes = LaneRunner(self.db, self.signals, LANE_SUBSCRIBERS)
        self.outbox = OutboxRunner(
            self.db,
            self.signals,
            InboxCache(self.db, Sealer(ring), self.signals),
            self.http,
            MediaLinks(ring, clock, config.public_url),
            clock,
        )
        self.search = SearchIndexer(self.db, self.signals)
        self.jobs = Jobs(dsn)
        self.jobs.schedule("comptoir.retention", "29 3 * * *", lambda: retention.sweep(self.db))


def _disk_folders(config: Config) -> list[Path]:
    return [config.data, config.postgres_folder] if config.embedded else [config.data]
