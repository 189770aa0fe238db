"""What a browser opens: script, frame, hosted page, inbox app. Safe by their headers, cached by their content."""

from __future__ import annotations

import html
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pytest

from comptoir.inboxes.commands import update_inbox
from tests.doors import Doors, open_doors
from tests.world import World

LOADER = "console.log(__COMPTOIR_SETTINGS__.inbox_id);" + " " * 600
FRAME = (
    '<!doctype html><html lang="en"><title>__TITLE__</title><meta name="description" content="__DESCRIPTION__" />'
    '<script type="module" src="/widget/assets/frame-1234.js"></script><body data-settings="__SETTINGS__"></body></html>'
)


@pytest.fixture
async def pages(world: World, tmp_path: Path) -> AsyncIterator[Doors]:
    """The doors over a small build of the apps."""
    static = tmp_path / "static"
    for name, text in {
        "widget/loader.js": LOADER,
        "widget/frame.html": FRAME,
        "widget/assets/frame-1234.js": "export const a = 1;\n" * 100,
        "inbox/index.html": "<!doctype html><title>Comptoir</title>",
        "inbox/_app/immutable/start.js": "let a = 1;\n" * 100,
    }.items():
        path = static / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    async with open_doors(world, tmp_path / "data", static) as opened:
        yield opened


async def configure(doors: Doors, **settings: object) -> None:
    world = doors.world
    async with world.db.workspace(world.workspace_id) as tx:
        await update_inbox(tx, world.workspace_id, world.inbox.id, sealer=world.sealer, settings=settings)
    doors.services.inboxes.forget(None)


async def test_the_script_carries_the_inbox_and_is_asked_for_once(pages: Doors) -> None:
    await configure(pages, title="Comfy </script><b>", colour="#aabbcc", position="left")
    url = f"{pages.base_url}/widget.js?inbox={pages.world.inbox.id}"
    async with pages.http.get(url) as answer:
        script = await answer.text()
        assert answer.status == 200
        assert answer.headers["Content-Type"].startswith("text/javascript")
        assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
        assert answer.headers["Content-Encoding"] == "gzip"
        etag = answer.headers["ETag"]
    settings = json.loads(script[len("console.log(") : script.index(".inbox_id")])
    assert settings == {
        "inbox_id": str(pages.world.inbox.id),
        "host": pages.base_url,
        "name": "Comfy </script><b>",
        "colour": "#aabbcc",
        "position": "left",
    }
    assert "</script>" not in script
    async with pages.http.get(url, headers={"If-None-Match": etag}) as answer:
        assert (answer.status, await answer.read()) == (304, b"")
    await configure(pages, title="Other")
    async with pages.http.get(url, headers={"If-None-Match": etag}) as answer:
        assert answer.status == 200


@pytest.mark.parametrize("inbox", ["", "nonsense", "0195d3c0-0000-7000-8000-000000000000", "%00"])
async def test_the_script_of_no_inbox_says_so(pages: Doors, inbox: str) -> None:
    async with pages.http.get(f"{pages.base_url}/widget.js?inbox={inbox}") as answer:
        assert answer.status == 404
        assert "there is no such inbox" in await answer.text()


async def test_the_frame_and_the_hosted_page_are_one_page_in_two_places(pages: Doors) -> None:
    await configure(
        pages, greeting='Bonjour "vous"', description="Des <b>pantoufles</b>", locale="fr", title="Comfy & Co"
    )
    for path, mode, ancestors in (
        (f"/widget/frame/{pages.world.inbox.id}", "frame", "*"),
        ("/c/comfy-shoes", "page", "'self'"),
    ):
        async with pages.http.get(pages.base_url + path) as answer:
            text = await answer.text()
            policy = answer.headers["Content-Security-Policy"]
        found = re.search(r'data-settings="([^"]*)"', text)
        assert found is not None
        settings = json.loads(html.unescape(found[1]))
        assert settings["mode"] == mode
        assert settings["greeting"] == 'Bonjour "vous"'
        assert [face["name"] for face in settings["agents"]] == ["Nora Lefèvre", "Tom Baker"]
        assert '<html lang="fr">' in text
        assert "<title>Écrire à Comfy &amp; Co</title>" in text
        assert 'content="Des &lt;b&gt;pantoufles&lt;/b&gt;"' in text
        assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'")
        assert "unsafe" not in policy
        assert policy.endswith(f"frame-ancestors {ancestors}")
        assert f"connect-src 'self' ws://{pages.base_url[7:]} wss://{pages.base_url[7:]}" in policy
    for path in ("/c/nobody", "/c/", "/c/%00", "/widget/frame/nobody", f"/widget/frame/{uuid4()}"):
        async with pages.http.get(pages.base_url + path, headers={"Accept-Language": "fr"}) as answer:
            assert answer.status == 404
            assert "Il n’y a pas de page à cette adresse" in await answer.text()


async def test_the_app_answers_every_path_and_nobody_may_frame_it(pages: Doors) -> None:
    for path in ("/app", "/app/", "/app/comfy-shoes/inbox/mine/0190f3a2"):
        async with pages.http.get(pages.base_url + path) as answer:
            assert (answer.status, "<title>Comptoir</title>" in await answer.text()) == (200, True)
            assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
            assert answer.headers["X-Frame-Options"] == "DENY"
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert answer.headers["Cache-Control"] == "no-cache"
            assert "Permissions-Policy" in answer.headers
            assert "Referrer-Policy" in answer.headers
    for path, status in (
        ("/app/_app/immutable/start.js", 200),
        ("/widget/assets/frame-1234.js", 200),
        ("/app/_app/immutable/gone.js", 404),
        ("/widget/assets/gone.js", 404),
        ("/widget/assets/../../secret", 404),
        ("/widget/assets/%2e%2e/%2e%2e/%2e%2e/pages.py", 404),
        ("/app/%2e%2e/%2e%2e/pages.py", 404),
    ):
        async with pages.http.get(pages.base_url + path) as answer:
            assert answer.status == status, path
            if status == 200:
                assert "immutable" in answer.headers["Cache-Control"]
    async with pages.http.get(pages.base_url, allow_redirects=False) as answer:
        assert (answer.status, answer.headers["Location"]) == (307, "/app")
    async with pages.http.post(f"{pages.base_url}/app") as answer:
        assert answer.status == 405
    async with pages.http.head(f"{pages.base_url}/app") as answer:
        assert (answer.status, await answer.read()) == (200, b"")


async def test_without_a_build_one_sentence_says_how_to_make_it(world: World, tmp_path: Path) -> None:
    async with open_doors(world, tmp_path / "data", tmp_path / "nothing") as doors:
        for path in ("/app", f"/widget.js?inbox={world.inbox.id}", "/c/comfy-shoes"):
            async with doors.http.get(doors.base_url + path) as answer:
                assert answer.status == 503
                assert "run make web" in (await answer.json())["error"]["message"]
