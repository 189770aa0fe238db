"""The lock holds one version of everything that pyproject.toml asks for, and names and versions alone."""

import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

LINE = re.compile(r"^([a-z0-9][a-z0-9.-]*)(?:\[[\w,-]+\])?==([\w.!+-]+)(?:\s*;\s*.+)?$")
WANTED = re.compile(r"^([A-Za-z0-9][\w.-]*)")


def normal(name: str) -> str:
    """A package's name as indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def problems(lock: str, project: str) -> Iterator[str]:
    """Lines that are more than a name, a version and a marker; packages asked for and not locked."""
    locked = set()
    for number, line in enumerate(lock.splitlines(), 1):
        hit = LINE.match(line)
        if hit:
            locked.add(normal(hit[1]))
        elif line.strip():
            yield f"requirements.lock:{number}: “{line}” is not NAME==VERSION ; MARKER."
    asked = tomllib.loads(project)
    groups = asked["project"].get("optional-dependencies", {}) | asked.get("dependency-groups", {})
    for wish in [*asked["project"]["dependencies"], *(wish for group in groups.values() for wish in group)]:
        hit = WANTED.match(wish)
        if hit and normal(hit[1]) not in locked:
            yield f"requirements.lock: {hit[1]} is asked for in pyproject.toml and not locked; run `make update-lock`."


def main() -> None:
    """Print every problem."""
    root = Path(__file__).parent.parent
    found = list(problems((root / "requirements.lock").read_text(), (root / "pyproject.toml").read_text()))
    print("\n".join(found))
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
