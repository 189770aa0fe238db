"""The webhook door's own rules; what it does with a whole request is in the contract kit."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

import msgspec
import pytest

from comptoir.api.door_errors import TooManyRequests
from comptoir.api.hooks import FloodGuard, understand
from comptoir.channels.loopback.fixtures import CREDENTIALS, SETTINGS, signed
from comptoir.channels.registry import channel_of
from comptoir.contracts.channel import BadSignature, HookAnswer, HookRequest, InboundMessage, InboxView, MalformedEvent
from comptoir.kernel.errors import Unavailable
from comptoir.kernel.ids import uuid7

LOOPBACK = channel_of("loopback")
INBOX = InboxView(
    workspace_id=UUID(int=1),
    id=UUID(int=2),
    channel="loopback",
    name="Sample",
    settings=dict(SETTINGS),
    credentials=dict(CREDENTIALS),
)


def test_a_flood_to_one_inbox_leaves_the_others_alone() -> None:
    now = [0.0]
    guard = FloodGuard(3, lambda: now[0])
    flooded, quiet = uuid7(), uuid7()
    for _ in range(3):
        guard.pass_one(flooded)
    with pytest.raises(TooManyRequests) as refused:
        guard.pass_one(flooded)
    assert refused.value.status == 429
    guard.pass_one(quiet)
    now[0] = 1.0
    guard.pass_one(flooded)


def test_a_handshake_is_answered_before_a_signature_is_asked_for() -> None:
    query = {"challenge": "7331", "verify_token": CREDENTIALS["verify_token"]}
    assert understand(LOOPBACK, INBOX, HookRequest(method="GET", body=b"", query=query)) == HookAnswer(body=b"7331")


def test_a_channel_without_a_handshake_goes_straight_to_the_signature() -> None:
    silent = msgspec.structs.replace(LOOPBACK, handshake=None)
    with pytest.raises(BadSignature):
        understand(silent, INBOX, HookRequest(method="GET", body=b""))
    events = understand(silent, INBOX, signed(INBOX, b'{"events": [{"id": "e", "type": "waved", "contact": "a"}]}'))
    assert isinstance(events, list)
    assert isinstance(events[0], InboundMessage)
    with pytest.raises(MalformedEvent):
        understand(silent, INBOX, signed(INBOX, b"{}"))


@pytest.mark.parametrize("part", ["handshake", "verify", "parse"])
@pytest.mark.parametrize("failure", [KeyError("sample-secret-4712"), RecursionError(), MemoryError()])
def test_a_fault_of_the_channels_code_asks_the_sender_to_come_again(part: str, failure: Exception) -> None:
    def broken(*_: object) -> None:
        raise failure

    broken_part: dict[str, Callable[..., None]] = {part: broken}
    with pytest.raises(Unavailable) as refused:
        understand(msgspec.structs.replace(LOOPBACK, **broken_part), INBOX, signed(INBOX, b'{"events": []}'))
    assert "4712" not in str(refused.value.body("en"))
