"""The contract, held by every channel that is found: pure functions over bytes. Nobody has to ask for these tests."""

from __future__ import annotations

import pkgutil
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from comptoir import channels
from comptoir.channels.registry import all_channels
from comptoir.contracts.channel import (
    BadSignature,
    HookAnswer,
    HookRequest,
    InboundEvent,
    InboundMessage,
    InboundReceipt,
    MalformedEvent,
)
from comptoir.contracts.content import check_content, content_type
from comptoir.kernel.errors import Refusal
from comptoir.kernel.text import storable_tree
from tests.contracts.kit import CODES, CONTRACT_ERRORS, HOOKED, Sample, kind_of, mutated_bytes, mutated_json

# A function-scoped fixture that only holds constants; many tests run at once on few cores.
many = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


def test_what_is_found_is_what_is_on_disk() -> None:
    folders = {module.name for module in pkgutil.iter_modules(channels.__path__) if module.ispkg}
    assert set(all_channels()) == folders


@pytest.mark.parametrize("code", CODES)
def test_the_manifest_is_whole(code: str, sample: Sample) -> None:
    manifest = sample.channel.manifest
    assert manifest.code == code
    assert manifest.name
    assert manifest.icon
    assert len(manifest.colour) == 7
    int(manifest.colour.removeprefix("#"), 16)
    assert manifest.capabilities.text_limit > 0
    assert "text" in manifest.capabilities.content_types
    assert manifest.limits.per_second > 0
    assert min(manifest.limits.burst, manifest.limits.at_once) >= 1
    assert all(sentence.endswith(".") for sentence in [*manifest.settings.values(), *manifest.credentials.values()])
    assert all(name == name.lower() for name in manifest.kept_headers)
    assert set(sample.module.CREDENTIALS) == set(manifest.credentials), "the samples fill in every secret"


@pytest.mark.parametrize("code", CODES)
def test_the_channel_is_described_and_has_samples(sample: Sample) -> None:
    described = (sample.folder / "doc.md").read_text(encoding="utf-8")
    assert described.startswith("# ")
    for name in [*sample.channel.manifest.settings, *sample.channel.manifest.credentials]:
        assert name in described, f"doc.md says nothing of {name}"
    on_disk = {path.name for path in (sample.folder / "fixtures").glob("*.json")}
    assert on_disk == set(sample.expected)


@pytest.mark.parametrize("code", CODES)
def test_every_event_of_every_body_arrives(sample: Sample) -> None:
    for name, kinds in sample.expected.items():
        events = sample.parsed(sample.body(name))
        assert [kind_of(event) for event in events] == kinds, name
        assert len({event.event_key for event in events}) == len(events), f"{name}: each event has a key of its own"
        assert all(event.address for event in events)


@pytest.mark.parametrize("code", CODES)
def test_the_same_bytes_give_the_same_keys(sample: Sample) -> None:
    for name in sample.expected:
        assert sample.parsed(sample.body(name)) == sample.parsed(sample.body(name))


@pytest.mark.parametrize("code", HOOKED)
def test_several_events_and_unknown_ones_are_among_the_samples(sample: Sample) -> None:
    assert any(len(kinds) > 1 for kinds in sample.expected.values())
    assert any("unsupported" in kinds for kinds in sample.expected.values())


@pytest.mark.parametrize("code", CODES)
def test_a_request_without_proof_is_refused(sample: Sample) -> None:
    for name in sample.expected:
        with pytest.raises(BadSignature):
            sample.channel.verify(sample.inbox, HookRequest(method="POST", body=sample.body(name)))


@pytest.mark.parametrize("code", HOOKED)
def test_a_wrong_signature_is_refused(sample: Sample) -> None:
    body = sample.body(next(iter(sample.expected)))
    request = sample.signed(body)
    others = sample.inbox_of({name: f"{value}-of-another" for name, value in sample.module.CREDENTIALS.items()})
    forged = [
        (sample.inbox, msgspec.structs.replace(request, body=body + b" ")),
        (sample.inbox, msgspec.structs.replace(request, body=body.replace(b"a", b"b", 1))),
        (sample.inbox, msgspec.structs.replace(request, body=b"")),
        (sample.inbox, sample.signed(body, others)),
        (others, request),
        # An inbox that is not set up yet believes nobody, not even who signs with nothing.
        (sample.inbox_of({}), sample.signed(body, sample.inbox_of({}))),
        *(
            (sample.inbox, msgspec.structs.replace(request, headers=dict.fromkeys(request.headers, odd)))
            for odd in ("", "x", "\xff\x00é", "sha256=", "0" * 5000)
        ),
    ]
    for inbox, attempt in forged:
        with pytest.raises(BadSignature):
            sample.channel.verify(inbox, attempt)


