"""The inbox when lines fail: asleep, blocked, refused, reloaded. What was written is never lost, never doubled."""

from __future__ import annotations

import asyncio
import json
import re

import pytest
from playwright.async_api import Route, WebSocketRoute, expect

from tests.browser.correspondent import Correspondent
from tests.browser.stage import PATIENCE, Agent, Stage

pytestmark = pytest.mark.browser
BLOCKED = "window.WebSocket = class { constructor() { throw new DOMException('blocked', 'SecurityError'); } };"
SENDING = re.compile(r"/api/v1/conversations/[^/]+/messages$")


async def online(agent: Agent) -> None:
    """Events are heard."""
    state = agent.page.get_by_test_id("connection")
    await expect(state).to_have_attribute("data-state", "online", timeout=PATIENCE)


@pytest.mark.parametrize("sleep", ["frozen", "offline"])
async def test_asleep_and_back(stage: Stage, sleep: str) -> None:
    contact = await Correspondent.arrive(stage)
    await contact.say("One")
    context = await stage.context()
    agent = await stage.agent(context=context)
    await agent.open()
    await online(agent)
    await agent.page.evaluate("window.awake = true")
    devtools = await context.new_cdp_session(agent.page)
    if sleep == "frozen":
        await devtools.send("Page.setWebLifecycleState", {"state": "frozen"})
    else:
        await context.set_offline(True)
    await contact.say("Two")
    await contact.say("Three")
    await (await Correspondent.arrive(stage)).say("From somebody else")
    await asyncio.sleep(1)
    if sleep == "frozen":
        await devtools.send("Page.setWebLifecycleState", {"state": "active"})
    else:
        await context.set_offline(False)
    await agent.sees("One", "Two", "Three")
    await expect(agent.rows()).to_have_count(2, timeout=PATIENCE)
    await expect(agent.page.get_by_test_id("count-unassigned")).to_have_text("2", timeout=PATIENCE)
    assert await agent.page.evaluate("window.awake") is True


@pytest.mark.parametrize("streams", ["streams", "polls"])
async def test_sockets_blocked(stage: Stage, streams: str) -> None:
    contact = await Correspondent.arrive(stage)
    await contact.say("One")
    context = await stage.context()
    await context.add_init_script(BLOCKED)
    if streams == "polls":
        await context.route("**/api/v1/stream?*", lambda route: route.abort())
    agent = await stage.agent(context=context)
    await expect(agent.page.get_by_test_id("connection")).to_have_attribute("data-state", "online", timeout=30_000)
    await agent.open()
    await contact.say("Two")
    await agent.sees("One", "Two")
    await agent.answer("Three")
    await agent.sees("One", "Two", "Three")
    await expect(agent.page.get_by_test_id("receipt").last).to_have_attribute(
        "data-state", re.compile("sent|delivered"), timeout=PATIENCE
    )
    assert await contact.texts() == ["One", "Two", "Three"]


async def test_what_could_not_be_sent_is_kept(stage: Stage) -> None:
    contact = await Correspondent.arrive(stage)
    await contact.say("One")
    agent = await stage.agent()
    await agent.open()
    page = agent.page
    fate = agent.messages().last.get_by_test_id("receipt")

    async def refuse(route: Route) -> None:
        error = {"code": "message_too_long", "message": "Too long for this channel."}
        await route.fulfill(status=422, content_type="application/json", body=json.dumps({"error": error}))

    await page.route(SENDING, refuse)
    await agent.answer("Refused at first")
    await expect(fate).to_have_attribute("data-state", "refused", timeout=PATIENCE)
    await expect(page.get_by_test_id("receipt-reason")).to_have_text("Too long for this channel.")
    await page.get_by_test_id("discard").click()
    await expect(page.get_by_test_id("composer-text")).to_have_value("Refused at first")
    await expect(agent.messages()).to_have_count(1)
    await page.get_by_test_id("composer-text").press("Enter")
    await expect(fate).to_have_attribute("data-state", "refused", timeout=PATIENCE)
    await page.unroute(SENDING)
    await page.get_by_test_id("retry").click()
    await expect(fate).to_have_attribute("data-state", re.compile("sent|delivered"), timeout=PATIENCE)

    # The answer is lost on its way back, and the page with it: what went out once must not go out twice.
    async def lose(route: Route) -> None:
        if route.request.method == "POST":
            await route.fetch()
        await route.abort()

    await page.route(SENDING, lose)
    await agent.answer("Answered into the void")
    await asyncio.sleep(0.5)
    await page.get_by_test_id("composer-text").fill("A draft, not sent")
    await page.unroute(SENDING)
    await page.reload()
    await expect(page.get_by_test_id("composer-text")).to_have_value("A draft, not sent", timeout=PATIENCE)
    await agent.sees("One", "Refused at first", "Answered into the void")
    await expect(fate).to_have_attribute("data-state", re.compile("sent|delivered"), timeout=PATIENCE)
    assert await contact.texts() == ["One", "Refused at first", "Answered into the void"]


async def test_away_for_too_long(stage: Stage) -> None:
    contact = await Correspondent.arrive(stage)
    await contact.say("One")
    context = await stage.context()
    deaf, line = False, asyncio.get_running_loop().create_future()

    def between(page_side: WebSocketRoute) -> None:
        server = page_side.connect_to_server()
        server.on_message(lambda message: None if deaf else page_side.send(message))
        if not line.done():
            line.set_result(page_side)

    await context.route_web_socket(re.compile("/api/v1/socket"), between)
    agent = await stage.agent(context=context)
    await agent.open()
    await online(agent)
    deaf = True
    await contact.say("Two")
    await (await Correspondent.arrive(stage)).say("From somebody else")
    counts = await agent.page.request.get(f"{stage.app.base_url}/api/v1/conversations/counts")
    await expect(agent.messages()).to_have_count(1)
    deaf = False
    page_side: WebSocketRoute = await line
    await agent.page.wait_for_timeout(500)
    counts = await agent.page.request.get(f"{stage.app.base_url}/api/v1/conversations/counts")
    page_side.send(json.dumps({"type": "reload", "position": (await counts.json())["position"]}))
    await agent.sees("One", "Two")
    await expect(agent.rows()).to_have_count(2, timeout=PATIENCE)
    await expect(agent.page.get_by_test_id("count-unassigned")).to_have_text("2", timeout=PATIENCE)
    await contact.say("Three")
    await agent.sees("One", "Two", "Three")
