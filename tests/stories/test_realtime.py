"""Agents see what happens as it happens, and miss nothing while they are away."""

from __future__ import annotations

import asyncio
import socket
from typing import Any
from uuid import UUID

import aiohttp
import msgspec
import pytest
from websockets.asyncio.client import connect

from comptoir.contracts.channel import InboundMessage
from comptoir.infra import journal
from comptoir.kernel.ids import uuid7
from comptoir.workspaces.commands import sign_out
from tests.doors import Doors, Peer
from tests.world import World, make_world, said


async def position(world: World) -> int:
    """Where the workspace stands when all that came in has taken its effect."""
    async with asyncio.timeout(10):
        while True:
            async with world.db.system() as tx:
                if not await tx.value("SELECT count(*) FROM todo"):
                    return await journal.position(tx, world.workspace_id)
            await asyncio.sleep(0.01)


async def test_a_message_reaches_the_agent_and_the_answer_the_visitor(doors: Doors) -> None:
    token, visitor_id = await doors.visitor()
    async with doors.agent() as agent, doors.browser(token) as browser:
        hello = await agent.next()
        assert hello["type"] == "hello"
        welcome = await browser.next()
        assert welcome == {
            "type": "welcome",
            "visitor_id": visitor_id,
            "conversation": None,
            "messages": [],
            "has_before": False,
            "agents": [{"name": "Nora Lefèvre", "avatar_url": None}, {"name": "Tom Baker", "avatar_url": None}],
        }
        client_id = await browser.write("Bonjour, du 38 ?")
        assert await browser.until("ack") == {"type": "ack", "client_id": client_id}

        event = await agent.event("MessageReceived")
        assert event["message"]["content"] == {"type": "text", "text": "Bonjour, du 38 ?"}
        assert event["conversation"]["inbound_count"] == 1
        assert event["contact"]["id"] == event["conversation"]["contact_id"]
        assert "my_read_count" not in event["conversation"]
        own = (await browser.until("messages"))["messages"][0]
        assert (own["client_id"], own["seq"], own["author"]) == (client_id, 1, {"kind": "contact", "name": None})

        conversation_id = UUID(event["conversation_id"])
        await doors.say(conversation_id, "Only between us", "note")
        await doors.say(conversation_id, "Oui, bien sûr")
        answer = (await browser.until("messages"))["messages"][0]
        assert answer["content"]["text"] == "Oui, bien sûr"
        assert answer["author"] == {"kind": "agent", "name": "Tom Baker"}
        assert (await agent.event("NoteAdded"))["message"]["kind"] == "note"
        assert (await agent.event("MessageSent"))["message"]["content"]["text"] == "Oui, bien sûr"


async def test_whoever_comes_back_misses_nothing_and_hears_nothing_twice(doors: Doors) -> None:
    world = doors.world
    start = await position(world)
    await world.write("visitor-1", *[f"before {number}" for number in range(260)])
    gap_end = await position(world)
    async with doors.agent(after=start) as agent:
        # More comes in while the gap is being told.
        writing = asyncio.create_task(world.write("visitor-2", *[f"during {number}" for number in range(60)]))
        assert (await agent.next())["type"] == "hello"
        await writing
        events = await agent.events(await position(world))
    positions = [event["position"] for event in events]
    assert positions == list(range(start + 1, await position(world) + 1))
    assert gap_end < positions[-1]


async def test_a_position_from_the_api_that_the_hub_has_not_reached_is_no_reason_to_load_afresh(doors: Doors) -> None:
    world = doors.world
    async with doors.agent() as first:
        await first.next()
        await world.write("visitor-1", "one")
        after = await position(world)
        async with doors.agent(after=after) as second:
            assert (await second.next())["type"] == "hello"
            await world.write("visitor-1", "two")
            events = await second.events(after + 1)
            assert events[0]["position"] == after + 1


@pytest.mark.parametrize("after", [10**12, 0])
async def test_too_far_back_and_from_nowhere_load_afresh(doors: Doors, after: int) -> None:
    world = doors.world
    if after == 0:
        async with world.db.system() as tx:
            # As if six thousand facts had come and the oldest had been dropped with their partition.
            await tx.run(
                "UPDATE workspace_position SET position = position + 6000 WHERE workspace_id = $1", world.workspace_id
            )
    now = await position(world)
    async with doors.agent(after=after) as agent:
        assert await agent.next() == {"type": "hello", "position": now}
        assert await agent.next() == {"type": "reload", "position": now}
        await world.write("visitor-1", "after all")
        events = await agent.events(now + 1)
        assert events[0]["position"] == now + 1


