"""One message, one request, one end of the closed set. Nothing here touches the database."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from uuid import UUID

import msgspec

from comptoir.contracts.channel import (
    Channel,
    Failed,
    FailureKind,
    InboxView,
    OutboundMessage,
    OutboundRequest,
    ProviderAnswer,
    Sent,
)
from comptoir.contracts.content import Content
from comptoir.conversations.attachments import MediaLinks, decorate
from comptoir.infra.http import AddressRefused, AnswerTooLarge, HttpClient
from comptoir.infra.log import get_logger
from comptoir.infra.metrics import latency
from comptoir.kernel.errors import Refusal

if TYPE_CHECKING:
    import aiohttp

ANSWER_LIMIT = 256 * 1024
SEND_SECONDS = latency("outbox_request_seconds", "Time of a request to a provider.", "channel")
log = get_logger("outbox")


class Parcel(msgspec.Struct, frozen=True, kw_only=True):
    """A claimed delivery on its way. `attempt` counts from 1."""

    workspace_id: UUID
    delivery_id: UUID
    conversation_id: UUID
    fence: int
    attempt: int
    address: str
    content: Content
    reply_to: str | None


class Sender:
    """Renders, requests, reads the answer. `seconds` is the time a whole exchange may take."""

    def __init__(self, http: HttpClient, media: MediaLinks, seconds: float) -> None:
        self._http = http
        self._media = media.absolute
        self._seconds = seconds

    async def send(self, inbox: InboxView, channel: Channel, parcel: Parcel) -> Sent | Failed:
        """Never raises but when cancelled: whatever happens has a kind."""
        rendered = self._render(inbox, channel, parcel)
        if isinstance(rendered, Failed):
            return rendered
        with SEND_SECONDS.labels(inbox.channel).time():
            return await self._exchange(inbox, channel, rendered)

    def _render(self, inbox: InboxView, channel: Channel, parcel: Parcel) -> OutboundRequest | Failed:
        if channel.render is None:
            return _refused("channel_cannot_send", "This channel sends no requests.")
        message = OutboundMessage(
            delivery_id=parcel.delivery_id,
            address=parcel.address,
            content=decorate(parcel.content, parcel.workspace_id, self._media),
            attempt=parcel.attempt,
            reply_to_provider_id=parcel.reply_to,
        )
        try:
            return channel.render(inbox, message)
        except Refusal as refusal:
            return _refused(refusal.code, refusal.sentence("en"))
        except Exception as error:  # noqa: BLE001  # a fault of one channel's code must not stop the others
            # Its words may quote a secret and are not repeated.
            log.warning("outbox.render_failed", channel=inbox.channel, error=type(error).__name__)
            return _refused("channel_failed", f"The channel could not write this message ({type(error).__name__}).")

    async def _exchange(self, inbox: InboxView, channel: Channel, request: OutboundRequest) -> Sent | Failed:
        import aiohttp

        try:
            answer = await self._http.request(
                request.method,
                request.url,
                headers=request.headers,
                body=request.body,
                timeout=self._seconds,
                limit=ANSWER_LIMIT,
            )
        except AddressRefused:
            return Failed(
                kind=FailureKind.CREDENTIALS,
                code="address_refused",
                message="The address of the channel's API is not valid or lies in a private network.",
            )
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            # The guarded client promises: without a connection nothing was sent.
            return _not_reached(error)
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            return _unknown("connection_lost", type(error).__name__)
        except AnswerTooLarge:
            return _unknown("answer_too_large", "too large")
        except (ValueError, asyncio.InvalidStateError) as error:
            # A header or an address that cannot be written as HTTP: refused by the client before it connects.
            return _refused("request_not_valid", f"The request could not be written ({type(error).__name__}).")
        given = ProviderAnswer(status=answer.status, body=answer.body, headers=dict(answer.headers))
        return _read(inbox, channel, given)


def _read(inbox: InboxView, channel: Channel, answer: ProviderAnswer) -> Sent | Failed:
    try:
        if channel.read_answer is not None:
            return channel.read_answer(inbox, answer)
    except Exception as error:  # noqa: BLE001  # as above
        log.warning("outbox.read_answer_failed", channel=inbox.channel, error=type(error).__name__)
    return _unknown("answer_not_understood", str(answer.status))


def _refused(code: str, message: str) -> Failed:
    return Failed(kind=FailureKind.REFUSED_CONTENT, code=code, message=message)


def _not_reached(error: aiohttp.ClientError) -> Failed:
    return Failed(
        kind=FailureKind.RETRY_LATER,
        code="not_reached",
        message=f"The channel could not be reached ({type(error).__name__}).",
    )


def _unknown(code: str, detail: str) -> Failed:
    return Failed(
        kind=FailureKind.UNKNOWN_OUTCOME,
        code=code,
        message=f"The message was handed over, but the channel's answer did not arrive ({detail}).",
    )
