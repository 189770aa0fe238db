"""Everything that a browser opens: the widget's script and frame, the hosted page, the inbox app."""

from __future__ import annotations

import html
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from comptoir.api.bare import Headers, Receive, Scope, Send, answer, answer_refusal, header, locale_of, query, uuid_of
from comptoir.api.door_errors import AppsNotBuilt
from comptoir.api.errors import MethodNotAllowed
from comptoir.api.services import Services
from comptoir.api.static_files import ASK_AGAIN, FOREVER, StaticFolder, answer_file, packed
from comptoir.api.widget.origins import frame_ancestors
from comptoir.api.widget.state import VisitorState
from comptoir.channels.web.manifest import MANIFEST
from comptoir.contracts.channel import InboxView
from comptoir.inboxes.queries import inbox_of_slug
from comptoir.infra.database import AWAY
from comptoir.kernel.errors import Locale, Refusal, Unavailable

STATIC = Path(__file__).parent.parent / "static"
# Settings change seldom, and a changed colour may take this long to be seen by those who have the script already.
_SCRIPT_CACHE = b"public, max-age=300"
_NOT_FOUND = {
    "en": ("Nothing here", "There is no page at this address. It may have moved, or the link may be incomplete."),
    "fr": ("Rien ici", "Il n’y a pas de page à cette adresse. Elle a peut-être changé, ou le lien est incomplet."),
}
_HTML = b"text/html; charset=utf-8"