async def test_a_journal_that_no_longer_reaches_back_is_told(doors: Doors) -> None:
    world = doors.world
    start = await position(world)
    await world.write("visitor-1", "one", "two")
    end = await position(world)
    async with world.db.system() as tx:
        await tx.run("DELETE FROM fact WHERE workspace_id = $1 AND position = $2", world.workspace_id, start + 1)
    async with doors.agent(after=start) as agent:
        assert (await agent.next())["type"] == "hello"
        assert await agent.next() == {"type": "reload", "position": end}


async def test_stream_and_poll_tell_what_the_socket_tells(doors: Doors) -> None:
    world, headers = doors.world, await doors.key()
    start = await position(world)
    await world.write("visitor-1", "one", "two")
    end = await position(world)
    async with doors.agent(after=start) as agent:
        await agent.next()
        by_socket = await agent.events(end)
    async with doors.http.get(f"{doors.base_url}/api/v1/poll?after={start}&wait=5", headers=headers) as answer:
        frames = (await answer.json())["frames"]
    assert frames[0] == {"type": "hello", "position": start}
    assert [event for frame in frames[1:] for event in frame["events"]] == by_socket
    stream_headers = headers | {"Last-Event-ID": str(start)}
    async with doors.http.get(f"{doors.base_url}/api/v1/stream", headers=stream_headers) as answer:
        assert answer.headers["Content-Type"].startswith("text/event-stream")
        assert answer.headers["X-Accel-Buffering"] == "no"
        by_stream, last_id = await read_stream(answer, end)
    assert by_stream == by_socket
    assert last_id == end


async def read_stream(answer: aiohttp.ClientResponse, up_to: int) -> tuple[list[Any], int]:
    events: list[Any] = []
    last_id = -1
    async with asyncio.timeout(5):
        async for raw in answer.content:
            line = raw.decode().rstrip("\n")
            if line.startswith("id: "):
                last_id = int(line[4:])
            elif line.startswith("data: "):
                frame = msgspec.json.decode(line[6:])
                events += frame.get("events", [])
            if last_id >= up_to and not line:
                break
    return events, last_id


async def test_a_poll_waits_for_something_to_happen(doors: Doors) -> None:
    world, headers = doors.world, await doors.key()
    start = await position(world)
    loop = asyncio.get_running_loop()

    async def poll(wait: int) -> tuple[float, list[Any]]:
        began = loop.time()
        async with doors.http.get(f"{doors.base_url}/api/v1/poll?after={start}&wait={wait}", headers=headers) as answer:
            return loop.time() - began, (await answer.json())["frames"]

    seconds, frames = await poll(1)
    assert 0.9 < seconds < 3
    assert [frame["type"] for frame in frames] == ["hello"]
    waiting = asyncio.create_task(poll(20))
    await asyncio.sleep(0.2)
    await world.write("visitor-1", "now")
    seconds, frames = await waiting
    assert seconds < 5
    assert frames[-1]["type"] == "events"


async def test_nobody_hears_of_another_workspace(doors: Doors, clock: Any) -> None:
    world = doors.world
    other = await make_world(world.db, clock, slug="dream-hotels")
    world.db.signals = world.signals
    async with doors.agent() as agent:
        await agent.next()
        await other.write("visitor-9", "A suite, please")
        await world.write("visitor-1", "Slippers, please")
        events = await agent.events(await position(world))
        assert {event["message"]["content"]["text"] for event in events if event["message"]} == {"Slippers, please"}
    async with connect(
        f"{doors.sockets}/api/v1/socket?workspace={other.workspace_id}", additional_headers=await doors.key()
    ) as line:
        assert await Peer(line).closed() == 4404
    await other.close()


async def test_agents_hear_each_other_type_and_visitors_hear_agents(doors: Doors) -> None:
    token, _ = await doors.visitor()
    cookie, _ = await doors.session()
    async with doors.agent() as watcher, doors.agent(headers=cookie) as agent, doors.browser(token) as browser:
        await watcher.next()
        await agent.next()
        await browser.next()
        await browser.write("Hello")
        conversation_id = (await watcher.event("MessageReceived"))["conversation_id"]
        await browser.send(type="typing", on=True)
        heard = await watcher.until("typing")
        assert heard == {
            "type": "typing",
            "conversation_id": conversation_id,
            "author": {"kind": "contact", "id": None, "name": None},
            "on": True,
        }
        await agent.send(type="typing", conversation_id=conversation_id, on=True)
        assert (await browser.until("typing"))["author"] == {"kind": "agent", "name": "Tom Baker"}
        assert (await watcher.until("typing"))["author"]["id"] == str(doors.world.agent_id)
        # Another workspace's conversation, or none at all, is nobody's business.
        await agent.send(type="typing", conversation_id=str(uuid7()), on=True)
        await agent.send(type="typing", conversation_id=conversation_id, on=False)
        assert (await watcher.until("typing"))["on"] is False
        await agent.send(type="ping")
        # Those who type are not told of themselves: the pong comes before any such frame.
        assert (await agent.until("pong"))["type"] == "pong"


