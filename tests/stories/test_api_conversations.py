"""What agents do over HTTP: lists and filters, writing, labels, contacts, search, facts."""

from __future__ import annotations

import base64
from typing import Any
from uuid import UUID

import pytest

from comptoir.conversations.search import SearchIndexer
from comptoir.kernel.ids import uuid7
from tests.counter import Client, Counter


def text(words: str, **more: Any) -> dict[str, Any]:
    return {
        "id": str(uuid7()),
        "kind": "message",
        "content": {"type": "text", "text": words},
        "reply_to_id": None,
        **more,
    }


async def only(client: Client) -> dict[str, Any]:
    (conversation,) = (await client.get("/conversations")).json["items"]
    found: dict[str, Any] = conversation
    return found


async def test_a_message_is_read_and_answered(counter: Counter) -> None:
    await counter.world.write("visitor-1", "Bonjour", "Avez-vous du 38 ?")
    agent = await counter.agent()
    listed = (await agent.get("/conversations")).json
    (conversation,) = listed["items"]
    assert conversation["last_message"]["preview"] == "Avez-vous du 38 ?"
    assert conversation["inbound_count"] - conversation["my_read_count"] == 2
    assert [brief["id"] for brief in listed["contacts"]] == [conversation["contact_id"]]
    path = f"/conversations/{conversation['id']}"
    assert (await agent.post(f"{path}/read", {"seq": 2})).status == 204
    sent = await agent.post(f"{path}/messages", text("Oui, en rayon."))
    assert sent.status == 201
    assert sent.json["author"] == {"kind": "agent", "id": str(counter.world.agent_id), "name": "Tom Baker"}
    assert sent.json["delivery"]["state"] == "sent"
    after = (await agent.get(path)).json
    assert after["conversation"]["my_read_count"] == 2
    assert after["conversation"]["waiting_since"] is None
    assert after["contact"]["identities"][0]["channel"] == "web"
    messages = (await agent.get(f"{path}/messages")).json
    assert [(m["seq"], m["content"]["text"]) for m in messages["items"]] == [
        (1, "Bonjour"),
        (2, "Avez-vous du 38 ?"),
        (3, "Oui, en rayon."),
    ]


async def test_sending_again_on_a_weak_line_makes_one_message(counter: Counter) -> None:
    await counter.world.write("visitor-1", "Hello")
    agent = await counter.agent()
    path = f"/conversations/{(await only(agent))['id']}/messages"
    body = text("Good morning")
    first, again = await agent.post(path, body), await agent.post(path, body)
    assert (first.status, again.status) == (201, 200)
    changed = await agent.post(path, {**body, "content": {"type": "text", "text": "Something else"}})
    assert (changed.status, changed.json["content"]["text"]) == (200, "Good morning")
    assert len((await agent.get(path)).json["items"]) == 2
    assert (await (await counter.owner()).post(path, body)).code == "message_id_taken"


async def test_notes_are_among_agents_and_replies_quote(counter: Counter) -> None:
    await counter.world.write("visitor-1", "Hello")
    agent = await counter.agent()
    conversation = await only(agent)
    path = f"/conversations/{conversation['id']}/messages"
    note = await agent.post(path, text("Knows us from the fair", kind="note"))
    assert (note.json["kind"], note.json["delivery"]) == ("note", None)
    (asked,) = (await agent.get(path, before_seq=2)).json["items"]
    reply = await agent.post(path, text("Welcome", reply_to_id=asked["id"]))
    assert reply.json["reply_to"] == {"id": asked["id"], "seq": 1, "author_kind": "contact", "preview": "Hello"}
    assert (await only(agent))["last_message"]["preview"] == "Welcome"
    unknown = await agent.post(path, text("Welcome", reply_to_id=str(uuid7())))
    assert (unknown.status, unknown.code) == (422, "unknown_reply")


