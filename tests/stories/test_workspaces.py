"""Persons, agents and keys: what the room promises beyond HTTP."""

from __future__ import annotations

import asyncio
from uuid import UUID

import pytest

from comptoir.infra import journal
from comptoir.infra.database import Database
from comptoir.kernel.errors import InvalidInput, NotFound
from comptoir.kernel.ids import uuid7
from comptoir.workspaces import attempts, passwords
from comptoir.workspaces.access import KEPT_SECONDS, Access
from comptoir.workspaces.commands import (
    activate_agent,
    add_agent,
    change_role,
    create_api_key,
    create_person,
    create_workspace,
    deactivate_agent,
    revoke_api_key,
    set_password,
    sign_in,
    sign_out,
)
from comptoir.workspaces.errors import (
    AlreadyAgent,
    EmailTaken,
    LastOwner,
    NotSignedIn,
    PasswordTooWeak,
    SlugTaken,
    TooManyAttempts,
)
from comptoir.workspaces.queries import list_agents, list_workspaces, password_of, workspace_by_slug
from tests.conftest import HandClock

PASSWORD = "correct horse battery staple"


class HandSeconds:
    """A monotonic clock moved by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


async def a_shop(db: Database, slug: str = "shop") -> tuple[UUID, UUID, UUID]:
    """A workspace, a person, and the person as its owner."""
    async with db.system() as tx:
        workspace_id = await create_workspace(tx, name="A shop", slug=slug)
        person_id = await create_person(tx, email=f"nora@{slug}.example", name="Nora", password=PASSWORD)
        return workspace_id, person_id, await add_agent(tx, workspace_id, person_id, "owner")


async def test_names_are_given_once_in_whatever_case(db: Database) -> None:
    workspace_id, person_id, _ = await a_shop(db)
    with pytest.raises(EmailTaken):
        async with db.system() as tx:
            await create_person(tx, email="NORA@Shop.Example", name="Another")
    with pytest.raises(SlugTaken):
        async with db.system() as tx:
            await create_workspace(tx, name="Shop")
    with pytest.raises(AlreadyAgent):
        async with db.system() as tx:
            await add_agent(tx, workspace_id, person_id, "agent")
    for email in ("nora", "no ra@x.example", "@x", "a@b\u0000.example", "x" * 65 + "@example.org"):
        with pytest.raises(InvalidInput):
            async with db.system() as tx:
                await create_person(tx, email=email, name="X")
    async with db.system() as tx:
        await create_workspace(tx, name="Crêpes & Cie — Nîmes")
        found = await workspace_by_slug(tx, "crepes-cie-nimes")
        assert [place.slug for place in await list_workspaces(tx)] == ["shop", "crepes-cie-nimes"]
    assert found is not None
    assert found.name == "Crêpes & Cie — Nîmes"


async def test_a_workspace_never_loses_its_last_owner(db: Database) -> None:
    workspace_id, _, owner_id = await a_shop(db)
    async with db.system() as tx:
        second_person = await create_person(tx, email="tom@shop.example", name="Tom")
        second = await add_agent(tx, workspace_id, second_person, "admin")
    with pytest.raises(LastOwner):
        async with db.system() as tx:
            await deactivate_agent(tx, workspace_id, owner_id)
    with pytest.raises(LastOwner):
        async with db.system() as tx:
            await change_role(tx, workspace_id, owner_id, "agent")
    async with db.system() as tx:
        await change_role(tx, workspace_id, second, "owner")

    async def leave(agent_id: UUID) -> bool:
        try:
            async with db.system() as tx:
                await deactivate_agent(tx, workspace_id, agent_id)
        except LastOwner:
            return False
        return True

    # Each may go, but not both at once.
    assert sorted(await asyncio.gather(leave(owner_id), leave(second))) == [False, True]
    async with db.system() as tx:
        for agent_id in (owner_id, second):
            await activate_agent(tx, workspace_id, agent_id)
        assert all(agent.active for agent in await list_agents(tx, workspace_id))
        facts = await journal.read_after(tx, workspace_id, 0, 100)
    assert {fact.kind for fact in facts} == {"AgentChanged"}
    with pytest.raises(NotFound):
        async with db.system() as tx:
            await change_role(tx, workspace_id, uuid7(), "agent")


async def test_only_digests_of_secrets_are_kept(db: Database) -> None:
    workspace_id, person_id, _ = await a_shop(db)
    async with db.system() as tx:
        _, key = await create_api_key(tx, workspace_id, name="till", role="agent")
        token = await sign_in(tx, person_id)
        kept = await tx.fetch(
            "SELECT k::text AS line FROM api_key k UNION ALL SELECT s::text FROM session s UNION ALL SELECT p::text FROM person p"
        )
        login = await password_of(tx, "Nora@shop.example")
    everything = " ".join(row["line"] for row in kept)
    assert not [secret for secret in (key, token, PASSWORD) if secret in everything]
    assert login is not None
    assert login.password_hash is not None
    assert login.password_hash.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert await passwords.verify(login.password_hash, PASSWORD)
    assert not await passwords.verify(login.password_hash, PASSWORD + " ")
    assert not await passwords.verify(None, PASSWORD)
    assert not await passwords.verify("not a hash", PASSWORD)
    for weak in ("short", "x" * 257):
        with pytest.raises(PasswordTooWeak):
            await passwords.hash_password(weak)


async def test_what_another_process_ended_is_known_within_half_a_minute(db: Database) -> None:
    workspace_id, person_id, _ = await a_shop(db)
    seconds = HandSeconds()
    here = Access(db, seconds)
    async with db.system() as tx:
        token = await sign_in(tx, person_id)
        key_id, key = await create_api_key(tx, workspace_id, name="till", role="agent")
    assert (await here.principal(cookie=token)).role == "owner"
    assert (await here.principal(authorization=f"Bearer {key}")).key_id == key_id
    # As another process does it: this one is not told.
    async with db.system() as tx:
        await tx.run("DELETE FROM session")
        await tx.run("UPDATE api_key SET revoked_at = now()")
    seconds.now += KEPT_SECONDS + 0.1
    with pytest.raises(NotSignedIn):
        await here.principal(cookie=token)
    with pytest.raises(NotSignedIn):
        await here.principal(authorization=f"Bearer {key}")


async def test_what_this_process_ended_is_known_at_once(db: Database) -> None:
    workspace_id, person_id, _ = await a_shop(db)
    doors = [Access(db), Access(db)]
    async with db.system() as tx:
        first, second = await sign_in(tx, person_id), await sign_in(tx, person_id)
        key_id, key = await create_api_key(tx, workspace_id, name="till", role="agent")
    for door in doors:
        assert (await door.principal(cookie=first)).person_id == person_id
        assert (await door.principal(cookie=second)).person_id == person_id
        await door.principal(authorization=f"Bearer {key}")
    async with db.system() as tx:
        await sign_out(tx, first)
        await revoke_api_key(tx, workspace_id, key_id)
    for door in doors:
        assert (await door.principal(cookie=second)).person_id == person_id
        with pytest.raises(NotSignedIn):
            await door.principal(cookie=first)
        with pytest.raises(NotSignedIn):
            await door.principal(authorization=f"Bearer {key}")
    async with db.system() as tx:
        await set_password(tx, person_id, "another long password")
    for door in doors:
        with pytest.raises(NotSignedIn):
            await door.principal(cookie=second)


async def test_a_session_lives_for_thirty_days_after_its_last_use(database_url: str, clock: HandClock) -> None:
    db = Database(database_url, clock=clock, app_size=1, system_size=2)
    await db.open()
    _, person_id, _ = await a_shop(db)
    seconds = HandSeconds()
    access = Access(db, seconds)
    async with db.system() as tx:
        token = await sign_in(tx, person_id)
    for _ in range(4):
        clock.pass_time(days=29)
        seconds.now += 100
        assert (await access.signed_in(token)).person.id == person_id
    clock.pass_time(days=31)
    with pytest.raises(NotSignedIn):
        await access.signed_in(token)
    await db.close()


async def test_attempts_are_counted_over_all_processes_and_pass(database_url: str, clock: HandClock) -> None:
    db = Database(database_url, clock=clock, app_size=1, system_size=2)
    await db.open()

    async def attempt(email: str, address: str = "192.0.2.1") -> None:
        async with db.system() as tx:
            await attempts.count_attempt(tx, email, address)

    for _ in range(attempts.PER_EMAIL):
        await attempt("nora@shop.example")
    with pytest.raises(TooManyAttempts) as refused:
        await attempt(" NORA@shop.example")
    assert 600 < refused.value.retry_after <= 900
    await attempt("nora@shop.example", "192.0.2.2")
    for number in range(attempts.PER_ADDRESS - attempts.PER_EMAIL):
        await attempt(f"guess{number}@shop.example")
    with pytest.raises(TooManyAttempts):
        await attempt("someone-else@shop.example")
    clock.pass_time(minutes=16)
    await attempt("nora@shop.example")
    async with db.system() as tx:
        await attempts.forgive(tx, "nora@shop.example", "192.0.2.1")
        left = await tx.fetch("SELECT bucket FROM rate_limit WHERE hits > 0")
    # Nothing that names anybody is kept, and what has passed is swept away.
    assert not [row for row in left if "nora" in row["bucket"] or "192" in row["bucket"]]
    await db.close()
