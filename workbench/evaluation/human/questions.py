"""One question: all its statistics, each with its interval, its baselines and its ceiling."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from workbench.evaluation.human import distances
from workbench.evaluation.human.baselines import DRAWS, at_random, most_common, random_pairs
from workbench.evaluation.human.equivalence import Equivalence, Moments, tost
from workbench.evaluation.human.kinds import Question
from workbench.evaluation.human.margins import Margins
from workbench.evaluation.human.measures import Figure, Measure, figures_of, measures_of
from workbench.evaluation.human.reach import distance_interval
from workbench.evaluation.human.resampling import Resampling, band, halves, measured, observed, themselves
from workbench.evaluation.human.rows import NAN, Row
from workbench.evaluation.human.samples import Sample

if TYPE_CHECKING:
    import numpy as np

    from workbench.evaluation.human.resampling import Rng

    Numbers = np.ndarray[Any, np.dtype[Any]]

ALONE = "one person on a side: no interval"


@dataclass(frozen=True, eq=False)
class Draws:
    """What the statistics of a question are on resamples, by name."""

    seen: Mapping[str, Numbers]
    ceiling: Mapping[str, Numbers]
    random: Mapping[str, Numbers]
    split: Mapping[str, Numbers]


def compare_question(
    question: Question, simulated: Sample, human: Sample, resampling: Resampling, rng: Rng, margins: Margins
) -> list[Row]:
    """Return the statistics of one question.

    Args:
        question: what it is.
        simulated: people who answered.
        human: people who answered.
        resampling: how often, how sure.
        rng: to draw with.
        margins: within which both sides are as good as equal.
    """
    blank = Row(question.name, question.kind, "", n_simulated=simulated.n, n_human=human.n)
    if not (simulated.n and human.n):
        sides = " and ".join(side for side, n in (("simulated", simulated.n), ("human", human.n)) if not n)
        return [replace(blank, statistic="answers", note=f"no {sides} answers: nothing to compare")]
    measures = measures_of(question, simulated.n, human.n)
    figures = figures_of(question, simulated.n)
    theirs = figures_of(question, human.n)
    draws = _draws(question, simulated, human, resampling, rng)
    rows = [_both(measure, blank, question, simulated, human, draws, resampling) for measure in measures]
    if question.kind in ("ordinal", "number"):
        rows.append(_equivalent(blank, question, simulated, human, margins, resampling))
    if question.kind == "nominal":
        rows.append(_tested(blank, simulated, human, resampling))
    floors = at_random(question), most_common(question, human)
    for figure, other in zip(figures, theirs, strict=True):
        uniform, common = (float(figure.of(floor)) for floor in floors)
        row = replace(blank, uniform=uniform, most_common=common)
        rows.append(beside(figure, other, row, simulated, human, draws, resampling))
    return rows


def key_of(figure: Figure) -> str:
    """Return the name of a figure's draws."""
    return f"{figure.name} {figure.option}"


