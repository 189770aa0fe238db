"""The whole program in its own processes: what one process hears the browsers of another see, and a restart loses nothing."""

from __future__ import annotations

import asyncio
import signal
import time
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import aiohttp
import msgspec
import pytest
from websockets.asyncio.client import connect

from comptoir.inboxes.commands import create_inbox
from comptoir.infra.crypto import KeyRing, Sealer
from comptoir.infra.database import Database
from comptoir.workspaces.commands import create_api_key, create_workspace
from tests.doors import Peer
from tests.processes import SECRET_KEY, App


async def shop(db: Database) -> tuple[UUID, UUID, dict[str, str]]:
    """A workspace with a web inbox and an API key."""
    async with db.system() as tx:
        workspace_id = await create_workspace(tx, name="Comfy Shoes", slug="comfy-shoes")
        inbox_id = await create_inbox(
            tx, workspace_id, channel="web", name="Shop", sealer=Sealer(KeyRing((SECRET_KEY,)))
        )
        _, key = await create_api_key(tx, workspace_id, name="test", role="agent")
    return workspace_id, inbox_id, {"Authorization": f"Bearer {key}"}


async def token_of(http: aiohttp.ClientSession, app: App, inbox_id: UUID) -> str:
    async with http.post(f"{app.base_url}/widget/api/{inbox_id}/visitor") as answer:
        body: dict[str, Any] = await answer.json()
        return str(body["token"])


@pytest.mark.parametrize("stop", ["gently", "by kill"])
async def test_a_restart_in_mid_conversation_loses_nothing(
    db: Database, database_url: str, tmp_path: Path, stop: str
) -> None:
    _, inbox_id, headers = await shop(db)
    app = App(database_url, tmp_path / "data")
    await app.start()
    try:
        async with aiohttp.ClientSession() as http:
            token = await token_of(http, app, inbox_id)
            sockets = app.base_url.replace("http", "ws", 1)
            line = await connect(f"{sockets}/widget/api/{inbox_id}/socket")
            browser = Peer(line)
            await browser.send(type="hello", token=token, after_seq=0)
            await browser.next()
            agent = Peer(await connect(f"{sockets}/api/v1/socket", additional_headers=headers))
            stream = await http.get(f"{app.base_url}/api/v1/stream", headers=headers)
            position = (await agent.next())["position"]
            await browser.write("One")
            await browser.until("ack")
            last = (await agent.event("MessageReceived"))["position"]
            began = time.monotonic()
            if stop == "gently":
                app.process("web").send_signal(signal.SIGTERM)
                assert await agent.closed() == 1012
                assert await browser.closed() == 1012
                await asyncio.to_thread(app.process("web").wait, 20)
                assert time.monotonic() - began < 5, "an open stream must not hold up the stop"
            else:
                await app.kill("web")
                await agent.rest()
            stream.close()
            await app.start("web")
            again = Peer(await connect(f"{sockets}/widget/api/{inbox_id}/socket"))
            await again.send(type="hello", token=token, after_seq=0)
            assert [item["content"]["text"] for item in (await again.next())["messages"]] == ["One"]
            back = Peer(await connect(f"{sockets}/api/v1/socket?after={position}", additional_headers=headers))
            await back.next()
            events = await back.events(last)
            assert [event["position"] for event in events] == list(range(position + 1, last + 1))
            await again.write("Two")
            assert (await back.event("MessageReceived"))["message"]["content"]["text"] in {"One", "Two"}
            for peer in (again, back):
                await peer.line.close()
    finally:
        await app.stop()


async def test_what_one_process_takes_in_the_browsers_of_another_see(
    db: Database, database_url: str, tmp_path: Path
) -> None:
    _, inbox_id, headers = await shop(db)
    one, other = App(database_url, tmp_path / "data"), App(database_url, tmp_path / "data")
    await asyncio.gather(one.start(), other.start("web"))
    try:
        async with aiohttp.ClientSession() as http:
            token = await token_of(http, one, inbox_id)
            url = f"{other.base_url.replace('http', 'ws', 1)}/api/v1/socket"
            async with connect(url, additional_headers=headers) as line:
                agent = Peer(line)
                await agent.next()
                event: dict[str, Any] = {}
                for number in range(5):
                    body = {"client_id": str(uuid4()), "content": {"type": "text", "text": f"{number}"}}
                    began = time.monotonic()
                    call = http.post(
                        f"{one.base_url}/widget/api/{inbox_id}/messages",
                        json=body,
                        headers={"Authorization": f"Bearer {token}"},
                    )
                    async with call as answer:
                        assert answer.status == 202
                    event = await agent.event("MessageReceived")
                    assert event["message"]["content"]["text"] == f"{number}"
                    # By a signal, not by the poll that stands behind it.
                    assert time.monotonic() - began < 1.9
                conversation_id = event["conversation_id"]
                message = {
                    "id": str(uuid4()),
                    "kind": "message",
                    "content": {"type": "text", "text": "Yes"},
                    "reply_to_id": None,
                }
                call = http.post(
                    f"{other.base_url}/api/v1/conversations/{conversation_id}/messages", json=message, headers=headers
                )
                async with call as answer:
                    assert answer.status == 201, await answer.text()
                visible = http.get(
                    f"{one.base_url}/widget/api/{inbox_id}/poll?after_seq=5&wait=10",
                    headers={"Authorization": f"Bearer {token}"},
                )
                async with visible as answer:
                    frames = msgspec.json.decode(await answer.read())["frames"]
                assert any(item["content"]["text"] == "Yes" for frame in frames for item in frame.get("messages", []))
    finally:
        await asyncio.gather(one.stop(), other.stop())
