"""Distances between two distributions over the same options.

Shares stand along the last axis and sum to 1; axes before it are samples, all compared at once. Positions are where
the options stand on their scale, in rising order.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import numpy as np

    Numbers = np.ndarray[Any, np.dtype[Any]]


class ChiSquare(NamedTuple):
    """Pearson's chi-square test of homogeneity; NaN where only one option was chosen."""

    statistic: float
    df: int
    p: float


def total_variation(p: Numbers, q: Numbers) -> Numbers:
    """Return the share of answers that would have to move for both to be equal: half the sum of differences, 0 to 1."""
    import numpy as np

    return np.asarray(np.abs(p - q).sum(axis=-1) / 2)


def jensen_shannon(p: Numbers, q: Numbers) -> Numbers:
    """Return the Jensen-Shannon divergence in bits, 0 to 1 (Lin 1991, doi:10.1109/18.61115)."""
    import numpy as np

    middle = (p + q) / 2
    halves = (_information(p, middle) + _information(q, middle)) / 2
    return np.asarray(np.clip(halves, 0, 1))


def _information(p: Numbers, q: Numbers) -> Numbers:
    import numpy as np

    ratio = np.divide(p, q, out=np.ones_like(q), where=(p > 0) & (q > 0))
    return np.asarray((p * np.log2(ratio)).sum(axis=-1))


def wasserstein(p: Numbers, q: Numbers, positions: Numbers) -> Numbers:
    """Return the Wasserstein-1 distance: how far an answer has to move on average, as a share of the scale's range.

    On a scale of k even points that is the distance in points / (k - 1).
    """
    import numpy as np

    steps = np.diff(positions)
    if not len(steps):
        return np.zeros(np.broadcast_shapes(p.shape, q.shape)[:-1])
    return np.asarray((np.abs(np.cumsum(p - q, axis=-1))[..., :-1] * steps).sum(axis=-1) / steps.sum())


def kolmogorov_smirnov(p: Numbers, q: Numbers) -> Numbers:
    """Return the largest difference of the cumulated shares, 0 to 1."""
    import numpy as np

    return np.asarray(np.abs(np.cumsum(p - q, axis=-1)).max(axis=-1))


def mean(p: Numbers, positions: Numbers) -> Numbers:
    """Return the mean position."""
    import numpy as np

    return np.asarray(p @ positions)


def sd(p: Numbers, positions: Numbers) -> Numbers:
    """Return the standard deviation of positions, with n below the fraction: `spread_correction` makes it n - 1."""
    import numpy as np

    # Squares around the middle of the scale, not around 0: years such as 1996 would leave few digits.
    centred = positions - (positions[0] + positions[-1]) / 2
    return np.asarray(np.sqrt(np.clip(p @ centred**2 - (p @ centred) ** 2, 0, None)))


def spread_correction(n: float) -> float:
    """Return what makes the standard deviation of n people that of those they are a sample of."""
    return math.sqrt(n / (n - 1)) if n > 1 else math.nan


def chi_square(simulated: Numbers, human: Numbers) -> ChiSquare:
    """Test whether two samples chose options alike (Pearson 1900); without Yates's correction.

    Args:
        simulated: how many chose each option.
        human: the same of the humans.
    """
    import numpy as np
    from scipy import stats

    counts = np.stack([simulated, human])[:, (simulated + human) > 0]
    df = counts.shape[1] - 1
    if df < 1 or not counts.sum(axis=1).all():
        return ChiSquare(math.nan, max(df, 0), math.nan)
    expected = counts.sum(axis=1, keepdims=True) * counts.sum(axis=0) / counts.sum()
    statistic = float(((counts - expected) ** 2 / expected).sum())
    return ChiSquare(statistic, df, float(stats.chi2.sf(statistic, df)))
