"""The webhook door: requests whose signature is checked and whose bytes are durable before the answer; beside the bare limit."""

from __future__ import annotations

from statistics import median

from benchmarks.contenders import Contender, bare_limit, ours
from benchmarks.installation import Server, furnish
from benchmarks.load import HookResult
from benchmarks.results import Figures

_OPEN_RATE = 772.0


async def measure(server: Server, figures: Figures, *, quick: bool) -> None:
    """Closed loop of 64 connections, by turns with the bare limit; then an open loop at 772 webhooks a second."""
    seconds, rounds = (2.0, 1) if quick else (5.0, 3)
    house = await furnish(await server.new_database())
    async with ours(server, house) as program, bare_limit(server) as limit:
        found: dict[str, list[HookResult]] = {program.name: [], limit.name: []}
        await program.knock(rate=200, seconds=1.0)
        for _ in range(rounds):
            for contender in (program, limit):
                found[contender.name].append(await _checked(contender, rate=0, seconds=seconds))
                await contender.settle()
        for name, results in found.items():
            rates = [result.answered / result.seconds for result in results]
            figures.add(
                f"webhooks, closed loop of 64, {name}",
                median(rates),
                "requests/s",
                len(rates),
                other_cpu=_others(*results),
            )
            figures.latency(f"webhooks, closed loop of 64, {name}", results[-1].answer)
        pairs = zip(found[program.name], found[limit.name], strict=True)
        ratio = median(one.answered / one.seconds / (other.answered / other.seconds) for one, other in pairs)
        figures.add("ratio to the bare limit, webhooks", ratio, "ours/bare", rounds, must="≥ 0.3")
        opened = await _checked(program, rate=_OPEN_RATE, seconds=seconds * 2)
        figures.latency("webhooks, open loop at 772/s", opened.answer, must="≤ 25 ms", other_cpu=_others(opened))
        for process in program.processes:
            spent = opened.processors[process] / opened.answered * 1e6
            figures.add(f"processor time of {process}, webhooks at 772/s", spent, "µs/request", opened.answered)


async def _checked(contender: Contender, *, rate: float, seconds: float) -> HookResult:
    """Every webhook answered 200 is in the database, or waits in it for its lane. Raises RuntimeError."""
    await contender.settle()
    before = await contender.count()
    result = await contender.knock(rate=rate, seconds=seconds)
    await contender.settle()
    stored = await contender.count() - before
    if result.refused or stored < result.answered:
        raise RuntimeError(
            f"{contender.name}: {result.answered} answered 200, {result.refused} otherwise, {stored} in the database"
        )
    return result


def _others(*found: HookResult) -> float:
    return max(result.processors["other"] / result.seconds for result in found)
