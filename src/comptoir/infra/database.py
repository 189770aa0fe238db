"""The database: two pools with two plain roles, and the unit of work.

The app's role sees one workspace, named in the same simple query as `BEGIN`; the system's role (ingest, lanes, outbox, sign-in) sees all. Rows come
back as records or msgspec Structs; JSON columns come back as `msgspec.Raw`, so that what is only passed on is never decoded.

Transactions belong to the edge: one request, one batch or one job opens one here, and nobody commits inside.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import UUID

import asyncpg
import msgspec

from comptoir.infra import journal
from comptoir.kernel.clock import Clock, system_clock
from comptoir.kernel.fact import Fact

if TYPE_CHECKING:
    from comptoir.infra.signals import Signals

Record = asyncpg.Record
S = TypeVar("S", bound=msgspec.Struct)
Finisher = Callable[["Transaction"], Awaitable[None]]

# What asyncpg raises when the server is away, starting, stopping or full: the work was not done and may be done again.
AWAY: tuple[type[Exception], ...] = (
    OSError,
    asyncio.TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.TooManyConnectionsError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.DiskFullError,
    asyncpg.QueryCanceledError,
    asyncpg.DeadlockDetectedError,
    asyncpg.SerializationError,
)

# All that a database may answer instead of doing the work.
DATABASE_ERRORS: tuple[type[Exception], ...] = (*AWAY, asyncpg.PostgresError)


class Transaction:
    """One unit of work. Facts published in it get their positions by its last statement."""

    def __init__(self, connection: asyncpg.Connection[Record], workspace_id: UUID | None, clock: Clock) -> None:
        self.connection = connection
        self.workspace_id = workspace_id
        self.now = clock()
        self.facts: list[Fact] = []
        self._finishers: dict[str, Finisher] = {}
        self._after_commit: list[Callable[[], None]] = []
        self.signals: list[tuple[str, str]] = []
        self.held: dict[type, Any] = {}

    async def fetch(self, query: str, *values: object) -> list[Record]:
        """Rows of a query."""
        return await self.connection.fetch(query, *values)

    async def row(self, query: str, *values: object) -> Record | None:
        """The first row, or None."""
        return await self.connection.fetchrow(query, *values)

    async def value(self, query: str, *values: object) -> Any:
        """The first column of the first row, or None."""
        return await self.connection.fetchval(query, *values)

    async def run(self, query: str, *values: object) -> str:
        """Run a statement; gives its command tag, such as `UPDATE 3`."""
        return await self.connection.execute(query, *values)

    async def structs(self, model: type[S], query: str, *values: object) -> list[S]:
        """Rows as Structs whose fields stand in the order of the columns."""
        return [model(*row) for row in await self.connection.fetch(query, *values)]

    def publish(self, *facts: Fact) -> None:
        """Note facts; they are journalled when the transaction commits."""
        self.facts.extend(facts)

    def finish_with(self, name: str, finisher: Finisher) -> None:
        """Run something once just before the facts get their positions (a name given twice counts once)."""
        self._finishers.setdefault(name, finisher)

    def after_commit(self, action: Callable[[], None]) -> None:
        """Run something after the commit; never on rollback."""
        self._after_commit.append(action)

    def signal(self, name: str, payload: str = "") -> None:
        """Send a signal after the commit."""
        self.signals.append((name, payload))

    async def finish(self) -> None:
        """Run the finishers, journal the facts and commit, these last two in one round trip."""
        while self._finishers:
            name = next(iter(self._finishers))
            await self._finishers.pop(name)(self)
        await self.connection.execute(journal.closing_statement(self.facts, self.now))

    def committed(self) -> list[Callable[[], None]]:
        """What is to run now that the commit is done."""
        return self._after_commit


async def _prepare_connection(connection: asyncpg.Connection[Record]) -> None:
    await connection.set_type_codec(
        "jsonb", schema="pg_catalog", format="binary", encoder=_encode_jsonb, decoder=_decode_jsonb
    )


def _encode_jsonb(value: object) -> bytes:
    return b"\x01" + msgspec.json.encode(value)


def _decode_jsonb(value: bytes) -> msgspec.Raw:
    return msgspec.Raw(bytes(value)[1:])


async def _keep_session(_: object) -> None:
    """No reset: no code sets session state outside a transaction, and the reset query would cost more than most queries."""


class Database:
    """The pools of one process."""

    def __init__(
        self,
        dsn: str,
        *,
        clock: Clock = system_clock,
        app_size: int = 8,
        system_size: int = 8,
        signals: Signals | None = None,
    ) -> None:
        self.dsn = dsn
        self.clock = clock
        self.signals = signals
        self._sizes = {"comptoir_app": app_size, "comptoir_system": system_size}
        self._pools: dict[str, asyncpg.Pool[Record]] = {}

    async def open(self) -> None:
        """Connect. Raises one of `AWAY` when the server is not there."""
        for role, size in self._sizes.items():
            self._pools[role] = await asyncpg.create_pool(
                self.dsn,
                min_size=1,
                max_size=size,
                init=_prepare_connection,
                reset=_keep_session,
                timeout=10,
                command_timeout=30,
                max_inactive_connection_lifetime=120,
                server_settings=_settings(role),
            )

    async def close(self) -> None:
        """Let running queries end, then disconnect."""
        for pool in self._pools.values():
            try:
                await asyncio.wait_for(pool.close(), 5)
            except TimeoutError:
                pool.terminate()
        self._pools.clear()

    @asynccontextmanager
    async def workspace(self, workspace_id: UUID) -> AsyncIterator[Transaction]:
        """A transaction of the app's role, which sees one workspace only."""
        begin = f"BEGIN; SET LOCAL comptoir.workspace_id = '{workspace_id}'"
        async with self._transaction("comptoir_app", begin, workspace_id) as tx:
            yield tx

    @asynccontextmanager
    async def system(self) -> AsyncIterator[Transaction]:
        """A transaction of the system's role, which sees all workspaces: ingest, lanes, outbox, sign-in."""
        async with self._transaction("comptoir_system", "BEGIN", None) as tx:
            yield tx

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[asyncpg.Connection[Record]]:
        """A bare connection of the system's role, for single statements that are their own transaction."""
        async with self._pools["comptoir_system"].acquire() as connection:
            yield connection  # type: ignore[misc]  # a pool's proxy is a connection in all but name

    @asynccontextmanager
    async def _transaction(self, role: str, begin: str, workspace_id: UUID | None) -> AsyncIterator[Transaction]:
        async with self._pools[role].acquire() as connection:
            tx = Transaction(connection, workspace_id, self.clock)  # type: ignore[arg-type]  # as above
            await connection.execute(begin)
            try:
                yield tx
                await tx.finish()
            except BaseException:
                await _rollback(connection)
                raise
        self._announce(tx)

    def _announce(self, tx: Transaction) -> None:
        if self.signals is not None:
            for workspace_id in {fact.workspace_id for fact in tx.facts}:
                self.signals.send("fact", str(workspace_id))
            for name, payload in tx.signals:
                self.signals.send(name, payload)
        for action in tx.committed():
            action()


async def _rollback(connection: Any) -> None:
    if connection.is_closed():
        return
    try:
        await asyncio.shield(connection.execute("ROLLBACK", timeout=5))
    except AWAY:
        # The connection is of no more use; the pool makes another.
        connection.terminate()


def _settings(role: str) -> dict[str, str]:
    settings = {
        "role": role,
        "application_name": role,
        "timezone": "UTC",
        # The journal is sent as a literal.
        "standard_conforming_strings": "on",
        "statement_timeout": "15000",
        # A host that froze in mid-transaction must not keep its locks from the others for ever.
        "idle_in_transaction_session_timeout": "30000",
        "jit": "off",
    }
    if role == "comptoir_system":
        # Hot statements run thousands of times with arrays of all sizes: planning them anew costs a third of the server's time.
        settings["plan_cache_mode"] = "force_generic_plan"
    return settings


def ids(rows: Sequence[Record], column: str = "id") -> list[UUID]:
    """One column of rows of ids."""
    return [row[column] for row in rows]
