"""Rankings agree with scipy."""

from __future__ import annotations

import math
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from workbench.evaluation.human import rankings

LAW = settings(max_examples=60, deadline=None)
RANKS = st.lists(st.sampled_from([1.0, 1.5, 2, 2.25, 3, 4]), min_size=5, max_size=5)


@LAW
@given(RANKS, RANKS)
def test_correlations_agree_with_scipy_ties_and_all(first: list[float], second: list[float]) -> None:
    p, q = np.array(first), np.array(second)
    found = float(rankings.spearman(p, q)), float(rankings.kendall(p, q))
    if len(set(first)) == 1 or len(set(second)) == 1:
        assert all(math.isnan(one) for one in found)
        return
    expected = stats.spearmanr(p, q).statistic, stats.kendalltau(p, q).statistic
    assert found == pytest.approx(expected, abs=1e-9)


def test_many_samples_at_once_are_each_alone():
    orders = np.array(list(permutations([1.0, 2, 3, 4])))
    first, second = orders, orders[::-1]
    for of in (rankings.spearman, rankings.kendall, rankings.rank_distance, rankings.same_first):
        assert of(first, second) == pytest.approx([float(of(a, b)) for a, b in zip(first, second, strict=True)])


def test_ranks_of_a_short_list_share_what_is_behind():
    assert rankings.ranks_of(["c"], ["a", "b", "c"]).tolist() == [2.5, 2.5, 1]
    assert rankings.ranks_of([], ["a", "b", "c"]).tolist() == [2, 2, 2]


def test_borda_is_what_is_counted_by_hand():
    # Two people: a b c, and a c b. Points 2 and 2 of 4, 1 and 0, 0 and 1.
    assert rankings.borda(np.array([1, 2.5, 2.5])).tolist() == [1, 0.25, 0.25]


@pytest.mark.parametrize(("p", "q", "same"), [([1, 2], [1, 2], 1), ([1, 2], [2, 1], 0), ([1.5, 1.5], [1, 2], 0.5)])
def test_first_is_the_same_or_tied(p, q, same):
    assert rankings.same_first(np.array(p), np.array(q)) == same


def test_weights_leave_no_dust_in_ties():
    p = np.array([0.1 + 0.2, 0.3, 1])
    assert rankings.spearman(p, np.array([1.0, 1, 2])) == pytest.approx(1)


@LAW
@given(RANKS, RANKS)
def test_distance_is_symmetric_in_range_and_0_where_equal(first: list[float], second: list[float]) -> None:
    p, q = np.array(first), np.array(second)
    assert float(rankings.rank_distance(p, p)) == 0
    assert float(rankings.rank_distance(p, q)) == float(rankings.rank_distance(q, p))
    assert 0 <= float(rankings.rank_distance(p, q)) <= 1
