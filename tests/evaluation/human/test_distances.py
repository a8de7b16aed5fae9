"""Distances agree with scipy, and keep the laws of distances."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.spatial.distance import jensenshannon

from workbench.evaluation.human import distances

LAW = settings(max_examples=60, deadline=None)
CLOSE = 1e-9
RNG = np.random.default_rng(0)


def shares(counts: Any) -> Any:
    counts = np.asarray(counts, dtype=float)
    return counts / counts.sum()


@st.composite
def pairs(draw: st.DrawFn) -> Any:
    k = draw(st.integers(2, 12))
    counts = st.lists(st.integers(0, 50), min_size=k, max_size=k).filter(any)
    return shares(draw(counts)), shares(draw(counts))


def samples(k: int = 5) -> Any:
    first, second = RNG.integers(1, k + 1, 83), RNG.integers(1, k + 1, 61)
    positions = np.arange(1.0, k + 1)
    counts = [np.array([(sample == place).sum() for place in positions]) for sample in (first, second)]
    return first, second, counts, positions


@pytest.mark.parametrize("k", [2, 5, 11])
def test_distances_agree_with_scipy(k):
    first, second, counts, positions = samples(k)
    p, q = shares(counts[0]), shares(counts[1])
    assert distances.total_variation(p, q) == pytest.approx(abs(p - q).max() if k == 2 else abs(p - q).sum() / 2)
    assert distances.jensen_shannon(p, q) == pytest.approx(jensenshannon(p, q, base=2) ** 2, abs=CLOSE)
    moved = stats.wasserstein_distance(first, second)
    assert distances.wasserstein(p, q, positions) == pytest.approx(moved / (k - 1), abs=CLOSE)
    assert distances.kolmogorov_smirnov(p, q) == pytest.approx(stats.ks_2samp(first, second).statistic, abs=CLOSE)
    assert distances.mean(p, positions) == pytest.approx(first.mean(), abs=CLOSE)
    corrected = distances.sd(p, positions) * distances.spread_correction(len(first))
    assert corrected == pytest.approx(first.std(ddof=1), abs=CLOSE)


def test_numbers_agree_with_scipy():
    first, second = RNG.normal(40, 9, 70), RNG.normal(45, 20, 90)
    positions = np.unique(np.concatenate([first, second]))
    p, q = (np.isin(positions, one) / len(one) for one in (first, second))
    span = positions[-1] - positions[0]
    assert distances.wasserstein(p, q, positions) * span == pytest.approx(
        stats.wasserstein_distance(first, second), abs=CLOSE
    )
    assert distances.kolmogorov_smirnov(p, q) == pytest.approx(stats.ks_2samp(first, second).statistic, abs=CLOSE)


def test_years_keep_their_digits():
    years = np.array([1994.0, 1995, 1996, 1997])
    assert distances.sd(shares([1, 0, 0, 0]), years) == 0
    assert distances.sd(shares([1, 1, 1, 1]), years) == pytest.approx(np.std(years), abs=1e-12)


@pytest.mark.parametrize("counts", [([10, 20, 30], [20, 20, 20]), ([5, 0, 0, 7], [9, 0, 1, 2])])
def test_chi_square_agrees_with_scipy(counts):
    there = np.array(counts)[:, np.sum(counts, axis=0) > 0]
    expected = stats.chi2_contingency(there, correction=False)
    found = distances.chi_square(*(np.array(one, dtype=float) for one in counts))
    assert found == pytest.approx((expected.statistic, expected.dof, expected.pvalue), abs=CLOSE)


def test_chi_square_of_one_option_is_not_a_number():
    assert math.isnan(distances.chi_square(np.array([3.0, 0]), np.array([9.0, 0])).statistic)


def test_many_samples_at_once_are_each_alone():
    p, q = (np.stack([shares(RNG.integers(0, 9, 4) + 1) for _ in range(6)]) for _ in range(2))
    positions = np.arange(4.0)
    for distance in (
        distances.total_variation,
        distances.jensen_shannon,
        distances.kolmogorov_smirnov,
        lambda a, b: distances.wasserstein(a, b, positions),
    ):
        assert distance(p, q) == pytest.approx([float(distance(a, b)) for a, b in zip(p, q, strict=True)])


@LAW
@given(pairs())
def test_distances_are_symmetric_in_range_and_0_where_equal(pair: Any) -> None:
    p, q = pair
    positions = np.arange(len(p), dtype=float)
    for distance in (
        distances.total_variation,
        distances.jensen_shannon,
        distances.kolmogorov_smirnov,
        lambda a, b: distances.wasserstein(a, b, positions),
    ):
        value = float(distance(p, q))
        assert -CLOSE <= value <= 1 + CLOSE
        assert value == pytest.approx(float(distance(q, p)), abs=CLOSE)
        assert float(distance(p, p)) == 0
        assert value > 0 or np.allclose(p, q)


@LAW
@given(pairs(), st.randoms(use_true_random=False))
def test_nominal_distances_do_not_depend_on_the_order_of_options(pair: Any, random: Any) -> None:
    p, q = pair
    order = list(range(len(p)))
    random.shuffle(order)
    for distance in (distances.total_variation, distances.jensen_shannon):
        assert float(distance(p[order], q[order])) == pytest.approx(float(distance(p, q)), abs=CLOSE)
    assert distances.chi_square(p[order], q[order]).statistic == pytest.approx(
        distances.chi_square(p, q).statistic, abs=CLOSE, nan_ok=True
    )


@LAW
@given(pairs(), st.floats(-50, 50), st.floats(0.1, 9))
def test_wasserstein_does_not_depend_on_the_unit(pair: Any, shift: float, scale: float) -> None:
    p, q = pair
    positions = np.arange(len(p), dtype=float)
    expected = float(distances.wasserstein(p, q, positions))
    assert float(distances.wasserstein(p, q, positions * scale + shift)) == pytest.approx(expected, abs=CLOSE)
    assert float(distances.wasserstein(p[::-1], q[::-1], positions)) == pytest.approx(expected, abs=CLOSE)


@LAW
@given(pairs())
def test_wasserstein_is_at_least_the_difference_of_means(pair: Any) -> None:
    p, q = pair
    positions = np.arange(len(p), dtype=float)
    apart = abs(float(distances.mean(p, positions) - distances.mean(q, positions))) / (len(p) - 1)
    assert float(distances.wasserstein(p, q, positions)) >= apart - CLOSE
