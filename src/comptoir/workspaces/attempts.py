"""How often somebody may try to sign in: counted in the database, so that the limit holds over all processes.

An attempt is counted before the password is looked at, so that many at once do not slip through together; a success takes
it back. Counted per e-mail and address, which stops guessing, and per address, which stops trying many e-mails.
"""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta

from comptoir.infra.database import Transaction
from comptoir.infra.metrics import counter
from comptoir.workspaces.errors import TooManyAttempts

PER_EMAIL = 10
PER_ADDRESS = 100
SLOT = timedelta(minutes=5)
SLOTS = 3
_REFUSED = counter("sign_in_limited_total", "Attempts to sign in beyond the limit.")

_COUNT = """
INSERT INTO rate_limit AS r (bucket, slot) SELECT bucket, $2 FROM unnest($1::text[]) AS b (bucket) ORDER BY bucket
ON CONFLICT (bucket, slot) DO UPDATE SET hits = r.hits + 1
"""
_HITS = """
SELECT bucket, sum(hits) AS hits, min(slot) AS oldest FROM rate_limit
 WHERE bucket = ANY($1::text[]) AND slot > $2 GROUP BY bucket
"""
_SWEEP = """
DELETE FROM rate_limit WHERE (bucket, slot) IN
    (SELECT bucket, slot FROM rate_limit WHERE slot <= $1 LIMIT 100 FOR UPDATE SKIP LOCKED)
"""


async def count_attempt(tx: Transaction, email: str, address: str) -> None:
    """Count an attempt of `email` from the network `address`. Raises TooManyAttempts beyond the limit. System transaction."""
    limits = _limits(email, address)
    since = tx.now - SLOT * SLOTS
    for row in await tx.fetch(_HITS, list(limits), since):
        if row["hits"] >= limits[row["bucket"]]:
            _REFUSED.inc()
            raise TooManyAttempts(max(1, int((row["oldest"] + SLOT * SLOTS - tx.now).total_seconds())))
    await tx.run(_COUNT, sorted(limits), _slot(tx.now))
    await tx.run(_SWEEP, since)


async def forgive(tx: Transaction, email: str, address: str) -> None:
    """The attempt succeeded: it counts no more, and what was mistyped before is forgotten. System transaction."""
    mine, shared = _limits(email, address)
    await tx.run("DELETE FROM rate_limit WHERE bucket = $1", mine)
    await tx.run(
        "UPDATE rate_limit SET hits = greatest(hits - 1, 0) WHERE bucket = $1 AND slot = $2", shared, _slot(tx.now)
    )


def _limits(email: str, address: str) -> dict[str, int]:
    # Hashed, so that the table does not list who tried to sign in, and keys have one length.
    mine = hashlib.sha256(f"{email.strip().lower()}\0{address}".encode("utf-8", "surrogatepass")).hexdigest()[:32]
    shared = hashlib.sha256(address.encode("utf-8", "surrogatepass")).hexdigest()[:32]
    return {f"sign-in:email:{mine}": PER_EMAIL, f"sign-in:address:{shared}": PER_ADDRESS}


def _slot(now: datetime) -> datetime:
    return now - timedelta(seconds=now.timestamp() % SLOT.total_seconds())
