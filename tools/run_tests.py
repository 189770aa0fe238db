"""`make test`: all suites, one after the other, each told at the end by the line in which it counts its tests.

Words given on the command line choose suites by name: `python -m tools.run_tests postgres-15`.
"""

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parent.parent
# The line of a suite that is worth repeating at the end, and what a terminal makes colours of.
COUNT = re.compile(r"\d+ (?:passed|failed|errors?)\b")
PAINT = re.compile(r"\x1b\[[0-9;]*m")
PYTHON = ROOT / ".venv/bin/python"
DEBIAN_POSTGRES = Path("/usr/lib/postgresql/15/bin/postgres")
OLDER_POSTGRES = {"COMPTOIR_TEST_POSTGRES": "15"}
# Stories mostly wait for sockets and the disk, so two cores carry a third of them; a browser fills a core by itself.
WORKERS = str(max(2, (os.cpu_count() or 2) * 3 // 2))
BROWSERS = str(max(2, (os.cpu_count() or 2) // 2))


@dataclass
class Suite:
    """One run of one command, with what it adds to the environment, or why it cannot run here."""

    name: str
    command: list[str]
    environment: dict[str, str] = field(default_factory=dict)
    missing: str = ""
    last_line: str = ""
    passed: bool = True
    seconds: float = 0


def pytest(*arguments: str, python: Path = PYTHON) -> list[str]:
    """A run of pytest with our settings."""
    return [str(python), "-m", "pytest", *arguments]


def suites() -> Iterator[Suite]:
    """Everything that `make test` runs, in order: what fails most often first."""
    yield Suite("web units", [str(PYTHON), "-m", "tools.web", "test"])
    yield Suite(
        "postgres-18",
        pytest("-n", WORKERS, "--dist", "worksteal", "-m", "not browser and not chaos and not house"),
    )
    yield Suite("browser", pytest("-n", BROWSERS, "--dist", "worksteal", "-m", "browser"))
    yield Suite("house", pytest("-n", "2", "-m", "house"))
    yield Suite("chaos", pytest("-m", "chaos"))
    yield Suite(
        "postgres-15",
        pytest(
            "-n",
            WORKERS,
            "--dist",
            "worksteal",
            "-m",
            "not browser and not chaos and not house",
            "--ignore=tests/properties",
        ),
        OLDER_POSTGRES,
        "" if DEBIAN_POSTGRES.is_file() else "Debian's postgresql-15 is not installed here",
    )
    newer = python_313()
    yield Suite(
        "python-3.13",
        pytest("-n", "2", "-m", "not browser and not chaos and not house", "tests/unit", python=venv_313()),
        missing="" if newer else "there is no Python 3.13 here",
    )


def python_313() -> Path | None:
    """An interpreter of 3.13, if the machine has one; none is downloaded."""
    found = subprocess.run(
        [uv(), "python", "find", "--no-project", "3.13"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if found.returncode == 0 and found.stdout.strip():
        return Path(found.stdout.strip())
    # pyenv keeps interpreters where no path leads.
    kept = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"), "versions")
    return next(iter(sorted(kept.glob("3.13.*/bin/python3.13"))), None)


def venv_313() -> Path:
    """The interpreter of the second environment."""
    return ROOT / ".venv-3.13/bin/python"


def uv() -> str:
    """The uv that the Makefile found or installed."""
    return os.environ.get("COMPTOIR_UV") or shutil.which("uv") or str(ROOT / ".tools/bin/uv")


def make_venv_313() -> None:
    """The second environment, from the same lock; made again only when the lock changed."""
    stamp, lock = ROOT / ".venv-3.13/.ready", ROOT / "requirements.lock"
    if stamp.is_file() and stamp.read_bytes() == lock.read_bytes():
        return
    interpreter = python_313()
    for command in (
        [uv(), "venv", "--quiet", "--clear", "--python", str(interpreter), ".venv-3.13"],
        [uv(), "pip", "install", "--quiet", "--python", str(venv_313()), "--requirement", "requirements.lock"],
        [uv(), "pip", "install", "--quiet", "--python", str(venv_313()), "--no-deps", "--editable", "."],
    ):
        subprocess.run(command, cwd=ROOT, check=True)
    stamp.write_bytes(lock.read_bytes())


def run(suite: Suite) -> None:
    """Run a suite, show what it says as it says it, and keep its last line."""
    print(f"\n══ {suite.name} ══", flush=True)
    if suite.missing:
        suite.last_line = f"not run: {suite.missing}"
        print(suite.last_line)
        return
    began = time.monotonic()
    if suite.name == "python-3.13":
        make_venv_313()
    with subprocess.Popen(
        suite.command,
        cwd=ROOT,
        env={**os.environ, **suite.environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as process:
        for line in process.stdout or ():
            print(line, end="", flush=True)
            if COUNT.search(line):
                suite.last_line = PAINT.sub("", line).strip(" =\n")
    suite.passed = process.returncode == 0
    suite.seconds = time.monotonic() - began


def main() -> None:
    """Run every suite even when one fails, and tell all at the end."""
    wanted = [suite for suite in suites() if not sys.argv[1:] or suite.name in sys.argv[1:]]
    began = time.monotonic()
    for suite in wanted:
        run(suite)
    print("\n══ all suites ══")
    for suite in wanted:
        mark = "none" if suite.missing else "ok  " if suite.passed else "FAIL"
        print(f"{mark} {suite.seconds:5.0f} s  {suite.name:12} {suite.last_line}")
    failed = [suite.name for suite in wanted if not suite.passed]
    print(f"{'Failed: ' + ', '.join(failed) if failed else 'All suites passed'}, {time.monotonic() - began:.0f} s.")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
