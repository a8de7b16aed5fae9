"""Agreement of two raters, or of many: accuracy, Cohen's kappa, Krippendorff's alpha.

The table of pairs and its kappa are those of `workbench.evaluation.human.agreement`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, get_args

from workbench.errors import InvalidSettings
from workbench.evaluation.human import agreement as pairs
from workbench.evaluation.judge_quality.levels import are_numbers, codes_of, levels_of, named, positions_of

if TYPE_CHECKING:
    import numpy as np

    Numbers = np.ndarray[Any, np.dtype[Any]]

Weights = Literal["linear", "quadratic"]
Level = Literal["nominal", "ordinal", "interval"]


def accuracy(a: Sequence[object], b: Sequence[object]) -> float:
    """Return the share of items on which two raters say the same; items that one of them left out do not count.

    Args:
        a: what one rater said, a value an item; None or NaN where nothing.
        b: what the other said, in the same order.

    Raises:
        InvalidSettings: no item has both, or values that cannot be compared.

    >>> accuracy(["yes", "no", "no"], ["yes", "yes", None])
    0.5
    """
    levels = levels_of([*a, *b])
    return float(pairs.accuracy(joint_of(codes_of(a, levels), codes_of(b, levels), len(levels))))


def cohen_kappa(
    a: Sequence[object],
    b: Sequence[object],
    *,
    levels: Sequence[object] | None = None,
    weights: Weights | None = None,
) -> float:
    """Return Cohen's kappa of two raters: 1 where they agree in all, 0 where no more than chance would.

    Sources: Cohen 1960 (doi:10.1177/001316446002000104); weighted, Cohen 1968 (doi:10.1037/h0026256).

    Args:
        a: what one rater said, a value an item; None or NaN where nothing, and the item does not count.
        b: what the other said, in the same order.
        levels: all that can be said, in order; all that was said, sorted, when not given.
        weights: how much worse it is to be far off: by distance, or by its square. Distances are those of the levels
            where they are numbers, else of their places.

    Returns:
        kappa; NaN where both said one and the same thing of all items, so that chance alone would agree in all.

    Raises:
        InvalidSettings: no item has both, or a value that is none of the levels.

    >>> round(cohen_kappa([1, 1, 0, 0], [1, 0, 0, 0]), 3)
    0.5
    """
    if weights not in (None, *get_args(Weights)):
        raise InvalidSettings(f"weights={weights!r}: there are 'linear', 'quadratic' and None")
    known = levels_of(levels if levels is not None else [*a, *b], in_order=levels is not None)
    joint = joint_of(codes_of(a, known), codes_of(b, known), len(known))
    return float(pairs.kappa(joint, weights or "none", positions_of(known)))


def krippendorff_alpha(ratings: Any, *, level: Level = "nominal", levels: Sequence[object] | None = None) -> float:
    """Return Krippendorff's alpha: 1 where raters agree in all, 0 where no more than chance would.

    Any number of raters; not every rater needs to have rated every item. Items with fewer than two ratings say
    nothing. Source: Krippendorff 2011, "Computing Krippendorff's Alpha-Reliability"
    (https://repository.upenn.edu/asc_papers/43).

    Args:
        ratings: a row a rater, a column an item; None or NaN where there is none.
        level: of measurement: whether values are names, ranks or numbers.
        levels: all that can be said, in order; all that was said, sorted, when not given.

    Returns:
        alpha; NaN where all ratings are one and the same, so that there is nothing to tell apart.

    Raises:
        InvalidSettings: no item with two ratings, or values that do not fit the level.

    >>> round(krippendorff_alpha([[1, 2, 3, None], [1, 2, 2, 3]]), 3)
    0.545
    """
    import pandas as pd

    if level not in get_args(Level):
        raise InvalidSettings(f"level={level!r}: there are {', '.join(map(repr, get_args(Level)))}")
    rows = [list(row) for row in (ratings.to_numpy() if isinstance(ratings, pd.DataFrame) else ratings)]
    if len({len(row) for row in rows}) > 1:
        raise InvalidSettings("ratings: each rater needs a value (or None) for each item, in the same order")
    known = levels_of(
        levels if levels is not None else (one for row in rows for one in row), in_order=levels is not None
    )
    if level == "interval" and known and not are_numbers(known):
        raise InvalidSettings(f"level='interval' needs numbers, and there are {named(known)}")
    return alpha_of(coincidences_of([codes_of(row, known) for row in rows], len(known)), level, positions_of(known))


def joint_of(a: Numbers, b: Numbers, n_levels: int) -> Numbers:
    """Return how often each pair of levels occurs, rows the first rater; a code under 0 is missing.

    Raises:
        InvalidSettings: no item has both.
    """
    import numpy as np

    if len(a) != len(b):
        raise InvalidSettings(f"one rater has {len(a)} values and the other {len(b)}: give one an item, in one order")
    both = (a >= 0) & (b >= 0)
    if not both.any():
        raise InvalidSettings("there is no item that both raters rated")
    counts = np.bincount(a[both] * n_levels + b[both], minlength=n_levels**2)
    return counts.reshape(n_levels, n_levels).astype(float)


def coincidences_of(raters: Sequence[Numbers], n_levels: int) -> Numbers:
    """Return the coincidences of levels within items, each item counting as often as it has ratings.

    Raises:
        InvalidSettings: no item has two ratings.
    """
    import numpy as np

    n_items = len(raters[0]) if raters else 0
    counts = np.zeros((n_items, n_levels))
    for codes in raters:
        given = codes >= 0
        np.add.at(counts, (np.flatnonzero(given), codes[given]), 1)
    counts = counts[counts.sum(axis=1) >= 2]
    if not len(counts):
        raise InvalidSettings("there is no item with two ratings")
    weighted = counts / (counts.sum(axis=1, keepdims=True) - 1)
    return np.asarray(weighted.T @ counts - np.diag(weighted.sum(axis=0)))


def alpha_of(coincidences: Numbers, level: Level, positions: Numbers) -> float:
    """Return Krippendorff's alpha of a table of coincidences; NaN where only one level occurs."""
    import numpy as np

    totals = coincidences.sum(axis=0)
    if (totals > 0).sum() < 2:
        return float("nan")
    cost = _cost(level, positions, totals)
    by_chance = (np.outer(totals, totals) * cost).sum() / (totals.sum() - 1)
    return float(1 - (coincidences * cost).sum() / by_chance)


def _cost(level: Level, positions: Numbers, totals: Numbers) -> Numbers:
    import numpy as np

    if level == "nominal":
        return np.asarray(1.0 - np.eye(len(totals)))
    # Between two ranks lie all ratings between them, and half of those at each end.
    places = np.cumsum(totals) - totals / 2 if level == "ordinal" else positions
    return np.asarray((places[:, None] - places[None, :]) ** 2)
