"""`comptoir serve`: PostgreSQL, the web and the worker process, as one.

Starts them in order, starts again what falls, and on SIGTERM or SIGINT lets them go in the reverse order: the web
process takes no more and finishes what it has, the worker finishes its batch, and PostgreSQL goes last.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
from collections.abc import Mapping

from comptoir.entrypoints.processes import DRAIN_SECONDS, GATE, PARENT
from comptoir.infra.config import FINAL, PASSING, Config, StartRefused, load_config, speaks_french
from comptoir.infra.log import get_logger, setup_logging
from comptoir.infra.postgres import DataLock, EmbeddedPostgres

_FIRST_PAUSE = 0.25
_LONGEST_PAUSE = 30.0
# A process that has served this long is not one that fails at every start.
_STEADY_SECONDS = 5.0
_log = get_logger(__name__)


class Child:
    """One process that is kept running: started again when it falls, after a pause that doubles while it keeps falling."""

    def __init__(self, name: str, env: Mapping[str, str]) -> None:
        self.name = name
        self._env = dict(env)
        self._process: asyncio.subprocess.Process | None = None
        self._stopping = asyncio.Event()
        self._gate: int | None = None

    async def prepare(self) -> None:
        """Start the process behind a gate: it imports what it needs, and begins with `keep`."""
        behind, self._gate = os.pipe()
        self._process = await self._spawn({GATE: str(behind)}, (behind,))
        os.close(behind)

    def open_gate(self) -> None:
        if self._gate is not None:
            os.close(self._gate)
            self._gate = None

    async def _spawn(self, env: dict[str, str], descriptors: tuple[int, ...] = ()) -> asyncio.subprocess.Process:
        # A session of its own: Ctrl-C reaches the supervisor alone, which then drains in order.
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "comptoir.entrypoints.processes",
            self.name,
            env=self._env | env,
            start_new_session=True,
            pass_fds=descriptors,
        )

    @property
    def pid(self) -> int | None:
        running = self._process is not None and self._process.returncode is None
        return self._process.pid if running and self._process is not None else None

    async def keep(self) -> None:
        """Run until `drain`. Raises StartRefused when the process says that trying again is of no use."""
        pause = _FIRST_PAUSE
        loop = asyncio.get_running_loop()
        while not self._stopping.is_set():
            began = loop.time()
            status = await self._run_once()
            if self._stopping.is_set():
                return
            if status == FINAL:
                raise StartRefused(
                    "child_refused", f"{self.name} refused to start.", f"{self.name} a refusé de démarrer."
                )
            if status == PASSING or loop.time() - began >= _STEADY_SECONDS:
                # It only waits for the database, or had served well: nobody gains by a longer pause.
                pause = _FIRST_PAUSE
            _log.error("process.fell", name=self.name, status=status, again_in=pause)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), pause)
            pause = min(pause * 2, _LONGEST_PAUSE)

    async def _run_once(self) -> int:
        if self._process is None or self._process.returncode is not None:
            self._process = await self._spawn({})
        self.open_gate()
        if self._stopping.is_set():
            self._process.terminate()
        return await self._process.wait()

    async def drain(self, wait: float) -> None:
        """Ask the process to finish what it has; after `wait` seconds it is killed."""
        self._stopping.set()
        if self._process is None or self._process.returncode is not None:
            self.open_gate()
            return
        self._process.terminate()
        self.open_gate()
        try:
            await asyncio.wait_for(self._process.wait(), wait)
        except TimeoutError:
            _log.error("process.killed", name=self.name, after=wait)
            self.kill()
            await self._process.wait()

    def kill(self) -> None:
        if self.pid is not None and self._process is not None:
            self._process.kill()


class Supervisor:
    """The process tree of one `comptoir serve`."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.postgres = EmbeddedPostgres(config.postgres_folder) if config.embedded else None
        env = os.environ | {PARENT: str(os.getpid())}
        self.web = Child("web", env)
        self.worker = Child("worker", env)
        self._stop = asyncio.Event()
        self._signals = 0

    async def run(self) -> None:
        """Serve until a signal. Raises StartRefused."""
        loop = asyncio.get_running_loop()
        stopping = [signal.SIGTERM, signal.SIGINT]
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # under nohup it is ignored, and that is meant
            stopping.append(signal.SIGHUP)
        for number in stopping:
            loop.add_signal_handler(number, self._signalled)
        tasks: list[asyncio.Task[None]] = []
        try:
            self._check_port()
            await self.web.prepare()
            await self.worker.prepare()
            await self._prepare()
            if not self._stop.is_set():
                keepers = [self.web.keep(), self.worker.keep(), *([self._keep_postgres()] if self.postgres else [])]
                tasks = [asyncio.ensure_future(keeper) for keeper in keepers]
                greeter = asyncio.ensure_future(self._greet())
                stopped = asyncio.ensure_future(self._stop.wait())
                await asyncio.wait([*tasks, stopped], return_when=asyncio.FIRST_COMPLETED)
                greeter.cancel()
                stopped.cancel()
        finally:
            await self._let_go(tasks)
        for task in tasks:
            if task.done() and not task.cancelled() and (error := task.exception()) is not None:
                raise error

    def _signalled(self) -> None:
        self._signals += 1
        self._stop.set()
        if self._signals > 1:  # the operator insists
            self.web.kill()
            self.worker.kill()

    def _check_port(self) -> None:
        """Refuse at once what the web process would only find out after everything else has started."""
        family = socket.AF_INET6 if ":" in self.config.host else socket.AF_INET
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((self.config.host, self.config.port))
            except OSError as error:
                where = f"{self.config.host}:{self.config.port}"
                raise StartRefused(
                    "port_taken",
                    f"{where} cannot be listened on ({error.strerror}): free it, or set COMPTOIR_PORT.",
                    f"Impossible d’écouter sur {where} ({error.strerror})\u202f: libérez-le, ou définissez COMPTOIR_PORT.",
                ) from None

    async def _prepare(self) -> None:
        from comptoir.entrypoints.preparation import prepare_database

        dsn = self.config.database_url
        if self.postgres is not None:
            dsn = await self.postgres.start()
        assert dsn is not None
        await prepare_database(dsn)

    async def _keep_postgres(self) -> None:
        assert self.postgres is not None
        pause = _FIRST_PAUSE
        while True:
            await self.postgres.wait_until_dead()
            if self._stop.is_set():
                return
            _log.error("postgres.fell", again_in=pause)
            try:
                await self.postgres.start()
                pause = _FIRST_PAUSE
            except (StartRefused, OSError) as error:
                _log.error("postgres.does_not_start", error=str(error))
                await asyncio.sleep(pause)
                pause = min(pause * 2, _LONGEST_PAUSE)

    async def _greet(self) -> None:
        await wait_until_ready(self.config.host, self.config.port)
        print(greeting(self.config), flush=True)

    async def _let_go(self, tasks: list[asyncio.Task[None]]) -> None:
        self._stop.set()
        # The web server gives its requests twenty seconds, and then has to close its own connections.
        await self.web.drain(DRAIN_SECONDS + 5)
        await self.worker.drain(DRAIN_SECONDS + 5)
        for task in tasks:
            if not task.done():
                task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self.postgres is not None:
            await self.postgres.stop("fast")


