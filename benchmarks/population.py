"""A house that has been lived in: contacts, conversations and messages by the hundred thousand, written by a few set-based statements.

Everything follows from the row's number, so that two runs have the same house. Indexes of the tables that grow are made after the rows, and foreign
keys are not checked row by row: the rows are right by construction, and a minute saved is a minute more for measuring.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import UUID

import asyncpg

from benchmarks.installation import House

RARE, SOME, COMMON = "rare", "some", "common"
# Of ten thousand conversations, so many carry the label.
LABELS = {RARE: 3, SOME: 100, COMMON: 2000}
# Words of the generated messages; of ten thousand messages, so many hold the word.
WORDS = {"pantoufle": 2, "remboursement": 100, "livraison": 2100}


@dataclass(frozen=True, slots=True)
class Population:
    """How much there is. A thousandth of the conversations lie in the quiet inbox; seven tenths are closed; one in five hundred is nobody's."""

    conversations: int
    messages_each: int = 0


# An id is made of the number and a letter for the kind: UUIDs of version 7 from the year 2024 on, in the order of the numbers.
_ID = "(lpad(to_hex(1704067200000 + {n}), 12, '0') || '7' || {kind} || '008' || lpad(to_hex({n}), 15, '0'))::uuid"


def _id(kind: str, number: str = "n") -> str:
    return _ID.format(n=number, kind=f"'{kind}'")


_CONTACTS = f"""
INSERT INTO contact (workspace_id, id, name, email, locale, last_seen_at, created_at)
SELECT $1, {_id("a")},
       (ARRAY['Alice','Bruno','Chloé','David','Elsa','Farid','Gaëlle','Hugo'])[1 + n % 8] || ' '
           || (ARRAY['Martin','Petit','Durand','Leroy','Moreau'])[1 + n / 8 % 5] || ' ' || n,
       'contact' || n || '@example.com', CASE n % 3 WHEN 0 THEN 'en' ELSE 'fr' END, now() - n * interval '7 seconds', now() - n * interval '7 seconds'
  FROM generate_series(1, $2::int) n
"""
_CONVERSATIONS = f"""
INSERT INTO conversation (workspace_id, id, contact_id, inbox_id, channel, identity_id, thread_key, lane, status, priority, assignee_id, label_ids,
                          locale, last_seq, inbound_count, last_message, last_inbound_at, waiting_since, created_at, last_activity_at, closed_at)
SELECT $1, {_id("c")}, {_id("a")}, CASE WHEN n % 1000 = 7 THEN $4::uuid ELSE $3::uuid END, 'web', {_id("b")}, {_id("d")}, n % 64, s.status, n % 5,
       CASE WHEN n % 487 = 1 THEN NULL ELSE ($5::uuid[])[1 + n % cardinality($5)] END, l.label_ids,
       CASE n % 3 WHEN 0 THEN 'en' ELSE 'fr' END, $6, ($6 + 1) / 2,
       jsonb_build_object('seq', $6::int, 'kind', 'message', 'author_kind', 'contact', 'author_id', {_id("a")}, 'content_type', 'text',
                          'preview', 'Bonjour, où en est ma commande ' || n || ' ?'),
       s.moment, CASE WHEN s.status = 'open' THEN s.moment END, s.moment - interval '1 day', s.moment,
       CASE WHEN s.status = 'closed' THEN s.moment END
  FROM generate_series(1, $2::int) n,
       LATERAL (SELECT CASE WHEN n % 10 < 3 THEN 'open' ELSE 'closed' END AS status,
                       now() - (n::bigint * 7919 % $2) * interval '7 seconds' AS moment) s,
       LATERAL (SELECT coalesce(array_agg(k.id), '{{}}') AS label_ids FROM unnest($7::uuid[], $8::int[]) AS k (id, share)
                 WHERE n::bigint * 104729 % 10000 < k.share) l
"""
_IDENTITIES = f"""
INSERT INTO identity (workspace_id, id, inbox_id, contact_id, address, thread_key, lane, conversation_id, created_at)
SELECT $1, {_id("b")}, $3, {_id("a")}, 'visitor ' || n, {_id("d")}, n % 64, {_id("c")}, now() FROM generate_series(1, $2::int) n
"""
_MESSAGES = f"""
INSERT INTO message (workspace_id, id, conversation_id, seq, inbox_id, kind, author_kind, author_id, content, created_at)
SELECT $1, {_id("e", "(n * $4 + s)")}, {_id("c")}, s, $3, 'message', CASE s % 2 WHEN 1 THEN 'contact' ELSE 'agent' END,
       CASE s % 2 WHEN 1 THEN {_id("a")} ELSE $5::uuid END, jsonb_build_object('type', 'text', 'text', t.body),
       now() - (n::bigint * 7919 % $2) * interval '7 seconds' + s * interval '1 minute'
  FROM generate_series(1, $2::int) n, generate_series(1, $4::int) s,
       LATERAL (SELECT 'Bonjour, question ' || (n * $4 + s) || ' sur ma commande de chaussons en pointure ' || (35 + (n + s) % 10)
                       || coalesce((SELECT string_agg(' ' || w.word, '') FROM unnest($6::text[], $7::int[]) AS w (word, share)
                                     WHERE (n::bigint * $4 + s) * 15485863 % 10000 < w.share), '')) AS t (body)
"""
_DOCUMENTS = """
INSERT INTO search_document (workspace_id, message_id, conversation_id, seq, created_at, language, words)
SELECT m.workspace_id, m.id, m.conversation_id, m.seq, m.created_at, 'comptoir_fr'::regconfig,
       to_tsvector('comptoir_fr'::regconfig, m.content ->> 'text')
  FROM message m WHERE m.workspace_id = $1
"""
_LABELLED = """
INSERT INTO conversation_label (workspace_id, conversation_id, label_id, status, last_activity_at)
SELECT workspace_id, id, unnest(label_ids), status, last_activity_at FROM conversation WHERE workspace_id = $1 AND cardinality(label_ids) > 0
"""
_COUNTERS = """
INSERT INTO conversation_counter (workspace_id, status, assignee_id, total)
SELECT workspace_id, status, coalesce(assignee_id, '00000000-0000-0000-0000-000000000000'), count(*)
  FROM conversation WHERE workspace_id = $1 GROUP BY 1, 2, 3
"""


