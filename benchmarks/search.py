"""Search over fifty thousand or a million messages: rare, frequent and very frequent words, through the room's function and over HTTP."""

from __future__ import annotations

import time

from benchmarks.contenders import ours
from benchmarks.installation import Server, furnish
from benchmarks.load import Latency, ReadPlan, latency, run
from benchmarks.population import WORDS, Population, populate
from benchmarks.results import Figures
from comptoir.conversations.search import search_messages
from comptoir.infra.database import Database

_EACH = 5
_PAGE = 20


async def measure(server: Server, figures: Figures, *, quick: bool) -> None:
    """The newest twenty messages that hold a word, by how many hold it; two words; a word that nobody wrote."""
    number = 50_000 if quick else 1_000_000
    house = await furnish(await server.new_database())
    begin = time.perf_counter()
    await populate(house, Population(number // _EACH, _EACH), searchable=True)
    print(f"  {number:,} messages made and indexed in {time.perf_counter() - begin:.0f} s")
    words = {f"a word in {number * share // 10_000:,}": word for word, share in WORDS.items()}
    words |= {"two words": "livraison remboursement", "a word in none": "parapluie"}
    db = Database(house.dsn)
    await db.open()
    try:
        for name, sought in words.items():
            times, hits = [], 0
            for _ in range(30 if quick else 100):
                at = time.perf_counter()
                async with db.workspace(house.workspace_id) as tx:
                    hits = len(await search_messages(tx, sought, None, _PAGE))
                times.append(time.perf_counter() - at)
            if (hits > 0) == (name == "a word in none"):
                raise RuntimeError(f"{hits} hits for {name}")
            figures.latency(f"search in {number:,}, {name}", latency(times), must="≤ 100 ms")
    finally:
        await db.close()
    async with ours(server, house) as program:
        plan = ReadPlan(
            port=program.port,
            paths={
                name: f"/api/v1/search?limit={_PAGE}&q={sought.replace(' ', '+')}" for name, sought in words.items()
            },
            headers=f"Cookie: comptoir_session={house.cookies[0]}\r\n",
            times=15 if quick else 50,
        )
        for name, found in (await run(plan, dict[str, Latency])).items():
            figures.latency(f"search in {number:,}, {name}, over HTTP", found)