async def test_lists_are_filtered_and_paged(counter: Counter) -> None:
    for number in range(5):
        await counter.world.write(f"visitor-{number}", f"Question {number}")
    agent = await counter.agent()
    everything = (await agent.get("/conversations")).json["items"]
    ids = [item["id"] for item in everything]
    label = (await agent.post("/labels", {"name": "Return", "colour": "brass"})).json
    assert (await agent.patch(f"/conversations/{ids[0]}", {"assignee_id": str(counter.world.agent_id)})).status == 200
    assert (await agent.patch(f"/conversations/{ids[1]}", {"status": "closed"})).json["closed_at"]
    changed = await agent.patch(f"/conversations/{ids[2]}", {"label_ids": [label["id"]], "priority": "urgent"})
    assert (changed.json["label_ids"], changed.json["priority"]) == ([label["id"]], "urgent")

    async def shown(**filters: object) -> list[str]:
        return [item["id"] for item in (await agent.get("/conversations", **filters)).json["items"]]

    assert await shown(assignee="me") == [ids[0]]
    assert await shown(assignee="none") == [ids[2], ids[3], ids[4]]
    assert await shown(assignee=counter.world.agent_id) == [ids[0]]
    assert await shown(status="closed") == [ids[1]]
    assert await shown(label_id=label["id"]) == [ids[2]]
    assert await shown(inbox_id=counter.world.inbox.id) == [ids[0], ids[2], ids[3], ids[4]]
    assert await shown(inbox_id=uuid7()) == []
    counts = (await agent.get("/conversations/counts")).json
    assert {name: counts[name] for name in ("open", "mine", "unassigned", "closed")} == {
        "open": 4,
        "mine": 1,
        "unassigned": 3,
        "closed": 1,
    }
    paged: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = (await agent.get("/conversations", limit=3, cursor=cursor)).json
        paged += [item["id"] for item in page["items"]]
        cursor = page["next_cursor"]
    assert paged == [ids[0], ids[2], ids[3], ids[4]]


async def test_messages_are_leafed_through(counter: Counter) -> None:
    await counter.world.write("visitor-1", *[f"number {n}" for n in range(1, 10)])
    agent = await counter.agent()
    path = f"/conversations/{(await only(agent))['id']}/messages"

    async def leaf(**where: object) -> tuple[list[int], bool, bool]:
        page = (await agent.get(path, **where)).json
        return [item["seq"] for item in page["items"]], page["has_before"], page["has_after"]

    assert await leaf(limit=3) == ([7, 8, 9], True, False)
    assert await leaf(limit=3, before_seq=7) == ([4, 5, 6], True, True)
    assert await leaf(limit=3, after_seq=7) == ([8, 9], True, False)
    assert await leaf(limit=4, around_seq=5) == ([4, 5, 6, 7], True, True)
    assert (await agent.get(path, before_seq=3, after_seq=1)).code == "invalid_input"


async def test_labels_are_kept_apart_by_name(counter: Counter) -> None:
    agent = await counter.agent()
    label = (await agent.post("/labels", {"name": " Retour ", "colour": "plum"})).json
    assert label["name"] == "Retour"
    assert (await agent.post("/labels", {"name": "retour"})).code == "label_exists"
    assert (await agent.patch(f"/labels/{label['id']}", {"colour": "sky"})).json == {**label, "colour": "sky"}
    assert (await agent.patch(f"/labels/{uuid7()}", {"colour": "sky"})).code == "not_found"
    assert (await agent.delete(f"/labels/{label['id']}")).status == 204
    assert (await agent.get("/labels")).json == {"items": []}


async def test_contacts_are_changed_and_found_without_accents(counter: Counter) -> None:
    await counter.world.write("visitor-1", "Bonjour")
    await counter.world.write("visitor-2", "Hello")
    agent = await counter.agent()
    first = (await agent.get("/contacts")).json["items"][-1]
    change = {"name": "Héloïse Œuvrard", "email": "h.oeuvrard@example.fr", "attributes": {"taille": 38}}
    changed = (await agent.patch(f"/contacts/{first['id']}", change)).json
    assert {name: changed[name] for name in change} == change
    assert (await agent.patch(f"/contacts/{first['id']}", {"email": None})).json["email"] is None
    assert (await agent.get(f"/contacts/{first['id']}")).json["name"] == "Héloïse Œuvrard"
    found = (await agent.get("/contacts", query="heloise")).json
    assert [contact["id"] for contact in found["items"]] == [first["id"]]
    (hit,) = (await agent.get("/search", q="HELOISE oeuv", kind="contacts")).json["contacts"]
    assert hit["matched"] == [
        {"text": "Héloïse", "hit": True},
        {"text": " ", "hit": False},
        {"text": "Œuv", "hit": True},
        {"text": "rard", "hit": False},
    ]
    assert hit["conversation_id"] in [item["id"] for item in (await agent.get("/conversations")).json["items"]]
    assert (await agent.patch(f"/contacts/{first['id']}", {"email": "not an address"})).code == "invalid_email"


