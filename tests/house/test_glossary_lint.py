"""Names keep to the glossary, and the lint that holds them to it knows good names from bad ones."""

from pathlib import Path

import pytest

from tests.house.scratch import ROOT, found
from tools import lint_glossary
from tools.glossary import BANS, MEANT, Ban, verdicts, words

pytestmark = pytest.mark.house

MIGRATION = "src/comptoir/infra/migrations/0001_first.sql"


@pytest.mark.parametrize("ban", BANS, ids=lambda ban: ban.banned)
def test_each_ban_refuses_its_bad_sample_and_lets_its_good_one_pass(ban: Ban) -> None:
    assert ban in set(verdicts(ban.bad))
    assert not set(verdicts(ban.good))


@pytest.mark.parametrize("name", MEANT)
def test_a_name_with_a_meaning_of_its_own_passes_alone_and_not_beside_a_synonym(name: str) -> None:
    assert not list(verdicts(name))
    assert not list(verdicts(f"{name}s"))
    assert [ban.banned for ban in verdicts(f"{name}_of_customer")] == ["customer"]


def test_names_are_cut_into_words_at_underlines_and_capitals() -> None:
    assert words("ConversationsClosed") == ["conversation", "closed"]
    assert words("api_keys") == ["api", "key"]
    assert words("parseHTTPHeader2") == ["parse", "http", "header", "2"]
    assert words("address_class") == ["address", "class"]


def test_every_banned_word_stands_in_the_glossary_that_people_read() -> None:
    page = (ROOT / "docs/glossary.md").read_text(encoding="utf-8")
    for ban in BANS:
        spelled = ban.banned.replace("_", "-")
        assert spelled in page, f"docs/glossary.md does not say that {ban.banned} means {ban.say}"


def test_tables_and_columns_are_held_to_the_glossary(tmp_path: Path) -> None:
    sql = """-- room: contacts
CREATE TABLE contact (id uuid PRIMARY KEY, name text);
-- CREATE TABLE customer (id uuid);
CREATE TABLE visitor (
    id uuid,
    email text DEFAULT 'user_id',
    CHECK (email <> 'ticket'),
    user_id uuid
);
ALTER TABLE contact ADD COLUMN IF NOT EXISTS account_id uuid, ADD COLUMN note text;
"""
    said = found(lint_glossary.problems, tmp_path, {MIGRATION: sql})
    assert [line.removeprefix(f"{MIGRATION}:").split(" says")[0] for line in said] == [
        "4: the table visitor",
        "8: the column visitor. user_id",
        "10: the column contact. account_id",
    ]


def test_facts_commands_and_api_fields_are_held_to_the_glossary(tmp_path: Path) -> None:
    said = found(
        lint_glossary.problems,
        tmp_path,
        {
            "src/comptoir/conversations/facts.py": "class TicketClosed(Fact):\n    agent_id: int\n    user_id: int\n"
            "class Later(TicketClosed):\n    KINDS: ClassVar[dict[str, int]]\n    lead: int\n",
            "src/comptoir/conversations/commands.py": "async def close_chat(): ...\ndef _thread(): ...\n",
            "src/comptoir/conversations/commands/assign.py": "def assign_operator(): ...\n",
            "src/comptoir/api/app/shapes.py": "class Base(msgspec.Struct): ...\nclass Out(Base):\n    tenant: str\n    id: int\n",
        },
    )
    assert sorted(line.split(" says")[0].split(": the ")[1] for line in said) == [
        "API field Out. tenant",
        "command assign_operator",
        "command close_chat",
        "fact TicketClosed",
        "field of Later, lead",
        "field of TicketClosed, user_id",
    ]


def test_a_vendor_keeps_its_own_words(tmp_path: Path) -> None:
    files = {
        "src/comptoir/channels/telegram/inbound.py": "class ChatSeen(Fact):\n    user: int\n",
        "src/comptoir/api/sunshine/shapes.py": "class AppUser(Struct):\n    user: str\n",
    }
    assert found(lint_glossary.problems, tmp_path, files) == []
