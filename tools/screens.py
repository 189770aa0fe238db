"""Make the pictures in `docs/screens`: the demonstration on a scratch folder, looked at by Chromium in two sizes, two lights and two languages."""

from __future__ import annotations

import asyncio
import contextlib
import io
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

from PIL import Image
from playwright.async_api import Browser, Page, StorageState, ViewportSize, async_playwright

OUTPUT = Path("docs/screens")
MOST_BYTES = 4_000_000
CHROMIUM = "/usr/bin/chromium"
FLAGS = ["--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--font-render-hinting=none"]
SIZES: dict[str, ViewportSize] = {"desktop": {"width": 1440, "height": 900}, "phone": {"width": 390, "height": 844}}
LOCALES = {"en": "en-GB", "fr": "fr-FR"}
PASSWORD = "comptoir-demo"  # noqa: S105 -- printed on the screen: it opens made-up businesses only
SOUGHT = {"en": "refund", "fr": "remboursement"}
ANSWERS = {
    "en": "With pleasure. Write again whenever something comes up, we are here.",
    "fr": "Avec plaisir. Écrivez-nous dès que vous avez besoin de quelque chose, nous sommes là.",
}
# The demonstration's labels, as each team would write them.
LABELS = {
    "size": {"en": "Size", "fr": "Pointure"},
    "return": {"en": "Return", "fr": "Retour"},
    "promotion": {"en": "Promotion", "fr": "Promotion"},
    "delivery": {"en": "Delivery", "fr": "Livraison"},
    "repair": {"en": "Repair", "fr": "Réparation"},
    "advice": {"en": "Advice", "fr": "Conseil"},
}
# What the pictures are kept with: enough for text on every ground, and a tenth of the size.
COLOURS = 255


@dataclass(frozen=True, slots=True)
class Look:
    """One of the eight ways of looking."""

    device: str
    light: str
    language: str

    def file(self, screen: str) -> Path:
        """Where a picture of this screen goes."""
        return OUTPUT / f"{screen}-{self.device}-{self.light}-{self.language}.png"


LOOKS = [Look(device, light, language) for language in LOCALES for device in SIZES for light in ("light", "dark")]


@contextlib.contextmanager
def demonstration(port: int) -> Iterator[str]:
    """`comptoir demo` on a folder that goes with it; gives its address."""
    with tempfile.TemporaryDirectory(prefix="comptoir-screens-") as folder:
        # PostgreSQL's own account must be able to enter.
        Path(folder).chmod(0o755)
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("COMPTOIR_", "DATABASE_"))}
        command = [str(Path(sys.executable).with_name("comptoir")), "demo"]
        process = subprocess.Popen(
            command,
            env=kept | {"COMPTOIR_DATA": f"{folder}/data", "COMPTOIR_PORT": str(port)},
            stdout=subprocess.DEVNULL,
        )
        try:
            base = f"http://localhost:{port}"
            _wait(f"{base}/readyz", process)
            _wait(f"http://localhost:{port + 1}/comfy-shoes/en/", process)
            yield base
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)


