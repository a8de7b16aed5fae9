"""Power: held against statsmodels and pingouin, and against simulated studies in clusters."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.power import TTestIndPower

from workbench.errors import InvalidSettings
from workbench.evaluation.statistics.power import power, sample_size

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    pingouin = pytest.importorskip("pingouin")


@pytest.mark.parametrize(("effect", "n", "n_b"), [(0.5, 64, 64), (0.2, 30, 90), (-0.8, 12, 20), (1.5, 2, 2)])
def test_power_is_statsmodels_and_pingouins(effect: float, n: int, n_b: int) -> None:
    ours = power(effect, n, n_b).power
    assert ours == pytest.approx(TTestIndPower().power(abs(effect), n, 0.05, n_b / n), abs=1e-9)
    assert ours == pytest.approx(pingouin.power_ttest2n(n, n_b, d=effect, alpha=0.05), abs=1e-9)


def test_the_smallest_study_is_statsmodels_rounded_up() -> None:
    for effect in (0.2, 0.5, 0.8):
        n = TTestIndPower().solve_power(effect, power=0.9, alpha=0.05)
        assert sample_size(effect, 0.9).n_a == np.ceil(n)


def test_clusters_cost_their_design_effect() -> None:
    planned = power(0.5, 100, cluster_size=10, icc=0.1)
    assert planned.design_effect == pytest.approx(1.9)
    assert planned.power < power(0.5, 100).power
    assert (planned.n_clusters_a, planned.n_a) == (10, 100)
    assert "10 + 10 clusters (design effect 1.90)" in str(planned)


def test_simulated_studies_in_clusters_find_it_as_often() -> None:
    rng = np.random.default_rng(0)
    size, icc, effect, k = 8, 0.2, 0.6, 10
    means = rng.normal(0, np.sqrt(icc + (1 - icc) / size), (4000, 2, k)) + np.array([effect, 0])[None, :, None]
    found = np.mean(stats.ttest_ind(means[:, 0], means[:, 1], axis=1).pvalue < 0.05)
    assert power(effect, k * size, cluster_size=size, icc=icc).power == pytest.approx(found, abs=0.02)


@given(st.floats(0.1, 2), st.floats(0.3, 0.95), st.integers(1, 12), st.floats(0, 0.9), st.floats(0.3, 3))
@settings(max_examples=40, deadline=None)
def test_the_wanted_power_is_met_and_one_cluster_less_does_not(
    effect: float, wanted: float, size: int, icc: float, ratio: float
) -> None:
    planned = sample_size(effect, wanted, cluster_size=size, icc=icc, ratio=ratio)
    assert planned.power >= wanted
    assert planned.power == power(effect, planned.n_a, planned.n_b, cluster_size=size, icc=icc).power
    if planned.n_clusters_a > 2:
        k = planned.n_clusters_a - 1
        less = power(effect, k * size, int(np.ceil(k * ratio - 1e-9)) * size, cluster_size=size, icc=icc)
        assert less.power < wanted


def test_what_is_certain_is_certain() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert power(50, 1000).power == pytest.approx(1)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: power(0, 10), "effect_size is 0"),
        (lambda: power(0.5, 0), "no whole clusters"),
        (lambda: power(0.5, 15, cluster_size=10), "15 rows are no whole clusters of 10"),
        (lambda: power(0.5, 1), "two clusters, one a condition"),
        (lambda: power(0.5, 10, icc=-0.1), "icc is -0.1"),
        (lambda: power(0.5, 10, alpha=5), "alpha is 5"),
        (lambda: power(0.5, 10, cluster_size=0), "cluster_size is 0"),
        (lambda: sample_size(0.5, 1), "power is 1"),
        (lambda: sample_size(0.5, ratio=0), "ratio is 0"),
        (lambda: sample_size(1e-6), "more than 10,000,000 clusters"),
    ],
)
def test_what_cannot_be_planned_is_told(call: Any, said: str) -> None:
    with pytest.raises(InvalidSettings, match=said):
        call()
