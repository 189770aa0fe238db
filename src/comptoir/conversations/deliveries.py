"""What becomes of a delivery after it left: receipts, echoes, and what people decide about uncertain ones.

The way out itself is in `sending.py`. Rows are always locked in id order, so that a lane and the outbox never wait for each other in a circle.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import timedelta
from typing import Literal
from uuid import UUID

import msgspec

from comptoir.conversations.errors import NotToSettle
from comptoir.conversations.facts import DeliveryUpdated
from comptoir.infra.database import Record, Transaction
from comptoir.kernel.errors import NotFound

_RANK = {"delivered": 1, "read": 2}
_STATE = {rank: state for state, rank in _RANK.items()}
_KEEP_EARLY = timedelta(hours=1)
# As long as a new delivery has before it fails visibly.
RETRY_FOR = timedelta(hours=1)
_REF_LIMIT = 200

_REFS = """
SELECT s.delivery_id, s.conversation_id, s.seq, r.nth
  FROM unnest($1::uuid[], $2::text[]) WITH ORDINALITY AS r (inbox_id, provider_id, nth)
  JOIN sent_ref s ON s.inbox_id = r.inbox_id AND s.provider_id = r.provider_id
"""
_REACH = """
WITH named AS (
    SELECT r.workspace_id, r.id, max(r.rank) AS rank
      FROM unnest($1::uuid[], $2::uuid[], $3::int[]) AS r (workspace_id, id, rank) GROUP BY 1, 2
), moving AS (
    SELECT d.workspace_id, d.id, named.rank FROM delivery d JOIN named ON named.workspace_id = d.workspace_id AND named.id = d.id
     WHERE d.state = 'sent' OR d.state = 'delivered' AND named.rank = 2 ORDER BY d.id FOR UPDATE OF d
)
UPDATE delivery d
   SET state = CASE moving.rank WHEN 2 THEN 'read' ELSE 'delivered' END,
       delivered_at = coalesce(d.delivered_at, $4), read_at = CASE moving.rank WHEN 2 THEN $4 END
  FROM moving WHERE d.workspace_id = moving.workspace_id AND d.id = moving.id
RETURNING d.workspace_id, d.conversation_id, d.message_id, d.id, d.state
"""
_REACH_UP_TO = """
WITH named AS (
    SELECT r.workspace_id, r.conversation_id, r.rank, max(r.seq) AS seq
      FROM unnest($1::uuid[], $2::uuid[], $3::int[], $4::int[]) AS r (workspace_id, conversation_id, rank, seq) GROUP BY 1, 2, 3
), moving AS (
    SELECT d.workspace_id, d.id, named.rank
      FROM delivery d JOIN named ON named.workspace_id = d.workspace_id AND named.conversation_id = d.conversation_id AND d.seq <= named.seq
     WHERE d.state = 'sent' OR d.state = 'delivered' AND named.rank = 2 ORDER BY d.id, named.rank FOR UPDATE OF d
), furthest AS (
    SELECT workspace_id, id, max(rank) AS rank FROM moving GROUP BY 1, 2
)
UPDATE delivery d
   SET state = CASE furthest.rank WHEN 2 THEN 'read' ELSE 'delivered' END,
       delivered_at = coalesce(d.delivered_at, $5), read_at = CASE furthest.rank WHEN 2 THEN $5 END
  FROM furthest WHERE d.workspace_id = furthest.workspace_id AND d.id = furthest.id
"""
_KEEP = """
INSERT INTO early_receipt (workspace_id, inbox_id, provider_id, state, received_at)
SELECT *, $5 FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[]) ON CONFLICT DO NOTHING
"""
_TAKE_EARLY = """
WITH known AS (
    SELECT e.inbox_id, e.provider_id, e.state, s.workspace_id, s.delivery_id
      FROM early_receipt e JOIN sent_ref s ON s.inbox_id = e.inbox_id AND s.provider_id = e.provider_id
       FOR UPDATE OF e SKIP LOCKED
)
DELETE FROM early_receipt e USING known
 WHERE e.inbox_id = known.inbox_id AND e.provider_id = known.provider_id AND e.state = known.state
