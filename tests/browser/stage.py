"""A stage for browser stories: the program as it runs, a shop's page on another origin, Chromium, and its players.

A `Visitor` sees the shop's page with the widget (or the hosted page), an `Agent` the inbox. What they do is said in
their words; what they see is waited for.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import uvicorn
from playwright.async_api import Browser, BrowserContext, FrameLocator, Locator, Page, async_playwright, expect

from comptoir.entrypoints.demo_site import DemoSite
from comptoir.infra.database import Database
from tests.conftest import HandClock
from tests.processes import App, free_port, wait_for
from tests.world import PASSWORD, World, make_world

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
DESK = {"width": 1440, "height": 900}
PHONE = {"width": 390, "height": 844}
PATIENCE = 15_000


@dataclass(slots=True)
class Visitor:
    """Somebody in front of a shop's page. `place` is where the conversation stands: the widget's frame, or the hosted page itself."""

    page: Page
    place: FrameLocator | Page

    async def open(self) -> None:
        """Click the launcher."""
        await self.page.locator("comptoir-widget button.l").click()
        await expect(self.place.get_by_test_id("composer")).to_be_visible(timeout=PATIENCE)

    async def write(self, text: str) -> None:
        """Type and send."""
        await self.place.get_by_test_id("composer").fill(text)
        await self.place.get_by_test_id("send").click()

    def messages(self) -> Locator:
        """What the conversation shows."""
        return self.place.get_by_test_id("message")

    async def sees(self, *texts: str) -> None:
        """The conversation shows exactly these, in this order."""
        await expect(self.messages()).to_have_count(len(texts), timeout=PATIENCE)
        for nth, text in enumerate(texts):
            await expect(self.messages().nth(nth)).to_contain_text(text, timeout=PATIENCE)

    async def sent(self, state: str = "sent") -> None:
        """The last message of one's own has come this far."""
        await expect(self.place.get_by_test_id("fate").last).to_have_attribute("data-state", state, timeout=PATIENCE)


@dataclass(slots=True)
class Agent:
    """Somebody in front of the inbox."""

    page: Page

    async def look_at(self, view: str) -> None:
        """Choose a list: mine, unassigned, open, closed."""
        await self.page.get_by_test_id(f"view-{view}").click()

    def rows(self) -> Locator:
        """The conversations of the list."""
        return self.page.get_by_test_id("conversation-row")

    async def open(self, nth: int = 0) -> None:
        """Open a conversation of the list."""
        await self.rows().nth(nth).click(timeout=PATIENCE)
        await expect(self.page.get_by_test_id("thread-header")).to_be_visible(timeout=PATIENCE)

    def messages(self) -> Locator:
        """Messages and notes of the open conversation."""
        return self.page.locator("[data-testid=message], [data-testid=note]")

    async def sees(self, *texts: str) -> None:
        """The open conversation shows exactly these, in this order."""
        await expect(self.messages()).to_have_count(len(texts), timeout=PATIENCE)
        for nth, text in enumerate(texts):
            await expect(self.messages().nth(nth)).to_contain_text(text, timeout=PATIENCE)

    async def answer(self, text: str) -> None:
        """Type and press Enter."""
        await self.page.get_by_test_id("composer-text").fill(text)
        await self.page.get_by_test_id("composer-text").press("Enter")


@dataclass(slots=True)
class Stage:
    """The whole of it."""

    app: App
    world: World
    browser: Browser
    shop_url: str
    errors: list[str] = field(default_factory=list)

    async def context(self, *, size: dict[str, int] = DESK, locale: str = "en-GB", **options: Any) -> BrowserContext:
        """A browser of somebody's own, whose page errors fail the story."""
        phone = size["width"] < 500
        context = await self.browser.new_context(
            viewport={"width": size["width"], "height": size["height"]},
            locale=locale,
            has_touch=phone,
            is_mobile=phone,
            **options,
        )
        context.on("weberror", lambda error: self.errors.append(str(error.error)))
        return context

    async def visitor(self, context: BrowserContext | None = None, *, language: str = "en", **options: Any) -> Visitor:
        """Somebody on the shop's page, the widget still closed."""
        page = await (context or await self.context(**options)).new_page()
        await page.goto(f"{self.shop_url}/comfy-shoes/{language}/")
        await expect(page.locator("comptoir-widget button.l")).to_be_visible(timeout=PATIENCE)
        return Visitor(page, page.frame_locator("comptoir-widget iframe"))

    async def hosted(self, context: BrowserContext | None = None, **options: Any) -> Visitor:
        """Somebody on the inbox's own page."""
        page = await (context or await self.context(**options)).new_page()
        await page.goto(f"{self.app.base_url}/c/{self.world.inbox.slug}")
        await expect(page.get_by_test_id("composer")).to_be_visible(timeout=PATIENCE)
        return Visitor(page, page)

    async def agent(
        self, email: str = "tom@comfy-shoes.example", context: BrowserContext | None = None, **options: Any
    ) -> Agent:
        """Somebody signed in, in front of the list of unassigned conversations."""
        page = await (context or await self.context(**options)).new_page()
        await page.goto(f"{self.app.base_url}/app")
        await page.get_by_test_id("sign-in-email").fill(email, timeout=PATIENCE)
        await page.get_by_test_id("sign-in-password").fill(PASSWORD)
        await page.get_by_test_id("sign-in-submit").click()
        await page.wait_for_url("**/app/comfy-shoes/**", timeout=PATIENCE)
        await page.goto(f"{self.app.base_url}/app/comfy-shoes/inbox/unassigned")
        listed = page.locator("[data-testid=conversation-list], [data-testid=list-empty]").filter(visible=True)
        await expect(listed.first).to_be_visible(timeout=PATIENCE)
        return Agent(page)


@contextlib.asynccontextmanager
async def set_stage(db: Database, clock: HandClock, folder: Path, *, dsn: str | None = None) -> AsyncIterator[Stage]:
    """Start the program, a shop and a browser; take everything down at the end. `dsn` is the program's own way to the database."""
    world = await make_world(db, clock)
    app = App(dsn or db.dsn, folder / "data")
    await app.start()
    try:
        async with shop(str(world.inbox.id), app.base_url) as shop_url, async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
            stage = Stage(app, world, browser, shop_url)
            yield stage
            await browser.close()
        assert not stage.errors, stage.errors
    finally:
        await world.close()
        await app.stop()


@contextlib.asynccontextmanager
async def shop(inbox_id: str, program: str) -> AsyncIterator[str]:
    """The shop's pages, on an origin of their own."""
    port = free_port()
    site = DemoSite({"comfy-shoes": inbox_id}, program)
    server = uvicorn.Server(uvicorn.Config(site, host="127.0.0.1", port=port, log_level="critical", lifespan="off"))
    bound = socket.socket()
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.bind(("127.0.0.1", port))
    task = asyncio.create_task(server.serve(sockets=[bound]))
    await asyncio.to_thread(wait_for, "the shop", lambda: server.started)
    try:
        # Another host name makes it another site, as a shop's page is.
        yield f"http://localhost:{port}"
    finally:
        server.should_exit = True
        await task
