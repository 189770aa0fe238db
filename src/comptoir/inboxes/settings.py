"""Checking what somebody wrote into an inbox's settings and credentials, before it is kept.

Every channel names its fields in its manifest; a channel with rules about their values has a `settings.py` with `check_settings`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import msgspec

from comptoir.channels.registry import channel_of
from comptoir.inboxes.errors import CredentialsRefused, UnknownSetting
from comptoir.kernel.errors import InvalidInput
from comptoir.kernel.text import storable, storable_tree

MOST_SETTINGS_BYTES = 64 * 1024
MOST_CREDENTIAL_CHARS = 8192
# In every channel that sends requests: where to send them instead of to the channel's own host.
API_BASE = "api_base"


def checked_settings(channel: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings that fit the channel, made storable. Raises UnknownChannel, UnknownSetting, InvalidInput."""
    manifest = channel_of(channel).manifest
    known = set(manifest.settings) | ({API_BASE} if manifest.transport == "request" else set())
    _refuse_unknown(settings, known, "settings")
    clean: dict[str, Any] = storable_tree(dict(settings))
    if len(msgspec.json.encode(clean)) > MOST_SETTINGS_BYTES:
        raise InvalidInput(field="settings", detail=f"> {MOST_SETTINGS_BYTES} bytes")
    if API_BASE in clean:
        clean[API_BASE] = _checked_base(clean[API_BASE])
    check = channel_of(channel).check_settings
    return clean if check is None else check(clean)


def checked_credentials(channel: str, credentials: Mapping[str, Any]) -> dict[str, str]:
    """Credentials that fit the channel. Raises UnknownChannel, UnknownSetting, CredentialsRefused."""
    _refuse_unknown(credentials, set(channel_of(channel).manifest.credentials), "credentials")
    for name, value in credentials.items():
        if not isinstance(value, str) or not 1 <= len(value) <= MOST_CREDENTIAL_CHARS or storable(value) != value:
            raise CredentialsRefused(field=f"credentials.{name}", most=MOST_CREDENTIAL_CHARS)
    return dict(credentials)


def _refuse_unknown(given: Mapping[str, Any], known: set[str], where: str) -> None:
    for name in given:
        if name not in known:
            shown = "".join(mark if mark.isprintable() else "·" for mark in name)[:60]
            raise UnknownSetting(field=f"{where}.{shown}", name=shown, known=", ".join(sorted(known)) or "–")


def _checked_base(value: object) -> str:
    refusal = InvalidInput(field=f"settings.{API_BASE}", detail="https://host or https://host/path")
    if not isinstance(value, str) or len(value) > 500:
        raise refusal
    try:
        parts = urlsplit(value)
        named = bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        raise refusal from None
    if (
        not named
        or parts.scheme not in {"http", "https"}
        or parts.query
        or parts.fragment
        or parts.username is not None
    ):
        raise refusal
    return value.rstrip("/")
