"""The past of a business: who wrote, when, about what, and how it stands now. Pure; the same seed and day give the same past."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from random import Random
from typing import Literal
from uuid import UUID

import msgspec

from comptoir.entrypoints.demo_seed.contacts import ENGLISH_FIRST, ENGLISH_LAST, FRENCH_FIRST, FRENCH_LAST
from comptoir.entrypoints.demo_seed.scripts import Business, Said, Topic, play
from comptoir.kernel.text import storable

CONVERSATIONS = 350
DAYS = 120
_LATE_HOURS = (9, 10, 11, 14, 15, 16, 17, 18, 20, 21)
# How the newest conversations stand, newest first: who waits, who has been answered and may write again.
_OPEN = (
    "waiting",
    "waiting",
    "answered",
    "waiting",
    "waiting",
    "answered",
    "waiting",
    "answered",
    "waiting",
    "answered",
    "waiting",
    "answered",
)


class History(msgspec.Struct, frozen=True, kw_only=True):
    """A conversation of the past, in the words of the generator: agents and labels by name."""

    contact_name: str | None
    email: str | None
    locale: str
    time_zone: str
    address: str
    page: str
    messages: list[PastLine]
    labels: tuple[str, ...]
    status: Literal["open", "closed"]
    assignee: int | None
    priority: str
    readers: tuple[int, ...]


class PastLine(msgspec.Struct, frozen=True):
    """A message; `agent` is the place in the business's list, None for the contact."""

    at: datetime
    text: str
    agent: int | None
    note: bool


def histories(business: Business, now: datetime) -> list[History]:
    """The conversations of the last months, oldest first. None is later than `now`."""
    # Names and words are drawn for fun, not for secrecy.
    chance = Random(f"{business.slug} past")  # noqa: S311
    people = _people(business, chance)
    whole = []
    for number in range(CONVERSATIONS):
        fresh = CONVERSATIONS - 1 - number
        standing = _OPEN[fresh] if fresh < len(_OPEN) else "closed"
        whole.append(_history(business, chance, people[number], _begin(chance, now, fresh), standing, now))
    return sorted(whole, key=lambda history: history.messages[-1].at)


def _begin(chance: Random, now: datetime, fresh: int) -> datetime:
    if fresh < len(_OPEN):
        return now - timedelta(minutes=9 + fresh * 47 + chance.randrange(30))
    # More of them in recent weeks, for the business grows; none in the middle of the night.
    day = int(DAYS * (1 - (1 - fresh / CONVERSATIONS) ** 1.25)) + 1
    moment = (now - timedelta(days=day)).replace(
        hour=chance.choice(_LATE_HOURS), minute=chance.randrange(60), second=chance.randrange(60)
    )
    return min(moment, now - timedelta(hours=16))


def _people(business: Business, chance: Random) -> list[tuple[str, str]]:
    """(language, name) for each conversation; no name twice."""
    french = [f"{first} {last}" for first in FRENCH_FIRST for last in FRENCH_LAST]
    english = [f"{first} {last}" for first in ENGLISH_FIRST for last in ENGLISH_LAST]
    chance.shuffle(french)
    chance.shuffle(english)
    return [
        ("fr", french.pop()) if chance.random() < business.french else ("en", english.pop())
        for _ in range(CONVERSATIONS)
    ]


def _history(
    business: Business, chance: Random, person: tuple[str, str], begin: datetime, standing: str, now: datetime
) -> History:
    language, name = person
    topic = _topic(business, chance)
    assignee = chance.choices(range(len(business.agents)), (2, 3, 4))[0]
    lines = list(
        _timed(
            _said(business, topic, language, chance, assignee, standing), begin, chance, assignee, len(business.agents)
        )
    )
    if standing == "closed" and chance.random() < 0.12:
        lines += _return_visit(business, chance, language, assignee, lines[-1].at, now)
    if standing != "closed":
        lines = _shifted(lines, begin)
    known = chance.random() < 0.8
    open_now = standing != "closed"
    answered = any(line.agent is not None and not line.note for line in lines)
    return History(
        contact_name=name if known else None,
        email=_email(name, chance) if known and chance.random() < 0.7 else None,
        locale=language,
        time_zone="Europe/Paris" if language == "fr" else "Europe/London",
        address=str(UUID(int=chance.getrandbits(128), version=4)),
        page=f"{language}/{topic.page}",
        messages=lines,
        labels=topic.labels,
        status="open" if open_now else "closed",
        assignee=assignee if not open_now or (answered and chance.random() < 0.8) else None,
        priority=_priority(topic, chance),
        readers=() if standing == "waiting" and chance.random() < 0.7 else tuple(range(len(business.agents))),
    )


def _topic(business: Business, chance: Random) -> Topic:
    return chance.choices(business.topics, [topic.weight for topic in business.topics])[0]


def _said(business: Business, topic: Topic, language: str, chance: Random, assignee: int, standing: str) -> list[Said]:
    agent = business.agents[assignee][0].split()[0]
    said = play(topic, business, language, chance, agent)
    if standing == "closed":
        return said
    wanted = "contact" if standing == "waiting" else "agent"
    # Broken off where the next word is the other side's.
    ends = [place for place, line in enumerate(said, 1) if line.voice == wanted]
    return said[: chance.choice(ends[: max(1, len(ends) // 2 + 1)])]


def _timed(said: Sequence[Said], begin: datetime, chance: Random, assignee: int, team: int) -> Iterator[PastLine]:
    moment, before = begin, ""
    for line in said:
        if before:
            moment += _pause(before, line.voice, chance)
        before = line.voice
        # Notes go back and forth between two of the team.
        agent = (
            None
            if line.voice == "contact"
            else assignee
            if line.voice == "agent"
            else (assignee + chance.randrange(team)) % team
        )
        yield PastLine(moment, storable(line.text), agent, line.voice == "note")


def _pause(before: str, voice: str, chance: Random) -> timedelta:
    if before == voice:
        return timedelta(seconds=chance.randrange(8, 50))
    slow = {"agent": 14, "contact": 9, "note": 4}[voice]
    return timedelta(seconds=min(7200, 20 + chance.expovariate(1 / (slow * 60))))


def _return_visit(
    business: Business, chance: Random, language: str, assignee: int, last: datetime, now: datetime
) -> list[PastLine]:
    """The same contact again, some weeks later."""
    begin = last + timedelta(days=chance.randrange(6, 40), minutes=chance.randrange(600))
    if begin > now - timedelta(days=1):
        return []
    said = _said(business, _topic(business, chance), language, chance, assignee, "closed")
    return list(_timed(said, begin, chance, assignee, len(business.agents)))


def _shifted(lines: list[PastLine], end: datetime) -> list[PastLine]:
    """The same lines, so that the last one is said at `end`."""
    by = end - lines[-1].at
    return [msgspec.structs.replace(line, at=line.at + by) for line in lines]


def _email(name: str, chance: Random) -> str:
    first, *rest = name.lower().replace("’", "").split()
    folded = f"{first}.{''.join(rest)}".translate(str.maketrans("àâäéèêëîïôöûüùçñ", "aaaeeeeiioouuucn"))
    return f"{folded}@{chance.choice(('courriel', 'mail', 'post'))}.example"


def _priority(topic: Topic, chance: Random) -> str:
    if chance.random() < topic.urgent:
        return chance.choice(("high", "urgent"))
    return chance.choices(("none", "low", "normal"), (8, 1, 2))[0]
