"""`comptoir serve` as people run it: one command, one tree of processes, and nothing left behind."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from comptoir.infra.postgres_files import process_runs, read_status
from tests import server
from tests.processes import METRICS_TOKEN, answer, clean_environment, free_port, wait_for


class Installation:
    """A data folder, a port, and what runs on them."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.env = clean_environment(
            COMPTOIR_DATA=str(data),
            COMPTOIR_PORT=str(self.port),
            COMPTOIR_METRICS_TOKEN=METRICS_TOKEN,
            PYTHONUNBUFFERED="1",
        )
        self.log = data.with_name(f"{data.name}.log")
        self.supervisor: subprocess.Popen[bytes] | None = None

    def serve(self) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as output:
            self.supervisor = subprocess.Popen(
                [sys.executable, "-m", "comptoir", "serve"], env=self.env, stdout=output, stderr=subprocess.STDOUT
            )
        try:
            wait_for("answer of /readyz", self.ready, within=60, alive=self.supervisor)
        except AssertionError as failure:
            raise AssertionError(f"{failure}\n{self.log.read_text()[-4000:]}") from None
        return self.supervisor

    def ready(self) -> bool:
        return answer(f"{self.url}/readyz")[0] == 200

    def run(self, *arguments: str, given: str = "", **env: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "comptoir", *arguments],
            env=self.env | env,
            input=given,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    def child(self, name: str) -> int:
        """The process id of the `web` or `worker` child."""
        assert self.supervisor is not None
        ending = f"comptoir.entrypoints.processes\0{name}\0".encode()
        for entry in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
                if int(fields[1]) == self.supervisor.pid and (entry / "cmdline").read_bytes().endswith(ending):
                    return int(entry.name)
        return 0

    def postgres(self) -> int:
        status = read_status(self.data / "postgres")
        return status.pid if status and process_runs(status.pid) else 0

    def tree(self) -> list[int]:
        return [self.child("web"), self.child("worker"), self.postgres()]

    def stop(self) -> int:
        assert self.supervisor is not None
        self.supervisor.send_signal(signal.SIGTERM)
        return self.supervisor.wait(60)


