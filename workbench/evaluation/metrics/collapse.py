"""The collapse monitor: it says in words where people become alike, and where talk gets shorter or repeats."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from workbench.errors import InvalidSettings
from workbench.evaluation.metrics.repeating import Repeat
from workbench.evaluation.metrics.rows import MEANING, WORDS
from workbench.evaluation.metrics.trend import Part, part_of, trend_of
from workbench.evaluation.metrics.turns import Turn

if TYPE_CHECKING:
    import pandas as pd

_NAMED_EVENTS = 6


@dataclass(frozen=True)
class CollapseLimits:
    """From where on the monitor warns. The defaults are conventions; baselines of your own say more.

    Measured with the encoder in the process on the texts of `tests/judging/test_repetition.py`: two turns on one topic
    have a similarity of 0.1-0.66 by meaning (0.85 in a language that the encoder does not know), the same said in other
    words 0.77-0.98. Of 100 runs of varied lines in a random order, each warning is false in 0-6 (two people, 4 to 6
    steps), 0-3 (three or four people) or none (six people).
    """

    most_rise: float = 0.2
    """Rise of the similarity between people, along its line over the steps; it must also be two standard errors."""
    most_alike_words: float = 0.6
    """Similarity between people by words, in the last third of the steps."""
    most_alike_meaning: float = 0.75
    """The same by meaning."""
    least_length: float = 0.5
    """Words of a turn in the last third of the steps, as a share of those in the first."""
    most_repetition: float = 0.5
    """Share of turns in the last third of the steps that say an earlier turn again."""
    least_sd_ratio: float = 0.5
    """Spread (SD of words a turn, dispersion by meaning) as a share of a baseline's."""
    most_more_alike: float = 0.2
    """Similarity between people over that of a baseline."""
    fewest: int = 3
    """Pairs, turns or steps: on fewer, no warning rests. A third of the steps that has fewer is made longer."""

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < math.inf:
                raise InvalidSettings(f"{field.name}={value!r}: it is a number from 0")


def collapse_warnings(
    by_step: pd.DataFrame, turns: Sequence[Turn], repeats: Sequence[Repeat], limits: CollapseLimits
) -> Iterator[str]:
    """Yield what has to be said of a run, with numbers, thresholds and events.

    Args:
        by_step: as `RunMetrics.by_step`.
        turns: of the run.
        repeats: which earlier turns they say again.
        limits: from where on to warn.
    """
    for way, most in ((WORDS, limits.most_alike_words), (MEANING, limits.most_alike_meaning)):
        yield from _becoming_alike(by_step, way, limits)
        yield from _alike(by_step, turns, way, most, limits.fewest)
    yield from _shorter(by_step, limits)
    yield from _repeating(by_step, turns, repeats, limits)


def _becoming_alike(by_step: pd.DataFrame, way: str, limits: CollapseLimits) -> Iterator[str]:
    rows = by_step[by_step["metric"] == f"similarity_between_{way}"]
    trend = trend_of(rows["step"].tolist(), rows["value"].tolist())
    pairs = int(rows["n"].sum())
    if min(trend.n, pairs) < limits.fewest or not trend.rise >= limits.most_rise:
        return
    if trend.slope > 2 * trend.standard_error:
        yield (
            f"People become alike: between steps {trend.first} and {trend.last}, the similarity of what they say, by "
            f"{way}, rises by {trend.rise:.2f} ({trend.slope:.3f} a step, standard error {trend.standard_error:.3f}; "
            f"{pairs} pairs of turns; threshold {limits.most_rise:g})."
        )


def _alike(by_step: pd.DataFrame, turns: Sequence[Turn], way: str, most: float, fewest: int) -> Iterator[str]:
    late = part_of(by_step, f"similarity_between_{way}", late=True, fewest=fewest)
    if late.n < fewest or not late.value >= most:
        return
    events = [turn.events[0] for turn in turns if turn.step == late.last]
    yield (
        f"People say much the same: {_when(late)}, the similarity of what they say, by {way}, is {late.value:.2f} "
        f"({late.n} pairs of turns; threshold {most:g}); {_events(events)}."
    )


def _shorter(by_step: pd.DataFrame, limits: CollapseLimits) -> Iterator[str]:
    early, late = (part_of(by_step, "words_mean", late=late, fewest=limits.fewest) for late in (False, True))
    if min(early.n, late.n) < limits.fewest or early.last >= late.first or not early.value:
        return
    if (ratio := late.value / early.value) <= limits.least_length:
        yield (
            f"Talk gets shorter: a turn has {late.value:.1f} words {_when(late)} and {early.value:.1f} {_when(early)}, "
            f"{ratio:.2f} of it ({late.n} and {early.n} turns; threshold {limits.least_length:g})."
        )


def _repeating(
    by_step: pd.DataFrame, turns: Sequence[Turn], repeats: Sequence[Repeat], limits: CollapseLimits
) -> Iterator[str]:
    late = part_of(by_step, "repetition", late=True, fewest=limits.fewest)
    if late.n < limits.fewest or not late.value >= limits.most_repetition or not late.value:
        return
    found = zip(turns, repeats, strict=True)
    turn, again = next((t, r.first) for t, r in found if r.first and late.first <= t.step <= late.last)
    assert again
    yield (
        f"Talk repeats: {_when(late)}, {late.value:.0%} of the turns say an earlier turn again ({late.n} turns; "
        f"threshold {limits.most_repetition:.0%}); event {turn.events[0]} says again what event {again.events[0]} says."
    )


def _when(part: Part) -> str:
    return f"in step {part.first}" if part.first == part.last else f"in steps {part.first} to {part.last}"


def _events(ids: Sequence[int]) -> str:
    more = f" and {len(ids) - _NAMED_EVENTS} more" if len(ids) > _NAMED_EVENTS else ""
    return f"see events {', '.join(map(str, ids[:_NAMED_EVENTS]))}{more}"
