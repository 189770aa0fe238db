"""The disk watermark: refuse new input while there is still room to finish what was accepted.

PostgreSQL stops with a PANIC when its write-ahead log cannot grow; by then nothing can be answered in order. Watching
the free space and closing the door earlier keeps reading, replying and deleting possible.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterable
from pathlib import Path

from comptoir.infra.log import get_logger
from comptoir.infra.metrics import gauge

DEFAULT_RESERVE = 512 * 1024 * 1024
DEFAULT_SHARE = 0.02
_FREE = gauge("disk_free_bytes", "Free space of the volumes that Comptoir writes to.", "folder")
_log = get_logger(__name__)


def free_and_total(folder: Path) -> tuple[int, int]:
    """Bytes that we may still write below `folder` (which need not be there yet), and the size of its volume."""
    while not folder.exists() and folder.parent != folder:
        folder = folder.parent
    status = os.statvfs(folder)
    return status.f_bavail * status.f_frsize, status.f_blocks * status.f_frsize


class DiskWatch:
    """Knows whether there is room for new input.

    `folders` are those on disks that we fill (the data folder, PostgreSQL's when it is ours). Below `reserve` bytes
    free (default: the larger of 512 MiB and 2 % of the volume) `refuse_input` turns true; it turns false again only
    at one and a half times that, so that the door does not flutter. `measure` gives (free, total) of a folder.
    """

    def __init__(
        self,
        folders: Iterable[Path],
        *,
        reserve: int | None = None,
        every: float = 3.0,
        measure: Callable[[Path], tuple[int, int]] = free_and_total,
    ) -> None:
        self._folders = list(dict.fromkeys(folders))
        self._reserve = reserve
        self._every = every
        self._measure = measure
        self.refuse_input = False
        self.check()

    def check(self) -> bool:
        """Measure now; returns (and keeps) whether new input is refused. A volume that cannot be read counts as full."""
        was = self.refuse_input
        short = [self._short(folder) for folder in self._folders]  # each is measured, for its gauge
        self.refuse_input = any(short)
        if self.refuse_input != was:
            if self.refuse_input:
                _log.error("disk almost full, new input is refused", folders=[str(folder) for folder in self._folders])
            else:
                _log.warning("disk has room again, input is accepted")
        return self.refuse_input

    def _short(self, folder: Path) -> bool:
        try:
            free, total = self._measure(folder)
        except OSError:
            return True
        _FREE.labels(str(folder)).set(free)
        floor = self._reserve if self._reserve is not None else max(DEFAULT_RESERVE, int(total * DEFAULT_SHARE))
        return free < (floor * 3 // 2 if self.refuse_input else floor)

    async def run(self) -> None:
        """Check every few seconds until cancelled."""
        while True:
            await asyncio.sleep(self._every)
            self.check()
