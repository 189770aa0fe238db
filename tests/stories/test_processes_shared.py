"""Web and worker processes on a database of the operator's: what any number of hosts share."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.processes import App, answer, free_port


async def test_web_and_worker_run_on_a_database_that_is_not_ours(running_app: str) -> None:
    assert answer(f"{running_app}/healthz")[0] == 200
    assert answer(f"{running_app}/readyz")[0] == 200
    assert answer(f"{running_app}/api/v1/openapi.json")[0] == 200


async def test_a_process_refuses_a_database_that_lacks_a_migration(empty_database_url: str, tmp_path: Path) -> None:
    app = App(empty_database_url, tmp_path / "data")
    assert await refused(app) == 78
    assert "comptoir migrate" in app.log.read_text()


async def test_a_process_that_finds_no_database_says_so_and_may_be_started_again(tmp_path: Path) -> None:
    app = App(f"postgresql://comptoir@127.0.0.1:{free_port()}/comptoir", tmp_path / "data")
    assert await refused(app) == 75
    assert "cannot be reached" in app.log.read_text()


async def refused(app: App) -> int:
    """The exit status of a worker process that does not start."""
    await app.start("worker")
    process = app.process("worker")
    try:
        return await asyncio.to_thread(process.wait, 40)
    finally:
        process.kill()
