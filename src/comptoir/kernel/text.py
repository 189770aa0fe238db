"""Measures and repairs of text that came from outside."""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_SPACES = re.compile(r"\s+")


def storable(text: str) -> str:
    """Replace what PostgreSQL's text and JSON cannot hold (NUL, lone surrogates) by U+FFFD; all else stays as it came."""
    return _UNSTORABLE.sub("\ufffd", text) if _UNSTORABLE.search(text) else text


def storable_tree(value: Any) -> Any:
    """Apply `storable` to every string of a JSON value, keys included."""
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, list):
        return [storable_tree(item) for item in value]
    if isinstance(value, dict):
        return {storable(key): storable_tree(item) for key, item in value.items()}
    return value


def read_json(raw: bytes) -> Any:
    """Decode JSON from outside into plain values that can be stored.

    Lone surrogates and NUL are ordinary input and become U+FFFD. Raises ValueError (also for nesting beyond 100 levels or so,
    which the decoder refuses) when it is not JSON.
    """
    try:
        value = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        try:
            value = json.loads(raw.decode("utf-8", "replace"))
        except (ValueError, RecursionError) as error:
            raise ValueError("not JSON") from error
    return storable_tree(value)


def preview(text: str, most: int = 140) -> str:
    """The beginning of a text on one line, cut at a word where there is one near the end."""
    line = _SPACES.sub(" ", text).strip()
    if len(line) <= most:
        return line
    cut = line[: most - 1]
    space = cut.rfind(" ")
    return (cut[:space] if space > most * 2 // 3 else cut).rstrip() + "…"
