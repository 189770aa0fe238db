"""The other lints of the house: each finds what it is for, and leaves alone what it is not."""

import json
from pathlib import Path

import pytest

from tests.house.scratch import found
from tools import lint_catalogues, lint_docs, lint_lock, lint_size, lint_sql, lint_tables, lint_words

pytestmark = pytest.mark.house

MIGRATION = "src/comptoir/infra/migrations/0001_first.sql"
NARROW = "\u202f"


def test_a_table_is_named_by_its_own_room_alone(tmp_path: Path) -> None:
    files = {
        MIGRATION: "-- room: contacts\nCREATE TABLE contact (id uuid);\nCREATE TABLE identity (id uuid);\n",
        "src/comptoir/contacts/queries.py": 'ALL = "SELECT * FROM contact JOIN identity USING (id)"\n',
        "src/comptoir/ingest/queries.py": 'X = f"""\nDELETE FROM {TABLE} USING\n identity WHERE true"""\n'
        'SENTENCE = "We select a contact from contact lists."\n',
        "src/comptoir/api/app/list.py": 'X = "SELECT c.id FROM public.contact c"\n',
    }
    assert found(lint_tables.problems, tmp_path, files) == [
        "src/comptoir/api/app/list.py:1: api names the table contact, which is touched by contacts alone.",
        "src/comptoir/ingest/queries.py:1: ingest names the table identity, which is touched by contacts alone.",
        "src/comptoir/ingest/queries.py:4: ingest names the table contact, which is touched by contacts alone.",
    ]


def test_a_view_may_be_joined_by_the_rooms_that_may_import_its_owner(tmp_path: Path) -> None:
    files = {
        "pyproject.toml": '[[tool.importlinter.contracts]]\nid = "rooms"\nlayers = ["api", "(ingest) | (bots)", "contacts", "infra"]\n',
        MIGRATION: "-- room: contacts\nCREATE VIEW contact_name WITH (security_invoker = true) AS SELECT id FROM contact;\n",
        "src/comptoir/contacts/__init__.py": "",
        "src/comptoir/ingest/queries.py": 'X = "SELECT * FROM contact_name"\n',
        "src/comptoir/infra/queries.py": 'X = "SELECT * FROM contact_name"\n',
    }
    assert found(lint_tables.problems, tmp_path, files) == [
        "src/comptoir/infra/queries.py:1: infra may not import contacts, so it may not join its view contact_name."
    ]


def test_a_migration_says_once_whose_tables_it_makes_and_changes_no_others(tmp_path: Path) -> None:
    files = {
        MIGRATION: "-- room: contacts\nCREATE TABLE contact (id uuid);\n",
        "src/comptoir/infra/migrations/0002_silent.sql": "CREATE TABLE message (id uuid);\n",
        "src/comptoir/infra/migrations/0003_greedy.sql": "-- room: ingest\nALTER TABLE contact ADD COLUMN lane int;\n",
        "src/comptoir/contacts/__init__.py": "",
        "src/comptoir/ingest/__init__.py": "",
    }
    assert [line.split(" ", 1)[1] for line in found(lint_tables.problems, tmp_path, files)] == [
        "must say once whose tables these are, in a line `-- room: NAME`.",
        "contact belongs to contacts; ingest may not make or change it.",
    ]


def test_only_constants_are_put_into_sql(tmp_path: Path) -> None:
    code = (
        'COLUMNS = "id"\n'
        'A = f"SELECT {COLUMNS} FROM contact"\n'
        "B = f\"SELECT {queries.COLUMNS} FROM contact WHERE name = '{name}'\"\n"
        "# composed: the column comes from the closed list above\n"
        'C = f"SELECT {column} FROM contact"\n'
        'D = f"Select {one} and go on."\n'
        'E = f"SELECT id FROM contact LIMIT ${len(values)}"\n'
    )
    assert found(lint_sql.problems, tmp_path, {"src/comptoir/contacts/queries.py": code}) == [
        "src/comptoir/contacts/queries.py:3: {name} is put into SQL; pass it as a parameter."
    ]


def test_long_files_and_long_functions_are_found(tmp_path: Path) -> None:
    files = {
        "src/comptoir/kernel/long.py": "x = 1\n" * 401,
        "src/comptoir/kernel/function.py": "def f():\n" + "    x = 1\n" * 60,
        "src/comptoir/kernel/fits.py": "def f():\n" + "    x = 1\n" * 59 + "x = 1\n" * 340,
        "web/apps/inbox/src/List.svelte": "<p>\n" * 251,
        "web/packages/client/src/generated/api.ts": "x\n" * 5000,
    }
    assert [line.split(";")[0] for line in found(lint_size.problems, tmp_path, files)] == [
        "src/comptoir/kernel/function.py:1: f has 61 lines",
        "src/comptoir/kernel/long.py: 401 lines",
        "web/apps/inbox/src/List.svelte: 251 lines",
    ]


def test_patches_silent_skips_and_addresses_of_a_machine_are_found(tmp_path: Path) -> None:
    patched = "monkeypatch" + ".setattr"
    code = (
        f"def test_a(monkeypatch):\n    {patched}(x, 'y', 1)\n    monkeypatch.setenv('A', 'b')\n"
        "@pytest.mark.skip\ndef test_b(): ...\n"
        "@pytest.mark.skipif(True)\ndef test_c(): ...\n"
        "@pytest.mark.skipif(True, reason='Windows has no fork')\ndef test_d():\n    pytest.skip()\n"
        "    pytest.skip('no browser here')\n    pytest.xfail(reason='')\n"
    )
    files = {
        "tests/test_x.py": code,
        "docs/how.md": "See /wor" + "k/main, and not homework/main or /workers.\n",
        "web/package-lock.json": '"resolved": "https://registry.' + 'npmjs.org/x"\n',
    }
    said = found(lint_words.problems, tmp_path, files)
    assert sorted(line.split(" ")[0] for line in said) == [
        "docs/how.md:1:",
        "tests/test_x.py:10:",
        "tests/test_x.py:12:",
        "tests/test_x.py:2:",
        "tests/test_x.py:4:",
        "tests/test_x.py:6:",
        "web/package-lock.json:1:",
    ]


