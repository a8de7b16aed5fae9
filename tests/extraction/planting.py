"""A long run in which ideas are planted, and a server that extracts what the part that it is shown contains."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from tests.cast import texts
from tests.model_server import Body
from workbench.record.events import START, Event

PEOPLE = tuple(f"{first} {last}" for first in ("Ana", "Ben", "Chi", "Dov", "Eva") for last in ("Roth", "Lund"))
_TOLD = re.compile(r'<(say) id="(\d+)"[^>]*>(.*?)</say>', re.DOTALL)
_ROW = re.compile(r'<row id="(\d+)">(.*?)</row>', re.DOTALL)
_OPENINGS = ("Yes", "No", "Well", "Hm", "True", "I see", "Sorry", "Right", "Go on", "Maybe")
_REST = (
    "I had a coffee before this and it is already cold",
    "let me look for my glasses first",
    "my train was late again this morning",
    "could you say that once more, please",
    "I am not sure that I follow you",
    "we said something like it last week",
    "it is warm in here, may I open a window",
    "that is how it has always been at home",
    "I will write that down",
    "who else wanted to say something",
)


@dataclass(frozen=True)
class Planted:
    """A run, and what is in it."""

    events: Sequence[Event]
    mentions: Mapping[int, tuple[int, str]]
    """By event: the number of the idea, and the words in which it is said."""

    @property
    def evidence(self) -> dict[int, set[int]]:
        """The events of each idea."""
        found: dict[int, set[int]] = {}
        for event, (idea, _) in self.mentions.items():
            found.setdefault(idea, set()).add(event)
        return found


def planted_ideas() -> list[dict[str, Any]]:
    """Two hundred ideas that people voice; some of them again, in other words."""
    return json.loads((Path(__file__).parent / "planted_ideas.json").read_text(encoding="utf-8"))


def planted_run(n_events: int, n_ideas: int = 200, seed: int = 1) -> Planted:
    """A run of so many events, among them the first ideas, each mention at a place of its own."""
    chance = random.Random(seed)
    said = [
        (number, words)
        for number, idea in enumerate(planted_ideas()[:n_ideas])
        for words in (idea["idea"], idea["again"])
    ]
    said = [(number, words) for number, words in said if words]
    places = chance.sample(range(1, n_events + 1), len(said))
    mentions = dict(zip(places, said, strict=True))
    events = []
    for place in range(1, n_events + 1):
        words = mentions[place][1] if place in mentions else f"{chance.choice(_OPENINGS)}, {chance.choice(_REST)}."
        step = 1 + place // 20
        time = START + timedelta(minutes=step)
        events.append(Event(place, step, time, "action", "TALK", chance.choice(PEOPLE), "", words))
    return Planted(events, mentions)


def extracting(planted: Planted, vary: Callable[[str, Body], str] = lambda words, body: words) -> Any:
    """A server that finds each idea in the part that it is shown, one row a mention, and knows which mean the same.

    Args:
        planted: what there is to be found.
        vary: how the server words an idea in an answer.
    """

    said: dict[str, int] = {}

    def reply(body: Body) -> dict[str, Any]:
        if "groups" in body["response_format"]["json_schema"]["schema"]["properties"]:
            return _grouped(texts(body)[1], said)
        rows = []
        for _, number, words in _TOLD.findall(texts(body)[1]):
            if int(number) in planted.mentions:
                told = vary(words, body)
                said[" ".join(told.casefold().split())] = planted.mentions[int(number)][0]
                rows.append({"idea": told, "evidence": [int(number)]})
        return {"rows": rows}

    return reply


def _grouped(user: str, said: Mapping[str, int]) -> dict[str, Any]:
    groups: dict[int, list[int]] = {}
    for number, words in _ROW.findall(user):
        idea = said.get(" ".join(words.casefold().split()), -int(number))
        groups.setdefault(idea, []).append(int(number))
    return {"groups": [group for group in groups.values() if len(group) > 1]}


def agreement(found: Iterable[Sequence[int]], planted: Planted) -> tuple[float, float]:
    """Precision and recall of merging: of pairs of mentions in one row, and of pairs of mentions of one idea."""
    merged = {pair for events in found for pair in _pairs(events)}
    true = {pair for events in planted.evidence.values() for pair in _pairs(events)}
    return len(merged & true) / max(len(merged), 1), len(merged & true) / len(true)


def _pairs(events: Iterable[int]) -> set[tuple[int, int]]:
    ordered = sorted(events)
    return {(one, other) for place, one in enumerate(ordered) for other in ordered[place + 1 :]}
