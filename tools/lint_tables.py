"""A room's tables are touched by that room alone.

Each migration says in its header whose tables it makes (`-- room: NAME`); SQL in another room's Python may not name them.
"""

import ast
from collections.abc import Iterator

from tools import lint_sql, sql
from tools.repository import Repository

MIGRATIONS = "src/comptoir/infra/migrations/*.sql"


def problems(repository: Repository) -> Iterator[str]:
    """Migrations without an owner, tables with two owners, and statements that reach into another room."""
    owners: dict[str, str] = {}
    for name in repository.matching(MIGRATIONS):
        rooms = sql.ROOM.findall(repository.text(name))
        if len(rooms) != 1:
            yield f"{name}: must say once whose tables these are, in a line `-- room: NAME`."
            continue
        if not (repository.root / "src/comptoir" / rooms[0]).is_dir():
            yield f"{name}: there is no room {rooms[0]}."
        for made in sql.made_by(repository.text(name)):
            owner = owners.setdefault(made.table, rooms[0])
            if owner != rooms[0]:
                yield f"{name}:{made.line}: {made.table} belongs to {owner}; {rooms[0]} may not make or change it."
    for name in repository.matching("src/comptoir/*.py"):
        room = name.split("/")[2]
        for statement, line in statements(repository.tree(name)):
            for table in sorted(sql.named_in(statement)):
                if owners.get(table, room) != room:
                    yield f"{name}:{line}: {room} names the table {table}, which is touched by {owners[table]} alone."


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
