"""Turns of talk: what somebody says in a step before somebody else speaks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby

from workbench.evaluation.metrics.sources import MeasuredRun
from workbench.evaluation.metrics.words import sentences_of, words_of
from workbench.judging.repetition import FEWEST_WORDS, n_words
from workbench.record.events import Event


@dataclass(frozen=True)
class Turn:
    """What somebody said, perhaps to several people one after the other."""

    person: str
    step: int
    moment: int
    """What was said at a smaller one was there to be heard."""
    events: tuple[int, ...]
    """The ids of the TALK in it."""
    text: str
    """Lines; what was said to several people in the same words is there once."""

    @cached_property
    def words(self) -> list[str]:
        """Its words in lower case."""
        return words_of(self.text)

    @cached_property
    def n_words(self) -> float:
        """How many words it has."""
        return n_words(self.text)

    @cached_property
    def ideas(self) -> list[str]:
        """Its sentences that can be an idea: of four words or more ("I agree." is none)."""
        return [one for one in sentences_of(self.text) if n_words(one) >= FEWEST_WORDS]

    @property
    def n_characters(self) -> int:
        """How many characters it has, without the breaks between lines."""
        return len(self.text.replace("\n", ""))


def is_talk(event: Event) -> bool:
    """Return whether somebody said something: talk of blanks is none."""
    return event.kind == "action" and event.type == "TALK" and bool(event.content.strip())


def turns_of(run: MeasuredRun) -> list[Turn]:
    """Return the turns of talk of the people who are measured, in order."""
    known = set(run.people)
    talk = [event for event in run.events if is_talk(event) and event.source in known]
    groups = [list(group) for _, group in groupby(talk, key=lambda event: (event.step, event.source))]
    return [_turn(group, group[0].step if run.simultaneous else number) for number, group in enumerate(groups)]


def _turn(talk: Sequence[Event], moment: int) -> Turn:
    said = dict.fromkeys(event.content.strip() for event in talk)
    return Turn(talk[0].source, talk[0].step, moment, tuple(event.id for event in talk), "\n".join(said))


def by_person(people: Sequence[str], turns: Sequence[Turn]) -> Iterator[tuple[str, list[Turn]]]:
    """Yield all turns under an empty name, then those of each person."""
    yield "", list(turns)
    own = _grouped(turns, lambda turn: turn.person)
    yield from ((name, own.get(name, [])) for name in people)


def by_step(n_steps: int, turns: Sequence[Turn]) -> Iterator[tuple[int, list[Turn]]]:
    """Yield the turns of each step, from 1."""
    own = _grouped(turns, lambda turn: turn.step)
    yield from ((step, own.get(step, [])) for step in range(1, n_steps + 1))


def _grouped(turns: Sequence[Turn], key: Callable[[Turn], object]) -> dict[object, list[Turn]]:
    groups: dict[object, list[Turn]] = {}
    for turn in turns:
        groups.setdefault(key(turn), []).append(turn)
    return groups
