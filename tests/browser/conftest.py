"""The stage for every browser story."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from comptoir.infra.database import Database
from tests.browser.stage import Stage, set_stage
from tests.conftest import HandClock


@pytest.fixture
async def stage(db: Database, clock: HandClock, tmp_path: Path) -> AsyncIterator[Stage]:
    """The program, a shop's page and Chromium."""
    async with set_stage(db, clock, tmp_path) as made:
        yield made