async def test_whoever_signs_out_is_cut_off(doors: Doors) -> None:
    cookie, token = await doors.session()
    async with doors.agent(headers=cookie) as agent:
        await agent.next()
        async with doors.world.db.system() as tx:
            await sign_out(tx, token)
        assert await agent.closed(within=10) == 4401


async def test_strangers_and_other_sites_are_refused(doors: Doors) -> None:
    cookie, _ = await doors.session()
    url = f"{doors.sockets}/api/v1/socket"
    for headers, code in (
        ({}, 4401),
        ({"Authorization": "Bearer cpt_nobody"}, 4401),
        (cookie | {"Origin": "https://evil.example"}, 4403),
    ):
        async with connect(url, additional_headers=headers) as line:
            assert await Peer(line).closed() == code
    async with connect(f"{url}?after=minus", additional_headers=cookie) as line:
        assert await Peer(line).closed() == 4400
    async with connect(url, additional_headers=cookie | {"Origin": doors.base_url}) as line:
        assert (await Peer(line).next())["type"] == "hello"
    async with doors.http.get(f"{doors.base_url}/api/v1/stream") as answer:
        assert answer.status == 401
        assert (await answer.json())["error"]["code"] == "not_signed_in"
    async with doors.http.get(f"{doors.base_url}/api/v1/poll?after=minus", headers=await doors.key()) as answer:
        assert answer.status == 422
        assert (await answer.json())["error"]["field"] == "after"


async def test_wrong_frames_are_named_and_harm_nobody(doors: Doors) -> None:
    async with doors.agent() as agent:
        await agent.next()
        for text in (
            "{",
            "[]",
            '"ping"',
            '{"type":"dance"}',
            '{"type":"typing"}',
            '{"type":"typing","conversation_id":7,"on":true}',
            "\x00",
        ):
            await agent.line.send(text)
            refused = await agent.next()
            assert refused["type"] == "refused", text
            assert refused["error"]["code"] == "malformed_frame"
        await agent.send(type="ping")
        assert await agent.next() == {"type": "pong"}


async def test_a_stop_says_so_after_all_that_was_queued(doors: Doors) -> None:
    world = doors.world
    async with doors.agent() as agent:
        await agent.next()
        await world.write("visitor-1", "last words")
        last = await position(world)
        await agent.events(last)
        await doors.services.hub.close()
        assert await agent.closed() == 1012
    async with doors.agent() as late:
        assert await late.closed() == 1012


async def test_whoever_does_not_read_is_sent_away_and_comes_back_whole(doors: Doors) -> None:
    world = doors.world
    start = await position(world)
    narrow = socket.socket()
    narrow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16 * 1024)
    narrow.connect(("127.0.0.1", int(doors.base_url.rpartition(":")[2])))
    url = f"{doors.sockets}/api/v1/socket?after={start}"
    async with connect(url, sock=narrow, additional_headers=await doors.key(), max_queue=1) as line:
        slow = Peer(line)
        assert (await slow.next())["type"] == "hello"
        async with doors.agent(after=start) as quick:
            await quick.next()
            text = "x" * 9000
            end, seen = start, []
            for number in range(40):
                await world.receive(*[said_of(number, nth, text) for nth in range(25)])
                end = await position(world)
                seen += await quick.events(end)
            assert [event["position"] for event in seen] == list(range(start + 1, end + 1))
        heard = await slow.rest(within=30)
        assert slow.line.close_code == 1013
    told = [event["position"] for frame in heard for event in frame.get("events", [])]
    assert told == list(range(start + 1, start + 1 + len(told)))
    last = told[-1] if told else start
    assert last < end
    async with doors.agent(after=last) as back:
        await back.next()
        rest = await back.events(end, within=30)
    assert [event["position"] for event in rest] == list(range(last + 1, end + 1))


def said_of(number: int, nth: int, text: str) -> InboundMessage:
    return said(f"visitor-{nth}", f"{number} {text}")
