"""The load generator: a process of its own that reads a plan (JSON) from its input and writes what it measured to its output.

Loops are open unless a plan says otherwise: messages are sent when they are due, whatever became of those before, and a latency counts from the
moment a message was due. So a program that stalls cannot slow the questions down and look fast (coordinated omission).
"""

from __future__ import annotations

import asyncio
import gc
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import msgspec
import uvloop

ROOT = Path(__file__).resolve().parent.parent


class Phase(msgspec.Struct, frozen=True):
    """So many messages a second for so long. `reply`: an agent answers each of them."""

    rate: float
    seconds: float
    reply: bool = False


class SocketPlan(msgspec.Struct, frozen=True, kw_only=True, tag="sockets"):
    """Visitors write on their sockets, agents watch on theirs. `until_full`: the first phase that the program does not keep up with is the last."""

    port: int
    visitor_path: str
    tokens: list[str]
    agent_path: str
    agent_cookies: list[str]
    phases: list[Phase]
    watched: dict[str, int]
    until_full: bool = False


class HookPlan(msgspec.Struct, frozen=True, kw_only=True, tag="hooks"):
    """Signed webhooks to the paths in turn, over `connections` keep-alive connections.

    A rate of 0 means a closed loop, each connection as fast as it is answered.
    """

    port: int
    paths: list[str]
    secret: str
    connections: int
    contacts: int
    rate: float
    seconds: float
    watched: dict[str, int]


class ReadPlan(msgspec.Struct, frozen=True, kw_only=True, tag="reads"):
    """GET each path so many times, one after the other."""

    port: int
    paths: dict[str, str]
    headers: str
    times: int


Plan = SocketPlan | HookPlan | ReadPlan


class Latency(msgspec.Struct, frozen=True):
    """In milliseconds."""

    p50: float
    p99: float
    most: float
    n: int


class PhaseResult(msgspec.Struct, frozen=True, kw_only=True):
    """What one phase gave. `processors` is in seconds; `drained` is how long after the last message was due the last one was seen."""

    rate: float
    seconds: float
    sent: int
    acknowledged: int
    seen: int
    replied: int
    acknowledgement: Latency
    at_agent: Latency
    reply_accepted: Latency
    reply_at_visitor: Latency
    generator_late: Latency
    drained: float
    processors: dict[str, float]

    @property
    def kept_up(self) -> bool:
        """Acknowledged and shown as fast as it came."""
        return self.acknowledged == self.sent == self.seen and self.acknowledgement.p99 <= 250 and self.drained <= 1.0

    def per_message(self, *names: str) -> float:
        """Processor time of some of the watched, in µs for each message."""
        return sum(self.processors[name] for name in names) / max(self.sent, 1) * 1e6


class HookResult(msgspec.Struct, frozen=True, kw_only=True):
    """What the door gave."""

    answered: int
    refused: int
    seconds: float
    answer: Latency
    processors: dict[str, float]


def latency(seconds: Sequence[float]) -> Latency:
    """Percentiles by rank; of nothing, zeros with n = 0."""
    if not seconds:
        return Latency(0.0, 0.0, 0.0, 0)
    ordered = sorted(seconds)
    last = len(ordered) - 1
    at = [ordered[round(last * share)] * 1000 for share in (0.5, 0.99, 1.0)]
    return Latency(round(at[0], 2), round(at[1], 2), round(at[2], 2), len(ordered))


T = TypeVar("T")


async def run(plan: Plan, answer: type[T], within: float = 300.0) -> T:
    """Carry a plan out in a process of its own. Raises RuntimeError with what that process had to say."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "benchmarks.load",
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        output, errors = await asyncio.wait_for(process.communicate(msgspec.json.encode(plan)), within)
    finally:
        if process.returncode is None:
            process.kill()
    if process.returncode != 0:
        raise RuntimeError(errors.decode()[-3000:])
    return msgspec.json.decode(output, type=answer)


async def carry_out(plan: Plan) -> object:
    """In the generator's process."""
    from benchmarks.load_http import knock, read_all
    from benchmarks.load_sockets import talk

    if isinstance(plan, SocketPlan):
        return await talk(plan)
    if isinstance(plan, HookPlan):
        return await knock(plan)
    return await read_all(plan)


def watched_with_generator(watched: Mapping[str, int]) -> dict[str, int]:
    """The processes under load, and this one."""
    return {**watched, "generator": os.getpid()}


if __name__ == "__main__":
    # Its garbage is small and short-lived; a collection in the middle would be measured as the program's.
    gc.freeze()
    gc.disable()
    found = uvloop.run(carry_out(msgspec.json.decode(sys.stdin.buffer.read(), type=Plan)))
    sys.stdout.buffer.write(msgspec.json.encode(found))
