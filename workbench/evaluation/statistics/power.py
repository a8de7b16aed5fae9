"""Power: how likely a planned study is to find a difference, and how large one has to be to find it."""

from __future__ import annotations

import math
from dataclasses import dataclass

from workbench.errors import InvalidSettings
from workbench.evaluation.statistics.clusters import design_effect

MOST_CLUSTERS = 10_000_000
"""A condition: a study that needs more is not planned here."""


@dataclass(frozen=True)
class Power:
    """A planned comparison of two conditions."""

    effect_size: float
    """The difference of means in standard deviations (Cohen's d)."""
    power: float
    """The chance to find it: p below alpha."""
    n_a: int
    """Rows of the one condition."""
    n_b: int
    n_clusters_a: int
    """Whole sessions or persons of the one condition; rows, where a cluster is one."""
    n_clusters_b: int
    icc: float
    design_effect: float
    """How many times more rows are needed because they come in clusters."""
    alpha: float

    def __str__(self) -> str:
        clusters = ""
        if self.design_effect != 1:
            clusters = (
                f" in {self.n_clusters_a:,} + {self.n_clusters_b:,} clusters (design effect {self.design_effect:.2f})"
            )
        return (
            f"{self.n_a:,} + {self.n_b:,} rows{clusters} find a difference of {self.effect_size:g} standard deviations "
            f"with a chance of {self.power:.0%} (alpha {self.alpha:g})"
        )


def power(
    effect_size: float,
    n: int,
    n_b: int | None = None,
    *,
    alpha: float = 0.05,
    cluster_size: int = 1,
    icc: float = 0.0,
) -> Power:
    """Return the power of a comparison of two means with a planned number of rows.

    Of a two-sided t test: Cohen (1988), Statistical Power Analysis for the Behavioral Sciences, chapter 2; by
    statsmodels. Rows in clusters count for 1 / design effect of them (Kish 1965), and the test has the degrees of
    freedom of its clusters (Donner & Klar 2000, Design and Analysis of Cluster Randomization Trials in Health
    Research).

    Args:
        effect_size: the difference that is to be found, in standard deviations.
        n: rows a condition.
        n_b: rows of the second condition; as many as of the first when not given.
        alpha: under which p counts; divided by the number of metrics and pairs where Holm corrects for them.
        cluster_size: rows of a whole session or person; n is a multiple of it.
        icc: how alike the rows of a cluster are, 0 to 1: see `assumptions`.

    Raises:
        InvalidSettings: numbers that cannot be.

    >>> print(power(0.5, 64))
    64 + 64 rows find a difference of 0.5 standard deviations with a chance of 80% (alpha 0.05)
    """
    _check(effect_size, alpha, cluster_size, icc)
    other = n if n_b is None else n_b
    for rows in (n, other):
        if rows < 1 or rows % cluster_size:
            raise InvalidSettings(
                f"{rows} rows are no whole clusters of {cluster_size}: give a multiple, 1 cluster or more"
            )
    if n + other < 3 * cluster_size:
        raise InvalidSettings("two clusters, one a condition, say nothing: plan 3 or more")
    return _planned(effect_size, n // cluster_size, other // cluster_size, alpha, cluster_size, icc)


def sample_size(
    effect_size: float,
    power: float = 0.8,
    *,
    ratio: float = 1.0,
    alpha: float = 0.05,
    cluster_size: int = 1,
    icc: float = 0.0,
) -> Power:
    """Return the smallest comparison of two means that has the wanted power; sources as `power`.

    Args:
        effect_size: the difference that is to be found, in standard deviations.
        power: the wanted chance to find it.
        ratio: clusters of the second condition for each of the first, rounded up.
        alpha: under which p counts.
        cluster_size: rows of a whole session or person.
        icc: how alike the rows of a cluster are, 0 to 1.

    Raises:
        InvalidSettings: numbers that cannot be, or a difference so small that more than 10 million clusters are needed.

    >>> sample_size(0.5, 0.8).n_a
    64
    """
    _check(effect_size, alpha, cluster_size, icc)
    if not alpha < power < 1:
        raise InvalidSettings(f"power is {power!r}: it lies between alpha ({alpha:g}) and 1, such as 0.8")
    if not 0 < ratio < math.inf:
        raise InvalidSettings(f"ratio is {ratio!r}: above 0, and 1 for conditions of one size")

    def planned(clusters: int) -> Power:
        return _planned(effect_size, clusters, math.ceil(clusters * ratio - 1e-9), alpha, cluster_size, icc)

    low, high = 1, 2
    while planned(high).power < power:
        low, high = high, 2 * high
        if high > MOST_CLUSTERS:
            raise InvalidSettings(
                f"a difference of {effect_size:g} needs more than {MOST_CLUSTERS:,} clusters a condition"
            )
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if planned(middle).power >= power else (middle, high)
    return planned(high)


def _planned(effect_size: float, k_a: int, k_b: int, alpha: float, size: int, icc: float) -> Power:
    from statsmodels.stats.power import ttest_power

    inflated = design_effect(size, icc)
    rows = size / inflated / (1 / k_a + 1 / k_b)
    found = float(ttest_power(abs(effect_size), rows, alpha, df=k_a + k_b - 2, alternative="two-sided"))
    if not math.isfinite(found):  # so certain that scipy's tail is 0 / 0
        found = 1.0
    return Power(effect_size, found, k_a * size, k_b * size, k_a, k_b, icc, inflated, alpha)


def _check(effect_size: float, alpha: float, cluster_size: int, icc: float) -> None:
    if not math.isfinite(effect_size) or not effect_size:
        raise InvalidSettings(f"effect_size is {effect_size!r}: the difference to be found, such as 0.5, and not 0")
    if not 0 < alpha < 1:
        raise InvalidSettings(f"alpha is {alpha!r}: it lies between 0 and 1, such as 0.05")
    if cluster_size < 1 or cluster_size != int(cluster_size):
        raise InvalidSettings(f"cluster_size is {cluster_size!r}: a whole number of rows, 1 or more")
    if not 0 <= icc <= 1:
        raise InvalidSettings(f"icc is {icc!r}: it lies between 0 and 1, and an estimate below 0 counts as 0")
