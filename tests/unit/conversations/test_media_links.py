"""Links to attachments: the same all day, good for a day at least, and nobody else's."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

from comptoir.conversations.attachments import MediaLinks
from comptoir.infra.crypto import KeyRing
from comptoir.kernel.ids import uuid7
from tests.conftest import HandClock

OLD, NEW = "an-old-secret-0123456789-abcdefghijkl", "a-new-secret-9876543210-zyxwvutsrqpo"
WORKSPACE, FILE = uuid7(), uuid7()


def opened(links: MediaLinks, link: str) -> tuple[UUID, UUID, str] | None:
    parts = urlsplit(link)
    _, _, workspace_id, attachment_id, _ = parts.path.split("/")
    asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
    return links.verify(workspace_id, attachment_id, asked.get("v", ""), asked["e"], asked["s"])


def test_a_link_is_the_same_until_midnight_and_opens_for_a_day_more() -> None:
    clock = HandClock(datetime(2026, 3, 2, 0, 0, 1, tzinfo=UTC))
    links = MediaLinks(KeyRing([OLD]), clock)
    link = links.url(WORKSPACE, FILE, "Été à Nîmes.pdf")
    clock.pass_time(hours=23, minutes=59)
    assert links.url(WORKSPACE, FILE, "Été à Nîmes.pdf") == link
    clock.pass_time(minutes=1)
    assert links.url(WORKSPACE, FILE, "Été à Nîmes.pdf") != link
    clock.pass_time(hours=23, minutes=58)
    assert opened(links, link) == (WORKSPACE, FILE, "file")
    clock.pass_time(minutes=2)
    assert opened(links, link) is None


def test_a_link_made_at_the_end_of_a_day_opens_for_a_day_too() -> None:
    clock = HandClock(datetime(2026, 3, 2, 23, 59, 59, tzinfo=UTC))
    links = MediaLinks(KeyRing([OLD]), clock)
    link = links.preview_url(WORKSPACE, FILE)
    clock.pass_time(hours=24)
    assert opened(links, link) == (WORKSPACE, FILE, "preview")


def test_links_survive_a_new_secret_and_not_the_loss_of_the_old_one() -> None:
    clock = HandClock()
    link = MediaLinks(KeyRing([OLD]), clock).url(WORKSPACE, FILE, "x")
    assert opened(MediaLinks(KeyRing([NEW, OLD]), clock), link) == (WORKSPACE, FILE, "file")
    assert opened(MediaLinks(KeyRing([NEW]), clock), link) is None


def test_channels_are_given_whole_addresses() -> None:
    links = MediaLinks(KeyRing([OLD]), HandClock(), "https://chat.example.com")
    assert links.url(WORKSPACE, FILE, "x").startswith("/media/")
    assert links.absolute.url(WORKSPACE, FILE, "x") == "https://chat.example.com" + links.url(WORKSPACE, FILE, "x")
