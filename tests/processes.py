"""The program as it is deployed, started by tests: real processes, a free port, a data folder of their own."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

# Not a secret of anybody: thirty-two characters that the settings accept.
SECRET_KEY = "tests-only-0123456789-abcdefghijklmnop"
METRICS_TOKEN = "tests-only-metrics"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def clean_environment(**settings: str) -> dict[str, str]:
    """The environment without Comptoir's settings, and with `settings`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("COMPTOIR_", "PG", "DATABASE_"))}
    return kept | {"LC_ALL": "C.UTF-8"} | settings


def answer(url: str) -> tuple[int, bytes]:
    """Status and body of a GET; (0, b"") when nobody listens."""
    try:
        with urlopen(url, timeout=5) as response:
            return response.status, response.read()
    except HTTPError as error:
        return error.code, error.read()
    except OSError:
        return 0, b""


def wait_for(
    what: str, condition: object, *, within: float = 30.0, alive: subprocess.Popen[bytes] | None = None
) -> None:
    """Wait until `condition()` holds; fails the test after `within` seconds, or when `alive` has ended."""
    assert callable(condition)
    deadline = time.monotonic() + within
    while not condition():
        assert alive is None or alive.poll() is None, f"the process ended while we waited for {what}"
        assert time.monotonic() < deadline, f"no {what} within {within} s"
        time.sleep(0.05)


class App:
    """A web and a worker process on one database, without a supervisor.

    `settings` are further environment variables. The processes' output is in `log` (one file).
    """

    def __init__(self, database_url: str, data: Path, settings: Mapping[str, str] | None = None) -> None:
        self.port = free_port()
        self.base_url = f"http://127.0.0.1:{self.port}"
        self.data = data
        self.log = data / "processes.log"
        self._env = clean_environment(
            DATABASE_URL=database_url,
            COMPTOIR_DATA=str(data),
            COMPTOIR_PORT=str(self.port),
            COMPTOIR_SECRET_KEY=SECRET_KEY,
            COMPTOIR_S3_URL=f"file://{data}/blobs",
            COMPTOIR_ALLOW_PRIVATE_HTTP="1",
            COMPTOIR_METRICS_TOKEN=METRICS_TOKEN,
            **(settings or {}),
        )
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    async def start(self, *names: str) -> None:
        """Start `web` and `worker`, or those named, and wait until the web process is ready."""
        self.data.mkdir(parents=True, exist_ok=True)
        for name in names or ("web", "worker"):
            self._processes[name] = self._spawn(name)
        if "web" in self._processes:
            await asyncio.to_thread(self._wait_until_ready)

    def _spawn(self, name: str) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as output:
            return subprocess.Popen(
                [sys.executable, "-m", "comptoir.entrypoints.processes", name],
                env=self._env,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def _wait_until_ready(self) -> None:
        try:
            wait_for(
                "answer of /readyz", lambda: answer(f"{self.base_url}/readyz")[0] == 200, alive=self.process("web")
            )
        except AssertionError as failure:
            raise AssertionError(f"{failure}\n{self.log.read_text()[-4000:]}") from None

    def process(self, name: str) -> subprocess.Popen[bytes]:
        return self._processes[name]

    async def kill(self, name: str) -> None:
        """Kill -9, as a crash does it."""
        process = self._processes.pop(name)
        process.kill()
        await asyncio.to_thread(process.wait)

    async def stop(self) -> None:
        """SIGTERM to all that run; fails when one does not end in time, or ends badly."""
        await asyncio.to_thread(self._stop)

    def _stop(self) -> None:
        for process in self._processes.values():
            process.send_signal(signal.SIGTERM)
        ended = {}
        for name, process in self._processes.items():
            try:
                ended[name] = process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                ended[name] = process.wait()
        self._processes.clear()
        bad = {name: status for name, status in ended.items() if status not in {0, -signal.SIGTERM}}
        assert not bad, f"ended badly: {bad}\n{self.log.read_text()[-4000:]}"
