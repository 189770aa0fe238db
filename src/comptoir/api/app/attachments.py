"""Uploads of agents."""

from __future__ import annotations

from typing import Annotated

from litestar import Controller, post
from litestar.params import QueryParameter

from comptoir.api.app.desk import AppRequest, AtDesk
from comptoir.api.media import patient
from comptoir.contracts.content import Attachment
from comptoir.conversations.attachments import AGENT_LIMIT, Uploader, store_upload, with_links
from comptoir.kernel.errors import BodyTooLarge

Name = Annotated[str, QueryParameter(max_length=1000, required=False)]


class AttachmentController(Controller):
    """`/attachments`."""

    path = "/attachments"
    tags = ("attachments",)

    @post("/", request_max_body_size=None)
    async def upload(self, request: AppRequest, desk: AtDesk, name: Name = "file") -> Attachment:
        """Keep a file (the raw body, at most 25 MiB). It belongs to no message until one names it."""
        desk.may_write("attachments.write")
        declared = request.headers.get("content-length", "")
        if declared.isdigit() and int(declared) > AGENT_LIMIT:
            raise BodyTooLarge(field="body", limit=AGENT_LIMIT)
        who = desk.principal
        uploader = Uploader("system", str(who.key_id)) if who.agent_id is None else Uploader("agent", str(who.agent_id))
        attachment = await store_upload(
            desk.services.db,
            desk.services.blobs,
            workspace_id=desk.workspace_id,
            uploader=uploader,
            name=name,
            declared_type=request.headers.get("content-type"),
            stream=patient(request.stream()),
            limit=AGENT_LIMIT,
        )
        return with_links(attachment, desk.workspace_id, desk.services.media)
