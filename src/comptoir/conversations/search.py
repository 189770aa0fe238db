"""Full-text search over messages: an index filled beside the hot path, and a query with folded accents and highlights.

The indexer reads the journal after its own position in each workspace (positions are in commit order, so nothing is stepped over) and
writes documents in batches. A message is stemmed in its conversation's language, and a query in French, English and plain at once, since
nobody says in which language they seek.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from comptoir.contracts.content import Content, text_of
from comptoir.infra import journal
from comptoir.infra.database import AWAY, Database, Transaction
from comptoir.infra.log import get_logger
from comptoir.infra.signals import Signals
from comptoir.kernel.cursors import Keyset

log = get_logger(__name__)

_BATCH = 2000
_PAUSE_SECONDS = 0.25
_POLL_SECONDS = 2.0
# A tsvector holds at most 1 MB and a word 2 kB; a message has 10 000 characters at most, so only absurd words are cut.
_MOST_CHARACTERS = 20_000

_BEHIND = """
SELECT p.workspace_id, coalesce(s.position, 0) AS position
  FROM journal_head p LEFT JOIN search_cursor s USING (workspace_id)
 WHERE p.position > coalesce(s.position, 0) LIMIT 50
"""
_INDEX = """
INSERT INTO search_document (workspace_id, message_id, conversation_id, seq, created_at, language, words)
SELECT $1, d.id, d.conversation_id, d.seq, d.created_at, d.language::regconfig, to_tsvector(d.language::regconfig, d.body)
  FROM unnest($2::uuid[], $3::uuid[], $4::int[], $5::timestamptz[], $6::text[], $7::text[])
       AS d (id, conversation_id, seq, created_at, language, body)
ON CONFLICT (workspace_id, message_id) DO NOTHING
"""
_HEADLINE = "StartSel=\x02, StopSel=\x03, MaxWords=24, MinWords=8, ShortWord=2, MaxFragments=1"
_decode_content = msgspec.json.Decoder(Content).decode


class Segment(msgspec.Struct, frozen=True):
    """A piece of a snippet; `hit` pieces are what was sought."""

    text: str
    hit: bool


class Hit(msgspec.Struct, frozen=True):
    """A message found."""

    message_id: UUID
    conversation_id: UUID
    seq: int
    created_at: datetime
    author_kind: str
    contact_id: UUID
    snippet: list[Segment]


def language_of(locale: str | None) -> str:
    """The text search configuration for a locale such as `fr-CH`."""
    return {"fr": "comptoir_fr", "en": "comptoir_en"}.get((locale or "")[:2].lower(), "comptoir_simple")


async def index_messages(tx: Transaction, workspace_id: UUID, message_ids: Sequence[UUID]) -> None:
    """Make messages findable; those indexed already are left as they are."""
    rows = await tx.fetch(
        "SELECT m.id, m.conversation_id, m.seq, m.created_at, m.content, c.locale FROM message m"
        "  JOIN conversation c ON c.workspace_id = m.workspace_id AND c.id = m.conversation_id"
        " WHERE m.workspace_id = $1 AND m.id = ANY($2::uuid[])",
        workspace_id,
        list(message_ids),
    )
    await tx.run(
        _INDEX,
        workspace_id,
        [row["id"] for row in rows],
        [row["conversation_id"] for row in rows],
        [row["seq"] for row in rows],
        [row["created_at"] for row in rows],
        [language_of(row["locale"]) for row in rows],
        [_indexable(text_of(_decode_content(row["content"]))) for row in rows],
    )


def _indexable(text: str) -> str:
    return re.sub(r"\S{300,}", lambda long: long.group()[:300], text[:_MOST_CHARACTERS])


class SearchIndexer:
    """Follows the journal in a worker. Several may run: each workspace's cursor is taken by one at a time."""

    def __init__(self, db: Database, signals: Signals) -> None:
        self._db = db
        self._wake = asyncio.Event()
        self._stopping = False
        signals.hear("fact", lambda _: self._wake.set())

    def stop(self) -> None:
        """Finish the batch under way, then return from `run`."""
        self._stopping = True
        self._wake.set()

    async def run(self) -> None:
        """Index until `stop`, at most some batches a second so that messages come first."""
        while not self._stopping:
            try:
                indexed = await self.index_once()
            except AWAY as error:
                log.warning("search.away", error=type(error).__name__)
                indexed = 0
            if indexed < _BATCH and not self._stopping:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._wake.wait(), _POLL_SECONDS)
                self._wake.clear()
            await asyncio.sleep(_PAUSE_SECONDS)

    async def index_once(self) -> int:
        """One batch of each workspace that is behind; gives how many facts were passed."""
        async with self._db.system() as tx:
            behind = await tx.fetch(_BEHIND)
        passed = 0
        for row in behind:
            async with self._db.system() as tx:
                passed += await self._follow(tx, row["workspace_id"])
        return passed

    async def _follow(self, tx: Transaction, workspace_id: UUID) -> int:
        await tx.run("INSERT INTO search_cursor (workspace_id) VALUES ($1) ON CONFLICT DO NOTHING", workspace_id)
        cursor = await tx.value(
            "SELECT position FROM search_cursor WHERE workspace_id = $1 FOR UPDATE SKIP LOCKED", workspace_id
        )
        if cursor is None:
            return 0
        facts = await journal.read_after(tx, workspace_id, cursor, _BATCH)
        if not facts:
            return 0
        said = [
            f.message_id for f in facts if f.message_id and f.kind in ("MessageReceived", "MessageSent", "NoteAdded")
        ]
        if said:
            await index_messages(tx, workspace_id, said)
        await tx.run("UPDATE search_cursor SET position = $2 WHERE workspace_id = $1", workspace_id, facts[-1].position)
        return len(facts)