async def wait_until_ready(host: str, port: int, path: str = "/readyz", every: float = 0.05) -> None:
    """Returns once the web process answers `path` with 200."""
    target = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - a wildcard is asked on this machine
    while True:
        with contextlib.suppress(OSError, TimeoutError, asyncio.IncompleteReadError):
            if await asyncio.wait_for(_status(target, port, path), 5) == 200:
                return
        await asyncio.sleep(every)


async def _status(host: str, port: int, path: str) -> int:
    reader, writer = await asyncio.open_connection(host, port)
    try:
        writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        await writer.drain()
        line = await reader.readline()
        return int(line.split()[1]) if line.startswith(b"HTTP/1.1 ") else 0
    finally:
        writer.close()


def greeting(config: Config) -> str:
    """The block that says where to go."""
    french = speaks_french()
    title = "Comptoir est ouvert" if french else "Comptoir is open"
    rows = [
        ("Boîte de réception" if french else "Inbox", f"{config.public_url}/app"),
        ("Données" if french else "Data", str(config.data) if config.embedded else "DATABASE_URL"),
        ("Arrêter" if french else "Stop", "Ctrl-C"),
    ]
    wide = max(len(name) for name, _ in rows)
    lines = [title, "", *(f"{name.ljust(wide)}  {value}" for name, value in rows)]
    return "\n" + "\n".join(f"  {line}".rstrip() for line in lines) + "\n"


def serve() -> int:
    """Run `comptoir serve`; returns the exit status."""
    try:
        config = load_config()
        setup_logging(config.log_level, process="supervisor")
        lock = DataLock(config.data) if config.embedded else None
        try:
            asyncio.run(_serve(config))
        finally:
            if lock is not None:
                lock.release()
    except StartRefused as refusal:
        print(refusal.sentence(), file=sys.stderr)
        return refusal.exit_code
    return 0


async def _serve(config: Config) -> None:
    await Supervisor(config).run()