class PageDoor:
    """ASGI. One per process."""

    def __init__(self, services: Services, static: Path = STATIC) -> None:
        self._services = services
        self._inbox_app = StaticFolder(static / "inbox")
        self._widget = StaticFolder(static / "widget")
        self._state = VisitorState(services)
        self._https = services.config.public_url.startswith("https://")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 4404})
            return
        try:
            if scope["method"] not in {"GET", "HEAD"}:
                raise MethodNotAllowed
            await self._route(scope)(scope, send)
        except Refusal as refusal:
            await answer_refusal(send, refusal, locale_of(scope))
        except AWAY:
            await answer_refusal(send, Unavailable(), locale_of(scope))

    def _route(self, scope: Scope) -> Callable[[Scope, Send], Awaitable[None]]:
        path: str = scope["path"]
        if path == "/widget.js":
            return self._script
        if path.startswith("/widget/frame/"):
            return self._frame
        if path.startswith("/widget/assets/"):
            return self._asset
        if path.startswith("/c/"):
            return self._hosted
        if path == "/app" or path.startswith("/app/"):
            return self._app
        return self._home if path == "/" else self._missing

    # ---------------------------------------------------------------------------------------------------------- the widget

    async def _script(self, scope: Scope, send: Send) -> None:
        inbox = await self._web_inbox(query(scope).get("inbox", ""))
        headers = [(b"cross-origin-resource-policy", b"cross-origin"), (b"access-control-allow-origin", b"*")]
        if inbox is None:
            # A browser does not run a script that comes with 404, but shows the line in its console; a person reads why here.
            body = b'console.warn("Comptoir: there is no such inbox. Check the address in the script tag.");'
            await answer(
                send, 404, body, b"text/javascript; charset=utf-8", [(b"cache-control", b"no-store"), *headers]
            )
            return
        loader = self._widget.find("loader.js")
        if loader is None:
            raise AppsNotBuilt
        settings = inbox.settings
        said = {
            "inbox_id": str(inbox.id),
            "host": self._host(scope),
            "name": settings.get("title") or inbox.name,
            **{name: settings[name] for name in ("colour", "position", "locale") if settings.get(name)},
        }
        script = loader.body.replace(b"__COMPTOIR_SETTINGS__", json.dumps(said).replace("<", "\\u003c").encode())
        await answer_file(scope, send, packed(script, "text/javascript; charset=utf-8"), _SCRIPT_CACHE, headers)

    async def _frame(self, scope: Scope, send: Send) -> None:
        inbox = await self._web_inbox(scope["path"].removeprefix("/widget/frame/"))
        if inbox is None:
            await self._missing(scope, send)
            return
        await self._conversation_page(scope, send, inbox, "frame", frame_ancestors(inbox))

    async def _hosted(self, scope: Scope, send: Send) -> None:
        slug = scope["path"].removeprefix("/c/").rstrip("/")
        inbox_id = None
        if 0 < len(slug) <= 100 and "\0" not in slug:
            async with self._services.db.system() as tx:
                inbox_id = await inbox_of_slug(tx, slug)
        inbox = await self._web_inbox(str(inbox_id)) if inbox_id is not None else None
        if inbox is None:
            await self._missing(scope, send)
            return
        await self._conversation_page(scope, send, inbox, "page", "'self'")

    async def _conversation_page(self, scope: Scope, send: Send, inbox: InboxView, mode: str, ancestors: str) -> None:
        page = self._widget.find("frame.html")
        if page is None:
            raise AppsNotBuilt
        settings = inbox.settings
        name = settings.get("title") or inbox.name
        said: dict[str, Any] = {
            "inbox_id": str(inbox.id),
            "mode": mode,
            "name": name,
            **{key: settings.get(key) for key in ("greeting", "description", "colour", "locale")},
            "agents": [
                {"name": face.name, "avatar_url": face.avatar_url}
                for face in await self._state.faces(inbox.workspace_id)
            ],
        }
        locale = settings.get("locale") or locale_of(scope)
        title = f"Écrire à {name}" if locale == "fr" else f"Write to {name}"
        text = page.body.decode().replace('<html lang="en">', f'<html lang="{html.escape(locale)}">', 1)
        filled = (
            text.replace("__TITLE__", html.escape(title))
            .replace("__DESCRIPTION__", html.escape(settings.get("description") or settings.get("greeting") or title))
            .replace("__SETTINGS__", html.escape(json.dumps(said, ensure_ascii=False)))
        )
        policy = self._policy(
            scope, "img-src 'self' data: blob:", "media-src 'self' blob:", f"frame-ancestors {ancestors}"
        )
        vary = [(b"vary", b"accept-language")]
        await answer_file(
            scope, send, packed(filled.encode(), _HTML.decode()), ASK_AGAIN, [policy, *vary, *self._strict()]
        )

    async def _asset(self, scope: Scope, send: Send) -> None:
        file = self._widget.find(scope["path"].removeprefix("/widget/"))
        if file is None:
            await self._missing(scope, send)
            return
        await answer_file(scope, send, file, FOREVER, self._strict())

    async def _web_inbox(self, named: str) -> InboxView | None:
        inbox_id = uuid_of(named.rstrip("/"))
        inbox = await self._services.inboxes.get(inbox_id) if inbox_id is not None else None
        return inbox if inbox is not None and inbox.channel == MANIFEST.code else None

    # ------------------------------------------------------------------------------------------------------- the inbox app

    async def _app(self, scope: Scope, send: Send) -> None:
        name = scope["path"].removeprefix("/app").strip("/")
        file = self._inbox_app.find(name)
        cache = FOREVER if name.startswith("_app/immutable/") else ASK_AGAIN
        if file is None and "." not in name.rpartition("/")[2]:
            # Every path of the app is answered with its one page, which finds its way itself.
            file = self._inbox_app.find("index.html")
            if file is None:
                raise AppsNotBuilt
        if file is None:
            await self._missing(scope, send)
            return
        policy = self._policy(
            scope,
            "img-src 'self' data: blob:",
            "media-src 'self' blob:",
            "manifest-src 'self'",
            "worker-src 'self'",
            "frame-ancestors 'none'",
        )
        headers = [
            policy,
            (b"x-frame-options", b"DENY"),
            (b"cross-origin-opener-policy", b"same-origin"),
            *self._strict(),
        ]
        await answer_file(scope, send, file, cache, headers)

    async def _home(self, _: Scope, send: Send) -> None:
        await answer(send, 307, headers=[(b"location", b"/app"), *self._strict()])

    async def _missing(self, scope: Scope, send: Send) -> None:
        locale = locale_of(scope)
        title, text = _NOT_FOUND[locale]
        await answer(
            send,
            404,
            _simple_page(locale, title, f"<p>{html.escape(text)}</p>"),
            _HTML,
            [_BARE_POLICY, *self._strict()],
        )

    # -------------------------------------------------------------------------------------------------------------- shared

    def _host(self, scope: Scope) -> str:
        """The address of this program as the page that asks reaches it: the public one, unless that was only guessed."""
        public = self._services.config.public_url
        asked = header(scope, b"host")
        if asked is None or urlsplit(public).hostname not in {"localhost", "127.0.0.1"}:
            return public
        return f"{scope.get('scheme', 'http')}://{asked}"

    def _policy(self, scope: Scope, *more: str) -> tuple[bytes, bytes]:
        # Not every browser takes 'self' to mean sockets too.
        host = urlsplit(self._host(scope)).netloc
        parts = [
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "font-src 'self'",
            f"connect-src 'self' ws://{host} wss://{host}",
            "base-uri 'none'",
            "form-action 'self'",
            *more,
        ]
        return b"content-security-policy", "; ".join(parts).encode("ascii", "ignore")

    def _strict(self) -> Headers:
        return [(b"strict-transport-security", b"max-age=31536000")] if self._https else []


_BARE_POLICY = (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'; base-uri 'none'")


def _simple_page(locale: Locale, title: str, body: str) -> bytes:
    return (
        f'<!doctype html><html lang="{locale}"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{html.escape(title)} · Comptoir</title><h1>{html.escape(title)}</h1>{body}</html>"
    ).encode()
