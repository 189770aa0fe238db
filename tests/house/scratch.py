"""A small repository in a temporary folder, for the lints to look at."""

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

from tools.repository import Repository

ROOT = Path(__file__).parents[2]
Lint = Callable[[Repository], Iterator[str]]


def repository(root: Path, files: dict[str, str]) -> Repository:
    """Write the files into a new git working tree at `root`."""
    subprocess.run(["git", "init", "--quiet", str(root)], check=True)
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return Repository(root)


def found(lint: Lint, root: Path, files: dict[str, str]) -> list[str]:
    """What a lint finds in a repository of these files."""
    return list(lint(repository(root, files)))
