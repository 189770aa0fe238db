"""Signing in, staying in, going out, and who may do what."""

from __future__ import annotations

import pytest

from comptoir.workspaces.access import PERMISSIONS
from comptoir.workspaces.attempts import PER_EMAIL
from comptoir.workspaces.commands import change_role, deactivate_agent, end_sessions
from tests.counter import Counter


async def test_signing_in_opens_a_session_and_signing_out_ends_it(counter: Counter) -> None:
    browser = await counter.owner()
    session = (await browser.get("/session")).json
    assert session["person"]["name"] == "Nora Lefèvre"
    assert [(place["slug"], place["role"]) for place in session["workspaces"]] == [("comfy-shoes", "owner")]
    gone = await browser.delete("/session")
    assert (gone.status, gone.body) == (204, b"")
    assert "Max-Age=0" in gone.headers["set-cookie"]
    # The cookie that a thief may have kept opens nothing any more.
    assert (await browser.get("/session")).code == "not_signed_in"
    assert (await browser.get("/conversations")).code == "not_signed_in"


async def test_the_cookie_is_kept_from_scripts_and_other_sites(counter: Counter) -> None:
    answer = await counter.stranger().post(
        "/session", {"email": "NORA@comfy-shoes.example ", "password": "wrong wrong"}
    )
    assert "set-cookie" not in answer.headers
    browser = await counter.owner()
    cookie = (await browser.get("/session")).headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert "max-age=2592000" in cookie


async def test_an_unknown_address_and_a_wrong_password_sound_alike(counter: Counter) -> None:
    stranger = counter.stranger()
    wrong = await stranger.post("/session", {"email": "nora@comfy-shoes.example", "password": "guess guess"})
    unknown = await stranger.post("/session", {"email": "nobody@comfy-shoes.example", "password": "guess guess"})
    assert (wrong.status, wrong.json) == (unknown.status, unknown.json)
    assert wrong.code == "sign_in_refused"


async def test_guessing_is_stopped_and_told_when_to_come_back(counter: Counter) -> None:
    stranger = counter.stranger()
    guesses = [{"email": "nora@comfy-shoes.example", "password": f"guess number {n}"} for n in range(PER_EMAIL + 1)]
    codes = [(await stranger.post("/session", guess)).code for guess in guesses]
    assert codes == ["sign_in_refused"] * PER_EMAIL + ["too_many_attempts"]
    refused = await stranger.post("/session", guesses[0])
    assert 1 <= int(refused.headers["retry-after"]) <= 900
    # Somebody else on the same address is not shut out.
    await counter.agent()


async def test_mistyping_is_forgotten_after_a_success(counter: Counter) -> None:
    stranger = counter.stranger()
    for _ in range(2):
        for _ in range(PER_EMAIL - 1):
            answer = await stranger.post("/session", {"email": "nora@comfy-shoes.example", "password": "mistyped!"})
            assert answer.code == "sign_in_refused"
        await counter.owner()


async def test_a_person_chooses_their_language(counter: Counter) -> None:
    browser = await counter.owner()
    assert (await browser.patch("/session", {"locale": "en"})).json["person"]["locale"] == "en"
    assert (await browser.get("/session")).json["person"]["locale"] == "en"
    refused = await browser.patch("/session", {"locale": "tlh"})
    assert (refused.code, refused.json["error"]["field"]) == ("invalid_input", "locale")


async def test_other_sites_cannot_change_anything_by_the_cookie(counter: Counter) -> None:
    browser = await counter.owner()
    body = {"name": "Urgent", "colour": "brick"}
    for headers in (
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site", "Origin": ""},
    ):
        assert (await browser.post("/labels", body, headers=headers)).code == "cross_origin_refused"
    without = {"Cookie": browser.headers["Cookie"]}
    assert (await counter.stranger(**without).post("/labels", body)).code == "cross_origin_refused"
    assert (await counter.stranger(**without).get("/labels")).status == 200
    assert (await counter.stranger(**without, **{"Sec-Fetch-Site": "same-origin"}).post("/labels", body)).status == 201
    foreign = counter.stranger(Origin="https://evil.example")
    signing_in = {"email": "nora@comfy-shoes.example", "password": "whatever"}
    assert (await foreign.post("/session", signing_in)).code == "cross_origin_refused"


