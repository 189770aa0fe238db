"""`make check`: every static check, a few at a time, with one line for each and the words of those that failed."""

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
BIN = ROOT / ".venv/bin"
MIGRATIONS = "src/comptoir/infra/migrations"


@dataclass(frozen=True)
class Part:
    """One check: what it is called, and the command that fails when it finds something."""

    name: str
    command: tuple[str | Path, ...]


@dataclass(frozen=True)
class Outcome:
    """What a check said, and how long it took."""

    part: Part
    passed: bool
    seconds: float
    said: str


def parts() -> list[Part]:
    """All checks, the slowest first, so that the short ones fill the gaps."""
    python = BIN / "python"
    return [
        Part("mypy --strict", (BIN / "mypy",)),
        Part("svelte-check", (python, "-m", "tools.web", "check")),
        Part("eslint", (python, "-m", "tools.web", "lint")),
        Part("rooms (import-linter)", (BIN / "lint-imports", "--no-cache", "--no-logo")),
        Part("house (glossary, tables, sizes, words, catalogues, docs)", (python, "-m", "tools.lint")),
        Part("ruff check", (BIN / "ruff", "check", "--quiet", "--output-format", "concise", ".")),
        Part("ruff format", (BIN / "ruff", "format", "--check", "--output-format", "concise", ".")),
        Part("squawk", (BIN / "squawk", "--reporter", "gcc", *sorted((ROOT / MIGRATIONS).glob("*.sql")))),
        Part("lock", (python, "-m", "tools.lint_lock")),
    ]


def run(part: Part) -> Outcome:
    """Run one check to its end; a program that cannot be started is a failed check, not a crash of all."""
    began = time.monotonic()
    environment = {**os.environ, "NO_COLOR": "1", "FORCE_COLOR": "0"}
    try:
        finished = subprocess.run(
            part.command,
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
        )
        passed, said = finished.returncode == 0, finished.stdout
    except OSError as problem:
        passed, said = False, str(problem)
    return Outcome(part, passed, time.monotonic() - began, said.strip())


def main() -> None:
    """Run all, or those whose name holds one of the words given."""
    wanted = [part for part in parts() if not sys.argv[1:] or any(word in part.name for word in sys.argv[1:])]
    began = time.monotonic()
    # npm's packages are installed once, before two checks would both try.
    web = subprocess.run(
        [BIN / "python", "-m", "tools.web", "install"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if web.returncode != 0:
        print(web.stdout + web.stderr)
    with ThreadPoolExecutor(max_workers=max(2, os.cpu_count() or 2)) as pool:
        outcomes = list(pool.map(_run_and_tell, wanted))
    failed = [outcome for outcome in outcomes if not outcome.passed]
    for outcome in failed:
        print(f"\n── {outcome.part.name} ──\n{outcome.said}")
    print(f"\n{len(outcomes) - len(failed)} of {len(outcomes)} checks passed in {time.monotonic() - began:.0f} s.")
    sys.exit(1 if failed else 0)


def _run_and_tell(part: Part) -> Outcome:
    outcome = run(part)
    print(f"{'ok  ' if outcome.passed else 'FAIL'} {outcome.seconds:5.1f} s  {part.name}", flush=True)
    return outcome


if __name__ == "__main__":
    main()
