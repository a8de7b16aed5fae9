"""Turns that say an earlier turn again."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from workbench.evaluation.metrics.nearness import near_pairs
from workbench.evaluation.metrics.rows import NOBODY_TALKED, Row, StepRow
from workbench.evaluation.metrics.turns import Turn, by_step
from workbench.evaluation.metrics.words import in_order


class Repeat(NamedTuple):
    """Which earlier turns a turn says again; each the earliest one, None where there is none."""

    own: Turn | None
    others: Turn | None

    @property
    def first(self) -> Turn | None:
        """The earliest of both."""
        found = [turn for turn in self if turn]
        return min(found, key=lambda turn: turn.events) if found else None


def repeats_of(turns: Sequence[Turn]) -> list[Repeat]:
    """Return, for each turn, which earlier ones it says again.

    It does where nine tenths of its words are those of the other, whatever their order: rapidfuzz's `token_sort_ratio`
    is 90 or more, as in `judging.repetition.says_again`. Earlier is what was there to be heard: where all act at once,
    what was said in the same step is not.
    """
    texts = [in_order(turn.words) for turn in turns]
    said: dict[str, dict[str, Turn]] = {}
    for turn, text in zip(turns, texts, strict=True):
        said.setdefault(text, {}).setdefault(turn.person, turn)
    distinct = list(said)
    like = {text: [said[text]] for text in distinct}
    for one, other in near_pairs(distinct):
        like[distinct[one]].append(said[distinct[other]])
        like[distinct[other]].append(said[distinct[one]])
    earliest = {text: _earliest(groups) for text, groups in like.items()}
    return [_repeat(turn, earliest[text]) for turn, text in zip(turns, texts, strict=True)]


def _earliest(groups: Sequence[dict[str, Turn]]) -> dict[str, Turn]:
    """Return the first turn of each person, the earliest first."""
    first: dict[str, Turn] = {}
    for turn in sorted((turn for group in groups for turn in group.values()), key=lambda turn: turn.events):
        first.setdefault(turn.person, turn)
    return first


def _repeat(turn: Turn, earliest: dict[str, Turn]) -> Repeat:
    own = earliest[turn.person]
    others = (one for name, one in earliest.items() if name != turn.person)
    before = next((one for one in others if one.moment < turn.moment), None)
    return Repeat(own if own.moment < turn.moment else None, before)


def repetition_rows(people: Sequence[str], turns: Sequence[Turn], repeats: Sequence[Repeat]) -> Iterator[Row]:
    """Yield the share of turns that say earlier talk again: anybody's, one's own, somebody else's."""
    for name in ("", *people):
        own = [repeat for turn, repeat in zip(turns, repeats, strict=True) if name in ("", turn.person)]
        missing = "" if own else "never talked" if turns else NOBODY_TALKED
        for metric, n in (
            ("repetition", sum(repeat.first is not None for repeat in own)),
            ("repetition_of_self", sum(repeat.own is not None for repeat in own)),
            ("repetition_of_others", sum(repeat.others is not None for repeat in own)),
        ):
            yield Row(metric, name, n / len(own) if own else math.nan, len(own), missing)


def repetition_steps(n_steps: int, turns: Sequence[Turn], repeats: Sequence[Repeat]) -> Iterator[StepRow]:
    """Yield the share of turns of each step that say earlier talk again."""
    again = {turn.events for turn, repeat in zip(turns, repeats, strict=True) if repeat.first}
    for step, own in by_step(n_steps, turns):
        share = sum(turn.events in again for turn in own) / len(own) if own else math.nan
        yield StepRow(step, "repetition", share, len(own), "" if own else NOBODY_TALKED)
