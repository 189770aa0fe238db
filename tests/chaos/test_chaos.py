"""Nothing acknowledged is lost, doubled or disordered, whatever is killed; and the test would notice if it were."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.chaos.storm import Storm

pytestmark = pytest.mark.chaos

KILLS = int(os.environ.get("COMPTOIR_CHAOS_KILLS", "24"))


async def test_every_acknowledged_message_is_there_once_and_in_order(data_folder: Path) -> None:
    storm = Storm(data_folder, kills=KILLS)
    storm.start()
    try:
        await storm.rage()
        await storm.reckon()
    finally:
        status = storm.stop()
    written = sum(len(mine.acknowledged) for mine in storm.written)
    repeats = sum(mine.repeats for mine in storm.written)
    print(
        f"{sum(storm.killed.values())} kills {dict(storm.killed)}, {written} messages acknowledged, {repeats} repeated requests"
    )
    assert sum(storm.killed.values()) >= KILLS
    assert written > 20 * len(storm.written)
    assert repeats > 0
    assert status == 0


async def test_the_same_storm_is_noticed_without_deduplication(data_folder: Path) -> None:
    # Only the web process falls: each time, what it had made durable and not yet acknowledged is written again.
    storm = Storm(
        data_folder, kills=10, visitors=60, seed=11, deduplicate=False, victims={"web": 1}, only_while_serving=True
    )
    storm.start()
    try:
        await storm.rage()
        with pytest.raises(AssertionError, match="doubled"):
            await storm.reckon()
    finally:
        storm.stop()
