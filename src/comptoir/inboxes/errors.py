"""What the room refuses: the closed set."""

from __future__ import annotations

from typing import ClassVar

from comptoir.kernel.errors import Locale, Refusal


class UnknownSetting(Refusal):
    """The channel's manifest names no such field."""

    code = "unknown_setting"
    status = 422
    sentences: ClassVar[dict[Locale, str]] = {
        "en": "This channel has no field called “{name}”. It has: {known}.",
        "fr": "Ce canal n’a pas de champ nommé «\u00a0{name}\u00a0». Il a\u202f: {known}.",
    }


class CredentialsRefused(Refusal):
    """Credentials are short texts; anything else would fail later, at the first message."""

    code = "credentials_refused"
    status = 422
    sentences: ClassVar[dict[Locale, str]] = {
        "en": "A credential is a text of 1 to {most} characters.",
        "fr": "Un identifiant d’accès est un texte de 1 à {most} caractères.",
    }
