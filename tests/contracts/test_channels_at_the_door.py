"""Every channel through the whole program: the door over HTTP, the batcher, the lanes, real PostgreSQL, and what agents then see."""

from __future__ import annotations

import asyncio
import contextlib
import io
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest

from comptoir.channels.registry import channel_of
from comptoir.contracts.channel import HookRequest, InboundMessage, InboxView
from comptoir.inboxes.cache import InboxCache
from comptoir.inboxes.commands import create_inbox
from comptoir.infra.log import get_logger
from tests.contracts.kit import CODES, HOOKED, Sample
from tests.doors import Doors, open_doors
from tests.world import World


class Gate:
    """A channel's inbox in a running program."""

    def __init__(self, doors: Doors, sample: Sample, inbox: InboxView) -> None:
        self.doors, self.sample, self.inbox, self.world = doors, sample, inbox, doors.world

    async def post(
        self, request: HookRequest, inbox_id: UUID | None = None, code: str | None = None
    ) -> tuple[int, Any]:
        """Send a webhook; gives the status, and the code of the error or None."""
        channel = code or self.inbox.channel
        url = f"{self.doors.base_url}/hooks/{channel}/{inbox_id or self.inbox.id}"
        async with self.doors.http.request(
            request.method, url, data=io.BytesIO(request.body), headers=request.headers, params=request.query
        ) as answer:
            text = await answer.read()
            error = msgspec.json.decode(text)["error"]["code"] if answer.status >= 400 else None
            return answer.status, error

    async def bring(self, body: bytes) -> None:
        """Bring a body in, by the door where the channel has one, else as its own door does."""
        request = self.sample.signed(body, self.inbox)
        if self.sample.channel.manifest.public_hook:
            assert await self.post(request) == (200, None)
        else:
            self.sample.channel.verify(self.inbox, request)
            events = self.sample.channel.parse(self.inbox, request)
            await self.world.batcher.accept(self.inbox, request, events)

    async def stored(self, at_least: int = 0) -> list[str]:
        """The content types of all messages of this inbox, when the lanes are through."""
        async with asyncio.timeout(10):
            while True:
                async with self.world.db.system() as tx:
                    waiting = await tx.value("SELECT count(*) FROM todo")
                    rows = await tx.fetch(
                        "SELECT content->>'type' AS type FROM message WHERE inbox_id = $1 ORDER BY conversation_id, seq",
                        self.inbox.id,
                    )
                if waiting == 0 and len(rows) >= at_least:
                    return [row["type"] for row in rows]
                await asyncio.sleep(0.02)


@pytest.fixture
async def gate(sample: Sample, world: World, tmp_path: Path) -> AsyncIterator[Gate]:
    async with world.db.system() as tx:
        inbox_id = await create_inbox(
            tx,
            world.workspace_id,
            channel=sample.channel.manifest.code,
            name="Sample",
            sealer=world.sealer,
            settings=sample.module.SETTINGS,
            credentials=sample.module.CREDENTIALS,
        )
    inbox = await InboxCache(world.db, world.sealer).get(inbox_id)
    assert inbox is not None
    async with open_doors(world, tmp_path / "data") as doors:
        yield Gate(doors, sample, inbox)


def said(kinds: list[str]) -> list[str]:
    return [kind for kind in kinds if kind not in {"delivered", "read", "echo"}]


@pytest.mark.parametrize("code", CODES)
async def test_what_comes_in_twice_is_there_once(gate: Gate) -> None:
    expected = []
    for name, kinds in gate.sample.expected.items():
        # Attachments are the web channel's own uploads; its stories bring them.
        if "image" not in kinds:
            expected += said(kinds)
            await gate.bring(gate.sample.body(name))
            await gate.bring(gate.sample.body(name))
    assert sorted(await gate.stored(len(expected))) == sorted(expected)
    await gate.bring(gate.sample.body(next(iter(gate.sample.expected))))
    assert len(await gate.stored(len(expected))) == len(expected)


@pytest.mark.parametrize("code", HOOKED)
async def test_an_unsupported_event_is_kept_and_shown(gate: Gate) -> None:
    name = next(name for name, kinds in gate.sample.expected.items() if "unsupported" in kinds)
    await gate.bring(gate.sample.body(name))
    assert "unsupported" in await gate.stored(1)
    async with gate.world.db.system() as tx:
        shown = await tx.fetch("SELECT last_message FROM conversation WHERE inbox_id = $1", gate.inbox.id)
        kept = await tx.fetch("SELECT body FROM raw_event WHERE inbox_id = $1", gate.inbox.id)
    assert all(msgspec.json.decode(row["last_message"])["preview"] for row in shown)
    assert [row["body"] for row in kept] == [gate.sample.body(name)], "the bytes are kept as they came"


