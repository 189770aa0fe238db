"""The shop's and the hotel's pages: whole in both languages, nothing inline, nothing from elsewhere but our one script."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from comptoir.entrypoints.demo_site import LANGUAGES, SITES, DemoSite

PROGRAM = "http://counter.example:8080"
INBOXES = {
    "comfy-shoes": "01a20000-0000-7000-8000-000000000001",
    "dream-hotels": "01a20000-0000-7000-8000-000000000002",
}


@pytest.fixture(scope="module")
def site() -> DemoSite:
    return DemoSite(INBOXES, PROGRAM + "/")


class Page(HTMLParser):
    """What a page points to, and what a strict content policy would refuse."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.ids: set[str] = set()
        self.inline: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        self.ids.add(named.get("id") or "")
        self.links += [named[name] or "" for name in ("href", "src") if name in named]
        inline_script = tag == "script" and not named.get("src")
        if tag == "style" or inline_script or "style" in named or any(name.startswith("on") for name in named):
            self.inline.append(self.get_starttag_text() or tag)


def every_page(site: DemoSite) -> list[tuple[str, str]]:
    found: dict[str, str] = {}
    wanted = [f"/{name}/{language}/" for name in SITES for language in LANGUAGES]
    while wanted:
        path = wanted.pop()
        status, headers, body = site.answer(path, "en")
        assert status == 200, path
        if path in found or not headers["content-type"].startswith("text/html"):
            continue
        found[path] = body.decode()
        wanted += [
            link.split("#")[0] for link in Page(found[path]).links if link.startswith("/") and link.split("#")[0]
        ]
    return sorted(found.items())


def test_every_link_leads_somewhere_and_nothing_is_left_unfilled(site: DemoSite) -> None:
    pages = every_page(site)
    assert len(pages) >= 28
    for path, text in pages:
        page = Page(text)
        assert not re.search(r"\[\[|\]\]|\|\||\{\{|\}\}", text), path
        for link in page.links:
            if link.startswith("#"):
                assert link[1:] in page.ids, (path, link)
            elif "#" in link:
                target = site.answer(link.split("#")[0], "en")[2].decode()
                assert link.split("#")[1] in Page(target).ids, (path, link)


def test_nothing_is_inline_and_nothing_comes_from_elsewhere(site: DemoSite) -> None:
    for path, text in every_page(site):
        page = Page(text)
        name = path.split("/")[1]
        assert page.inline == [], path
        foreign = [link for link in page.links if "//" in link]
        assert foreign == [f"{PROGRAM}/widget.js?inbox={INBOXES[name]}"], path


def test_the_policy_lets_in_one_script_and_one_frame(site: DemoSite) -> None:
    _, headers, _ = site.answer("/comfy-shoes/fr/", "fr")
    policy = headers["content-security-policy"]
    assert f"script-src 'self' {PROGRAM};" in policy
    assert f"frame-src {PROGRAM};" in policy
    assert "unsafe" not in policy


def test_each_language_is_written_as_it_should_be(site: DemoSite) -> None:
    for path, text in every_page(site):
        language = path.split("/")[2]
        assert f'<html lang="{language}">' in text, path
        words = re.sub(r"<[^>]*>", " ", text)
        if language == "fr":
            assert not re.search(r"\w [:;!?](\s|$)", words), path
        else:
            assert "\u202f" not in words, path


@pytest.mark.parametrize(
    ("accepted", "language"),
    [("fr-CA,fr;q=0.9,en;q=0.8", "fr"), ("en-GB,en;q=0.9,fr;q=0.5", "en"), ("de", "en"), (None, "en")],
)
async def test_a_visitor_is_met_in_the_language_of_the_browser(
    site: DemoSite, accepted: str | None, language: str
) -> None:
    headers = [] if accepted is None else [(b"accept-language", accepted.encode())]
    sent: list[dict[str, object]] = []

    async def send(message: object) -> None:
        assert isinstance(message, dict)
        sent.append(message)

    async def receive() -> dict[str, object]:
        return {"type": "http.request"}

    await site({"type": "http", "method": "GET", "path": "/dream-hotels", "headers": headers}, receive, send)
    assert sent[0]["status"] == 307
    assert (b"location", f"/dream-hotels/{language}/".encode()) in sent[0]["headers"]  # type: ignore[operator]


@pytest.mark.parametrize(
    "path",
    ["/../seed.py", "/comfy-shoes/_layout.html", "/comfy-shoes/index.html", "/nothing", "/comfy-shoes/fr/x.html"],
)
def test_what_is_no_page_is_not_given_out(site: DemoSite, path: str) -> None:
    assert site.answer(path, "en")[0] == 404
