"""What goes out to Loopback: a message as one request, and its answer as a receipt or a failure of the closed set. Pure functions."""

from __future__ import annotations

import math
from typing import Any

import msgspec

from comptoir.channels.loopback.manifest import MANIFEST
from comptoir.contracts.channel import (
    ContentRefused,
    Failed,
    FailureKind,
    InboxView,
    OutboundMessage,
    OutboundRequest,
    ProviderAnswer,
    Sent,
)
from comptoir.contracts.content import attachment_of, content_type, text_of
from comptoir.kernel.text import read_json

# What an answer means, by Loopback's own code where it gives one, else by the status.
_BY_CODE = {
    "window_closed": FailureKind.REFUSED_BY_WINDOW,
    "contact_gone": FailureKind.GONE,
    "content_refused": FailureKind.REFUSED_CONTENT,
}
_BY_STATUS = {
    401: FailureKind.CREDENTIALS,
    403: FailureKind.CREDENTIALS,
    408: FailureKind.RETRY_LATER,
    410: FailureKind.GONE,
    429: FailureKind.THROTTLED,
    503: FailureKind.RETRY_LATER,
}


def render(inbox: InboxView, message: OutboundMessage) -> OutboundRequest:
    """The request that sends a message: POST `api_base`/messages.

    `delivery_id` is the idempotency key, and travels in the metadata that comes back in the echo.
    Raises ContentRefused when Loopback cannot carry the content: an unknown type, text over 2 000 characters, a file over 10 MiB.
    """
    body: dict[str, Any] = {
        "contact": message.address,
        "metadata": {"delivery_id": str(message.delivery_id)},
        "message": _body(message),
    }
    if message.reply_to_provider_id is not None:
        body["message"]["reply_to"] = message.reply_to_provider_id
    return OutboundRequest(
        method="POST",
        url=f"{str(inbox.settings.get('api_base', '')).rstrip('/')}/messages",
        headers={
            "authorization": f"Bearer {inbox.credentials.get('token', '')}",
            "content-type": "application/json",
            "idempotency-key": str(message.delivery_id),
        },
        body=msgspec.json.encode(body),
    )


def _body(message: OutboundMessage) -> dict[str, Any]:
    kind, attachment = content_type(message.content), attachment_of(message.content)
    can = MANIFEST.capabilities
    if kind not in can.content_types:
        raise ContentRefused(field="content.type", limit=kind)
    text = text_of(message.content) if attachment is None else getattr(message.content, "text", "")
    if len(text) > can.text_limit:
        raise ContentRefused(field="content.text", limit=f"text ≤ {can.text_limit}")
    if attachment is None:
        return {"type": kind, "text": text}
    if attachment.size > can.attachment_limit:
        raise ContentRefused(field="content.attachment", limit=f"{kind} ≤ {can.attachment_limit // 1024 // 1024} MiB")
    return {"type": kind, "text": text, "url": attachment.url, "name": attachment.name}


def read_answer(inbox: InboxView, answer: ProviderAnswer) -> Sent | Failed:
    """What Loopback's answer means. Total: whatever comes back, it is `Sent` or a failure of the closed set.

    `retry_after` is taken from the header, in seconds. An answer of a gateway (500, 502, 504) does not tell whether the message was taken.
    """
    body = _read(answer.body)
    if 200 <= answer.status < 300:
        given = body.get("id")
        return Sent(provider_id=given if isinstance(given, str) and given else None)
    error = body.get("error")
    code = str(error.get("code", "")) if isinstance(error, dict) else ""
    kind = _BY_CODE.get(code) or _BY_STATUS.get(answer.status) or _other(answer.status)
    return Failed(
        kind=kind,
        code=code[:60] or f"http_{answer.status}",
        # Our own words: what a provider says may quote the request, and with it a secret.
        message=f"Loopback answered {answer.status}.",
        retry_after=_seconds(answer.headers.get("retry-after")),
    )


def _other(status: int) -> FailureKind:
    return FailureKind.REFUSED_CONTENT if 400 <= status < 500 else FailureKind.UNKNOWN_OUTCOME


def _read(body: bytes) -> dict[str, Any]:
    try:
        value = read_json(body)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _seconds(header: str | None) -> float | None:
    try:
        seconds = float(header or "")
    except ValueError:
        return None
    return seconds if math.isfinite(seconds) and seconds >= 0 else None