async def test_messages_are_searched_with_highlights(counter: Counter) -> None:
    await counter.world.write("visitor-1", "Mes pantoufles sont arrivées abîmées <b>hier</b>")
    await SearchIndexer(counter.world.db, counter.world.signals).index_once()
    agent = await counter.agent()
    (hit,) = (await agent.get("/search", q="abimees")).json["messages"]
    assert {"text": "abîmées", "hit": True} in hit["snippet"]
    assert hit["contact"]["id"] == (await only(agent))["contact_id"]
    assert (await agent.get("/search", q="   ")).json == {"messages": [], "contacts": [], "next_cursor": None}
    assert (await agent.get("/search", q="girafe")).json["messages"] == []


async def test_facts_are_read_after_a_position(counter: Counter) -> None:
    await counter.world.write("visitor-1", "Hello")
    agent = await counter.agent()
    await agent.patch(f"/conversations/{(await only(agent))['id']}", {"assignee_id": str(counter.world.agent_id)})
    whole = (await agent.get("/events")).json
    assert [fact["position"] for fact in whole["items"]] == list(range(1, len(whole["items"]) + 1))
    assert whole["items"][-1]["kind"] == "ConversationAssigned"
    assert whole["position"] == whole["items"][-1]["position"] == (await agent.get("/conversations")).json["position"]
    read, after = [], 0
    while len(page := (await agent.get("/events", after=after, limit=2)).json["items"]):
        read += page
        after = page[-1]["position"]
    assert read == whole["items"]
    received = (await agent.get("/events", kind="MessageReceived")).json
    assert [fact["kind"] for fact in received["items"]] == ["MessageReceived"]
    assert received["position"] == whole["position"]
    assert (await agent.get("/events", after=whole["position"] + 100)).json["position"] == whole["position"] + 100


async def test_a_program_may_write_with_no_more_than_content(counter: Counter) -> None:
    await counter.world.write("visitor-1", "Hello")
    program = await counter.program("agent")
    path = f"/conversations/{(await only(program))['id']}/messages"
    sent = await program.post(path, {"content": {"type": "text", "text": "We open at nine."}})
    assert (sent.status, sent.json["author"]["kind"]) == (201, "bot")
    (delivery,) = (await program.get(f"/messages/{sent.json['id']}/deliveries")).json["items"]
    assert (delivery["state"], delivery["message_id"], delivery["verdict"]["allowed"]) == (
        "sent",
        sent.json["id"],
        True,
    )


@pytest.mark.parametrize("state", ["uncertain", "failed"])
async def test_deliveries_that_wait_for_a_decision_are_settled(counter: Counter, state: str) -> None:
    await counter.world.write("visitor-1", "Hello")
    agent = await counter.agent()
    path = f"/conversations/{(await only(agent))['id']}/messages"
    sent = (await agent.post(path, text("Good morning"))).json
    (delivery,) = (await agent.get(f"/messages/{sent['id']}/deliveries")).json["items"]
    assert (await agent.post(f"/deliveries/{delivery['id']}/settle", {"as": "sent"})).code == "not_to_settle"
    async with counter.world.db.system() as tx:
        await tx.run("UPDATE delivery SET state = $2 WHERE id = $1", UUID(delivery["id"]), state)
    (waiting,) = (await agent.get("/deliveries", state=state)).json["items"]
    assert waiting["id"] == delivery["id"]
    health = (await agent.get(f"/inboxes/{counter.world.inbox.id}/health")).json
    assert health["uncertain"] == (1 if state == "uncertain" else 0)
    settled = await agent.post(
        f"/deliveries/{delivery['id']}/settle", {"as": "failed" if state == "uncertain" else "sent"}
    )
    assert settled.json["state"] == ("failed" if state == "uncertain" else "sent")


