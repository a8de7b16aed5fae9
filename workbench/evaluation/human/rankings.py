"""Rankings: mean ranks, Borda points and first choices, and how alike two sets of them are.

Ranks stand along the last axis, 1 the best; axes before it are samples, all compared at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    Numbers = np.ndarray[Any, np.dtype[Any]]

_DIGITS = 9
"""Means of ranks that differ by less are ties: weights leave dust behind the last digit."""


def ranks_of(order: Sequence[object], options: Sequence[object]) -> Numbers:
    """Return the rank of each option; those that were left out share the ranks behind.

    >>> ranks_of(["c", "a"], ["a", "b", "c", "d"]).tolist()
    [2.0, 3.5, 1.0, 3.5]
    """
    import numpy as np

    behind = (len(order) + 1 + len(options)) / 2
    place = {option: rank for rank, option in enumerate(order, start=1)}
    return np.array([place.get(option, behind) for option in options], dtype=float)


def borda(mean_ranks: Numbers) -> Numbers:
    """Return Borda points as a share of the most that can be had: 1 for whom all rank first, 0 last (Borda 1781)."""
    import numpy as np

    k = mean_ranks.shape[-1]
    return np.asarray((k - mean_ranks) / max(k - 1, 1))


def rank_distance(p: Numbers, q: Numbers) -> Numbers:
    """Return the mean difference of the options' mean ranks, as a share of the k - 1 ranks between first and last."""
    import numpy as np

    return np.asarray(np.abs(p - q).mean(axis=-1) / max(p.shape[-1] - 1, 1))


def spearman(p: Numbers, q: Numbers) -> Numbers:
    """Return Spearman's rank correlation of mean ranks (Spearman 1904), ties averaged; NaN where all are tied."""
    import numpy as np
    from scipy import stats

    first, second = (stats.rankdata(np.round(one, _DIGITS), axis=-1) for one in (p, q))
    first, second = (one - one.mean(axis=-1, keepdims=True) for one in (first, second))
    return _over((first * second).sum(axis=-1), np.sqrt((first**2).sum(axis=-1) * (second**2).sum(axis=-1)))


def kendall(p: Numbers, q: Numbers) -> Numbers:
    """Return Kendall's tau-b of mean ranks (Kendall 1945, doi:10.1093/biomet/33.3.239); NaN where all are tied."""
    import numpy as np

    above, below = np.triu_indices(p.shape[-1], 1)
    first, second = (np.sign(np.round(one[..., above] - one[..., below], _DIGITS)) for one in (p, q))
    return _over((first * second).sum(axis=-1), np.sqrt((first**2).sum(axis=-1) * (second**2).sum(axis=-1)))


def same_first(p: Numbers, q: Numbers) -> Numbers:
    """Return 1 where the option of the best mean rank is the same, 0 where not, and in between where some are tied."""
    import numpy as np

    best = [np.round(one, _DIGITS) == np.round(one, _DIGITS).min(axis=-1, keepdims=True) for one in (p, q)]
    first, second = (one / one.sum(axis=-1, keepdims=True) for one in best)
    return np.asarray(np.minimum(first, second).sum(axis=-1))


def _over(above: Numbers, below: Numbers) -> Numbers:
    import numpy as np

    above, below = np.asarray(above, dtype=float), np.asarray(below, dtype=float)
    return np.asarray(np.divide(above, below, out=np.full(np.shape(below), np.nan), where=below > 0))
