"""Sealing and signing, all keys derived from the installation's secret.

One secret would be enough for everything if a value made for one purpose could never be taken for another; deriving a
key per purpose (HKDF, RFC 5869) makes that so. A secret is rotated by putting a new one in front of the old one:
the first seals and signs, every one of them opens and verifies, and each value names the key it was made with.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import struct
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal
from uuid import UUID

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_SALT = b"comptoir.v1"
_SEAL_VERSION = 1
_KEY_ID_BYTES = 4
_NONCE_BYTES = 12
_SEAL_HEADER = 1 + _KEY_ID_BYTES + _NONCE_BYTES
_MAC_BYTES = 20
_TOKEN_HEADER = struct.Struct(">4sQ")
_TOKEN_MAX_CHARS = 4096


class SealBroken(Exception):
    """A sealed value does not open: altered, moved to another row, or made with a key that is no longer known."""


class TokenRefused(Exception):
    """A signed token is not accepted; `reason` says why, for the counters (never for the bearer)."""

    def __init__(self, reason: Literal["malformed", "forged", "expired"]) -> None:
        super().__init__(reason)
        self.reason = reason


def hkdf(secret: bytes, info: bytes, length: int = 32, salt: bytes = _SALT) -> bytes:
    """HKDF-SHA256 (RFC 5869): `length` bytes of key for `info`, at most 8160."""
    extracted = hmac.digest(salt or bytes(32), secret, "sha256")
    output, block = b"", b""
    for counter in range(1, -(-length // 32) + 1):
        block = hmac.digest(extracted, block + info + bytes([counter]), "sha256")
        output += block
    return output[:length]


class KeyRing:
    """The installation's secrets, newest first, and what is derived from them."""

    def __init__(self, secret_keys: Sequence[str]) -> None:
        if not secret_keys:
            raise ValueError("a key ring needs at least one secret")
        self._secrets = [key.encode() for key in secret_keys]

    def keys(self, purpose: str) -> dict[bytes, bytes]:
        """Key id → 256-bit key for `purpose`, the one to make new values with first."""
        return {
            hkdf(secret, f"id:{purpose}".encode(), _KEY_ID_BYTES): hkdf(secret, f"key:{purpose}".encode())
            for secret in self._secrets
        }


class Sealer:
    """Encrypts secrets at rest with AES-256-GCM.

    The id of the row that holds the value is authenticated with it, so that a sealed value copied to another row
    (one inbox's credentials under another inbox) does not open.
    """

    def __init__(self, ring: KeyRing, purpose: str = "credentials") -> None:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        self._ciphers: dict[bytes, AESGCM] = {key_id: AESGCM(key) for key_id, key in ring.keys(purpose).items()}
        self._current = next(iter(self._ciphers))

    def seal(self, value: bytes, row_id: UUID) -> bytes:
        """`value` sealed for the row `row_id`; 33 bytes longer than it."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        header = bytes([_SEAL_VERSION]) + self._current + nonce
        return header + self._ciphers[self._current].encrypt(nonce, value, header[:-_NONCE_BYTES] + row_id.bytes)

    def open(self, sealed: bytes, row_id: UUID) -> bytes:
        """The value sealed for `row_id`. Raises SealBroken, with no hint of the content."""
        from cryptography.exceptions import InvalidTag

        cipher = self._ciphers.get(sealed[1 : 1 + _KEY_ID_BYTES])
        if len(sealed) < _SEAL_HEADER or sealed[0] != _SEAL_VERSION or cipher is None:
            raise SealBroken("unknown version or key")
        prefix = sealed[: 1 + _KEY_ID_BYTES]
        nonce = sealed[1 + _KEY_ID_BYTES : _SEAL_HEADER]
        try:
            return cipher.decrypt(nonce, sealed[_SEAL_HEADER:], prefix + row_id.bytes)
        except InvalidTag:
            raise SealBroken("altered, or sealed for another row") from None

    def is_current(self, sealed: bytes) -> bool:
        """False when the value should be sealed anew because its key has been replaced."""
        return sealed[: 1 + _KEY_ID_BYTES] == bytes([_SEAL_VERSION]) + self._current


class Signer:
    """Signs short tokens that the world carries for us: visitor tokens, media links.

    A token is base64url(key id, expiry, data, HMAC-SHA256 cut to 160 bits). The data is readable by its bearer. One
    signer per purpose: a media link is never a visitor token.
    """

    def __init__(self, ring: KeyRing, purpose: str) -> None:
        self._keys = ring.keys(f"sign:{purpose}")
        self._current = next(iter(self._keys))

    def sign(self, data: bytes, *, expires_at: int | None = None) -> str:
        """A token for `data`, good until the Unix second `expires_at` (None: for ever)."""
        body = _TOKEN_HEADER.pack(self._current, expires_at or 0) + data
        mac = hmac.digest(self._keys[self._current], body, "sha256")[:_MAC_BYTES]
        return base64.urlsafe_b64encode(body + mac).rstrip(b"=").decode("ascii")

    def verify(self, token: str, *, now: int) -> bytes:
        """The data of a token that we signed and that has not expired at `now`. Raises TokenRefused."""
        if len(token) > _TOKEN_MAX_CHARS or not token.isascii():
            raise TokenRefused("malformed")
        try:
            raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        except ValueError:
            raise TokenRefused("malformed") from None
        if len(raw) < _TOKEN_HEADER.size + _MAC_BYTES:
            raise TokenRefused("malformed")
        body, mac = raw[:-_MAC_BYTES], raw[-_MAC_BYTES:]
        key_id, expires_at = _TOKEN_HEADER.unpack_from(body)
        key = self._keys.get(key_id)
        if key is None or not hmac.compare_digest(hmac.digest(key, body, "sha256")[:_MAC_BYTES], mac):
            raise TokenRefused("forged")
        if expires_at and now >= expires_at:
            raise TokenRefused("expired")
        return body[_TOKEN_HEADER.size :]


def random_token(size: int = 32) -> str:
    """`size` random bytes as base64url: session cookies, API keys."""
    return secrets.token_urlsafe(size)


def token_digest(token: str) -> bytes:
    """What the database keeps of a random token: enough to find it, useless to a thief (32 bytes)."""
    return hashlib.sha256(token.encode()).digest()