@pytest.mark.parametrize("code", [code for code in CODES if all_channels()[code].handshake])
@many
@given(
    query=st.dictionaries(st.text(max_size=20), st.text(max_size=20), max_size=4),
    method=st.sampled_from(["GET", "POST"]),
)
def test_a_handshake_answers_or_refuses(sample: Sample, query: dict[str, str], method: str) -> None:
    assert sample.channel.handshake is not None
    request = HookRequest(method=method, body=b"", query=query)
    try:
        answered = sample.channel.handshake(sample.inbox, request)
    except BadSignature:
        return
    assert answered is None or isinstance(answered, HookAnswer)


@pytest.mark.parametrize("code", CODES)
@many
@given(body=st.binary(max_size=300))
def test_random_bytes_raise_nothing_but_the_contracts_errors(sample: Sample, body: bytes) -> None:
    check(sample, body)


@pytest.mark.parametrize("code", CODES)
@many
@given(data=st.data())
def test_mutated_samples_raise_nothing_but_the_contracts_errors(sample: Sample, data: st.DataObject) -> None:
    body = sample.body(data.draw(st.sampled_from(sorted(sample.expected))))
    check(sample, data.draw(mutated_json(body) | mutated_bytes(body)))


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize(
    "body",
    [
        b"", b"null", b"[]", b"{}", b'"\\ud800"', b"[" * 100_000, b'{"a":' * 50_000, b"\xff\xfe", b"1e999", b"9" * 5000,
        b'{"events": null}', b'{"events": [[]]}', b'{"events": [{}]}',
    ],
    ids=lambda body: repr(body[:18]),
)  # fmt: skip
def test_hostile_bodies_raise_nothing_but_the_contracts_errors(sample: Sample, body: bytes) -> None:
    check(sample, body)


def check(sample: Sample, body: bytes) -> None:
    """Parse a body that may be anything; what comes out of it must be fit to be stored."""
    refusal: Refusal | None = None
    events: list[InboundEvent] = []
    try:
        events = sample.parsed(body)
    except CONTRACT_ERRORS as refused:
        refusal = refused
    if refusal is not None:
        assert not [secret for secret in sample.secrets if secret in repr(refusal.body("fr"))]
    for event in events:
        assert event.event_key
        assert event.address
        if isinstance(event, InboundMessage):
            check_content(event.content)
        plain = msgspec.to_builtins(event)
        assert storable_tree(plain) == plain, "what a channel gives can be stored as it is"
        assert msgspec.msgpack.decode(msgspec.msgpack.encode(event), type=InboundEvent) == event


@pytest.mark.parametrize("code", HOOKED)
@many
@given(data=st.data())
def test_one_bad_event_does_not_hold_back_its_neighbours(sample: Sample, data: st.DataObject) -> None:
    """Whatever is wrong within one entry of a list, the other entries arrive."""
    name = next(name for name, kinds in sample.expected.items() if len(kinds) > 1)
    whole = msgspec.json.decode(sample.body(name))
    where, entries = longest_list(whole)
    spoiled = data.draw(st.integers(0, len(entries) - 1))
    others = [kind for index, kind in enumerate(sample.expected[name]) if index != spoiled]
    entries[spoiled] = {"type": data.draw(st.text(max_size=10)), "odd": data.draw(st.integers())}
    found = [kind_of(event) for event in sample.parsed(msgspec.json.encode(where))]
    assert found[:spoiled] + found[spoiled + 1 :] == others
    assert found[spoiled] == "unsupported"


def longest_list(value: Any) -> tuple[Any, list[Any]]:
    """The body itself, and the longest list of objects in it: the entries of the webhook."""
    lists: list[list[Any]] = []

    def walk(item: Any) -> None:
        if isinstance(item, list):
            if item and all(isinstance(entry, dict) for entry in item):
                lists.append(item)
            for entry in item:
                walk(entry)
        elif isinstance(item, dict):
            for entry in item.values():
                walk(entry)

    walk(value)
    return value, max(lists, key=len)


@pytest.mark.parametrize("code", CODES)
def test_an_event_that_is_no_object_is_malformed_and_said_to_be(sample: Sample) -> None:
    with pytest.raises(MalformedEvent) as refused:
        sample.parsed(b"[1, 2")
    assert refused.value.sentence("fr") != refused.value.sentence("en")


@pytest.mark.parametrize("code", CODES)
def test_receipts_name_what_they_are_about(sample: Sample) -> None:
    for name in sample.expected:
        for event in sample.parsed(sample.body(name)):
            if isinstance(event, InboundReceipt):
                assert event.provider_ids or event.up_to_seq is not None
            elif isinstance(event, InboundMessage):
                assert content_type(event.content)
