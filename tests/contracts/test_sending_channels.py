"""The contract of channels that send requests: what they render, and how they read every answer."""

from __future__ import annotations

import dataclasses
import io
from uuid import UUID

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from comptoir.contracts.channel import (
    ContentRefused,
    Failed,
    FailureKind,
    OutboundMessage,
    OutboundRequest,
    ProviderAnswer,
    Sent,
)
from comptoir.contracts.content import Attachment, Content, Text, attachment_of, text_of
from comptoir.infra.http import check_url
from comptoir.infra.log import get_logger
from tests.contracts.kit import SENDING, Sample, contents, small

many = settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
DELIVERY = UUID("0190f3a2-7c4e-7d11-8a5b-3f2e1d0c9b8a")


def rendered(sample: Sample, content: Content, *, attempt: int = 1, reply_to: str | None = None) -> OutboundRequest:
    assert sample.channel.render is not None
    message = OutboundMessage(
        delivery_id=DELIVERY, address="alice", content=content, attempt=attempt, reply_to_provider_id=reply_to
    )
    return sample.channel.render(sample.inbox, message)


@pytest.mark.parametrize("code", SENDING)
def test_everything_renders_within_the_capabilities(sample: Sample) -> None:
    for kind in sample.channel.manifest.capabilities.content_types:
        request = rendered(sample, small(kind), reply_to="lm_1")
        check_url(request.url)
        assert request.url.startswith(sample.module.SETTINGS["api_base"]), "`api_base` replaces the channel's host"
        assert request.method in {"POST", "PUT"}


@pytest.mark.parametrize("code", SENDING)
def test_content_over_a_limit_is_refused_by_name(sample: Sample) -> None:
    can = sample.channel.manifest.capabilities
    rendered(sample, Text("x" * can.text_limit))
    with pytest.raises(ContentRefused) as refused:
        rendered(sample, Text("x" * (can.text_limit + 1)))
    assert str(can.text_limit) in refused.value.sentence("en")
    for kind in {"image", "video", "audio", "file"} & can.content_types:
        content = small(kind)
        attachment = attachment_of(content)
        assert isinstance(attachment, Attachment)
        heavy = msgspec.structs.replace(attachment, size=can.attachment_limit + 1)
        with pytest.raises(ContentRefused):
            rendered(sample, msgspec.structs.replace(content, attachment=heavy))
    with pytest.raises(ContentRefused):
        rendered(sample, small("unsupported"))


@pytest.mark.parametrize("code", SENDING)
@many
@given(content=contents)
def test_rendering_is_total(sample: Sample, content: Content) -> None:
    can = sample.channel.manifest.capabilities
    refusal: ContentRefused | None = None
    request: OutboundRequest | None = None
    try:
        request = rendered(sample, content)
    except ContentRefused as refused:
        refusal = refused
    if refusal is not None or request is None:
        assert refusal is not None
        assert refusal.field
        assert refusal.values["limit"]
        return
    attachment = attachment_of(content)
    assert str(content.__struct_config__.tag) in can.content_types
    assert attachment is None or attachment.size <= can.attachment_limit
    assert attachment is not None or len(text_of(content)) <= can.text_limit
    assert isinstance(request.body, bytes)


@pytest.mark.parametrize("code", SENDING)
def test_the_idempotency_key_is_the_delivery_at_every_attempt(sample: Sample) -> None:
    first, second = rendered(sample, small("text")), rendered(sample, small("text"), attempt=2)
    assert first == second
    if sample.channel.manifest.idempotent:
        carried = [*first.headers.values(), first.body.decode("utf-8", "replace"), first.url]
        assert any(str(DELIVERY) in part for part in carried)


@pytest.mark.parametrize("code", SENDING)
def test_each_failure_class_is_mapped(sample: Sample) -> None:
    assert sample.channel.read_answer is not None
    assert isinstance(sample.channel.read_answer(sample.inbox, sample.module.TAKEN), Sent)
    answers: dict[FailureKind, ProviderAnswer] = sample.module.ANSWERS
    assert set(answers) == set(FailureKind)
    for kind, answer in answers.items():
        failed = sample.channel.read_answer(sample.inbox, answer)
        assert isinstance(failed, Failed)
        assert failed.kind is kind
        assert failed.code
        assert failed.message.endswith(".")
    throttled = sample.channel.read_answer(sample.inbox, answers[FailureKind.THROTTLED])
    assert isinstance(throttled, Failed)
    assert throttled.retry_after


@pytest.mark.parametrize("code", SENDING)
@many
@given(
    status=st.integers(100, 999),
    body=st.binary(max_size=200)
    | st.sampled_from(
        [b"null", b'{"id": 5}', b'{"id": ""}', b'{"error": []}', b'{"error": {"code": null}}', b"[" * 9000]
    ),
    retry_after=st.none()
    | st.sampled_from(["7", "-1", "nan", "inf", "1e400", "", "Wed, 21 Oct 2026 07:28:00 GMT", "é"]),
)
def test_reading_an_answer_is_total(sample: Sample, status: int, body: bytes, retry_after: str | None) -> None:
    assert sample.channel.read_answer is not None
    headers = {} if retry_after is None else {"retry-after": retry_after}
    end = sample.channel.read_answer(sample.inbox, ProviderAnswer(status=status, body=body, headers=headers))
    assert isinstance(end, Sent | Failed)
    if isinstance(end, Failed):
        assert not 200 <= status < 300
        assert end.retry_after is None or 0 <= end.retry_after < float("inf")
    else:
        assert 200 <= status < 300


@dataclasses.dataclass
class Quoting:
    """An answer that says our own secrets back to us, as careless providers do."""

    secret: str

    def answer(self, status: int) -> ProviderAnswer:
        text = f"bad token {self.secret}"
        return ProviderAnswer(status=status, body=msgspec.json.encode({"error": {"code": "bad", "message": text}}))


@pytest.mark.parametrize("code", SENDING)
def test_no_secret_reaches_a_log_or_an_error(sample: Sample, lines: io.StringIO) -> None:
    assert sample.channel.read_answer is not None
    log = get_logger("contracts")
    for secret in sample.secrets:
        for status in (200, 400, 401, 403, 409, 422, 429, 500, 503):
            end = sample.channel.read_answer(sample.inbox, Quoting(secret).answer(status))
            assert secret not in repr(end)
            log.warning("sending failed", end=repr(end))
    request = rendered(sample, small("text"))
    log.debug("request", headers=request.headers, url=request.url)
    assert not [secret for secret in sample.secrets if secret in lines.getvalue()]