RETURNING known.workspace_id, known.delivery_id, known.state
"""
_DROP_EARLY = "DELETE FROM early_receipt WHERE received_at < $1"

# What the channel shows to be sent was sent, whatever we thought of it.
_ECHO = """
WITH heard AS (
    SELECT d.workspace_id, d.id, e.provider_id
      FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[]) AS e (workspace_id, inbox_id, delivery_id, provider_id)
      JOIN delivery d ON d.workspace_id = e.workspace_id AND d.id = e.delivery_id AND d.inbox_id = e.inbox_id
     ORDER BY d.id FOR UPDATE OF d
), noted AS (
    INSERT INTO sent_ref (workspace_id, inbox_id, provider_id, delivery_id, conversation_id, seq)
    SELECT d.workspace_id, d.inbox_id, heard.provider_id, d.id, d.conversation_id, d.seq
      FROM heard JOIN delivery d ON d.workspace_id = heard.workspace_id AND d.id = heard.id
     ORDER BY d.inbox_id, heard.provider_id
    ON CONFLICT DO NOTHING
)
UPDATE delivery d SET state = 'sent', sent_at = coalesce(d.sent_at, $5), error_code = NULL, error_message = NULL
  FROM heard WHERE d.workspace_id = heard.workspace_id AND d.id = heard.id
   AND d.state IN ('queued', 'held', 'sending', 'uncertain', 'failed')
RETURNING d.workspace_id, d.conversation_id, d.message_id, d.id, d.state
"""

_SETTLE = """
UPDATE delivery
   SET state = $3, due_at = $4,
       sent_at = CASE $3 WHEN 'sent' THEN coalesce(sent_at, $4) ELSE sent_at END,
       attempts = CASE $3 WHEN 'queued' THEN 0 ELSE attempts END,
       give_up_at = CASE $3 WHEN 'queued' THEN $5 ELSE give_up_at END,
       error_code = CASE $3 WHEN 'failed' THEN coalesce(error_code, 'settled_as_failed') END,
       error_message = CASE $3 WHEN 'failed' THEN error_message END
 WHERE workspace_id = $1 AND id = $2
RETURNING workspace_id, conversation_id, message_id, id, state, error_code
"""


class ReceiptWrite(msgspec.Struct, frozen=True, kw_only=True):
    """A receipt of a conversation: for all up to a position, or for those that the provider's ids name."""

    workspace_id: UUID
    conversation_id: UUID
    inbox_id: UUID
    state: Literal["delivered", "read"]
    up_to_seq: int | None = None
    provider_ids: tuple[str, ...] = ()


class EchoWrite(msgspec.Struct, frozen=True, kw_only=True):
    """The channel shows a message that it has sent for us, under its own id."""

    workspace_id: UUID
    conversation_id: UUID
    inbox_id: UUID
    provider_id: str
    delivery_id: UUID | None = None


def ref_of(provider_id: str) -> str:
    """The provider's id as `sent_ref` keeps it: itself, or a digest of one too long for an index."""
    return provider_id if len(provider_id) <= _REF_LIMIT else hashlib.sha256(provider_id.encode()).hexdigest()


def tell(tx: Transaction, rows: Sequence[Record]) -> None:
    """Publish DeliveryUpdated for rows of (workspace_id, conversation_id, message_id, id, state[, error_code])."""
    tx.publish(
        *(
            DeliveryUpdated(
                workspace_id=row["workspace_id"],
                conversation_id=row["conversation_id"],
                message_id=row["message_id"],
                delivery_id=row["id"],
                state=row["state"],
                error_code=row.get("error_code"),
            )
            for row in rows
        )
    )


async def apply_receipts(tx: Transaction, receipts: Sequence[ReceiptWrite]) -> dict[UUID, tuple[int, int]]:
    """Move deliveries forward (never back); gives how far each conversation was (delivered, read), by seq.

    Deliveries named by the provider's ids publish DeliveryUpdated. For those up to a position the caller's one
    ReceiptReceived tells it for all. An id that is not known yet is kept: its receipt came before the answer to our own
    request.
    """
    reached: dict[UUID, tuple[int, int]] = {}
    for receipt in receipts:
        if receipt.up_to_seq is not None:
            _reach(reached, receipt.conversation_id, receipt.state, receipt.up_to_seq)
    positions = [receipt for receipt in receipts if receipt.up_to_seq is not None]
    if positions:
        await tx.run(
            _REACH_UP_TO,
            [receipt.workspace_id for receipt in positions],
            [receipt.conversation_id for receipt in positions],
            [_RANK[receipt.state] for receipt in positions],
            [receipt.up_to_seq for receipt in positions],
            tx.now,
        )
    named = [(receipt, ref_of(given)) for receipt in receipts for given in dict.fromkeys(receipt.provider_ids)]
    if named:
        await _apply_named(tx, named, reached)
    return reached


