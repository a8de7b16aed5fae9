"""Drawing people's attributes by a plan: arithmetic and a seeded generator, and no model."""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from workbench.errors import InvalidSettings
from workbench.populations.cells import Cells, Part, hanging_together
from workbench.populations.combinations import Combination
from workbench.populations.dimensions import Dimension
from workbench.populations.fitting import fit
from workbench.populations.ranges import Range
from workbench.populations.rounding import MOST_CANDIDATES, round_cells

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from workbench.populations.fitting import Numbers

STEPS = 100
"""Into about how many a range of numbers that are not whole is divided: more digits would be noise in a persona."""


@dataclass(frozen=True)
class _Fitted:
    """Combinations with their shares among all people, and among those who are sampled."""

    cells: Cells
    shares: Numbers
    sampled: Numbers
    targets: list[Any]

    @property
    def weights(self) -> Numbers:
        """Design weights: how many of all people somebody who is sampled stands for."""
        import numpy as np

        return np.divide(self.shares, self.sampled, out=np.zeros_like(self.shares), where=self.sampled > 0)


def fit_all(dimensions: Sequence[Dimension], impossible: Sequence[Combination]) -> list[_Fitted]:
    """Fit the shares of all combinations.

    Raises:
        InvalidSettings: the shares cannot be met together; those that fail are named.
    """
    return [_fit_one(cells) for cells in hanging_together(dimensions, impossible, MOST_CANDIDATES)]


def _fit_one(cells: Cells) -> _Fitted:
    start, targets = cells.shares(sampled=False)
    shares = fit(start, targets, cells.why)
    if all(dimension.sampled is None for dimension in cells.dimensions):
        return _Fitted(cells, shares, shares, targets)
    start, targets = cells.shares(sampled=True)
    sampled = fit(start, targets, cells.why)
    if lost := float(shares[sampled == 0].sum()):
        raise InvalidSettings(
            f"sampled: {lost:.1%} of the people are in groups of which nobody is sampled: no weight stands for them"
        )
    if wasted := float(sampled[shares == 0].sum()):
        raise InvalidSettings(
            f"sampled: {wasted:.1%} of the sample is in groups that nobody is of (their share is 0): no weight is right"
        )
    return _Fitted(cells, shares, sampled, targets)


def generator(seed: int) -> np.random.Generator:
    """Return a generator of chance.

    Raises:
        InvalidSettings: a seed that is no whole number, 0 or more.
    """
    import numpy as np

    return np.random.default_rng(whole_number(seed, "seed"))


def whole_number(value: Any, name: str, *, least: int = 0) -> int:
    """Return a whole number as one of Python.

    Raises:
        InvalidSettings: it is none, or below the least.
    """
    try:
        number = least - 1 if isinstance(value, bool) else operator.index(value)
    except TypeError:
        number = least - 1
    if number < least:
        raise InvalidSettings(f"{name}={value!r}: a whole number is needed, {least} or more")
    return number


def draw(dimensions: Sequence[Dimension], impossible: Sequence[Combination], n: int, seed: int) -> pd.DataFrame:
    """Draw the attributes of people.

    Args:
        dimensions: what is drawn.
        impossible: combinations that nobody has.
        n: how many people.
        seed: the same one draws the same people.

    Returns:
        a DataFrame, a row a person, a column a dimension in their order, and `weight`, the design weight: 1 on average.
    """
    import numpy as np
    import pandas as pd

    rng = generator(seed)
    columns: dict[str, list[Part]] = {}
    weights = np.ones(n)
    for fitted in fit_all(dimensions, impossible):
        targets = [*fitted.targets, *fitted.cells.marginals(fitted.sampled)]
        counts = round_cells(fitted.sampled, targets, n, rng)
        people = rng.permutation(np.repeat(np.arange(len(counts)), counts))
        weights = weights * fitted.weights[people]
        for name, part_of in fitted.cells.part_of.items():
            columns[name] = [fitted.cells.parts[name][part] for part in part_of[people]]
    places = _places(n, sum(dimension.ranges is not None for dimension in dimensions), rng)
    values: dict[str, list[Any]] = {
        d.name: [part.level for part in columns[d.name]] for d in dimensions if d.ranges is None
    }
    for dimension, place in zip((d for d in dimensions if d.ranges is not None), places, strict=True):
        values[dimension.name] = _numbers(columns[dimension.name], place)
    table = pd.DataFrame({dimension.name: values[dimension.name] for dimension in dimensions})
    return table.assign(weight=weights * n / weights.sum())


def _places(n: int, n_numbers: int, rng: np.random.Generator) -> Numbers:
    """Return where between 0 and 1 everybody stands in each number, shape (numbers, n): evenly also in all together.

    Points of a scrambled Sobol sequence (Owen 1998, doi:10.1006/jcom.1998.0487).
    """
    import numpy as np
    from scipy.stats import qmc

    if not n_numbers:
        return np.zeros((0, n))
    points = qmc.Sobol(n_numbers, scramble=True, rng=rng).random_base2(max(1, math.ceil(math.log2(n))))
    return np.asarray(points[:n].T)


def _numbers(parts: Sequence[Part], places: Numbers) -> list[float]:
    """Return a number for everybody within their range: those of one range stand evenly in it, by their places."""
    import numpy as np

    numbers = [0.0] * len(parts)
    for part in dict.fromkeys(parts):
        assert part.range is not None
        mine = np.array([number for number, other in enumerate(parts) if other is part])
        ranks = np.argsort(np.argsort(places[mine], kind="stable"), kind="stable")
        for person, even in zip(mine, (ranks + 0.5) / len(mine), strict=True):
            numbers[person] = _number(part.range, float(even))
    return numbers


def _number(within: Range, place: float) -> float:
    value = within.low + place * within.width
    if within.whole:
        return math.floor(value)
    if math.nextafter(within.low, math.inf) >= within.high:  # one number alone
        return within.low
    digits = max(0, math.ceil(math.log10(STEPS / within.width)))
    step = math.floor(value * 10**digits + 1e-9) / 10**digits
    return round(step, digits) if step in within else value
