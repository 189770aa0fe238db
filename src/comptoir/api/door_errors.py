"""What the doors outside the framework refuse: sockets, the widget, its pages."""

from __future__ import annotations

from typing import ClassVar

from comptoir.kernel.errors import Locale, Refusal


class MalformedFrame(Refusal):
    """A frame that is not what the protocol says."""

    code = "malformed_frame"
    status = 400
    sentences: ClassVar[dict[Locale, str]] = {
        "en": "This frame cannot be read: {detail}",
        "fr": "Cette trame est illisible\u202f: {detail}",
    }


class OriginRefused(Refusal):
    """The page that asks may not: another site, or one that the inbox does not name."""

    code = "origin_not_allowed"
    status = 403
    sentences: ClassVar[dict[Locale, str]] = {
        "en": "This site may not do that. An admin can add its address to the inbox’s allowed origins.",
        "fr": "Ce site n’y est pas autorisé. Un administrateur peut ajouter son adresse aux origines autorisées de la boîte de réception.",
    }


class VisitorTokenRefused(Refusal):
    """The visitor's token is absent, not ours, or of another inbox."""

    code = "visitor_token_refused"
    status = 401
    sentences: ClassVar[dict[Locale, str]] = {
        "en": "This browser is not recognised here any more. A new conversation begins with your next message.",
        "fr": "Ce navigateur n’est plus reconnu ici. Une nouvelle conversation commencera avec votre prochain message.",
    }


class TooManyRequests(Refusal):
    """More than anybody writes; `retry_after` is in seconds."""

    code = "too_many_requests"
    status = 429
    sentences: ClassVar[dict[Locale, str]] = {
        "en": "That was a lot at once. Nothing is lost: it will be taken in a moment.",
        "fr": "Cela fait beaucoup à la fois. Rien n’est perdu\u202f: ce sera repris dans un instant.",
    }

    def __init__(self, retry_after: float) -> None:
        self.retry_after = retry_after
        super().__init__()


class AppsNotBuilt(Refusal):
    """The web apps are not there: a checkout without a build."""

    code = "apps_not_built"
    status = 503
    sentences: ClassVar[dict[Locale, str]] = {
        "en": "The web apps are not built yet: run make web, then load this page again.",
        "fr": "Les applications web ne sont pas encore construites\u202f: lancez make web, puis rechargez cette page.",
    }
