"""The little that a bare ASGI handler needs: reading a request within limits, answering it, answering a refusal.

Doors that are asked thousands of times a second, sockets and static files stand outside the framework and share this.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from uuid import UUID

import msgspec

from comptoir.infra.metrics import count_refusal
from comptoir.kernel.errors import BodyTooLarge, InvalidInput, Locale, Refusal

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
Headers = Sequence[tuple[bytes, bytes]]

JSON = b"application/json"
# On every answer, whoever gives it.
SAFE: Headers = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"strict-origin-when-cross-origin"),
    (b"permissions-policy", b"camera=(), microphone=(), geolocation=(), payment=(), usb=()"),
)
_UNSTORED: Headers = ((b"cache-control", b"no-store"),)


class HungUp(Exception):
    """The client went away while its request was being read."""


def header(scope: Scope, name: bytes) -> str | None:
    """The last header of a name (in small letters), or None."""
    found = None
    for key, value in scope["headers"]:
        if key == name:
            found = value
    return found.decode("latin-1") if found is not None else None


def query(scope: Scope) -> dict[str, str]:
    """The query parameters; of one given twice the last counts."""
    return dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True, max_num_fields=50))


def integer(values: dict[str, str], name: str, default: int | None = None, most: int = 2**63 - 1) -> int | None:
    """A whole number from 0 to `most` among query parameters. Raises InvalidInput."""
    text = values.get(name)
    if text is None or text == "":
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 20 and int(text) <= most):
        raise InvalidInput(field=name, detail=f"0–{most}")
    return int(text)


def locale_of(scope: Scope) -> Locale:
    """French or English, whichever the client names first in `Accept-Language`; English when it names neither."""
    for choice in (header(scope, b"accept-language") or "").lower().split(",")[:20]:
        language = choice.strip()[:2]
        if language in {"fr", "en"}:
            return language
    return "en"


def bearer(scope: Scope) -> str | None:
    """The token of `Authorization: Bearer`, or None."""
    scheme, _, token = (header(scope, b"authorization") or "").partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None


def is_same_origin(scope: Scope, public_url: str) -> bool:
    """Whether a browser's request came from our own pages. Without an `Origin` it is no page's doing."""
    origin = header(scope, b"origin")
    if origin is None:
        return True
    if origin.lower() == public_url.lower():
        return True
    parts = urlsplit(origin)
    return bool(parts.netloc) and parts.netloc.lower() == (header(scope, b"host") or "").lower()


def uuid_of(text: str) -> UUID | None:
    """The id in a part of a path, None when it is none."""
    try:
        return UUID(text) if len(text) == 36 else None
    except ValueError:
        return None


async def read_body(receive: Receive, scope: Scope, limit: int) -> bytes:
    """The whole body. Raises BodyTooLarge beyond `limit` bytes, HungUp when the client goes away."""
    declared = header(scope, b"content-length")
    if declared is not None and declared.isdigit() and int(declared) > limit:
        raise BodyTooLarge(limit=limit)
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise HungUp
        part = message.get("body", b"")
        size += len(part)
        if size > limit:
            raise BodyTooLarge(limit=limit)
        parts.append(part)
        if not message.get("more_body", False):
            return b"".join(parts)


async def answer(
    send: Send, status: int, body: bytes = b"", media_type: bytes = JSON, headers: Headers = _UNSTORED
) -> None:
    """A whole answer."""
    all_headers = [(b"content-length", b"%d" % len(body)), *SAFE, *headers]
    if body or status not in {204, 304}:
        all_headers.append((b"content-type", media_type))
    await send({"type": "http.response.start", "status": status, "headers": all_headers})
    await send({"type": "http.response.body", "body": body})


async def answer_json(send: Send, value: object, status: int = 200) -> None:
    """An answer in JSON."""
    await answer(send, status, msgspec.json.encode(value))


async def answer_refusal(send: Send, refusal: Refusal, locale: Locale) -> None:
    """A refusal, counted, in the asked language, with `Retry-After` where it has one."""
    count_refusal(refusal.code)
    headers = [*_UNSTORED]
    retry_after = getattr(refusal, "retry_after", 2 if refusal.status == 503 else None)
    if retry_after is not None:
        headers.append((b"retry-after", b"%d" % max(1, round(retry_after))))
    await answer(send, refusal.status, msgspec.json.encode(refusal.body(locale)), headers=headers)
