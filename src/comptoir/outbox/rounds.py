"""One round of the outbox: a single transaction that writes the results of finished requests and claims the next deliveries.

While it runs, the next results gather: so there is never a transaction per message, and no timer that would make a lone reply wait.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from comptoir.contacts.recipients import Recipient, lock_recipients
from comptoir.conversations import sending
from comptoir.conversations.deliveries import apply_early_receipts
from comptoir.conversations.sending import Claim, Due, SendResult
from comptoir.infra.database import Transaction
from comptoir.outbox import leases
from comptoir.outbox.desks import Desk
from comptoir.outbox.leases import Lease
from comptoir.outbox.outcomes import UNCERTAIN_HOLD
from comptoir.outbox.sender import Parcel
from comptoir.policy.errors import NotAllowedNow
from comptoir.policy.verdicts import Intent, Sender, ThreadState, Verdict, decide


class Errand(msgspec.Struct, kw_only=True):
    """What one round has to do. `pauses` are (inbox, fence, until); `doubtful` are inboxes of a round whose commit was not heard of."""

    holder: UUID
    lease_time: timedelta
    desks: dict[UUID, Desk]
    results: list[SendResult]
    pauses: list[tuple[UUID, int, datetime]]
    changed: set[UUID]
    doubtful: set[UUID]
    expiring: set[UUID]
    claiming: bool


class Round(msgspec.Struct):
    """What it did, to be believed after the commit. `again` are inboxes with more to claim that was out of reach just now."""

    leases: dict[UUID, Lease] = msgspec.field(default_factory=dict)
    parcels: list[tuple[UUID, Parcel]] = msgspec.field(default_factory=list)
    full: set[UUID] = msgspec.field(default_factory=set)
    again: set[UUID] = msgspec.field(default_factory=set)
    counted: set[UUID] = msgspec.field(default_factory=set)
    recovered: int = 0


async def run_round(tx: Transaction, errand: Errand) -> Round:
    """The round's statements, in an order that never waits for a row while holding another's: results by id, then locks that skip."""
    done = Round()
    if errand.results:
        done.counted = await sending.write_results(tx, errand.results)
        if any(result.provider_id for result in errand.results):
            await apply_early_receipts(tx)
    if errand.pauses:
        await leases.pause(tx, errand.pauses)
    if errand.changed:
        await leases.resume(tx, sorted(errand.changed))
        await sending.hasten(tx, sorted(errand.changed), tx.now)
    if errand.desks:
        taken = await leases.take_leases(tx, sorted(errand.desks), errand.holder, errand.lease_time)
        done.leases = {lease.inbox_id: lease for lease in taken}
        done.recovered = await _inherit(tx, errand, taken)
        if errand.claiming:
            await _claim(tx, errand, done)
    return done


async def _inherit(tx: Transaction, errand: Errand, taken: Sequence[Lease]) -> int:
    recovered = 0
    fresh = [lease for lease in taken if errand.desks[lease.inbox_id].fence != lease.fence]
    if fresh:
        recovered = await sending.recover(
            tx,
            [
                (lease.inbox_id, lease.fence, errand.desks[lease.inbox_id].channel.manifest.idempotent)
                for lease in fresh
            ],
            tx.now,
            tx.now + UNCERTAIN_HOLD,
        )
    strays = [(lease.inbox_id, lease.fence) for lease in taken if lease.inbox_id in errand.doubtful]
    if strays:
        under_way = {delivery_id for inbox_id, _ in strays for delivery_id in errand.desks[inbox_id].under_way}
        await sending.requeue_strays(tx, strays, sorted(under_way))
    expiring = [lease.inbox_id for lease in taken if lease.inbox_id in errand.expiring]
    if expiring:
        await sending.expire(tx, expiring, tx.now)
    return recovered


async def _claim(tx: Transaction, errand: Errand, done: Round) -> None:
    finished = {result.id for result in errand.results}
    paused = {inbox_id for inbox_id, _, until in errand.pauses if until > tx.now}
    asks: dict[UUID, int] = {}
    for lease in done.leases.values():
        desk = errand.desks[lease.inbox_id]
        if lease.inbox_id in paused or (lease.paused_until is not None and lease.paused_until > tx.now):
            continue
        room = desk.channel.manifest.limits.at_once - len(desk.under_way - finished)
        most = min(room, desk.bucket.available())
        if most > 0:
            asks[lease.inbox_id] = most
        if most < room:
            done.full.add(lease.inbox_id)
    if not asks:
        return
    keys = await sending.due_heads(tx, list(asks.items()), tx.now)
    if not keys:
        done.full -= set(asks)
        return
    due = await sending.lock_due(tx, keys)
    recipients = await lock_recipients(tx, list({(item.workspace_id, item.identity_id) for item in due}))
    if len(due) < len(keys) or any(item.identity_id not in recipients for item in due):
        # Somebody is just changing a conversation or a contact; they will be done in a moment.
        done.again |= set(asks)
    claims = []
    for item in due:
        recipient = recipients.get(item.identity_id)
        if recipient is not None:
            claims.append(
                _judge(tx.now, errand.desks[item.inbox_id], done.leases[item.inbox_id], item, recipient, done)
            )
    if claims:
        await sending.claim(tx, claims)
    per_inbox = {inbox_id: sum(1 for owner, _ in done.parcels if owner == inbox_id) for inbox_id in asks}
    done.full -= {inbox_id for inbox_id, count in per_inbox.items() if count < asks[inbox_id]}


def _judge(now: datetime, desk: Desk, lease: Lease, item: Due, recipient: Recipient, done: Round) -> Claim:
    """Ask the policy once more, on inputs that are locked."""
    verdict = _verdict(now, desk, item, recipient)
    claim = Claim(workspace_id=item.workspace_id, id=item.id, fence=lease.fence, state="sending", verdict=verdict)
    if not verdict.allowed:
        # Those behind it may go at once.
        done.again.add(item.inbox_id)
        return msgspec.structs.replace(
            claim, state="failed", error_code="refused_by_window", error_message=NotAllowedNow(verdict).sentence("en")
        )
    if item.content is None:
        done.again.add(item.inbox_id)
        return msgspec.structs.replace(
            claim,
            state="failed",
            error_code="content_unreadable",
            error_message="This release cannot read the message.",
        )
    parcel = Parcel(
        workspace_id=item.workspace_id,
        delivery_id=item.id,
        conversation_id=item.conversation_id,
        fence=lease.fence,
        attempt=item.attempts + 1,
        address=recipient.address,
        content=item.content,
        reply_to=item.reply_to,
    )
    done.parcels.append((item.inbox_id, parcel))
    return claim


def _verdict(now: datetime, desk: Desk, item: Due, recipient: Recipient) -> Verdict:
    manifest = desk.channel.manifest
    sender: Sender = "broadcast" if item.bulk else item.author_kind
    content_type = "unreadable" if item.content is None else str(item.content.__struct_config__.tag)
    state = ThreadState(last_inbound_at=item.last_inbound_at, blocked=recipient.blocked, transport=manifest.transport)
    return decide(Intent(sender=sender, content_type=content_type), state, manifest.window, now)
