"""The wheel, alone in a clean environment and outside the repository, serves the apps."""

import os
import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.house.scratch import ROOT

pytestmark = pytest.mark.house

# An empty machine may take 8 seconds to its first answer; one that runs three test suites besides takes longer.
START_SECONDS = 90


def uv(*arguments: str) -> None:
    """Run the uv that `make` set up, and show its words when it fails."""
    program = os.environ.get("COMPTOIR_UV") or shutil.which("uv") or str(ROOT / ".tools/bin/uv")
    finished = subprocess.run([program, *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    assert finished.returncode == 0, f"uv {' '.join(arguments)}\n{finished.stdout}{finished.stderr}"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built as a release is built."""
    folder = tmp_path_factory.mktemp("dist")
    uv("build", "--quiet", "--wheel", "--out-dir", str(folder))
    return next(folder.glob("comptoir-*.whl"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of an environment that holds the wheel and what it depends on, and no more."""
    environment = tmp_path_factory.mktemp("installed") / "venv"
    uv("venv", "--quiet", str(environment))
    python = str(environment / "bin/python")
    uv("pip", "install", "--quiet", "--python", python, "--constraint", str(ROOT / "requirements.lock"), str(wheel))
    return environment / "bin"


@pytest.fixture(scope="module")
def served(installed: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of `comptoir serve` on an empty data folder, far from the repository."""
    folder = tmp_path_factory.mktemp("elsewhere")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {
        "PATH": f"{installed}:/usr/bin:/bin",
        "HOME": str(folder),
        "COMPTOIR_DATA": str(folder / "data"),
        "COMPTOIR_HOST": "127.0.0.1",
        "COMPTOIR_PORT": str(port),
    }
    log = folder / "log"
    with (
        log.open("wb") as out,
        subprocess.Popen(
            [installed / "comptoir", "serve"],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
        ) as process,
    ):
        address = f"http://127.0.0.1:{port}"
        try:
            _wait_until_ready(address, process, log)
            yield address
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                process.kill()
                raise


def _wait_until_ready(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        assert process.poll() is None, f"comptoir serve ended:\n{log.read_text(errors='replace')}"
        try:
            with urllib.request.urlopen(f"{address}/readyz", timeout=5):
                return
        except OSError:
            time.sleep(0.2)
    pytest.fail(f"comptoir serve was not ready in {START_SECONDS} s:\n{log.read_text(errors='replace')}")


def fetch(address: str) -> tuple[int, str, str]:
    """Status, kind and text of an answer."""
    try:
        with urllib.request.urlopen(address, timeout=10) as answer:
            return answer.status, answer.headers.get_content_type(), answer.read().decode()
    except urllib.error.HTTPError as refusal:
        with refusal:
            return refusal.code, refusal.headers.get_content_type(), refusal.read().decode()


def test_the_wheel_holds_the_apps_and_nothing_of_the_workshop(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    for app in ("inbox", "widget"):
        assert any(name.startswith(f"comptoir/static/{app}/") for name in names), f"the wheel has no {app} app"
    assert any(name.startswith("comptoir/infra/migrations/") and name.endswith(".sql") for name in names)
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)
    strangers = {name.split("/")[0] for name in names} - {"comptoir"}
    assert all(name.endswith(".dist-info") for name in strangers), strangers


def test_the_installed_wheel_answers_for_its_health(served: str) -> None:
    assert fetch(f"{served}/healthz")[0] == 200


def test_the_installed_wheel_serves_the_inbox(served: str) -> None:
    status, kind, page = fetch(f"{served}/app")
    assert (status, kind) == (200, "text/html")
    assert "<script" in page


def test_the_installed_wheel_serves_the_widget_loader_and_refuses_an_unknown_inbox(served: str) -> None:
    # There is no inbox on an empty machine: the loader must say so as itself, not as a page that was not found.
    status, kind, _ = fetch(f"{served}/widget.js?inbox=01890000-0000-7000-8000-000000000000")
    assert (status, kind) == (404, "application/json") or kind in {"text/javascript", "application/javascript"}
