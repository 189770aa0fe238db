"""Visitors write from a business's page: once, in order, and with a reason when something will not go."""

from __future__ import annotations

import asyncio
import io
from typing import Any
from uuid import UUID, uuid4

import msgspec
from PIL import Image
from websockets.asyncio.client import connect

from comptoir.api.widget.tokens import VisitorTokens
from comptoir.conversations.queries import ConversationFilter, list_conversations
from comptoir.inboxes.commands import create_inbox, update_inbox
from comptoir.inboxes.health import inbox_health
from comptoir.infra.crypto import KeyRing
from tests.doors import Doors, Peer
from tests.world import SECRET, World, make_world


async def conversations(world: World) -> list[Any]:
    async with world.db.workspace(world.workspace_id) as tx:
        return (await list_conversations(tx, world.workspace_id, ConversationFilter(), world.agent_id, None, 50)).items


async def messages(doors: Doors, token: str, least: int) -> list[dict[str, Any]]:
    """What the visitor sees, once there are so many messages."""
    async with asyncio.timeout(10):
        while True:
            status, page = await doors.call("GET", "messages", token)
            assert status == 200
            if len(page["items"]) >= least:
                items: list[dict[str, Any]] = page["items"]
                return items
            await asyncio.sleep(0.02)


async def test_nothing_is_stored_before_the_first_message(doors: Doors) -> None:
    token, visitor_id = await doors.visitor()
    status, session = await doors.call("GET", "session", token)
    assert (status, session["conversation"], session["visitor_id"]) == (200, None, visitor_id)
    async with doors.browser(token) as browser:
        await browser.next()
        await browser.send(type="typing", on=True)
        await browser.send(type="receipt", delivered_seq=3, read_seq=3)
        await browser.send(type="ping")
        assert await browser.next() == {"type": "pong"}
    assert await conversations(doors.world) == []


async def test_two_tabs_are_in_step(doors: Doors) -> None:
    token, _ = await doors.visitor()
    async with doors.browser(token) as one, doors.browser(token) as two:
        await one.next()
        await two.next()
        client_id = await one.write("From the first tab")
        assert (await two.until("messages"))["messages"][0]["client_id"] == client_id
        assert (await two.until("conversation"))["conversation"]["last_seq"] == 1


async def test_a_message_repeated_after_a_lost_line_is_one_message(doors: Doors) -> None:
    token, _ = await doors.visitor()
    client_id = uuid4()
    async with doors.browser(token) as browser:
        await browser.next()
        await browser.write("Once", client_id)
        await browser.until("ack")
    async with doors.browser(token, after_seq=0) as browser:
        await browser.next()
        await browser.write("Once", client_id)
        assert await browser.until("ack") == {"type": "ack", "client_id": str(client_id)}
        await browser.write("Twice")
        await browser.until("ack")
    body = {"client_id": str(client_id), "content": {"type": "text", "text": "Once"}}
    assert await doors.call("POST", "messages", token, json=body) == (202, {"client_id": str(client_id)})
    seen = await messages(doors, token, 2)
    assert [item["content"]["text"] for item in seen] == ["Once", "Twice"]


async def test_the_same_client_id_of_another_visitor_is_another_message(doors: Doors) -> None:
    client_id = uuid4()
    for _ in range(2):
        token, _ = await doors.visitor()
        async with doors.browser(token) as browser:
            await browser.next()
            await browser.write("Mine", client_id)
            await browser.until("ack")
        assert len(await messages(doors, token, 1)) == 1
    assert len(await conversations(doors.world)) == 2


async def test_a_visitor_who_comes_back_gets_what_came_meanwhile(doors: Doors) -> None:
    token, _ = await doors.visitor()
    async with doors.browser(token) as browser:
        await browser.next()
        await browser.write("Are you there?")
        conversation = (await browser.until("conversation"))["conversation"]
    conversation_id = UUID(conversation["id"])
    await doors.say(conversation_id, "A note", "note")
    await doors.say(conversation_id, "Yes")
    async with doors.browser(token, after_seq=1) as browser:
        welcome = await browser.next()
        assert [item["content"]["text"] for item in welcome["messages"]] == ["Yes"]
        assert (welcome["has_before"], welcome["conversation"]["last_seq"]) == (False, 3)
    for number in range(40):
        await doors.say(conversation_id, f"{number}")
    async with doors.browser(token, after_seq=3) as browser:
        welcome = await browser.next()
        assert [item["seq"] for item in welcome["messages"]] == list(range(14, 44))
        assert welcome["has_before"] is True
    status, page = await doors.call("GET", "messages?before_seq=14", token)
    assert status == 200
    assert [item["seq"] for item in page["items"]] == [1, *range(3, 14)]
    assert page["has_before"] is False


