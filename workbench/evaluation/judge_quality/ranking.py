"""How well a score orders items: area under the ROC curve, and Spearman's correlation, also at the same of a third."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from workbench.errors import InvalidSettings

if TYPE_CHECKING:
    import numpy as np

    Numbers = np.ndarray[Any, np.dtype[Any]]

_DUST = 1e-9
"""The share of a spread below which what is left of it is rounding."""


def auc(score: Sequence[float], positive: Sequence[bool]) -> float:
    """Return how often a positive item has the higher score of a positive and a negative one; ties count half.

    It is the area under the ROC curve: 0.5 at chance. Source: Hanley & McNeil 1982
    (doi:10.1148/radiology.143.1.7063747).

    Args:
        score: a number an item; items without one (NaN) do not count.
        positive: whether each item is positive.

    Returns:
        the area; NaN where there are no positive or no negative items.

    Raises:
        InvalidSettings: not one score an item.

    >>> auc([0.9, 0.4, 0.4, 0.1], [True, True, False, False])
    0.875
    """
    import numpy as np
    from scipy.stats import rankdata

    numbers, of_interest = np.asarray(score, dtype=float), np.asarray(positive, dtype=bool)
    if numbers.shape != of_interest.shape or numbers.ndim != 1:
        raise InvalidSettings(f"{numbers.size} scores for {of_interest.size} items: give one an item, in one order")
    there = ~np.isnan(numbers)
    numbers, of_interest = numbers[there], of_interest[there]
    n_positive = int(of_interest.sum())
    n_negative = len(numbers) - n_positive
    if not n_positive or not n_negative:
        return math.nan
    above = rankdata(numbers)[of_interest].sum() - n_positive * (n_positive + 1) / 2
    return float(above / (n_positive * n_negative))


def spearman(a: Numbers, b: Numbers) -> float:
    """Return Spearman's rank correlation (Spearman 1904, doi:10.2307/1412159); NaN where one side is constant."""
    return spearman_given(a, b, None)


def spearman_given(a: Numbers, b: Numbers, given: Numbers | None, *, ordered: bool = True) -> float:
    """Return the rank correlation of two things with a third held fixed.

    The ranks of both are freed of what the third explains of them by least squares, and what is left is correlated: the
    partial rank correlation, as of Conover 1999, Practical Nonparametric Statistics, section 5.4.

    Args:
        a: numbers.
        b: numbers.
        given: what is held fixed, as numbers or codes.
        ordered: whether the third has an order: its ranks are then held fixed, else its groups.

    Returns:
        the correlation; NaN where nothing is left to correlate.
    """
    import numpy as np
    from scipy.stats import rankdata

    fixed = [np.ones(len(a))]
    if given is not None and ordered:
        fixed.append(rankdata(given))
    elif given is not None:
        fixed += [(given == group).astype(float) for group in np.unique(given)[1:]]
    if len(a) <= len(fixed) + (given is not None):
        return math.nan
    explaining = np.column_stack(fixed)
    first, second = (_left_of(rankdata(one), explaining) for one in (a, b))
    if first is None or second is None:
        return math.nan
    return float(np.clip(first @ second, -1, 1))


def _left_of(ranks: Numbers, explaining: Numbers) -> Numbers | None:
    """Return what is not explained, of length 1; None where that is nothing."""
    import numpy as np

    rest = ranks - explaining @ np.linalg.lstsq(explaining, ranks, rcond=None)[0]
    length = float(np.linalg.norm(rest))
    return rest / length if length > _DUST * float(np.linalg.norm(ranks)) else None
