"""Permutations of whole clusters: held against scipy and enumeration by hand, and blind to names."""

from __future__ import annotations

import itertools
import math
import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from workbench.evaluation.statistics.permutation import permutation

RNG = np.random.default_rng(8)


def gap(a: Any, b: Any) -> float:
    return abs(float(np.mean(a) - np.mean(b)))


def test_rows_are_as_scipy_permutes_them() -> None:
    values, conditions = RNG.normal(0, 1, 10), np.repeat([0, 1], 5)
    theirs = stats.permutation_test((values[:5], values[5:]), gap, alternative="greater", n_resamples=np.inf)
    ours = permutation(values, conditions)
    assert ours.p == pytest.approx(theirs.pvalue, abs=1e-9)
    assert ours.statistic == pytest.approx(values[:5].mean() - values[5:].mean(), abs=1e-9)
    assert ours.note == "exact: all 252 permutations"


def test_a_person_in_both_conditions_is_swapped_within() -> None:
    before, after = RNG.normal(0, 1, 9), RNG.normal(0.5, 1, 9)
    theirs = stats.permutation_test(
        (before, after), gap, permutation_type="samples", alternative="greater", n_resamples=np.inf
    )
    ours = permutation(np.r_[before, after], np.repeat([0, 1], 9), np.r_[np.arange(9), np.arange(9)])
    assert ours.p == pytest.approx(theirs.pvalue, abs=1e-9)
    assert "all 512" in ours.note


def test_whole_clusters_swap_by_hand() -> None:
    clusters = np.repeat(np.arange(6), [1, 4, 2, 3, 5, 2])
    condition_of = np.array([0, 0, 0, 1, 1, 1])
    values = RNG.normal(0, 1, 17) + condition_of[clusters]
    observed = gap(values[condition_of[clusters] == 0], values[condition_of[clusters] == 1])
    ways = [np.isin(clusters, chosen) for chosen in itertools.combinations(range(6), 3)]
    p = np.mean([gap(values[way], values[~way]) >= observed - 1e-12 for way in ways])
    ours = permutation(values, condition_of[clusters], clusters)
    assert ours.p == pytest.approx(p, abs=1e-9)
    assert ours.note.startswith("exact: all 20 permutations; p cannot be lower than 0.1")


def test_three_conditions_by_hand() -> None:
    values, conditions = RNG.normal(0, 1, 6), np.array([0, 0, 1, 1, 2, 2])

    def between(labels: Any) -> float:
        return sum(2 * (values[np.array(labels) == one].mean() - values.mean()) ** 2 for one in range(3))

    ways = [between(labels) for labels in set(itertools.permutations(conditions.tolist()))]
    ours = permutation(values, conditions)
    assert ours.statistic == pytest.approx(between(conditions), abs=1e-9)
    assert ours.p == pytest.approx(np.mean([way >= between(conditions) - 1e-12 for way in ways]), abs=1e-9)
    assert "all 90" in ours.note


def test_categories_are_compared_by_chi_square() -> None:
    values, conditions = np.array([0, 0, 0, 1, 1, 2, 2, 2]), np.array([0, 0, 0, 0, 1, 1, 1, 1])
    table = np.array([[3, 1, 0], [0, 1, 3]])
    ours = permutation(values, conditions, categories=True)
    assert ours.statistic == pytest.approx(stats.chi2_contingency(table).statistic, abs=1e-9)
    ways = [np.isin(np.arange(8), chosen) for chosen in itertools.combinations(range(8), 4)]
    found = [
        stats.chi2_contingency([np.bincount(values[one], minlength=3) for one in (way, ~way)]).statistic for way in ways
    ]
    assert ours.p == pytest.approx(np.mean(np.array(found) >= ours.statistic - 1e-9), abs=1e-9)


def test_random_permutations_have_the_corrected_p_and_repeat() -> None:
    values, conditions = np.r_[np.zeros(30), np.ones(30)] + RNG.normal(0, 0.01, 60), np.repeat([0, 1], 30)
    ours = permutation(values, conditions, n_permutations=999, seed=3)
    assert ours.p == pytest.approx(1 / 1000, abs=1e-12)
    assert ours.note == "999 random permutations"
    other = RNG.normal(0, 1, 60)
    assert permutation(other, conditions, seed=1) == permutation(other, conditions, seed=1)


def test_random_permutations_come_to_the_exact_p() -> None:
    values, conditions = RNG.normal(0, 1, 12) + np.repeat([0, 0.7], 6), np.repeat([0, 1], 6)
    clusters = np.r_[np.arange(6), 0, 1, 2, 6, 7, 8]
    exact = permutation(values, conditions, clusters)
    drawn = permutation(values, conditions, np.tile(clusters, 1), n_permutations=100, seed=2)
    assert exact.note.startswith("exact: all 160")
    assert drawn.p == pytest.approx(exact.p, abs=0.15)


@given(st.permutations(range(6)), st.booleans(), st.integers(0, 10**6))
@settings(max_examples=30, deadline=None)
def test_p_does_not_depend_on_names(names: list[int], turned: bool, seed: int) -> None:
    rng = np.random.default_rng(seed)
    clusters = np.repeat(np.arange(6), 3)
    conditions, values = clusters % 2, rng.integers(0, 5, 18)
    renamed = np.array(names)[clusters]
    other = 1 - conditions if turned else conditions
    order = rng.permutation(18)
    p = permutation(values, conditions, clusters).p
    assert permutation(values[order], other[order], renamed[order]).p == pytest.approx(p, abs=1e-9)


@given(st.floats(1e-6, 1e6), st.floats(-1e3, 1e3))
@settings(max_examples=30, deadline=None)
def test_p_does_not_depend_on_the_scale(scale: float, shift: float) -> None:
    values, conditions = np.array([1, 2, 2, 3, 5, 4, 4, 6]), np.repeat([0, 1], 4)
    assert permutation(values * scale + shift * scale, conditions).p == permutation(values, conditions).p


def test_clusters_that_differ_make_no_false_alarms() -> None:
    rng = np.random.default_rng(0)
    clusters = np.repeat(np.arange(12), 10)
    found = [
        permutation(rng.normal(0, 1, 12)[clusters] + rng.normal(0, 1, 120), clusters % 2, clusters).p
        for _ in range(200)
    ]
    assert np.mean(np.array(found) < 0.05) < 0.09


@pytest.mark.parametrize(
    ("values", "conditions", "clusters", "said"),
    [
        ([1, 2], [0, 0], None, "fewer than two conditions"),
        ([], [], None, "fewer than two conditions"),
        ([3, 3, 3], [0, 1, 1], None, "all values are equal"),
        ([1, 2, 3, 4], [0, 0, 1, 1], [0, 0, 1, 1], "one cluster a condition"),
        ([1, 2, 3, 4], [0, 0, 1, 1], [0, 0, 0, 0], "one cluster a condition"),
    ],
)
@pytest.mark.parametrize("categories", [True, False])
def test_what_cannot_be_permuted_has_a_name(
    values: Any, conditions: Any, clusters: Any, said: str, categories: bool
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        outcome = permutation(values, conditions, clusters, categories=categories)
    assert math.isnan(outcome.p)
    assert said in outcome.note
