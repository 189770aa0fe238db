"""Logs: structured, from us and from libraries alike, and without secrets."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from comptoir.infra.log import get_logger, redact, setup_logging


@pytest.fixture
def output() -> Iterator[io.StringIO]:
    stream = io.StringIO()
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    setup_logging("info", process="web", stream=stream)
    yield stream
    root.handlers[:] = before
    root.setLevel(level)
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


def lines(stream: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_is_json_with_its_process_level_and_time(output: io.StringIO) -> None:
    get_logger("comptoir.ingest").info("batch.committed", rows=12)
    (line,) = lines(output)
    assert line["event"] == "batch.committed"
    assert (line["rows"], line["level"], line["process"]) == (12, "info", "web")
    assert str(line["timestamp"]).endswith("Z")


def test_lines_of_libraries_have_the_same_form_and_pass_the_same_redaction(output: io.StringIO) -> None:
    logging.getLogger("some.library").warning("connecting with %s", "Bearer abcdefghijkl")
    (line,) = lines(output)
    assert line["event"] == "connecting with Bearer [redacted]"


@pytest.mark.parametrize(
    "name",
    ["token", "access_token", "secret", "app_secret", "password", "authorization", "Cookie", "api_key", "apikey",
     "credentials", "X-Hub-Signature-256", "private_key", "visitor_token"],
)  # fmt: skip
def test_what_is_named_like_a_secret_never_appears(output: io.StringIO, name: str) -> None:
    get_logger("comptoir.test").info("line", **{name: "hush-hush"}, nested={"deep": [{name: "hush-hush"}]})
    assert "hush-hush" not in output.getvalue()
    assert "[redacted]" in output.getvalue()


@pytest.mark.parametrize(
    "text",
    [
        "Authorization: Bearer hush-hush-hush",
        "GET /hook?access_token=hush-hush-hush&x=1",
        "postgresql://comptoir:hush-hush-hush@db/comptoir",
        "https://graph.example/me?appsecret_proof=1&sig=hush-hush-hush",
        "Cookie: comptoir_session=hush-hush-hush; theme=dark",
    ],
)
def test_what_looks_like_a_secret_is_cut_out_of_any_text(output: io.StringIO, text: str) -> None:
    get_logger("comptoir.test").info(text, note=text, several=[text])
    assert "hush-hush-hush" not in output.getvalue()


def test_an_exception_is_told_without_what_it_quotes(output: io.StringIO) -> None:
    try:
        raise ValueError("bad url https://x/?token=hush-hush-hush")
    except ValueError:
        get_logger("comptoir.test").exception("failed")
    assert "ValueError" in output.getvalue()
    assert "hush-hush-hush" not in output.getvalue()


def test_bytes_are_counted_not_shown() -> None:
    assert redact({"body": b"hello"}) == {"body": "[5 bytes]"}


def test_redaction_ends_on_whatever_is_given() -> None:
    endless: dict[str, object] = {}
    endless["again"] = endless
    assert "too deep" in str(redact(endless))


def test_what_is_below_the_level_is_not_written(output: io.StringIO) -> None:
    get_logger("comptoir.test").debug("detail")
    assert output.getvalue() == ""
