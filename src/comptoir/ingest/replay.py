"""Replay: read raw events again, as if they had just come.

What took its effect before is recognised by its key and changes nothing; what was not understood then, or lost to a fault of ours, takes
its effect now, without any outward one.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from uuid import UUID

import msgspec

from comptoir.channels.registry import channel_of
from comptoir.contracts.channel import HookRequest, InboxView
from comptoir.infra.database import Database
from comptoir.ingest.batcher import Batcher
from comptoir.kernel.errors import Refusal

_PAGE = 200
_READ = """
SELECT id, inbox_id, received_at, headers, body FROM raw_event
 WHERE received_at >= $1 AND received_at < $2 AND ($3::uuid IS NULL OR inbox_id = $3)
   AND (received_at, id) > ($4, $5::uuid)
 ORDER BY received_at, id LIMIT $6
"""
_QUARANTINED = """
SELECT id, inbox_id, received_at, headers, body FROM quarantined_event
 WHERE received_at >= $1 AND received_at < $2 AND ($3::uuid IS NULL OR inbox_id = $3)
   AND (received_at, id) > ($4, $5::uuid)
 ORDER BY received_at, id LIMIT $6
"""

InboxFinder = Callable[[UUID], Awaitable[InboxView | None]]


class ReplayReport(msgspec.Struct):
    """What a replay read and could not read."""

    requests: int = 0
    events: int = 0
    unreadable: int = 0


async def replay(
    db: Database, batcher: Batcher, find_inbox: InboxFinder, inbox_id: UUID | None, since: datetime, until: datetime
) -> ReplayReport:
    """Feed the raw events and the quarantine of a span of time (of one inbox, or of all) through the batcher again."""
    report = ReplayReport()
    for query in (_READ, _QUARANTINED):
        last: tuple[datetime, UUID] = (since, UUID(int=0))
        while True:
            async with db.system() as tx:
                rows = await tx.fetch(query, since, until, inbox_id, *last, _PAGE)
            for row in rows:
                await _again(batcher, find_inbox, row["inbox_id"], row["headers"], row["body"], report)
            if len(rows) < _PAGE:
                break
            last = (rows[-1]["received_at"], rows[-1]["id"])
    return report


async def _again(
    batcher: Batcher,
    find_inbox: InboxFinder,
    inbox_id: UUID,
    headers: msgspec.Raw | None,
    body: bytes,
    report: ReplayReport,
) -> None:
    report.requests += 1
    inbox = await find_inbox(inbox_id)
    if inbox is None:
        report.unreadable += 1
        return
    kept = msgspec.json.decode(headers, type=dict[str, str]) if headers else {}
    request = HookRequest(method="POST", body=body, headers=kept)
    try:
        events = channel_of(inbox.channel).parse(inbox, request)
    except Refusal:
        report.unreadable += 1
        return
    report.events += len(events)
    await batcher.accept(inbox, request, events, replayed=True)
