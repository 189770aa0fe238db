"""What the lints read: the repository's files and their syntax trees, each read once."""

import ast
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatch
from functools import cached_property
from pathlib import Path


@dataclass
class Repository:
    """A working tree. Sees what git tracks or would track, and so nothing that was built or installed."""

    root: Path
    _texts: dict[str, str] = field(default_factory=dict)
    _trees: dict[str, ast.Module] = field(default_factory=dict)

    @cached_property
    def names(self) -> list[str]:
        """Every file as a path from the root, sorted."""
        listing = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=self.root,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        return sorted({name for name in listing.split("\0") if name and (self.root / name).is_file()})

    def matching(self, *patterns: str) -> Iterator[str]:
        """The files whose path fits one of the patterns; `*` crosses folders."""
        return (name for name in self.names if any(fnmatch(name, pattern) for pattern in patterns))

    def text(self, name: str) -> str:
        """A file's text; bytes that are not UTF-8 are shown as such instead of stopping the lint."""
        if name not in self._texts:
            self._texts[name] = (self.root / name).read_text(encoding="utf-8", errors="replace")
        return self._texts[name]

    def tree(self, name: str) -> ast.Module:
        """A Python file's syntax tree."""
        if name not in self._trees:
            self._trees[name] = ast.parse(self.text(name), filename=name)
        return self._trees[name]

    def exists(self, path: str) -> bool:
        """Say whether a path, or a pattern with `*`, names something in the working tree."""
        if "*" in path:
            return next(self.root.glob(path), None) is not None
        return (self.root / path).exists()

    def ignored(self, path: str) -> bool:
        """Say whether git ignores the path: what is built is not there in a fresh clone."""
        # With a slash too: a folder that is not there cannot be told from a file.
        asked = subprocess.run(
            ["git", "check-ignore", path, f"{path.rstrip('/')}/"], cwd=self.root, capture_output=True, check=False
        )
        return asked.returncode == 0


def classes(repository: Repository, *patterns: str) -> dict[str, list[tuple[str, ast.ClassDef]]]:
    """Every class by its name, with the file that it stands in."""
    found: dict[str, list[tuple[str, ast.ClassDef]]] = {}
    for name in repository.matching(*patterns):
        for node in ast.walk(repository.tree(name)):
            if isinstance(node, ast.ClassDef):
                found.setdefault(node.name, []).append((name, node))
    return found


def base_names(node: ast.ClassDef) -> set[str]:
    """The last word of each base: `errors.Refusal` and `Refusal` are one, and so is `Refusal[int]`."""
    names = set()
    for base in node.bases:
        plain = base.value if isinstance(base, ast.Subscript) else base
        if isinstance(plain, ast.Attribute):
            names.add(plain.attr)
        elif isinstance(plain, ast.Name):
            names.add(plain.id)
    return names


def descendants(found: dict[str, list[tuple[str, ast.ClassDef]]], ancestor: str) -> list[tuple[str, ast.ClassDef]]:
    """Every class that comes from `ancestor`, however many steps away."""
    family = {ancestor}
    while True:
        grown = family | {
            name for name, places in found.items() if any(base_names(node) & family for _, node in places)
        }
        if grown == family:
            break
        family = grown
    return [
        place for name in sorted(family - {ancestor}) for place in found.get(name, []) if base_names(place[1]) & family
    ]


def fields(node: ast.ClassDef) -> Iterator[tuple[str, int]]:
    """The annotated fields of a class with their lines; class variables are not fields."""
    for statement in node.body:
        if (
            isinstance(statement, ast.AnnAssign)
            and isinstance(statement.target, ast.Name)
            and "ClassVar" not in ast.unparse(statement.annotation)
        ):
            yield statement.target.id, statement.lineno
