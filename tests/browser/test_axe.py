"""axe finds nothing: in the widget, on the hosted page, at sign-in and in the inbox, light and dark, at a desk and on a phone."""

from __future__ import annotations

from typing import Literal

import pytest
from axe_playwright_python.async_playwright import Axe  # type: ignore[import-untyped]  # It comes without types.
from playwright.async_api import Frame, Page, expect

from tests.browser.stage import DESK, PATIENCE, PHONE, Stage

pytestmark = pytest.mark.browser
# Endless motion is none of it: whoever is writing has dots that never rest.
AT_REST = """() => Promise.all(document.getAnimations()
  .filter((one) => one.effect.getComputedTiming().endTime !== Infinity)
  .map((one) => one.finished.catch(() => undefined))).then(() => null)"""
Scheme = Literal["light", "dark"]
sizes = pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
schemes = pytest.mark.parametrize("scheme", ["light", "dark"])


async def found(where: Page | Frame) -> list[str]:
    """What axe says of a page or of one frame, after whatever moves has come to rest."""
    await where.evaluate(AT_REST)
    answer = await Axe().run(where, options={"resultTypes": ["violations"]})
    return [
        f"{one['id']}: {one['help']} — {node['target']} {node['html'][:160]} {node['failureSummary'][:300]}"
        for one in answer.response["violations"]
        for node in one["nodes"]
    ]


async def finds_nothing(where: Page | Frame, what: str) -> None:
    """Fail with all that axe has found."""
    problems = await found(where)
    assert problems == [], "\n".join([what, *problems])


@sizes
@schemes
async def test_widget_and_hosted_page(stage: Stage, size: dict[str, int], scheme: Scheme) -> None:
    for place in ("shop", "hosted"):
        context = await stage.context(size=size, color_scheme=scheme)
        visitor = await (stage.visitor(context) if place == "shop" else stage.hosted(context))
        if place == "shop":
            await finds_nothing(visitor.page, "the shop's page, the widget closed")
            await visitor.open()
        inside = visitor.page.frames[-1] if place == "shop" else visitor.page
        await finds_nothing(inside, f"{place}: nothing written yet")
        await visitor.write(f"Hello from the {place}, https://comfy-shoes.example/felt")
        await visitor.sent()
        agent = await stage.agent()
        await agent.open()
        await agent.answer("Good morning 🙂")
        await expect(visitor.messages()).to_have_count(2, timeout=PATIENCE)
        await finds_nothing(inside, f"{place}: a conversation")
        await agent.page.get_by_test_id("toggle-status").click()
        await expect(visitor.place.get_by_test_id("notice")).to_contain_text("closed", timeout=PATIENCE)
        await visitor.place.get_by_test_id("emoji").click()
        await expect(visitor.place.locator(".popover button").first).to_be_visible(timeout=PATIENCE)
        await context.set_offline(True)
        await visitor.place.get_by_test_id("composer").fill("x" * 10_020)
        await expect(visitor.place.get_by_test_id("notice")).to_contain_text("No connection", timeout=PATIENCE)
        await finds_nothing(inside, f"{place}: offline, a text too long, the emoji open")
        await agent.page.context.close()


@sizes
@schemes
async def test_sign_in_and_inbox(stage: Stage, size: dict[str, int], scheme: Scheme) -> None:
    visitor = await stage.hosted()
    await visitor.write("Do you have the felt slippers in 38?")
    await visitor.sent()
    context = await stage.context(size=size, color_scheme=scheme)
    page = await context.new_page()
    await page.goto(f"{stage.app.base_url}/app")
    await expect(page.get_by_test_id("sign-in-email")).to_be_visible(timeout=PATIENCE)
    await finds_nothing(page, "sign-in")
    await page.close()
    agent = await stage.agent(context=context)
    await expect(agent.rows()).to_have_count(1, timeout=PATIENCE)
    await finds_nothing(agent.page, "the list")
    await agent.open()
    await agent.answer("Yes, and in 39.")
    await expect(agent.messages()).to_have_count(2, timeout=PATIENCE)
    await finds_nothing(agent.page, "an open conversation")
    await agent.page.goto(f"{stage.app.base_url}/app/comfy-shoes/inbox/unassigned")
    await agent.page.get_by_test_id("open-search").first.click(timeout=PATIENCE)
    await agent.page.get_by_test_id("search-field").fill("slippers")
    await expect(agent.page.get_by_test_id("search-hit").first).to_be_visible(timeout=PATIENCE)
    await finds_nothing(agent.page, "a search")