async def search_messages(tx: Transaction, words: str, after: Keyset | None, limit: int) -> list[Hit]:
    """Messages that hold the words, newest first. `words` may hold "exact phrases" and -exclusions. Needs a workspace's transaction."""
    moment, last_id = after or (None, None)
    rows = await tx.fetch(
        "WITH q AS (SELECT websearch_to_tsquery('comptoir_fr', $1) AS fr, websearch_to_tsquery('comptoir_en', $1) AS en,"
        "                  websearch_to_tsquery('comptoir_simple', $1) AS plain)"
        " SELECT s.message_id, s.conversation_id, s.seq, s.created_at, m.author_kind, c.contact_id, m.content, s.language::text AS language"
        "   FROM q, LATERAL search_messages(q.fr, q.en, q.plain, $2, $3, $4) s"
        "   JOIN message m ON m.workspace_id = $5 AND m.id = s.message_id"
        "   JOIN conversation c ON c.workspace_id = $5 AND c.id = s.conversation_id"
        "  ORDER BY s.created_at DESC, s.message_id DESC",
        words[:200],
        moment,
        last_id,
        limit,
        tx.workspace_id,
    )
    texts = [text_of(_decode_content(row["content"])) for row in rows]
    marked = await tx.fetch(
        "SELECT ts_headline(t.language::regconfig, t.body, websearch_to_tsquery('comptoir_fr', $1) || websearch_to_tsquery('comptoir_en', $1)"
        "       || websearch_to_tsquery('comptoir_simple', $1), $4) AS text"
        "  FROM unnest($2::text[], $3::text[]) WITH ORDINALITY AS t (language, body, nth) ORDER BY nth",
        words[:200],
        [row["language"] for row in rows],
        texts,
        _HEADLINE,
    )
    return [Hit(*[*list(row)[:6], segments(mark["text"])]) for row, mark in zip(rows, marked, strict=True)]


def segments(marked: str) -> list[Segment]:
    """Cut a headline at its marks. The marks are control characters, so no text of a contact can become markup."""
    pieces = re.split("([\x02\x03])", marked)
    found: list[Segment] = []
    hit = False
    for piece in pieces:
        if piece in ("\x02", "\x03"):
            hit = piece == "\x02"
        elif piece:
            found.append(Segment(piece, hit))
    return found
