"""The web and the worker process: what runs below the supervisor, or by itself on any number of hosts.

Started as `python -m comptoir.entrypoints.processes web`, without the command line's parser, so that a process holds
in memory only what it needs.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import importlib
import inspect
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Coroutine
from typing import Any

from comptoir.infra.config import Config, StartRefused, load_config
from comptoir.infra.log import get_logger, setup_logging

PARENT = "COMPTOIR_SUPERVISOR"
# A descriptor of the supervisor's: while it makes the database ready, its children import what they need, and begin
# when it is closed. That is half the time of a start.
GATE = "COMPTOIR_GATE"
DRAIN_SECONDS = 20
_PR_SET_PDEATHSIG = 1
# A request line and its headers; a body has limits of its own, per route.
_MOST_HEADER_BYTES = 32 * 1024
_START_FAILED = 3
_log = get_logger(__name__)


def end_with_parent() -> None:
    """Let this process die when its supervisor does, even by kill -9: nobody would stop it otherwise.

    It dies at once and without draining, as in any crash; the next start finds its port free.
    """
    parent = os.environ.get(PARENT)
    if parent is None:
        return
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    else:
        threading.Thread(target=_watch_parent, args=(int(parent),), daemon=True).start()
    if os.getppid() != int(parent):  # it died before we could ask to be told
        os._exit(1)


def _watch_parent(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)


def run_loop(main: Coroutine[Any, Any, None]) -> None:
    """Run `main` on uvloop where there is one."""
    try:
        import uvloop
    except ImportError:
        asyncio.run(main)
    else:
        uvloop.run(main)


def await_gate(name: str) -> None:
    """Import what this process needs, then wait until the supervisor opens the gate (if there is one)."""
    gate = os.environ.pop(GATE, None)
    if gate is None:
        return
    for module in _PREPARED[name]:
        importlib.import_module(module)
    with open(int(gate), "rb", buffering=0) as file:  # noqa: PTH123 - a descriptor, not a path
        file.read()


def run_web() -> None:
    """Serve HTTP and sockets until SIGTERM or SIGINT; then finish what is under way, at most twenty seconds."""
    import uvicorn

    from comptoir.entrypoints.preparation import check_database
    from comptoir.entrypoints.server import DrainingServer

    config = load_config()
    # Before the server, which would bury the one sentence about what is wrong under its own traceback.
    asyncio.run(check_database(config))
    settings = uvicorn.Config(
        "comptoir.entrypoints.asgi:create_app",
        factory=True,
        host=config.host,
        port=config.port,
        loop="uvloop" if _has_uvloop() else "asyncio",
        http="httptools",
        ws="websockets-sansio",
        # A frame is capped per route below this; compression would cost more CPU than the bytes it saves.
        ws_max_size=4 * 1024 * 1024,
        ws_per_message_deflate=False,
        ws_ping_interval=25.0,
        ws_ping_timeout=25.0,
        proxy_headers=False,
        server_header=False,
        access_log=False,
        log_config=None,
        backlog=2048,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=DRAIN_SECONDS,
        h11_max_incomplete_event_size=_MOST_HEADER_BYTES,
    )
    server = DrainingServer(settings)
    server.run()
    if not server.started:
        sys.exit(_START_FAILED)


def _has_uvloop() -> bool:
    try:
        import uvloop  # noqa: F401 - only whether it is there
    except ImportError:
        return False
    return True


def run_worker() -> None:
    """Work lanes, deliveries and jobs until SIGTERM or SIGINT; then finish the batch under way."""
    from comptoir.entrypoints import worker

    outcome: object = worker.main()
    if inspect.iscoroutine(outcome):
        run_loop(outcome)


_PREPARED = {
    "web": ("uvicorn", "comptoir.entrypoints.asgi"),
    "worker": ("comptoir.entrypoints.worker", "comptoir.infra.jobs"),
}
RUNNERS: dict[str, Callable[[], None]] = {"web": run_web, "worker": run_worker}


def main(name: str, config: Config | None = None) -> int:
    """Run one process by name; returns its exit status (78: refused to start, trying again is of no use)."""
    end_with_parent()
    await_gate(name)
    try:
        level = (config or load_config()).log_level
        setup_logging(level, process=name)
        with contextlib.suppress(KeyboardInterrupt):
            RUNNERS[name]()
    except StartRefused as refusal:
        print(refusal.sentence(), file=sys.stderr)
        return refusal.exit_code
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1]))
