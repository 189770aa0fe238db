"""The way out of a delivery, as SQL: what is due, who goes first, and every change of state under the fence of the inbox's lease.

The outbox calls these within transactions that hold the lease's row. A change made under an older fence touches nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec

from comptoir.contracts.content import Content
from comptoir.conversations.deliveries import ref_of, tell
from comptoir.infra.database import Transaction
from comptoir.kernel.text import preview, storable
from comptoir.policy.verdicts import Verdict

NextState = Literal["queued", "sending", "held", "sent", "failed", "uncertain"]

# A step from inbox to inbox along the index, whatever the length of their queues.
_WAITING_INBOXES = """
WITH RECURSIVE step AS (
    (SELECT inbox_id FROM delivery WHERE state IN ('queued', 'held', 'sending') ORDER BY inbox_id LIMIT 1)
    UNION ALL
    SELECT (SELECT d.inbox_id FROM delivery d WHERE d.state IN ('queued', 'held', 'sending') AND d.inbox_id > step.inbox_id
             ORDER BY d.inbox_id LIMIT 1)
      FROM step WHERE step.inbox_id IS NOT NULL
)
SELECT inbox_id FROM step WHERE inbox_id IS NOT NULL
"""

# Replies before broadcasts, then by time. Only the head of a thread may leave; a broadcast that stands before a reply in
# its thread leaves with the reply's rank. An uncertain head holds its thread until its `due_at`.
_DUE = """
SELECT ask.nth, h.workspace_id, h.id
  FROM unnest($1::uuid[], $2::int[]) WITH ORDINALITY AS ask (inbox_id, most, nth)
 CROSS JOIN LATERAL (
    SELECT head.workspace_id, head.id
      FROM delivery d
     CROSS JOIN LATERAL (
        SELECT e.workspace_id, e.id, e.state, e.bulk, e.due_at, e.give_up_at
          FROM delivery e
         WHERE e.conversation_id = d.conversation_id AND e.identity_id = d.identity_id
           AND e.state IN ('queued', 'held', 'sending', 'uncertain') AND (e.state <> 'uncertain' OR e.due_at > $3)
         ORDER BY e.seq LIMIT 1
     ) head
     WHERE d.inbox_id = ask.inbox_id AND d.state IN ('queued', 'held') AND d.due_at <= $3
       AND head.state IN ('queued', 'held') AND head.due_at <= $3 AND head.give_up_at > $3
       AND (head.id = d.id OR head.bulk AND NOT d.bulk)
     ORDER BY d.bulk, d.due_at LIMIT ask.most
 ) h
"""

# The inputs of the verdict stay as they are until the commit. What somebody is just changing is skipped, so that the outbox waits for nobody.
_LOCK = """
SELECT d.workspace_id, d.id, d.message_id, d.conversation_id, d.inbox_id, d.identity_id, d.bulk, d.attempts, m.author_kind, m.content,
       coalesce(r.origin_id, s.provider_id) AS reply_to, c.last_inbound_at
  FROM unnest($1::uuid[], $2::uuid[]) WITH ORDINALITY AS k (workspace_id, id, nth)
  JOIN delivery d ON d.workspace_id = k.workspace_id AND d.id = k.id
  JOIN message m ON m.workspace_id = d.workspace_id AND m.id = d.message_id
  JOIN conversation c ON c.workspace_id = d.workspace_id AND c.id = d.conversation_id
  LEFT JOIN message r ON r.workspace_id = m.workspace_id AND r.id = m.reply_to_id
  LEFT JOIN LATERAL (
      SELECT ref.provider_id FROM delivery rd JOIN sent_ref ref ON ref.workspace_id = rd.workspace_id AND ref.delivery_id = rd.id
       WHERE rd.workspace_id = r.workspace_id AND rd.message_id = r.id AND rd.inbox_id = d.inbox_id LIMIT 1
  ) s ON true
 WHERE d.state IN ('queued', 'held')
 ORDER BY k.nth
   FOR UPDATE OF d SKIP LOCKED FOR SHARE OF c SKIP LOCKED
"""

_CLAIM = """
UPDATE delivery d
   SET state = n.state, fence = n.fence, verdict = n.verdict, error_code = n.code, error_message = n.message,
       attempts = least(d.attempts + (n.state = 'sending')::int, 32000)
  FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::bigint[], $5::jsonb[], $6::text[], $7::text[])
       AS n (workspace_id, id, state, fence, verdict, code, message)
 WHERE d.workspace_id = n.workspace_id AND d.id = n.id
