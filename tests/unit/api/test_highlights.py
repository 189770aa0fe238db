"""Which part of a contact matched."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as some

from comptoir.api.app.highlights import highlight


def shown(values: list[str | None], words: str) -> str:
    return "".join(f"[{piece.text}]" if piece.hit else piece.text for piece in highlight(values, words))


def test_accents_case_and_joined_letters_are_folded() -> None:
    assert shown(["Héloïse Œuvrard", "h@example.fr"], "HELOISE oeuv") == "[Héloïse] [Œuv]rard"
    assert shown(["Jörg Strauß"], "strauss") == "Jörg [Strauß]"
    assert shown(["Nora", "nora@example.fr", None], "nora") == "[Nora] · [nora]@example.fr"
    assert shown(["aaa"], "aa") == "[aaa]"


def test_what_is_merely_alike_is_shown_whole() -> None:
    assert shown([None, "nora@example.fr"], "norra") == "nora@example.fr"
    assert shown([None, None], "x") == ""


@given(some.lists(some.none() | some.text(max_size=30), max_size=3), some.text(max_size=20))
def test_no_letter_is_lost_or_added(values: list[str | None], words: str) -> None:
    joined = "".join(piece.text for piece in highlight(values, words))
    assert all(part in values for part in joined.split(" · ") if part and " · " not in words)
