"""Bad input, a full disk, a database that is away: each a clear error with a code, in one shape, and nothing leaked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from comptoir.contracts.content import TEXT_LIMIT
from comptoir.infra.database import Database
from comptoir.kernel.clock import system_clock
from comptoir.kernel.ids import uuid7
from tests.cable import cable_to
from tests.counter import METRICS_TOKEN, Client, Counter, running
from tests.world import make_world

NOBODY = "01890000-0000-7000-8000-000000000000"


async def conversation_of(client: Client) -> str:
    (conversation,) = (await client.get("/conversations")).json["items"]
    return str(conversation["id"])


BAD_INPUT: list[tuple[str, str, bytes | None, int, str, str | None]] = [
    ("POST", "/labels", b"{", 400, "malformed_json", "body"),
    ("POST", "/labels", b"\xff\xfe", 400, "malformed_json", "body"),
    ("POST", "/labels", b"[" * 100_000, 400, "malformed_json", "body"),
    ("POST", "/labels", b"[]", 422, "invalid_input", None),
    ("POST", "/labels", b"null", 422, "invalid_input", None),
    ("POST", "/labels", b"", 422, "invalid_input", None),
    ("POST", "/labels", b'{"colour":"sky"}', 422, "invalid_input", None),
    ("POST", "/labels", b'{"name":7}', 422, "invalid_input", "name"),
    ("POST", "/labels", b'{"name":"x","colour":"pink"}', 422, "invalid_input", "colour"),
    ("POST", "/labels", b'{"name":"x","wings":2}', 422, "invalid_input", None),
    ("POST", "/labels", b'{"name":" "}', 422, "invalid_input", "name"),
    ("POST", "/session", b'{"email":["x"],"password":"x"}', 422, "invalid_input", "email"),
    (
        "POST",
        f"/conversations/{NOBODY}/messages",
        b'{"content":{"type":"text","text":"x"}}',
        404,
        "not_found",
        "conversation_id",
    ),
    (
        "POST",
        f"/conversations/{NOBODY}/messages",
        b'{"content":{"type":"sticker"}}',
        422,
        "invalid_input",
        "content.type",
    ),
    ("POST", f"/conversations/{NOBODY}/messages", b'{"content":{"type":"text"}}', 422, "invalid_input", "content"),
    (
        "POST",
        f"/conversations/{NOBODY}/messages",
        b'{"content":{"type":"text","text":[]}}',
        422,
        "invalid_input",
        "content.text",
    ),
    (
        "POST",
        f"/conversations/{NOBODY}/messages",
        b'{"id":"7","content":{"type":"text","text":"x"}}',
        422,
        "invalid_input",
        "id",
    ),
    ("POST", f"/conversations/{NOBODY}/read", b'{"seq":-1}', 422, "invalid_input", "seq"),
    ("POST", f"/conversations/{NOBODY}/read", b'{"seq":99999999999}', 422, "invalid_input", "seq"),
    ("POST", f"/conversations/{NOBODY}/typing", b'{"on":true}', 404, "not_found", "conversation_id"),
    ("PATCH", f"/conversations/{NOBODY}", b'{"status":"open"}', 404, "not_found", "conversation_id"),
    ("PATCH", f"/conversations/{NOBODY}", b'{"assignee_id":"me"}', 422, "invalid_input", "assignee_id"),
    ("PATCH", f"/contacts/{NOBODY}", b'{"name":"x"}', 404, "not_found", "contact_id"),
    ("PATCH", f"/inboxes/{NOBODY}", b'{"name":"x"}', 404, "not_found", None),
    ("GET", f"/inboxes/{NOBODY}/health", None, 404, "not_found", None),
    ("GET", f"/inboxes/{NOBODY}/quarantine", None, 404, "not_found", None),
    ("GET", f"/messages/{NOBODY}/deliveries", None, 404, "not_found", "message_id"),
    ("POST", f"/deliveries/{NOBODY}/settle", b'{"as":"sent"}', 404, "not_found", "delivery_id"),
    ("POST", f"/deliveries/{NOBODY}/settle", b'{"as":"maybe"}', 422, "invalid_input", "as"),
    ("GET", "/conversations/not-an-id", None, 404, "not_found", None),
    ("GET", "/nothing/here", None, 404, "not_found", None),
    ("PUT", "/labels", b"{}", 405, "method_not_allowed", None),
    ("GET", "/conversations?limit=0", None, 422, "invalid_input", "limit"),
    ("GET", "/conversations?limit=101", None, 422, "invalid_input", "limit"),
    ("GET", "/conversations?limit=x", None, 422, "invalid_input", "limit"),
    ("GET", "/conversations?status=lost", None, 422, "invalid_input", "status"),
    ("GET", "/conversations?assignee=him", None, 422, "invalid_input", "assignee"),
    ("GET", "/conversations?inbox_id=7", None, 422, "invalid_input", "inbox_id"),
    ("GET", "/conversations?cursor=nonsense", None, 422, "invalid_cursor", "cursor"),
    ("GET", "/contacts?query=x&cursor=nonsense", None, 422, "invalid_cursor", "cursor"),
    ("GET", f"/conversations/{NOBODY}/messages?before_seq=9999999999", None, 422, "invalid_input", "before_seq"),
    ("GET", "/events?after=-1", None, 422, "invalid_input", "after"),
    ("GET", "/events?after=99999999999999999999", None, 422, "invalid_input", "after"),
    ("GET", "/events?limit=501", None, 422, "invalid_input", "limit"),
    ("GET", f"/search?q={'x' * 501}", None, 422, "invalid_input", "q"),
    ("GET", "/search?q=x&kind=everything", None, 422, "invalid_input", "kind"),
]


async def test_bad_input_is_refused_by_name(counter: Counter) -> None:
    owner = await counter.owner()
    wrong = []
    for method, path, body, status, code, field in BAD_INPUT:
        answer = await owner.ask(method, path, body)
        error = answer.json["error"]
        assert set(error) == {"code", "message", "field", "docs"}
        assert answer.headers["content-type"].startswith("application/json")
        if (answer.status, answer.code, error["field"]) != (status, code, field):
            wrong.append(f"{method} {path} {(body or b'')[:60]!r}: {answer.status} {error}")
    assert wrong == [], "\n".join(wrong)


@pytest.mark.parametrize("words", ["a\\u0000b", "a\\ud800b", "a\\udfff\\ud800b"])
async def test_nul_and_lone_surrogates_are_ordinary_input(counter: Counter, words: str) -> None:
    await counter.world.write("visitor-1", "Hello")
    agent = await counter.agent()
    path = f"/conversations/{await conversation_of(agent)}/messages"
    sent = await agent.post(path, b'{"content":{"type":"text","text":"%s"}}' % words.encode())
    assert sent.status == 201, sent.body
    kept = sent.json["content"]["text"]
    assert (kept[0], kept[-1], set(kept[1:-1])) == ("a", "b", {"\ufffd"})
    for asked in (
        "/search?q=a%00b",
        "/contacts?query=%00",
        "/contacts?query=%ED%A0%80",
        "/events?kind=%00",
        "/attachments?name=%00",
    ):
        method = "POST" if asked.startswith("/attachments") else "GET"
        assert (await agent.ask(method, asked, b"x" if method == "POST" else None)).status < 300, asked


async def test_a_paste_of_three_megabytes_is_refused_and_the_line_stays_open(counter: Counter) -> None:
    await counter.world.write("visitor-1", "Hello")
    agent = await counter.agent()
    path = f"/conversations/{await conversation_of(agent)}/messages"
    refused = await agent.post(path, {"content": {"type": "text", "text": "x" * 3_000_000}})
    assert (refused.status, refused.code) == (413, "body_too_large")
    assert "262144" in refused.json["error"]["message"]
    long = await agent.post(path, {"content": {"type": "text", "text": "é" * (TEXT_LIMIT + 1)}})
    assert (long.status, long.code, long.json["error"]["field"]) == (422, "message_too_long", "content.text")
    assert (await agent.post(path, {"content": {"type": "text", "text": "é" * TEXT_LIMIT}})).status == 201
    assert (await agent.post(path, {"content": {"type": "text", "text": " \n "}})).code == "message_empty"


async def test_errors_do_not_repeat_markup_or_braces_as_their_own(counter: Counter) -> None:
    program = await counter.program("owner")
    answer = await program.post("/labels", {"name": "x", "{detail}<b>": 1})
    assert answer.code == "invalid_input"
    french = await program.post("/labels", {"name": 7}, headers={"Accept-Language": "fr"})
    assert french.json["error"]["message"].startswith("Un élément de cette demande n’est pas valide\u202f:")


async def test_every_answer_is_guarded(counter: Counter) -> None:
    program = await counter.program("owner")
    for answer in (await program.get("/labels"), await program.get("/nothing"), await program.post("/labels", b"{")):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"
        assert "default-src 'none'" in answer.headers["content-security-policy"]


async def test_a_full_disk_lets_reading_go_on(counter: Counter) -> None:
    await counter.world.write("visitor-1", "Hello")
    agent = await counter.agent()
    path = f"/conversations/{await conversation_of(agent)}"
    counter.services.disk.refuse_input = True
    assert (await agent.get(path)).status == 200
    for refused in (
        await agent.post(f"{path}/messages", {"content": {"type": "text", "text": "x"}}),
        await agent.post("/attachments?name=x", b"x"),
        await agent.patch(path, {"status": "closed"}),
    ):
        assert (refused.status, refused.code, refused.headers["retry-after"]) == (503, "storage_full", "60")
    ready = await counter.stranger().ask("GET", "//readyz")
    assert (ready.status, ready.json["checks"]["disk"]) == (503, "full")
    counter.services.disk.refuse_input = False
    assert (await agent.post(f"{path}/messages", {"content": {"type": "text", "text": "x"}})).status == 201


async def test_a_database_that_is_away_is_told_and_comes_back(database_url: str, tmp_path: Path, clock: Any) -> None:
    async with cable_to(database_url) as cable:
        db = Database(cable.dsn, app_size=2, system_size=2)
        await db.open()
        world = await make_world(db, clock)
        async with running(world, tmp_path / "data", system_clock) as counter:
            await world.write("visitor-1", "Hello")
            agent = await counter.agent()
            path = f"/conversations/{await conversation_of(agent)}/messages"
            body = {"id": str(uuid7()), "content": {"type": "text", "text": "Do not lose me"}}
            cable.pull()
            for refused in (
                await agent.post(path, body),
                await agent.get("/conversations"),
                await agent.post(path, body),
            ):
                assert (refused.status, refused.code) == (503, "unavailable")
                assert int(refused.headers["retry-after"]) >= 1
            alive, ready = [await counter.stranger().ask("GET", f"//{name}") for name in ("healthz", "readyz")]
            assert (alive.status, ready.status, ready.json["checks"]["database"]) == (200, 503, "away")
            cable.plug_in()
            assert (await agent.post(path, body)).status == 201
            assert (await agent.post(path, body)).status == 200
            assert (await counter.stranger().ask("GET", "//readyz")).status == 200
        await world.close()
        await db.close()


async def test_a_mistake_of_ours_gives_a_reference_and_no_details(counter: Counter) -> None:
    program = await counter.program("owner")
    async with counter.world.db.connection() as connection:
        await connection.execute("SET ROLE NONE")
        await connection.execute("ALTER TABLE label RENAME TO label_gone")
        await connection.execute("SET ROLE comptoir_system")
    answer = await program.get("/labels")
    assert (answer.status, answer.code) == (500, "internal")
    reference = answer.json["error"]["message"].rstrip(".").rpartition(" ")[2]
    assert len(reference) == 12
    assert b"label" not in answer.body
    assert b"relation" not in answer.body


async def test_operations(counter: Counter) -> None:
    stranger = counter.stranger()
    assert (await stranger.ask("GET", "//healthz")).json == {"status": "ok"}
    ready = await stranger.ask("GET", "//readyz")
    assert (ready.status, ready.json["checks"]) == (200, {"database": "ok", "migrations": "ok", "disk": "ok"})
    assert (await stranger.ask("GET", "//metrics")).code == "not_signed_in"
    assert (await counter.stranger(Authorization="Bearer wrong").ask("GET", "//metrics")).status == 401
    metrics = await counter.stranger(Authorization=f"Bearer {METRICS_TOKEN}").ask("GET", "//metrics")
    assert b"comptoir_refusals_total" in metrics.body
    page = await counter.stranger(**{"Accept-Language": "fr"}).ask("GET", "//docs/errors")
    assert (page.status, "<h2 id=message_too_long>" in page.body.decode()) == (200, True)


async def test_the_api_describes_itself(counter: Counter) -> None:
    document = (await counter.stranger().get("/openapi.json")).json
    assert document["components"]["schemas"]["NewMessage"]["additionalProperties"] is False
    assert set(document["paths"]["/api/v1/search"]["get"]["responses"]) == {"200", "default"}
    queries = {query["name"] for query in document["paths"]["/api/v1/contacts"]["get"]["parameters"]}
    assert queries == {"query", "cursor", "limit"}
    assert msgspec.json.encode(document).count(b'"operationId"') > 30
