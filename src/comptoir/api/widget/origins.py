"""Which sites may show an inbox's widget. An inbox that names none lets any site show it."""

from __future__ import annotations

from urllib.parse import urlsplit

from comptoir.api.bare import Scope, header
from comptoir.contracts.channel import InboxView


def allowed_origins(inbox: InboxView) -> list[str]:
    """The origins an inbox names, checked when they were set; empty for any."""
    named = inbox.settings.get("allowed_origins")
    return [origin for origin in named if isinstance(origin, str)] if isinstance(named, list) else []


def allows(inbox: InboxView, scope: Scope) -> bool:
    """Whether the site that a request came from, by its `Origin`, is one that the inbox names (or it names none)."""
    allowed = allowed_origins(inbox)
    if not allowed:
        return True
    origin = urlsplit((header(scope, b"origin") or "").lower())
    return any(_matches(urlsplit(pattern), origin.scheme, origin.netloc) for pattern in allowed)


def _matches(pattern: object, scheme: str, netloc: str) -> bool:
    wanted_scheme, wanted = getattr(pattern, "scheme", ""), getattr(pattern, "netloc", "")
    if scheme != wanted_scheme:
        return False
    return netloc.endswith(wanted[1:]) if wanted.startswith("*.") else netloc == wanted


def frame_ancestors(inbox: InboxView) -> str:
    """What the frame page says of who may show it, for its Content-Security-Policy."""
    allowed = allowed_origins(inbox)
    return "'self' " + " ".join(allowed) if allowed else "*"
