"""`make bench` and `make bench-quick`: all figures, or those that fit in two minutes. `python -m benchmarks whole_path` measures one part."""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import Awaitable, Callable

from benchmarks import footprint, hook_door, inbox_list, search, whole_path
from benchmarks.installation import Server, commits_per_second, server
from benchmarks.machine import describe
from benchmarks.results import FILE, Figures

Part = Callable[..., Awaitable[None]]
PARTS: dict[str, Part] = {
    "whole_path": whole_path.measure,
    "hook_door": hook_door.measure,
    "inbox_list": inbox_list.measure,
    "search": search.measure,
    "footprint": footprint.measure,
}


async def main() -> None:
    """Measure; keep the figures when all parts were measured."""
    arguments = argparse.ArgumentParser(prog="python -m benchmarks")
    arguments.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}; all without one")
    arguments.add_argument("--quick", action="store_true", help="shorter and smaller: two minutes")
    arguments.add_argument("--keep", action="store_true", help="keep the figures of a quick run too")
    chosen = arguments.parse_args()
    if unknown := set(chosen.parts) - set(PARTS):
        arguments.error(f"no such part: {', '.join(sorted(unknown))}")
    begin = time.monotonic()
    async with server() as running:
        figures = await _calibrated(running)
        for name, part in PARTS.items():
            if name in (chosen.parts or PARTS):
                print(f"{name} ({time.monotonic() - begin:.0f} s)", flush=True)
                await part(running, figures, quick=chosen.quick)
    print(f"done in {time.monotonic() - begin:.0f} s")
    if not chosen.parts and (chosen.keep or not chosen.quick):
        figures.write()
        print(f"kept in {FILE}")


async def _calibrated(running: Server) -> Figures:
    machine = describe(await running.version(), await commits_per_second(running))
    print(
        f"{machine.processor}, {machine.cores} cores, {machine.memory_gb} GB, Python {machine.python}, PostgreSQL {machine.postgresql}"
    )
    print(
        f"{machine.sha256_per_second:,} sha256 of 1 kB a second · {machine.commits_per_second:,} single-row commits a second from 32 clients"
        f" · fdatasync {machine.fdatasync_us} µs"
    )
    return Figures(machine)


if __name__ == "__main__":
    asyncio.run(main())
