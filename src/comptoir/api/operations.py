"""What machines ask: is the process alive, may it be sent requests, what do its counters say. And what its errors mean."""

from __future__ import annotations

import asyncio

import asyncpg

from comptoir.api.bare import Receive, Scope, Send, answer, answer_json, answer_refusal, header, locale_of
from comptoir.api.error_list import page
from comptoir.api.errors import MethodNotAllowed
from comptoir.api.services import Services
from comptoir.infra import metrics
from comptoir.infra.database import AWAY
from comptoir.infra.migrations import migration_state
from comptoir.kernel.errors import NotFound
from comptoir.workspaces.errors import NotSignedIn

_PATIENCE_SECONDS = 2.0
_PAGE = [
    (b"cache-control", b"public, max-age=3600"),
    (b"vary", b"accept-language"),
    (b"content-security-policy", b"default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"),
]


class OperationsDoor:
    """ASGI: `/healthz`, `/readyz`, `/metrics`, `/docs/errors`."""

    PATHS = frozenset({"/healthz", "/readyz", "/metrics", "/docs/errors"})

    def __init__(self, services: Services) -> None:
        self._services = services
        self._migrated = False

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["method"] not in {"GET", "HEAD"}:
            await answer_refusal(send, MethodNotAllowed(), locale_of(scope))
        elif scope["path"] == "/healthz":
            await answer_json(send, {"status": "ok"})
        elif scope["path"] == "/readyz":
            await self._ready(send)
        elif scope["path"] == "/docs/errors":
            await answer(send, 200, page(locale_of(scope)), b"text/html; charset=utf-8", _PAGE)
        else:
            await self._metrics(scope, send)

    async def _ready(self, send: Send) -> None:
        database = await self._database()
        checks = {
            "database": "away" if database is None else "ok",
            "migrations": "unknown" if database is None else "ok" if database else "pending",
            "disk": "full" if self._services.disk.refuse_input else "ok",
        }
        ready = set(checks.values()) == {"ok"}
        await answer_json(send, {"status": "ok" if ready else "not ready", "checks": checks}, 200 if ready else 503)

    async def _database(self) -> bool | None:
        """Whether the database is migrated; None when it does not answer."""
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                if self._migrated:
                    async with self._services.db.system() as tx:
                        await tx.value("SELECT 1")
                else:
                    self._migrated = await self._is_migrated()
        except AWAY:
            return None
        return self._migrated

    async def _is_migrated(self) -> bool:
        # Its own connection, for the roles of the pools may not read the list of migrations. Needed once.
        connection = await asyncpg.connect(self._services.db.dsn)
        try:
            return not (await migration_state(connection)).pending
        finally:
            await connection.close()

    async def _metrics(self, scope: Scope, send: Send) -> None:
        token = self._services.config.metrics_token
        if token is None:
            await answer_refusal(send, NotFound(), locale_of(scope))
        elif not metrics.may_read(header(scope, b"authorization"), token):
            await answer_refusal(send, NotSignedIn(), locale_of(scope))
        else:
            await answer(send, 200, metrics.exposition(), metrics.CONTENT_TYPE.encode())
