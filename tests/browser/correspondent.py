"""A visitor without a browser: the widget's calls alone, for stories that are about the inbox."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from playwright.async_api import APIRequestContext

from tests.browser.stage import Stage

PAGE = {"url": "https://comfy.example/felt", "title": "Felt slippers", "locale": "fr", "time_zone": "Europe/Paris"}


@dataclass(slots=True)
class Correspondent:
    """Somebody who writes, and reads what is answered, over the widget's HTTP calls."""

    calls: APIRequestContext
    base: str
    token: str

    @classmethod
    async def arrive(cls, stage: Stage) -> Correspondent:
        """Somebody new, who has not written yet."""
        calls = (await stage.context()).request
        base = f"{stage.app.base_url}/widget/api/{stage.world.inbox.id}"
        answer = await calls.post(f"{base}/visitor", headers={"Origin": stage.app.base_url})
        assert answer.status == 201, await answer.text()
        return cls(calls, base, (await answer.json())["token"])

    async def say(self, text: str) -> None:
        """Write; durable when this returns."""
        await self._post(
            "messages", {"client_id": str(uuid4()), "content": {"type": "text", "text": text}, "context": PAGE}
        )

    async def read(self, seq: int) -> None:
        """Everything up to this message has been delivered and read."""
        await self._post("receipts", {"delivered_seq": seq, "read_seq": seq})

    async def texts(self) -> list[str]:
        """What the conversation says, as the visitor sees it."""
        answer = await self.calls.get(f"{self.base}/messages", headers=self._headers())
        assert answer.ok, await answer.text()
        return [message["content"].get("text", "") for message in (await answer.json())["items"]]

    async def _post(self, path: str, body: dict[str, Any]) -> None:
        answer = await self.calls.post(f"{self.base}/{path}", headers=self._headers(), data=body)
        assert answer.status == 202, await answer.text()

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}
