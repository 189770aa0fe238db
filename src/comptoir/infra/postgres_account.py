"""Which operating-system account PostgreSQL runs under, and what that account can reach.

PostgreSQL refuses to run as root. Started as root (a container, a fresh server), we give it an unprivileged account
of its own; started by anybody else, it runs as that person.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import time
from pathlib import Path

import msgspec

from comptoir.infra.config import StartRefused
from comptoir.infra.log import get_logger

ACCOUNT = "comptoir"
_log = get_logger(__name__)


class Account(msgspec.Struct, frozen=True):
    """An operating-system account; `other` when it is not the one that this process runs under."""

    name: str
    uid: int
    gid: int
    other: bool

    def may_enter(self, path: Path) -> bool:
        """Whether the account can pass through every folder above `path` and into it, by their mode bits.

        Access lists are not looked at: where they would open a closed folder we take the longer way for nothing,
        where they would close an open one PostgreSQL says so itself.
        """
        if not self.other:
            return True
        resolved = path.resolve()
        return all(self._may_search(folder) for folder in (resolved, *resolved.parents))

    def _may_search(self, folder: Path) -> bool:
        try:
            status = folder.stat()
        except OSError:
            return False
        if status.st_uid == self.uid:
            return bool(status.st_mode & 0o100)
        if status.st_gid == self.gid:
            return bool(status.st_mode & 0o010)
        return bool(status.st_mode & 0o001)


def account_for(folder: Path) -> Account:
    """The account that runs the server whose files are, or will be, in `folder`.

    As root: whoever owns the files already, else `comptoir` (made when there is none), else `postgres`.
    Raises StartRefused when root has no such account and cannot make one.
    """
    if os.geteuid() != 0:
        return Account(name=_own_name(), uid=os.geteuid(), gid=os.getegid(), other=False)
    if folder.exists() and (owner := folder.stat().st_uid) != 0:
        try:
            return _account(pwd.getpwuid(owner))
        except KeyError:
            _log.warning("the owner of PostgreSQL's files no longer exists, they get a new one", uid=owner)
    found = _by_name(ACCOUNT) or _made() or _by_name("postgres")
    if found is None:
        raise StartRefused(
            "no_postgres_account",
            f"PostgreSQL does not run as root and the account {ACCOUNT} could not be made: "
            f"run useradd --system {ACCOUNT}, or start Comptoir as an ordinary user.",
            f"PostgreSQL ne s’exécute pas en root et le compte {ACCOUNT} n’a pas pu être créé\u202f: "
            f"exécutez useradd --system {ACCOUNT}, ou lancez Comptoir sous un compte ordinaire.",
        )
    return found


def _own_name() -> str:
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        raise StartRefused(
            "account_without_name",
            f"PostgreSQL needs an account with a name, and user id {os.geteuid()} has none: "
            "add it to /etc/passwd or set DATABASE_URL.",
            f"PostgreSQL a besoin d’un compte qui porte un nom, et l’identifiant {os.geteuid()} n’en a pas\u202f: "
            "ajoutez-le à /etc/passwd ou définissez DATABASE_URL.",
        ) from None


def _account(entry: pwd.struct_passwd) -> Account:
    return Account(name=entry.pw_name, uid=entry.pw_uid, gid=entry.pw_gid, other=True)


def _by_name(name: str) -> Account | None:
    try:
        return _account(pwd.getpwnam(name))
    except KeyError:
        return None


def _made() -> Account | None:
    useradd, adduser = shutil.which("useradd"), shutil.which("adduser")
    if useradd:
        command = [useradd, "--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent"]
        command += ["--shell", "/usr/sbin/nologin", ACCOUNT]
    elif adduser:
        command = [adduser, "-S", "-D", "-H", ACCOUNT]  # BusyBox
    else:
        return None
    answer = ""
    # Two starts at once wait for each other's lock on /etc/passwd; the loser finds the account made.
    for _ in range(20):
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - fixed words only
        if found := _by_name(ACCOUNT):
            if done.returncode == 0:
                _log.info("made the account that PostgreSQL runs under", account=ACCOUNT)
            return found
        answer = done.stderr.strip()
        if "lock" not in answer:
            break
        time.sleep(0.1)
    _log.warning("could not make the account for PostgreSQL", account=ACCOUNT, answer=answer[:300])
    return None
