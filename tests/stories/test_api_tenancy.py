"""One workspace sees nothing of another: asked of every operation that the API describes, so that a new one is asked too."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest

from comptoir.api.app.application import litestar_app
from comptoir.api.app.description import document
from comptoir.infra.database import Database
from comptoir.kernel.ids import uuid7
from tests.conftest import HandClock
from tests.counter import Client, Counter
from tests.world import make_world

TEXT = {"content": {"type": "text", "text": "x"}}
# A body that would be taken if the row were ours, for every operation that takes one.
BODIES: dict[tuple[str, str], Any] = {
    ("PATCH", "/labels/{label_id}"): {"name": "x"},
    ("PATCH", "/inboxes/{inbox_id}"): {"name": "x"},
    ("PATCH", "/contacts/{contact_id}"): {"name": "x"},
    ("PATCH", "/conversations/{conversation_id}"): {"status": "closed", "priority": "high"},
    ("POST", "/conversations/{conversation_id}/read"): {"seq": 1},
    ("POST", "/conversations/{conversation_id}/typing"): {"on": True},
    ("POST", "/conversations/{conversation_id}/messages"): TEXT,
    ("POST", "/deliveries/{delivery_id}/settle"): {"as": "sent"},
}
# Operations on no row: they speak of the person, or make something new in one's own workspace.
OF_ONES_OWN = {
    ("POST", "/session"),
    ("GET", "/session"),
    ("PATCH", "/session"),
    ("DELETE", "/session"),
    ("POST", "/labels"),
    ("POST", "/inboxes"),
    ("POST", "/attachments"),
}
OPERATIONS = sorted(
    (method.upper(), path.removeprefix("/api/v1"))
    for path, methods in document(litestar_app(None, None))["paths"].items()
    for method in methods
)
ON_A_ROW = [operation for operation in OPERATIONS if "{" in operation[1]]
LISTS = [operation for operation in OPERATIONS if "{" not in operation[1] and operation not in OF_ONES_OWN]


@dataclass(slots=True)
class Neighbour:
    """Another workspace of the same installation, with a row of everything."""

    workspace_id: UUID
    rows: dict[str, str]
    client: Client


@pytest.fixture
async def neighbour(counter: Counter, db: Database, clock: HandClock) -> AsyncIterator[Neighbour]:
    world = await make_world(db, clock, slug="dream-hotels")
    await world.write("guest-1", "A suite for the honeymoon")
    await counter.world.write("visitor-1", "Slippers")
    client = await counter.sign_in("tom@dream-hotels.example")
    conversation = (await client.get("/conversations")).json["items"][0]
    path = f"/conversations/{conversation['id']}"
    message = (await client.post(f"{path}/messages", TEXT)).json
    label = (await client.post("/labels", {"name": "Honeymoon"})).json
    await client.patch(path, {"label_ids": [label["id"]], "assignee_id": str(world.agent_id)})
    attachment = (await client.post("/attachments?name=suite.txt", b"suite")).json
    rows = {
        "conversation_id": conversation["id"],
        "contact_id": conversation["contact_id"],
        "inbox_id": str(world.inbox.id),
        "label_id": label["id"],
        "message_id": message["id"],
        "delivery_id": (await client.get(f"/messages/{message['id']}/deliveries")).json["items"][0]["id"],
        "attachment_id": attachment["id"],
        "agent_id": str(world.agent_id),
    }
    yield Neighbour(world.workspace_id, rows, client)
    await world.close()


async def everything_of(db: Database, workspace_id: UUID) -> dict[str, list[str]]:
    """All rows of a workspace, by table."""
    async with db.system() as tx:
        tables = await tx.fetch(
            "SELECT c.relname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid"
            " WHERE a.attname = 'workspace_id' AND c.relkind IN ('r', 'p') AND NOT c.relispartition ORDER BY 1"
        )
        return {
            row["relname"]: [
                found["line"]
                for found in await tx.fetch(
                    f"SELECT t::text AS line FROM {row['relname']} t WHERE workspace_id = $1 ORDER BY 1", workspace_id
                )
            ]
            for row in tables
        }


def filled(path: str, rows: dict[str, str]) -> str:
    return re.sub(r"\{(\w+)\}", lambda hit: rows[hit[1]], path)


def test_every_operation_is_asked() -> None:
    assert len(ON_A_ROW) >= 15
    assert {operation for operation in ON_A_ROW if operation[0] in {"POST", "PATCH"}} == set(BODIES)
    assert set(OPERATIONS) >= OF_ONES_OWN


async def test_rows_of_another_workspace_do_not_exist(counter: Counter, neighbour: Neighbour) -> None:
    before = await everything_of(counter.world.db, neighbour.workspace_id)
    assert sum(map(len, before.values())) > 15
    wrong = []
    for client in (await counter.owner(), await counter.program("owner")):
        for method, path in ON_A_ROW:
            answer = await client.ask(method, filled(path, neighbour.rows), BODIES.get((method, path)))
            by_a_program = "Authorization" in client.headers and answer.code == "agent_needed"
            if (answer.status, answer.code) != (404, "not_found") and not by_a_program:
                wrong.append(f"{method} {path}: {answer.status} {answer.body[:200]!r}")
    assert wrong == []
    assert await everything_of(counter.world.db, neighbour.workspace_id) == before


async def test_the_same_rows_do_exist_for_their_own(counter: Counter, neighbour: Neighbour) -> None:
    """Else the test above would be content with an API that finds nothing."""
    for method, path in ON_A_ROW:
        if method == "GET" and not path.endswith("/quarantine"):
            assert (await neighbour.client.ask("GET", filled(path, neighbour.rows))).status == 200, path


async def test_lists_show_nothing_of_another_workspace(counter: Counter, neighbour: Neighbour) -> None:
    rows = await everything_of(counter.world.db, neighbour.workspace_id)
    ids = {
        found for lines in rows.values() for line in lines for found in re.findall(r"[0-9a-f]{8}-[0-9a-f-]{27}", line)
    }
    ids.discard("00000000-0000-0000-0000-000000000000")
    assert set(neighbour.rows.values()) <= ids
    queries = {"/search": {"q": "suite honeymoon slippers"}, "/deliveries": {"state": "failed"}}
    for client in (await counter.owner(), await counter.program("owner")):
        for method, path in LISTS:
            answer = await client.get(path, **queries.get(path, {}))
            assert (method, answer.status) == ("GET", 200), path
            assert [found for found in ids if found.encode() in answer.body] == [], path
    owner = await counter.owner()
    for name in ("inbox_id", "label_id"):
        assert (await owner.get("/conversations", **{name: neighbour.rows[name]})).json["items"] == []
    assert (await owner.get("/conversations", assignee=neighbour.rows["agent_id"])).json["items"] == []


async def test_rows_of_another_workspace_cannot_be_named_in_a_body(counter: Counter, neighbour: Neighbour) -> None:
    owner = await counter.owner()
    path = f"/conversations/{(await owner.get('/conversations')).json['items'][0]['id']}"
    rows = neighbour.rows
    refused = [
        await owner.patch(path, {"assignee_id": rows["agent_id"]}),
        await owner.patch(path, {"label_ids": [rows["label_id"]]}),
        await owner.post(f"{path}/messages", {**TEXT, "reply_to_id": rows["message_id"]}),
        await owner.post(
            f"{path}/messages", {"content": {"type": "file", "attachment": {"id": rows["attachment_id"]}}}
        ),
    ]
    assert [answer.code for answer in refused] == [
        "unknown_assignee",
        "unknown_label",
        "unknown_reply",
        "unknown_attachment",
    ]
    # An id of theirs taken for a message of ours makes a message of ours, and theirs stays as it was.
    taken = await owner.post(f"{path}/messages", {**TEXT, "id": rows["message_id"]})
    assert taken.status == 201
    theirs = await neighbour.client.get(f"/conversations/{rows['conversation_id']}/messages")
    assert len(theirs.json["items"]) == 2


async def test_another_workspace_cannot_be_entered(counter: Counter, neighbour: Neighbour) -> None:
    elsewhere = {"Comptoir-Workspace": str(neighbour.workspace_id)}
    for client in (await counter.owner(), await counter.program("owner")):
        for method, path in sorted(set(OPERATIONS) - {o for o in OF_ONES_OWN if o[1] == "/session"}):
            answer = await client.ask(
                method, filled(path, neighbour.rows), BODIES.get((method, path)), headers=elsewhere
            )
            assert (answer.status, answer.code) == (404, "not_found"), f"{method} {path}"
    assert (await counter.stranger().get("/conversations", workspace=uuid7())).code == "not_signed_in"
