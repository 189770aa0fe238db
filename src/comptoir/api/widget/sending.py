"""Taking what visitors write: parsed, their attachments checked, durable; only then acknowledged."""

from __future__ import annotations

from uuid import UUID

import msgspec

from comptoir.api.errors import StorageFull
from comptoir.api.services import Services
from comptoir.api.widget.guard import Guard
from comptoir.channels.web.inbound import VISITOR, parse
from comptoir.contracts.channel import HookRequest, InboundEvent, InboundMessage, InboxView
from comptoir.contracts.content import attachment_of
from comptoir.conversations.attachments import Uploader, resolve
from comptoir.infra.database import AWAY
from comptoir.kernel.errors import BodyTooLarge, Unavailable
from comptoir.kernel.text import read_json

# A message of 10 000 characters, all of them escaped, fits twice; so a text that is too long is told so, and not that its frame is too large.
FRAME_LIMIT = 256 * 1024
# Longer than this no frame is read at all; between the two it is refused by name.
READ_LIMIT = 4 * 1024 * 1024


class Sending:
    """One per process."""

    def __init__(self, services: Services, guard: Guard) -> None:
        self._services, self.guard = services, guard

    async def take(self, inbox: InboxView, visitor_id: str, address: str | None, body: bytes) -> None:
        """Return when the message of a frame is durable.

        Raises BodyTooLarge, MalformedEvent, MessageTooLong, MessageEmpty, UnknownAttachment: it will never be taken. Raises TooManyRequests,
        StorageFull, Unavailable: it may be sent again.
        """
        if len(body) > FRAME_LIMIT:
            raise BodyTooLarge(limit=FRAME_LIMIT)
        if self._services.disk.refuse_input:
            raise StorageFull
        self.guard.check("send", visitor_id, address)
        request = HookRequest(method="POST", body=body, headers={VISITOR: visitor_id})
        events = [await self._with_own_attachment(inbox, visitor_id, event) for event in parse(inbox, request)]
        await self._services.batcher.accept(inbox, request, events)
        self._services.health.note_event(inbox.id)

    async def _with_own_attachment(self, inbox: InboxView, visitor_id: str, event: InboundEvent) -> InboundEvent:
        """The message with what is known of its file, which must be one that this visitor uploaded here."""
        if not isinstance(event, InboundMessage) or attachment_of(event.content) is None:
            return event
        try:
            async with self._services.db.workspace(inbox.workspace_id) as tx:
                content = await resolve(tx, inbox.workspace_id, event.content, uploader_of(inbox, visitor_id))
        except AWAY:
            raise Unavailable from None
        return msgspec.structs.replace(event, content=content)


def uploader_of(inbox: InboxView, visitor_id: str) -> Uploader:
    """A visitor as the owner of what they upload."""
    return Uploader(kind="contact", key=visitor_id, inbox_id=inbox.id)


def client_id_of(body: bytes) -> str | None:
    """The id under which a refused frame is spoken of, where it can be read at all."""
    try:
        value = read_json(body)
        return str(UUID(value["client_id"]))
    except (ValueError, LookupError, TypeError, AttributeError):
        return None
