"""The shop and the hotel of the demonstration: strangers' pages, on an origin of their own, with our one script tag in them.

Pages are text with two languages side by side, `[[français||English]]`, and are put together at start. They keep a strict content policy, so that
the demonstration also shows what a careful shop has to allow: the program's address as a source of one script and one frame.
"""

from __future__ import annotations

import html
import mimetypes
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping, MutableMapping
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

SITES = ("comfy-shoes", "dream-hotels")
LANGUAGES = {"fr": "Français", "en": "English"}
_BOTH = re.compile(r"\[\[(.*?)\|\|(.*?)\]\]", re.DOTALL)
_INCLUDE = re.compile(r"\{\{> ([\w.-]+)\}\}")
_VALUE = re.compile(r"\{\{(\w+)\}\}")
_FRENCH_MARK = re.compile(r"(?<=[\w»%)’]) ([:;!?])(?=[\s<&]|$)")
_MORE_TYPES = {".woff2": "font/woff2", ".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8"}


class DemoSite:
    """An ASGI application over the packaged pages. `inboxes` says which inbox stands behind which site."""

    def __init__(self, inboxes: Mapping[str, str], program: str) -> None:
        self._program = program.rstrip("/")
        self._files = dict(_walk(files("comptoir").joinpath("demo_pages")))
        self._pages = dict(self._built(inboxes))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] == "lifespan":
            await _live(receive, send)
            return
        if scope["type"] != "http":
            return
        status, headers, body = self.answer(scope["path"], _languages(scope))
        await send(
            {
                "type": "http.response.start",
                "status": status,
                "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
            }
        )
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})

    def answer(self, path: str, language: str) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body for a path; `language` chooses for who has not chosen by the path."""
        name = path.strip("/")
        if name == "":
            return _moved(f"/{SITES[0]}/")
        if name in SITES:
            return _moved(f"/{name}/{language}/")
        page = self._pages.get(f"{name}/index.html") or self._pages.get(name)
        if page is not None:
            return 200, self._headers("text/html; charset=utf-8"), page
        kept = self._files.get(name)
        if kept is not None and not name.endswith(".html") and "/_" not in name:
            suffix = name[name.rfind(".") :]
            media_type = _MORE_TYPES.get(suffix) or mimetypes.guess_type(name)[0] or "application/octet-stream"
            return 200, self._headers(media_type) | {"cache-control": "max-age=300"}, kept
        return 404, self._headers("text/plain; charset=utf-8"), b"404"

    def _headers(self, media_type: str) -> dict[str, str]:
        policy = f"default-src 'self'; script-src 'self' {self._program}; frame-src {self._program}; object-src 'none'; base-uri 'none'"
        return {"content-type": media_type, "content-security-policy": policy, "x-content-type-options": "nosniff"}

    def _built(self, inboxes: Mapping[str, str]) -> Iterator[tuple[str, bytes]]:
        for path, raw in self._files.items():
            site, _, name = path.partition("/")
            if site not in SITES or not name.endswith(".html") or name.startswith("_"):
                continue
            for language in LANGUAGES:
                page = self._page(site, name, raw.decode(), language, inboxes.get(site))
                yield f"{site}/{language}/{name}", page.encode()

    def _page(self, site: str, name: str, text: str, language: str, inbox_id: str | None) -> str:
        head, _, content = text.partition("\n\n")
        values = dict(line.split(": ", 1) for line in head.strip().splitlines())
        if "template" in values:
            content = self._files[f"{site}/{values['template']}"].decode()
        other = next(code for code in LANGUAGES if code != language)
        source = f"{self._program}/widget.js?inbox={inbox_id}"
        values |= {
            "lang": language,
            "other": other,
            "other_name": LANGUAGES[other],
            "other_url": f"/{site}/{other}/{'' if name == 'index.html' else name}",
            "base": f"/{site}/{language}",
            "root": f"/{site}",
            "widget": f'<script async src="{html.escape(source)}"></script>' if inbox_id else "",
        }
        layout = self._files[f"{site}/_layout.html"].decode().replace("{{content}}", content)
        return _in_language(self._filled(site, layout, values), language)

    def _filled(self, site: str, text: str, values: Mapping[str, str]) -> str:
        """Values first, for an include may be named by one; then includes and what they hold."""
        while True:
            filled = _VALUE.sub(lambda found: values[found[1]], text)
            filled = _INCLUDE.sub(lambda found: self._files[f"{site}/{found[1]}"].decode().strip(), filled)
            if filled == text:
                return text
            text = filled


def _in_language(text: str, language: str) -> str:
    if language == "en":
        return _BOTH.sub(lambda found: found[2], text)
    # French sets a narrow no-break space before its double marks.
    return _BOTH.sub(lambda found: _FRENCH_MARK.sub("\u202f\\1", found[1]), text)


def _walk(folder: Traversable, prefix: str = "") -> Iterator[tuple[str, bytes]]:
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _walk(entry, f"{prefix}{entry.name}/")
        else:
            yield prefix + entry.name, entry.read_bytes()


def _moved(where: str) -> tuple[int, dict[str, str], bytes]:
    return 307, {"location": where, "vary": "Accept-Language", "content-length": "0"}, b""


def _languages(scope: Scope) -> str:
    """French for who prefers it, English for the others."""
    for name, value in scope["headers"]:
        if name == b"accept-language":
            first = value.decode("latin-1").lower()
            french, english = first.find("fr"), first.find("en")
            return "fr" if french >= 0 and (english < 0 or french < english) else "en"
    return "en"


async def _live(receive: Receive, send: Send) -> None:
    while True:
        event = await receive()
        await send({"type": f"{event['type']}.complete"})
        if event["type"] == "lifespan.shutdown":
            return