async def _apply_named(
    tx: Transaction, named: list[tuple[ReceiptWrite, str]], reached: dict[UUID, tuple[int, int]]
) -> None:
    rows = await tx.fetch(_REFS, [receipt.inbox_id for receipt, _ in named], [ref for _, ref in named])
    found = {row["nth"] - 1: row for row in rows}
    known = [(named[nth][0], row) for nth, row in found.items()]
    for receipt, row in known:
        # An id of another conversation moves its delivery, and no mark of this one.
        if row["conversation_id"] == receipt.conversation_id:
            _reach(reached, receipt.conversation_id, receipt.state, row["seq"])
    if known:
        moved = await tx.fetch(
            _REACH,
            [receipt.workspace_id for receipt, _ in known],
            [row["delivery_id"] for _, row in known],
            [_RANK[receipt.state] for receipt, _ in known],
            tx.now,
        )
        tell(tx, moved)
    early = [item for nth, item in enumerate(named) if nth not in found]
    if early:
        await tx.run(
            _KEEP,
            [receipt.workspace_id for receipt, _ in early],
            [receipt.inbox_id for receipt, _ in early],
            [ref for _, ref in early],
            [receipt.state for receipt, _ in early],
            tx.now,
        )


def _reach(reached: dict[UUID, tuple[int, int]], conversation_id: UUID, state: str, seq: int) -> None:
    delivered, read = reached.get(conversation_id, (0, 0))
    reached[conversation_id] = (max(delivered, seq), max(read, seq) if state == "read" else read)


async def apply_early_receipts(tx: Transaction) -> None:
    """Give effect to receipts whose message has become known since. Publishes DeliveryUpdated."""
    rows = await tx.fetch(_TAKE_EARLY)
    if rows:
        moved = await tx.fetch(
            _REACH,
            [row["workspace_id"] for row in rows],
            [row["delivery_id"] for row in rows],
            [_RANK[row["state"]] for row in rows],
            tx.now,
        )
        tell(tx, moved)


async def drop_early_receipts(tx: Transaction) -> None:
    """Forget receipts of messages that were never ours, after an hour."""
    await tx.run(_DROP_EARLY, tx.now - _KEEP_EARLY)


async def settle_by_echo(tx: Transaction, echoes: Sequence[EchoWrite]) -> None:
    """What the channel shows as sent was sent, however uncertain we were. Publishes DeliveryUpdated where that is news."""
    ours = [echo for echo in echoes if echo.delivery_id is not None]
    if ours:
        moved = await tx.fetch(
            _ECHO,
            [echo.workspace_id for echo in ours],
            [echo.inbox_id for echo in ours],
            [echo.delivery_id for echo in ours],
            [ref_of(echo.provider_id) for echo in ours],
            tx.now,
        )
        tell(tx, moved)


async def settle(
    tx: Transaction, workspace_id: UUID, delivery_id: UUID, as_: Literal["sent", "failed", "retry"]
) -> UUID:
    """A person decides about a delivery that is uncertain or failed; gives its message's id.

    `retry` queues it again for an hour; it may then arrive twice, which is for the person to weigh. Raises NotFound,
    NotToSettle. Publishes DeliveryUpdated.
    """
    row = await tx.row(
        "SELECT state, inbox_id, message_id FROM delivery WHERE workspace_id = $1 AND id = $2 FOR UPDATE",
        workspace_id,
        delivery_id,
    )
    if row is None:
        raise NotFound(field="delivery_id")
    if row["state"] not in ("uncertain", "failed"):
        raise NotToSettle(field="delivery_id", state=row["state"])
    moved = await tx.fetch(
        _SETTLE, workspace_id, delivery_id, "queued" if as_ == "retry" else as_, tx.now, tx.now + RETRY_FOR
    )
    tell(tx, moved)
    if as_ == "retry":
        tx.signal("outbox", str(row["inbox_id"]))
    message_id: UUID = row["message_id"]
    return message_id


async def uncertain_count(tx: Transaction) -> int:
    """How many deliveries of all workspaces wait for somebody to say whether they went out. Needs the system's role."""
    return int(await tx.value("SELECT count(*) FROM delivery WHERE state = 'uncertain'"))
