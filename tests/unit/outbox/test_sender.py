"""A request over a real socket, and every way in which it may end."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from uuid import UUID

import msgspec
import pytest

from comptoir.channels.registry import channel_of
from comptoir.contracts.channel import Channel, Failed, FailureKind, InboxView, OutboundRequest, Sent
from comptoir.contracts.content import Text
from comptoir.conversations.attachments import MediaLinks
from comptoir.infra.crypto import KeyRing
from comptoir.infra.http import HttpClient
from comptoir.kernel.ids import uuid7
from comptoir.outbox.sender import Parcel, Sender
from comptoir.simulators.loopback import SECRET, TOKEN, LoopbackSimulator

LOOPBACK = channel_of("loopback")
MEDIA = MediaLinks(KeyRing(("a-secret-for-tests-that-is-long-enough-0123456789",)), public_url="https://c.example")


@pytest.fixture
async def simulator() -> AsyncIterator[LoopbackSimulator]:
    made = LoopbackSimulator()
    await made.start()
    made.hear("alice")
    yield made
    await made.stop()


async def end_of(base: str, *, seconds: float = 5, private: bool = True, channel: Channel = LOOPBACK) -> Sent | Failed:
    http = HttpClient(allow_private=private)
    await http.open()
    inbox = InboxView(
        workspace_id=UUID(int=1),
        id=UUID(int=2),
        channel="loopback",
        name="Sample",
        settings={"api_base": base},
        credentials={"token": TOKEN, "secret": SECRET},
    )
    parcel = Parcel(
        workspace_id=inbox.workspace_id,
        delivery_id=uuid7(),
        conversation_id=uuid7(),
        fence=1,
        attempt=1,
        address="alice",
        content=Text("hello"),
        reply_to=None,
    )
    try:
        return await Sender(http, MEDIA, seconds).send(inbox, channel, parcel)
    finally:
        await http.close()


def kind(end: Sent | Failed) -> FailureKind | None:
    return end.kind if isinstance(end, Failed) else None


async def test_taken(simulator: LoopbackSimulator) -> None:
    assert await end_of(simulator.base_url) == Sent(provider_id="lm_1")


async def test_an_answer_that_does_not_come_in_time_is_an_unknown_outcome(simulator: LoopbackSimulator) -> None:
    simulator.always = "silent"
    assert kind(await end_of(simulator.base_url, seconds=0.3)) is FailureKind.UNKNOWN_OUTCOME
    assert simulator.texts() == ["hello"], "it was taken after all"


async def test_a_line_that_breaks_after_the_request_is_an_unknown_outcome(simulator: LoopbackSimulator) -> None:
    simulator.always = "hung_up"
    assert kind(await end_of(simulator.base_url)) is FailureKind.UNKNOWN_OUTCOME


async def test_nobody_there_is_tried_again_later() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    assert kind(await end_of(f"http://127.0.0.1:{port}")) is FailureKind.RETRY_LATER


@pytest.mark.parametrize(
    "base", ["http://127.0.0.1:1", "http://localhost:1", "http://[::1]:1", "ftp://x", "nonsense", ""]
)
async def test_an_address_within_our_own_network_is_the_settings_fault(base: str) -> None:
    end = await end_of(base, private=False)
    assert isinstance(end, Failed)
    assert (end.kind, end.code) == (FailureKind.CREDENTIALS, "address_refused")


async def test_an_answer_that_is_no_http_is_an_unknown_outcome() -> None:
    async def babble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"hello?\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(babble, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    assert kind(await end_of(f"http://127.0.0.1:{port}")) is FailureKind.UNKNOWN_OUTCOME
    server.close()
    await server.wait_closed()


async def test_an_endless_answer_is_an_unknown_outcome() -> None:
    async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 9000000\r\n\r\n")
        try:
            for _ in range(140):
                writer.write(b"x" * 65536)
                await writer.drain()
        except ConnectionError:
            pass
        writer.close()

    server = await asyncio.start_server(flood, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    assert kind(await end_of(f"http://127.0.0.1:{port}")) is FailureKind.UNKNOWN_OUTCOME
    server.close()
    await server.wait_closed()


async def test_a_channel_whose_code_fails_stops_nobody_else(simulator: LoopbackSimulator) -> None:
    def broken(*_: object) -> OutboundRequest:
        raise KeyError("sample-token-4711")

    def strange(*_: object) -> OutboundRequest:
        return OutboundRequest(method="POST", url=simulator.base_url, headers={"x": "a\r\nb: c"})

    def deaf(*_: object) -> Sent:
        raise ZeroDivisionError

    failing = msgspec.structs.replace(LOOPBACK, render=broken)
    refused = await end_of(simulator.base_url, channel=failing)
    assert isinstance(refused, Failed)
    assert refused.kind is FailureKind.REFUSED_CONTENT
    assert "4711" not in refused.message
    injecting = msgspec.structs.replace(LOOPBACK, render=strange)
    assert kind(await end_of(simulator.base_url, channel=injecting)) is FailureKind.REFUSED_CONTENT
    assert kind(await end_of(simulator.base_url, channel=msgspec.structs.replace(LOOPBACK, read_answer=deaf))) is (
        FailureKind.UNKNOWN_OUTCOME
    )
    assert kind(await end_of(simulator.base_url, channel=channel_of("web"))) is FailureKind.REFUSED_CONTENT
