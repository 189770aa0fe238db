"""What the figures were measured on: the machine, its speed just now, and who used its processors meanwhile."""

from __future__ import annotations

import hashlib
import os
import platform
import tempfile
import time
from collections import defaultdict
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import msgspec

_TICK = os.sysconf("SC_CLK_TCK")
_CALIBRATION_SECONDS = 0.6


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    """Where and when; `sha256_per_second` and `fdatasync_us` let figures of two runs be compared."""

    processor: str
    cores: int
    memory_gb: float
    system: str
    python: str
    postgresql: str
    sha256_per_second: int
    fdatasync_us: int
    commits_per_second: int
    measured_at: str


def describe(postgresql: str, commits_per_second: int) -> Machine:
    """The machine, with a short calibration."""
    return Machine(
        processor=_processor(),
        cores=os.cpu_count() or 1,
        memory_gb=round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        system=f"{platform.system()} {platform.release()}",
        python=platform.python_version(),
        postgresql=postgresql,
        sha256_per_second=_sha256_per_second(),
        fdatasync_us=_fdatasync_us(),
        commits_per_second=commits_per_second,
        measured_at=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _sha256_per_second() -> int:
    block, done = bytes(1024), 0
    end = time.perf_counter() + _CALIBRATION_SECONDS
    while time.perf_counter() < end:
        hashlib.sha256(block).digest()
        done += 1
    return int(done / _CALIBRATION_SECONDS)


def _fdatasync_us() -> int:
    times = []
    with tempfile.NamedTemporaryFile() as file:
        for _ in range(100):
            file.write(bytes(8192))
            file.flush()
            begin = time.perf_counter()
            os.fdatasync(file.fileno())
            times.append(time.perf_counter() - begin)
    return int(sorted(times)[50] * 1e6)


# ------------------------------------------------------------------------------------------------------------ processors


class _Processes:
    """All processes of the machine at one moment: who descends from whom, and the processor time that each has used."""

    def __init__(self) -> None:
        self.seconds: dict[int, float] = {}
        self.children: dict[int, list[int]] = defaultdict(list)
        for path in Path("/proc").glob("[0-9]*/stat"):
            try:
                stat = path.read_text(encoding="utf-8", errors="replace")
            except (FileNotFoundError, ProcessLookupError):
                continue
            fields = stat.rpartition(")")[2].split()
            pid = int(path.parent.name)
            # utime, stime, and those of children that were waited for
            self.seconds[pid] = sum(int(value) for value in fields[11:15]) / _TICK
            self.children[int(fields[1])].append(pid)

    def tree(self, pid: int) -> list[int]:
        """A process and all that descend from it."""
        return [pid, *(below for child in self.children.get(pid, ()) for below in self.tree(child))]


def processor_seconds(roots: Mapping[str, int]) -> dict[str, float]:
    """Processor time so far of each process with its descendants, the ended ones among them included; and `machine`, all that was busy."""
    processes = _Processes()
    found = {name: sum(processes.seconds.get(each, 0.0) for each in processes.tree(pid)) for name, pid in roots.items()}
    return found | {"machine": _machine_seconds()}


def _machine_seconds() -> float:
    user, nice, system, _idle, _wait, irq, softirq = Path("/proc/stat").read_text(encoding="ascii").split()[1:8]
    return (int(user) + int(nice) + int(system) + int(irq) + int(softirq)) / _TICK


def used(before: Mapping[str, float], after: Mapping[str, float]) -> dict[str, float]:
    """Processor seconds between two readings; `other` is what somebody else on the machine has used."""
    spent = {name: after[name] - before[name] for name in after}
    total = spent.pop("machine")
    return spent | {"other": max(0.0, total - sum(spent.values()))}


def memory(pid: int) -> tuple[float, float]:
    """RSS and PSS of a process with its descendants, in MB."""
    rss = pss = 0
    for each in _Processes().tree(pid):
        for line in Path(f"/proc/{each}/smaps_rollup").read_text(encoding="ascii").splitlines():
            name, _, value = line.partition(":")
            if name == "Rss":
                rss += int(value.split()[0])
            elif name == "Pss":
                pss += int(value.split()[0])
    return rss / 1024, pss / 1024


def descendants(pid: int) -> dict[int, list[str]]:
    """The command lines of all that descend from a process."""
    below = _Processes().tree(pid)[1:]
    return {each: Path(f"/proc/{each}/cmdline").read_bytes().decode(errors="replace").split("\0") for each in below}