async def populate(house: House, population: Population, *, searchable: bool = False) -> dict[str, UUID]:
    """Fill an empty house; gives the ids of the labels by their share."""
    connection = await asyncpg.connect(house.dsn)
    workspace, number = house.workspace_id, population.conversations
    try:
        await connection.execute(
            "SET session_replication_role = replica; SET work_mem = '256MB'; SET maintenance_work_mem = '512MB'"
        )
        labels = {
            name: await connection.fetchval(
                "INSERT INTO label (workspace_id, id, name) VALUES ($1, gen_random_uuid(), $2) RETURNING id",
                workspace,
                name,
            )
            for name in LABELS
        }
        async with _without_indexes(
            connection, "contact", "conversation", "conversation_label", "identity", "message", "search_document"
        ):
            await connection.execute(_CONTACTS, workspace, number)
            await connection.execute(
                _CONVERSATIONS,
                workspace,
                number,
                house.web_inbox,
                house.hook_inboxes[0],
                house.agent_ids,
                population.messages_each,
                list(labels.values()),
                list(LABELS.values()),
            )
            # Triggers keep this table; here they sleep, as foreign keys do.
            await connection.execute(_LABELLED, workspace)
            await connection.execute(_IDENTITIES, workspace, number, house.web_inbox)
            if population.messages_each:
                shares = list(WORDS.values())
                await connection.execute(
                    _MESSAGES,
                    workspace,
                    number,
                    house.web_inbox,
                    population.messages_each,
                    house.agent_ids[0],
                    list(WORDS),
                    shares,
                )
            if searchable:
                await connection.execute(_DOCUMENTS, workspace)
            await connection.execute(_COUNTERS, workspace)
        await connection.execute("VACUUM (ANALYZE)")
        await connection.execute("CHECKPOINT")
    finally:
        await connection.close()
    return labels


@asynccontextmanager
async def _without_indexes(connection: asyncpg.Connection[asyncpg.Record], *tables: str) -> AsyncIterator[None]:
    """Drop what is not part of a constraint and make it again afterwards."""
    rows = await connection.fetch(
        "SELECT i.indexrelid::regclass::text AS name, pg_get_indexdef(i.indexrelid) AS definition FROM pg_index i"
        " WHERE i.indrelid = ANY($1::text[]::regclass[]) AND NOT EXISTS (SELECT 1 FROM pg_constraint c WHERE c.conindid = i.indexrelid)",
        list(tables),
    )
    for row in rows:
        await connection.execute(f"DROP INDEX {row['name']}")
    yield
    for row in rows:
        await connection.execute(row["definition"])
