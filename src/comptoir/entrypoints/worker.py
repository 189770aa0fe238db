"""The worker process: lanes, outbox, search index and jobs, until told to stop; then each finishes what it has under way."""

from __future__ import annotations

import asyncio
import gc
import signal
from typing import Protocol

from comptoir.entrypoints.preparation import check_database
from comptoir.entrypoints.wiring import WorkerServices
from comptoir.infra.config import load_config
from comptoir.infra.log import get_logger

log = get_logger(__name__)


class Runner(Protocol):
    """What a worker keeps running: `stop` lets `run` return once it has finished what it holds."""

    async def run(self) -> None:
        """Work until stopped."""

    def stop(self) -> None:
        """Take nothing new."""


async def main() -> None:
    """Run until SIGTERM or SIGINT. Raises StartRefused."""
    config = load_config()
    services = WorkerServices(config, await check_database(config))
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    await services.db.open()
    await services.signals.open()
    await services.http.open()
    runners: dict[str, Runner] = {
        "lanes": services.lanes,
        "outbox": services.outbox,
        "search": services.search,
        "jobs": services.jobs,
    }
    tasks = {asyncio.create_task(runner.run(), name=name): runner for name, runner in runners.items()}
    # What stands after start-up stays: looking through it at every collection is work for nothing.
    gc.freeze()
    waiting = asyncio.create_task(stopped.wait())
    await asyncio.wait([*tasks, waiting], return_when=asyncio.FIRST_COMPLETED)
    for runner in tasks.values():
        runner.stop()
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    waiting.cancel()
    await services.http.close()
    await services.signals.close()
    await services.db.close()
    for task, outcome in zip(tasks, outcomes, strict=True):
        if isinstance(outcome, BaseException):
            # A runner that fell takes the process with it: the supervisor starts both anew, from what is durable.
            log.error("worker.fell", runner=task.get_name())
            raise outcome