RETURNING d.workspace_id, d.conversation_id, d.message_id, d.id, d.state, d.error_code
"""

_RESULTS = """
WITH result AS (
    SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::text[], $5::timestamptz[], $6::text[], $7::text[], $8::text[])
           AS r (workspace_id, id, fence, state, due_at, code, message, provider_id)
), held AS (
    SELECT d.workspace_id, d.id FROM delivery d JOIN result r ON r.workspace_id = d.workspace_id AND r.id = d.id
     WHERE d.state = 'sending' AND d.fence = r.fence ORDER BY d.id FOR UPDATE OF d
), changed AS (
    UPDATE delivery d
       SET state = r.state, due_at = r.due_at, error_code = r.code, error_message = r.message,
           sent_at = CASE r.state WHEN 'sent' THEN $9 ELSE d.sent_at END
      FROM held JOIN result r ON r.workspace_id = held.workspace_id AND r.id = held.id
     WHERE d.workspace_id = held.workspace_id AND d.id = held.id AND d.state = 'sending' AND d.fence = r.fence
    RETURNING d.workspace_id, d.inbox_id, d.conversation_id, d.message_id, d.id, d.seq, d.state, d.error_code, r.provider_id
), noted AS (
    INSERT INTO sent_ref (workspace_id, inbox_id, provider_id, delivery_id, conversation_id, seq)
    SELECT workspace_id, inbox_id, provider_id, id, conversation_id, seq FROM changed WHERE provider_id IS NOT NULL
     ORDER BY inbox_id, provider_id
    ON CONFLICT DO NOTHING
)
SELECT workspace_id, conversation_id, message_id, id, state, error_code FROM changed
"""

_RECOVER = """
WITH lease AS (
    SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::bool[]) AS l (inbox_id, fence, repeatable)
), orphan AS (
    SELECT d.workspace_id, d.id, l.fence, l.repeatable FROM delivery d JOIN lease l ON l.inbox_id = d.inbox_id
     WHERE d.state = 'sending' AND d.fence < l.fence ORDER BY d.id FOR UPDATE OF d
)
UPDATE delivery d
   SET state = CASE WHEN orphan.repeatable THEN 'held' ELSE 'uncertain' END, fence = orphan.fence,
       due_at = CASE WHEN orphan.repeatable THEN $4::timestamptz ELSE $5::timestamptz END,
       error_code = 'interrupted', error_message = 'The program stopped while this was being sent.'
  FROM orphan WHERE d.workspace_id = orphan.workspace_id AND d.id = orphan.id AND d.state = 'sending'
RETURNING d.workspace_id, d.conversation_id, d.message_id, d.id, d.state, d.error_code
"""

_REQUEUE_STRAYS = """
UPDATE delivery d SET state = 'queued'
  FROM unnest($1::uuid[], $2::bigint[]) AS l (inbox_id, fence)
 WHERE d.inbox_id = l.inbox_id AND d.fence = l.fence AND d.state = 'sending' AND d.id <> ALL ($3::uuid[])
"""

_EXPIRE = """
WITH late AS (
    SELECT workspace_id, id FROM delivery
     WHERE inbox_id = ANY ($1::uuid[]) AND state IN ('queued', 'held') AND give_up_at <= $2
     ORDER BY id LIMIT 1000 FOR UPDATE SKIP LOCKED
)
UPDATE delivery d
   SET state = 'failed', error_code = 'not_sent_in_time',
       error_message = 'The message could not be sent in time. ' || coalesce(d.error_message, '')
  FROM late WHERE d.workspace_id = late.workspace_id AND d.id = late.id
RETURNING d.workspace_id, d.conversation_id, d.message_id, d.id, d.state, d.error_code
"""

_HASTEN = "UPDATE delivery SET due_at = $2 WHERE inbox_id = ANY ($1::uuid[]) AND state = 'held' AND due_at > $2"

_decode = msgspec.json.Decoder(Content).decode


class Due(msgspec.Struct, frozen=True):
    """A delivery that is due, locked, with what the verdict and the request need. `content` is None when it cannot be read."""

    workspace_id: UUID
    id: UUID
    message_id: UUID
    conversation_id: UUID
    inbox_id: UUID
    identity_id: UUID
    bulk: bool
    attempts: int
    author_kind: Literal["agent", "bot", "system"]
    content: Content | None
    reply_to: str | None
    last_inbound_at: datetime | None


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """What is decided about a due delivery: it is being sent, or refused by the verdict."""

    workspace_id: UUID
    id: UUID
    fence: int
    state: Literal["sending", "failed"]
    verdict: Verdict
    error_code: str | None = None
    error_message: str | None = None


class SendResult(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a request. `due_at`: when it may be tried again, or, when uncertain, until when it holds those behind it."""

    workspace_id: UUID
    id: UUID
    fence: int
    state: NextState
    due_at: datetime
    error_code: str | None = None
    error_message: str | None = None
    provider_id: str | None = None