async def test_stream_and_poll_stand_in_for_the_socket(doors: Doors) -> None:
    token, _ = await doors.visitor()
    await doors.call(
        "POST", "messages", token, json={"client_id": str(uuid4()), "content": {"type": "text", "text": "One"}}
    )
    await messages(doors, token, 1)
    headers = {"Authorization": f"Bearer {token}"}
    async with doors.http.get(f"{doors.widget}/stream?after_seq=0", headers=headers) as stream:
        frames = stream_frames(stream)
        welcome = await anext(frames)
        assert (welcome["type"], len(welcome["messages"])) == ("welcome", 1)
        status, polled = await doors.call("GET", "poll?after_seq=0&wait=20", token)
        assert (status, [frame["type"] for frame in polled["frames"]]) == (200, ["messages", "conversation"])
        waiting = asyncio.create_task(doors.call("GET", "poll?after_seq=1&wait=20", token))
        await asyncio.sleep(0.2)
        conversation_id = UUID(welcome["conversation"]["id"])
        await doors.say(conversation_id, "Two")
        status, polled = await waiting
        told = [frame for frame in polled["frames"] if frame["type"] == "messages"]
        assert told[0]["messages"][0]["content"]["text"] == "Two"
        assert (await anext(frames))["messages"][0]["content"]["text"] == "Two"
    status, polled = await doors.call("GET", "poll?after_seq=2&wait=0", token)
    assert [frame["type"] for frame in polled["frames"]] == ["conversation"]


async def stream_frames(answer: Any) -> Any:
    async for raw in answer.content:
        if raw.startswith(b"data: "):
            yield msgspec.json.decode(raw[6:])


async def test_receipts_reach_the_agent(doors: Doors) -> None:
    token, _ = await doors.visitor()
    async with doors.agent() as agent, doors.browser(token) as browser:
        await agent.next()
        await browser.next()
        await browser.write("Hello")
        conversation_id = UUID((await agent.event("MessageReceived"))["conversation_id"])
        for number in range(3):
            await doors.say(conversation_id, f"{number}")
        # Many at once become few: the first goes on at once, the others together.
        for seq in (2, 3, 4):
            await browser.send(type="receipt", delivered_seq=4, read_seq=seq)
        event = await agent.event("ReceiptReceived")
        receipts = 1
        while event["data"]["contact_read_seq"] < 4:
            event, receipts = await agent.event("ReceiptReceived"), receipts + 1
        assert event["conversation"]["contact_delivered_seq"] == 4
        assert receipts <= 3
        assert (await browser.until("conversation"))["conversation"]["id"] == str(conversation_id)
    assert (await doors.call("POST", "receipts", token, json={"delivered_seq": 4, "read_seq": 9_999}))[0] == 202
    status, refused = await doors.call("POST", "receipts", token, json={"read_seq": -1})
    assert (status, refused["error"]["code"]) == (400, "malformed_frame")


async def test_forged_and_foreign_tokens_are_refused(doors: Doors, clock: Any) -> None:
    world = doors.world
    async with world.db.system() as tx:
        other = await create_inbox(tx, world.workspace_id, channel="web", name="Other", sealer=world.sealer)
    foreign, _ = VisitorTokens(KeyRing((SECRET,)), world.db.clock).make(other)
    forged, _ = VisitorTokens(KeyRing(("another-secret-that-is-long-enough-to-be-one",)), world.db.clock).make(
        world.inbox.id
    )
    token, _ = await doors.visitor()
    for bad in (foreign, forged, token[:-2] + "AA", "", "\u00e9", "a" * 5000):
        async with doors.browser(bad) as browser:
            assert await browser.closed() == 4401
        status, refused = await doors.call("GET", "session", bad.encode("ascii", "ignore").decode())
        assert (status, refused["error"]["code"]) == (401, "visitor_token_refused")
    status, refused = await doors.call("GET", "messages", None, headers={"Accept-Language": "fr-FR,fr;q=0.9"})
    assert (status, refused["error"]["message"]) == (
        401,
        "Ce navigateur n’est plus reconnu ici. Une nouvelle conversation commencera avec votre prochain message.",
    )


async def test_unknown_inboxes_and_calls_are_not_found(doors: Doors) -> None:
    for inbox in (str(uuid4()), "nonsense", "%00", "12345678-1234"):
        async with doors.http.post(f"{doors.base_url}/widget/api/{inbox}/visitor") as answer:
            assert answer.status == 404
    for method, path in (("GET", "visitor"), ("POST", "nothing"), ("DELETE", "messages"), ("GET", "")):
        assert (await doors.call(method, path, None))[0] == 404
    async with connect(f"{doors.sockets}/widget/api/{uuid4()}/socket") as line:
        assert await Peer(line).closed() == 4404
    async with connect(f"{doors.sockets}/widget/api/{doors.world.inbox.id}/elsewhere") as line:
        assert await Peer(line).closed() == 4404


