"""A room's tables are touched by that room alone.

Each migration says in its header whose tables it makes (`-- room: NAME`); SQL in another room's Python may not name them. A view is
what a room gives out for joining: the rooms that may import the owner may name it too.
"""

import ast
import tomllib
from collections.abc import Iterator

from tools import lint_sql, sql
from tools.repository import Repository

MIGRATIONS = "src/comptoir/infra/migrations/*.sql"


def problems(repository: Repository) -> Iterator[str]:
    """Migrations without an owner, tables with two owners, and statements that reach into another room."""
    owners: dict[str, str] = {}
    views: set[str] = set()
    order = rooms_in_order(repository)
    for name in repository.matching(MIGRATIONS):
        rooms = sql.ROOM.findall(repository.text(name))
        if len(rooms) != 1:
            yield f"{name}: must say once whose tables these are, in a line `-- room: NAME`."
            continue
        if not (repository.root / "src/comptoir" / rooms[0]).is_dir():
            yield f"{name}: there is no room {rooms[0]}."
        views |= sql.views_in(repository.text(name))
        for made in sql.made_by(repository.text(name)):
            owner = owners.setdefault(made.table, rooms[0])
            if owner != rooms[0]:
                yield f"{name}:{made.line}: {made.table} belongs to {owner}; {rooms[0]} may not make or change it."
    for name in repository.matching("src/comptoir/*.py"):
        room = name.split("/")[2]
        for statement, line in statements(repository.tree(name)):
            for table in sorted(sql.named_in(statement)):
                owner = owners.get(table, room)
                may_join = table in views and order.get(owner, 0) < order.get(room, 0)
                if owner == room or may_join:
                    continue
                if table in views:
                    yield f"{name}:{line}: {room} may not import {owner}, so it may not join its view {table}."
                else:
                    yield f"{name}:{line}: {room} names the table {table}, which is touched by {owner} alone."


def rooms_in_order(repository: Repository) -> dict[str, int]:
    """The place of each room in the order of imports, leftmost first, as import-linter has it."""
    if not repository.exists("pyproject.toml"):
        return dict.fromkeys((name.split("/")[2] for name in repository.matching("src/comptoir/*")), 0)
    linter = tomllib.loads(repository.text("pyproject.toml"))["tool"]["importlinter"]
    layers = next(contract["layers"] for contract in linter["contracts"] if contract["id"] == "rooms")
    return {room.strip("() "): place for place, layer in enumerate(reversed(layers)) for room in layer.split("|")}


def statements(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Every string that is SQL, with what an f-string puts in left out."""
    inside: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            inside.update(id(part) for part in node.values)
            text = lint_sql.plain(node)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in inside:
            text = node.value
        else:
            continue
        if sql.looks_like_sql(text):
            yield text, node.lineno
