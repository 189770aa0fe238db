"""Structured logs without secrets: JSON lines, or a readable form on a terminal.

Redaction is a processor that every line passes, ours and the libraries', rather than a habit of those who write them.
"""

from __future__ import annotations

import logging
import re
import sys
from typing import TYPE_CHECKING, TextIO

import msgspec

from comptoir.infra.slim import structlog

if TYPE_CHECKING:
    from collections.abc import Mapping, MutableMapping

    from structlog.typing import Processor

REDACTED = "[redacted]"
_SECRET_NAME = re.compile(
    r"(token|secret|passw|passphrase|authorization|cookie|api[_-]?key|credential|signature|private[_-]?key|\bdsn$)",
    re.IGNORECASE,
)
_SECRET_TEXT = (
    (re.compile(r"\b(Bearer|Basic|Token)\s+[A-Za-z0-9._~+/=-]{6,}", re.IGNORECASE), rf"\1 {REDACTED}"),
    (re.compile(r"(\w+://[^\s:/@]*:)[^\s@/]+@"), rf"\1{REDACTED}@"),
    (
        re.compile(
            r"\b((?:access_|visitor_|refresh_|page_)?token|secret|password|api_key|key|sig|signature|hub\.verify_token)"
            r"=[^&\s\"']+",
            re.IGNORECASE,
        ),
        rf"\1={REDACTED}",
    ),
    (re.compile(r"(comptoir_session=)[^;\s]+"), rf"\1{REDACTED}"),
)
_MAX_DEPTH = 6


def redact(value: object, depth: int = 0) -> object:
    """`value` with everything that is named like a secret, or looks like one, replaced by `[redacted]`.

    Goes into mappings, lists and tuples up to a depth of six; what lies deeper is left out whole.
    """
    if isinstance(value, str):
        for pattern, replacement in _SECRET_TEXT:
            value = pattern.sub(replacement, value)
        return value
    if isinstance(value, (bytes, bytearray, memoryview)):
        return f"[{len(value)} bytes]"
    if isinstance(value, dict):
        if depth >= _MAX_DEPTH:
            return "[too deep]"
        return {
            key: REDACTED if _SECRET_NAME.search(str(key)) else redact(item, depth + 1) for key, item in value.items()
        }
    if isinstance(value, (list, tuple, set, frozenset)):
        return "[too deep]" if depth >= _MAX_DEPTH else [redact(item, depth + 1) for item in value]
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, BaseException):
        return redact(f"{type(value).__name__}: {value}", depth)
    return redact(str(value), depth)


def _redact_line(_logger: object, _name: str, line: MutableMapping[str, object]) -> Mapping[str, object]:
    kept = {key: line[key] for key in ("_record", "_from_structlog", "exc_info") if key in line}
    clean = {
        key: REDACTED if _SECRET_NAME.search(key) else redact(item) for key, item in line.items() if key not in kept
    }
    return clean | kept


def _render_json(_logger: object, _name: str, line: MutableMapping[str, object]) -> str:
    return msgspec.json.encode(line, enc_hook=str).decode()


def setup_logging(level: str = "info", *, process: str = "", stream: TextIO | None = None) -> None:
    """Send every log line of this process, the libraries' included, to `stream` (standard error).

    `process` names the process on each line (`web`, `worker`, `supervisor`).
    """
    out = stream or sys.stderr
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.stdlib.ExtraAdder(),
    ]
    ending: list[Processor] = [structlog.stdlib.ProcessorFormatter.remove_processors_meta]
    if out.isatty():
        ending += [_redact_line, structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)]
    else:
        # The traceback becomes text before the redaction: an exception's message may quote what must not be logged.
        ending += [structlog.processors.format_exc_info, _redact_line, _render_json]
    handler = logging.StreamHandler(out)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=ending))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for noisy in ("aiohttp.access", "asyncio", "pgqueuer", "uvicorn"):
        logging.getLogger(noisy).setLevel(max(logging.WARNING, root.level))
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared[:4],
            structlog.processors.StackInfoRenderer(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.clear_contextvars()
    if process:
        structlog.contextvars.bind_contextvars(process=process)


def get_logger(room: str) -> structlog.stdlib.BoundLogger:
    """The logger of a room or a module: `get_logger(__name__).info("batch.committed", rows=12)`."""
    logger: structlog.stdlib.BoundLogger = structlog.get_logger(room)
    return logger
