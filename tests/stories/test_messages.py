"""What comes in becomes a message, once and in order; what agents do moves the conversation."""

from __future__ import annotations

import pytest

from comptoir.contacts.queries import contact_views
from comptoir.contracts.channel import InboundReceipt
from comptoir.contracts.content import Text
from comptoir.conversations.commands import SendMessage, assign, mark_read, send_message, set_status
from comptoir.conversations.counters import counts
from comptoir.conversations.errors import MessageIdTaken, UnknownAssignee, UnknownReply
from comptoir.conversations.queries import NOBODY, ConversationFilter, list_conversations, messages_page
from comptoir.conversations.search import SearchIndexer, search_messages
from comptoir.conversations.views import ConversationView
from comptoir.infra import journal
from comptoir.kernel.ids import uuid7
from tests.world import World, said


async def listed(world: World, chosen: ConversationFilter | None = None) -> list[ConversationView]:
    async with world.db.workspace(world.workspace_id) as tx:
        return (
            await list_conversations(tx, world.workspace_id, chosen or ConversationFilter(), world.agent_id, None, 50)
        ).items


async def texts(world: World, conversation_id: object) -> list[str]:
    async with world.db.workspace(world.workspace_id) as tx:
        page = await messages_page(tx, world.workspace_id, conversation_id, world.media)  # type: ignore[arg-type]
    import msgspec

    return [msgspec.json.decode(msgspec.json.encode(item.content))["text"] for item in page.items]


async def test_a_first_message_makes_contact_and_conversation(world: World) -> None:
    await world.write("visitor-1", "Bonjour", "Avez-vous du 38 ?")
    (conversation,) = await listed(world)
    assert await texts(world, conversation.id) == ["Bonjour", "Avez-vous du 38 ?"]
    assert (conversation.last_seq, conversation.inbound_count, conversation.my_read_count) == (2, 2, 0)
    assert conversation.waiting_since is not None
    async with world.db.workspace(world.workspace_id) as tx:
        contacts = await contact_views(tx, world.workspace_id, [conversation.contact_id])
        facts = await journal.read_after(tx, world.workspace_id, 0, 100)
    assert contacts[conversation.contact_id].identities[0].address == "visitor-1"
    kinds = [fact.kind for fact in facts]
    assert kinds[-4:] == ["ContactCreated", "ConversationOpened", "MessageReceived", "MessageReceived"]
    assert [fact.position for fact in facts] == list(range(1, len(facts) + 1))


async def test_the_same_event_twice_is_one_message(world: World) -> None:
    again = said("visitor-1", "Once")
    await world.receive(again, again)
    await world.receive(again)
    await world.settle()
    await world.receive(again)
    await world.settle()
    (conversation,) = await listed(world)
    assert conversation.last_seq == 1


async def test_many_contacts_in_one_batch_keep_their_order(world: World) -> None:
    for number in range(20):
        await world.receive(*[said(f"visitor-{who}", f"{number}") for who in range(15)])
    await world.settle()
    conversations = await listed(world)
    assert len(conversations) == 15
    for conversation in conversations:
        assert await texts(world, conversation.id) == [str(number) for number in range(20)]


async def test_nul_and_lone_surrogates_are_ordinary_input(world: World) -> None:
    await world.receive(said("visitor\x00\ud800", "a\x00b\ud83d"), body=b"\x00\xff")
    assert await world.settle() == 1
    (conversation,) = await listed(world)
    assert await texts(world, conversation.id) == ["a\ufffdb\ufffd"]


async def test_an_answer_ends_the_waiting_and_is_sent_once(world: World) -> None:
    await world.write("visitor-1", "Hello?")
    (conversation,) = await listed(world)
    command = SendMessage(
        workspace_id=world.workspace_id,
        conversation_id=conversation.id,
        id=uuid7(),
        kind="message",
        content=Text(text="Hello, how can I help?"),
        author_kind="agent",
        author_id=world.agent_id,
    )
    for expected in (True, False):
        async with world.db.workspace(world.workspace_id) as tx:
            assert await send_message(tx, command) is expected
    (conversation,) = await listed(world)
    assert (conversation.last_seq, conversation.waiting_since) == (2, None)
    assert conversation.last_message is not None
    async with world.db.workspace(world.workspace_id) as tx:
        page = await messages_page(tx, world.workspace_id, conversation.id, world.media)
    assert page.items[-1].delivery is not None
    assert page.items[-1].delivery.state == "sent"
    assert page.items[-1].author.name == "Tom Baker"
    other = SendMessage(
        **{name: getattr(command, name) for name in command.__struct_fields__} | {"author_id": world.owner_id}
    )
    with pytest.raises(MessageIdTaken):
        async with world.db.workspace(world.workspace_id) as tx:
            await send_message(tx, other)