@pytest.fixture(scope="session")
def migrated_data(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A data folder that `comptoir migrate` has made, to be copied: making one takes longer than any story here."""
    folder = Path(tempfile.mkdtemp(prefix="comptoir-test-", dir="/tmp"))
    folder.chmod(0o755)
    made = Installation(folder)
    done = made.run("migrate")
    assert done.returncode == 0, done.stderr
    yield folder
    server.remove_data(folder)


@pytest.fixture
def installation(data_folder: Path, migrated_data: Path) -> Iterator[Installation]:
    """An installation that has run before."""
    subprocess.run(["cp", "-a", f"{migrated_data}/.", str(data_folder)], check=True)
    yield from tended(Installation(data_folder))


@pytest.fixture
def empty_installation(data_folder: Path) -> Iterator[Installation]:
    """An installation on an empty machine."""
    yield from tended(Installation(data_folder))


def tended(made: Installation) -> Iterator[Installation]:
    yield made
    if made.supervisor is not None and made.supervisor.poll() is None:
        made.supervisor.kill()
        made.supervisor.wait()
    made.log.unlink(missing_ok=True)


def test_one_command_serves_greets_and_goes_leaving_nothing_running(empty_installation: Installation) -> None:
    supervisor = empty_installation.serve()
    wait_for("greeting", lambda: "Comptoir is open" in empty_installation.log.read_text())
    assert f"http://localhost:{empty_installation.port}/app" in empty_installation.log.read_text()
    tree = empty_installation.tree()
    assert all(tree)
    assert empty_installation.stop() == 0
    assert not any(process_runs(pid) for pid in tree)
    assert supervisor.returncode == 0


def test_a_second_start_is_refused_in_one_sentence_and_the_first_goes_on(installation: Installation) -> None:
    installation.serve()
    second = installation.run("serve", COMPTOIR_PORT=str(free_port()))
    assert second.returncode == 78
    assert second.stderr.strip().count("\n") == 0
    assert "already runs on" in second.stderr
    french = installation.run("serve", LC_ALL="fr_FR.UTF-8")
    assert "s’exécute déjà" in french.stderr
    assert installation.ready()


def test_a_port_that_is_taken_is_refused_before_anything_starts(empty_installation: Installation) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", empty_installation.port))
        other.listen()
        refused = empty_installation.run("serve")
    assert refused.returncode == 78
    assert f"127.0.0.1:{empty_installation.port}" in refused.stderr
    assert not (empty_installation.data / "postgres").exists()


@pytest.mark.parametrize("name", ["web", "worker"])
def test_a_killed_child_is_started_again(installation: Installation, name: str) -> None:
    installation.serve()
    wait_for(name, lambda: installation.child(name))
    killed = installation.child(name)
    os.kill(killed, signal.SIGKILL)
    wait_for(f"a new {name}", lambda: installation.child(name) not in {0, killed})
    wait_for("answer of /readyz", installation.ready)
    assert installation.stop() == 0


def test_a_killed_postgres_is_started_again_and_the_program_lives_on(installation: Installation) -> None:
    installation.serve()
    killed, web = installation.postgres(), installation.child("web")
    os.kill(killed, signal.SIGKILL)
    wait_for("a new PostgreSQL", lambda: installation.postgres() not in {0, killed})
    wait_for("answer of /readyz", installation.ready, within=40)
    assert installation.child("web") == web, "the web process waits for the database, it does not fall with it"
    assert installation.stop() == 0


def test_nothing_of_ours_outlives_a_killed_supervisor_and_the_next_start_adopts_postgres(
    installation: Installation,
) -> None:
    supervisor = installation.serve()
    web, worker, postgres = installation.tree()
    supervisor.kill()
    supervisor.wait()
    wait_for("end of web and worker", lambda: not process_runs(web) and not process_runs(worker), within=5)
    assert process_runs(postgres)
    installation.serve()
    assert installation.postgres() == postgres
    assert installation.stop() == 0
    assert not process_runs(postgres)


def test_a_request_under_way_is_finished_when_the_program_is_told_to_stop(installation: Installation) -> None:
    installation.serve()
    with socket.create_connection(("127.0.0.1", installation.port), timeout=30) as client:
        body = b'{"email": "nobody@example.com", "password": "wrong password"}'
        head = (
            "POST /api/v1/session HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        )
        client.sendall(head.encode() + body[:10])
        time.sleep(0.3)
        assert installation.supervisor is not None
        installation.supervisor.send_signal(signal.SIGTERM)
        wait_for("closed door", lambda: answer(f"{installation.url}/healthz")[0] == 0)
        client.sendall(body[10:])
        received = b""
        while chunk := client.recv(65536):
            received += chunk
    assert received.startswith((b"HTTP/1.1 401", b"HTTP/1.1 403", b"HTTP/1.1 422"))
    assert installation.supervisor.wait(60) == 0


def test_persons_and_keys_are_made_from_the_command_line_and_open_the_door(installation: Installation) -> None:
    installation.serve()
    made = installation.run(
        "user",
        "create",
        "ada@example.com",
        "--name",
        "Ada",
        "--workspace",
        "comfy-shoes",
        given="a long enough password\n",
    )
    assert made.returncode == 0, made.stderr
    again = installation.run("user", "create", "ada@example.com", "--name", "Ada", given="a long enough password\n")
    assert again.returncode == 1
    assert len(again.stderr.strip().splitlines()) == 1
    key = installation.run("apikey", "create", "comfy-shoes", "--name", "sync")
    assert key.returncode == 0, key.stderr
    token = key.stdout.split("Key: ")[1].strip()
    asked = subprocess.run(
        ["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "-H", f"Authorization: Bearer {token}",
         f"{installation.url}/api/v1/conversations"], capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert asked.stdout == "200"
    revoked = installation.run("apikey", "revoke", "comfy-shoes", key.stdout.split()[1])
    assert revoked.returncode == 0, revoked.stderr
    renewed = installation.run("user", "password", "ada@example.com", given="another long password\n")
    assert renewed.returncode == 0, renewed.stderr
    nobody = installation.run("user", "password", "bob@example.com", given="another long password\n")
    assert nobody.returncode == 1


def test_doctor_finds_a_healthy_house_and_says_what_ails_a_sick_one(empty_installation: Installation) -> None:
    before = empty_installation.run("doctor")
    assert before.returncode == 1
    assert "comptoir serve" in before.stdout
    assert not (empty_installation.data / "postgres").exists(), "looking makes nothing"
    empty_installation.serve()
    healthy = empty_installation.run("doctor")
    assert healthy.returncode == 0, healthy.stdout
    for subject in (
        "PostgreSQL",
        "Migrations",
        "Extensions",
        "Partitions",
        "Attachments",
        "Disk",
        "Parked threads",
        "Uncertain deliveries",
    ):
        assert f"ok     {subject}: " in healthy.stdout, healthy.stdout
    full = empty_installation.run("doctor", COMPTOIR_DISK_RESERVE_MB=str(1 << 29), LC_ALL="fr_FR.UTF-8")
    assert full.returncode == 1
    assert "ÉCHEC  Disque" in full.stdout


def test_metrics_are_closed_to_strangers(installation: Installation) -> None:
    installation.serve()
    assert answer(f"{installation.url}/metrics")[0] in {401, 403, 404}
    opened = subprocess.run(
        ["curl", "-s", "-H", f"Authorization: Bearer {METRICS_TOKEN}", f"{installation.url}/metrics"],
        capture_output=True, check=True,
    )  # fmt: skip
    assert b"comptoir_disk_free_bytes" in opened.stdout


def test_commands_on_an_installation_that_never_ran_are_refused_and_make_nothing(
    empty_installation: Installation,
) -> None:
    refused = empty_installation.run("trace", "0198c0de-0000-7000-8000-000000000000")
    assert refused.returncode == 75
    assert "start comptoir serve" in refused.stderr
    assert not (empty_installation.data / "postgres").exists()
    wrong = empty_installation.run("trace", "abc")
    assert wrong.returncode == 1


def test_migrate_starts_and_stops_the_database_by_itself(empty_installation: Installation) -> None:
    first = empty_installation.run("migrate")
    assert first.returncode == 0, first.stderr
    assert "0001_foundation.sql" in first.stdout
    assert not empty_installation.postgres()
    assert empty_installation.run("migrate").stdout.startswith("0 migrations")
    missing = empty_installation.run("trace", "0198c0de-0000-7000-8000-000000000000")
    assert missing.returncode == 1, "the database is started for the question, and the message is not there"


def test_help_answers_without_loading_the_house(installation: Installation) -> None:
    code = (
        "import sys; sys.argv = ['comptoir', '--help']\n"
        "from comptoir.entrypoints.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "heavy = {'asyncpg', 'litestar', 'uvicorn', 'pgqueuer', 'pydantic', 'aiohttp', 'cryptography', 'obstore', 'PIL', 'structlog'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=installation.env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "serve" in done.stdout


def test_web_and_worker_hold_no_more_memory_than_they_may(installation: Installation) -> None:
    """220 MB together, idle; a library that crept in at import shows here before it shows in a benchmark."""
    installation.serve()
    wait_for("worker", lambda: installation.child("worker"))
    time.sleep(2)
    resident = 0
    for name in ("web", "worker"):
        status = Path(f"/proc/{installation.child(name)}/status").read_text()
        resident += int(status.split("VmRSS:")[1].split()[0])
    assert resident < 220 * 1024
