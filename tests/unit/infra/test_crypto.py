"""Sealing and signing: what was altered, moved, expired or made for something else does not open."""

from __future__ import annotations

import base64
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comptoir.infra.crypto import KeyRing, SealBroken, Sealer, Signer, TokenRefused, hkdf, random_token, token_digest

OLD, NEW = "old-" + "0123456789abcdef" * 2, "new-" + "fedcba9876543210" * 2
ROW, OTHER = UUID(int=1), UUID(int=2)


def test_key_derivation_is_that_of_rfc_5869() -> None:
    """Test case 1 of appendix A."""
    key = hkdf(
        bytes([0x0B] * 22), bytes.fromhex("f0f1f2f3f4f5f6f7f8f9"), 42, bytes.fromhex("000102030405060708090a0b0c")
    )
    assert key.hex() == "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"


@given(st.binary(max_size=300))
def test_what_is_sealed_for_a_row_opens_for_that_row_alone(value: bytes) -> None:
    sealer = Sealer(KeyRing([OLD]))
    sealed = sealer.seal(value, ROW)
    assert sealer.open(sealed, ROW) == value
    assert len(sealed) == len(value) + 33
    with pytest.raises(SealBroken):
        sealer.open(sealed, OTHER)


@given(st.integers(min_value=0))
def test_one_changed_bit_anywhere_breaks_the_seal(place: int) -> None:
    sealer = Sealer(KeyRing([OLD]))
    sealed = bytearray(sealer.seal(b"page access token", ROW))
    sealed[place % len(sealed)] ^= 1
    with pytest.raises(SealBroken):
        sealer.open(bytes(sealed), ROW)


@given(st.binary(max_size=80))
def test_random_bytes_are_a_broken_seal_and_nothing_worse(noise: bytes) -> None:
    with pytest.raises(SealBroken):
        Sealer(KeyRing([OLD])).open(noise, ROW)


def test_sealing_twice_gives_two_values() -> None:
    sealer = Sealer(KeyRing([OLD]))
    assert sealer.seal(b"same", ROW) != sealer.seal(b"same", ROW)


def test_a_key_is_rotated_without_losing_what_the_old_one_sealed() -> None:
    before, during, after = Sealer(KeyRing([OLD])), Sealer(KeyRing([NEW, OLD])), Sealer(KeyRing([NEW]))
    sealed = before.seal(b"value", ROW)
    assert during.open(sealed, ROW) == b"value"
    assert not during.is_current(sealed)
    resealed = during.seal(during.open(sealed, ROW), ROW)
    assert during.is_current(resealed)
    assert after.open(resealed, ROW) == b"value"
    with pytest.raises(SealBroken):
        after.open(sealed, ROW)


def test_what_is_sealed_for_one_purpose_does_not_open_for_another() -> None:
    ring = KeyRing([OLD])
    with pytest.raises(SealBroken):
        Sealer(ring, "otp").open(Sealer(ring, "credentials").seal(b"value", ROW), ROW)


def refusal(signer: Signer, token: str, now: int = 1000) -> str:
    with pytest.raises(TokenRefused) as refused:
        signer.verify(token, now=now)
    return refused.value.reason


@given(st.binary(max_size=200))
def test_a_token_gives_back_what_was_signed(data: bytes) -> None:
    signer = Signer(KeyRing([OLD]), "visitor")
    assert signer.verify(signer.sign(data), now=1000) == data


def test_a_token_ends_at_its_second() -> None:
    signer = Signer(KeyRing([OLD]), "media")
    token = signer.sign(b"file", expires_at=1000)
    assert signer.verify(token, now=999) == b"file"
    assert refusal(signer, token, 1000) == "expired"


def test_a_token_of_one_purpose_is_forged_for_another() -> None:
    ring = KeyRing([OLD])
    assert refusal(Signer(ring, "visitor"), Signer(ring, "media").sign(b"id")) == "forged"


def test_a_changed_token_is_forged_whatever_was_changed() -> None:
    signer = Signer(KeyRing([OLD]), "visitor")
    raw = base64.urlsafe_b64decode(signer.sign(b"identity", expires_at=2000) + "==")
    for place in range(len(raw)):
        changed = bytearray(raw)
        changed[place] ^= 1
        assert refusal(signer, base64.urlsafe_b64encode(changed).decode().rstrip("=")) == "forged"


@given(st.text(max_size=120))
def test_any_text_is_refused_and_nothing_worse(text: str) -> None:
    assert refusal(Signer(KeyRing([OLD]), "visitor"), text) in {"malformed", "forged"}


def test_a_token_far_too_long_is_not_even_decoded() -> None:
    assert refusal(Signer(KeyRing([OLD]), "visitor"), "A" * 1_000_000) == "malformed"


def test_tokens_signed_before_a_rotation_stay_good() -> None:
    token = Signer(KeyRing([OLD]), "visitor").sign(b"id")
    assert Signer(KeyRing([NEW, OLD]), "visitor").verify(token, now=1) == b"id"
    assert refusal(Signer(KeyRing([NEW]), "visitor"), token) == "forged"


def test_random_tokens_differ_and_are_kept_as_digests() -> None:
    first, second = random_token(), random_token()
    assert first != second
    assert token_digest(first) != token_digest(second)
    assert len(token_digest(first)) == 32
