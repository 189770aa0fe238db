"""`comptoir demo`: two businesses with a past, their own pages on an origin of their own, and everything that `serve` serves."""

from __future__ import annotations

import asyncio
import sys
import threading
from urllib.parse import urlsplit

import msgspec
import uvicorn

from comptoir.entrypoints.demo_seed.seed import PASSWORD, Seeded, email_of, seed
from comptoir.entrypoints.demo_site import DemoSite
from comptoir.entrypoints.supervisor import Supervisor, wait_until_ready
from comptoir.infra.config import Config, StartRefused, load_config, speaks_french
from comptoir.infra.crypto import KeyRing, Sealer
from comptoir.infra.database import Database
from comptoir.infra.log import setup_logging
from comptoir.infra.postgres import DataLock, database_dsn

_ROLES = {"owner": ("owner", "propriétaire"), "admin": ("admin", "administration"), "agent": ("agent", "agent")}


class DemoSupervisor(Supervisor):
    """`serve` with two more things: the past, put in before anyone looks, and the businesses' own pages."""

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self._seeded: list[Seeded] = []
        self._site: uvicorn.Server | None = None

    def _check_port(self) -> None:
        super()._check_port()
        beside = msgspec.structs.replace(self.config, port=self.config.port + 1)
        Supervisor(beside)._check_port()  # noqa: SLF001 -- the same question about the other port

    async def _prepare(self) -> None:
        await super()._prepare()
        db = Database(database_dsn(self.config))
        await db.open()
        try:
            self._seeded = await seed(db, Sealer(KeyRing(self.config.secret_keys)), shop_origin(self.config))
        finally:
            await db.close()

    async def _greet(self) -> None:
        self._open_site()
        await wait_until_ready(self.config.host, self.config.port)
        await wait_until_ready(self.config.host, self.config.port + 1, "/common.css")
        print(links(self.config, self._seeded), flush=True)

    def _open_site(self) -> None:
        inboxes = {item.business.slug: str(item.inbox_id) for item in self._seeded}
        self._site = uvicorn.Server(
            uvicorn.Config(
                DemoSite(inboxes, self.config.public_url),
                host=self.config.host,
                port=self.config.port + 1,
                log_config=None,
                log_level="warning",
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=1,
            )
        )
        # A thread of its own: in the main one it would take the signals from the supervisor.
        threading.Thread(target=self._site.run, name="demo-site", daemon=True).start()

    async def _let_go(self, tasks: list[asyncio.Task[None]]) -> None:
        if self._site is not None:
            self._site.should_exit = True
        await super()._let_go(tasks)


def shop_origin(config: Config) -> str:
    """Where the businesses' pages are: one port further, so that the browser takes them for strangers' pages."""
    parts = urlsplit(config.public_url)
    return f"{parts.scheme}://{parts.hostname}:{config.port + 1}"


def links(config: Config, seeded: list[Seeded]) -> str:
    """The block that says where everything is and who may sign in."""
    french = speaks_french()

    def say(en: str, fr: str) -> str:
        return fr if french else en

    lines = [
        say("Comptoir is open, with two businesses to try.", "Comptoir est ouvert, avec deux entreprises à essayer."),
        "",
    ]
    lines += _aligned(
        "",
        [
            (say("Inbox", "Boîte de réception"), f"{config.public_url}/app"),
            (say("Password for everyone", "Mot de passe pour tous"), PASSWORD),
        ],
    )
    for item in seeded:
        business = item.business
        lines += ["", business.name]
        rows = [
            (say("its own page", "sa page"), f"{shop_origin(config)}/{business.slug}/"),
            (say("hosted conversation", "conversation hébergée"), f"{config.public_url}/c/{business.slug}"),
            *((f"{agent[0]} ({say(*_ROLES[agent[2]])})", email_of(business, agent)) for agent in business.agents),
        ]
        lines += _aligned("  ", rows)
    lines += [
        "",
        say(
            "Write on a business’s page, and answer in the inbox. Ctrl-C stops everything.",
            "Écrivez sur la page d’une entreprise, répondez dans la boîte de réception. Ctrl-C arrête tout.",
        ),
    ]
    return "\n" + "\n".join(f"  {line}".rstrip() for line in lines) + "\n"


def _aligned(indent: str, rows: list[tuple[str, str]]) -> list[str]:
    wide = max(len(name) for name, _ in rows)
    return [f"{indent}{name.ljust(wide)}  {value}" for name, value in rows]


def main() -> int:
    """Run `comptoir demo`; returns the exit status."""
    try:
        config = load_config()
        setup_logging("warning" if config.log_level == "info" else config.log_level, process="demo")
        lock = DataLock(config.data) if config.embedded else None
        try:
            asyncio.run(DemoSupervisor(config).run())
        finally:
            if lock is not None:
                lock.release()
    except StartRefused as refusal:
        print(refusal.sentence(), file=sys.stderr)
        return refusal.exit_code
    return 0
