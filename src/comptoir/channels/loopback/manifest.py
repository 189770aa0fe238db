"""What Loopback is and can do: data, and nothing but data."""

from __future__ import annotations

from comptoir.contracts.capabilities import Capabilities, SendLimits, WindowRule
from comptoir.contracts.channel import Manifest

MANIFEST = Manifest(
    # The folder's name. It stands in the webhook's address (/hooks/loopback/INBOX_ID) and on every inbox of this channel.
    code="loopback",
    # What people read, the app's own colour, and the name of a Lucide icon.
    name="Loopback",
    colour="#5B6770",
    icon="repeat",
    # `request`: the outbox sends requests made by outbound.py. (`stream` is for channels whose contacts read from our own stream.)
    transport="request",
    capabilities=Capabilities(
        # Characters in one message. What is longer is refused by name before anything is sent.
        text_limit=2000,
        # What outbound.py can render. Everything that comes in and is not text arrives as a placeholder.
        content_types=frozenset({"text", "image", "video", "audio", "file"}),
        # Bytes of one file: Loopback fetches it from the signed address we give.
        attachment_limit=10 * 1024 * 1024,
        # A message may point at an earlier one, by the channel's id of it.
        reply_to=True,
        # Loopback does not show who is typing.
        typing=False,
        # It tells us when a message of ours has arrived, and when it was read.
        delivered_receipts=True,
        read_receipts=True,
    ),
    # For 24 hours after the contact's last message the business may write. Loopback refuses later messages with `window_closed`.
    window=WindowRule(code="loopback_day", hours=24),
    # What one inbox may send: 50 messages a second, as many at a stroke, 8 requests under way at once.
    limits=SendLimits(per_second=50, burst=50, at_once=8),
    # Loopback honours our `Idempotency-Key`: a request whose outcome we do not know may be repeated and makes one message.
    idempotent=True,
    # It calls us at /hooks/loopback/INBOX_ID.
    public_hook=True,
    # Headers of a webhook that `parse` needs again when the event is replayed. Loopback puts everything in the body. Never a secret.
    kept_headers=(),
    # The fields of an inbox of this channel, a sentence each: they become the form in the app.
    settings={
        "api_base": "Address of Loopback's API, such as https://loopback.example.com/v1. Messages go to its /messages.",
    },
    # The same for secrets, which are sealed in the database and opened for verify, render and read_answer alone.
    credentials={
        "token": "The bearer token with which we send.",
        "secret": "The key with which Loopback signs its webhooks (HMAC-SHA256).",
        "verify_token": "The word that Loopback repeats when it first calls the webhook's address.",
    },
)
