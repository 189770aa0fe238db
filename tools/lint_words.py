"""What no file of the repository may say: paths and addresses of somebody's machine, patched code, tests skipped in silence."""

import ast
import re
from collections.abc import Iterator

from tools.repository import Repository

FORBIDDEN = (
    # Written so that this file does not say them itself.
    (re.compile(r"(?<![\w.])/wor[k]/"), "a path of one machine"),
    (
        re.compile(r"registry\.npmjs\.org|files\.pythonhosted\.org|pypi\.org/simple"),
        "a registry's address: locks name versions only",
    ),
)
PATCHES = {
    "monkeypatch.setattr",
    "monkeypatch.delattr",
    "mock.patch",
    "mock.patch.object",
    "mocker.patch",
    "patch.object",
}
SKIPS = {"skip": 0, "xfail": 0, "mark.skip": 0, "mark.xfail": 1, "mark.skipif": 1, "importorskip": 1}
BINARY = (".png", ".jpg", ".jpeg", ".webp", ".gif", ".ico", ".woff2", ".pdf", ".mp4", ".mp3", ".ogg", ".bin")


def problems(repository: Repository) -> Iterator[str]:
    """Every forbidden word with its line, every patch of our own code, every skip without a reason."""
    for name in repository.names:
        if name.endswith(BINARY):
            continue
        for number, line in enumerate(repository.text(name).splitlines(), 1):
            for pattern, why in FORBIDDEN:
                if pattern.search(line):
                    yield f"{name}:{number}: {why}."
        if name.endswith(".py"):
            yield from patches_and_skips(repository.tree(name), name)


def patches_and_skips(tree: ast.Module, name: str) -> Iterator[str]:
    """Look at calls and decorators, not at text: a comment may speak of patching."""
    called: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called.add(id(node.func))
            word = ast.unparse(node.func)
            if word in PATCHES or word.endswith(".mock.patch"):
                yield f"{name}:{node.lineno}: {word}. Code is not patched: inject the clock, the ids or a real server."
            kind = word.removeprefix("pytest.")
            if word.startswith("pytest.") and kind in SKIPS and not _has_reason(node, SKIPS[kind]):
                yield f"{name}:{node.lineno}: {word} without a reason."
        elif isinstance(node, ast.Attribute) and id(node) not in called:
            word = ast.unparse(node)
            if word in {"pytest.mark.skip", "pytest.mark.xfail"}:
                yield f"{name}:{node.lineno}: {word} without a reason."


def _has_reason(call: ast.Call, position: int) -> bool:
    given = [word.value for word in call.keywords if word.arg in {"reason", "msg"}]
    if not call.keywords or position == 0:
        given += call.args[position : position + 1]
    return any(not (isinstance(value, ast.Constant) and not value.value) for value in given)
