"""Frames of the widget: what they become, and that nothing else than the contract's errors ever comes out."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comptoir.channels.registry import channel_of
from comptoir.channels.web.inbound import parse, verify
from comptoir.channels.web.settings import check_settings
from comptoir.contracts.channel import (
    BadSignature,
    HookRequest,
    InboundMessage,
    InboundReceipt,
    InboxView,
    MalformedEvent,
)
from comptoir.contracts.content import Image, MessageEmpty, MessageTooLong, Text
from comptoir.kernel.errors import InvalidInput

FIXTURES = Path(__file__).parents[3] / "src/comptoir/channels/web/fixtures"
INBOX = InboxView(workspace_id=uuid4(), id=uuid4(), channel="web", name="Shop", settings={}, credentials={})


def request(body: bytes, visitor: str = "visitor-1") -> HookRequest:
    return HookRequest(method="POST", body=body, headers={"visitor": visitor})


def read(body: bytes) -> list[Any]:
    return list(parse(INBOX, request(body)))


def frame(**changes: Any) -> bytes:
    whole = {
        "type": "send",
        "client_id": "0190f3a2-7c4e-7d11-8a5b-3f2e1d0c9b8a",
        "content": {"type": "text", "text": "Hello"},
    }
    return json.dumps(whole | changes).encode()


def test_a_text_brings_its_page_and_its_key() -> None:
    (message,) = read((FIXTURES / "text.json").read_bytes())
    assert isinstance(message, InboundMessage)
    assert message.content == Text(text="Bonjour, avez-vous ces pantoufles en 42 ?")
    assert message.address == "visitor-1"
    assert message.origin_id == "0190f3a2-7c4e-7d11-8a5b-3f2e1d0c9b8a"
    assert message.event_key == f"visitor-1:{message.origin_id}"
    assert message.profile is not None
    assert (message.profile.locale, message.profile.time_zone) == ("fr-FR", "Europe/Paris")
    assert message.profile.page is not None
    assert message.profile.page.url == "https://comfy-shoes.example/pantoufles/laine"
    assert message.occurred_at is not None
    assert message.occurred_at.isoformat() == "2026-11-20T10:15:30.250000+00:00"


def test_of_an_attachment_only_the_id_counts() -> None:
    lie = {"id": str(uuid4()), "name": "x.exe", "size": 1, "media_type": "text/html", "url": "https://evil.example"}
    (message,) = read(frame(content={"type": "image", "attachment": lie, "text": "look"}))
    assert isinstance(message.content, Image)
    assert (message.content.attachment.name, message.content.attachment.url) == ("", None)
    assert message.content.attachment.id == UUID(str(lie["id"]))


def test_receipts_say_only_what_they_know() -> None:
    delivered, seen = read((FIXTURES / "receipt.json").read_bytes())
    assert isinstance(delivered, InboundReceipt)
    assert (delivered.state, delivered.up_to_seq, seen.state, seen.up_to_seq) == ("delivered", 7, "read", 5)
    assert [event.state for event in read(b'{"type":"receipt","delivered_seq":4,"read_seq":4}')] == ["read"]
    assert read(b'{"type":"receipt"}') == []


def test_every_fixture_is_an_event() -> None:
    for path in sorted(FIXTURES.glob("*.json")):
        assert read(path.read_bytes()), path.name


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"client_id": "7"}, "client_id"),
        ({"client_id": None}, "client_id"),
        ({"content": {"type": "text", "text": ["x"]}}, "content.text"),
        ({"content": {"type": "video"}}, "content"),
        ({"content": {"type": "unsupported", "summary": "me"}}, "content.type"),
        ({"reply_to_id": 3}, "reply_to_id"),
        ({"sent_at": "2026-11-20T10:15:30"}, "sent_at"),
        ({"context": "here"}, "context"),
        ({"context": {"url": 7}}, "context.url"),
        ({"author": "agent"}, None),
        ({"type": "receipt"}, None),
        ({"type": "delete"}, "type"),
    ],
)
def test_what_is_wrong_is_named(changes: dict[str, Any], field: str | None) -> None:
    with pytest.raises(MalformedEvent) as refused:
        read(frame(**changes))
    assert refused.value.field == field


def test_limits_of_a_text() -> None:
    assert read(frame(content={"type": "text", "text": "é" * 10_000}))
    with pytest.raises(MessageTooLong):
        read(frame(content={"type": "text", "text": "é" * 10_001}))
    for empty in ("", " \n\u00a0"):
        with pytest.raises(MessageEmpty):
            read(frame(content={"type": "text", "text": empty}))


def test_a_page_of_another_scheme_is_left_out() -> None:
    (message,) = read(
        frame(context={"url": "javascript:alert(1)", "title": "x", "locale": "<b>", "time_zone": "../../etc"})
    )
    assert message.profile is not None
    assert (message.profile.page, message.profile.locale, message.profile.time_zone) == (None, None, None)
    (message,) = read(frame(context={"url": "HTTPS://shop.example/" + "x" * 5000, "title": "t" * 999}))
    assert message.profile is not None
    assert message.profile.page is not None
    assert (len(message.profile.page.url or ""), len(message.profile.page.title or "")) == (2000, 300)


def test_two_visitors_may_have_the_same_client_id() -> None:
    (mine,) = parse(INBOX, request(frame(), "one"))
    (yours,) = parse(INBOX, request(frame(), "two"))
    assert mine.event_key != yours.event_key


def test_a_request_without_a_visitor_is_refused() -> None:
    with pytest.raises(BadSignature):
        verify(INBOX, HookRequest(method="POST", body=frame()))
    verify(INBOX, request(frame()))


@given(st.binary(max_size=400))
def test_random_bytes_raise_nothing_but_the_contracts_error(body: bytes) -> None:
    with contextlib.suppress(MalformedEvent, MessageTooLong, MessageEmpty):
        read(body)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(st.characters(codec=None)),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)


@given(
    st.sampled_from(["type", "client_id", "content", "reply_to_id", "sent_at", "context", "delivered_seq", "more"]),
    JSON,
)
def test_a_mutated_frame_raises_nothing_but_the_contracts_error(name: str, value: Any) -> None:
    try:
        events = read(frame(**{name: value}))
    except (MalformedEvent, MessageTooLong, MessageEmpty):
        return
    for event in events:
        # What passes can be stored: no NUL, no lone surrogate.
        event.content.text.encode()
        assert "\x00" not in event.content.text


@given(st.text(st.characters(codec=None), min_size=1, max_size=200))
def test_a_text_arrives_as_it_was_written(text: str) -> None:
    if not text.strip():
        return
    (message,) = read(frame(content={"type": "text", "text": text}))
    assert len(message.content.text) == len(text)
    assert all(got in {sent, "\ufffd"} for got, sent in zip(message.content.text, text, strict=True))


def test_settings_are_checked() -> None:
    assert check_settings(
        {
            "title": "Comfy",
            "colour": "#1E5B49",
            "locale": "",
            "allowed_origins": ["https://Shop.example/", "https://shop.example"],
        }
    ) == {
        "title": "Comfy",
        "colour": "#1E5B49",
        "allowed_origins": ["https://shop.example"],
    }
    for wrong in (
        {"title": "x" * 121},
        {"title": 7},
        {"colour": "green"},
        {"locale": "de"},
        {"position": "top"},
        {"allowed_origins": "https://shop.example"},
        {"allowed_origins": ["shop.example"]},
        {"allowed_origins": ["https://shop.example/path"]},
        {"allowed_origins": ["https://*"]},
        {"allowed_origins": ["https://a; script-src *"]},
        {"allowed_origins": [f"https://s{number}.example" for number in range(51)]},
    ):
        with pytest.raises(InvalidInput) as refused:
            check_settings(wrong)
        assert refused.value.field == f"settings.{next(iter(wrong))}"


def test_the_manifest_names_every_setting() -> None:
    manifest = channel_of("web").manifest
    assert set(manifest.settings) == {
        "title",
        "greeting",
        "description",
        "colour",
        "locale",
        "position",
        "allowed_origins",
    }
    assert (manifest.transport, manifest.public_hook) == ("stream", False)
    # Without it a raw event could not be replayed: who wrote does not stand in the frame.
    assert manifest.kept_headers == ("visitor",)
