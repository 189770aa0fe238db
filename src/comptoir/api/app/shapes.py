"""Shapes of answers that several nouns share."""

from __future__ import annotations

from typing import Annotated

import msgspec
from litestar.params import QueryParameter

# A page of a list; above a hundred rows a browser gains nothing.
Limit = Annotated[int, QueryParameter(ge=1, le=100, required=False)]
Cursor = Annotated[str | None, QueryParameter(max_length=100, required=False)]
MOST_SEQ = 2**31 - 1
Seq = Annotated[int | None, QueryParameter(ge=0, le=MOST_SEQ, required=False)]
Position = Annotated[int, QueryParameter(ge=0, le=2**53, required=False)]


class Body(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Base of all bodies from outside: a field that we do not know is refused, for it would be forgotten in silence."""


class ErrorDetail(msgspec.Struct, frozen=True):
    """What went wrong: a stable code, a sentence for people, the field meant, where to read more."""

    code: str
    message: str
    field: str | None
    docs: str


class ErrorBody(msgspec.Struct, frozen=True):
    """Every answer whose status is not 2xx."""

    error: ErrorDetail
