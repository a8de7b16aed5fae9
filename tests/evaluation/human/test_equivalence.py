"""The equivalence test agrees with statsmodels."""

from __future__ import annotations

import math

import numpy as np
import pytest
from statsmodels.stats.weightstats import CompareMeans, DescrStatsW, ttost_ind

from workbench.evaluation.human.equivalence import Moments, tost


def moments(values):
    return Moments(values.mean(), values.std(ddof=1), len(values))


@pytest.mark.parametrize("shift", [0, 0.2, 0.5, -1])
@pytest.mark.parametrize("n", [(12, 30), (400, 90)])
def test_tost_agrees_with_statsmodels(shift, n):
    rng = np.random.default_rng(3)
    first, second = rng.normal(shift, 1, n[0]), rng.normal(0, 2, n[1])
    found = tost(moments(first), moments(second), 0.5)
    p, _, _ = ttost_ind(first, second, -0.5, 0.5, usevar="unequal")
    assert found.p == pytest.approx(p, abs=1e-9)
    means = CompareMeans(DescrStatsW(first), DescrStatsW(second))
    assert (found.low, found.high) == pytest.approx(means.tconfint_diff(alpha=0.1, usevar="unequal"), abs=1e-9)


def test_without_spread_nothing_is_tested():
    assert math.isnan(tost(Moments(3, 0, 9), Moments(3, 0, 9), 1).p)
    assert math.isnan(tost(Moments(3, math.nan, 1), Moments(3, 1, 9), 1).p)


def test_a_difference_that_is_not_found_is_no_equivalence():
    rng = np.random.default_rng(0)
    assert tost(moments(rng.normal(0, 1, 8)), moments(rng.normal(0, 1, 8)), 0.2).p > 0.05
