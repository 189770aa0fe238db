"""What the program takes before anybody asks anything of it: memory, time to start, bytes to download."""

from __future__ import annotations

import asyncio
import gzip
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.request import Request, urlopen

from playwright.async_api import async_playwright

from benchmarks.contenders import ours
from benchmarks.installation import House, Server, furnish
from benchmarks.machine import descendants, memory
from benchmarks.population import Population, populate
from benchmarks.results import Figures
from comptoir.infra.postgres_files import read_status
from tests.processes import answer, clean_environment, free_port, wait_for

_SETTLE_SECONDS = 5.0
_NODE = Path(sys.executable).with_name("node")
_BROTLI = "const z=require('zlib'),f=require('fs');for(const n of process.argv.slice(1))console.log(z.brotliCompressSync(f.readFileSync(n)).length)"
_CHROMIUM = "/usr/bin/chromium"
_CHROMIUM_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-sync",
]


async def measure(server: Server, figures: Figures, *, quick: bool) -> None:
    """Start-up and memory of `comptoir serve` on a data folder of its own; bytes as a browser fetches them."""
    await asyncio.to_thread(_starts, figures, 1 if quick else 3)
    house = await furnish(await server.new_database())
    await populate(house, Population(200))
    async with ours(server, house) as program:
        base = f"http://127.0.0.1:{program.port}"
        await _weigh(figures, "loader, settings inside", [f"{base}/widget.js?inbox={house.web_inbox}"], must="≤ 3 kB")
        await _weigh(
            figures, "widget frame", await _fetched(f"{base}/widget/frame/{house.web_inbox}", None), must="≤ 40 kB"
        )
        await _weigh(figures, "inbox app to the first list", await _fetched(f"{base}/app", house), must="≤ 120 kB")


# -------------------------------------------------------------------------------------------------------- start and memory


@contextmanager
def _serving(data: Path) -> Iterator[tuple[subprocess.Popen[bytes], float]]:
    """`comptoir serve`, and the seconds from its start to its first answer."""
    port = free_port()
    command = [str(Path(sys.executable).with_name("comptoir")), "serve"]
    environment = clean_environment(COMPTOIR_DATA=str(data), COMPTOIR_PORT=str(port), COMPTOIR_LOG_LEVEL="warning")
    begin = time.perf_counter()
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(
            "answer of /readyz", lambda: answer(f"http://127.0.0.1:{port}/readyz")[0] == 200, within=60, alive=process
        )
        yield process, time.perf_counter() - begin
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def _starts(figures: Figures, times: int) -> None:
    folder = Path(tempfile.mkdtemp(prefix="comptoir-bench-"))
    folder.chmod(0o755)
    try:
        empty, again = [], []
        for nth in range(times):
            with _serving(folder / str(nth)) as (_, seconds):
                empty.append(seconds)
            with _serving(folder / str(nth)) as (process, seconds):
                again.append(seconds)
                if nth == times - 1:
                    time.sleep(_SETTLE_SECONDS)
                    _memory(figures, process.pid, folder / str(nth) / "postgres")
        figures.add("cold start on an empty machine", max(empty), "s", times, must="≤ 8 s")
        figures.add("cold start on existing data", max(again), "s", times, must="≤ 3 s")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _memory(figures: Figures, supervisor: int, postgres: Path) -> None:
    status = read_status(postgres)
    assert status is not None, "PostgreSQL is gone"
    below = descendants(supervisor)
    found = {
        command[command.index("comptoir.entrypoints.processes") + 1]: memory(pid)
        for pid, command in below.items()
        if "comptoir.entrypoints.processes" in command
    }
    if status.pid in below:
        found["postgres"] = memory(status.pid)
    everything = memory(supervisor)
    found["supervisor"] = (
        everything[0] - sum(rss for rss, _ in found.values()),
        everything[1] - sum(pss for _, pss in found.values()),
    )
    found["postgres"] = memory(status.pid)
    for name, (rss, pss) in found.items():
        figures.add(f"memory idle, {name}, RSS", rss, "MB", 1)
        figures.add(f"memory idle, {name}, PSS", pss, "MB", 1)
    figures.add("memory idle, web and worker, RSS", found["web"][0] + found["worker"][0], "MB", 1, must="≤ 220 MB")
    figures.add("memory idle, all together, PSS", sum(pss for _, pss in found.values()), "MB", 1)


# ------------------------------------------------------------------------------------------------------------------ bytes


async def _fetched(page: str, signed_in: House | None) -> list[str]:
    """The addresses of documents, scripts and styles that Chromium fetches until the page is at rest."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=_CHROMIUM, args=_CHROMIUM_ARGUMENTS)
        context = await browser.new_context()
        if signed_in is not None:
            await context.add_cookies([{"name": "comptoir_session", "value": signed_in.cookies[0], "url": page}])
        tab = await context.new_page()
        found: list[str] = []
        tab.on(
            "requestfinished",
            lambda request: (
                found.append(request.url) if request.resource_type in {"document", "script", "stylesheet"} else None
            ),
        )
        await tab.goto(page)
        await tab.wait_for_load_state("networkidle")
        await browser.close()
    return list(dict.fromkeys(found))


async def _weigh(figures: Figures, name: str, addresses: Sequence[str], *, must: str) -> None:
    """Bytes of what lies behind the addresses, each compressed by itself, as servers do."""
    bodies = [await asyncio.to_thread(_body, address) for address in addresses]
    figures.add(
        f"bytes of {name}, gzip -9",
        sum(len(gzip.compress(body, 9)) for body in bodies) / 1000,
        "kB",
        len(bodies),
        must=must,
    )
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / str(nth) for nth in range(len(bodies))]
        for path, body in zip(paths, bodies, strict=True):
            path.write_bytes(body)
        sizes = subprocess.run([_NODE, "-e", _BROTLI, *map(str, paths)], capture_output=True, check=True).stdout.split()
    figures.add(f"bytes of {name}, brotli", sum(map(int, sizes)) / 1000, "kB", len(bodies))
    scripts = [address for address in addresses if re.search(r"\.js(\?|$)", address)]
    figures.add(f"requests for {name}", len(addresses), "requests", 1, note=f"{len(scripts)} of them scripts")


def _body(address: str) -> bytes:
    with urlopen(Request(address, headers={"Accept-Encoding": "identity"}), timeout=10) as response:
        body: bytes = response.read()
    return body
