"""Names and types of files, for whatever bytes and names come."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as some

from comptoir.conversations.file_types import (
    ACTIVE,
    MOST_NAME_CHARS,
    clean_name,
    disposition,
    served_type,
    sniff,
)

ANY_TEXT = some.text(alphabet=some.characters(codec=None), max_size=300)


@given(ANY_TEXT)
def test_a_cleaned_name_misleads_nobody(name: str) -> None:
    clean = clean_name(name)
    assert 1 <= len(clean) <= MOST_NAME_CHARS
    assert not set(clean) & set('<>:"|?*\\/\x7f')
    assert clean[0] not in ". "
    assert clean[-1] not in ". "
    assert all(unicodedata.category(mark) not in {"Cc", "Cf", "Cs"} for mark in clean)
    assert clean_name(clean) == clean


@given(ANY_TEXT)
def test_a_disposition_is_one_line_of_ascii(name: str) -> None:
    header = disposition(clean_name(name))
    assert header.isascii()
    assert header.isprintable()
    assert header.startswith('attachment; filename="')
    assert header.count('"') == 2


@given(some.binary(max_size=400), ANY_TEXT)
def test_nothing_is_served_that_a_browser_would_run(head: bytes, declared: str) -> None:
    found = sniff(head, declared)
    assert not ACTIVE.search(served_type(found))
    assert served_type(found).isascii()


@pytest.mark.parametrize(
    "page",
    [
        b"<!DOCTYPE html><p>x",
        b"\xef\xbb\xbf  <HTML>",
        b"words and then <script>alert(1)</script>",
        b"<?xml version='1.0'?><x:svg xmlns:x='http://www.w3.org/2000/svg'/>",
        b"<iframe src=//evil.example>",
    ],
)
def test_markup_is_known_under_every_disguise(page: bytes) -> None:
    for declared in ("text/plain", "image/png", "text/csv", None):
        assert sniff(page, declared) in {"text/html", "image/svg+xml"}
        assert served_type(sniff(page, declared)) == "application/octet-stream"


def test_sound_recorded_by_a_browser_is_sound() -> None:
    webm = b"\x1a\x45\xdf\xa3\x9fB\x86\x81\x01B\xf7\x81\x01B\xf2\x81\x04B\xf3\x81\x08B\x82\x84webm"
    assert sniff(webm, "audio/webm;codecs=opus") == "audio/webm"
    assert sniff(webm, "video/webm") == "video/webm"
    assert sniff(webm, "text/html") == "video/webm"


def test_text_cut_within_a_letter_is_text() -> None:
    assert sniff(("é" * 5000).encode()[:8191] + b"\xc3", "text/plain") == "text/plain"
