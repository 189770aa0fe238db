"""Files of the web apps: read once, compressed once, named by their content so that browsers ask once."""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
from pathlib import Path

import msgspec

from comptoir.api.bare import Headers, Scope, Send, answer, header

FOREVER = b"public, max-age=31536000, immutable"
ASK_AGAIN = b"no-cache"
_COMPRESSED_FROM = 512
_TEXT = ("text/", "application/javascript", "application/json", "image/svg+xml", "application/manifest+json")
# What the platform's own table may not know, or may say differently.
_TYPES = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".svg": "image/svg+xml",
    ".woff2": "font/woff2",
    ".webmanifest": "application/manifest+json",
}


class StaticFile(msgspec.Struct, frozen=True):
    """A file in memory. `packed` is the gzip form, None where it would not pay."""

    body: bytes
    packed: bytes | None
    media_type: bytes
    etag: bytes


class StaticFolder:
    """The files below a folder. A file that changes on disk is read anew."""

    def __init__(self, root: Path) -> None:
        self._root = root.resolve()
        self._files: dict[str, tuple[int, StaticFile]] = {}

    def is_built(self) -> bool:
        """Whether there is anything to serve."""
        return self._root.is_dir()

    def find(self, name: str) -> StaticFile | None:
        """The file of a name below the folder; None for one that is not there, or not below it."""
        if not name or "\0" in name or len(name) > 300:
            return None
        path = (self._root / name).resolve()
        try:
            if not path.is_relative_to(self._root) or not path.is_file():
                return None
            changed = path.stat().st_mtime_ns
            kept = self._files.get(name)
            if kept is None or kept[0] != changed:
                kept = self._files[name] = (changed, packed(path.read_bytes(), media_type_of(path)))
        except OSError:
            return None
        return kept[1]


def media_type_of(path: Path) -> str:
    """The media type by a file's ending."""
    return _TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0] or "application/octet-stream"


def packed(body: bytes, media_type: str) -> StaticFile:
    """Bytes made ready to be served many times."""
    small = gzip.compress(body, 9, mtime=0) if media_type.startswith(_TEXT) and len(body) >= _COMPRESSED_FROM else None
    etag = b'"%s"' % hashlib.sha256(body).hexdigest()[:24].encode()
    return StaticFile(body, small if small and len(small) < len(body) else None, media_type.encode(), etag)


async def answer_file(
    scope: Scope, send: Send, file: StaticFile, cache: bytes, headers: Headers = (), status: int = 200
) -> None:
    """A file, or 304 when the browser has it."""
    all_headers = [(b"cache-control", cache), (b"etag", file.etag), *headers]
    if file.packed is not None:
        all_headers.append((b"vary", b"accept-encoding"))
    if file.etag.decode() in (header(scope, b"if-none-match") or ""):
        await answer(send, 304, headers=all_headers)
    elif file.packed is not None and "gzip" in (header(scope, b"accept-encoding") or ""):
        all_headers.append((b"content-encoding", b"gzip"))
        await answer(send, status, file.packed, file.media_type, all_headers)
    else:
        await answer(send, status, file.body, file.media_type, all_headers)
