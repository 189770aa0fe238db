"""What the settings of a web inbox may hold."""

from __future__ import annotations

import re
from typing import Any

from comptoir.kernel.errors import LOCALES, InvalidInput

TEXTS = {"title": 120, "greeting": 300, "description": 500}
MOST_ORIGINS = 50
_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")
# Goes into a Content-Security-Policy as it stands, hence nothing but the letters of an origin.
_ORIGIN = re.compile(
    r"https?://(?:\*\.)?(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?::\d{1,5})?"
)


def check_settings(settings: dict[str, Any]) -> dict[str, Any]:
    """The settings as they are kept: absent ones left out, origins in small letters and without a path.

    Raises InvalidInput with the field's name.
    """
    clean: dict[str, Any] = {}
    for name, value in settings.items():
        if value is None or value in ("", []):
            continue
        clean[name] = _checked(name, value)
    return clean


def _checked(name: str, value: object) -> object:
    if name == "allowed_origins":
        return _origins(value)
    if not isinstance(value, str):
        raise _wrong(name, "a text")
    if name in TEXTS and len(value) > TEXTS[name]:
        raise _wrong(name, f"≤ {TEXTS[name]}")
    if name == "colour" and not _COLOUR.fullmatch(value):
        raise _wrong(name, "#RRGGBB")
    if name == "locale" and value not in LOCALES:
        raise _wrong(name, " / ".join(LOCALES))
    if name == "position" and value not in {"left", "right"}:
        raise _wrong(name, "left / right")
    return value


def _origins(value: object) -> list[str]:
    if not isinstance(value, list) or len(value) > MOST_ORIGINS:
        raise _wrong("allowed_origins", f"0–{MOST_ORIGINS} × https://host")
    found: list[str] = []
    for item in value:
        origin = item.strip().lower().rstrip("/") if isinstance(item, str) else ""
        if not _ORIGIN.fullmatch(origin):
            raise _wrong("allowed_origins", "https://host")
        if origin not in found:
            found.append(origin)
    return found


def _wrong(name: str, detail: str) -> InvalidInput:
    return InvalidInput(field=f"settings.{name}", detail=detail)
