"""Fixtures of the kit."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator

import pytest
import structlog

from comptoir.infra.log import setup_logging
from tests.contracts.kit import Sample


@pytest.fixture
def sample(code: str) -> Sample:
    """The channel under test."""
    return Sample(code)


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """Everything that is logged during the test, down to the least."""
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    written = io.StringIO()
    setup_logging("debug", stream=written)
    yield written
    root.handlers[:] = before
    root.setLevel(level)
    structlog.reset_defaults()
