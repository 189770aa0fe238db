"""The list of errors in the documentation is the one in the code, and every error can be told in both languages."""

from __future__ import annotations

from pathlib import Path

import pytest

from comptoir.api.error_list import known_refusals, markdown
from comptoir.kernel.errors import LOCALES, Refusal
from tools.french import missing_spaces, placeholders

PAGE = Path(__file__).parents[3] / "docs/errors.md"


def test_the_page_is_as_generated() -> None:
    assert PAGE.read_text(encoding="utf-8") == markdown(), "run: python -m comptoir.api.error_list > docs/errors.md"


@pytest.mark.parametrize("kind", known_refusals(), ids=lambda kind: kind.code)
def test_every_refusal_speaks_both_languages(kind: type[Refusal]) -> None:
    assert set(kind.sentences) == set(LOCALES)
    assert placeholders(kind.sentences["en"]) == placeholders(kind.sentences["fr"])
    assert missing_spaces(kind.sentences["fr"]) == []
    assert 400 <= kind.status < 600
    assert kind.__doc__
