"""What Loopback alone does, beyond what the kit asks of every channel."""

from __future__ import annotations

from uuid import UUID

import msgspec
import pytest

from comptoir.channels.loopback.fixtures import CREDENTIALS, SETTINGS, signed
from comptoir.channels.loopback.inbound import handshake, parse
from comptoir.channels.loopback.outbound import read_answer, render
from comptoir.contracts.channel import (
    BadSignature,
    Failed,
    FailureKind,
    HookAnswer,
    HookRequest,
    InboundMessage,
    InboxView,
    OutboundMessage,
    ProviderAnswer,
    Sent,
)
from comptoir.contracts.content import TEXT_LIMIT, Text, Unsupported

INBOX = InboxView(
    workspace_id=UUID(int=1),
    id=UUID(int=2),
    channel="loopback",
    name="Sample",
    settings=dict(SETTINGS),
    credentials=dict(CREDENTIALS),
)


def messages(*events: object) -> list[InboundMessage]:
    found = parse(INBOX, signed(INBOX, msgspec.json.encode({"events": list(events)})))
    assert all(isinstance(event, InboundMessage) for event in found)
    return [event for event in found if isinstance(event, InboundMessage)]


def written(text: str, **fields: object) -> dict[str, object]:
    return {"id": "ev_1", "type": "message", "contact": "alice"} | {
        "message": {"id": "lm_1", "type": "text", "text": text} | fields
    }


def test_the_handshake_gives_the_challenge_back() -> None:
    query = {"challenge": "7331", "verify_token": CREDENTIALS["verify_token"]}
    assert handshake(INBOX, HookRequest(method="GET", body=b"", query=query)) == HookAnswer(body=b"7331")
    assert handshake(INBOX, HookRequest(method="POST", body=b"", query=query)) is None
    with pytest.raises(BadSignature):
        handshake(INBOX, HookRequest(method="GET", body=b"", query=query | {"verify_token": "x"}))


def test_a_text_longer_than_a_message_comes_in_parts() -> None:
    first, second = messages(written("a" * TEXT_LIMIT + "b"))
    assert (first.content, second.content) == (Text("a" * TEXT_LIMIT), Text("b"))
    assert (first.event_key, second.event_key) == ("ev_1", "ev_1#1")


def test_an_empty_text_is_shown_as_what_it_is() -> None:
    (event,) = messages(written("  "))
    assert isinstance(event.content, Unsupported)


def test_who_writes_is_known_by_name_and_language() -> None:
    (event,) = messages(written("Bonjour") | {"name": "Alice Martin", "locale": "fr", "at": "2026-03-01T12:00:00Z"})
    assert event.profile is not None
    assert (event.profile.name, event.profile.locale) == ("Alice Martin", "fr")
    assert event.occurred_at is not None


def test_an_event_without_an_id_is_the_same_event_when_it_comes_again() -> None:
    once, again = messages({"type": "waved"}), messages({"type": "waved"})
    assert once == again
    assert once[0].event_key != messages({"type": "waved", "contact": "bob"})[0].event_key


def test_the_request_carries_the_reply_the_key_and_the_delivery() -> None:
    delivery_id = UUID("0190f3a2-7c4e-7d11-8a5b-3f2e1d0c9b8a")
    request = render(
        INBOX,
        OutboundMessage(delivery_id=delivery_id, address="alice", content=Text("Oui"), reply_to_provider_id="lm_1"),
    )
    assert request.url == "https://loopback.example/v1/messages"
    assert request.headers["authorization"] == f"Bearer {CREDENTIALS['token']}"
    assert request.headers["idempotency-key"] == str(delivery_id)
    assert msgspec.json.decode(request.body) == {
        "contact": "alice",
        "metadata": {"delivery_id": str(delivery_id)},
        "message": {"type": "text", "text": "Oui", "reply_to": "lm_1"},
    }


def test_taken_without_an_id_is_taken_all_the_same() -> None:
    assert read_answer(INBOX, ProviderAnswer(status=200, body=b"")) == Sent()


def test_the_code_says_more_than_the_status() -> None:
    body = b'{"error": {"code": "contact_gone"}}'
    end = read_answer(INBOX, ProviderAnswer(status=404, body=body))
    assert isinstance(end, Failed)
    assert end.kind is FailureKind.GONE
