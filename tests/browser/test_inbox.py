"""What an agent does all day: by keyboard, by search, with colleagues, in two languages."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from PIL import Image
from playwright.async_api import Locator, Page, expect

from comptoir.workspaces.commands import add_agent, create_person, create_workspace
from comptoir.workspaces.queries import Role
from tests.browser.correspondent import Correspondent
from tests.browser.stage import PATIENCE, PHONE, Agent, Stage
from tests.world import PASSWORD
from tools.french import missing_spaces

pytestmark = pytest.mark.browser
NORA = "nora@comfy-shoes.example"


async def newcomer(stage: Stage, role: Role) -> str:
    """The address of somebody new in the workspace, in this role."""
    email = f"{role}@comfy-shoes.example"
    async with stage.world.db.system() as tx:
        person = await create_person(tx, email=email, name=f"Odile {role.title()}", password=PASSWORD)
        await add_agent(tx, stage.world.workspace_id, person, role)
    return email


def row(agent: Agent, text: str) -> Locator:
    """The conversation of the list that says this."""
    return agent.rows().filter(has_text=text)


async def rows_are(agent: Agent, count: int) -> None:
    """The list shows so many conversations."""
    await expect(agent.rows()).to_have_count(count, timeout=PATIENCE)


async def counted(agent: Agent, view: str, count: int) -> None:
    """The rail says so many."""
    await expect(agent.page.get_by_test_id(f"count-{view}")).to_have_text(str(count), timeout=PATIENCE)


async def test_a_day_without_a_mouse(stage: Stage) -> None:
    for text in ("First question", "Second question", "Third question"):
        await (await Correspondent.arrive(stage)).say(text)
    agent = await stage.agent()
    await rows_are(agent, 3)
    page, keys = agent.page, agent.page.keyboard
    composer = page.get_by_test_id("composer-text")
    for key in ("j", "j", "k", "j"):
        await keys.press(key)
    await expect(agent.rows().nth(1)).to_be_focused()
    await keys.press("Enter")
    await agent.sees("Second question")
    await keys.press("r")
    await keys.type("An answer, typed")
    await keys.press("Shift+Enter")
    await keys.type("on two lines")
    await keys.press("Enter")
    await agent.sees("Second question", "An answer, typed\non two lines")
    await keys.press("Escape")
    await keys.press("n")
    await keys.type("A word among ourselves")
    await keys.press("Enter")
    await expect(page.get_by_test_id("note")).to_contain_text("A word among ourselves", timeout=PATIENCE)
    await keys.press("Escape")
    await keys.press("l")
    await expect(page.get_by_test_id("label-picker-search")).to_be_focused()
    await keys.type("Sizes")
    await keys.press("Enter")
    await expect(page.get_by_test_id("thread-header")).to_contain_text("Sizes", timeout=PATIENCE)
    await keys.press("Escape")
    await keys.press("a")
    await expect(page.get_by_test_id("assignee-picker-search")).to_be_focused()
    await keys.type("lefevre")
    await keys.press("Enter")
    await expect(page.get_by_test_id("assignee")).to_contain_text("Nora Lefèvre", timeout=PATIENCE)
    await rows_are(agent, 2)
    await keys.press("e")
    await expect(page.get_by_test_id("toggle-status")).to_have_attribute("data-status", "closed")
    await keys.press("j")
    await expect(page.locator("[data-testid=conversation-row]:focus")).to_have_count(1)
    await keys.press("/")
    await expect(page.get_by_test_id("search-field")).to_be_focused()
    await keys.type("third")
    await expect(page.get_by_test_id("search-hit")).to_have_count(1, timeout=PATIENCE)
    await keys.press("Enter")
    await agent.sees("Third question")
    await keys.press("?")
    await expect(page.get_by_test_id("help")).to_be_visible(timeout=PATIENCE)
    await keys.press("Escape")
    await expect(page.get_by_test_id("help")).to_have_count(0)
    await expect(composer).to_have_value("")


async def test_search_finds_the_message_in_its_place(stage: Stage) -> None:
    contact = await Correspondent.arrive(stage)
    sought = "Échangez-vous une pointure trop étroite ?"
    for text in (
        *(f"Before, number {nth}" for nth in range(20)),
        sought,
        *(f"Later, number {nth}" for nth in range(70)),
    ):
        await contact.say(text)
    agent = await stage.agent()
    page = agent.page
    await expect(page.get_by_test_id("row-unread")).to_have_text(re.compile("91"), timeout=PATIENCE)
    await page.keyboard.press("/")
    await page.get_by_test_id("search-field").fill("ECHANGEZ etroite")
    hit = page.get_by_test_id("search-hit")
    await expect(hit).to_have_count(1, timeout=PATIENCE)
    await expect(hit.locator("mark")).to_have_text(["Échangez", "étroite"])
    await page.keyboard.press("Enter")
    found = agent.messages().filter(has_text=sought)
    await expect(found).to_be_in_viewport(timeout=PATIENCE)
    await expect(agent.messages().filter(has_text="Before, number 19")).to_be_in_viewport()
    await expect(page.get_by_test_id("jump-to-latest")).to_be_visible()
    await page.get_by_test_id("jump-to-latest").click()
    await expect(agent.messages().filter(has_text="Later, number 69")).to_be_in_viewport(timeout=PATIENCE)
    await expect(found).not_to_be_in_viewport()


async def test_colleagues_share_the_counter(stage: Stage) -> None:
    contact = await Correspondent.arrive(stage)
    await contact.say("Is the wide last back?")
    await contact.say("In 41, if you please")
    tom, nora = await stage.agent(), await stage.agent(NORA)
    for agent in (tom, nora):
        await expect(agent.page.get_by_test_id("row-unread")).to_contain_text("2", timeout=PATIENCE)
        await counted(agent, "unassigned", 1)
        await counted(agent, "mine", 0)
    await tom.open()
    await expect(tom.page.get_by_test_id("row-unread")).to_have_count(0, timeout=PATIENCE)
    await contact.say("Or in 42")
    await tom.sees("Is the wide last back?", "In 41, if you please", "Or in 42")
    await expect(nora.page.get_by_test_id("row-unread")).to_contain_text("3", timeout=PATIENCE)
    await expect(tom.page.get_by_test_id("row-unread")).to_have_count(0)

    await tom.page.get_by_test_id("labels").click()
    await tom.page.get_by_test_id("label-picker-search").fill("Wide last")
    await tom.page.get_by_test_id("create").click()
    await tom.page.keyboard.press("Escape")
    await tom.page.get_by_test_id("priority").click()
    await tom.page.get_by_test_id("priority-urgent").click()
    await tom.page.get_by_test_id("assignee").click()
    await tom.page.get_by_test_id("choice").filter(has_text="Nora").click()
    for agent, mine in ((tom, 0), (nora, 1)):
        await counted(agent, "unassigned", 0)
        await counted(agent, "mine", mine)
        await rows_are(agent, 0)
    await nora.look_at("mine")
    await rows_are(nora, 1)
    await expect(nora.rows()).to_contain_text("Wide last", timeout=PATIENCE)
    await expect(nora.rows().locator(".urgent")).to_be_visible()
    await expect(nora.page.get_by_test_id("row-unread")).to_contain_text("3")


async def test_a_contact_is_written_down_in_place(stage: Stage) -> None:
    await (await Correspondent.arrive(stage)).say("Good morning")
    agent, colleague = await stage.agent(), await stage.agent(NORA)
    await agent.open()
    page = agent.page
    await page.get_by_test_id("contact-name").click()
    await page.get_by_test_id("contact-name-input").fill("Zoé Zimmer")
    await page.keyboard.press("Enter")
    for place in (page.get_by_test_id("thread-header"), agent.rows(), colleague.rows()):
        await expect(place).to_contain_text("Zoé Zimmer", timeout=PATIENCE)
    await page.get_by_test_id("contact-email").click()
    field = page.get_by_test_id("contact-email-input")
    await field.fill("not an address")
    await page.keyboard.press("Enter")
    await expect(field).to_have_attribute("aria-invalid", "true", timeout=PATIENCE)
    await field.fill("zoe@example.org")
    await page.keyboard.press("Enter")
    await expect(page.get_by_test_id("contact-email")).to_have_text("zoe@example.org", timeout=PATIENCE)
    await page.reload()
    await expect(page.get_by_test_id("contact-email")).to_have_text("zoe@example.org", timeout=PATIENCE)


async def test_pictures_and_files_reach_the_visitor(stage: Stage, tmp_path: Path) -> None:
    visitor = await stage.visitor()
    await visitor.open()
    await visitor.write("How are they made?")
    await visitor.sent()
    agent = await stage.agent()
    await agent.open()
    picture, guide = tmp_path / "felt.png", tmp_path / "care.txt"
    Image.new("RGB", (640, 420), (160, 120, 70)).save(picture)
    guide.write_text("Brush, never wash.")
    await agent.page.get_by_test_id("file-input").set_input_files([picture, guide])
    await expect(agent.page.locator("[data-testid=upload][data-state=ready]")).to_have_count(2, timeout=PATIENCE)
    await expect(agent.page.get_by_test_id("uploads")).to_contain_text("18 bytes")
    await agent.answer("Like this")
    await expect(agent.messages()).to_have_count(3, timeout=PATIENCE)
    await expect(visitor.messages()).to_have_count(3, timeout=PATIENCE)
    image = visitor.messages().locator("img")
    await expect(image).to_be_visible(timeout=PATIENCE)
    assert await image.evaluate("async (image) => { await image.decode(); return image.naturalWidth; }") > 0
    link = visitor.messages().filter(has_text="care.txt").locator("a")
    answer = await agent.page.request.get(stage.app.base_url + str(await link.get_attribute("href")))
    assert await answer.text() == "Brush, never wash."
    await agent.page.locator("[data-testid=message] a img").click()
    await expect(agent.page.get_by_test_id("lightbox")).to_be_visible(timeout=PATIENCE)
    await agent.page.keyboard.press("Escape")
    await expect(agent.page.get_by_test_id("lightbox")).to_have_count(0)


async def test_an_observer_reads_and_changes_nothing(stage: Stage) -> None:
    contact = await Correspondent.arrive(stage)
    await contact.say("Are you open on Sundays?")
    agent = await stage.agent(await newcomer(stage, "observer"))
    await agent.open()
    await agent.sees("Are you open on Sundays?")
    await contact.say("And on Mondays?")
    await agent.sees("Are you open on Sundays?", "And on Mondays?")
    page = agent.page
    await expect(page.get_by_test_id("contact-name")).to_be_visible(timeout=PATIENCE)
    for key in ("e", "a", "l", "r", "n"):
        await page.keyboard.press(key)
    absent = "composer toggle-status assignee priority labels reply-to open-settings"
    for name in absent.split():
        await expect(page.get_by_test_id(name)).to_have_count(0)
    await expect(page.locator("button.editable")).to_have_count(0)
    await counted(agent, "unassigned", 1)
    await agent.look_at("closed")
    await expect(page.get_by_test_id("list-empty")).to_be_visible(timeout=PATIENCE)


async def test_two_workspaces_are_two_counters(stage: Stage) -> None:
    async with stage.world.db.system() as tx:
        hotel = await create_workspace(tx, name="Dream Hotels", slug="dream-hotels")
        person = await tx.value("SELECT person_id FROM agent WHERE id = $1", stage.world.agent_id)
        await add_agent(tx, hotel, person, "agent")
    await (await Correspondent.arrive(stage)).say("About my slippers")
    agent = await stage.agent()
    await rows_are(agent, 1)
    await agent.page.get_by_test_id("workspace-menu").click()
    await agent.page.get_by_test_id("workspace-dream-hotels").click()
    await agent.page.wait_for_url("**/app/dream-hotels/inbox/open", timeout=PATIENCE)
    await counted(agent, "open", 0)
    await agent.look_at("open")
    await expect(agent.page.get_by_test_id("list-empty")).to_be_visible(timeout=PATIENCE)
    await expect(agent.page.get_by_text("About my slippers")).to_have_count(0)
    await agent.page.goto(f"{stage.app.base_url}/app")
    await agent.page.wait_for_url("**/app/dream-hotels/**", timeout=PATIENCE)
    await agent.page.go_back()
    await agent.page.get_by_test_id("workspace-menu").click()
    await agent.page.get_by_test_id("workspace-comfy-shoes").click()
    await agent.look_at("unassigned")
    await expect(row(agent, "About my slippers")).to_have_count(1, timeout=PATIENCE)


async def test_priority_on_a_phone(stage: Stage) -> None:
    await (await Correspondent.arrive(stage)).say("My parcel is lost")
    agent = await stage.agent(size=PHONE)
    await agent.open()
    await agent.page.get_by_test_id("thread-contact").tap()
    await agent.page.get_by_test_id("priority-worded").tap()
    await agent.page.get_by_test_id("priority-high").tap()
    await expect(agent.page.get_by_test_id("priority-worded")).to_contain_text("High")
    await agent.page.get_by_test_id("hide-details").tap()
    await agent.page.get_by_test_id("back").tap()
    await expect(agent.rows().locator(".high")).to_be_visible(timeout=PATIENCE)


async def test_signing_out_forgets(stage: Stage) -> None:
    await (await Correspondent.arrive(stage)).say("Between us")
    agent = await stage.agent()
    await agent.open()
    page = agent.page
    await page.get_by_test_id("composer-text").fill("A sentence never finished")
    opened = page.url
    await page.get_by_test_id("person-menu").click()
    await page.get_by_test_id("sign-out").click()
    await expect(page.get_by_test_id("sign-in")).to_be_visible(timeout=PATIENCE)
    kept = await page.evaluate("JSON.stringify([Object.entries(localStorage), Object.entries(sessionStorage)])")
    assert "never finished" not in kept
    assert "Between us" not in kept
    await page.go_back()
    await expect(page.get_by_test_id("sign-in")).to_be_visible(timeout=PATIENCE)
    await page.goto(opened)
    await expect(page.get_by_test_id("sign-in")).to_be_visible(timeout=PATIENCE)
    await expect(page.get_by_text("Between us")).to_have_count(0)


async def test_french_is_french_everywhere(stage: Stage) -> None:
    context = await stage.context(locale="fr-FR")
    page = await context.new_page()
    await page.goto(f"{stage.app.base_url}/app")
    await page.get_by_test_id("sign-in-submit").click(timeout=PATIENCE)
    await spoken(page, "Veuillez saisir votre adresse e-mail.")
    await (await Correspondent.arrive(stage)).say("Bonjour")
    agent = await stage.agent(NORA, context=context)
    page = agent.page
    await agent.open()
    await agent.answer("Bonjour")
    await spoken(page, "Non attribuées", "Terminer", "Heure locale")
    await page.get_by_test_id("composer-note").click()
    await spoken(page, "Ajouter la note")
    for opener, closed_by, words in (
        ("assignee", "Escape", "Personne"),
        ("priority", "Escape", "Urgente"),
        ("labels", "Escape", "Il n’y a pas encore d’étiquette."),
        ("person-menu", "Escape", "Se déconnecter"),
        ("emoji", "Escape", "Visages"),
        ("open-search", "Escape", "Retrouvez un mot écrit"),
    ):
        await page.get_by_test_id(opener).click()
        await spoken(page, words)
        await page.keyboard.press(closed_by)
    await page.get_by_test_id("timeline").click(position={"x": 5, "y": 5})
    await page.keyboard.press("?")
    await spoken(page, "Raccourcis clavier")
    await page.keyboard.press("Escape")
    await agent.look_at("closed")
    await spoken(page, "Rien de terminé pour l’instant")
    await page.get_by_test_id("open-settings").click()
    await page.get_by_test_id("inbox-row").click(timeout=PATIENCE)
    await spoken(page, "Message d’accueil", "Le placer sur votre site")


# All that can be read or heard on the page: texts, names, placeholders and tooltips, but nothing that is code.
SPEECH = """() => {
  const said = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_ELEMENT | NodeFilter.SHOW_TEXT);
  for (let node = walk.currentNode; node; node = walk.nextNode()) {
    if (node.nodeType === Node.TEXT_NODE) {
      if (!node.parentElement.closest('script, style, code, pre, a[href^=http], kbd')) said.push(node.data);
    } else for (const name of ['aria-label', 'title', 'placeholder', 'alt']) said.push(node.getAttribute(name) ?? '');
  }
  return said.filter((text) => text.trim());
}"""


async def spoken(page: Page, *expected: str) -> None:
    """The page says this, in French as it is printed."""
    for words in expected:
        await expect(page.get_by_text(words).filter(visible=True).first).to_be_visible(timeout=PATIENCE)
    said = await page.evaluate(SPEECH)
    badly = [text for text in said if missing_spaces(text) or re.search(r"\w'\w", text)]
    assert not badly, badly
