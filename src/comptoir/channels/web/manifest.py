"""What the web channel is and can do."""

from comptoir.contracts.capabilities import Capabilities
from comptoir.contracts.channel import Manifest
from comptoir.contracts.content import TEXT_LIMIT

ATTACHMENT_LIMIT = 10 * 1024 * 1024

MANIFEST = Manifest(
    code="web",
    name="Website",
    colour="#1E5B49",
    icon="message-circle",
    # A message is sent by standing in the conversation: the contact's browser reads it from there, now or at the next visit.
    transport="stream",
    # Frames come through the widget's own door, which knows the visitor by a signed token.
    public_hook=False,
    # Who sent a frame does not stand in it; without the header a raw event could not be replayed. The id is no secret, the token is.
    kept_headers=("visitor",),
    capabilities=Capabilities(
        text_limit=TEXT_LIMIT,
        content_types=frozenset({"text", "image", "video", "audio", "file"}),
        attachment_limit=ATTACHMENT_LIMIT,
        reply_to=True,
        typing=True,
        delivered_receipts=True,
        read_receipts=True,
    ),
    settings={
        "title": "The business's name, as visitors see it. Without it, the name of the inbox.",
        "greeting": "The first words in the opened widget, at most 300 characters.",
        "description": "One or two sentences for the hosted page and for search engines.",
        "colour": "The business's colour, such as #1E5B49. The widget corrects it where its contrast is too low.",
        "locale": "`fr` or `en`, when everyone is to be spoken to in one language. Without it, the visitor's browser decides.",
        "position": "The corner of the page where the button stands: `right` (default) or `left`.",
        "allowed_origins": (
            "Addresses of the sites that may show the widget, such as https://shop.example; https://*.shop.example stands for all below it."
            " An empty list lets any site show it."
        ),
    },
)
