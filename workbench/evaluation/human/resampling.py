"""Seeded resamples of people, as means over them, and intervals of what is measured on them.

`workbench.evaluation.statistics.bootstrap_interval` calls a statistic once a resample. Here every statistic is one of
means over people, so that thousands of resamples are one product of matrices, drawn once for all statistics of a
question; and distances need intervals of another kind (see `reach.py`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from workbench.evaluation.human.samples import Sample

if TYPE_CHECKING:
    import numpy as np

    Numbers = np.ndarray[Any, np.dtype[Any]]
    Rng = np.random.Generator
    Pairs = Callable[[int], tuple[Numbers, Numbers]]
    """Draws some pairs of samples: the means of each, a row a sample."""

_CELLS = 4_000_000
"""Numbers in memory at once."""
_FEW = 64
"""Columns, and kinds of people, up to which people who are equal are counted together."""


_DUST = 1e-12


@dataclass(frozen=True)
class Resampling:
    """How often, and how sure."""

    n_resamples: int = 2000
    confidence: float = 0.95
    seed: int = 0


@dataclass(frozen=True, eq=False)
class Urn:
    """People to draw from, the equal ones counted together."""

    sums: Any
    """Weighted columns and the weight itself, a row a kind of people."""
    chances: Numbers
    n: int

    @classmethod
    def of(cls, sample: Sample, *, by_weight: bool = False) -> Urn:
        """Return people as an urn.

        Args:
            sample: of people.
            by_weight: whether those who weigh more are drawn more often and then count as one, as if they were people
                of the population; otherwise all are drawn alike and carry their weights.
        """
        import numpy as np
        from scipy.sparse import csr_array

        weights = np.ones(sample.n) if by_weight else sample.weights
        chances = sample.weights / sample.weights.sum() if by_weight else np.full(sample.n, 1 / sample.n)
        sums = _sums(sample, weights)
        if sums.shape[1] > _FEW + 1:
            return cls(sums, chances, sample.n)
        kinds, kind_of = np.unique(sums.toarray(), axis=0, return_inverse=True)
        if len(kinds) > _FEW:  # to draw people is faster than to draw so many kinds of unequal chances
            return cls(sums, chances, sample.n)
        return cls(csr_array(kinds), np.bincount(kind_of.ravel(), weights=chances), sample.n)

    def draw(self, size: int, rng: Rng, n: int | None = None) -> Numbers:
        """Return the means of samples of n people, drawn with replacement: a row a sample."""
        n = self.n if n is None else n
        return self.means(_counts(self.chances, n, size, rng))

    def means(self, counts: Numbers) -> Numbers:
        """Return the means of samples, of which it is known how often each kind of people is in them."""
        import numpy as np

        sums = np.asarray(counts @ self.sums)
        return np.asarray(sums[:, :-1] / sums[:, -1:])


def _counts(chances: Numbers, n: int, size: int, rng: Rng) -> Numbers:
    import numpy as np

    kinds = len(chances)
    chances = chances / chances.sum()
    if kinds <= _FEW:
        return np.asarray(rng.multinomial(n, chances, size=size), dtype=float)
    counts = np.empty((size, kinds))
    equal, ends = float(np.ptp(chances)) < _DUST, np.cumsum(chances)
    ends[-1] = 1
    for row in counts:  # one sample at a time fits into the cache of the processor: three times as fast as all at once
        drawn = rng.integers(0, kinds, n) if equal else np.searchsorted(ends, rng.random(n), side="right")
        row[:] = np.bincount(drawn, minlength=kinds)
    return counts


def measured(measures: Mapping[str, Callable[..., Numbers]], pairs: Pairs, size: int, width: int) -> dict[str, Numbers]:
    """Return what each function of two means is on many pairs of samples.

    Args:
        measures: functions of two arrays of means, a row a sample.
        pairs: draws them.
        size: how many pairs.
        width: numbers that a pair needs in memory.
    """
    import numpy as np

    at_once = max(1, min(size, _CELLS // max(width, 1)))
    parts: dict[str, list[Numbers]] = {name: [] for name in measures}
    for start in range(0, size, at_once):
        first, second = pairs(min(at_once, size - start))
        for name, of in measures.items():
            parts[name].append(np.atleast_1d(of(first, second)))
    return {name: np.concatenate(values) for name, values in parts.items()}


def observed(simulated: Sample, human: Sample, rng: Rng) -> Pairs:
    """Return resamples of both sides: how sure we are of what we see."""
    first, second = Urn.of(simulated), Urn.of(human)
    return lambda size: (first.draw(size, rng), second.draw(size, rng))


def themselves(simulated: Sample, human: Sample, rng: Rng) -> Pairs:
    """Return humans against humans: what a perfect simulation of that many people would look like.

    The first sample takes the place of the simulated one: humans drawn by weight, as many as it has (or would have, if
    all weighed the same). The second is the human sample drawn again, since it too could have come out otherwise.
    """
    stand_ins, second, n = Urn.of(human, by_weight=True), Urn.of(human), max(round(simulated.effective_n), 1)
    return lambda size: (stand_ins.draw(size, rng, n), second.draw(size, rng))


def halves(human: Sample, rng: Rng) -> Pairs:
    """Return the humans divided at random into two halves."""
    import numpy as np

    together, each = Urn.of(human), Urn(_sums(human, human.weights), np.empty(0), human.n)
    half = human.n // 2

    def pairs(size: int) -> tuple[Numbers, Numbers]:
        if len(together.chances) < human.n:
            everybody = np.round(together.chances * human.n).astype(np.int64)
            first = rng.multivariate_hypergeometric(everybody, half, size=size, method="marginals")
            return together.means(first.astype(float)), together.means((everybody - first).astype(float))
        inside = (rng.random((size, human.n)).argsort(axis=1) < half).astype(float)
        return each.means(inside), each.means(1 - inside)

    return pairs


def _sums(sample: Sample, weights: Numbers) -> Any:
    """Return weighted rows with the weights themselves as the last column."""
    from scipy.sparse import csr_array, diags_array, hstack

    return csr_array(hstack([diags_array(weights) @ sample.rows, csr_array(weights[:, None])]))


def band(draws: Numbers, confidence: float) -> tuple[float, float]:
    """Return the quantiles that hold the given share of draws; NaN where there are none."""
    import numpy as np

    there = draws[np.isfinite(draws)]
    if not len(there):
        return math.nan, math.nan
    low, high = np.quantile(there, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)
