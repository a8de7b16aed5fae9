"""Rows that hang together: how much, and what of them is independent of the rest."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from workbench.evaluation.statistics.outcomes import Outcome, constant, quiet

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


def codes(*columns: Any) -> npt.NDArray[np.intp]:
    """Return a code from 0 for each row, by first appearance: equal rows of all columns have one code.

    >>> codes(["b", "a", "b"], [1, 1, 1]).tolist()
    [0, 1, 0]
    """
    import numpy as np

    places: dict[tuple[object, ...], int] = {}
    rows = zip(*(list(column) for column in columns), strict=True)
    return np.array([places.setdefault(row, len(places)) for row in rows], dtype=np.intp)


def components(first: npt.ArrayLike, second: npt.ArrayLike) -> npt.NDArray[np.intp]:
    """Return what hangs together by either of two codes: a code a row, such that no other row shares one of its two."""
    import numpy as np
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    one, other = np.asarray(first, dtype=np.intp), np.asarray(second, dtype=np.intp)
    if not len(one):
        return one
    shape = (1 + one.max() + 1 + other.max(),) * 2
    links = coo_array((np.ones(len(one)), (one, 1 + one.max() + other)), shape=shape)
    return np.asarray(connected_components(links, directed=False)[1][one], dtype=np.intp)


def icc(values: npt.ArrayLike, clusters: npt.ArrayLike, conditions: npt.ArrayLike | None = None) -> Outcome:
    """Return how alike the rows of a cluster are, as the intraclass correlation (the statistic), with the p of its F.

    ICC(1): Shrout & Fleiss (1979), doi:10.1037/0033-2909.86.2.420; for clusters of unequal sizes in several conditions
    as in Donner & Klar (2000), Design and Analysis of Cluster Randomization Trials in Health Research. It is below 0
    where the rows of a cluster are less alike than rows at random.

    Args:
        values: numbers; none of them missing.
        clusters: the cluster of each row, as a code from 0.
        conditions: the condition of each row, as a code from 0: what differs between conditions does not count.
    """
    import numpy as np
    from scipy.stats import f

    y = np.asarray(values, dtype=float)
    level = np.zeros(len(y), dtype=np.intp) if conditions is None else codes(np.asarray(conditions).tolist())
    cell = codes(level.tolist(), np.asarray(clusters).tolist())
    sizes = np.bincount(cell)
    level_of = np.zeros(len(sizes), dtype=np.intp)
    level_of[cell] = level
    n, k, groups = len(y), len(sizes), len(np.unique(level))
    if k == n:
        return Outcome(note="every cluster has one row")
    if k == groups:
        return Outcome(note="one cluster a condition: there is nothing to hold its rows against")
    if constant([y[cell == one] for one in range(k)]):
        return Outcome(note="no two values within a cluster differ")
    means, middle = np.bincount(cell, y) / sizes, np.bincount(level, y) / np.bincount(level)
    between = float((sizes * (means - middle[level_of]) ** 2).sum()) / (k - groups)
    within = float(((y - means[cell]) ** 2).sum()) / (n - k)
    size = (n - float((np.bincount(level_of, sizes**2) / np.bincount(level)).sum())) / (k - groups)
    with quiet():
        p = float(f.sf(between / within, k - groups, n - k))
    whole = between + (size - 1) * within
    if whole <= 1e-12 * max(between, within):
        return Outcome(note="too few rows share a cluster to say how alike they are")
    return Outcome((between - within) / whole, p, df=k - groups, df_error=n - k)


def design_effect(size: float, correlation: float) -> float:
    """Return how many times more rows are needed because they come in clusters: 1 + (size - 1) * correlation.

    Kish (1965), Survey Sampling, section 5.4.

    >>> design_effect(11, 0.1)
    2.0
    """
    return 1 + (size - 1) * correlation


def mean_size(clusters: npt.ArrayLike) -> float:
    """Return how many rows share a cluster with a row, itself counted, on average over rows (Kish 1965)."""
    import numpy as np

    sizes = np.bincount(np.asarray(clusters, dtype=np.intp))
    return float((sizes**2).sum() / sizes.sum()) if sizes.sum() else math.nan
