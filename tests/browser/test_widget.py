"""What a visitor may do and what may go wrong for them: files, long texts, a database away, tokens that are none, guards in the way."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest
from PIL import Image
from playwright.async_api import FilePayload, Locator, Page, expect

from comptoir.infra.database import Database
from tests.browser.stage import PATIENCE, Agent, Stage, Visitor, set_stage
from tests.cable import cable_to
from tests.conftest import HandClock

pytestmark = pytest.mark.browser
NO_SOCKETS = "window.WebSocket = class { constructor() { throw new DOMException('blocked', 'SecurityError'); } };"
# A socket that neither opens nor closes, as behind a proxy that swallows it.
MUTE_SOCKETS = "window.WebSocket = class { close() {} send() {} };"
PASTE = """(area, text) => {
  const data = new DataTransfer();
  data.setData('text/plain', text);
  area.dispatchEvent(new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true }));
}"""


def photograph(name: str = "slippers.png") -> FilePayload:
    """A picture that a visitor might take."""
    bytes_ = io.BytesIO()
    Image.radial_gradient("L").resize((640, 400)).save(bytes_, "PNG")
    return FilePayload(name=name, mimeType="image/png", buffer=bytes_.getvalue())


async def attach(player: Visitor | Agent, *files: FilePayload) -> None:
    """Choose files for the next message."""
    place = player.place if isinstance(player, Visitor) else player.page
    await place.get_by_test_id("file-input").set_input_files(list(files))


async def is_drawn(picture: Locator) -> None:
    """The picture has come and its bytes are a picture."""
    await expect(picture).to_be_visible(timeout=PATIENCE)
    await expect(picture).to_have_js_property("complete", value=True, timeout=PATIENCE)
    assert await picture.evaluate("one => one.naturalWidth") > 0


async def downloaded(page: Page, link: Locator) -> bytes:
    """What the link gives."""
    address = await link.evaluate("one => one.href")
    answer = await page.request.get(address)
    assert answer.ok
    assert "attachment" in answer.headers["content-disposition"]
    return await answer.body()


async def test_files_go_both_ways(stage: Stage) -> None:
    visitor, agent = await stage.visitor(), await stage.agent()
    await visitor.open()
    picture = photograph()
    await attach(visitor, picture)
    await expect(visitor.place.get_by_test_id("staged")).to_contain_text("slippers.png")
    await visitor.write("Is this the felt one?")
    await is_drawn(visitor.messages().locator("img"))
    await visitor.sent()
    await agent.open()
    await agent.sees("Is this the felt one?")
    shown = agent.messages().locator("a img")
    await is_drawn(shown)
    assert await downloaded(agent.page, agent.messages().locator("a:has(img)")) == picture["buffer"]
    bill = FilePayload(
        name="bill.pdf", mimeType="application/pdf", buffer=b"%PDF-1.4\n1 0 obj <<>> endobj\ntrailer <<>>\n%%EOF\n"
    )
    await attach(agent, bill)
    await expect(agent.page.get_by_test_id("upload")).to_contain_text("bill.pdf", timeout=PATIENCE)
    await agent.answer("Your bill")
    await visitor.sees("Is this the felt one?", "bill.pdf")
    card = visitor.messages().nth(1).locator("a")
    await expect(card).to_contain_text("bill.pdf")
    assert await downloaded(visitor.page, card) == bill["buffer"]
    await visitor.sees("Is this the felt one?", "Your bill")


async def test_a_text_too_long_is_refused_in_words_and_kept(stage: Stage) -> None:
    visitor = await stage.visitor()
    await visitor.open()
    composer, problem = visitor.place.get_by_test_id("composer"), visitor.place.get_by_test_id("composer-problem")
    text = "All I ever wanted to say. " * 1200
    await composer.fill(text)
    await expect(problem).to_contain_text("21,200 characters too many", timeout=PATIENCE)
    await expect(visitor.place.get_by_test_id("send")).to_be_disabled()
    await composer.press("Enter")
    assert await visitor.messages().count() == 0
    await visitor.page.reload()
    await expect(composer).to_have_value(text, timeout=PATIENCE)
    await expect(problem).to_be_visible()
    await composer.fill("In short: thank you")
    await expect(problem).to_have_count(0)
    await visitor.place.get_by_test_id("send").click()
    await visitor.sent()


async def test_a_pasted_text_of_three_megabytes_becomes_a_file_and_arrives_whole(stage: Stage) -> None:
    visitor, agent = await stage.visitor(), await stage.agent()
    await visitor.open()
    text = "All I ever wanted to say. " * 120_000
    await visitor.place.get_by_test_id("composer").evaluate(PASTE, text)
    await expect(visitor.place.get_by_test_id("staged")).to_contain_text("Pasted text.txt", timeout=PATIENCE)
    await visitor.place.get_by_test_id("send").click()
    await visitor.sent()
    await agent.open()
    await agent.sees("Pasted text.txt")
    assert (await downloaded(agent.page, agent.messages().locator("a"))).decode() == text


async def test_what_is_written_while_the_database_is_away_waits_and_is_sent_once(
    db: Database, database_url: str, clock: HandClock, tmp_path: Path
) -> None:
    async with cable_to(database_url) as cable, set_stage(db, clock, tmp_path, dsn=cable.dsn) as stage:
        visitor, agent = await stage.visitor(), await stage.agent()
        await visitor.open()
        await visitor.write("Before")
        await visitor.sent()
        cable.pull()
        await visitor.write("While it was away")
        fate = visitor.place.get_by_test_id("fate").last
        await expect(fate).to_have_attribute("data-state", re.compile("waiting|sending"))
        await visitor.page.wait_for_timeout(2500)
        await visitor.sees("Before", "While it was away")
        await expect(fate).to_have_attribute("data-state", re.compile("waiting|sending"))
        cable.plug_in()
        await expect(fate).to_have_attribute("data-state", "sent", timeout=45_000)
        await agent.page.reload()
        await agent.open()
        await agent.sees("Before", "While it was away")


async def test_a_forged_token_is_nobody_and_the_message_is_sent_all_the_same(stage: Stage) -> None:
    visitor = await stage.hosted()
    await visitor.write("I am Anna")
    await visitor.sent()
    key = f"comptoir:{stage.world.inbox.id}:token"
    token: str = await visitor.page.evaluate("key => localStorage.getItem(key)", key)
    forged = token[:-4] + ("AAAA" if not token.endswith("AAAA") else "BBBB")
    stranger = await stage.context()
    page = await stranger.new_page()
    await page.goto(f"{stage.app.base_url}/c/{stage.world.inbox.slug}")
    await page.evaluate("([key, token]) => localStorage.setItem(key, token)", [key, forged])
    await page.reload()
    thief = Visitor(page, page)
    await thief.write("I am Anna, too")
    await thief.sent()
    await thief.sees("I am Anna, too")
    assert await page.evaluate("key => localStorage.getItem(key)", key) not in {token, forged}
    await visitor.sees("I am Anna")
    agent = await stage.agent()
    await expect(agent.rows()).to_have_count(2, timeout=PATIENCE)


@pytest.mark.parametrize("guard", [NO_SOCKETS, MUTE_SOCKETS], ids=["refused", "swallowed"])
async def test_a_visitor_behind_a_guard_that_knows_no_sockets(stage: Stage, guard: str) -> None:
    context = await stage.context()
    await context.add_init_script(guard)
    visitor, agent = await stage.visitor(context), await stage.agent()
    await visitor.open()
    await visitor.write("Through the firewall")
    await visitor.sent()
    await agent.open()
    await agent.answer("And back")
    await visitor.sees("Through the firewall", "And back")
    await visitor.write("And through again")
    await agent.sees("Through the firewall", "And back", "And through again")


async def test_emoji_and_files_that_were_never_fetched_are_told_offline(stage: Stage) -> None:
    context = await stage.context()
    visitor = await stage.visitor(context)
    await context.route("**/extras-*.js", lambda route: route.abort())
    await visitor.open()
    await visitor.place.get_by_test_id("emoji").click()
    await expect(visitor.place.get_by_text("The emoji come with the connection.")).to_be_visible(timeout=PATIENCE)
    await attach(visitor, photograph("in-the-tunnel.png"))
    await expect(visitor.place.get_by_test_id("staged")).to_contain_text("in-the-tunnel.png", timeout=PATIENCE)


async def test_a_draft_stays_from_page_to_page(stage: Stage) -> None:
    visitor = await stage.visitor()
    await visitor.open()
    composer = visitor.place.get_by_test_id("composer")
    await composer.press_sequentially("I was just going to")
    await visitor.page.reload()
    await expect(composer).to_have_value("I was just going to", timeout=PATIENCE)


async def test_what_the_page_lends_is_the_conversations_alone(stage: Stage) -> None:
    visitor = await stage.visitor()
    await visitor.page.evaluate("localStorage.setItem('basket', '3 slippers')")
    await visitor.open()
    assert await visitor.page.evaluate("Object.keys(localStorage)") == ["basket"], (
        "nothing is kept before anything is written"
    )
    await visitor.write("Hello")
    await visitor.sent()
    prefix = f"comptoir:{stage.world.inbox.id}:"
    kept: list[str] = await visitor.page.evaluate("Object.keys(localStorage).sort()")
    assert kept == ["basket", f"{prefix}token"]
    # The page's own words to itself, and to the frame, change nothing.
    before = await visitor.page.evaluate("key => localStorage.getItem(key)", f"{prefix}token")
    await visitor.page.evaluate(
        """() => {
          postMessage({ comptoir: 'keep', key: 'token', value: 'forged' }, '*');
          postMessage({ comptoir: 'lend' }, '*');
        }"""
    )
    await visitor.write("Still me")
    await visitor.sees("Hello", "Still me")
    assert await visitor.page.evaluate("key => localStorage.getItem(key)", f"{prefix}token") == before