async def test_only_named_sites_may_hold_the_widget(doors: Doors) -> None:
    world = doors.world
    token, _ = await doors.visitor()
    # An inbox that names no site is open to all.
    async with doors.browser(token, additional_headers={"Origin": "https://anywhere.example"}) as browser:
        assert (await browser.next())["type"] == "welcome"
    async with world.db.workspace(world.workspace_id) as tx:
        await update_inbox(
            tx,
            world.workspace_id,
            world.inbox.id,
            sealer=world.sealer,
            settings={"allowed_origins": ["https://comfy.example", "https://*.dream.example"]},
        )
    await asyncio.sleep(0.1)
    for origin, allowed in (
        ("https://comfy.example", True),
        ("https://www.dream.example", True),
        (doors.base_url, True),
        ("https://dream.example.evil.example", False),
        ("http://comfy.example", False),
        ("https://evil.example", False),
        ("null", False),
    ):
        async with connect(
            f"{doors.widget.replace('http', 'ws', 1)}/socket", additional_headers={"Origin": origin}
        ) as line:
            peer = Peer(line)
            if allowed:
                await peer.send(type="hello", token=token, after_seq=0)
                assert (await peer.next())["type"] == "welcome", origin
            else:
                assert await peer.closed() == 4403, origin
    assert (await doors.call("GET", "session", token, headers={"Origin": "https://evil.example"}))[0] == 403
    async with doors.http.get(f"{doors.base_url}/widget/frame/{world.inbox.id}") as answer:
        policy = answer.headers["Content-Security-Policy"]
        assert "frame-ancestors 'self' https://comfy.example https://*.dream.example" in policy


async def test_what_cannot_be_a_message_is_refused_by_name(doors: Doors) -> None:
    token, _ = await doors.visitor()
    client_id = str(uuid4())
    text = {"type": "text", "text": "x"}
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"content": {"type": "text", "text": "x" * 10_001}}, "message_too_long"),
        ({"content": {"type": "text", "text": "x" * 3_000_000}}, "body_too_large"),
        ({"content": {"type": "text", "text": " \n\t "}}, "message_empty"),
        ({"content": {"type": "text", "text": 7}}, "malformed_event"),
        ({"content": {"type": "carousel"}}, "malformed_event"),
        ({"content": {"type": "unsupported", "summary": "me"}}, "malformed_event"),
        ({"content": None}, "malformed_event"),
        ({"content": text, "reply_to_id": "last"}, "malformed_event"),
        ({"content": text, "sent_at": "yesterday"}, "malformed_event"),
        ({"content": text, "visitor": "somebody else"}, "malformed_event"),
        ({"content": {"type": "image", "attachment": {"id": str(uuid4())}}}, "unknown_attachment"),
    ]
    async with doors.browser(token) as browser:
        await browser.next()
        for frame, code in wrong:
            await browser.send(type="send", client_id=client_id, **frame)
            refused = await browser.until("refused")
            assert (refused["client_id"], refused["error"]["code"]) == (client_id, code), frame
        await browser.write("Good after all", UUID(client_id))
        assert (await browser.until("ack"))["client_id"] == client_id
        for broken in (
            "{",
            "[1]",
            "null",
            '{"type":"dance"}',
            '{"type":"receipt","read_seq":"x"}',
            '{"type":"typing"}',
            "\x00",
            "[" * 50_000,
        ):
            await browser.line.send(broken)
            assert (await browser.until("refused"))["client_id"] is None, broken[:40]
        await browser.line.send(b"\xff\xfe\x00")
        assert (await browser.until("refused"))["client_id"] is None
        await browser.send(type="ping")
        assert (await browser.until("pong"))["type"] == "pong"
    for body, status in ((b"{", 400), (b"[]", 400), (b"", 400), (b'"' + b"x" * 300_000 + b'"', 413)):
        assert (await doors.call("POST", "messages", token, data=body))[0] == status
    assert len(await messages(doors, token, 1)) == 1


async def test_nul_surrogates_and_every_alphabet_arrive(doors: Doors) -> None:
    token, _ = await doors.visitor()
    named = str(uuid4())
    async with doors.browser(token) as browser:
        await browser.next()
        raw = '{"type":"send","client_id":"ID","content":{"type":"text","text":"a\\u0000b\\ud83dc"}}'
        await browser.line.send(raw.replace("ID", named))
        assert (await browser.until("ack"))["client_id"] == named
        await browser.write("مرحبا 👩‍👩‍👧‍👦 Ça va\u202f? ภาษาไทย")
        await browser.until("ack")
    seen = await messages(doors, token, 2)
    assert [item["content"]["text"] for item in seen] == ["a\ufffdb\ufffdc", "مرحبا 👩‍👩‍👧‍👦 Ça va\u202f? ภาษาไทย"]


