"""Ids: UUID version 7 (RFC 9562), made in the program, sortable by age to the millisecond.

Order in the product never rests on ids; they are time-ordered only so that indexes grow at one end.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable
from uuid import UUID

IdMaker = Callable[[], UUID]

LANES = 64
NIL = UUID(int=0)


def uuid7(at_ms: int | None = None) -> UUID:
    """Make a UUIDv7 for now, or for a given Unix time in milliseconds (imports keep their age this way)."""
    stamp = time.time_ns() // 1_000_000 if at_ms is None else at_ms
    noise = int.from_bytes(os.urandom(10), "big")
    value = (stamp & 0xFFFF_FFFF_FFFF) << 80
    value |= 0x7 << 76 | (noise >> 62 & 0xFFF) << 64
    value |= 0b10 << 62 | noise & 0x3FFF_FFFF_FFFF_FFFF
    return UUID(int=value)


def digest_uuid(*parts: str) -> UUID:
    """Hash strings of any length into a UUID-sized key. Parts are length-prefixed, so ("ab","c") differs from ("a","bc")."""
    hasher = hashlib.blake2b(digest_size=16)
    for part in parts:
        raw = part.encode("utf-8", "surrogatepass")
        hasher.update(len(raw).to_bytes(4, "big"))
        hasher.update(raw)
    return UUID(bytes=hasher.digest())


def thread_key(inbox_id: UUID, address: str) -> UUID:
    """The key that orders all work of one address in one inbox, known before its identity is stored."""
    return digest_uuid(str(inbox_id), address)


def lane_of(key: UUID) -> int:
    """The lane (0–63) a key starts in; the lane stored on an identity wins over it."""
    return key.int % LANES
