"""Just enough reading of SQL for the lints: who makes which table with which columns, and which tables a statement names."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

IDENTIFIER = r'"?([a-z_][a-z0-9_]*)"?'
QUALIFIED = rf"(?:{IDENTIFIER}\s*\.\s*)?{IDENTIFIER}"
CREATE = re.compile(
    rf"\bcreate\s+(?:unlogged\s+)?(?:or\s+replace\s+)?(?:table|materialized\s+view|view)\s+(?:if\s+not\s+exists\s+)?{QUALIFIED}",
    re.IGNORECASE,
)
ALTER = re.compile(rf"\balter\s+table\s+(?:if\s+exists\s+)?(?:only\s+)?{QUALIFIED}([^;]*)", re.IGNORECASE)
ADD_COLUMN = re.compile(rf"\badd\s+column\s+(?:if\s+not\s+exists\s+)?{IDENTIFIER}", re.IGNORECASE)
VIEW = re.compile(
    rf"\bcreate\s+(?:or\s+replace\s+)?(?:materialized\s+)?view\s+(?:if\s+not\s+exists\s+)?{QUALIFIED}", re.IGNORECASE
)
NAMED = re.compile(
    rf"\b(?:from|join|into|update|using|truncate(?:\s+table)?|table|lock\s+table)\s+(?:only\s+|lateral\s+)?{QUALIFIED}",
    re.IGNORECASE,
)
# What may open an item between the brackets of CREATE TABLE without being a column.
NOT_A_COLUMN = {"primary", "foreign", "unique", "check", "constraint", "exclude", "like", "partition"}
ROOM = re.compile(r"^--\s*room:\s*([a-z_]+)\s*$", re.MULTILINE)


@dataclass(frozen=True)
class Name:
    """A name made by a migration, with its line."""

    table: str
    column: str | None
    line: int


def without_comments(sql: str) -> str:
    """The statements alone; lines keep their numbers, and quoted texts are emptied."""
    sql = re.sub(r"/\*.*?\*/", lambda hit: re.sub(r"[^\n]", " ", hit[0]), sql, flags=re.DOTALL)
    sql = re.sub(r"--[^\n]*", "", sql)
    return re.sub(r"'(?:[^']|'')*'", lambda hit: "'" + "\n" * hit[0].count("\n") + "'", sql)


def _items(sql: str, start: int) -> Iterator[tuple[str, int]]:
    """The items between the bracket that opens after `start` and its partner, with their positions."""
    opening = re.compile(r"\s*\(").match(sql, start)
    if opening is None:
        return
    depth, begin = 1, opening.end()
    for position in range(opening.end(), len(sql)):
        mark = sql[position]
        if mark == "(":
            depth += 1
        elif mark == ")":
            depth -= 1
        if depth == 0 or (depth == 1 and mark == ","):
            yield sql[begin:position], begin
            begin = position + 1
        if depth == 0:
            return


def made_by(migration: str) -> Iterator[Name]:
    """Every table that a migration makes, and every column that it makes or adds."""
    sql = without_comments(migration)

    def line(position: int) -> int:
        return sql.count("\n", 0, position) + 1

    for hit in CREATE.finditer(sql):
        table = hit[2].lower()
        yield Name(table, None, line(hit.start()))
        for item, position in _items(sql, hit.end()):
            first = re.match(rf"\s*{IDENTIFIER}", item, re.IGNORECASE)
            if first and first[1].lower() not in NOT_A_COLUMN:
                yield Name(table, first[1].lower(), line(position + first.start(1)))
    for hit in ALTER.finditer(sql):
        for added in ADD_COLUMN.finditer(hit[3]):
            yield Name(hit[2].lower(), added[1].lower(), line(hit.start(3) + added.start()))


def views_in(migration: str) -> set[str]:
    """The views that a migration makes."""
    return {hit[2].lower() for hit in VIEW.finditer(without_comments(migration))}


def named_in(statement: str) -> set[str]:
    """Every table, function or common expression that a statement reads or writes, without its schema."""
    return {hit[2].lower() for hit in NAMED.finditer(without_comments(statement))}


def looks_like_sql(text: str) -> bool:
    """Tell a statement from a sentence: a verb of SQL, and one of the words that must follow it."""
    return bool(
        re.search(
            r"\bselect\b.*\bfrom\b|\binsert\s+into\b|\bupdate\b.*\bset\b|\bdelete\s+from\b",
            text,
            re.IGNORECASE | re.DOTALL,
        )
        or re.search(
            r"^\s*(?:with|lock\s+table|truncate|copy|table)\s+\w+|\b(?:left|inner|cross)\s+join\b", text, re.IGNORECASE
        )
    )
