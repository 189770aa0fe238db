"""The demonstration's past in a real database: there once, however often the demonstration is started."""

from __future__ import annotations

from comptoir.entrypoints.demo_seed.seed import BUSINESSES, PASSWORD, seed
from comptoir.infra.crypto import KeyRing, Sealer
from comptoir.infra.database import Database
from comptoir.workspaces import passwords
from tests.world import SECRET


async def test_it_is_put_in_once_and_follows_the_shop_to_another_port(db: Database) -> None:
    sealer = Sealer(KeyRing([SECRET]))
    first = await seed(db, sealer, "http://shop.localhost:8081")
    again = await seed(db, sealer, "http://shop.localhost:9001")
    assert [item.new for item in first] == [True, True]
    assert [item.new for item in again] == [False, False]
    assert [item.inbox_id for item in first] == [item.inbox_id for item in again]
    async with db.system() as tx:
        counted = await tx.row(
            "SELECT count(*) AS all, count(*) FILTER (WHERE status = 'open') AS open FROM conversation"
        )
        origins = await tx.fetch("SELECT settings ->> 'allowed_origins' AS said FROM inbox")
        agents = await tx.value("SELECT count(*) FROM agent")
        hashed = await tx.value("SELECT password_hash FROM person WHERE email = 'ines@dream-hotels.example'")
    assert counted is not None
    assert (counted["all"], counted["open"]) == (700, 24)
    assert all("9001" in row["said"] and "8081" not in row["said"] for row in origins)
    assert agents == 3 * len(BUSINESSES)
    assert await passwords.verify(hashed, PASSWORD)