async def test_a_reply_must_stand_in_the_conversation(world: World) -> None:
    await world.write("visitor-1", "One")
    (conversation,) = await listed(world)
    with pytest.raises(UnknownReply):
        async with world.db.workspace(world.workspace_id) as tx:
            await send_message(
                tx,
                SendMessage(
                    workspace_id=world.workspace_id,
                    conversation_id=conversation.id,
                    id=uuid7(),
                    kind="note",
                    content=Text(text="?"),
                    author_kind="agent",
                    author_id=world.agent_id,
                    reply_to_id=uuid7(),
                ),
            )


async def test_closing_assigning_and_writing_again_move_the_counters(world: World) -> None:
    await world.write("visitor-1", "One")
    await world.write("visitor-2", "Two")
    first, second = await listed(world)
    async with world.db.workspace(world.workspace_id) as tx:
        await assign(tx, world.workspace_id, first.id, world.agent_id, world.owner_id)
        await set_status(tx, world.workspace_id, second.id, "closed", world.owner_id)
    async with world.db.workspace(world.workspace_id) as tx:
        now = await counts(tx, world.workspace_id, world.agent_id)
    assert (now.open, now.mine, now.unassigned, now.closed) == (1, 1, 0, 1)
    assert [row.id for row in await listed(world, ConversationFilter(assignee=world.agent_id))] == [first.id]
    assert [row.id for row in await listed(world, ConversationFilter(status="closed"))] == [second.id]
    await world.write("visitor-1", "Again")
    await world.write("visitor-2", "Again")
    async with world.db.workspace(world.workspace_id) as tx:
        now = await counts(tx, world.workspace_id, world.agent_id)
    assert (now.open, now.mine, now.unassigned, now.closed) == (2, 1, 1, 0)
    assert len(await listed(world, ConversationFilter(assignee=NOBODY))) == 1
    with pytest.raises(UnknownAssignee):
        async with world.db.workspace(world.workspace_id) as tx:
            await assign(tx, world.workspace_id, first.id, uuid7(), None)


async def test_read_marks_go_forward_only(world: World) -> None:
    await world.write("visitor-1", "One", "Two", "Three")
    (conversation,) = await listed(world)
    for seq, expected in ((2, 2), (1, 2), (99, 3)):
        async with world.db.workspace(world.workspace_id) as tx:
            await mark_read(tx, world.workspace_id, conversation.id, world.agent_id, seq)
        (row,) = await listed(world)
        assert (row.my_read_count, row.my_read_seq, row.agents_read_seq) == (expected, expected, expected)


async def test_receipts_of_the_contact_move_the_marks(world: World) -> None:
    await world.write("visitor-1", "One")
    (conversation,) = await listed(world)
    async with world.db.workspace(world.workspace_id) as tx:
        await send_message(
            tx,
            SendMessage(
                workspace_id=world.workspace_id,
                conversation_id=conversation.id,
                id=uuid7(),
                kind="message",
                content=Text(text="Answer"),
                author_kind="agent",
                author_id=world.agent_id,
            ),
        )
    await world.receive(InboundReceipt(address="visitor-1", event_key="r1", state="read", up_to_seq=99))
    await world.receive(InboundReceipt(address="nobody", event_key="r2", state="read", up_to_seq=1))
    await world.settle()
    (conversation,) = await listed(world)
    assert (conversation.contact_delivered_seq, conversation.contact_read_seq) == (2, 2)
    async with world.db.workspace(world.workspace_id) as tx:
        page = await messages_page(tx, world.workspace_id, conversation.id, world.media)
    assert page.items[-1].delivery is not None
    assert page.items[-1].delivery.state == "read"


async def test_search_folds_accents_and_marks_what_it_found(world: World) -> None:
    await world.write("visitor-1", "Mes pantoufles élégantes sont arrivées trop petites", "Unrelated")
    indexer = SearchIndexer(world.db, world.signals)
    await indexer.index_once()
    async with world.db.workspace(world.workspace_id) as tx:
        (hit,) = await search_messages(tx, "elegant", None, 20) or await search_messages(tx, "elegantes", None, 20)
        assert await search_messages(tx, "nothing-like-it", None, 20) == []
        assert await search_messages(tx, '"', None, 20) == []
    assert [segment.text for segment in hit.snippet if segment.hit] == ["élégantes"]
