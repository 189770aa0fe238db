"""What the API itself refuses, and how any exception becomes an answer: one shape, in the language asked for, nothing leaked."""

from __future__ import annotations

from typing import ClassVar

import asyncpg

from comptoir.infra.crypto import random_token
from comptoir.infra.database import AWAY
from comptoir.infra.log import get_logger
from comptoir.kernel.errors import Locale, Refusal, Unavailable

log = get_logger("api")


class MalformedJson(Refusal):
    """The body is not JSON."""

    code = "malformed_json"
    status = 400
    sentences: ClassVar[dict[Locale, str]] = {
        "en": "The body of this request is not valid JSON.",
        "fr": "Le corps de cette requête n’est pas du JSON valide.",
    }


class MethodNotAllowed(Refusal):
    """The path exists, the method does not."""

    code = "method_not_allowed"
    status = 405
    sentences: ClassVar[dict[Locale, str]] = {
        "en": "This address does not take this method.",
        "fr": "Cette adresse n’accepte pas cette méthode.",
    }


class CrossOriginRefused(Refusal):
    """A change carried by a session's cookie, asked for by a page that is not ours."""

    code = "cross_origin_refused"
    status = 403
    sentences: ClassVar[dict[Locale, str]] = {
        "en": "Changes are taken only from this installation’s own pages. Programs use an API key.",
        "fr": "Les modifications ne sont acceptées que depuis les pages de cette installation. "
        "Les programmes utilisent une clé d’API.",
    }


class StorageFull(Refusal):
    """The disk watermark is reached: reading goes on, writing waits."""

    code = "storage_full"
    status = 503
    retry_after: ClassVar[int] = 60
    sentences: ClassVar[dict[Locale, str]] = {
        "en": "The disk of this installation is almost full, so nothing new is taken for now. Please tell whoever runs it.",
        "fr": "Le disque de cette installation est presque plein\u202f: rien de nouveau n’est accepté pour l’instant. "
        "Veuillez prévenir la personne qui l’administre.",
    }


class Internal(Refusal):
    """A mistake of ours. The reference stands in the log beside what happened."""

    code = "internal"
    status = 500
    sentences: ClassVar[dict[Locale, str]] = {
        "en": "Something went wrong on our side. If it happens again, please report the reference {reference}.",
        "fr": "Une erreur s’est produite de notre côté. Si elle se répète, veuillez signaler la référence {reference}.",
    }


def refusal_of(error: BaseException, where: str) -> Refusal:
    """The refusal that an exception becomes; one that nobody foresaw is logged under a reference. `where` is for the log."""
    if isinstance(error, Refusal):
        return error
    # Values that the driver cannot encode count as its interface errors, but the database is there: that is a mistake of ours.
    if isinstance(error, AWAY) and not (isinstance(error, asyncpg.InterfaceError) and isinstance(error, ValueError)):
        log.warning("api.away", error=type(error).__name__, where=where)
        return Unavailable()
    reference = random_token(9)
    log.error("api.failed", reference=reference, where=where, exc_info=error)
    return Internal(reference=reference)
