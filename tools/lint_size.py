"""Small files and small functions: beyond these sizes a file or function wants to be two."""

import ast
from collections.abc import Iterator

from tools.repository import Repository

LINES = {".py": 400, ".ts": 400, ".svelte": 250}
FUNCTION_LINES = 60


def problems(repository: Repository) -> Iterator[str]:
    """Files past their size anywhere, functions past theirs in Python (ESLint holds those of TypeScript)."""
    for name in repository.names:
        limit = next((lines for suffix, lines in LINES.items() if name.endswith(suffix)), None)
        if limit is None or _is_generated(name):
            continue
        lines = repository.text(name).count("\n")
        if lines > limit:
            yield f"{name}: {lines} lines; a file like this ends at {limit}. Which two things is it about?"
        if name.endswith(".py"):
            yield from _long_functions(repository, name)


def _is_generated(name: str) -> bool:
    # Nobody reads or edits what a generator writes.
    return "/generated/" in name or ".generated." in name


def _long_functions(repository: Repository, name: str) -> Iterator[str]:
    for node in ast.walk(repository.tree(name)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > FUNCTION_LINES:
                yield f"{name}:{node.lineno}: {node.name} has {lines} lines; a function ends at {FUNCTION_LINES}."
