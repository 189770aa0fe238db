"""How a conversation is written down: topics with steps, each step in several wordings, in French and English side by side.

A wording is a text of lines `c: français || English`; `c` is the contact, `a` the agent, `n` a note between agents. `{name}` and the like are slots.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from random import Random
from typing import Literal

import msgspec

Voice = Literal["contact", "agent", "note"]
_VOICES: dict[str, Voice] = {"c": "contact", "a": "agent", "n": "note"}
_FRENCH_MARK = re.compile(r" ([:;!?»])|(«) ")


class Said(msgspec.Struct, frozen=True):
    """One message of a script, in one language."""

    voice: Voice
    text: str


class Topic(msgspec.Struct, frozen=True, kw_only=True):
    """What a conversation is about. `steps` are played in order, each in one of its wordings; `chance` says how often each is played at all."""

    labels: tuple[str, ...]
    steps: tuple[tuple[str, ...], ...]
    chance: tuple[float, ...] = ()
    weight: float = 1.0
    page: str = ""
    urgent: float = 0.0


class Business(msgspec.Struct, frozen=True, kw_only=True):
    """A business of the demonstration. `agents` are (name, address before the @, role, language), the owner first."""

    slug: str
    name: str
    locale: str
    colour: str
    agents: tuple[tuple[str, str, str, str], ...]
    labels: Mapping[str, str]
    topics: tuple[Topic, ...]
    closings: tuple[str, ...]
    slots: Mapping[str, Sequence[tuple[str, str]]]
    french: float


def play(topic: Topic, business: Business, language: str, chance: Random, agent: str) -> list[Said]:
    """The messages of one conversation about a topic."""
    slots = {name: _pick(values, language, chance) for name, values in business.slots.items()} | {"agent": agent}
    lines: list[Said] = []
    for number, step in enumerate(topic.steps):
        likely = topic.chance[number] if number < len(topic.chance) else 1.0
        if chance.random() < likely:
            lines += _read(chance.choice(step), language, slots)
    if chance.random() < 0.9:
        lines += _read(chance.choice(business.closings), language, slots)
    return lines


def _pick(values: Sequence[tuple[str, str]], language: str, chance: Random) -> str:
    return chance.choice(values)[0 if language == "fr" else 1]


def _read(wording: str, language: str, slots: Mapping[str, str]) -> list[Said]:
    lines = []
    for line in wording.strip().splitlines():
        mark, _, both = line.strip().partition(": ")
        french, _, english = both.partition(" || ")
        text = french if language == "fr" else english
        text = text.format_map(slots)
        lines.append(Said(_VOICES[mark], _typeset(text) if language == "fr" else text))
    return lines


def _typeset(text: str) -> str:
    # French sets a narrow no-break space before its double marks, and inside its quotation marks.
    return _FRENCH_MARK.sub(lambda found: f"\u202f{found[1]}" if found[1] else f"{found[2]}\u202f", text)