def test_catalogues_have_the_same_keys_placeholders_and_french_spaces(tmp_path: Path) -> None:
    english = {"list": {"empty": "Nothing yet", "only": "x", "count": "{n} of {all}", "blank": " "}, "at": "At 14:30"}
    french = {
        "list": {"empty": "Rien encore ?", "count": "{n} sur", "blank": "a"},
        "at": "À 14:30, voir https://exemple.fr{n:x}",
        "new": f"Bonjour{NARROW}! Vraiment{NARROW}?!",
    }
    files = {
        "web/apps/inbox/src/i18n/en.json": json.dumps(english),
        "web/apps/inbox/src/i18n/fr.json": json.dumps(french),
        "src/comptoir/api/catalogue/en.json": "{}",
    }
    folder = "web/apps/inbox/src/i18n/"
    assert [line.replace(folder, "") for line in found(lint_catalogues.problems, tmp_path, files)] == [
        "src/comptoir/api/catalogue/en.json: src/comptoir/api/catalogue/fr.json is missing.",
        "fr.json: list.only is missing; it stands in en.json.",
        "en.json: new is missing; it stands in fr.json.",
        "fr.json: at: n stands in one language only.",
        "fr.json: list.count: all stands in one language only.",
        "fr.json: list.empty: a narrow no-break space (U+202F) is missing in “Rien encore ?”.",
        "en.json: list.blank is empty.",
    ]


def test_a_refusal_has_a_code_and_a_sentence_in_both_languages(tmp_path: Path) -> None:
    code = (
        "class Refusal(Exception):\n    code: ClassVar[str] = 'refused'\n"
        "class Good(Refusal):\n    code = 'good'\n    sentences: ClassVar[dict[str, str]] = {'en': 'No: {n}', 'fr': 'Non\u202f: {n}'}\n"
        "class Child(Good):\n    code = 'child'\n"
        "class Mute(errors.Refusal):\n    code = 'mute'\n    sentences = {'en': 'No.'}\n"
        "class Sloppy(Refusal):\n    sentences = {'en': 'Really?', 'fr': 'Vraiment ?'}\n"
    )
    said = found(lint_catalogues.problems, tmp_path, {"src/comptoir/contacts/errors.py": code})
    assert [line.split(" ", 1)[1] for line in said] == [
        "Child has no sentences of its own, written out in English and French.",
        "Mute has no sentence in French.",
        "Sloppy has no code of its own.",
        "Sloppy: a narrow no-break space (U+202F) is missing in “Vraiment ?”.",
    ]


CLI = """
app = App(name="comptoir", help=say("a", "b"))
user = App(name="user")
app.command(user)
app.command("comptoir.entrypoints.trace:trace", name="trace")

@app.command(help=say("Serve (all).", "Servir."))
def serve(): ...

@app.command(name="apikey")
async def make_key(): ...

@user.command
def add(): ...
"""


def test_every_path_and_command_in_the_documentation_exists(tmp_path: Path) -> None:
    page = (
        "Run `make demo`, then `make dmo`; `comptoir serve`, `comptoir trace ID`, `comptoir user add` and `comptoir add`.\n"
        "See `src/comptoir/kernel`, `kernel/ids.py`, `ids.py`, `docs/gone.md`, `.venv/`, `text/plain`, `/healthz`, `1/2`.\n"
        "Read [this](flow.md), [that](nowhere.md#here) and [those](https://example.org).\n"
        "```sh\nmake test  # all of it\ncomptoir apikey\nmake nothing\n```\n"
        "```python\nmake = 1\n```\n"
    )
    files = {
        "Makefile": "demo: x\n\ttrue\ntest:\n",
        ".gitignore": ".venv/\n",
        "docs/page.md": page,
        "docs/flow.md": "",
        "src/comptoir/kernel/ids.py": "",
        "src/comptoir/entrypoints/cli.py": CLI,
    }
    assert found(lint_docs.problems, tmp_path, files) == [
        "docs/page.md:1: the Makefile has no target dmo.",
        "docs/page.md:1: comptoir has no command add.",
        "docs/page.md:2: there is no docs/gone.md.",
        "docs/page.md:3: the link nowhere.md leads nowhere.",
        "docs/page.md:7: the Makefile has no target nothing.",
    ]


def test_the_lock_holds_names_and_versions_of_all_that_is_asked_for() -> None:
    project = (
        '[project]\ndependencies = ["Typing_Extensions>=4", "gone>=1"]\n[dependency-groups]\ndev = ["ruff>=0.1"]\n'
    )
    lock = "ruff==0.17.6\ntyping-extensions==4.16.0 ; python_full_version < '3.13'\nevil @ https://example.org/x.whl\n"
    assert list(lint_lock.problems(lock, project)) == [
        "requirements.lock:3: “evil @ https://example.org/x.whl” is not NAME==VERSION ; MARKER.",
        "requirements.lock: gone is asked for in pyproject.toml and not locked; run `make update-lock`.",
    ]
