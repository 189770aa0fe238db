"""What every bare door rests on: languages, origins, numbers, limits."""

from __future__ import annotations

from typing import Any

import pytest

from comptoir.api.bare import integer, is_same_origin, locale_of, read_body
from comptoir.api.static_files import StaticFolder
from comptoir.api.widget.origins import allows, frame_ancestors
from comptoir.contracts.channel import InboxView
from comptoir.kernel.errors import BodyTooLarge, InvalidInput
from comptoir.kernel.ids import NIL


def scope(**headers: str) -> dict[str, Any]:
    return {"headers": [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]}


@pytest.mark.parametrize(
    ("asked", "locale"),
    [
        ("fr-FR,fr;q=0.9,en;q=0.8", "fr"),
        ("en-GB", "en"),
        ("de,fr;q=0.5", "fr"),
        ("de", "en"),
        ("", "en"),
        (",;;q=,\x7f", "en"),
    ],
)
def test_the_first_language_we_speak(asked: str, locale: str) -> None:
    assert locale_of(scope(accept_language=asked)) == locale


@pytest.mark.parametrize(
    ("origin", "host", "same"),
    [
        (None, "shop.example", True),
        ("https://chat.example", "internal:8080", True),
        ("http://127.0.0.1:8080", "127.0.0.1:8080", True),
        ("https://evil.example", "chat.example", False),
        ("null", "chat.example", False),
        ("https://chat.example.evil.example", "chat.example", False),
    ],
)
def test_our_own_pages(origin: str | None, host: str, *, same: bool) -> None:
    headers = {"host": host} | ({"origin": origin} if origin else {})
    assert is_same_origin(scope(**headers), "https://chat.example") is same


@pytest.mark.parametrize("text", ["-1", "1.5", "x", "٣", "9" * 30, " 1"])
def test_a_number_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        integer({"after": text}, "after")


def test_a_number() -> None:
    assert integer({"after": "42"}, "after") == 42
    assert integer({}, "after", 7) == 7
    assert integer({"after": ""}, "after") is None


async def test_a_body_over_its_limit_is_refused_declared_or_not() -> None:
    parts = [b"x" * 600, b"x" * 600]

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": parts.pop(0), "more_body": bool(parts)}

    with pytest.raises(BodyTooLarge):
        await read_body(receive, scope(content_length="1200"), 1000)
    assert len(parts) == 2
    with pytest.raises(BodyTooLarge):
        await read_body(receive, scope(), 1000)


def inbox(*origins: str) -> InboxView:
    return InboxView(
        workspace_id=NIL, id=NIL, channel="web", name="x", settings={"allowed_origins": list(origins)}, credentials={}
    )


def test_sites_that_may_show_the_widget() -> None:
    assert allows(inbox(), scope(origin="https://anywhere.example"))
    assert frame_ancestors(inbox()) == "*"
    some = inbox("https://shop.example", "https://*.hotel.example:8443")
    for origin, allowed in (
        ("https://shop.example", True),
        ("https://SHOP.example", True),
        ("https://shop.example:8443", False),
        ("https://a.b.hotel.example:8443", True),
        ("https://hotel.example:8443", False),
        ("https://evilhotel.example:8443", False),
        ("", False),
    ):
        assert allows(some, scope(origin=origin)) is allowed, origin
    assert frame_ancestors(some) == "'self' https://shop.example https://*.hotel.example:8443"


def test_no_file_outside_the_folder(tmp_path: Any) -> None:
    (tmp_path / "secret.txt").write_text("secret")
    folder = tmp_path / "static"
    folder.mkdir()
    (folder / "app.js").write_text("let x = 1;\n" * 200)
    files = StaticFolder(folder)
    found = files.find("app.js")
    assert found is not None
    assert found.packed is not None
    for name in ("../secret.txt", "/etc/passwd", "a/../../secret.txt", "", ".", "app.js\0", "app.js/", "x" * 400):
        assert files.find(name) is None or name == "app.js/", name
    (folder / "app.js").write_text("let x = 2;")
    changed = files.find("app.js")
    assert changed is not None
    assert changed.etag != found.etag
