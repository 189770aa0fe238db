"""Attachments on their way out: signed links, nothing that a browser would run, ranges for sound and pictures that move."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from typing import ClassVar

from comptoir.api.bare import SAFE, Headers, Receive, Scope, Send, answer, answer_refusal, header, locale_of, query
from comptoir.api.errors import MethodNotAllowed, refusal_of
from comptoir.api.services import Services
from comptoir.conversations.attachments import StoredAttachment, Variant, stored_attachment
from comptoir.conversations.file_types import disposition, served_type
from comptoir.infra.blobs import BlobMissing
from comptoir.kernel.errors import Locale, NotFound, Refusal

# Between two pieces of an upload; a line that is still for longer has gone.
PATIENCE_SECONDS = 30.0
_RANGE = re.compile(r"bytes=(\d{0,15})-(\d{0,15})")
# A link stays the same for a day and its bytes for ever.
_FIXED: Headers = (
    *SAFE,
    (b"cache-control", b"private, max-age=86400, immutable"),
    (b"content-security-policy", b"sandbox; default-src 'none'"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"accept-ranges", b"bytes"),
)


class UploadStalled(Refusal):
    """Nothing more came of an upload."""

    code = "upload_stalled"
    status = 408
    sentences: ClassVar[dict[Locale, str]] = {
        "en": "The upload stopped half way. Please try again.",
        "fr": "L’envoi s’est arrêté en chemin. Veuillez réessayer.",
    }


async def patient(stream: AsyncIterator[bytes], seconds: float = PATIENCE_SECONDS) -> AsyncIterator[bytes]:
    """The stream itself. Raises UploadStalled when nothing comes for so long."""
    pieces = aiter(stream)
    while True:
        try:
            async with asyncio.timeout(seconds):
                piece = await anext(pieces)
        except StopAsyncIteration:
            return
        except TimeoutError:
            raise UploadStalled from None
        yield piece


class MediaDoor:
    """ASGI: `/media/{workspace_id}/{attachment_id}/{name}?e=&s=`."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        """ASGI."""
        try:
            await self._serve(scope, send)
        except Exception as error:  # noqa: BLE001  # the last place where anything can still become an answer
            await answer_refusal(send, refusal_of(error, "media"), locale_of(scope))

    async def _serve(self, scope: Scope, send: Send) -> None:
        if scope["method"] not in {"GET", "HEAD"}:
            raise MethodNotAllowed
        parts = scope["path"].split("/")
        asked = query(scope)
        link = None
        if len(parts) == 5:
            link = self._services.media.verify(
                parts[2], parts[3], asked.get("v", ""), asked.get("e", ""), asked.get("s", "")
            )
        if link is None:
            raise NotFound
        workspace_id, attachment_id, variant = link
        etag = f'"{attachment_id}-{variant}"'.encode()
        if header(scope, b"if-none-match") == etag.decode():
            await answer(send, 304, headers=[*_FIXED[len(SAFE) :], (b"etag", etag)])
            return
        async with self._services.db.workspace(workspace_id) as tx:
            stored = await stored_attachment(tx, workspace_id, attachment_id)
        if stored is None or (variant == "preview" and stored.preview_key is None):
            raise NotFound
        await self._send(scope, send, stored, variant, etag)

    async def _send(self, scope: Scope, send: Send, stored: StoredAttachment, variant: Variant, etag: bytes) -> None:
        key = stored.preview_key if variant == "preview" and stored.preview_key else stored.blob_key
        wanted = _range(scope, etag)
        start, end = wanted or (0, None)
        try:
            if start < 0:
                start += (await self._services.blobs.get_stream(key, 0, 0)).size
            blob = await self._services.blobs.get_stream(key, max(start, 0), end)
        except BlobMissing:
            raise NotFound from None
        headers = [*_FIXED, (b"etag", etag), *_labels(stored, variant)]
        status = 200
        if wanted is not None:
            if blob.start >= blob.end:
                await answer(send, 416, headers=[(b"content-range", b"bytes */%d" % blob.size)])
                return
            status = 206
            headers.append((b"content-range", b"bytes %d-%d/%d" % (blob.start, blob.end - 1, blob.size)))
        headers.append((b"content-length", b"%d" % (blob.end - blob.start)))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        if scope["method"] == "GET":
            async for chunk in blob.chunks:
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b""})


def _labels(stored: StoredAttachment, variant: Variant) -> list[tuple[bytes, bytes]]:
    if variant == "preview":
        return [(b"content-type", b"image/webp"), (b"content-disposition", b"inline")]
    return [
        (b"content-type", served_type(stored.media_type).encode()),
        (b"content-disposition", disposition(stored.name).encode()),
    ]


def _range(scope: Scope, etag: bytes) -> tuple[int, int | None] | None:
    """The one range asked for, as start (negative: from the end) and exclusive end; None for the whole."""
    hit = _RANGE.fullmatch(header(scope, b"range") or "")
    condition = header(scope, b"if-range")
    if hit is None or hit.group(1) + hit.group(2) == "" or (condition is not None and condition != etag.decode()):
        return None
    first, last = hit.groups()
    if not first:
        return (-int(last), None) if int(last) else None
    if last and int(last) < int(first):
        return None
    return int(first), int(last) + 1 if last else None
