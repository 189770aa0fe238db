"""A list of a hundred thousand conversations in a browser: when its first row is there, its nodes, and how long it keeps the page from answering.

`python -m benchmarks.browser_list` measures it alone; a browser is not part of `make bench`.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

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
_WATCH = """() => {
  window.tasks = [];
  new PerformanceObserver((list) => list.getEntries().forEach((one) => window.tasks.push(one.duration))).observe({ type: 'longtask' });
}"""
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
        await page.evaluate(_WATCH)
        height = await page.evaluate(_LOAD, _SECONDS)
        await _tasks(page, figures, "while pages come")
        figures.add("browser list: rows loaded", height // 88, "rows", 1)
        frames = await page.evaluate(_SCROLL, _SECONDS)
        await _tasks(page, figures, "while scrolling", must="<= 50 ms")
        figures.add("browser list: frames a second while scrolling", frames / _SECONDS, "frames", frames)
        nodes = await page.evaluate("document.querySelectorAll('*').length")
        figures.add("browser list: nodes in the page", nodes, "nodes", 1)


async def _tasks(page: Page, figures: Figures, when: str, must: str = "") -> None:
    found = await page.evaluate("window.tasks.splice(0)")
    load = f"load average {os.getloadavg()[0]:.1f}, {len(found)} longer than 50 ms"
    figures.add(f"browser list: longest task {when}", max(found, default=0), "ms", len(found), must=must, note=load)


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