def _wait(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(URLError, OSError), urlopen(url, timeout=5) as answer:  # noqa: S310 -- an address of our own
            if answer.status == 200:
                return
        time.sleep(0.2)
    raise SystemExit(f"The demonstration does not answer at {url}.")


class Photographer:
    """Goes through the screens of one demonstration."""

    def __init__(self, browser: Browser, base: str) -> None:
        self.browser = browser
        self.base = base
        self.signed_in: dict[str, StorageState] = {}
        self.conversations: dict[str, str] = {}
        self.inbox = ""
        self.agent = ""
        self.labels: dict[str, str] = {}
        self.spoken = ""
        self.zone = _morning()

    async def prepare(self) -> None:
        """Sign in, once per language, and choose the conversations to show."""
        context = await self.browser.new_context(locale="en-GB")
        page = await context.new_page()
        await page.goto(f"{self.base}/app")
        await page.get_by_test_id("sign-in-email").fill("camille@comfy-shoes.example")
        await page.get_by_test_id("sign-in-password").fill(PASSWORD)
        await page.get_by_test_id("sign-in-submit").click()
        await page.get_by_test_id("conversation-list").wait_for()
        self.signed_in["all"] = await context.storage_state()
        self.inbox = (await self._ask(page, "GET", "inboxes"))["items"][0]["id"]
        session = await self._ask(page, "GET", "session")
        self.agent = next(one["agent_id"] for one in session["workspaces"] if one["slug"] == "comfy-shoes")
        known = (await self._ask(page, "GET", "labels"))["items"]
        self.labels = {label["id"]: label["name"] for label in known}
        listed = await self._ask(page, "GET", "conversations?status=closed&limit=100")
        locales = {one["id"]: one["locale"] for one in listed["contacts"] if one["name"]}
        for language in LOCALES:
            mine = [one for one in listed["items"] if locales.get(one["contact_id"], "").startswith(language)]
            chosen = await self._richest(page, mine)
            self.conversations[language] = chosen["id"]
            worn = [*chosen["label_ids"], next(label for label in self.labels if label not in chosen["label_ids"])]
            taken = {"status": "open", "assignee_id": self.agent, "label_ids": worn, "priority": "high"}
            await self._ask(page, "PATCH", f"conversations/{chosen['id']}", taken)
            await self._ask(page, "POST", f"conversations/{chosen['id']}/read", {"seq": chosen["last_seq"]})
            await self._answer(page, chosen["id"], ANSWERS[language])
        await context.close()

    async def _richest(self, page: Page, found: list[dict[str, Any]]) -> dict[str, Any]:
        """The conversation with most to see: a note, labels, several messages by people with names."""
        most, chosen = -1, found[0]
        for one in found:
            items = (await self._ask(page, "GET", f"conversations/{one['id']}/messages"))["items"]
            # What stands further up is above the window.
            noted = any(message["kind"] == "note" for message in items[-5:])
            score = min(len(items), 7) + 6 * noted
            if score > most:
                most, chosen = score, one
        return chosen

    async def _answer(self, page: Page, conversation: str, text: str) -> None:
        await self._ask(
            page, "POST", f"conversations/{conversation}/messages", {"content": {"type": "text", "text": text}}
        )

    async def _ask(self, page: Page, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        answer = await page.request.fetch(
            f"{self.base}/api/v1/{path}", method=method, data=body, headers={"Origin": self.base}
        )
        if not answer.ok:
            raise SystemExit(f"{method} {path}: {answer.status} {await answer.text()}")
        return None if answer.status == 204 else await answer.json()

    async def look(self, look: Look) -> None:
        """All screens of the inbox, in one way of looking."""
        page = await self._page(look)
        await self._speak(page, look.language)
        inbox = f"{self.base}/app/comfy-shoes/inbox"
        await self._show(page, f"{inbox}/open", "conversation-row")
        await _keep(page, look.file("list"))
        await self._show(page, f"{inbox}/open/{self.conversations[look.language]}", "message")
        await _keep(page, look.file("inbox"))
        await self._show(page, f"{inbox}/open", "conversation-row")
        await page.get_by_test_id("open-search").click()
        await page.get_by_test_id("search-field").fill(SOUGHT[look.language])
        await page.get_by_test_id("search-hit").first.wait_for()
        await _keep(page, look.file("search"))
        await self._show(page, f"{self.base}/app/comfy-shoes/settings/inboxes/{self.inbox}", "snippet")
        await _keep(page, look.file("settings"))
        await page.context.clear_cookies()
        await self._show(page, f"{self.base}/app", "sign-in")
        await _keep(page, look.file("sign-in"))
        await page.context.close()

    async def _speak(self, page: Page, language: str) -> None:
        """The interface and the labels in this language."""
        if language == self.spoken:
            return
        await self._ask(page, "PATCH", "session", {"locale": language})
        for label, name in self.labels.items():
            await self._ask(page, "PATCH", f"labels/{label}", {"name": LABELS.get(name, {}).get(language, name)})
        self.spoken = language

    async def empty(self, looks: list[Look]) -> None:
        """A list with nothing in it: what was Camille's is given away first."""
        page = await self._page(LOOKS[0])
        for one in (await self._ask(page, "GET", "conversations?status=open&assignee=me&limit=100"))["items"]:
            await self._ask(page, "PATCH", f"conversations/{one['id']}", {"assignee_id": None})
        await page.context.close()
        for look in looks:
            page = await self._page(look)
            await self._speak(page, look.language)
            await self._show(page, f"{self.base}/app/comfy-shoes/inbox/mine", "list-empty")
            await _keep(page, look.file("empty"))
            await page.context.close()

    async def shop(self) -> None:
        """The shop's own page with the chat open, at a desk and on a phone."""
        for look in (Look("desktop", "light", "en"), Look("phone", "light", "fr")):
            page = await self._page(look, signed_in=False)
            port = int(self.base.rpartition(":")[2]) + 1
            await page.goto(f"http://localhost:{port}/comfy-shoes/{look.language}/")
            await page.locator("comptoir-widget button.l").click()
            frame = page.frame_locator("comptoir-widget iframe")
            for text in QUESTIONS[look.language]:
                await frame.get_by_test_id("composer").fill(text)
                await frame.get_by_test_id("send").click()
                await (
                    frame.get_by_test_id("fate")
                    .last.and_(frame.locator("[data-state=sent], [data-state=read]"))
                    .wait_for()
                )
            await self._reply(look)
            await frame.get_by_test_id("message").filter(has_text=REPLIES[look.language]).wait_for()
            await _keep(page, look.file("shop" if look.device == "desktop" else "widget"))
            await page.context.close()

    async def _reply(self, look: Look) -> None:
        page = await self._page(Look("desktop", "light", look.language))
        newest = (await self._ask(page, "GET", "conversations?status=open&limit=1"))["items"][0]
        await self._answer(page, newest["id"], REPLIES[look.language])
        await page.context.close()

    async def _page(self, look: Look, *, signed_in: bool = True) -> Page:
        phone = look.device == "phone"
        context = await self.browser.new_context(
            viewport=SIZES[look.device],
            device_scale_factor=2 if phone else 1,
            is_mobile=phone,
            has_touch=phone,
            locale=LOCALES[look.language],
            timezone_id=self.zone,
            color_scheme="dark" if look.light == "dark" else "light",
            reduced_motion="reduce",
            storage_state=self.signed_in["all"] if signed_in else None,
        )
        return await context.new_page()

    async def _show(self, page: Page, url: str, testid: str) -> None:
        await page.goto(url)
        await page.get_by_test_id(testid).filter(visible=True).first.wait_for()


QUESTIONS = {
    "en": ("Hello, do the Louise slippers run small?", "I usually wear a 39."),
    "fr": ("Bonjour, la Louise taille-t-elle petit\u202f?", "Je fais du 39 d’habitude."),
}
REPLIES = {
    "en": "Hello. They are true to size, so your 39 will be right. Exchanging is free for sixty days.",
    "fr": "Bonjour. Elle chausse normalement, votre 39 conviendra. L’échange est gratuit pendant soixante jours.",
}


def _morning() -> str:
    """A time zone where it is eleven o'clock now: the demonstration's past is counted from the present, and shops sleep at night."""
    ahead = (11 - time.gmtime().tm_hour + 12) % 24 - 12
    # The sign of these zones is the other way round.
    return f"Etc/GMT{-ahead:+d}" if ahead else "Etc/GMT"


async def _keep(page: Page, file: Path) -> None:
    """Take the picture when nothing moves any more, and keep it small."""
    await page.evaluate("document.fonts.ready")
    await page.wait_for_timeout(500)
    picture = Image.open(io.BytesIO(await page.screenshot(animations="disabled", caret="hide"))).convert("RGB")
    small = picture.quantize(COLOURS, method=Image.Quantize.MEDIANCUT, kmeans=1, dither=Image.Dither.NONE)
    file.parent.mkdir(parents=True, exist_ok=True)
    small.save(file, optimize=True)


async def main(wanted: str) -> None:
    """Make all pictures, or those whose look matches, for instance `phone-dark`."""
    looks = [look for look in LOOKS if re.search(wanted, f"{look.device}-{look.light}-{look.language}")]
    with demonstration(int(os.environ.get("COMPTOIR_PORT", "8731"))) as base:
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
            photographer = Photographer(browser, base)
            await photographer.prepare()
            for look in looks:
                await photographer.look(look)
            await photographer.empty(looks)
            if not wanted:
                await photographer.shop()
            await browser.close()


def weigh() -> None:
    """Say how much there is, and refuse more than a repository should carry."""
    sizes = [file.stat().st_size for file in OUTPUT.glob("*.png")]
    print(f"{len(sizes)} pictures, {sum(sizes) / 1e6:.1f} MB")
    if sum(sizes) > MOST_BYTES:
        raise SystemExit(f"More than {MOST_BYTES / 1e6:.0f} MB.")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1] if len(sys.argv) > 1 else ""))
    weigh()
