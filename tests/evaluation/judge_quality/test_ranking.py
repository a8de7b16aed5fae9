"""The area under the curve and rank correlations: as scipy and pingouin have them, and by hand."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pingouin
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from workbench.errors import InvalidSettings
from workbench.evaluation.judge_quality.ranking import auc, spearman, spearman_given

LAW = settings(max_examples=40, deadline=None)
SCORED = st.lists(st.tuples(st.integers(0, 6), st.booleans()), min_size=4, max_size=40)


@LAW
@given(SCORED)
def test_auc_is_that_of_all_pairs(items: Any) -> None:
    positive = [score for score, holds in items if holds]
    negative = [score for score, holds in items if not holds]
    if not positive or not negative:
        return
    wins = [(p > n) + 0.5 * (p == n) for p in positive for n in negative]
    score, holds = zip(*items, strict=True)
    assert auc(score, holds) == pytest.approx(np.mean(wins), abs=1e-9)
    u = stats.mannwhitneyu(positive, negative).statistic
    assert auc(score, holds) == pytest.approx(u / len(wins), abs=1e-9)


def test_auc_without_scores_or_of_one_class() -> None:
    assert auc([0.1, 0.9, math.nan], [False, True, False]) == 1
    assert math.isnan(auc([0.1, 0.2], [True, True]))
    assert math.isnan(auc([], []))
    with pytest.raises(InvalidSettings, match="2 scores for 1 items"):
        auc([1, 2], [True])


def drawn(seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    label = rng.integers(0, 5, 60)
    return pd.DataFrame({"x": label + rng.normal(0, 1, 60), "y": rng.integers(0, 9, 60) + label, "z": label})


@pytest.mark.parametrize("seed", range(5))
def test_rank_correlations_agree_with_scipy_and_pingouin(seed: int) -> None:
    data = drawn(seed)
    x, y, z = (data[name].to_numpy() for name in "xyz")
    assert spearman(x, y) == pytest.approx(stats.spearmanr(x, y).statistic, abs=1e-9)
    partial = pingouin.partial_corr(data, x="x", y="y", covar="z", method="spearman")["r"].iloc[0]
    assert spearman_given(x, y, z) == pytest.approx(partial, abs=1e-9)


def test_two_groups_are_held_fixed_in_either_way() -> None:
    data = drawn(1)
    x, y, z = data["x"].to_numpy(), data["y"].to_numpy(), (data["z"] > 2).to_numpy().astype(int)
    assert spearman_given(x, y, z, ordered=False) == pytest.approx(spearman_given(x, y, z), abs=1e-9)


def test_what_is_explained_away_is_nan() -> None:
    z = np.arange(6.0)
    assert math.isnan(spearman_given(2 * z, z[::-1], z))
    assert math.isnan(spearman(np.ones(4), np.arange(4.0)))
    assert math.isnan(spearman_given(np.array([1.0, 2]), np.array([2.0, 1]), np.array([0, 1])))
