"""The disk watermark, and who may read the figures."""

from __future__ import annotations

from pathlib import Path

import pytest

from comptoir.infra import metrics
from comptoir.infra.disk import DEFAULT_RESERVE, DiskWatch, free_and_total

GIB = 1024**3


class Disk:
    def __init__(self, free: int, total: int = 100 * GIB) -> None:
        self.free = free
        self.total = total

    def __call__(self, _: Path) -> tuple[int, int]:
        return self.free, self.total


def test_the_door_closes_below_the_mark_and_opens_well_above_it(tmp_path: Path) -> None:
    disk = Disk(10 * GIB)
    watch = DiskWatch([tmp_path], reserve=GIB, measure=disk)
    assert not watch.refuse_input
    disk.free = GIB - 1
    assert watch.check()
    disk.free = GIB + 1
    assert watch.check(), "just above the mark it stays closed, so that it does not flutter"
    disk.free = 2 * GIB
    assert not watch.check()


def test_the_mark_is_two_percent_on_large_disks_and_half_a_gibibyte_on_small_ones(tmp_path: Path) -> None:
    assert DiskWatch([tmp_path], measure=Disk(2 * GIB - 1, 100 * GIB)).refuse_input
    assert not DiskWatch([tmp_path], measure=Disk(2 * GIB + 1, 100 * GIB)).refuse_input
    assert DiskWatch([tmp_path], measure=Disk(DEFAULT_RESERVE - 1, 10 * GIB)).refuse_input


def test_one_full_volume_of_several_closes_the_door(tmp_path: Path) -> None:
    full = tmp_path / "full"

    def measure(folder: Path) -> tuple[int, int]:
        return (0 if folder == full else 50 * GIB), 100 * GIB

    assert DiskWatch([tmp_path, full], measure=measure).refuse_input


def test_a_volume_that_cannot_be_read_counts_as_full(tmp_path: Path) -> None:
    def measure(_: Path) -> tuple[int, int]:
        raise OSError("gone")

    assert DiskWatch([tmp_path], measure=measure).refuse_input


def test_the_real_disk_is_measured_also_where_the_folder_is_not_there_yet(tmp_path: Path) -> None:
    free, total = free_and_total(tmp_path / "not" / "yet")
    assert 0 < free <= total


def test_refusals_are_counted_by_reason() -> None:
    metrics.count_refusal("test_reason")
    assert b'comptoir_refusals_total{reason="test_reason"} 1.0' in metrics.exposition()


def test_a_metric_declared_twice_is_one() -> None:
    first = metrics.counter("test_things_total", "Things.", "kind")
    assert metrics.counter("test_things_total", "Things.", "kind") is first
    with pytest.raises(TypeError):
        metrics.gauge("test_things_total", "Things.")


@pytest.mark.parametrize(
    ("authorization", "token", "opens"),
    [
        (None, None, False),
        ("Bearer x", None, False),
        (None, "x", False),
        ("Bearer y", "x", False),
        ("Bearer x", "x", True),
    ],
)
def test_metrics_are_closed_to_strangers(authorization: str | None, token: str | None, opens: bool) -> None:  # noqa: FBT001 - a table
    assert metrics.may_read(authorization, token) is opens