async def test_inboxes_are_made_and_changed_and_keep_their_secrets(counter: Counter) -> None:
    owner = await counter.owner()
    made = await owner.post(
        "/inboxes",
        {
            "channel": "loopback",
            "name": "Démo & tests",
            "settings": {"api_base": "http://127.0.0.1:9/"},
            "credentials": {"token": "s3cr3t-t0ken"},
        },
    )
    assert made.status == 201
    inbox = made.json
    assert (inbox["slug"], inbox["has_credentials"]) == ("demo-tests", True)
    assert inbox["settings"]["api_base"] == "http://127.0.0.1:9"
    assert inbox["webhook_url"].endswith(f"/hooks/loopback/{inbox['id']}")
    kept = await counter.services.inboxes.get(UUID(inbox["id"]))
    assert kept is not None
    assert kept.credentials == {"token": "s3cr3t-t0ken"}
    changed = await owner.patch(f"/inboxes/{inbox['id']}", {"name": "Loopback", "credentials": {"secret": "another"}})
    assert changed.json["name"] == "Loopback"
    kept = await counter.services.inboxes.get(UUID(inbox["id"]))
    assert kept is not None
    assert kept.credentials == {"token": "s3cr3t-t0ken", "secret": "another"}
    everything = (await owner.get("/inboxes")).body + (await owner.get("/events")).body + made.body + changed.body
    assert b"s3cr3t" not in everything
    async with counter.world.db.system() as tx:
        sealed = await tx.value("SELECT credentials FROM inbox WHERE id = $1", UUID(inbox["id"]))
    assert b"s3cr3t" not in sealed


@pytest.mark.parametrize(
    ("body", "code", "field"),
    [
        ({"channel": "pigeon", "name": "x"}, "unknown_channel", "channel"),
        ({"channel": "web", "name": "  "}, "invalid_input", "name"),
        ({"channel": "web", "name": "x", "settings": {"wings": 2}}, "unknown_setting", "settings.wings"),
        ({"channel": "web", "name": "x", "settings": {"colour": "red"}}, "invalid_input", "settings.colour"),
        (
            {"channel": "web", "name": "x", "settings": {"allowed_origins": ["javascript:x"]}},
            "invalid_input",
            "settings.allowed_origins",
        ),
        ({"channel": "web", "name": "x", "settings": {"greeting": "x" * 301}}, "invalid_input", "settings.greeting"),
        ({"channel": "web", "name": "x", "credentials": {"token": "x"}}, "unknown_setting", "credentials.token"),
        ({"channel": "loopback", "name": "x", "credentials": {"token": 7}}, "credentials_refused", "credentials.token"),
        (
            {"channel": "loopback", "name": "x", "settings": {"api_base": "file:///etc"}},
            "invalid_input",
            "settings.api_base",
        ),
    ],
)
async def test_an_inbox_that_could_not_work_is_refused(counter: Counter, body: object, code: str, field: str) -> None:
    refused = await (await counter.owner()).post("/inboxes", body)
    assert (refused.status, refused.code, refused.json["error"]["field"]) == (422, code, field)


async def test_settings_of_a_website_are_put_in_order(counter: Counter) -> None:
    settings = {
        "allowed_origins": ["https://Shop.Example/", "https://shop.example", "http://localhost:8000"],
        "title": None,
    }
    made = await (await counter.owner()).post("/inboxes", {"channel": "web", "name": "x", "settings": settings})
    assert made.json["settings"] == {"allowed_origins": ["https://shop.example", "http://localhost:8000"]}


async def test_events_that_could_not_be_stored_are_shown_to_those_who_manage(counter: Counter) -> None:
    inbox = counter.world.inbox
    async with counter.world.db.system() as tx:
        await tx.run(
            "INSERT INTO quarantined_event (workspace_id, id, inbox_id, received_at, reason, body)"
            " SELECT $1, gen_random_uuid(), $2, now() - n * interval '1 minute', 'reason ' || n, convert_to('body ' || n, 'UTF8')"
            " FROM generate_series(1, 25) n",
            counter.world.workspace_id,
            inbox.id,
        )
    path = f"/inboxes/{inbox.id}/quarantine"
    assert (await (await counter.agent()).get(path)).code == "not_permitted"
    owner = await counter.owner()
    first = (await owner.get(path)).json
    second = (await owner.get(path, cursor=first["next_cursor"])).json
    reasons = [event["reason"] for event in first["items"] + second["items"]]
    assert (reasons, second["next_cursor"]) == ([f"reason {n}" for n in range(1, 26)], None)
    assert base64.b64decode(first["items"][0]["body_base64"]) == b"body 1"
    health = (await owner.get(f"/inboxes/{inbox.id}/health")).json
    assert (health["quarantined"], health["parked"], health["last_error"]) == (25, 0, None)