async def waiting_inboxes(tx: Transaction) -> list[UUID]:
    """Every inbox that has deliveries on their way."""
    return [row["inbox_id"] for row in await tx.fetch(_WAITING_INBOXES)]


async def due_heads(tx: Transaction, asks: Sequence[tuple[UUID, int]], now: datetime) -> list[tuple[UUID, UUID]]:
    """Keys (workspace, delivery) of what may leave now: for each (inbox, most) at most so many, replies first, one per thread."""
    rows = await tx.fetch(_DUE, [inbox_id for inbox_id, _ in asks], [most for _, most in asks], now)
    return list(dict.fromkeys((row["workspace_id"], row["id"]) for row in rows))


async def lock_due(tx: Transaction, keys: Sequence[tuple[UUID, UUID]]) -> list[Due]:
    """Lock due deliveries and their conversations. What another transaction holds is left out; come back for it."""
    rows = await tx.fetch(_LOCK, [key[0] for key in keys], [key[1] for key in keys])
    found = []
    for row in rows:
        values = list(row)
        values[9] = _read_content(row["content"])
        found.append(Due(*values))
    return found


def _read_content(raw: msgspec.Raw) -> Content | None:
    try:
        content: Content = _decode(raw)
    except msgspec.MsgspecError:
        # Written by a later release, while this worker still ran: refused by name rather than stuck.
        return None
    return content


async def claim(tx: Transaction, claims: Sequence[Claim]) -> None:
    """Write what was decided about locked deliveries. Publishes DeliveryUpdated for those refused."""
    rows = await tx.fetch(
        _CLAIM,
        [item.workspace_id for item in claims],
        [item.id for item in claims],
        [item.state for item in claims],
        [item.fence for item in claims],
        [item.verdict for item in claims],
        [item.error_code for item in claims],
        [_clip(item.error_message) for item in claims],
    )
    # That a message is being sent is no news: its outcome follows within moments.
    tell(tx, [row for row in rows if row["state"] != "sending"])


async def write_results(tx: Transaction, results: Sequence[SendResult]) -> set[UUID]:
    """Write the outcomes of many requests at once, each only while its fence still holds; gives those that counted. Publishes DeliveryUpdated."""
    rows = await tx.fetch(
        _RESULTS,
        [item.workspace_id for item in results],
        [item.id for item in results],
        [item.fence for item in results],
        [item.state for item in results],
        [item.due_at for item in results],
        [_clip(item.error_code) for item in results],
        [_clip(item.error_message) for item in results],
        [ref_of(storable(item.provider_id)) if item.provider_id else None for item in results],
        tx.now,
    )
    tell(tx, rows)
    return {row["id"] for row in rows}


async def recover(
    tx: Transaction, leases: Sequence[tuple[UUID, int, bool]], now: datetime, hold_until: datetime
) -> int:
    """Take over what a former holder left in mid-sending: leases are (inbox, our fence, may be repeated). Publishes DeliveryUpdated.

    Where the channel honours idempotency keys it is sent again under the same key; elsewhere it is uncertain, and nobody repeats it but a person.
    """
    rows = await tx.fetch(
        _RECOVER,
        [inbox_id for inbox_id, _, _ in leases],
        [fence for _, fence, _ in leases],
        [repeatable for _, _, repeatable in leases],
        now,
        hold_until,
    )
    tell(tx, rows)
    return len(rows)


async def requeue_strays(tx: Transaction, leases: Sequence[tuple[UUID, int]], under_way: Sequence[UUID]) -> None:
    """Put back what we claimed in a transaction whose commit we never heard of: it is ours by the fence, and not under way."""
    await tx.run(_REQUEUE_STRAYS, [inbox_id for inbox_id, _ in leases], [fence for _, fence in leases], list(under_way))


async def expire(tx: Transaction, inbox_ids: Sequence[UUID], now: datetime) -> int:
    """Let what waited too long fail visibly, so that it holds nobody any longer. Publishes DeliveryUpdated."""
    rows = await tx.fetch(_EXPIRE, list(inbox_ids), now)
    tell(tx, rows)
    return len(rows)


async def hasten(tx: Transaction, inbox_ids: Sequence[UUID], now: datetime) -> None:
    """The settings of these inboxes changed: what was held tries again now."""
    await tx.run(_HASTEN, list(inbox_ids), now)


def _clip(text: str | None) -> str | None:
    return preview(storable(text), 300) if text else None