def _draws(question: Question, simulated: Sample, human: Sample, resampling: Resampling, rng: Rng) -> Draws:
    measures = measures_of(question, simulated.n, human.n)
    both: dict[str, Callable[..., Numbers]] = {one.name: one.of for one in measures}
    seen, differences = dict(both), dict(both)
    for figure in figures_of(question, simulated.n):
        seen[key_of(figure)] = _of_first(figure)
        differences[key_of(figure)] = _difference(figure)
    apart = simulated.means - human.means
    seen |= {f"noise of {one.name}": _noise(one, apart) for one in measures if one.distance and one.name != _OF_SHARES}
    for name, floor in (("uniform", at_random(question)), ("most_common", most_common(question, human))):
        seen[f"over {name}"] = _over(measures[0], floor)
    k, size = human.rows.shape[1], resampling.n_resamples
    width = max(k, simulated.n if k > _MANY else 0, human.n if k > _MANY else 0)
    n = max(round(simulated.effective_n), 1)
    split = {one.name: one.of for one in measures_of(question, human.n // 2, human.n // 2)}
    return Draws(
        seen=measured(seen, observed(simulated, human, rng), size, width),
        ceiling=measured(differences, themselves(simulated, human, rng), size, width),
        random=measured(
            both, random_pairs(question, n, human.means, rng), DRAWS, n * k if question.kind == "ranking" else k
        ),
        split=measured(split, halves(human, rng), DRAWS, width) if human.n > 1 else {},
    )


_MANY = 16
"""Columns from which people may all be different, so that a resample needs a number a person."""


_OF_SHARES = "jensen_shannon"
"""The distance that is no function of differences alone: its noise is that of humans among themselves."""


def _of_first(figure: Figure) -> Callable[..., Numbers]:
    return lambda p, q: figure.of(p)


def _difference(figure: Figure) -> Callable[..., Numbers]:
    return lambda p, q: figure.of(p) - figure.of(q)


def _noise(measure: Measure, apart: Numbers) -> Callable[..., Numbers]:
    """Return a distance between resamples that are moved so that only noise is between them."""
    return lambda p, q: measure.of(p - apart, q)


def _over(measure: Measure, floor: Numbers) -> Callable[..., Numbers]:
    """Return how much farther from the humans the simulated people are than a floor is."""
    return lambda p, q: measure.of(p, q) - measure.of(floor, q)


def _both(
    measure: Measure, blank: Row, question: Question, simulated: Sample, human: Sample, draws: Draws, how: Resampling
) -> Row:
    value = float(measure.of(simulated.means, human.means))
    row = replace(
        blank,
        statistic=measure.name,
        value=value,
        uniform=_middle(draws.random[measure.name]),
        most_common=float(measure.of(most_common(question, human), human.means)),
        note=measure.undefined if math.isnan(value) else "",
    )
    if min(simulated.n, human.n) < 2:
        return replace(row, note=row.note or ALONE)
    seen, sides = draws.seen[measure.name], (simulated, human)
    if measure.distance:
        noise = draws.ceiling[_OF_SHARES] if measure.name == _OF_SHARES else draws.seen[f"noise of {measure.name}"]
        reach = [
            distance_interval(measure.name, question, value, noise, sides, sure)
            for sure in (how.confidence, 2 * how.confidence - 1)
        ]
    else:
        reach = [band(seen, sure) for sure in (how.confidence, 2 * how.confidence - 1)]
    floor, ceiling = band(draws.ceiling[measure.name], how.confidence)
    return replace(
        row,
        ci_low=reach[0][0],
        ci_high=reach[0][1],
        ceiling_low=floor,
        ceiling_high=ceiling,
        split_half=_middle(draws.split.get(measure.name)),
        inner_low=reach[1][0],
        inner_high=reach[1][1],
        over_uniform=band(draws.seen["over uniform"], how.confidence)[1],
        over_most_common=band(draws.seen["over most_common"], how.confidence)[1],
    )


def beside(
    figure: Figure, theirs: Figure, blank: Row, simulated: Sample, human: Sample, draws: Draws, how: Resampling
) -> Row:
    """Return a row of a figure of one side, beside the same of the humans.

    The band is where that of humans in place of the simulated people would be: the humans' figure, and what lies
    between two samples of them.
    """
    value, other = float(figure.of(simulated.means)), float(theirs.of(human.means))
    row = replace(
        blank,
        statistic=figure.name,
        option=figure.option,
        value=value,
        human=other,
        note=figure.undefined if math.isnan(value) or math.isnan(other) else "",
    )
    if min(simulated.n, human.n) < 2:
        return replace(row, note=row.note or ALONE)
    low, high = band(draws.seen[key_of(figure)], how.confidence)
    below, above = band(draws.ceiling[key_of(figure)], how.confidence)
    return replace(
        row,
        ci_low=low,
        ci_high=high,
        ceiling_low=max(other + below, figure.low),
        ceiling_high=min(other + above, figure.high),
    )


def _middle(draws: Numbers | None) -> float:
    import numpy as np

    if draws is None or not np.isfinite(draws).any():
        return NAN
    return float(np.median(draws[np.isfinite(draws)]))


def _tested(blank: Row, simulated: Sample, human: Sample, how: Resampling) -> Row:
    from scipy import stats

    test = distances.chi_square(*(one.means * one.effective_n for one in (simulated, human)))
    row = replace(blank, statistic="chi_square", value=test.statistic)
    if math.isnan(test.statistic):
        return replace(row, note="all chose one option: nothing to test")
    weighted = "; of effective numbers of people" if simulated.weighted or human.weighted else ""
    ends = stats.chi2.ppf([(1 - how.confidence) / 2, (1 + how.confidence) / 2], test.df)
    note = f"df = {test.df}, p = {test.p:.3g}{weighted}; grows with n: no measure of distance"
    return replace(row, ceiling_low=float(ends[0]), ceiling_high=float(ends[1]), note=note)


def _equivalent(
    blank: Row, question: Question, simulated: Sample, human: Sample, margins: Margins, how: Resampling
) -> Row:
    tested = equivalence_of(question, simulated, human, margins, level=1 - how.confidence)
    row = replace(blank, statistic="equivalence_p", value=tested.p)
    if math.isnan(tested.p):
        return replace(row, note="no spread on either side, or one person: means cannot be tested")
    inside = f"{2 * how.confidence - 1:.0%} interval {tested.low:.3g} to {tested.high:.3g}"
    return replace(row, note=f"TOST (Welch) of the mean difference: {inside}, margin ±{tested.margin:.3g}")


def equivalence_of(
    question: Question, simulated: Sample, human: Sample, margins: Margins, *, level: float = 0.05
) -> Equivalence:
    """Test whether the means of an ordinal or a number question are within the margin."""
    sides = [_moments(question, one) for one in (simulated, human)]
    return tost(sides[0], sides[1], margins.in_points(question, sides[1].sd), level=level)


def _moments(question: Question, sample: Sample) -> Moments:
    if question.positions is None:
        raise AssertionError(f"{question.kind} questions have no mean")
    means, corrected = sample.means, distances.spread_correction(sample.n)
    mean = float(distances.mean(means, question.positions))
    return Moments(mean, float(distances.sd(means, question.positions)) * corrected, sample.effective_n)
