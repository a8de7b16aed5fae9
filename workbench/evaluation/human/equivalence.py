"""Equivalence of two means: that they differ by less than matters is shown, not taken from a test without a find."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Moments:
    """What a test of means needs to know of one sample."""

    mean: float
    sd: float
    """With n - 1 below the fraction."""
    n: float
    """Where people have weights, the effective one (Kish 1965)."""


@dataclass(frozen=True)
class Equivalence:
    """Two one-sided tests of a difference of means against a margin."""

    difference: float
    margin: float
    p: float
    """The larger of both: below 0.05, the difference is within the margin. NaN where there is no spread to judge by."""
    low: float
    high: float
    """The interval that has to be within the margin: of 90 % at a level of 5 %."""


def tost(simulated: Moments, human: Moments, margin: float, *, level: float = 0.05) -> Equivalence:
    """Test whether two means differ by less than a margin, without assuming equal spreads (Welch).

    Sources: Schuirmann 1987 (doi:10.1007/BF01068419); Lakens 2017 (doi:10.1177/1948550617697177).

    Args:
        simulated: of the simulated answers.
        human: of the humans'.
        margin: the largest difference that does not matter, in the unit of the answers.
        level: of each of the two tests.
    """
    from scipy import stats

    difference = simulated.mean - human.mean
    variances = [one.sd**2 / one.n if one.n > 0 else math.nan for one in (simulated, human)]
    error = math.sqrt(sum(variances))
    if not error > 0:
        return Equivalence(difference, margin, math.nan, math.nan, math.nan)
    df = sum(variances) ** 2 / sum(v**2 / (one.n - 1) for v, one in zip(variances, (simulated, human), strict=True))
    above = float(stats.t.sf((difference + margin) / error, df))
    below = float(stats.t.cdf((difference - margin) / error, df))
    reach = float(stats.t.ppf(1 - level, df)) * error
    return Equivalence(difference, margin, max(above, below), difference - reach, difference + reach)