async def test_an_observer_reads_everything_and_changes_nothing(counter: Counter) -> None:
    async with counter.world.db.system() as tx:
        await change_role(tx, counter.world.workspace_id, counter.world.agent_id, "observer")
    await counter.world.write("someone", "Bonjour")
    observer = await counter.agent()
    (conversation,) = (await observer.get("/conversations")).json["items"]
    path = f"/conversations/{conversation['id']}"
    for readable in ("/agents", "/labels", "/inboxes", "/contacts", path, f"{path}/messages", "/events"):
        assert (await observer.get(readable)).status == 200, readable
    changes = (
        await observer.post(f"{path}/messages", {"content": {"type": "text", "text": "no"}}),
        await observer.patch(path, {"status": "closed"}),
        await observer.post(f"{path}/read", {"seq": 1}),
        await observer.post(f"{path}/typing", {"on": True}),
        await observer.post("/labels", {"name": "x"}),
        await observer.patch(f"/contacts/{conversation['contact_id']}", {"name": "x"}),
        await observer.post("/attachments?name=x.txt", b"x"),
        await observer.post("/inboxes", {"channel": "web", "name": "x"}),
    )
    assert [change.code for change in changes] == ["not_permitted"] * len(changes)


async def test_only_owners_and_admins_manage_inboxes(counter: Counter) -> None:
    body = {"channel": "web", "name": "Second shop"}
    assert (await (await counter.agent()).post("/inboxes", body)).code == "not_permitted"
    assert (await (await counter.owner()).post("/inboxes", body)).status == 201
    assert (await (await counter.program("admin")).post("/inboxes", body)).status == 201


async def test_a_deactivated_agent_is_out_at_once(counter: Counter) -> None:
    browser = await counter.agent()
    assert (await browser.get("/conversations")).status == 200
    async with counter.world.db.system() as tx:
        await deactivate_agent(tx, counter.world.workspace_id, counter.world.agent_id)
    assert (await browser.get("/conversations")).code == "not_found"
    assert (await browser.get("/session")).json["workspaces"] == []


async def test_ending_all_sessions_of_a_person_bites_at_once(counter: Counter) -> None:
    first, second = await counter.owner(), await counter.owner()
    async with counter.world.db.system() as tx:
        person_id = await tx.value("SELECT person_id FROM agent WHERE id = $1", counter.world.owner_id)
        await end_sessions(tx, person_id)
    assert {(await browser.get("/agents")).code for browser in (first, second)} == {"not_signed_in"}


async def test_a_key_belongs_to_one_workspace_and_is_nobody(counter: Counter) -> None:
    await counter.world.write("someone", "Hello")
    program = await counter.program("agent")
    (conversation,) = (await program.get("/conversations")).json["items"]
    assert (await program.post(f"/conversations/{conversation['id']}/read", {"seq": 1})).code == "agent_needed"
    elsewhere = {"Comptoir-Workspace": "01890000-0000-7000-8000-000000000000"}
    assert (await program.ask("GET", "/conversations", headers=elsewhere)).code == "not_found"
    assert (await counter.stranger(Authorization="Bearer cpt_nonsense").get("/agents")).code == "not_signed_in"
    assert (await counter.stranger(Authorization="Basic bm9yYTp4").get("/agents")).code == "not_signed_in"


def test_every_role_reads_and_owners_do_everything_that_others_do() -> None:
    assert PERMISSIONS["observer"] < PERMISSIONS["agent"] < PERMISSIONS["admin"] == PERMISSIONS["owner"]
    assert all(permission.endswith(".read") for permission in PERMISSIONS["observer"])


@pytest.mark.parametrize(
    "path", ["/agents", "/labels", "/inboxes", "/contacts", "/conversations", "/events", "/search"]
)
async def test_strangers_are_told_to_sign_in_in_their_language(counter: Counter, path: str) -> None:
    answer = await counter.stranger(**{"Accept-Language": "fr-FR,fr;q=0.9,en;q=0.8"}).get(path)
    assert (answer.status, answer.code) == (401, "not_signed_in")
    assert answer.json["error"]["message"].startswith("Vous n’êtes pas connecté")
    assert answer.json["error"]["docs"] == "/docs/errors#not_signed_in"
