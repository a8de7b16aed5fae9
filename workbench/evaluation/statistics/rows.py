"""Tests that take every row as independent of the others: Welch, Mann-Whitney, Kolmogorov-Smirnov, ANOVA and so on."""

from __future__ import annotations

import math
from typing import Any

from workbench.evaluation.statistics.outcomes import Outcome, constant, numbers, quiet, sentences

NO_SPREAD = "no two values within a condition differ: the test is not defined"
ALL_EQUAL = "all values are equal: there is nothing to rank"


def welch(a: Any, b: Any) -> Outcome:
    """Compare two means, whatever their spreads.

    Welch (1947), doi:10.1093/biomet/34.1-2.28; by scipy. `df` is Welch's, not whole.
    """
    from scipy.stats import ttest_ind

    a, b = numbers(a), numbers(b)
    if short := _too_few(a, b, least=2):
        return Outcome(note=short)
    if constant([a, b]):
        return Outcome(note=NO_SPREAD)
    with quiet():
        result = ttest_ind(a, b, equal_var=False)
    return _outcome(result.statistic, result.pvalue, df=float(result.df))


def mann_whitney(a: Any, b: Any) -> Outcome:
    """Compare whether values of one condition tend to be higher than those of the other.

    Mann & Whitney (1947), doi:10.1214/aoms/1177730491; by scipy: exact for few values without ties, else by the normal
    approximation with corrections for ties and continuity. The statistic is U of a.
    """
    from scipy.stats import mannwhitneyu

    a, b = numbers(a), numbers(b)
    if short := _too_few(a, b, least=1):
        return Outcome(note=short)
    if constant([_joined(a, b)]):
        return Outcome(note=ALL_EQUAL)
    with quiet():
        result = mannwhitneyu(a, b, alternative="two-sided")
    return _outcome(result.statistic, result.pvalue)


def kolmogorov_smirnov(a: Any, b: Any) -> Outcome:
    """Compare two whole distributions: the statistic is the largest distance between their cumulative shares.

    Smirnov (1939); Hodges (1958), doi:10.1007/BF02589501, for the exact p; by scipy. With ties, as on a Likert scale, p
    is too high rather than too low. The distance has no interval: resamples of it are biased upwards.
    """
    from scipy.stats import ks_2samp

    a, b = numbers(a), numbers(b)
    if short := _too_few(a, b, least=1):
        return Outcome(note=short)
    with quiet():
        result = ks_2samp(a, b)
    return _outcome(result.statistic, result.pvalue)


def anova(*groups: Any) -> Outcome:
    """Compare the means of several conditions that have one spread.

    Fisher (1925), Statistical Methods for Research Workers; by scipy.
    """
    from scipy.stats import f_oneway

    there = [group for group in map(numbers, groups) if len(group)]
    n = sum(map(len, there))
    if len(there) < 2:
        return Outcome(note="fewer than two conditions have values")
    if n == len(there):
        return Outcome(note="one value a condition: there is no spread to hold the differences against")
    if constant(there):
        return Outcome(note=NO_SPREAD)
    with quiet():
        result = f_oneway(*there)
    return _outcome(result.statistic, result.pvalue, df=len(there) - 1, df_error=n - len(there))


def kruskal_wallis(*groups: Any) -> Outcome:
    """Compare whether values of some conditions tend to be higher than those of others.

    Kruskal & Wallis (1952), doi:10.1080/01621459.1952.10483441; by scipy, corrected for ties.
    """
    from scipy.stats import kruskal

    there = [group for group in map(numbers, groups) if len(group)]
    if len(there) < 2:
        return Outcome(note="fewer than two conditions have values")
    if constant([_joined(*there)]):
        return Outcome(note=ALL_EQUAL)
    with quiet():
        result = kruskal(*there)
    few = "p is rough: a condition has fewer than 5 values" if min(map(len, there)) < 5 else ""
    return _outcome(result.statistic, result.pvalue, df=len(there) - 1, note=few)


def chi_square(counts: Any) -> Outcome:
    """Compare the shares of categories between conditions.

    Pearson (1900), doi:10.1080/14786440009463897; by scipy, without Yates' correction.

    Args:
        counts: conditions x categories.
    """
    import numpy as np
    from scipy.stats import chi2_contingency

    counts = np.asarray(counts, dtype=float)
    if (counts.sum(axis=1) > 0).sum() < 2:
        return Outcome(note="fewer than two conditions have values")
    counts = counts[counts.sum(axis=1) > 0][:, counts.sum(axis=0) > 0]
    if counts.shape[1] < 2:
        return Outcome(note="all values are of one category")
    with quiet():
        result = chi2_contingency(counts, correction=False)
    low = int((result.expected_freq < 5).sum())
    rough = f"p is rough: {low} of {counts.size} expected counts are under 5" if low else ""
    return _outcome(result.statistic, result.pvalue, df=float(result.dof), note=rough)


def _outcome(statistic: Any, p: Any, *, df: float = math.nan, df_error: float = math.nan, note: str = "") -> Outcome:
    """Return an outcome that is never without a p and a note."""
    why = "" if p == p else "the test gave no p for these values"
    return Outcome(float(statistic), float(p), df=df, df_error=df_error, note=sentences(note, why))


def _joined(*groups: Any) -> Any:
    import numpy as np

    return np.concatenate(groups)


def _too_few(a: Any, b: Any, *, least: int) -> str:
    """Return which condition has too few values, in words."""
    short = [f"{name} has {len(group)}" for name, group in (("a", a), ("b", b)) if len(group) < least]
    return f"too few values: {' and '.join(short)}, and at least {least} are needed" if short else ""
