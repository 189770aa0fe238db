"""Figures: what is measured, printed as it comes and kept in `benchmarks/results/latest.json` (the form is DESIGN's)."""

from __future__ import annotations

from pathlib import Path

import msgspec

from benchmarks.load import Latency
from benchmarks.machine import Machine

FILE = Path(__file__).resolve().parent / "results" / "latest.json"
PAGE = FILE.parent.parent.parent / "docs" / "benchmarks.md"
_BEGIN, _END = "<!-- figures -->\n", "<!-- /figures -->"


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """One figure. `n` is how many single measurements it rests on; `other_cpu` is the share of one core that others on the machine used meanwhile."""

    name: str
    figure: float
    unit: str
    n: int
    machine: Machine
    must: str = ""
    other_cpu: float | None = None
    note: str = ""


class Figures:
    """The figures of a run, in the order in which they came."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.all: list[Figure] = []

    def add(
        self,
        name: str,
        figure: float,
        unit: str,
        n: int,
        *,
        must: str = "",
        other_cpu: float | None = None,
        note: str = "",
    ) -> None:
        """Keep a figure and print it."""
        self.all.append(
            Figure(
                name=name,
                figure=_rounded(figure),
                unit=unit,
                n=n,
                machine=self.machine,
                must=must,
                other_cpu=None if other_cpu is None else round(other_cpu, 2),
                note=note,
            )
        )
        beside = "  ".join(
            part
            for part in (f"must {must}" if must else "", f"others {other_cpu:.2f} core" if other_cpu else "", note)
            if part
        )
        print(f"  {name:<58} {_rounded(figure):>12,} {unit:<14} {beside}".rstrip(), flush=True)

    def latency(self, name: str, found: Latency, *, must: str = "", other_cpu: float | None = None) -> None:
        """Keep the median and the 99th percentile; what `must` be holds for the latter."""
        self.add(f"{name} p50", found.p50, "ms", found.n)
        self.add(f"{name} p99", found.p99, "ms", found.n, must=must, other_cpu=other_cpu)

    def write(self) -> None:
        """Keep them for the next reader: all in the file, those that are held to a limit on the page."""
        FILE.parent.mkdir(exist_ok=True)
        FILE.write_bytes(msgspec.json.format(msgspec.json.encode(self.all), indent=1) + b"\n")
        before, _, rest = PAGE.read_text(encoding="utf-8").partition(_BEGIN)
        PAGE.write_text(before + _BEGIN + self._table() + _END + rest.partition(_END)[2], encoding="utf-8")

    def _table(self) -> str:
        machine = self.machine
        rows = [
            f"| {one.name} | {one.figure:,} {one.unit} | {one.must} | {'' if one.other_cpu is None else one.other_cpu} |"
            for one in self.all
            if one.must or one.name.startswith(("ratio", "saturation", "processor time"))
        ]
        return (
            f"{machine.measured_at[:10]}, {machine.processor}, {machine.cores} cores, {machine.memory_gb} GB, {machine.system},"
            f" Python {machine.python}, PostgreSQL {machine.postgresql}; {machine.sha256_per_second:,} sha256 of 1 kB a second,"
            f" {machine.commits_per_second:,} single-row commits a second from 32 clients, fdatasync {machine.fdatasync_us:,} µs.\n\n"
            "| figure | | must | others' part of a core |\n|---|---|---|---|\n" + "\n".join(rows) + "\n"
        )


def _rounded(figure: float) -> float:
    return round(figure) if abs(figure) >= 1000 else float(f"{figure:.4g}")
