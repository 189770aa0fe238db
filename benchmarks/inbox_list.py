"""The inbox list: every filter, at a thousand and at a million conversations, through the room's function and over HTTP; and the plan behind each."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID

import msgspec

from benchmarks.contenders import ours
from benchmarks.installation import House, Server, furnish
from benchmarks.load import Latency, ReadPlan, latency, run
from benchmarks.population import COMMON, RARE, SOME, Population, populate
from benchmarks.results import Figures
from comptoir.conversations.counters import counts
from comptoir.conversations.queries import NOBODY, ConversationFilter, list_conversations
from comptoir.infra.database import Database, Record, Transaction
from comptoir.kernel.cursors import Keyset, write_cursor

_PAGE = 25
_DEEP = 20_000
# A page of 25 may look at this many rows of the table and still be called one index scan.
_MOST_ROWS = 200


class _Explained(Transaction):
    """A transaction that keeps the plan of what it fetches."""

    plans: list[dict[str, Any]]

    async def fetch(self, query: str, *values: object) -> list[Record]:
        """Rows; their plan is noted beside."""
        found = await self.connection.fetchval(f"EXPLAIN (ANALYZE, FORMAT JSON) {query}", *values)
        self.plans.append(msgspec.json.decode(found)[0]["Plan"])
        return await super().fetch(query, *values)


class Case(msgspec.Struct, frozen=True):
    """A list as somebody looks at it; `query` is the same list over HTTP."""

    name: str
    chosen: ConversationFilter
    query: str
    after: Keyset | None = None


async def measure(server: Server, figures: Figures, *, quick: bool) -> None:
    """Every list at two sizes. Raises RuntimeError when a list is not one index scan."""
    for number in (1_000, 50_000 if quick else 1_000_000):
        house = await furnish(await server.new_database())
        labels = await populate(house, Population(number))
        db = Database(house.dsn)
        await db.open()
        try:
            cases = await _cases(db, house, labels, number)
            await _through_the_room(db, house, cases, figures, number, times=50 if quick else 400)
        finally:
            await db.close()
        async with ours(server, house) as program:
            plan = ReadPlan(
                port=program.port,
                paths={case.name: f"/api/v1/conversations?limit={_PAGE}&{case.query}" for case in cases}
                | {"counts": "/api/v1/conversations/counts"},
                headers=f"Cookie: comptoir_session={house.cookies[0]}\r\n",
                times=20 if quick else 200,
            )
            for name, found in (await run(plan, dict[str, Latency])).items():
                figures.latency(f"list of {number:,}, {name}, over HTTP", found)


async def _cases(db: Database, house: House, labels: Mapping[str, UUID], number: int) -> list[Case]:
    agent = house.agent_ids[0]
    async with db.workspace(house.workspace_id) as tx:
        row = await tx.row(
            "SELECT last_activity_at, id FROM conversation WHERE workspace_id = $1 AND status = 'open'"
            " ORDER BY last_activity_at DESC, id DESC OFFSET $2 LIMIT 1",
            house.workspace_id,
            min(_DEEP, number // 10),
        )
    assert row is not None
    deep = (row["last_activity_at"], row["id"])
    return [
        Case("open", ConversationFilter(), "status=open"),
        Case("closed", ConversationFilter(status="closed"), "status=closed"),
        Case("mine", ConversationFilter(assignee=agent), "assignee=me"),
        Case("unassigned", ConversationFilter(assignee=NOBODY), "assignee=none"),
        Case("unassigned, closed", ConversationFilter(status="closed", assignee=NOBODY), "status=closed&assignee=none"),
        Case("one inbox, busy", ConversationFilter(inbox_id=house.web_inbox), f"inbox_id={house.web_inbox}"),
        Case(
            "one inbox, quiet", ConversationFilter(inbox_id=house.hook_inboxes[0]), f"inbox_id={house.hook_inboxes[0]}"
        ),
        *(
            Case(f"one label, {share}", ConversationFilter(label_id=labels[share]), f"label_id={labels[share]}")
            for share in (COMMON, SOME, RARE)
        ),
        Case("open, deep", ConversationFilter(), f"status=open&cursor={write_cursor(deep)}", deep),
    ]


async def _through_the_room(
    db: Database, house: House, cases: list[Case], figures: Figures, number: int, times: int
) -> None:
    agent, trouble = house.agent_ids[0], []
    for case in cases:
        async with db.workspace(house.workspace_id) as tx:
            explained = _Explained(tx.connection, house.workspace_id, db.clock)
            explained.plans = []
            await list_conversations(explained, house.workspace_id, case.chosen, agent, case.after, _PAGE)
        rows, scans = _read(explained.plans[0])
        found = []
        for _ in range(times):
            begin = time.perf_counter()
            async with db.workspace(house.workspace_id) as tx:
                await list_conversations(tx, house.workspace_id, case.chosen, agent, case.after, _PAGE)
            found.append(time.perf_counter() - begin)
        figures.latency(f"list of {number:,}, {case.name}", latency(found), must="≤ 20 ms")
        if len(scans) != 1 or "Index" not in scans[0] or rows > _MOST_ROWS:
            trouble.append(f"list of {number:,}, {case.name}: {', '.join(scans)} over {rows:,} rows")
    found = []
    for _ in range(times):
        begin = time.perf_counter()
        async with db.workspace(house.workspace_id) as tx:
            await counts(tx, house.workspace_id, agent)
        found.append(time.perf_counter() - begin)
    figures.latency(f"counts of {number:,}", latency(found), must="≤ 20 ms")
    # Of a table this small a sequential scan is the right plan.
    if trouble and number > 10_000:
        raise RuntimeError("not one index scan:\n" + "\n".join(trouble))


def _read(plan: Mapping[str, Any]) -> tuple[int, list[str]]:
    """How many rows of the table were looked at, and by which nodes."""
    nodes = [node for node in _nodes(plan) if node.get("Relation Name") == "conversation"]
    rows = sum(
        int(
            (node["Actual Rows"] + node.get("Rows Removed by Filter", 0) + node.get("Rows Removed by Index Recheck", 0))
            * node["Actual Loops"]
        )
        for node in nodes
    )
    return rows, [f"{node['Node Type']} by {node.get('Index Name', 'nothing')}" for node in nodes]


def _nodes(plan: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield plan
    for part in plan.get("Plans", ()):
        yield from _nodes(part)
