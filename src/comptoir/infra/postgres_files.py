"""The files of our PostgreSQL: its settings, its status file, and how another account comes to them."""

from __future__ import annotations

import contextlib
import locale
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TypedDict

import msgspec

from comptoir.infra.config import StartRefused
from comptoir.infra.postgres_account import Account

STATUS = "postmaster.pid"
OURS = "comptoir.conf"
YOURS = "yours.conf"
_MEBI = 1024 * 1024


class Status(msgspec.Struct, frozen=True):
    """What the server says of itself in postmaster.pid."""

    pid: int
    socket_folder: str
    ready: bool


class Identity(TypedDict, total=False):
    """The arguments that make `subprocess` start a program under an account."""

    user: int
    group: int
    extra_groups: list[int]
    cwd: str
    env: dict[str, str]
    umask: int


def identity(account: Account) -> Identity:
    """How to start one of PostgreSQL's programs: under its account, in a folder it can be in, knowing nothing of ours."""
    # Our environment holds secrets, and PGDATA or PGPORT of an operator would steer the server elsewhere.
    chosen: Identity = {
        "cwd": "/",
        "umask": 0o077,
        "env": {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"} | _loader_settings(),
    }
    if account.other:
        chosen["user"] = account.uid
        chosen["group"] = account.gid
        chosen["extra_groups"] = []
    return chosen


def _loader_settings() -> dict[str, str]:
    return {name: os.environ[name] for name in ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH") if name in os.environ}


@contextlib.contextmanager
def entrance(folder: Path, account: Account) -> Iterator[tuple[str, tuple[int, ...]]]:
    """The path by which a program under `account` comes to `folder`, and the descriptors it must inherit for that.

    Where the folders above are closed to the account (a data folder below /root), we open the folder and hand the
    open descriptor on: /proc/self/fd/N leads to it without passing through /root, whose permissions stay as they are.
    """
    if account.may_enter(folder.parent):
        yield str(folder), ()
        return
    if not sys.platform.startswith("linux"):
        raise StartRefused(
            "data_folder_closed",
            f"The account {account.name}, under which PostgreSQL runs, cannot enter {folder}: choose another "
            "COMPTOIR_DATA, or start Comptoir as an ordinary user.",
            f"Le compte {account.name}, sous lequel PostgreSQL s’exécute, ne peut pas entrer dans {folder}\u202f: "
            "choisissez un autre COMPTOIR_DATA, ou lancez Comptoir sous un compte ordinaire.",
        )
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{descriptor}", (descriptor,)
    finally:
        os.close(descriptor)


def major_version(folder: Path) -> int | None:
    """The version that the files were made with; None when there are none. Raises StartRefused on foreign files."""
    try:
        return int((folder / "PG_VERSION").read_text(encoding="ascii").strip())
    except FileNotFoundError:
        if folder.exists() and any(folder.iterdir()):
            raise StartRefused(
                "not_a_database",
                f"{folder} holds files that are not a PostgreSQL database: move them away.",
                f"{folder} contient des fichiers qui ne sont pas une base PostgreSQL\u202f: déplacez-les.",
            ) from None
        return None


def read_status(folder: Path) -> Status | None:
    """What postmaster.pid says; None when it is not there or not yet whole."""
    try:
        lines = (folder / STATUS).read_text(encoding="utf-8", errors="replace").splitlines()
        return Status(pid=int(lines[0]), socket_folder=lines[4], ready=len(lines) > 7 and lines[7].strip() == "ready")
    except (FileNotFoundError, IndexError, ValueError):
        return None


def process_runs(pid: int) -> bool:
    """Whether a process of this id runs (one that has ended but was not yet waited for does not)."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return not Path("/proc/self").exists()
    return state.rpartition(")")[2].split()[0] not in {"Z", "X"}


def runs_here(pid: int, folder: Path) -> bool:
    """Whether process `pid` is a PostgreSQL over `folder`: after a reboot its number may belong to anybody."""
    if not process_runs(pid):
        return False
    try:
        working = os.stat(f"/proc/{pid}/cwd")  # noqa: PTH116 - PostgreSQL's working folder is its data folder
        here = folder.stat()
    except FileNotFoundError:
        return not Path("/proc/self").exists()  # no /proc (macOS): the status file has the word
    except PermissionError:
        return False  # another account's process is not a server that we started
    return (working.st_dev, working.st_ino) == (here.st_dev, here.st_ino)


def send_signal(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def remove_tree(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)


def has_locale(name: str) -> bool:
    """Whether the machine's C library knows the locale (PostgreSQL 15 and 16 depend on it)."""
    before = locale.setlocale(locale.LC_CTYPE)
    try:
        locale.setlocale(locale.LC_CTYPE, name)
    except locale.Error:
        return False
    finally:
        locale.setlocale(locale.LC_CTYPE, before)
    return True


def write_settings(folder: Path, major: int, account: Account, users: list[str]) -> None:
    """Write our settings, who may come in, and a postgresql.conf that reads ours first and the operator's after."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    _write(folder, "postgresql.conf", account, f"include '{OURS}'\ninclude_if_exists '{YOURS}'\n")
    _write(folder, OURS, account, settings_text(major, memory))
    _write(folder, "pg_hba.conf", account, "local all all peer map=comptoir\n")
    roles = ["all"] if major >= 16 else ["comptoir", "comptoir_app", "comptoir_system"]
    mapping = [f'comptoir "{user}" {role}\n' for user in users for role in roles]
    _write(folder, "pg_ident.conf", account, "".join(mapping))


def settings_text(major: int, memory: int) -> str:
    """Settings for a machine with `memory` bytes that PostgreSQL shares with the rest of us."""
    shared = max(64, min(1024, memory // _MEBI // 16))
    settings = {
        "max_connections": "100",
        "shared_buffers": f"{shared}MB",
        "effective_cache_size": f"{max(256, memory // _MEBI // 2)}MB",
        "work_mem": "8MB",
        "maintenance_work_mem": "64MB",
        # What was acknowledged is on the disk: these four are also checked at every start.
        "fsync": "on",
        "full_page_writes": "on",
        "synchronous_commit": "on",
        "wal_level": "replica",  # a physical backup needs it
        "max_wal_senders": "3",
        "min_wal_size": "128MB",
        "max_wal_size": "2GB",
        "checkpoint_timeout": "15min",
        "checkpoint_completion_target": "0.9",
        "random_page_cost": "1.1",
        "jit": "off",  # compiling costs more than our short queries take
        "max_parallel_workers_per_gather": "0",  # people wait on the other core
        "max_worker_processes": "4",
        "autovacuum_naptime": "20s",
        "autovacuum_vacuum_scale_factor": "0.05",
        "autovacuum_vacuum_insert_scale_factor": "0.05",
        "idle_in_transaction_session_timeout": "5min",
        "timezone": "UTC",
        "lc_messages": "C",
        "default_text_search_config": "pg_catalog.simple",
        # A week of logs, each day's file written over by the same day of the next week. Terse, because the details of
        # an error quote values, and values are people's messages.
        "log_timezone": "UTC",
        "logging_collector": "on",
        "log_directory": "log",
        "log_filename": "postgresql-%a.log",
        "log_rotation_age": "1d",
        "log_rotation_size": "0",
        "log_truncate_on_rotation": "on",
        "log_error_verbosity": "terse",
        "log_min_error_statement": "panic",
        "log_checkpoints": "off",
        "log_line_prefix": "%m [%p] ",
    }
    if major >= 18:
        settings["io_method"] = "sync"  # three worker processes bring nothing on a small machine
    lines = ["# Written by Comptoir at every start. Your own settings go into yours.conf beside this file.\n"]
    lines += [f"{name} = '{value}'\n" for name, value in settings.items()]
    return "".join(lines)


def _write(folder: Path, name: str, account: Account, text: str) -> None:
    # The folder belongs to PostgreSQL's account; root must not be led elsewhere by a link in it.
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
    descriptor = os.open(folder / name, flags, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        if account.other:
            os.fchown(file.fileno(), account.uid, account.gid)
        file.write(text)