async def test_a_picture_is_sent_by_the_one_who_uploaded_it(doors: Doors, tmp_path: Any) -> None:
    token, _ = await doors.visitor()
    stranger, _ = await doors.visitor()
    Image.new("RGB", (40, 30), "#1E5B49").save(tmp_path / "sole.png")
    raw = (tmp_path / "sole.png").read_bytes()
    status, attachment = await doors.call(
        "POST", "attachments?name=sole.png", token, data=raw, headers={"Content-Type": "image/png"}
    )
    assert (status, attachment["width"], attachment["name"]) == (201, 40, "sole.png")
    body = {
        "client_id": str(uuid4()),
        "content": {"type": "image", "attachment": {"id": attachment["id"]}, "text": "It came off"},
    }
    status, refused = await doors.call("POST", "messages", stranger, json=body)
    assert (status, refused["error"]["code"]) == (422, "unknown_attachment")
    assert (await doors.call("POST", "messages", token, json=body))[0] == 202
    (message,) = await messages(doors, token, 1)
    assert message["content"]["attachment"]["url"].startswith("/media/")
    assert message["content"]["attachment"]["media_type"] == "image/png"
    status, refused = await doors.call(
        "POST", "attachments?name=film.mp4", token, data=io.BytesIO(b"x" * (10 * 1024 * 1024 + 1))
    )
    assert (status, refused["error"]["code"]) == (413, "body_too_large")


async def test_whoever_says_nothing_is_sent_away(doors: Doors) -> None:
    async with connect(f"{doors.widget.replace('http', 'ws', 1)}/socket") as line:
        assert await Peer(line).closed(within=15) == 4408


async def test_a_full_house_asks_to_come_again_and_loses_nothing(doors: Doors) -> None:
    token, _ = await doors.visitor()
    async with doors.browser(token) as browser:
        await browser.next()
        doors.services.disk.refuse_input = True
        client_id = await browser.write("Before the disk is full")
        answer = await browser.until("unavailable")
        assert answer["client_id"] == client_id
        assert answer["retry_after"] >= 1
        body = {"client_id": client_id, "content": {"type": "text", "text": "Before the disk is full"}}
        async with doors.http.post(
            f"{doors.widget}/messages", json=body, headers={"Authorization": f"Bearer {token}"}
        ) as refused:
            assert refused.status == 503
            assert int(refused.headers["Retry-After"]) >= 1
        doors.services.disk.refuse_input = False
        await browser.write("Before the disk is full", UUID(client_id))
        assert (await browser.until("ack"))["client_id"] == client_id


async def test_a_flood_from_one_visitor_is_slowed_and_lost_by_nobody(doors: Doors) -> None:
    token, _ = await doors.visitor()
    async with doors.browser(token) as browser:
        await browser.next()
        for number in range(104):
            await browser.write(f"{number}")
        seen: list[str] = []
        acknowledged = 0
        while acknowledged < 104 or len(seen) < 104:
            frame = await browser.next(within=10)
            acknowledged += frame["type"] == "ack"
            seen += [item["content"]["text"] for item in frame.get("messages", [])]
    assert seen == [f"{number}" for number in range(104)]


async def test_other_workspaces_do_not_share_visitors(doors: Doors, clock: Any) -> None:
    other = await make_world(doors.world.db, clock, slug="dream-hotels")
    doors.world.db.signals = doors.world.signals
    token, _ = await doors.visitor()
    url = f"{doors.base_url}/widget/api/{other.inbox.id}/session"
    async with doors.http.get(url, headers={"Authorization": f"Bearer {token}"}) as answer:
        assert answer.status == 401
    await other.close()


async def test_the_inbox_knows_when_it_last_heard_from_a_visitor(doors: Doors) -> None:
    async with doors.http.post(f"{doors.widget}/visitor", json={}) as made:
        token = (await made.json())["token"]
    said = {"client_id": str(uuid4()), "content": {"type": "text", "text": "Hello"}}
    async with doors.http.post(
        f"{doors.widget}/messages", json=said, headers={"Authorization": f"Bearer {token}"}
    ) as taken:
        assert taken.status == 202
    await doors.services.health.close()
    async with doors.world.db.workspace(doors.world.workspace_id) as tx:
        health = await inbox_health(tx, doors.world.workspace_id, doors.world.inbox.id)
    assert health.last_event_at is not None
