"""Refusals: what a person is told when something may not or cannot be done.

Each room declares a closed set of subclasses in its `errors.py`. A refusal has a code (stable, for programs), an HTTP status, and
a sentence in French and in English that says what happened and what to do.
"""

from __future__ import annotations

from typing import Any, ClassVar

Locale = str
LOCALES: tuple[Locale, ...] = ("en", "fr")


class Refusal(Exception):
    """Base of all refusals. `field` names the input that is wrong; `values` fill the braces of the sentence."""

    code: ClassVar[str] = "refused"
    status: ClassVar[int] = 400
    sentences: ClassVar[dict[Locale, str]] = {
        "en": "This is not possible.",
        "fr": "Ce n’est pas possible.",
    }
    CODES: ClassVar[dict[str, type[Refusal]]] = {}

    def __init_subclass__(cls, **options: Any) -> None:
        """Hold the set closed: one class per code."""
        super().__init_subclass__(**options)
        known = Refusal.CODES.get(cls.code)
        if (
            known is not None
            and (known.__module__, known.__qualname__) != (cls.__module__, cls.__qualname__)
            and "code" in vars(cls)
        ):
            raise TypeError(f"two refusals have the code {cls.code}")
        Refusal.CODES[cls.code] = cls

    def __init__(self, *, field: str | None = None, **values: object) -> None:
        self.field = field
        self.values = values
        super().__init__(self.sentence("en"))

    def sentence(self, locale: Locale) -> str:
        """The sentence in the asked language, English when there is none."""
        text = self.sentences.get(locale) or self.sentences["en"]
        return text.format(**self.values) if self.values else text

    def body(self, locale: Locale) -> dict[str, dict[str, str | None]]:
        """The body of an error answer, as `docs/protocol.md` gives it."""
        return {
            "error": {
                "code": self.code,
                "message": self.sentence(locale),
                "field": self.field,
                "docs": f"/docs/errors#{self.code}",
            }
        }


class NotFound(Refusal):
    """Also what is answered for a row of another workspace: existence is not given away."""

    code = "not_found"
    status = 404
    sentences: ClassVar[dict[Locale, str]] = {
        "en": "This does not exist, or you may not see it.",
        "fr": "Cela n’existe pas, ou vous n’y avez pas accès.",
    }


class InvalidInput(Refusal):
    """Input of the wrong shape; `field` says where."""

    code = "invalid_input"
    status = 422
    sentences: ClassVar[dict[Locale, str]] = {
        "en": "Something in this request is not valid: {detail}",
        "fr": "Un élément de cette demande n’est pas valide\u202f: {detail}",
    }


class BodyTooLarge(Refusal):
    """The body is over the limit of its door; `limit` is in bytes."""

    code = "body_too_large"
    status = 413
    sentences: ClassVar[dict[Locale, str]] = {
        "en": "This is too large: the limit is {limit} bytes.",
        "fr": "C’est trop volumineux\u202f: la limite est de {limit} octets.",
    }


class Unavailable(Refusal):
    """For now: the sender keeps its text and comes back."""

    code = "unavailable"
    status = 503
    sentences: ClassVar[dict[Locale, str]] = {
        "en": "The service cannot take this right now. Nothing is lost: please try again in a moment.",
        "fr": "Le service ne peut pas prendre ceci pour l’instant. Rien n’est perdu\u202f: veuillez réessayer dans un instant.",
    }
