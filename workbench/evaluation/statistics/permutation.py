"""The permutation test: whole clusters swap their conditions, as if the condition made no difference."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, islice, product
from typing import TYPE_CHECKING, Any

from workbench.evaluation.statistics.outcomes import Outcome, constant

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Numbers = npt.NDArray[np.float64]
    Indices = npt.NDArray[np.intp]

PERMUTATIONS = 9999
"""So many at most are gone through one by one; of more, so many are drawn."""
ROUNDING = 1e-12
"""Of a statistic of values between -1 and 1."""
_BATCH = 2_000_000
"""Labels that are held at once."""


def permutation(
    values: npt.ArrayLike,
    conditions: npt.ArrayLike,
    clusters: npt.ArrayLike | None = None,
    *,
    categories: bool = False,
    n_permutations: int = PERMUTATIONS,
    seed: int = 0,
) -> Outcome:
    """Test whether conditions differ, where the rows of a cluster hang together.

    Of two conditions the statistic is mean(0) - mean(1) over rows; of more, the sum of squares between conditions; of
    categories, chi-square. Clusters that are in one condition swap their labels with each other. In a cluster that is
    in several, such as a person who saw both, its parts swap theirs. Where there are few ways to do so, all are gone
    through and p is exact. Else p = (b + 1) / (m + 1) with b of m random ones at least as extreme: Phipson & Smyth
    (2010), doi:10.2202/1544-6115.1585. The test is Fisher's (1935), The Design of Experiments; for whole clusters see
    Gail et al. (1996), On design considerations and randomization-based inference for community intervention trials,
    Statistics in Medicine 15.

    Args:
        values: numbers, or codes of categories from 0; none of them missing.
        conditions: the condition of each row, as a code from 0.
        clusters: the cluster of each row, as a code from 0; every row is one when not given.
        categories: whether values are codes of categories.
        n_permutations: how many at most.
        seed: of the draw.
    """
    import numpy as np

    values, conditions = np.asarray(values), np.asarray(conditions, dtype=np.intp)
    clusters = np.arange(len(conditions)) if clusters is None else np.asarray(clusters, dtype=np.intp)
    present, labels = np.unique(conditions, return_inverse=True)
    if len(present) < 2:
        return Outcome(note="fewer than two conditions have values")
    if constant([values]):
        return Outcome(note="all values are equal: no permutation changes anything")
    units = _units(values, labels, clusters, categories)
    if len(units.blocks) == 1 and len(units.labels) == len(present):
        return Outcome(note="one cluster a condition: what comes of the condition and what of the cluster is unknown")
    statistic = _statistic(units, len(present), categories)
    observed = float(statistic(units.labels[None, :])[0])
    exact = units.log_ways <= math.log(n_permutations) + 1e-9
    ways = _all_ways(units) if exact else _random_ways(units, n_permutations, np.random.default_rng(seed))
    found = np.abs(np.concatenate([statistic(labels) for labels in ways]))
    # Rounding must not decide whether a way is as extreme as what was observed.
    extreme = int((found >= abs(observed) - ROUNDING).sum())
    observed *= units.unit
    if not exact:
        return Outcome(observed, (extreme + 1) / (n_permutations + 1), note=f"{n_permutations:,} random permutations")
    least = float((found >= found.max() - ROUNDING).mean())
    lowest = f"; p cannot be lower than {least:.2g}" if least > 0.05 else ""
    return Outcome(observed, extreme / len(found), note=f"exact: all {len(found):,} permutations{lowest}")


@dataclass(frozen=True)
class _Units:
    """What is swapped: the rows of a cluster in one condition."""

    totals: Numbers
    """A row a unit: the sum of its values (centred, and between -1 and 1) and how many they are; or the count of each
    category."""
    labels: Indices
    """The condition of each unit."""
    blocks: Sequence[Indices]
    """The units among which labels are swapped."""
    unit: float
    """What the statistic of the totals is multiplied with to be that of the values."""

    @property
    def log_ways(self) -> float:
        """The logarithm of how many ways there are to swap labels."""
        import numpy as np

        ways = 0.0
        for block in self.blocks:
            ways += math.lgamma(len(block) + 1)
            ways -= sum(math.lgamma(count + 1) for count in np.bincount(self.labels[block]).tolist())
        return ways


def _units(values: Any, conditions: Indices, clusters: Indices, categories: bool) -> _Units:
    import numpy as np

    cells, unit = np.unique(np.stack([clusters, conditions]), axis=1, return_inverse=True)
    unit, n = unit.ravel(), len(values)
    if categories:
        used, codes = np.unique(values, return_inverse=True)
        totals = np.zeros((cells.shape[1], len(used)))
        np.add.at(totals, (unit, codes), 1.0)
        scale = float(n)
    else:
        centred = values - values.mean()
        widest = float(np.abs(centred).max())
        totals = np.stack([np.bincount(unit, centred / widest), np.bincount(unit)], axis=1).astype(float)
        scale = widest if conditions.max() == 1 else widest**2 * n
    _, of_cluster, size = np.unique(cells[0], return_inverse=True, return_counts=True)
    nested = np.flatnonzero(size[of_cluster] == 1)
    crossed = [np.flatnonzero(of_cluster == cluster) for cluster in np.flatnonzero(size > 1)]
    return _Units(totals, cells[1], [nested, *crossed] if len(nested) else crossed, scale)


def _statistic(units: _Units, n_conditions: int, categories: bool) -> Callable[[Indices], Numbers]:
    """Return a function of many label vectors at once: ways x units."""
    import numpy as np

    n = units.totals.sum() if categories else units.totals[:, 1].sum()

    def by_condition(labels: Indices) -> Numbers:
        parts = [(labels == condition).astype(float) @ units.totals for condition in range(n_conditions)]
        return np.stack(parts, axis=1)

    def difference(labels: Indices) -> Numbers:
        sums = by_condition(labels)
        means: Numbers = sums[:, 0, 0] / sums[:, 0, 1] - sums[:, 1, 0] / sums[:, 1, 1]
        return means

    def between(labels: Indices) -> Numbers:
        sums = by_condition(labels)
        squares: Numbers = (sums[:, :, 0] ** 2 / sums[:, :, 1]).sum(axis=1) / n
        return squares

    def chi_square(labels: Indices) -> Numbers:
        counts = by_condition(labels)
        expected = counts.sum(axis=2, keepdims=True) * counts.sum(axis=1, keepdims=True) / n
        distances: Numbers = ((counts - expected) ** 2 / expected).sum(axis=(1, 2)) / n
        return distances

    return chi_square if categories else difference if n_conditions == 2 else between


def _all_ways(units: _Units) -> Iterator[Indices]:
    import numpy as np

    ways = product(*(_orders(units.labels[block].tolist()) for block in units.blocks))
    places = np.argsort(np.concatenate(units.blocks))
    size = max(1, _BATCH // len(units.labels))
    while batch := list(islice(ways, size)):
        yield np.array([[label for block in way for label in block] for way in batch], dtype=np.intp)[:, places]


def _orders(labels: list[int]) -> Iterator[tuple[int, ...]]:
    """Go through the different orders of labels, of which some are equal."""
    first, *others = dict.fromkeys(labels)
    if not others:
        yield tuple(labels)
        return
    rest = [label for label in labels if label != first]
    for order in _orders(rest):
        for chosen in combinations(range(len(labels)), len(labels) - len(rest)):
            left = iter(order)
            taken = set(chosen)
            yield tuple(first if place in taken else next(left) for place in range(len(labels)))


def _random_ways(units: _Units, n: int, rng: np.random.Generator) -> Iterator[Indices]:
    import numpy as np

    size = max(1, _BATCH // len(units.labels))
    for start in range(0, n, size):
        labels = np.tile(units.labels, (min(size, n - start), 1))
        for block in units.blocks:
            labels[:, block] = rng.permuted(labels[:, block], axis=1)
        yield labels
