"""One word per concept: names of tables, columns, facts, commands and API fields keep to the glossary.

A vendor's payload keeps its own words, so channels and the compatible facades are left alone.
"""

import ast
from collections.abc import Iterator

from tools import sql
from tools.glossary import verdicts
from tools.lint_tables import MIGRATIONS
from tools.repository import Repository, classes, descendants, fields

# A library's own tables, made by a migration of ours because we alone migrate.
VENDOR_TABLES = ("pgqueuer",)
VENDOR = ("src/comptoir/channels/", "src/comptoir/simulators/", "src/comptoir/api/sunshine/", "src/comptoir/api/graph/")


def problems(repository: Repository) -> Iterator[str]:
    """Every name that says a synonym, with the word to say instead."""
    for kind, name, place in names(repository):
        for ban in verdicts(name):
            yield f"{place}: the {kind} {name} says “{ban.banned}”; the house says {ban.say}."


def names(repository: Repository) -> Iterator[tuple[str, str, str]]:
    """Every name that the lint holds: its kind, itself, its place."""
    yield from _tables(repository)
    yield from _facts(repository)
    yield from _commands(repository)
    yield from _api_fields(repository)


def _ours(name: str) -> bool:
    return not name.startswith(VENDOR)


def _tables(repository: Repository) -> Iterator[tuple[str, str, str]]:
    for name in repository.matching(MIGRATIONS):
        for made in sql.made_by(repository.text(name)):
            if made.table.startswith(VENDOR_TABLES):
                continue
            kind = "table" if made.column is None else f"column {made.table}."
            yield kind, made.column or made.table, f"{name}:{made.line}"


def _facts(repository: Repository) -> Iterator[tuple[str, str, str]]:
    for name, node in descendants(classes(repository, "src/comptoir/*.py"), "Fact"):
        if _ours(name):
            yield "fact", node.name, f"{name}:{node.lineno}"
            for field, line in fields(node):
                yield f"field of {node.name},", field, f"{name}:{line}"


def _commands(repository: Repository) -> Iterator[tuple[str, str, str]]:
    for name in repository.matching("src/comptoir/*/commands.py", "src/comptoir/*/commands/*.py"):
        for node in repository.tree(name).body:
            if (
                isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
                and not node.name.startswith("_")
                and _ours(name)
            ):
                yield "command", node.name, f"{name}:{node.lineno}"


def _api_fields(repository: Repository) -> Iterator[tuple[str, str, str]]:
    found = classes(repository, "src/comptoir/api/*.py")
    for name, node in descendants(found, "Struct"):
        if _ours(name):
            for field, line in fields(node):
                yield f"API field {node.name}.", field, f"{name}:{line}"
