"""What became of a message: its raw event, the facts about it, its deliveries, as lines for a person to read."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from comptoir.infra import journal
from comptoir.infra.database import Database
from comptoir.kernel.errors import NotFound


class TraceLine(msgspec.Struct, frozen=True):
    """One thing that happened; `what` is a stable word, `detail` its data."""

    at: datetime
    what: str
    detail: str


async def trace_message(db: Database, message_id: UUID) -> list[TraceLine]:
    """The chain behind a message, oldest first. Raises NotFound."""
    async with db.system() as tx:
        row = await tx.row(
            "SELECT workspace_id, conversation_id, seq, author_kind, origin_id, raw_event_id, created_at FROM message WHERE id = $1",
            message_id,
        )
        if row is None:
            raise NotFound(field="message_id")
        lines = [
            TraceLine(
                row["created_at"],
                "message",
                f"seq {row['seq']} in conversation {row['conversation_id']}, by {row['author_kind']}"
                + (f", origin {row['origin_id']}" if row["origin_id"] else "")
                + (f", raw event {row['raw_event_id']}" if row["raw_event_id"] else ""),
            )
        ]
        since = row["created_at"] - timedelta(minutes=1)
        facts = await journal.read_of_conversation(tx, row["workspace_id"], row["conversation_id"], since, 500)
        lines += [
            TraceLine(
                fact.occurred_at,
                f"fact {fact.kind}",
                f"position {fact.position} {bytes(fact.data or b'').decode()}".strip(),
            )
            for fact in facts
            if fact.message_id in (None, message_id)
        ]
        deliveries = await tx.fetch(
            "SELECT id, state, attempts, verdict, error_code, created_at, sent_at, delivered_at, read_at FROM delivery"
            " WHERE workspace_id = $1 AND message_id = $2 ORDER BY created_at",
            row["workspace_id"],
            message_id,
        )
        for delivery in deliveries:
            verdict = bytes(delivery["verdict"]).decode()
            lines.append(
                TraceLine(delivery["created_at"], "delivery", f"{delivery['id']} {delivery['state']} verdict {verdict}")
            )
            lines += [
                TraceLine(delivery[column], f"delivery {column.removesuffix('_at')}", str(delivery["id"]))
                for column in ("sent_at", "delivered_at", "read_at")
                if delivery[column]
            ]
    return sorted(lines, key=lambda line: line.at)
