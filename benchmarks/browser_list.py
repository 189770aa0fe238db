"""A list of a hundred thousand conversations in a browser: when its first row is there, its nodes, and how long it keeps the page from answering.

`python -m benchmarks.browser_list` measures it alone; a browser is not part of `make bench`.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
from playwright.async_api import Page, async_playwright

from benchmarks.installation import House, Server, commits_per_second, furnish, program, server
from benchmarks.machine import describe
from benchmarks.population import Population, populate
from benchmarks.results import Figures

# Seven tenths of a population are closed.
_CONVERSATIONS = 143_000
_SECONDS = 12
_CHROMIUM = "/usr/bin/chromium"
_FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
# Down to the end, so that page after page is loaded; then up and down in what is loaded, a row a frame with leaps between.
_LOAD = """async (seconds) => {
  const box = document.querySelector('[data-testid=conversation-list] .scrolls');
  const end = performance.now() + seconds * 1000;
  while (performance.now() < end) {
    box.scrollTop = box.scrollHeight;
    await new Promise(requestAnimationFrame);
  }
  return box.scrollHeight;
}"""
_SCROLL = """async (seconds) => {
  const box = document.querySelector('[data-testid=conversation-list] .scrolls');
  const end = performance.now() + seconds * 1000;
  let frames = 0;
  for (; performance.now() < end; frames++) {
    box.scrollTop += frames % 40 === 0 ? (frames % 80 ? 1 : -1) * box.scrollHeight / 2 : 88;
    await new Promise(requestAnimationFrame);
  }
  return frames;
}"""


async def measure(running: Server, figures: Figures, *, quick: bool = False) -> None:
    """Make the house, open the list, load and scroll."""
    dsn = await running.new_database()
    house = await furnish(dsn)
    await populate(house, Population(_CONVERSATIONS // (10 if quick else 1)))
    async with program(dsn, running.folder) as app, _page(house, app.base_url) as page:
        await page.goto(f"{app.base_url}/app/comfy-shoes/inbox/closed")
        await page.get_by_test_id("conversation-row").first.wait_for(timeout=60_000)
        begin = time.monotonic()
        await page.goto(f"{app.base_url}/app/comfy-shoes/inbox/closed")
        await page.get_by_test_id("conversation-row").first.wait_for(timeout=60_000)
        figures.add("browser list: first row", (time.monotonic() - begin) * 1000, "ms", 1)
        async with _tasks(page, figures, "while pages come"):
            height = await page.evaluate(_LOAD, 3 * _SECONDS)
        figures.add("browser list: rows loaded", height // 88, "rows", 1)
        async with _tasks(page, figures, "while scrolling"):
            frames = await page.evaluate(_SCROLL, _SECONDS)
        figures.add("browser list: frames a second while scrolling", frames / _SECONDS, "frames", frames)
        nodes = await page.evaluate("document.querySelectorAll('*').length")
        figures.add("browser list: nodes in the page", nodes, "nodes", 1)


@asynccontextmanager
async def _tasks(page: Page, figures: Figures, when: str) -> AsyncIterator[None]:
    """The page's tasks meanwhile: by the clock on the wall, which a busy machine makes long, and by the processor's."""
    browser = page.context.browser
    assert browser is not None
    await browser.start_tracing(page=page, categories=["disabled-by-default-devtools.timeline"])
    yield
    events: list[dict[str, Any]] = msgspec.json.decode(await browser.stop_tracing())["traceEvents"]
    threads = {(one["pid"], one["tid"]) for one in events if one.get("args", {}).get("name") == "CrRendererMain"}
    tasks = [one for one in events if one["name"] == "RunTask" and (one["pid"], one["tid"]) in threads and "dur" in one]
    load = f"load average {os.getloadavg()[0]:.1f}"
    for name, clock, must in (("", "dur", ""), (", processor time", "tdur", "≤ 50 ms")):
        times = [one.get(clock, 0) / 1000 for one in tasks]
        note = f"{load}, {sum(time > 50 for time in times)} longer than 50 ms"
        figures.add(
            f"browser list: longest task {when}{name}", max(times, default=0), "ms", len(times), must=must, note=note
        )


@asynccontextmanager
async def _page(house: House, base: str) -> AsyncIterator[Page]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=_CHROMIUM, args=_FLAGS)
        context = await browser.new_context(viewport={"width": 1440, "height": 900})
        await context.add_cookies([{"name": "comptoir_session", "value": house.cookies[0], "url": base}])
        yield await context.new_page()
        await browser.close()


async def main() -> None:
    """Measure this alone and print it."""
    async with server() as running:
        figures = Figures(describe(await running.version(), await commits_per_second(running, seconds=0.5)))
        await measure(running, figures)


if __name__ == "__main__":
    asyncio.run(main())
