"""Effect sizes: how large a difference is, whatever the sample size. NaN where one is not defined."""

from __future__ import annotations

import math
from typing import Any

from workbench.evaluation.statistics.outcomes import constant, numbers


def mean_difference(a: Any, b: Any) -> float:
    """Return mean(a) - mean(b)."""
    a, b = numbers(a), numbers(b)
    return float(a.mean() - b.mean()) if len(a) and len(b) else math.nan


def hedges_g(a: Any, b: Any) -> float:
    """Return the difference of means in pooled standard deviations, corrected for small samples.

    Hedges (1981), doi:10.3102/10769986006002107, with the usual approximation 1 - 3 / (4n - 9) of the correction, as
    pingouin and statsmodels have it. About 0.2 is called small, 0.5 medium, 0.8 large (Cohen 1988, Statistical Power
    Analysis for the Behavioral Sciences).

    >>> round(hedges_g([2, 4, 6, 8], [1, 3, 5, 7]), 4)
    0.3368
    """
    a, b = numbers(a), numbers(b)
    n = len(a) + len(b)
    if min(len(a), len(b)) < 1 or n < 3 or constant([a, b]):
        return math.nan
    squares = float(((a - a.mean()) ** 2).sum() + ((b - b.mean()) ** 2).sum())
    if not squares:  # of values so small that their squares are lost
        return math.nan
    return float((a.mean() - b.mean()) / math.sqrt(squares / (n - 2)) * (1 - 3 / (4 * n - 9)))


def cliffs_delta(a: Any, b: Any) -> float:
    """Return P(a > b) - P(a < b) for one value of each: from -1 to 1, and 0 where neither tends to be higher.

    Cliff (1993), doi:10.1037/0033-2909.114.3.494.

    >>> cliffs_delta([2, 3], [1, 2])
    0.75
    """
    import numpy as np

    a, b = numbers(a), np.sort(numbers(b))
    if not len(a) or not len(b):
        return math.nan
    below, not_above = np.searchsorted(b, a, "left"), np.searchsorted(b, a, "right")
    return float((below.sum() + not_above.sum()) / (len(a) * len(b)) - 1)


def eta_squared(*groups: Any) -> float:
    """Return the share of the variance that lies between groups: 0 to 1.

    From the sums of squares of an analysis of variance: Cohen (1988), Statistical Power Analysis for the Behavioral
    Sciences, chapter 8. It is too high in small samples.
    """
    import numpy as np

    there = [group for group in map(numbers, groups) if len(group)]
    every = np.concatenate(there) if there else np.array([])
    if len(there) < 2 or constant([every]):
        return math.nan
    between = sum(len(group) * (group.mean() - every.mean()) ** 2 for group in there)
    return float(between / ((every - every.mean()) ** 2).sum())


def epsilon_squared(*groups: Any) -> float:
    """Return H / (n - 1), the share of the variance of ranks that lies between groups: 0 to 1.

    Of the Kruskal-Wallis H with its correction for ties: Tomczak & Tomczak (2014), The need to report effect size
    estimates revisited, Trends in Sport Sciences 21(1). It is eta squared of the ranks.
    """
    import numpy as np
    from scipy.stats import rankdata

    there = [group for group in map(numbers, groups) if len(group)]
    if len(there) < 2:
        return math.nan
    ranks = rankdata(np.concatenate(there))
    return eta_squared(*np.split(ranks, np.cumsum([len(group) for group in there])[:-1]))


def cramers_v(*groups: Any) -> float:
    """Return how strongly a category depends on the group: 0 to 1.

    Cramér (1946), Mathematical Methods of Statistics, section 21.9. It is too high in small samples.

    Args:
        groups: for each, the categories of its rows, as codes from 0.
    """
    import numpy as np

    there = [np.asarray(group, dtype=np.intp) for group in groups if len(group)]
    if len(there) < 2:
        return math.nan
    width = 1 + max(int(group.max()) for group in there)
    counts = np.array([np.bincount(group, minlength=width) for group in there], dtype=float)
    return v_of_counts(counts)


def v_of_counts(counts: Any) -> float:
    """Return Cramér's V of a table of counts: groups x categories."""
    import numpy as np

    counts = np.asarray(counts, dtype=float)
    counts = counts[counts.sum(axis=1) > 0][:, counts.sum(axis=0) > 0]
    smaller = min(counts.shape) - 1
    if smaller < 1:
        return math.nan
    n = counts.sum()
    expected = counts.sum(axis=1, keepdims=True) * counts.sum(axis=0) / n
    return math.sqrt(float(((counts - expected) ** 2 / expected).sum()) / (n * smaller))
