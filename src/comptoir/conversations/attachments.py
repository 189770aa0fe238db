"""Attachments: bytes under a key in the blob store, a row that says what they are, and signed links for browsers.

A message keeps of its attachment what the row says (never what a client said) and no link: links are made when it is shown.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import AsyncIterator, Collection, Sequence
from typing import Literal
from urllib.parse import quote
from uuid import UUID

import msgspec

from comptoir.contracts.content import Attachment, Content, attachment_of, media_content
from comptoir.conversations.errors import AttachmentEmpty, PictureTooLarge, UnknownAttachment
from comptoir.conversations.file_types import HEAD_BYTES, PICTURES, PLAIN_FILE, clean_name, sniff
from comptoir.conversations.pictures import NotAPicture, Picture, TooManyPixels, read_picture
from comptoir.infra.blobs import BlobStore, BlobTooLarge
from comptoir.infra.crypto import KeyRing
from comptoir.infra.database import Database, Record, Transaction
from comptoir.kernel.clock import Clock, system_clock
from comptoir.kernel.errors import BodyTooLarge
from comptoir.kernel.ids import uuid7

AGENT_LIMIT = 25 * 1024 * 1024
CONTACT_LIMIT = 10 * 1024 * 1024
DAY = 86_400
Variant = Literal["file", "preview"]


class MediaLinks:
    """Makes and checks links that open one attachment for a day or two, without a cookie.

    Links are paths on this installation (`base` puts its address in front: `.absolute` for channels). They stay the same until
    midnight UTC, so that browsers keep what they have fetched.
    """

    def __init__(self, ring: KeyRing, clock: Clock = system_clock, public_url: str = "", base: str = "") -> None:
        self._ring, self._clock, self._public_url, self._base = ring, clock, public_url, base
        self._keys = list(ring.keys("media-link").values())

    @property
    def absolute(self) -> MediaLinks:
        """The same links with the installation's address in front."""
        return MediaLinks(self._ring, self._clock, self._public_url, self._public_url)

    def url(self, workspace_id: UUID, attachment_id: UUID, name: str) -> str:
        """Downloads the file as it was uploaded."""
        return self._link(workspace_id, attachment_id, "file", name)

    def preview_url(self, workspace_id: UUID, attachment_id: UUID) -> str:
        """Shows a picture's preview."""
        return self._link(workspace_id, attachment_id, "preview", "preview.webp")

    def verify(
        self, workspace_id: str, attachment_id: str, variant: str, expires: str, signature: str
    ) -> tuple[UUID, UUID, Variant] | None:
        """The parts of a link that we made and that is still good; None for any other."""
        try:
            ids = UUID(workspace_id), UUID(attachment_id)
            until = int(expires) if expires.isdecimal() and len(expires) < 12 else 0
        except ValueError:
            return None
        kind: Variant = "preview" if variant == "preview" else "file"
        given = signature.encode("utf-8", "replace")
        good = [hmac.compare_digest(_mac(key, *ids, kind, until), given) for key in self._keys]
        return (*ids, kind) if any(good) and until > self._clock().timestamp() else None

    def _link(self, workspace_id: UUID, attachment_id: UUID, variant: Variant, name: str) -> str:
        until = (int(self._clock().timestamp()) // DAY + 2) * DAY
        signature = _mac(self._keys[0], workspace_id, attachment_id, variant, until).decode()
        preview = "&v=preview" if variant == "preview" else ""
        path = f"/media/{workspace_id}/{attachment_id}/{quote(name, safe='')}"
        return f"{self._base}{path}?e={until}&s={signature}{preview}"


class StoredAttachment(msgspec.Struct, frozen=True):
    """Where the bytes of an attachment lie."""

    name: str
    media_type: str
    size: int
    blob_key: str
    preview_key: str | None


class Uploader(msgspec.Struct, frozen=True):
    """Who uploads: an agent (`id`), or a contact by the address they write from in an inbox."""

    kind: Literal["contact", "agent", "system"]
    key: str
    inbox_id: UUID | None = None


async def store_upload(
    db: Database,
    blobs: BlobStore,
    *,
    workspace_id: UUID,
    uploader: Uploader,
    name: str,
    declared_type: str | None,
    stream: AsyncIterator[bytes],
    limit: int,
) -> Attachment:
    """Keep a file that arrives piece by piece: bytes first, then its row, in a transaction of its own. Gives it without links.

    `limit` is in bytes. Raises BodyTooLarge, AttachmentEmpty, PictureTooLarge (nothing is kept then) and what `stream` raises.
    """
    attachment_id = uuid7()
    key = f"{workspace_id}/{attachment_id}"
    head = _Head(stream)
    try:
        size = await blobs.put_stream(key, head.pass_on(), limit)
        if size == 0:
            raise AttachmentEmpty
        media_type = sniff(bytes(head.kept), declared_type)
        picture = await _picture(blobs, key, limit) if media_type in PICTURES else None
        if picture is not None:
            await blobs.put(f"{key}.webp", picture.preview)
        attachment = Attachment(
            id=attachment_id,
            name=clean_name(name),
            media_type=media_type if picture is not None or media_type not in PICTURES else PLAIN_FILE,
            size=size,
            width=None if picture is None else picture.width,
            height=None if picture is None else picture.height,
        )
        async with db.workspace(workspace_id) as tx:
            await _write_row(tx, workspace_id, attachment, uploader, key)
    except BlobTooLarge as error:
        raise BodyTooLarge(field="body", limit=error.limit) from None
    except BaseException:
        await _discard(blobs, key)
        raise
    return attachment


async def resolve(tx: Transaction, workspace_id: UUID, content: Content, uploader: Uploader | None = None) -> Content:
    """Content with what the attachment's row says in place of what the client said, as the kind that fits it.

    An agent (`uploader` None) may send any file of the workspace, a contact only what they uploaded themselves. Raises UnknownAttachment.
    """
    named = attachment_of(content)
    if named is None:
        return content
    row = await tx.row(
        "SELECT id, name, media_type, size, width, height, uploader_kind, uploader, inbox_id FROM attachment"
        " WHERE workspace_id = $1 AND id = $2",
        workspace_id,
        named.id,
    )
    if row is None or (uploader is not None and not _is_theirs(row, uploader)):
        raise UnknownAttachment(field="content.attachment")
    return media_content(_attachment(row), getattr(content, "text", ""))


def decorate(content: Content, workspace_id: UUID, media: MediaLinks) -> Content:
    """Content with links to its attachment: to the file, and for pictures to their preview."""
    kept = attachment_of(content)
    if kept is None:
        return content
    return msgspec.structs.replace(content, attachment=with_links(kept, workspace_id, media))


def with_links(attachment: Attachment, workspace_id: UUID, media: MediaLinks) -> Attachment:
    """An attachment with its links."""
    pictured = attachment.width is not None and attachment.media_type.startswith("image/")
    return msgspec.structs.replace(
        attachment,
        url=media.url(workspace_id, attachment.id, attachment.name),
        preview_url=media.preview_url(workspace_id, attachment.id) if pictured else None,
    )


async def attachments_by_id(tx: Transaction, workspace_id: UUID, ids: Sequence[UUID]) -> dict[UUID, Attachment]:
    """Attachments without links, by id."""
    rows = await tx.fetch(
        "SELECT id, name, media_type, size, width, height FROM attachment WHERE workspace_id = $1 AND id = ANY($2::uuid[])",
        workspace_id,
        list(set(ids)),
    )
    return {row["id"]: _attachment(row) for row in rows}


class UploadedFile(msgspec.Struct, frozen=True):
    """An attachment and the address that uploaded it."""

    attachment: Attachment
    uploader: str


async def uploaded_files(tx: Transaction, keys: Collection[tuple[UUID, UUID]]) -> dict[tuple[UUID, UUID], UploadedFile]:
    """What contacts uploaded, by (workspace, id). Needs the system's role."""
    rows = await tx.fetch(
        "SELECT a.workspace_id, a.id, a.name, a.media_type, a.size, a.width, a.height, a.uploader FROM attachment a"
        "  JOIN unnest($1::uuid[], $2::uuid[]) AS k (workspace_id, id) USING (workspace_id, id) WHERE a.uploader_kind = 'contact'",
        [workspace_id for workspace_id, _ in keys],
        [attachment_id for _, attachment_id in keys],
    )
    return {(row["workspace_id"], row["id"]): UploadedFile(_attachment(row), row["uploader"]) for row in rows}


async def stored_attachment(tx: Transaction, workspace_id: UUID, attachment_id: UUID) -> StoredAttachment | None:
    """What is needed to serve an attachment."""
    found = await tx.structs(
        StoredAttachment,
        "SELECT name, media_type, size, blob_key, preview_key FROM attachment WHERE workspace_id = $1 AND id = $2",
        workspace_id,
        attachment_id,
    )
    return found[0] if found else None


class _Head:
    """Passes a stream on and keeps its beginning."""

    def __init__(self, stream: AsyncIterator[bytes]) -> None:
        self._stream = stream
        self.kept = bytearray()

    async def pass_on(self) -> AsyncIterator[bytes]:
        async for chunk in self._stream:
            if len(self.kept) < HEAD_BYTES:
                self.kept += chunk[: HEAD_BYTES - len(self.kept)]
            if chunk:
                yield chunk


async def _picture(blobs: BlobStore, key: str, limit: int) -> Picture | None:
    try:
        return await read_picture(await blobs.get(key, limit))
    except TooManyPixels:
        raise PictureTooLarge from None
    except NotAPicture:
        return None


async def _write_row(tx: Transaction, workspace_id: UUID, attachment: Attachment, uploader: Uploader, key: str) -> None:
    await tx.run(
        "INSERT INTO attachment (workspace_id, id, inbox_id, uploader_kind, uploader, name, media_type, size, width, height,"
        " blob_key, preview_key, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
        workspace_id,
        attachment.id,
        uploader.inbox_id,
        uploader.kind,
        uploader.key,
        attachment.name,
        attachment.media_type,
        attachment.size,
        attachment.width,
        attachment.height,
        key,
        f"{key}.webp" if attachment.width is not None else None,
        tx.now,
    )


async def _discard(blobs: BlobStore, key: str) -> None:
    for left in (key, f"{key}.webp"):
        try:
            await blobs.delete(left)
        except OSError:
            # The storage is away: what is left there has no row, so nothing leads to it.
            return


def _attachment(row: Record) -> Attachment:
    return Attachment(
        id=row["id"],
        name=row["name"],
        media_type=row["media_type"],
        size=row["size"],
        width=row["width"],
        height=row["height"],
    )


def _is_theirs(row: Record, uploader: Uploader) -> bool:
    return (row["uploader_kind"], row["uploader"], row["inbox_id"]) == (uploader.kind, uploader.key, uploader.inbox_id)


def _mac(key: bytes, workspace_id: UUID, attachment_id: UUID, variant: Variant, until: int) -> bytes:
    said = f"{workspace_id}/{attachment_id}/{variant}/{until}".encode()
    return base64.urlsafe_b64encode(hmac.digest(key, said, "sha256")[:18])
