"""The channel contract: what a folder in `channels/` offers.

A channel folder holds `manifest.py` (`MANIFEST`: data), `inbound.py` (`verify`, `parse`, optionally `handshake`: pure functions over bytes)
and, where messages leave by requests, `outbound.py` (`render`, `read_answer`: pure too). A channel with rules about the values of its
settings has `settings.py` (`check_settings`: gives them back in order, or raises InvalidInput with the field `settings.…`). Nothing in a
channel touches the database or the network; the rooms `ingest` and `outbox` do. `docs/howto/add-a-channel.md` walks through one.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar, Literal
from uuid import UUID

import msgspec

from comptoir.contracts.capabilities import Capabilities, SendLimits, WindowRule
from comptoir.contracts.content import Content
from comptoir.kernel.errors import Locale, Refusal


class BadSignature(Refusal):
    """The request was not signed by whom it says it is from."""

    code = "bad_signature"
    status = 403
    sentences: ClassVar[dict[Locale, str]] = {
        "en": "The signature of this request is missing or wrong. Check the secret of the inbox.",
        "fr": "La signature de cette requête est absente ou fausse. Vérifiez le secret de la boîte de réception.",
    }


class MalformedEvent(Refusal):
    """The body is not what the channel sends. The only error that `parse` may raise beside those of content."""

    code = "malformed_event"
    status = 400
    sentences: ClassVar[dict[Locale, str]] = {
        "en": "This body cannot be read as an event of this channel: {detail}",
        "fr": "Ce contenu ne peut pas être lu comme un événement de ce canal\u202f: {detail}",
    }


class ContentRefused(Refusal):
    """The channel cannot carry this content; `limit` names what stands in the way. Raised by `render`, before anything is sent."""

    code = "content_refused"
    status = 422
    sentences: ClassVar[dict[Locale, str]] = {
        "en": "This channel cannot carry the message: {limit}.",
        "fr": "Ce canal ne peut pas transporter le message\u202f: {limit}.",
    }


class InboxView(msgspec.Struct, frozen=True, kw_only=True):
    """What a channel's functions may know of an inbox. `credentials` are opened; they must reach no log and no error."""

    workspace_id: UUID
    id: UUID
    channel: str
    name: str
    settings: dict[str, Any]
    credentials: dict[str, str]
    slug: str | None = None

    def __repr__(self) -> str:
        """Without the credentials, whoever prints it."""
        return f"InboxView(id={self.id}, channel={self.channel!r}, name={self.name!r})"


class HookRequest(msgspec.Struct, frozen=True, kw_only=True):
    """An incoming request. Header names are lower case; `body` is the bytes as they came, for signatures count bytes."""

    method: str
    body: bytes
    headers: dict[str, str] = msgspec.field(default_factory=dict)
    query: dict[str, str] = msgspec.field(default_factory=dict)


class HookAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What a handshake answers."""

    status: int = 200
    body: bytes = b""
    media_type: str = "text/plain"


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """The page someone writes from."""

    url: str | None = None
    title: str | None = None
    referrer: str | None = None


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """What an event tells of its sender, all optional; it fills gaps and never overwrites what an agent wrote."""

    name: str | None = None
    email: str | None = None
    phone: str | None = None
    locale: str | None = None
    time_zone: str | None = None
    page: Page | None = None


class InboundMessage(msgspec.Struct, frozen=True, kw_only=True, tag="message"):
    """Somebody wrote.

    `event_key` is unique per inbox and names the event for ever (deduplication); `origin_id` is the channel's id of the message.
    """

    address: str
    event_key: str
    content: Content
    origin_id: str | None = None
    reply_to: str | None = None
    occurred_at: datetime | None = None
    profile: Profile | None = None


class InboundReceipt(msgspec.Struct, frozen=True, kw_only=True, tag="receipt"):
    """Messages of ours arrived or were read: those named by `provider_ids`, or all up to `up_to_seq` of the conversation."""

    address: str
    event_key: str
    state: Literal["delivered", "read"]
    up_to_seq: int | None = None
    provider_ids: tuple[str, ...] = ()


class InboundEcho(msgspec.Struct, frozen=True, kw_only=True, tag="echo"):
    """The channel tells us of a message that we sent. `delivery_id` is what we put in its metadata: it settles an uncertain delivery."""

    address: str
    event_key: str
    provider_id: str
    delivery_id: UUID | None = None


InboundEvent = InboundMessage | InboundReceipt | InboundEcho


class FailureKind(StrEnum):
    """The closed set of ways in which sending fails."""

    RETRY_LATER = "retry_later"
    THROTTLED = "throttled"
    CREDENTIALS = "credentials"
    GONE = "gone"
    REFUSED_BY_WINDOW = "refused_by_window"
    REFUSED_CONTENT = "refused_content"
    UNKNOWN_OUTCOME = "unknown_outcome"


class OutboundMessage(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be sent.

    `delivery_id` is the idempotency key, the same at every attempt; `attempt` counts from 1. Attachment URLs are absolute and signed.
    """

    delivery_id: UUID
    address: str
    content: Content
    attempt: int = 1
    reply_to_provider_id: str | None = None


class OutboundRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One HTTP request to the provider."""

    method: str
    url: str
    headers: dict[str, str] = msgspec.field(default_factory=dict)
    body: bytes = b""


class ProviderAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What the provider answered."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = msgspec.field(default_factory=dict)


class Sent(msgspec.Struct, frozen=True, kw_only=True):
    """The provider has taken the message; `provider_id` is its id there, if it gives one."""

    provider_id: str | None = None


class Failed(msgspec.Struct, frozen=True, kw_only=True):
    """It has not, or we do not know. `code` is stable, `message` is for people and holds no secret, `retry_after` is in seconds."""

    kind: FailureKind
    code: str
    message: str
    retry_after: float | None = None


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """The data of a channel.

    `transport`: `request` (the outbox sends requests) or `stream` (the message is sent by standing in the contact's own stream).
    `idempotent`: the provider honours `delivery_id` as an idempotency key, so an uncertain request may be repeated. `kept_headers` of
    webhooks are kept with the raw event (never a secret). `settings` and `credentials` name the fields of an inbox of this channel, with a
    sentence each.
    """

    code: str
    name: str
    colour: str
    icon: str
    transport: Literal["request", "stream"]
    capabilities: Capabilities
    window: WindowRule = WindowRule(code="no_window")
    limits: SendLimits = SendLimits()
    idempotent: bool = False
    public_hook: bool = True
    kept_headers: tuple[str, ...] = ()
    settings: dict[str, str] = msgspec.field(default_factory=dict)
    credentials: dict[str, str] = msgspec.field(default_factory=dict)


class Channel(msgspec.Struct, frozen=True, kw_only=True):
    """A channel as the registry puts it together from its folder."""

    manifest: Manifest
    verify: Callable[[InboxView, HookRequest], None]
    parse: Callable[[InboxView, HookRequest], list[InboundEvent]]
    handshake: Callable[[InboxView, HookRequest], HookAnswer | None] | None = None
    render: Callable[[InboxView, OutboundMessage], OutboundRequest] | None = None
    read_answer: Callable[[InboxView, ProviderAnswer], Sent | Failed] | None = None
    check_settings: Callable[[dict[str, Any]], dict[str, Any]] | None = None
