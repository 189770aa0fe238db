"""Fixtures of the stories."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from comptoir.kernel.clock import system_clock
from tests import counter as counters
from tests.doors import Doors, open_doors
from tests.world import World


@pytest.fixture
async def doors(world: World, tmp_path: Path) -> AsyncIterator[Doors]:
    """The realtime, widget and page doors of the test's world, over real sockets in this process."""
    async with open_doors(world, tmp_path / "data") as opened:
        yield opened


@pytest.fixture
async def counter(world: World, tmp_path: Path) -> AsyncIterator[counters.Counter]:
    """The app's API over the world `comfy-shoes`, on a real socket."""
    async with counters.running(world, tmp_path / "data", system_clock) as running:
        yield running