@pytest.mark.parametrize("code", HOOKED)
async def test_what_the_door_refuses(gate: Gate) -> None:
    request = gate.sample.signed(gate.sample.body("text.json"), gate.inbox)
    unsigned = HookRequest(method="POST", body=request.body)
    huge = gate.sample.signed(b" " * (1024 * 1024 + 1), gate.inbox)
    assert await gate.post(unsigned) == (403, "bad_signature")
    assert await gate.post(request, inbox_id=uuid4()) == (404, "not_found")
    assert await gate.post(request, inbox_id=gate.world.inbox.id) == (404, "not_found"), "an inbox of another channel"
    assert await gate.post(request, code="no-such-channel") == (404, "not_found")
    assert await gate.post(request, inbox_id="nonsense") == (404, "not_found")  # type: ignore[arg-type]  # on purpose
    assert await gate.post(huge) == (413, "body_too_large")
    assert await gate.post(gate.sample.signed(b"\xff\x00{", gate.inbox)) == (400, "malformed_event")
    assert await gate.post(msgspec.structs.replace(request, method="DELETE")) == (404, "not_found")
    assert await gate.stored() == []


@pytest.mark.parametrize("code", [code for code in CODES if code not in HOOKED])
async def test_a_channel_without_webhooks_has_no_door(gate: Gate) -> None:
    request = gate.sample.signed(gate.sample.body(next(iter(gate.sample.expected))), gate.inbox)
    assert await gate.post(request) == (404, "not_found"), "else anybody could name themselves the visitor"


@pytest.mark.parametrize("code", HOOKED)
async def test_the_door_asks_to_come_again_when_it_cannot_keep(gate: Gate) -> None:
    request = gate.sample.signed(gate.sample.body("text.json"), gate.inbox)
    gate.doors.services.disk.refuse_input = True
    assert await gate.post(request) == (503, "unavailable")
    gate.doors.services.disk.refuse_input = False
    assert await gate.post(request) == (200, None)
    assert len(await gate.stored(1)) == 1


@pytest.mark.parametrize("code", HOOKED)
async def test_no_secret_reaches_a_log(gate: Gate, lines: io.StringIO) -> None:
    for name in gate.sample.expected:
        request = gate.sample.signed(gate.sample.body(name), gate.inbox)
        await gate.post(request)
        await gate.post(msgspec.structs.replace(request, body=b"forged"))
    await gate.post(gate.sample.signed(b"no json", gate.inbox))
    get_logger("contracts").error("the inbox itself", inbox=gate.inbox, credentials=gate.inbox.credentials)
    await gate.stored(1)
    assert lines.getvalue()
    assert not [secret for secret in gate.sample.secrets if secret in lines.getvalue()]


@pytest.mark.parametrize("code", HOOKED)
async def test_the_health_of_the_inbox_tells_of_forgeries(gate: Gate) -> None:
    await gate.post(HookRequest(method="POST", body=b"{}"))
    async with asyncio.timeout(10):
        while True:
            async with gate.world.db.system() as tx:
                noted = await tx.value("SELECT last_error FROM inbox_health WHERE inbox_id = $1", gate.inbox.id)
            if noted:
                break
            await asyncio.sleep(0.1)
    assert "bad_signature" in noted


@pytest.mark.parametrize("code", [code for code in HOOKED if channel_of(code).handshake])
async def test_a_stranger_cannot_shake_hands(gate: Gate) -> None:
    status, _ = await gate.post(HookRequest(method="GET", body=b"", query={"challenge": "x", "verify_token": "wrong"}))
    assert status == 403


@pytest.mark.parametrize("code", HOOKED)
async def test_slow_and_broken_callers_hold_nobody_up(gate: Gate) -> None:
    host, port = gate.doors.base_url.removeprefix("http://").split(":")
    path = f"/hooks/{gate.inbox.channel}/{gate.inbox.id}"
    for unfinished in (b"POST /hooks/", f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n\r\nab".encode()):
        _, writer = await asyncio.open_connection(host, int(port))
        writer.write(unfinished)
        await writer.drain()
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
    await gate.bring(gate.sample.body("text.json"))
    assert len(await gate.stored(1)) == 1


@pytest.mark.parametrize("code", HOOKED)
async def test_messages_of_one_webhook_keep_their_order(gate: Gate) -> None:
    request = gate.sample.signed(gate.sample.body("text.json"), gate.inbox)
    (event,) = gate.sample.channel.parse(gate.inbox, request)
    assert isinstance(event, InboundMessage)
    many = [msgspec.structs.replace(event, event_key=str(number), origin_id=str(number)) for number in range(40)]
    await gate.world.batcher.accept(gate.inbox, request, many)
    await gate.stored(40)
    async with gate.world.db.system() as tx:
        rows = await tx.fetch("SELECT origin_id FROM message WHERE inbox_id = $1 ORDER BY seq", gate.inbox.id)
    assert [row["origin_id"] for row in rows] == [str(number) for number in range(40)]
