"""The whole path: a visitor's socket, the database, an agent's socket; beside the bare limit, in the same run."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from benchmarks.contenders import Contender, bare_limit, ours
from benchmarks.installation import Server, furnish
from benchmarks.load import Phase, PhaseResult
from benchmarks.population import Population, populate
from benchmarks.results import Figures

HEADLINE = 772.0
_FIRST_STEP = 800.0
_STEPS = 10


class Length:
    """How long each part takes: all of `make bench-quick` fits in two minutes, all of `make bench` in twelve."""

    def __init__(self, *, quick: bool) -> None:
        self.visitors = 200 if quick else 500
        self.steady = 3.0 if quick else 20.0
        self.step = 1.0 if quick else 3.0
        self.factor = 1.5 if quick else 1.25
        self.rounds = 1 if quick else 3


async def measure(server: Server, figures: Figures, *, quick: bool) -> None:
    """The path at 100 and 772 messages/s, the round trip at 386/s, saturation, and the ratio of each to the bare limit."""
    length = Length(quick=quick)
    house = await furnish(await server.new_database())
    await populate(house, Population(conversations=10_000, messages_each=2))
    async with ours(server, house) as program, bare_limit(server) as limit:
        at_100, at_772 = await program.talk(
            length.visitors, [Phase(100, length.steady), Phase(HEADLINE, length.steady)]
        )
        _report_path(figures, "100/s", at_100)
        _report_path(figures, "772/s", at_772, must=True)
        (bare_772,) = await limit.talk(length.visitors, [Phase(HEADLINE, length.steady)])
        _report_path(figures, "772/s bare", bare_772)
        figures.add(
            "ratio to the bare limit, processor time per message at 772/s",
            bare_772.per_message("web", "postgres") / at_772.per_message("web", "worker", "postgres"),
            "bare/ours",
            at_772.sent,
            other_cpu=_others(at_772),
        )
        (trips,) = await program.talk(length.visitors, [Phase(HEADLINE / 2, length.steady, reply=True)])
        _report_trips(figures, trips)
        await _saturate(figures, program, limit, length)


def _report_path(figures: Figures, name: str, found: PhaseResult, *, must: bool = False) -> None:
    figures.latency(
        f"acknowledgement at {name}", found.acknowledgement, must="≤ 25 ms" if must else "", other_cpu=_others(found)
    )
    figures.latency(
        f"message at an agent's socket at {name}",
        found.at_agent,
        must="≤ 60 ms" if must else "",
        other_cpu=_others(found),
    )
    figures.add(f"lost at {name}", found.sent - min(found.acknowledged, found.seen), "messages", found.sent, must="0")
    _report_processors(figures, name, found)


def _report_processors(figures: Figures, name: str, found: PhaseResult) -> None:
    for process in [process for process in found.processors if process != "other"]:
        figures.add(f"processor time of {process} at {name}", found.per_message(process), "µs/message", found.sent)
    figures.add(f"generator late at {name} p99", found.generator_late.p99, "ms", found.sent)


def _report_trips(figures: Figures, found: PhaseResult) -> None:
    """One message in, one reply out, two stored messages."""
    figures.latency(
        "round trip at 386/s, acknowledgement", found.acknowledgement, must="≤ 25 ms", other_cpu=_others(found)
    )
    figures.latency("round trip at 386/s, message at an agent's socket", found.at_agent, must="≤ 60 ms")
    figures.latency("round trip at 386/s, reply accepted", found.reply_accepted)
    figures.latency("round trip at 386/s, message due to reply at the visitor's socket", found.reply_at_visitor)
    figures.add(
        "lost at round trip",
        found.sent - min(found.acknowledged, found.seen, found.replied),
        "messages",
        found.sent,
        must="0",
    )
    cores = sum(found.processors[name] for name in ("web", "worker", "postgres")) / found.seconds
    figures.add(
        "round trip at 386/s, web, worker and postgres together",
        cores,
        "cores",
        found.sent,
        must="≤ 1.5",
        other_cpu=_others(found),
    )
    _report_processors(figures, "round trip at 386/s", found)


async def _saturate(figures: Figures, program: Contender, limit: Contender, length: Length) -> None:
    """The highest rate at which acknowledgements stay under 250 ms and nothing piles up: by turns, so that what disturbs one disturbs the other."""
    highest: dict[str, list[PhaseResult]] = {program.name: [], limit.name: []}
    for _ in range(length.rounds):
        for contender, first in ((program, _FIRST_STEP), (limit, _FIRST_STEP * 2)):
            phases = [Phase(first * length.factor**step, length.step) for step in range(_STEPS)]
            results = await contender.talk(length.visitors * 2, phases, until_full=True)
            kept = [result for result in results if result.kept_up]
            highest[contender.name].append(kept[-1] if kept else results[0])
    kept_up = {name: [result.rate if result.kept_up else 0.0 for result in found] for name, found in highest.items()}
    for name, found in highest.items():
        rates = kept_up[name]
        figures.add(
            f"saturation, {name}",
            median(rates),
            "messages/s",
            len(found),
            other_cpu=_others(*found),
            note=_range(rates),
        )
    pairs = zip(kept_up[program.name], kept_up[limit.name], strict=True)
    ratio = median(one / other if other else 0.0 for one, other in pairs)
    figures.add("ratio to the bare limit, saturation", ratio, "ours/bare", length.rounds, must="≥ 0.3")


def _range(rates: Sequence[float]) -> str:
    return f"{min(rates):.0f}–{max(rates):.0f}" if len(rates) > 1 else ""


def _others(*found: PhaseResult) -> float:
    return max(result.processors["other"] / result.seconds for result in found)
