"""Files: what they are by their bytes, what they may be called, what is refused, and how they are given out again."""

from __future__ import annotations

import asyncio
import io
import struct
import zlib
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from PIL import Image

from comptoir.conversations.attachments import AGENT_LIMIT
from comptoir.kernel.ids import uuid7
from tests.counter import Answer, Client, Counter


async def upload(client: Client, name: str, body: bytes, media_type: str = "application/octet-stream") -> Answer:
    return await client.ask("POST", "/attachments", body, params={"name": name}, headers={"Content-Type": media_type})


async def fetch(counter: Counter, link: str, **headers: str) -> Answer:
    return await counter.stranger(**headers).ask("GET", "/" + link)


def picture(kind: str = "JPEG", size: tuple[int, int] = (2000, 1000), **options: Any) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, (30, 91, 73)).save(out, kind, **options)
    return out.getvalue()


def bomb(width: int, height: int) -> bytes:
    """A PNG of few bytes that claims to be enormous."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    )


async def test_a_picture_is_shown_by_a_preview_that_keeps_nothing_of_the_camera(counter: Counter) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010F] = "A camera that knows where you live"
    agent = await counter.agent()
    answer = await upload(agent, "vue.jpg", picture(exif=exif), "image/jpeg")
    assert answer.status == 201, answer.body
    attachment = answer.json
    # Lying on its side in the file, upright in the preview.
    assert (attachment["media_type"], attachment["width"], attachment["height"]) == ("image/jpeg", 1000, 2000)
    preview = await fetch(counter, attachment["preview_url"])
    assert (preview.status, preview.headers["content-type"]) == (200, "image/webp")
    with Image.open(io.BytesIO(preview.body)) as shown:
        assert shown.size == (640, 1280)
        assert dict(shown.getexif()) == {}
    assert b"knows where you live" not in preview.body
    original = await fetch(counter, attachment["url"])
    assert original.headers["content-disposition"].startswith("attachment;")
    assert (original.body, original.headers["x-content-type-options"]) == (picture(exif=exif), "nosniff")


@pytest.mark.parametrize("kind", ["PNG", "GIF", "WEBP", "BMP"])
async def test_pictures_of_other_kinds_have_previews_too(counter: Counter, kind: str) -> None:
    attachment = (await upload(await counter.agent(), "x", picture(kind, (40, 30)), "image/x")).json
    assert (attachment["width"], attachment["height"]) == (40, 30)
    assert (await fetch(counter, attachment["preview_url"])).headers["content-type"] == "image/webp"


@pytest.mark.parametrize(
    ("name", "body", "declared", "found", "served"),
    [
        ("x.png", b"<html><script>alert(1)</script></html>", "image/png", "text/html", "application/octet-stream"),
        (
            "x.png",
            b"<svg xmlns='http://www.w3.org/2000/svg' onload='x()'/>",
            "image/png",
            "image/svg+xml",
            "application/octet-stream",
        ),
        ("x.jpg", b"MZ\x90\x00" + bytes(200), "image/jpeg", "application/x-msdownload", "application/x-msdownload"),
        ("x.csv", b"a;b\n1;2\n", "text/csv", "text/csv", "text/csv; charset=utf-8"),
        ("x.txt", "élan".encode(), "text/html", "text/plain", "text/plain; charset=utf-8"),
        ("x.bin", bytes(range(256)), "video/mp4", "application/octet-stream", "application/octet-stream"),
        ("x.pdf", b"%PDF-1.7\n" + bytes(64), "application/pdf", "application/pdf", "application/pdf"),
        ("x.jpg", picture()[:400], "image/jpeg", "application/octet-stream", "application/octet-stream"),
        (
            "x.gif",
            b"GIF89a<script>alert(1)</script>",
            "image/gif",
            "application/octet-stream",
            "application/octet-stream",
        ),
    ],
)
async def test_what_lies_about_its_type_is_a_plain_file(
    counter: Counter, name: str, body: bytes, declared: str, found: str, served: str
) -> None:
    answer = await upload(await counter.agent(), name, body, declared)
    assert answer.status == 201, answer.body
    attachment = answer.json
    assert (attachment["media_type"], attachment["preview_url"], attachment["width"]) == (found, None, None)
    download = await fetch(counter, attachment["url"])
    assert (download.body, download.headers["content-type"]) == (body, served)
    assert download.headers["content-disposition"].startswith("attachment;")
    assert download.headers["content-security-policy"].startswith("sandbox")


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\nora\\photo.jpg", "photo.jpg"),
        ("invoice\u202egpj.exe", "invoicegpj.exe"),
        ("a\x00b\r\nc.txt", "ab c.txt"),
        ("...", "file"),
        ("", "file"),
        ("Été à Nîmes.pdf", "Été à Nîmes.pdf"),
        ('say "hi"; x=y.txt', "say _hi_; x=y.txt"),
        ("long" * 100 + ".docx", "long" * 28 + "lon" + ".docx"),
    ],
)
async def test_names_are_cleaned(counter: Counter, given: str, kept: str) -> None:
    attachment = (await upload(await counter.agent(), given, b"some text")).json
    assert attachment["name"] == kept
    assert len(attachment["name"]) <= 120
    header = (await fetch(counter, attachment["url"])).headers["content-disposition"]
    assert unquote(header.rpartition("''")[2]) == kept
    assert "\n" not in header


async def test_pictures_that_would_fill_the_memory_are_refused(counter: Counter) -> None:
    agent = await counter.agent()
    for width, height in ((50_000, 50_000), (65_000, 800)):
        refused = await upload(agent, "bomb.png", bomb(width, height), "image/png")
        assert (refused.status, refused.code) == (422, "picture_too_large")
    async with counter.world.db.system() as tx:
        assert await tx.value("SELECT count(*) FROM attachment") == 0
    assert [path for path in (counter.services.config.data / "blobs").rglob("*") if path.is_file()] == []


async def test_a_file_over_the_limit_is_refused_and_leaves_nothing(counter: Counter) -> None:
    agent = await counter.agent()
    refused = await upload(agent, "film.mp4", bytes(AGENT_LIMIT + 1))
    assert (refused.status, refused.code) == (413, "body_too_large")

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(AGENT_LIMIT // 65_536 + 1):
            yield bytes(65_536)

    # Without a length said beforehand it is found out on the way.
    async with counter.session.post(
        f"{counter.base_url}/api/v1/attachments", data=pieces(), headers=agent.headers
    ) as answer:
        assert answer.status == 413
    assert (await upload(agent, "empty", b"")).code == "attachment_empty"
    assert [path for path in (counter.services.config.data / "blobs").rglob("*") if path.is_file()] == []


async def test_an_upload_that_breaks_off_leaves_nothing(counter: Counter) -> None:
    agent = await counter.agent()
    host, port = counter.base_url.removeprefix("http://").split(":")
    _, writer = await asyncio.open_connection(host, int(port))
    head = "".join(f"{name}: {value}\r\n" for name, value in agent.headers.items())
    writer.write(
        f"POST /api/v1/attachments HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Length: 9000\r\n{head}\r\n".encode()
    )
    writer.write(b"half of it")
    await writer.drain()
    writer.close()
    await writer.wait_closed()
    await asyncio.sleep(0.3)
    assert [path for path in (counter.services.config.data / "blobs").rglob("*") if path.is_file()] == []
    assert (await upload(agent, "whole.txt", b"whole")).status == 201


async def test_a_message_carries_what_the_row_says_and_not_what_the_client_says(counter: Counter) -> None:
    await counter.world.write("visitor-1", "Hello")
    agent = await counter.agent()
    conversation = (await agent.get("/conversations")).json["items"][0]["id"]
    attachment = (await upload(agent, "guide.pdf", b"%PDF-1.7\n" + bytes(64), "application/pdf")).json
    lie = {"id": attachment["id"], "name": "evil.exe", "url": "https://evil.example/", "size": 1}
    path = f"/conversations/{conversation}/messages"
    sent = (await agent.post(path, {"content": {"type": "image", "attachment": lie, "text": "The guide"}})).json
    assert (sent["content"]["type"], sent["content"]["text"]) == ("file", "The guide")
    assert {name: sent["content"]["attachment"][name] for name in ("name", "size", "media_type")} == {
        "name": "guide.pdf",
        "size": 73,
        "media_type": "application/pdf",
    }
    assert urlsplit(sent["content"]["attachment"]["url"]).path.startswith("/media/")
    unknown = await agent.post(path, {"content": {"type": "file", "attachment": {"id": str(uuid7())}}})
    assert (unknown.status, unknown.code) == (422, "unknown_attachment")


async def test_links_are_signed_and_open_one_file(counter: Counter) -> None:
    agent = await counter.agent()
    first = (await upload(agent, "one.png", picture("PNG", (10, 10)), "image/png")).json
    second = (await upload(agent, "two.txt", b"two")).json
    link = first["url"]
    assert (await fetch(counter, link)).status == 200
    # The name in a link is for people; what is served is what the id says.
    assert (await fetch(counter, link.replace("one.png", "other.html"))).status == 200
    path, _, query = link.partition("?")
    forged = [
        link.replace(first["id"], second["id"]),
        link.replace(str(counter.world.workspace_id), str(uuid7())),
        link + "&v=preview",
        path,
        f"{path}?e=99999999999&s={query.partition('s=')[2]}",
        f"{path}?e=abc&s=é",
        "/media/x/y/z?e=1&s=1",
        "/media/",
    ]
    assert [(await fetch(counter, one)).code for one in forged] == ["not_found"] * len(forged)


async def test_sound_and_film_are_fetched_in_parts(counter: Counter) -> None:
    body = b"ID3\x03\x00" + bytes(range(256)) * 4
    attachment = (await upload(await counter.agent(), "a.mp3", body, "audio/mpeg")).json
    assert attachment["media_type"] == "audio/mpeg"

    async def part(wanted: str, **more: str) -> tuple[int, bytes, str | None]:
        answer = await fetch(counter, attachment["url"], Range=wanted, **more)
        return answer.status, answer.body, answer.headers.get("content-range")

    size = len(body)
    assert await part("bytes=0-9") == (206, body[:10], f"bytes 0-9/{size}")
    assert await part("bytes=10-") == (206, body[10:], f"bytes 10-{size - 1}/{size}")
    assert await part("bytes=-5") == (206, body[-5:], f"bytes {size - 5}-{size - 1}/{size}")
    assert await part("bytes=-99999") == (206, body, f"bytes 0-{size - 1}/{size}")
    assert (await part(f"bytes={size}-"))[::2] == (416, f"bytes */{size}")
    assert (await part("bytes=5-2"))[0] == 200
    assert (await part("bytes=0-1,3-4"))[0] == 200
    etag = (await fetch(counter, attachment["url"])).headers["etag"]
    assert (await part("bytes=0-9", **{"If-Range": '"another"'}))[0] == 200
    assert (await part("bytes=0-9", **{"If-Range": etag}))[0] == 206
    assert (await fetch(counter, attachment["url"], **{"If-None-Match": etag})).status == 304
    head = await counter.stranger().ask("HEAD", "/" + attachment["url"])
    assert (head.status, head.body, head.headers["content-length"]) == (200, b"", str(size))
