"""How Litestar's exceptions and everybody's become answers of one shape."""

from __future__ import annotations

import re
from typing import Any

from litestar import Response
from litestar.exceptions import HTTPException, ValidationException

from comptoir.api.app.desk import AppRequest
from comptoir.api.app.edge import JSON_LIMIT
from comptoir.api.bare import locale_of
from comptoir.api.errors import MethodNotAllowed, refusal_of
from comptoir.infra.metrics import count_refusal
from comptoir.kernel.errors import BodyTooLarge, InvalidInput, NotFound, Refusal

_AT = re.compile(r"(?P<what>.*?)(?: - at `\$(?:\.(?P<path>[^`]*))?`)?$", re.DOTALL)


def answer_exception(request: AppRequest, error: Exception) -> Response[dict[str, Any]]:
    """The answer to any exception of a handler."""
    refusal = _of_framework(error) if isinstance(error, HTTPException) else None
    if refusal is None:
        refusal = refusal_of(error, f"{request.method} {request.url.path}")
    count_refusal(refusal.code)
    headers: dict[str, str] = {}
    retry_after = getattr(refusal, "retry_after", 2 if refusal.status == 503 else None)
    if retry_after is not None:
        headers["Retry-After"] = str(retry_after)
    if isinstance(error, HTTPException) and error.headers and "Allow" in error.headers:
        headers["Allow"] = error.headers["Allow"]
    return Response(refusal.body(locale_of(dict(request.scope))), status_code=refusal.status, headers=headers)


def _of_framework(error: HTTPException) -> Refusal | None:
    if isinstance(error, ValidationException):
        return _invalid(error)
    if error.status_code == 404:
        return NotFound()
    if error.status_code == 405:
        return MethodNotAllowed()
    if error.status_code == 413:
        return BodyTooLarge(limit=JSON_LIMIT)
    if error.status_code < 500:
        return InvalidInput(detail=_shown(error.detail))
    return None


def _invalid(error: ValidationException) -> InvalidInput:
    """The first thing wrong, with the name of its field."""
    extra = error.extra if isinstance(error.extra, list) else []
    first = extra[0] if extra and isinstance(extra[0], dict) else {}
    message = str(first.get("message") or error.detail)
    hit = _AT.fullmatch(message)
    what, inside = (hit["what"], hit["path"]) if hit else (message, None)
    key = str(first.get("key") or "")
    field = key.removeprefix("data.") if key not in {"", "data"} else ""
    if inside and inside not in field:
        field = f"{field}.{inside}".strip(".")
    return InvalidInput(field=_shown(field) or None, detail=_shown(what))


def _shown(text: str) -> str:
    # What comes back may hold what was sent: made short and printable, and never taken for a placeholder.
    clean = "".join(mark if mark.isprintable() else " " for mark in text)[:200]
    return clean.replace("{", "(").replace("}", ")")
