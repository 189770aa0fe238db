"""Only constants are put into SQL: everything else travels as a parameter.

A statement that is composed all the same says why, in a comment `# composed: …` on its first line or the line above.
"""

import ast
from collections.abc import Iterator

from tools import sql
from tools.repository import Repository

MARK = "# composed: "


def problems(repository: Repository) -> Iterator[str]:
    """Every f-string of SQL in `src/` that takes in more than constants and numbers of parameters."""
    for name in repository.matching("src/comptoir/*.py"):
        lines = repository.text(name).splitlines()
        for node in ast.walk(repository.tree(name)):
            if isinstance(node, ast.JoinedStr) and sql.looks_like_sql(plain(node)):
                around = lines[max(0, node.lineno - 2) : node.end_lineno]
                for taken in strangers(node):
                    if not any(MARK in line for line in around):
                        yield f"{name}:{node.lineno}: {{{taken}}} is put into SQL; pass it as a parameter."


def plain(node: ast.JoinedStr) -> str:
    """The text of an f-string, with a lone underscore for each thing put in."""
    return "".join(
        part.value if isinstance(part, ast.Constant) and isinstance(part.value, str) else " _ " for part in node.values
    )


def strangers(node: ast.JoinedStr) -> Iterator[str]:
    """What an f-string takes in that is neither a constant by its name nor the number of a parameter (`${number}`)."""
    before = ""
    for part in node.values:
        if isinstance(part, ast.FormattedValue):
            taken = ast.unparse(part.value)
            if not taken.rpartition(".")[2].strip("_").isupper() and not before.endswith("$"):
                yield taken
        before = str(part.value) if isinstance(part, ast.Constant) else ""
