"""The web process: one ASGI application that hands each path to its door."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from comptoir.api.app import create_api
from comptoir.api.hooks import HookDoor
from comptoir.api.pages import PageDoor
from comptoir.api.realtime import RealtimeDoor
from comptoir.api.services import Services
from comptoir.api.widget import WidgetDoor
from comptoir.entrypoints.preparation import check_database
from comptoir.entrypoints.wiring import web_services
from comptoir.infra.config import load_config
from comptoir.infra.database import AWAY
from comptoir.infra.log import get_logger, setup_logging

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

log = get_logger(__name__)


class WebApp:
    """Opens the services at start, closes them in the reverse order, and dispatches by path in between."""

    def __init__(self) -> None:
        self._doors: list[tuple[tuple[str, ...], App]] = []
        self._services: Services | None = None
        self._tasks: list[asyncio.Task[None]] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        path: str = scope["path"]
        for prefixes, door in self._doors:
            if path.startswith(prefixes):
                await door(scope, receive, send)
                return
        await self._doors[-1][1](scope, receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        try:
            await self._open()
        except Exception as error:
            log.exception("web.start_failed")
            await send({"type": "lifespan.startup.failed", "message": f"{type(error).__name__}: {error}"})
            return
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self._close()
        await send({"type": "lifespan.shutdown.complete"})

    async def _open(self) -> None:
        config = load_config()
        setup_logging(config.log_level, process="web")
        dsn = await check_database(config)
        services = self._services = web_services(config, dsn)
        await services.db.open()
        await services.signals.open()
        await services.batcher.open()
        await services.hub.open()
        self._tasks = [asyncio.create_task(services.disk.run(), name="disk")]
        api, pages = create_api(services), PageDoor(services)
        # The first prefix that fits wins; what fits none is a page, for pages answer 404 in a person's words.
        self._doors = [
            (("/hooks/",), HookDoor(services)),
            (("/widget/api/",), WidgetDoor(services)),
            (("/api/v1/socket", "/api/v1/stream", "/api/v1/poll"), RealtimeDoor(services)),
            (("/api/", "/media/", "/healthz", "/readyz", "/metrics", "/docs/errors"), api),
            (("/",), pages),
        ]

    async def drain(self) -> None:
        """Say goodbye to everybody on a line; the server calls it before it closes the connections."""
        if self._services is not None:
            await self._services.hub.close()

    async def _close(self) -> None:
        services = self._services
        if services is None:
            return
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        with contextlib.suppress(*AWAY):
            await services.hub.close()
            await services.batcher.close()
            await services.health.close()
            await services.signals.close()
        await services.db.close()


def create_app() -> App:
    """The application factory that the server imports."""
    return WebApp()
