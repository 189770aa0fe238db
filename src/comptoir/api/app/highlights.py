"""Which part of a contact's name, e-mail or phone is what somebody sought, with accents and case folded as the search folds them."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from comptoir.conversations.search import Segment

_BETWEEN = " · "


def highlight(values: Sequence[str | None], words: str) -> list[Segment]:
    """The values that hold one of the words, in pieces; the first value whole where none does (it was merely alike)."""
    there = [value for value in values if value]
    sought = [folded for word in words.split() if (folded := "".join(_fold(mark) for mark in word))]
    found: list[Segment] = []
    for value in there:
        pieces = _cut(value, sought)
        if any(piece.hit for piece in pieces):
            found += [*([Segment(_BETWEEN, False)] if found else []), *pieces]
    return found or [Segment(value, False) for value in there[:1]]


def _cut(value: str, sought: Sequence[str]) -> list[Segment]:
    # A letter may fold to two (œ) or to none (a combining accent), so each folded sign remembers where it came from.
    folded, origin = "", []
    for place, mark in enumerate(value):
        plain = _fold(mark)
        folded += plain
        origin += [place] * len(plain)
    marked = [False] * len(value)
    for word in sought:
        start = folded.find(word)
        while start >= 0:
            for place in range(origin[start], origin[start + len(word) - 1] + 1):
                marked[place] = True
            start = folded.find(word, start + 1)
    pieces: list[Segment] = []
    begin = 0
    for place in range(1, len(value) + 1):
        if place == len(value) or marked[place] != marked[begin]:
            pieces.append(Segment(value[begin:place], marked[begin]))
            begin = place
    return pieces


_LETTERS = {"œ": "oe", "æ": "ae", "ß": "ss", "ø": "o", "ł": "l", "đ": "d"}


def _fold(mark: str) -> str:
    small = mark.lower()
    if small in _LETTERS:
        return _LETTERS[small]
    return "".join(part for part in unicodedata.normalize("NFKD", small) if not unicodedata.combining(part))
