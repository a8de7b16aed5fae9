"""Intervals by resampling: held against scipy, against known cases, and repeatable."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from workbench.errors import InvalidSettings
from workbench.evaluation.statistics.bootstrap import bootstrap_interval

A = np.random.default_rng(1).normal(0, 1, 30)
B = np.random.default_rng(2).normal(1, 2, 41)


def difference(a: Any, b: Any) -> float:
    return float(np.mean(a) - np.mean(b))


@pytest.mark.parametrize("method", ["percentile", "bca"])
@pytest.mark.parametrize("confidence", [0.8, 0.95])
def test_two_samples_are_as_scipy_draws_them(method: Any, confidence: float) -> None:
    ours = bootstrap_interval(difference, A, B, method=method, confidence=confidence, n_resamples=500, seed=7)
    options: Any = {"method": method, "confidence_level": confidence, "n_resamples": 500, "vectorized": False}
    theirs = stats.bootstrap((A, B), difference, random_state=np.random.default_rng(7), **options)
    assert ours == pytest.approx(tuple(theirs.confidence_interval), abs=1e-9)


@pytest.mark.parametrize("method", ["percentile", "bca"])
def test_one_sample_and_paired_samples_are_as_scipys(method: Any) -> None:
    options: Any = {"method": method, "n_resamples": 500, "vectorized": False}
    one = stats.bootstrap((A,), np.median, random_state=np.random.default_rng(0), **options).confidence_interval
    assert bootstrap_interval(np.median, A, method=method, n_resamples=500) == pytest.approx(tuple(one), abs=1e-9)  # type: ignore[arg-type]

    def correlation(a: Any, b: Any) -> float:
        return float(np.corrcoef(a, b)[0, 1])

    b = A + B[:30]
    options["paired"] = True
    two = stats.bootstrap((A, b), correlation, random_state=np.random.default_rng(0), **options).confidence_interval
    ours = bootstrap_interval(correlation, A, b, paired=True, method=method, n_resamples=500)
    assert ours == pytest.approx(tuple(two), abs=1e-9)


@given(st.integers(0, 10**6))
@settings(max_examples=20, deadline=None)
def test_a_seed_repeats(seed: int) -> None:
    options: Any = {"n_resamples": 50, "seed": seed, "clusters": [np.arange(30) // 3, 100 + np.arange(41) // 4]}
    assert bootstrap_interval(difference, A, B, **options) == bootstrap_interval(difference, A, B, **options)


def test_another_seed_is_another_interval() -> None:
    assert bootstrap_interval(np.mean, A, seed=1) != bootstrap_interval(np.mean, A, seed=2)  # type: ignore[arg-type]


def test_clusters_of_one_row_are_rows() -> None:
    alone = bootstrap_interval(difference, A, B, clusters=[np.arange(30), np.arange(100, 141)])
    assert alone == bootstrap_interval(difference, A, B)


def test_whole_clusters_are_drawn() -> None:
    values = np.repeat([0.0, 1.0, 5.0], 40)
    sizes = []

    def mean(drawn: Any) -> float:
        sizes.append(len(drawn))
        assert set(np.unique(drawn, return_counts=True)[1]) <= {40, 80, 120}
        return float(drawn.mean())

    low, high = bootstrap_interval(mean, values, clusters=np.repeat(list("abc"), 40), n_resamples=300)
    assert (low, high, set(sizes)) == (0.0, 5.0, {120})


def test_a_cluster_in_both_samples_is_drawn_for_both() -> None:
    people = np.arange(20)
    levels = np.linspace(0, 100, 20)
    together = bootstrap_interval(difference, levels + 1, levels, clusters=[people, people])
    assert together == pytest.approx((1, 1))
    apart = bootstrap_interval(difference, levels + 1, levels, clusters=[people, people + 100])
    assert apart[1] - apart[0] > 20


def test_weights_go_with_their_rows() -> None:
    def mean(values: Any, weights: Any) -> float:
        return float(np.average(values, weights=weights))

    def gap(a: Any, b: Any, weights: Any) -> float:
        return mean(a, weights[0]) - mean(b, weights[1])

    assert bootstrap_interval(mean, A, weights=np.full(30, 3.0)) == pytest.approx(bootstrap_interval(np.mean, A))  # type: ignore[arg-type]
    heavy = [np.where(A > 0, 1.0, 0.0), np.ones(41)]
    low, high = bootstrap_interval(gap, A, B, weights=heavy)
    assert low < difference(A[A > 0], B) < high
    assert low > bootstrap_interval(difference, A, B)[0]


def test_the_interval_covers_the_mean_as_often_as_it_says() -> None:
    rng = np.random.default_rng(5)
    ends = [bootstrap_interval(np.mean, rng.normal(0, 1, 40), n_resamples=400, seed=k) for k in range(300)]  # type: ignore[arg-type]
    assert 0.9 < np.mean([low < 0 < high for low, high in ends]) < 0.98


@pytest.mark.parametrize("method", ["percentile", "bca"])
@pytest.mark.parametrize(
    ("samples", "options"),
    [
        (([],), {}),
        (([1.0],), {}),
        (([1.0, 2.0],), {"clusters": ["a", "a"]}),
        (([1.0, math.nan],), {}),
    ],
)
def test_what_has_no_interval_is_nan_without_a_warning(samples: Any, options: Any, method: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert all(map(math.isnan, bootstrap_interval(np.mean, *samples, method=method, **options)))  # type: ignore[arg-type]


def test_a_statistic_that_is_often_undefined_has_no_interval() -> None:
    def spread(values: Any) -> float:
        return 1 / values.std()

    assert all(map(math.isnan, bootstrap_interval(spread, [1, 2])))
    assert all(map(math.isfinite, bootstrap_interval(spread, A)))


@pytest.mark.parametrize(
    ("samples", "options", "said"),
    [
        ((), {}, "no sample"),
        (([[1, 2]],), {}, "2 dimensions"),
        (([1, 2], [1]), {"paired": True}, r"one length.*\[2, 1\]"),
        (([1, 2],), {"weights": [1]}, "weights: 1 values for a sample of 2"),
        (([1, 2], [1]), {"clusters": [[1, 2]]}, "clusters: 1 arrays for 2 samples"),
        (([1, 2],), {"n_resamples": 0}, "n_resamples is 0"),
        (([1, 2],), {"confidence": 95}, "confidence is 95"),
        (([1, 2],), {"method": "basic"}, "'percentile' or 'bca'"),
    ],
)
def test_what_cannot_be_is_told(samples: Any, options: Any, said: str) -> None:
    with pytest.raises(InvalidSettings, match=said):
        bootstrap_interval(np.mean, *samples, **options)  # type: ignore[arg-type]
