"""What the commands do that work on the database for a moment: migrate, trace, replay, persons, keys."""

from __future__ import annotations

import asyncio
import contextlib
import getpass
import secrets
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar, cast, get_args
from uuid import UUID

from comptoir.entrypoints.preparation import check_migrated, prepare_database
from comptoir.infra.config import Config, load_config, speaks_french
from comptoir.infra.database import Database, Transaction
from comptoir.infra.log import setup_logging
from comptoir.infra.postgres import DataLock, EmbeddedPostgres, database_dsn
from comptoir.infra.postgres_files import major_version
from comptoir.kernel.errors import InvalidInput, NotFound

if TYPE_CHECKING:
    from comptoir.workspaces.queries import Role, WorkspaceView

T = TypeVar("T")


def say(en: str, fr: str) -> str:
    return fr if speaks_french() else en


def migrate() -> int:
    """Bring the database up to date; starts the installation's own PostgreSQL for it when that does not run."""

    async def work(config: Config) -> None:
        async with database_running(config, make=True) as dsn:
            names = await prepare_database(dsn)
        print(say(f"{len(names)} migrations applied.", f"{len(names)} migrations appliquées."))
        for name in names:
            print(f"  {name}")

    return _run(work)


def trace(message_id: str) -> int:
    """Print the chain of facts of a message."""
    from comptoir.conversations.trace import trace_message

    wanted = _uuid(message_id, "message_id")

    async def work(db: Database) -> None:
        for line in await trace_message(db, wanted):
            print(f"{line.at.astimezone().isoformat(timespec='milliseconds')}  {line.what:<22}  {line.detail}")

    return _with_database(work)


def replay(inbox: str | None, since: str, until: str | None) -> int:
    """Feed raw events through ingest again."""
    from comptoir.entrypoints.wiring import web_services
    from comptoir.ingest import replay as ingest

    begin = _moment(since, "since")
    end = _moment(until, "until") if until else datetime.now(UTC)
    only = _uuid(inbox, "inbox") if inbox else None

    async def work(config: Config) -> None:
        async with database_running(config) as dsn:
            await check_migrated(dsn)
            services = web_services(config, dsn)
            await services.db.open()
            await services.batcher.open()
            try:
                report = await ingest.replay(services.db, services.batcher, services.inboxes.get, only, begin, end)
            finally:
                await services.batcher.close()
                await services.db.close()
        print(
            say(
                f"{report.requests} requests read, {report.events} events in them, {report.unreadable} not readable.",
                f"{report.requests} requêtes relues, {report.events} événements, {report.unreadable} illisibles.",
            )
        )

    return _run(work)


def create_person(email: str, name: str, workspace: str | None, role: str, locale: str) -> int:
    """Make a person with a password from the terminal (or from standard input), and make them an agent."""
    from comptoir.workspaces import commands, queries

    chosen = _role(role)
    password, made_up = _ask_password()

    async def work(db: Database) -> None:
        async with db.system() as tx:
            person_id = await commands.create_person(tx, email=email, name=name, password=password, locale=locale)
            if workspace is not None:
                found = await queries.workspace_by_slug(tx, workspace)
                workspace_id = (
                    found.id
                    if found
                    else await commands.create_workspace(tx, name=workspace, slug=workspace, locale=locale)
                )
                await commands.add_agent(tx, workspace_id, person_id, chosen)
        print(say(f"{email} can sign in.", f"{email} peut se connecter."))
        if made_up:
            print(say(f"Password: {password}", f"Mot de passe\u202f: {password}"))

    return _with_database(work)


def set_password(email: str) -> int:
    """Give a person a new password; all their sessions end."""
    from comptoir.workspaces import commands, queries

    password, made_up = _ask_password()

    async def work(db: Database) -> None:
        async with db.system() as tx:
            person = await queries.person_by_email(tx, email)
            if person is None:
                raise NotFound(field="email")
            await commands.set_password(tx, person.id, password)
        print(
            say(
                "The password is changed; all sessions have ended.",
                "Le mot de passe est changé\u202f; toutes les sessions sont closes.",
            )
        )
        if made_up:
            print(say(f"Password: {password}", f"Mot de passe\u202f: {password}"))

    return _with_database(work)


def create_api_key(workspace: str, name: str, role: str) -> int:
    """Make an API key and print it, the only time that it can be seen."""
    from comptoir.workspaces import commands

    chosen = _role(role)

    async def work(db: Database) -> None:
        async with db.system() as tx:
            key_id, token = await commands.create_api_key(
                tx, (await _workspace(tx, workspace)).id, name=name, role=chosen
            )
        print(say(f"Id:  {key_id}", f"Id\u202f:  {key_id}"))
        print(say(f"Key: {token}", f"Clé\u202f: {token}"))

    return _with_database(work)


def revoke_api_key(workspace: str, key_id: str) -> int:
    """End an API key."""
    from comptoir.workspaces import commands

    wanted = _uuid(key_id, "key_id")

    async def work(db: Database) -> None:
        async with db.system() as tx:
            await commands.revoke_api_key(tx, (await _workspace(tx, workspace)).id, wanted)
        print(say("The key no longer opens anything.", "La clé n’ouvre plus rien."))

    return _with_database(work)


@contextlib.asynccontextmanager
async def database_running(config: Config, *, make: bool = False) -> AsyncIterator[str]:
    """The database's address; our own server is started for the while when nobody runs it.

    Without `make` an installation that was never started is refused, rather than made. Raises StartRefused.
    """
    server = EmbeddedPostgres(config.postgres_folder)
    if not config.embedded or server.pid is not None or (major_version(server.folder) is None and not make):
        yield database_dsn(config)
        return
    lock = DataLock(config.data)
    try:
        yield await server.start()
    finally:
        await server.stop()
        lock.release()


async def _workspace(tx: Transaction, slug: str) -> WorkspaceView:
    from comptoir.workspaces import queries

    found = await queries.workspace_by_slug(tx, slug)
    if found is None:
        raise NotFound(field="workspace")
    return found


def _run(work: Callable[[Config], Coroutine[Any, Any, None]]) -> int:
    config = load_config()
    setup_logging("warning")
    asyncio.run(work(config))
    return 0


def _with_database(work: Callable[[Database], Coroutine[Any, Any, None]]) -> int:
    async def connected(config: Config) -> None:
        async with database_running(config) as dsn:
            await check_migrated(dsn)
            db = Database(dsn, app_size=1, system_size=2)
            await db.open()
            try:
                await work(db)
            finally:
                await db.close()

    return _run(connected)


def _ask_password() -> tuple[str, bool]:
    """The password, and whether we made it up: at a terminal an empty answer asks for one."""
    if not sys.stdin.isatty():
        given = sys.stdin.readline().rstrip("\n")
    else:
        given = getpass.getpass(
            say("Password (empty: make one up): ", "Mot de passe (vide\u202f: en créer un)\u202f: ")
        )
    return (given, False) if given else (secrets.token_urlsafe(12), True)


def _role(text: str) -> Role:
    from comptoir.workspaces.queries import Role

    if text not in get_args(Role):
        raise InvalidInput(field="role", detail=", ".join(get_args(Role)))
    return cast("Role", text)


def _uuid(text: str, field: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise InvalidInput(field=field, detail=f"{text} is not an id") from None


def _moment(text: str, field: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidInput(field=field, detail=f"{text} is not a time such as 2026-03-01T08:00Z") from None
    return moment if moment.tzinfo else moment.astimezone()
