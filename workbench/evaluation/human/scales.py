"""Scales of several items: do the answers hang together as those of humans do?"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from typing import TYPE_CHECKING, Any

from workbench.errors import InvalidSettings
from workbench.evaluation.human.kinds import Question
from workbench.evaluation.human.measures import Figure, over
from workbench.evaluation.human.questions import Draws, beside, key_of
from workbench.evaluation.human.resampling import Resampling, measured, observed, themselves
from workbench.evaluation.human.rows import Row
from workbench.evaluation.human.samples import Sample

if TYPE_CHECKING:
    import numpy as np

    from workbench.evaluation.human.resampling import Rng

    Numbers = np.ndarray[Any, np.dtype[Any]]

Scales = Mapping[str, Sequence[str]]
"""Items by scale; an item with a minus before it is reversed."""
_WITHOUT = "all people have one sum: no spread to divide"


def cronbach_alpha(items: Numbers) -> float:
    """Return Cronbach's alpha (Cronbach 1951, doi:10.1007/BF02310555); NaN where the sums have no spread.

    Args:
        items: a row a person, a column an item, none missing.
    """
    import numpy as np

    centred = items - items.mean(axis=0)
    return float(_alpha(np.concatenate([centred, _products(centred)], axis=1).mean(axis=0), items.shape[1]))


def compare_scales(
    scales: Scales,
    questions: Mapping[str, Question],
    samples: Mapping[str, tuple[Sample, Sample]],
    how: Resampling,
    rng: Rng,
) -> list[Row]:
    """Return Cronbach's alpha of each scale, and the correlations between scales, against those of the humans.

    Args:
        scales: items by scale.
        questions: that were asked, by name.
        samples: simulated and human people, by question.
        how: how often, how sure.
        rng: to draw with.
    """
    rows = []
    sides = {name: [_items(items, questions, samples, side) for side in (0, 1)] for name, items in scales.items()}
    for name, (simulated, human) in sides.items():
        m = len(scales[name])
        figure = Figure("cronbach_alpha", _alpha_of(m), high=1, undefined=_WITHOUT)
        rows.append(_compared(name, figure, [_moments(one, range(m)) for one in (simulated, human)], how, rng))
    for first, second in combinations(scales, 2):
        figure = Figure("correlation", _correlation, option=second, low=-1, high=1, undefined=_WITHOUT)
        both = [_moments(_scores(sides[first][side], sides[second][side]), range(2)) for side in (0, 1)]
        rows.append(_compared(first, figure, both, how, rng))
    return rows


def check_scales(scales: Scales, questions: Mapping[str, Question]) -> None:
    """Refuse scales that cannot be added up.

    Raises:
        InvalidSettings: a scale of fewer than two items, or an item that is no ordinal or number question.
    """
    for name, items in scales.items():
        if isinstance(items, str) or len(items) < 2:
            raise InvalidSettings(f"scale {name!r} needs two items or more, as a list of questions; it has {items!r}")
        for item in items:
            question = questions.get(item.removeprefix("-"))
            if question is None:
                raise InvalidSettings(
                    f"item {item!r} of scale {name!r} is no question; there are {', '.join(questions)}"
                )
            if question.positions is None:
                raise InvalidSettings(
                    f"item {item!r} of scale {name!r} is {question.kind}: items are ordinal or numbers"
                )


def _items(
    items: Sequence[str], questions: Mapping[str, Question], samples: Mapping[str, tuple[Sample, Sample]], side: int
) -> Sample:
    """Return people who answered all items, with what they answered."""
    import numpy as np

    names = [item.removeprefix("-") for item in items]
    each = [samples[name][side] for name in names]
    answered = set.intersection(*(set(one.people) for one in each))
    people = [person for person in each[0].people if person in answered]
    columns = []
    for item, name, sample in zip(items, names, each, strict=True):
        positions = np.asarray(questions[name].positions)
        values = np.asarray(sample.of(people).rows @ positions)
        columns.append(positions[0] + positions[-1] - values if item.startswith("-") else values)
    return Sample(tuple(people), np.column_stack(columns), each[0].of(people).weights)


def _scores(first: Sample, second: Sample) -> Sample:
    """Return people who have a value on both scales: the means of their items."""
    import numpy as np

    there = set(second.people)
    people = [person for person in first.people if person in there]
    columns = [one.of(people).rows.mean(axis=1) for one in (first, second)]
    return Sample(tuple(people), np.column_stack(columns), first.of(people).weights)


def _moments(sample: Sample, columns: range) -> Sample:
    """Return a sample whose means are those of the columns and of all their products."""
    import numpy as np
    from scipy.sparse import csr_array

    values = sample.rows[:, list(columns)]
    # Products of large numbers would leave few digits for the spread.
    centred = values - values.mean(axis=0) if sample.n else values
    return replace(sample, rows=csr_array(np.concatenate([centred, _products(centred)], axis=1)))


def _products(values: Numbers) -> Numbers:
    import numpy as np

    return np.asarray((values[:, :, None] * values[:, None, :]).reshape(len(values), -1))


def _covariance(means: Numbers, m: int) -> Numbers:
    import numpy as np

    first, products = means[..., :m], means[..., m:].reshape(*means.shape[:-1], m, m)
    return np.asarray(products - first[..., :, None] * first[..., None, :])


def _alpha_of(m: int) -> Callable[[Numbers], Numbers]:
    return lambda means: _alpha(means, m)


def _alpha(means: Numbers, m: int) -> Numbers:
    import numpy as np

    covariance = _covariance(means, m)
    own, together = np.trace(covariance, axis1=-2, axis2=-1), covariance.sum(axis=(-2, -1))
    return np.asarray((m / (m - 1)) * (1 - over(own, together)))


def _correlation(means: Numbers) -> Numbers:
    import numpy as np

    covariance = _covariance(means, 2)
    spreads = np.sqrt(np.clip(covariance[..., 0, 0] * covariance[..., 1, 1], 0, None))
    return over(covariance[..., 0, 1], spreads)


def _compared(name: str, figure: Figure, sides: Sequence[Sample], how: Resampling, rng: Rng) -> Row:
    simulated, human = sides
    blank = Row(name, "scale", figure.name, option=figure.option, n_simulated=simulated.n, n_human=human.n)
    if not (simulated.n and human.n):
        return replace(blank, note="nobody answered all items on one side: nothing to compare")
    key = key_of(figure)
    size, width = how.n_resamples, max(simulated.n, human.n)
    seen = measured({key: lambda p, q: figure.of(p)}, observed(simulated, human, rng), size, width)
    apart = measured({key: lambda p, q: figure.of(p) - figure.of(q)}, themselves(simulated, human, rng), size, width)
    # Answers at random have nothing to do with one another.
    return beside(figure, figure, replace(blank, uniform=0.0), simulated, human, Draws(seen, apart, {}, {}), how)
