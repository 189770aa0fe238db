"""Blobs: all or nothing, within a limit, under keys that mean nothing else."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from comptoir.infra.blobs import BlobMissing, BlobStore, BlobTooLarge, check_key, open_blobs
from comptoir.infra.config import load_config

MEGA = 1_000_000


@pytest.fixture
def blobs(tmp_path: Path) -> BlobStore:
    return open_blobs(load_config({"COMPTOIR_DATA": str(tmp_path)}))


def stored(tmp_path: Path) -> list[str]:
    folder = tmp_path / "blobs"
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


async def megabytes(count: int, *, then: Exception | None = None) -> AsyncIterator[bytes]:
    for number in range(count):
        yield bytes([number % 256]) * MEGA
    if then is not None:
        raise then


async def read(blobs: BlobStore, key: str, start: int = 0, end: int | None = None) -> bytes:
    blob = await blobs.get_stream(key, start, end)
    return b"".join([chunk async for chunk in blob.chunks])


async def test_a_large_value_comes_back_whole(blobs: BlobStore) -> None:
    assert await blobs.put_stream("workspace/photo.jpg", megabytes(12), 12 * MEGA) == 12 * MEGA
    value = await read(blobs, "workspace/photo.jpg")
    assert value == b"".join([chunk async for chunk in megabytes(12)])


@pytest.mark.parametrize("limit", [MEGA // 2, 3 * MEGA, 12 * MEGA - 1])
async def test_more_than_the_limit_is_refused_and_leaves_nothing(blobs: BlobStore, tmp_path: Path, limit: int) -> None:
    with pytest.raises(BlobTooLarge):
        await blobs.put_stream("workspace/large", megabytes(12), limit)
    assert stored(tmp_path) == []


async def test_an_upload_that_breaks_off_leaves_nothing(blobs: BlobStore, tmp_path: Path) -> None:
    with pytest.raises(ConnectionResetError):
        await blobs.put_stream("workspace/broken", megabytes(7, then=ConnectionResetError()), 20 * MEGA)
    assert stored(tmp_path) == []


async def test_parts_are_clipped_to_the_size(blobs: BlobStore) -> None:
    await blobs.put("a", b"0123456789")
    assert await read(blobs, "a", 2, 5) == b"234"
    assert await read(blobs, "a", 8, 100) == b"89"
    assert await read(blobs, "a", 100) == b""
    blob = await blobs.get_stream("a", 2, 5)
    assert (blob.size, blob.start, blob.end) == (10, 2, 5)


async def test_an_empty_value_is_a_value(blobs: BlobStore) -> None:
    assert await blobs.put_stream("empty", megabytes(0), 10) == 0
    assert await read(blobs, "empty") == b""


async def test_what_is_not_there_is_missing_and_deleting_it_is_fine(blobs: BlobStore) -> None:
    with pytest.raises(BlobMissing):
        await blobs.get_stream("nothing")
    await blobs.put("something", b"x")
    await blobs.delete("something")
    await blobs.delete("something")
    with pytest.raises(BlobMissing):
        await blobs.get("something", 10)


async def test_a_value_larger_than_asked_for_is_not_read(blobs: BlobStore) -> None:
    await blobs.put("a", b"0123456789")
    with pytest.raises(BlobTooLarge):
        await blobs.get("a", 9)


@pytest.mark.parametrize(
    "key",
    ["", "/", "/a", "a/", "a//b", "..", "../a", "a/../b", "a/./b", ".hidden", "A", "é", "a b", "a\x00", "a\n", "a.b.c",
     "a\\b", "%2e%2e", "a" * 201, "a/b/c/d/e/f/g"],
)  # fmt: skip
async def test_keys_that_could_mean_something_else_are_refused(blobs: BlobStore, key: str) -> None:
    with pytest.raises(ValueError, match="not a blob key"):
        await blobs.put(key, b"x")


def test_the_keys_that_we_make_are_accepted() -> None:
    for key in ("0198c0de-0000-7000-8000-000000000000/0198c0de-0000-7000-8000-000000000001.webp", "a", "a/b/c/d/e/f"):
        assert check_key(key) == key


def test_a_shared_folder_is_used_where_it_is_named(tmp_path: Path) -> None:
    open_blobs(load_config({"COMPTOIR_DATA": str(tmp_path / "d"), "COMPTOIR_S3_URL": f"file://{tmp_path}/share%20d"}))
    assert (tmp_path / "share d").is_dir()
