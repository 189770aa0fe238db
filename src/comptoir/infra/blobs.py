"""Attachments and other large bytes: a local folder or S3, behind one class.

Keys are made by us, never taken from a file's name: `WORKSPACE/ID` or deeper, in a narrow alphabet, so that no key
means anything else to a file system, a URL or a bucket.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

import msgspec

from comptoir.infra.config import Config

if TYPE_CHECKING:
    from obstore.store import LocalStore, S3Store

_KEY = re.compile(r"[a-z0-9][a-z0-9_-]*(?:\.[a-z0-9]+)?(?:/[a-z0-9][a-z0-9_-]*(?:\.[a-z0-9]+)?){0,5}")
_KEY_MAX = 200
_CHUNK = 256 * 1024
# The smallest part that S3 takes; two of them are in memory for each upload.
_PART = 5 * 1024 * 1024


class BlobTooLarge(Exception):
    """More bytes came than the limit allows; nothing was kept. `limit` is in bytes."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"more than {limit} bytes")
        self.limit = limit


class BlobMissing(Exception):
    """There is nothing under this key."""


class Blob(msgspec.Struct, frozen=True):
    """A stored value being read: its whole size, the part asked for (`start` to `end`, exclusive) and the bytes."""

    size: int
    start: int
    end: int
    chunks: AsyncIterator[bytes]


def check_key(key: str) -> str:
    """The key itself. Raises ValueError unless it is at most 200 characters of a-z 0-9 _ - in up to six segments."""
    if len(key) > _KEY_MAX or _KEY.fullmatch(key) is None:
        raise ValueError(f"not a blob key: {key[:80]!r}")
    return key


class BlobStore:
    """Values under keys. All methods may raise OSError when the storage is away or full."""

    def __init__(self, store: LocalStore | S3Store) -> None:
        self._store = store

    async def put_stream(self, key: str, chunks: AsyncIterator[bytes], limit: int) -> int:
        """Store what `chunks` yields, at most `limit` bytes, all or nothing; returns the number of bytes.

        Raises BlobTooLarge, and whatever `chunks` raises; in both cases nothing is stored under the key.
        """
        from obstore import put_async

        check_key(key)
        size = 0

        async def counted() -> AsyncIterator[bytes]:
            nonlocal size
            async for chunk in chunks:
                size += len(chunk)
                if size > limit:
                    raise BlobTooLarge(limit)
                yield chunk

        # An error or a cancellation in between aborts the upload and removes its parts.
        await put_async(self._store, key, counted(), chunk_size=_PART, max_concurrency=2)
        return size

    async def put(self, key: str, value: bytes) -> None:
        """Store a value that is in memory already."""
        from obstore import put_async

        await put_async(self._store, check_key(key), value)

    async def get_stream(self, key: str, start: int = 0, end: int | None = None) -> Blob:
        """Read from byte `start` to `end` (exclusive; None: to the end), clipped to the size. Raises BlobMissing."""
        from obstore import get_range_async, head_async

        check_key(key)
        try:
            size = (await head_async(self._store, key))["size"]
        except FileNotFoundError:
            raise BlobMissing(key) from None
        stop = size if end is None else min(end, size)
        first = min(max(start, 0), stop)
        store = self._store

        async def read() -> AsyncIterator[bytes]:
            # Range by range rather than one stream: a reader that goes away leaves no request open behind it.
            for at in range(first, stop, _CHUNK):
                yield bytes(await get_range_async(store, key, start=at, end=min(at + _CHUNK, stop)))

        return Blob(size=size, start=first, end=stop, chunks=read())

    async def get(self, key: str, limit: int) -> bytes:
        """The whole value. Raises BlobMissing, or BlobTooLarge beyond `limit` bytes."""
        blob = await self.get_stream(key)
        if blob.size > limit:
            raise BlobTooLarge(limit)
        return b"".join([chunk async for chunk in blob.chunks])

    async def delete(self, key: str) -> None:
        """Remove the value; removing what is not there is fine."""
        from obstore import delete_async

        try:
            await delete_async(self._store, check_key(key))
        except FileNotFoundError:
            return


def open_blobs(config: Config) -> BlobStore:
    """The store of the installation: COMPTOIR_S3_URL, or `blobs` in the data folder.

    S3's keys, region and endpoint come from the usual AWS_* variables.
    """
    from obstore.store import LocalStore, S3Store

    if config.blob_url is not None and config.blob_url.startswith("s3://"):
        return BlobStore(S3Store.from_url(config.blob_url))
    folder = config.data / "blobs"
    if config.blob_url is not None:
        folder = Path(unquote(urlsplit(config.blob_url).path))
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return BlobStore(LocalStore(prefix=folder, automatic_cleanup=True))
