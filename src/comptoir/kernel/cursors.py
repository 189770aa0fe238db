"""Page cursors: opaque outside, the last row's (time, id) inside."""

from __future__ import annotations

import base64
import binascii
import struct
from datetime import UTC, datetime, timedelta
from typing import ClassVar
from uuid import UUID

from comptoir.kernel.errors import Locale, Refusal

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
Keyset = tuple[datetime, UUID]


class InvalidCursor(Refusal):
    """A page cursor that we did not give."""

    code = "invalid_cursor"
    status = 422
    sentences: ClassVar[dict[Locale, str]] = {
        "en": "This page no longer exists. Please start again from the first one.",
        "fr": "Cette page n’existe plus. Veuillez repartir de la première.",
    }


def write_cursor(key: Keyset | None) -> str | None:
    """The cursor behind a row; None where there is no further page."""
    if key is None:
        return None
    moment, row_id = key
    packed = struct.pack(">q", (moment - _EPOCH) // _MICROSECOND) + row_id.bytes
    return base64.urlsafe_b64encode(packed).decode()


def read_cursor(cursor: str | None) -> Keyset | None:
    """The row behind a cursor. Raises InvalidCursor."""
    if not cursor:
        return None
    try:
        packed = base64.b64decode(cursor.encode(), altchars=b"-_", validate=True)
        (microseconds,) = struct.unpack(">q", packed[:8])
        return _EPOCH + timedelta(microseconds=microseconds), UUID(bytes=packed[8:])
    except (binascii.Error, struct.error, ValueError, OverflowError, UnicodeError) as error:
        raise InvalidCursor(field="cursor") from error
