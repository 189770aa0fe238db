"""Refusals of the room."""

from __future__ import annotations

from typing import ClassVar

from comptoir.kernel.errors import Locale, Refusal


class InvalidEmail(Refusal):
    """Not the form of an e-mail address."""

    code = "invalid_email"
    status = 422
    sentences: ClassVar[dict[Locale, str]] = {
        "en": "This is not an e-mail address.",
        "fr": "Ce n’est pas une adresse e-mail.",
    }
