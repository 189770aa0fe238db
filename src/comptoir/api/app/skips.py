"""Cursors of lists that are ranked rather than sorted: how many rows to skip, opaque outside."""

from __future__ import annotations

from comptoir.kernel.cursors import InvalidCursor

# Beyond this nobody leafs; they write a better query.
MOST_SKIPPED = 1000
_MARK = "skip-"


def read_skip(cursor: str | None) -> int:
    """Raises InvalidCursor for a cursor that is not ours."""
    if not cursor:
        return 0
    digits = cursor.removeprefix(_MARK)
    if digits == cursor or not (digits.isascii() and digits.isdigit() and len(digits) < 5):
        raise InvalidCursor(field="cursor")
    return min(int(digits), MOST_SKIPPED)


def write_skip(skip: int, found: int, limit: int) -> str | None:
    """The cursor behind a page of `found` rows; None where there is no further one."""
    return f"{_MARK}{skip + found}" if found >= limit and skip + found < MOST_SKIPPED else None
