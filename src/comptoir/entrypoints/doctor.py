"""`comptoir doctor`: looks at everything that has to be right, and says what to do about what is not. Changes nothing."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit
from uuid import uuid4

import asyncpg
import msgspec

from comptoir.infra.config import Config, StartRefused, load_config, speaks_french
from comptoir.infra.database import DATABASE_ERRORS, Database
from comptoir.infra.disk import DiskWatch, free_and_total
from comptoir.infra.jobs import failed_jobs
from comptoir.infra.migrations import migration_state, refuse_unfit
from comptoir.infra.postgres import check_durability, database_dsn
from comptoir.kernel.clock import system_clock

if TYPE_CHECKING:
    from comptoir.ingest.queries import Backlog

Level = Literal["ok", "warn", "fail"]
Connection = Any
_EXTENSIONS = ("btree_gin", "pg_trgm", "unaccent")
_WEEKS_AHEAD = 2
_OLD_WORK_SECONDS = 60
_MEBI = 1024 * 1024


class Finding(msgspec.Struct, frozen=True):
    """One line of the report: what was looked at, how it is, and what to do when it is not well."""

    level: Level
    subject: str
    text: str
    advice: str = ""


def say(en: str, fr: str) -> str:
    return fr if speaks_french() else en


async def examine() -> AsyncIterator[Finding]:
    """All findings, in the order in which they build on each other."""
    try:
        config = load_config(make_secret=False)
    except StartRefused as refusal:
        yield _refused(say("Settings", "Réglages"), refusal)
        return
    for finding in (*_settings(config), *_machine(config)):
        yield finding
    yield await _blobs(config)
    try:
        dsn = database_dsn(config)
        connection = await asyncpg.connect(dsn, timeout=10)
    except StartRefused as refusal:
        yield _refused("PostgreSQL", refusal)
        return
    except DATABASE_ERRORS as error:
        yield Finding(
            "fail",
            "PostgreSQL",
            f"{type(error).__name__}: {error}",
            say("Check DATABASE_URL and that the server runs.", "Vérifiez DATABASE_URL et que le serveur fonctionne."),
        )
        return
    try:
        async for finding in _database(connection):
            yield finding
    finally:
        await connection.close()
    async for finding in _work(dsn):
        yield finding


def _refused(subject: str, refusal: StartRefused) -> Finding:
    sentence, _, advice = refusal.sentence().partition(": " if not speaks_french() else "\u202f: ")
    return Finding("fail", subject, sentence, advice[:1].upper() + advice[1:])


def _settings(config: Config) -> Iterator[Finding]:
    key = say("Secret key", "Clé secrète")
    if config.secret_keys:
        yield Finding("ok", key, say("present", "présente"))
    else:
        yield Finding(
            "warn",
            key,
            say("not made yet", "pas encore créée"),
            say("comptoir serve makes it.", "comptoir serve la crée."),
        )
    address = say("Public address", "Adresse publique")
    parts = urlsplit(config.public_url)
    if parts.hostname in {"localhost", "127.0.0.1", "::1"}:
        yield Finding(
            "warn",
            address,
            say(
                f"{config.public_url} works on this machine alone",
                f"{config.public_url} ne fonctionne que sur cette machine",
            ),
            say(
                "Set COMPTOIR_PUBLIC_URL to the address that people use.",
                "Donnez à COMPTOIR_PUBLIC_URL l’adresse que les gens utilisent.",
            ),
        )
    elif parts.scheme == "http":
        yield Finding(
            "warn",
            address,
            say(f"{config.public_url} is not encrypted", f"{config.public_url} n’est pas chiffrée"),
            say("Put a reverse proxy with TLS in front.", "Placez devant un serveur mandataire avec TLS."),
        )
    else:
        yield Finding("ok", address, config.public_url)


def _machine(config: Config) -> Iterator[Finding]:
    account = say("Account", "Compte")
    if os.geteuid() == 0:
        yield Finding(
            "warn",
            account,
            say("Comptoir runs as root", "Comptoir s’exécute en root"),
            say(
                "Outside a container, give it an account of its own.",
                "Hors d’un conteneur, donnez-lui un compte à elle.",
            ),
        )
    else:
        yield Finding("ok", account, say("not root", "pas root"))
    folder = say("Data folder", "Dossier de données")
    if not config.data.exists():
        yield Finding(
            "warn",
            folder,
            say(f"{config.data} is not there yet", f"{config.data} n’existe pas encore"),
            say("comptoir serve makes it.", "comptoir serve le crée."),
        )
    elif not os.access(config.data, os.W_OK | os.X_OK):
        yield Finding(
            "fail",
            folder,
            say(f"{config.data} cannot be written", f"{config.data} n’est pas accessible en écriture"),
            say("Give it to the account that runs Comptoir.", "Donnez-le au compte qui exécute Comptoir."),
        )
    else:
        yield Finding("ok", folder, str(config.data))
    free, total = free_and_total(config.data)
    share = say(f"{free // _MEBI} MiB free of {total // _MEBI}", f"{free // _MEBI} Mio libres sur {total // _MEBI}")
    if DiskWatch([config.data], reserve=config.disk_reserve).refuse_input:
        yield Finding(
            "fail",
            say("Disk", "Disque"),
            share,
            say(
                "New messages are refused: make room.", "Les nouveaux messages sont refusés\u202f: libérez de la place."
            ),
        )
    else:
        yield Finding("ok", say("Disk", "Disque"), share)
    static = Path(__file__).parent.parent / "static"
    apps = say("Web apps", "Applications web")
    if static.is_dir() and any(static.iterdir()):
        yield Finding("ok", apps, say("built", "construites"))
    else:
        yield Finding(
            "fail",
            apps,
            say("not built", "pas construites"),
            say("Run make web, or install the wheel.", "Exécutez make web, ou installez le paquet."),
        )


async def _blobs(config: Config) -> Finding:
    from comptoir.infra.blobs import open_blobs

    subject = say("Attachments", "Pièces jointes")
    if config.blob_url is None and not config.data.exists():
        return Finding("warn", subject, say("nothing to look at yet", "rien à examiner pour l’instant"))
    key = f"doctor/{uuid4().hex}"
    try:
        store = open_blobs(config)
        await store.put(key, b"doctor")
        read = await store.get(key, 100)
        await store.delete(key)
    except Exception as error:  # noqa: BLE001 - whatever the storage raises is the finding
        return Finding(
            "fail",
            subject,
            f"{type(error).__name__}: {str(error)[:200]}",
            say(
                "Check COMPTOIR_S3_URL, its keys, or the folder’s owner.",
                "Vérifiez COMPTOIR_S3_URL, ses clés, ou le propriétaire du dossier.",
            ),
        )
    good = read == b"doctor"
    return Finding("ok" if good else "fail", subject, say("written, read, deleted", "écriture, lecture, suppression"))


async def _database(connection: Connection) -> AsyncIterator[Finding]:
    version = await connection.fetchval("SELECT current_setting('server_version')")
    try:
        await check_durability(connection)
        yield Finding(
            "ok", "PostgreSQL", say(f"{version}, keeps what it acknowledges", f"{version}, garde ce qu’il confirme")
        )
    except StartRefused as refusal:
        yield _refused("PostgreSQL", refusal)
    state = await migration_state(connection)
    subject = "Migrations"
    try:
        refuse_unfit(state)
        if state.pending:
            yield Finding(
                "fail",
                subject,
                say(f"to apply: {', '.join(state.pending)}", f"à appliquer\u202f: {', '.join(state.pending)}"),
                say("Run comptoir migrate.", "Exécutez comptoir migrate."),
            )
        else:
            yield Finding("ok", subject, say(f"{len(state.applied)} applied", f"{len(state.applied)} appliquées"))
    except StartRefused as refusal:
        yield _refused(subject, refusal)
    have = {row[0] for row in await connection.fetch("SELECT extname FROM pg_extension")}
    missing = [name for name in _EXTENSIONS if name not in have]
    if missing:
        yield Finding(
            "fail",
            "Extensions",
            say(f"missing: {', '.join(missing)}", f"absentes\u202f: {', '.join(missing)}"),
            say(
                "Install PostgreSQL’s contrib package, then run comptoir migrate.",
                "Installez le paquet contrib de PostgreSQL, puis exécutez comptoir migrate.",
            ),
        )
    else:
        yield Finding("ok", "Extensions", ", ".join(_EXTENSIONS))
    yield await _partitions(connection)
    skew = float(
        await connection.fetchval("SELECT abs(extract(epoch FROM clock_timestamp() - $1::timestamptz))", system_clock())
    )
    clock = say("Clock", "Horloge")
    if skew > 5:
        yield Finding(
            "warn",
            clock,
            say(f"{skew:.0f} s apart from the database’s", f"{skew:.0f} s d’écart avec celle de la base"),
            say("Keep both hosts’ time by NTP.", "Synchronisez les deux machines par NTP."),
        )
    else:
        yield Finding("ok", clock, say("as the database’s", "comme celle de la base"))


async def _partitions(connection: Connection) -> Finding:
    """Whether the weeks to come have their partitions, by the names that comptoir_ensure_partitions gives them."""
    rows = await connection.fetch(
        """
        SELECT parent || '_' || to_char(date_trunc('week', now() AT TIME ZONE 'UTC') + weeks * interval '7 days', 'IYYY"w"IW')
          FROM unnest($1::text[]) AS parent, generate_series(0, $2::integer) AS weeks
        EXCEPT SELECT relname::text FROM pg_class WHERE relispartition
        """,
        ["fact", "raw_event"],
        _WEEKS_AHEAD,
    )
    if rows:
        names = ", ".join(sorted(row[0] for row in rows))
        return Finding(
            "warn",
            "Partitions",
            say(f"missing: {names}", f"absentes\u202f: {names}"),
            say(
                "Run comptoir migrate, and check that a worker runs.",
                "Exécutez comptoir migrate, et vérifiez qu’un worker fonctionne.",
            ),
        )
    return Finding("ok", "Partitions", say(f"{_WEEKS_AHEAD} weeks ahead", f"{_WEEKS_AHEAD} semaines d’avance"))


async def _work(dsn: str) -> AsyncIterator[Finding]:
    from comptoir.conversations.deliveries import uncertain_count
    from comptoir.ingest.queries import backlog

    db = Database(dsn, app_size=1, system_size=1)
    subject = say("Work", "Travail")
    try:
        await db.open()
        async with db.system() as tx:
            state = await backlog(tx)
            uncertain = await uncertain_count(tx)
            failed = await failed_jobs(tx.connection)
    except DATABASE_ERRORS as error:
        yield Finding(
            "fail",
            subject,
            f"{type(error).__name__}: {error}",
            say("Run comptoir migrate.", "Exécutez comptoir migrate."),
        )
        return
    finally:
        await db.close()
    for finding in (*_waiting(state), *_for_a_person(state, uncertain, failed)):
        yield finding


def _waiting(state: Backlog) -> Iterator[Finding]:
    subject = say("Work", "Travail")
    late = state.oldest_seconds > _OLD_WORK_SECONDS
    waiting = say(
        f"{state.waiting} waiting, the oldest for {state.oldest_seconds:.0f} s",
        f"{state.waiting} en attente, le plus ancien depuis {state.oldest_seconds:.0f} s",
    )
    yield Finding(
        "warn" if late else "ok",
        subject,
        waiting,
        say("Check that a worker runs.", "Vérifiez qu’un worker fonctionne.") if late else "",
    )


def _for_a_person(state: Backlog, uncertain: int, failed: int) -> Iterator[Finding]:
    for count, name, advice in (
        (
            state.parked,
            say("Parked threads", "Fils mis de côté"),
            say(
                "They are tried again by themselves; the worker’s log says why.",
                "Ils sont réessayés d’eux-mêmes\u202f; le journal du worker dit pourquoi.",
            ),
        ),
        (
            state.quarantined,
            say("Quarantined events", "Événements en quarantaine"),
            say(
                "Look at the inbox’s health; comptoir replay reads them again.",
                "Voyez la santé de la boîte\u202f; comptoir replay les relit.",
            ),
        ),
        (
            uncertain,
            say("Uncertain deliveries", "Envois incertains"),
            say(
                "Nobody knows whether they went out: decide in the inbox, under each message.",
                "Nul ne sait s’ils sont partis\u202f: décidez dans la boîte de réception, sous chaque message.",
            ),
        ),
        (
            failed,
            say("Failed jobs", "Tâches en échec"),
            say("The worker’s log says why.", "Le journal du worker dit pourquoi."),
        ),
    ):
        yield Finding("warn" if count else "ok", name, str(count), advice if count else "")


async def report(
    write: Callable[[str], object] = print, findings: Callable[[], AsyncIterator[Finding]] = examine
) -> int:
    """Print one line per finding; returns the exit status: 0 all well (warnings included), 1 something failed."""
    marks = {"ok": say("ok", "ok"), "warn": say("warn", "note"), "fail": say("FAIL", "ÉCHEC")}
    colon = say(": ", "\u202f: ")
    worst = 0
    async for finding in findings():
        line = f"{marks[finding.level]:<6} {finding.subject}{colon}{finding.text}"
        write(line)
        if finding.advice:
            write(f"       → {finding.advice}")
        if finding.level == "fail":
            worst = 1
    return worst


def doctor() -> int:
    """Run `comptoir doctor`."""
    return asyncio.run(report())
