"""Fixtures of the stories that go over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from comptoir.kernel.clock import system_clock
from tests import counter as counters
from tests.world import World


@pytest.fixture
async def counter(world: World, tmp_path: Path) -> AsyncIterator[counters.Counter]:
    """The app's API over the world `comfy-shoes`, on a real socket."""
    async with counters.running(world, tmp_path / "data", system_clock) as running:
        yield running
