"""Calibration: counted by hand, of judges whose calibration is known, and of input that is hardly any."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
from statsmodels.stats.proportion import proportion_confint

from workbench.errors import InvalidSettings
from workbench.evaluation.judge_quality.calibration import bins_of, calibration, error_by_chance


def test_the_curve_and_the_error_by_hand() -> None:
    found = calibration([0.95, 0.95, 0.85, 0.25], [True, False, True, False])
    assert found.table["n"].tolist() == [1, 1, 2]
    assert found.table["confidence"].tolist() == pytest.approx([0.25, 0.85, 0.95])
    assert found.table["right"].tolist() == [0, 1, 0.5]
    assert found.error == pytest.approx((1 * 0.25 + 1 * 0.15 + 2 * 0.45) / 4, abs=1e-12)
    assert found.n == 4


def test_an_edge_belongs_to_the_bin_below() -> None:
    edges = np.arange(11) / 10
    assert bins_of(edges, 10).tolist() == [0, *range(10)]
    assert bins_of(np.array([0.701]), 10).tolist() == [7]


def test_intervals_are_wilsons() -> None:
    rng = np.random.default_rng(3)
    table = calibration(rng.random(80), rng.random(80) < 0.6).table
    for row in table.itertuples():
        ends = proportion_confint(round(row.right * row.n), row.n, method="wilson")
        assert (row.ci_low, row.ci_high) == pytest.approx(ends, abs=1e-9)


def test_a_judge_of_known_calibration() -> None:
    rng = np.random.default_rng(1)
    sure = rng.random(20_000)
    assert calibration(sure, rng.random(20_000) < sure).error < 0.015
    over = calibration(np.full(20_000, 0.9), rng.random(20_000) < 0.6)
    assert over.error == pytest.approx(0.3, abs=0.02)


def test_the_error_by_chance_is_what_such_judges_have() -> None:
    sure = np.random.default_rng(0).uniform(0.5, 1, 60)
    worlds = [np.random.default_rng(seed).random(60) < sure for seed in range(1, 400)]
    expected = np.mean([calibration(sure, right).error for right in worlds])
    assert error_by_chance(sure, 10, seed=0) == pytest.approx(expected, abs=0.01)


def test_hardly_any_input() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        none = calibration([], [])
        one = calibration([1.0], [True])
        some = calibration([math.nan, 0.5], [True, True])
    assert math.isnan(none.error)
    assert (none.n, len(none.table)) == (0, 0)
    assert (one.error, one.n) == (0, 1)
    assert some.n == 1


@pytest.mark.parametrize(
    ("sure", "right", "bins", "said"),
    [
        ([90.0], [True], 10, "lies from 0 to 1"),
        ([0.5, 0.6], [True], 10, "2 confidences for 1 verdicts"),
        ([0.5], [True], 0, "bins=0"),
    ],
)
def test_what_cannot_be_is_told(sure: list[float], right: list[bool], bins: int, said: str) -> None:
    with pytest.raises(InvalidSettings, match=said):
        calibration(sure, right, bins=bins)
