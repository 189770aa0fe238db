"""Content: what a message says, in no channel's own words.

One union. A channel renders it within its capabilities; the browsers draw it with the shared renderers of `web/packages/messages`.
"""

from __future__ import annotations

from typing import Annotated, ClassVar
from uuid import UUID

import msgspec

from comptoir.kernel.errors import Locale, Refusal
from comptoir.kernel.text import preview, storable

TEXT_LIMIT = 10_000

Words = Annotated[str, msgspec.Meta(max_length=TEXT_LIMIT)]


class MessageTooLong(Refusal):
    """Text over `TEXT_LIMIT` characters."""

    code = "message_too_long"
    status = 422
    sentences: ClassVar[dict[Locale, str]] = {
        "en": "This message has {length} characters; the limit is {limit}. Please send it in parts or as a file.",
        "fr": "Ce message compte {length} caractères\u202f; la limite est de {limit}. Veuillez l’envoyer en plusieurs fois ou en fichier.",
    }


class MessageEmpty(Refusal):
    """Nothing but spaces and no attachment."""

    code = "message_empty"
    status = 422
    sentences: ClassVar[dict[Locale, str]] = {
        "en": "This message is empty.",
        "fr": "Ce message est vide.",
    }


class Attachment(msgspec.Struct, frozen=True, kw_only=True):
    """A file of a message. `size` is in bytes, `width` and `height` in pixels. What comes from a client counts by its `id` alone."""

    id: UUID
    name: str = ""
    media_type: str = "application/octet-stream"
    size: int = 0
    width: int | None = None
    height: int | None = None
    url: str | None = None
    preview_url: str | None = None


class Text(msgspec.Struct, frozen=True, tag="text"):
    """Plain text, at most `TEXT_LIMIT` characters."""

    text: str


class Image(msgspec.Struct, frozen=True, tag="image"):
    """A picture that browsers can draw, with an optional text under it."""

    attachment: Attachment
    text: str = ""


class Video(msgspec.Struct, frozen=True, tag="video"):
    """A moving picture."""

    attachment: Attachment
    text: str = ""


class Audio(msgspec.Struct, frozen=True, tag="audio"):
    """Something to hear."""

    attachment: Attachment
    text: str = ""


class File(msgspec.Struct, frozen=True, tag="file"):
    """Any other file."""

    attachment: Attachment
    text: str = ""


class Unsupported(msgspec.Struct, frozen=True, tag="unsupported"):
    """What the channel sent and this version cannot show: kept in the raw event, named here, never dropped."""

    summary: str


Media = Image | Video | Audio | File
Content = Text | Image | Video | Audio | File | Unsupported


def content_type(content: Content) -> str:
    """The tag of a content, such as `text`."""
    return str(content.__struct_config__.tag)


def text_of(content: Content) -> str:
    """The words in a content: what search finds and a text-only channel says."""
    if isinstance(content, Text):
        return content.text
    if isinstance(content, Unsupported):
        return content.summary
    return content.text or content.attachment.name


def preview_of(content: Content) -> str:
    """One line for a list or a notification."""
    return preview(text_of(content))


def attachment_of(content: Content) -> Attachment | None:
    """The attachment, where there is one."""
    return None if isinstance(content, Text | Unsupported) else content.attachment


def media_content(attachment: Attachment, text: str = "") -> Media:
    """The content that fits an attachment's media type."""
    kind = attachment.media_type.partition("/")[0]
    if kind == "image" and attachment.width:
        return Image(attachment=attachment, text=text)
    if kind == "video":
        return Video(attachment=attachment, text=text)
    if kind == "audio":
        return Audio(attachment=attachment, text=text)
    return File(attachment=attachment, text=text)


def check_content(content: Content) -> Content:
    """Content from outside, made storable. Raises MessageTooLong or MessageEmpty."""
    if isinstance(content, Unsupported):
        return Unsupported(summary=preview(storable(content.summary)))
    words = storable(content.text)
    if len(words) > TEXT_LIMIT:
        raise MessageTooLong(field="content.text", length=len(words), limit=TEXT_LIMIT)
    if isinstance(content, Text):
        if not words.strip():
            raise MessageEmpty(field="content.text")
        return Text(text=words)
    return type(content)(attachment=content.attachment, text=words)
