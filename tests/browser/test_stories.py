"""What people do, in a real browser, from the shop's page to the inbox and back."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from tests.browser.stage import PATIENCE, PHONE, Stage

pytestmark = pytest.mark.browser


async def test_from_first_contact_to_close(stage: Stage) -> None:
    agent = await stage.agent()
    visitor = await stage.visitor()
    assert await agent.rows().count() == 0, "nobody is a contact for having looked at a page"
    await visitor.open()
    await visitor.write("Do you have the felt slippers in 38?")
    await visitor.sent()
    await agent.open()
    await agent.sees("Do you have the felt slippers in 38?")
    await visitor.sent("read")
    await agent.answer("Yes, in 38 and in 39 🙂")
    await visitor.sees("Do you have the felt slippers in 38?", "Yes, in 38 and in 39 🙂")
    await expect(agent.page.get_by_test_id("receipt").last).to_contain_text("Read", timeout=PATIENCE)
    await agent.page.get_by_test_id("composer-note").click()
    await agent.answer("Asked for 38, may want 39")
    await agent.sees("Do you have the felt slippers in 38?", "Yes, in 38 and in 39 🙂", "Asked for 38, may want 39")
    await agent.page.get_by_test_id("toggle-status").click()
    await agent.look_at("closed")
    await expect(agent.rows()).to_have_count(1, timeout=PATIENCE)
    await visitor.sees("Do you have the felt slippers in 38?", "Yes, in 38 and in 39 🙂")
    await visitor.write("Thank you")
    await agent.look_at("unassigned")
    await expect(agent.rows()).to_have_count(1, timeout=PATIENCE)


async def test_typing_shows_on_both_sides(stage: Stage) -> None:
    agent, visitor = await stage.agent(), await stage.visitor()
    await visitor.open()
    await visitor.write("Hello")
    await agent.open()
    await visitor.place.get_by_test_id("composer").press_sequentially("I was wond", delay=40)
    await expect(agent.page.get_by_test_id("typing").first).to_be_visible(timeout=PATIENCE)
    await agent.page.get_by_test_id("composer-text").press_sequentially("Let me lo", delay=40)
    await expect(visitor.place.get_by_test_id("typing")).to_be_visible(timeout=PATIENCE)


async def test_two_tabs_are_in_step(stage: Stage) -> None:
    context = await stage.context()
    first, second = await stage.visitor(context), await stage.visitor(context)
    await first.open()
    await second.open()
    await first.write("Written in the first tab")
    await second.sees("Written in the first tab")
    await second.write("Written in the second tab")
    for tab in (first, second):
        await tab.sees("Written in the first tab", "Written in the second tab")
    agent = await stage.agent()
    await agent.open()
    await agent.sees("Written in the first tab", "Written in the second tab")


async def test_what_is_written_offline_is_kept_and_sent_once(stage: Stage) -> None:
    context = await stage.context()
    visitor = await stage.visitor(context)
    await visitor.open()
    await visitor.write("Before the tunnel")
    await visitor.sent()
    await context.set_offline(True)
    await visitor.write("In the tunnel")
    await visitor.write("Still in the tunnel")
    await visitor.sees("Before the tunnel", "In the tunnel", "Still in the tunnel")
    await expect(visitor.place.get_by_test_id("fate").last).not_to_have_attribute("data-state", "sent")
    await context.set_offline(False)
    await visitor.sent()
    agent = await stage.agent()
    await agent.open()
    await agent.sees("Before the tunnel", "In the tunnel", "Still in the tunnel")
    await agent.answer("Welcome back")
    await visitor.sees("Before the tunnel", "In the tunnel", "Still in the tunnel", "Welcome back")


async def test_an_agent_offline_loses_nothing(stage: Stage) -> None:
    visitor = await stage.visitor()
    await visitor.open()
    await visitor.write("One")
    context = await stage.context()
    agent = await stage.agent(context=context)
    await agent.open()
    await agent.sees("One")
    await context.set_offline(True)
    await agent.answer("Answer from the train")
    await visitor.write("Two")
    await context.set_offline(False)
    await expect(agent.messages()).to_have_count(3, timeout=30_000)
    await expect(visitor.messages()).to_have_count(3, timeout=30_000)
    texts = " ".join(await visitor.messages().all_inner_texts())
    assert texts.count("Answer from the train") == 1


async def test_history_stays_across_visits(stage: Stage) -> None:
    context = await stage.context()
    visitor = await stage.visitor(context)
    await visitor.open()
    await visitor.write("Remember me")
    await visitor.sent()
    await visitor.page.close()
    again = await stage.visitor(context)
    if await again.page.locator("comptoir-widget iframe").count() == 0:
        await again.open()
    await again.sees("Remember me")


@pytest.mark.parametrize("victim", ["web", "worker"])
async def test_a_crash_in_mid_conversation_is_only_a_pause(stage: Stage, victim: str) -> None:
    agent, visitor = await stage.agent(), await stage.visitor()
    await visitor.open()
    await visitor.write("Before the crash")
    await visitor.sent()
    await agent.open()
    await stage.app.kill(victim)
    await visitor.write("During the crash")
    await stage.app.start(victim)
    await visitor.sent()
    await expect(agent.messages()).to_have_count(2, timeout=30_000)
    await agent.answer("We are back")
    await expect(visitor.messages()).to_have_count(3, timeout=30_000)
    await visitor.sees("Before the crash", "During the crash", "We are back")


async def test_where_sockets_are_blocked_it_works_all_the_same(stage: Stage) -> None:
    blocked = "window.WebSocket = class { constructor() { throw new DOMException('blocked', 'SecurityError'); } };"
    context, desk = await stage.context(), await stage.context()
    for one in (context, desk):
        await one.add_init_script(blocked)
    visitor, agent = await stage.visitor(context), await stage.agent(context=desk)
    await visitor.open()
    await visitor.write("Through the firewall")
    await visitor.sent()
    await agent.open()
    await agent.sees("Through the firewall")
    await agent.answer("And back")
    await visitor.sees("Through the firewall", "And back")


async def test_on_a_phone_in_french(stage: Stage) -> None:
    visitor = await stage.visitor(size=PHONE, locale="fr-FR", language="fr")
    await visitor.open()
    await visitor.write("Bonjour, livrez-vous en Bretagne ?")
    await visitor.sent()
    box = await visitor.page.locator("comptoir-widget iframe").bounding_box()
    assert box is not None
    assert (box["width"], box["height"]) == (PHONE["width"], PHONE["height"])
    agent = await stage.agent("nora@comfy-shoes.example", size=PHONE, locale="fr-FR")
    await agent.open()
    await agent.sees("Bonjour, livrez-vous en Bretagne ?")
    await agent.answer("Oui, en deux jours.")
    await visitor.sees("Bonjour, livrez-vous en Bretagne ?", "Oui, en deux jours.")
    await agent.page.get_by_test_id("back").click()
    await expect(agent.page.get_by_test_id("conversation-list")).to_be_visible()
    await expect(agent.page.locator("html")).to_have_attribute("lang", "fr")


async def test_the_hosted_page_is_the_same_counter(stage: Stage) -> None:
    visitor = await stage.hosted()
    await visitor.write("Hello from the page of your own")
    await visitor.sent()
    agent = await stage.agent()
    await agent.open()
    await agent.answer("Welcome")
    await visitor.sees("Hello from the page of your own", "Welcome")
