"""Tests of rows and effect sizes: held against scipy, pingouin and cases by hand; what is degenerate has a name."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.meta_analysis import effectsize_smd
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.oneway import anova_oneway

from workbench.evaluation.statistics import effects, rows
from workbench.evaluation.statistics.holm import holm

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    pingouin = pytest.importorskip("pingouin")

RNG = np.random.default_rng(4)
A, B, C = RNG.normal(0, 1, 23), RNG.normal(0.7, 2, 31), RNG.normal(0.4, 1, 12)
LIKERT = [RNG.integers(1, 6, 40), RNG.integers(2, 6, 35), RNG.integers(1, 5, 20)]
NEAR: Any = {"abs": 1e-9}
NUMBERS = st.lists(st.integers(-50, 50), min_size=1, max_size=20)


def test_welch_is_pingouins_and_statsmodels() -> None:
    outcome = rows.welch(A, B)
    theirs = pingouin.ttest(A, B, correction=True).iloc[0]
    assert (outcome.statistic, outcome.p, outcome.df) == pytest.approx(
        (theirs["T"], theirs["p_val"], theirs["dof"]), **NEAR
    )
    assert outcome.p == pytest.approx(anova_oneway([A, B], use_var="unequal").pvalue, **NEAR)


@pytest.mark.parametrize("samples", [(A, B), (A[:6], B[:7]), tuple(LIKERT[:2])])
def test_mann_whitney_and_kolmogorov_smirnov_are_scipys(samples: Any) -> None:
    u, d = stats.mannwhitneyu(*samples), stats.ks_2samp(*samples)
    ours = rows.mann_whitney(*samples)
    assert (ours.statistic, ours.p) == pytest.approx((u.statistic, u.pvalue), **NEAR)
    ours = rows.kolmogorov_smirnov(*samples)
    assert (ours.statistic, ours.p) == pytest.approx((d.statistic, d.pvalue), **NEAR)


@pytest.mark.parametrize("groups", [(A, B, C), tuple(LIKERT)])
def test_anova_and_kruskal_wallis_are_pingouins(groups: Any) -> None:
    table = pd.DataFrame({"y": np.concatenate(groups), "g": np.repeat(list("abc"), [len(one) for one in groups])})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = pingouin.anova(table, dv="y", between="g", detailed=False).iloc[0]
    ours = rows.anova(*groups)
    assert (ours.statistic, ours.p, ours.df, ours.df_error) == pytest.approx(
        (theirs["F"], theirs["p_unc"], theirs["ddof1"], theirs["ddof2"]), **NEAR
    )
    assert effects.eta_squared(*groups) == pytest.approx(theirs["np2"], **NEAR)
    theirs = pingouin.kruskal(table, dv="y", between="g").iloc[0]
    ours = rows.kruskal_wallis(*groups)
    assert ours.statistic == pytest.approx(theirs["H"], **NEAR)
    assert effects.epsilon_squared(*groups) == pytest.approx(theirs["H"] / (len(table) - 1), **NEAR)


def test_chi_square_and_cramers_v_are_scipys_and_pingouins() -> None:
    counts = np.array([[20, 15, 5], [10, 25, 9]])
    groups = [np.repeat([0, 1, 2], one) for one in counts]
    table = pd.DataFrame({"g": np.repeat([0, 1], counts.sum(axis=1)), "y": np.concatenate(groups)})
    theirs = pingouin.chi2_independence(table, "g", "y", correction=False)[2].set_index("test").loc["pearson"]
    ours = rows.chi_square(counts)
    assert (ours.statistic, ours.p, ours.df) == pytest.approx((theirs["chi2"], theirs["pval"], theirs["dof"]), **NEAR)
    v = stats.contingency.association(counts, method="cramer")
    assert effects.cramers_v(*groups) == pytest.approx(v, **NEAR) == pytest.approx(theirs["cramer"], **NEAR)
    assert ours.note == ""


def test_categories_that_nobody_chose_do_not_count() -> None:
    assert rows.chi_square([[5, 0, 9], [7, 0, 6]]).df == 1
    assert "expected counts are under 5" in rows.chi_square([[1, 9], [2, 8]]).note


def test_hedges_g_is_pingouins_and_statsmodels() -> None:
    g = effects.hedges_g(A, B)
    assert g == pytest.approx(pingouin.compute_effsize(A, B, eftype="hedges"), **NEAR)
    smd = effectsize_smd(A.mean(), A.std(ddof=1), len(A), B.mean(), B.std(ddof=1), len(B))[0]
    assert g == pytest.approx(smd, **NEAR)


def test_effects_by_hand() -> None:
    # d = 1 / sqrt(20 / 3) and 1 - 3 / 23
    assert effects.hedges_g([2, 4, 6, 8], [1, 3, 5, 7]) == pytest.approx(math.sqrt(3 / 20) * 20 / 23, **NEAR)
    # of nine pairs five are above, two below, two equal
    assert effects.cliffs_delta([1, 3, 5], [1, 2, 5]) == pytest.approx((4 - 3) / 9, **NEAR)
    # between 2 * 3 * 1, in all 6 + 4
    assert effects.eta_squared([1, 2, 3], [3, 4, 5]) == pytest.approx(6 / 10, **NEAR)
    assert effects.cramers_v([0, 0, 1, 1], [1, 1, 0, 0]) == 0
    assert effects.cramers_v([0, 0], [1, 1]) == 1


@given(NUMBERS, NUMBERS)
def test_effects_turn_with_the_conditions(a: list[int], b: list[int]) -> None:
    delta = effects.cliffs_delta(a, b)
    assert -1 <= delta <= 1
    assert delta == pytest.approx(-effects.cliffs_delta(b, a), **NEAR)
    assert delta == pytest.approx(2 * stats.mannwhitneyu(a, b).statistic / (len(a) * len(b)) - 1, **NEAR)
    g, back = effects.hedges_g(a, b), effects.hedges_g(b, a)
    assert (math.isnan(g) and math.isnan(back)) or g == pytest.approx(-back, **NEAR)
    for share in (effects.eta_squared(a, b), effects.epsilon_squared(a, b)):
        assert math.isnan(share) or -1e-12 <= share <= 1 + 1e-12


SHORT: Any = [[], [3.0], [3.0, 3.0, 3.0], [math.nan], [math.nan, 2.0], [0.1] * 7, [1.0, 2.0, 3.0]]


@pytest.mark.parametrize(
    "test", [rows.welch, rows.mann_whitney, rows.kolmogorov_smirnov, rows.anova, rows.kruskal_wallis]
)
@pytest.mark.parametrize("a", SHORT)
@pytest.mark.parametrize("b", SHORT)
def test_what_is_degenerate_has_a_name_and_no_warning(test: Any, a: Any, b: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        outcome = test(a, b)
        for effect in (effects.hedges_g, effects.cliffs_delta, effects.eta_squared, effects.epsilon_squared):
            effect(a, b)
    assert outcome.note or 0 <= outcome.p <= 1


@pytest.mark.parametrize(
    ("outcome", "said"),
    [
        (rows.welch([1], [1, 2]), "a has 1, and at least 2"),
        (rows.welch([1, 1], [2, 2]), "no two values within a condition differ"),
        (rows.mann_whitney([1, 1], [1]), "all values are equal"),
        (rows.mann_whitney([], []), "a has 0 and b has 0"),
        (rows.anova([1, 2]), "fewer than two conditions"),
        (rows.anova([1], [2], [3]), "one value a condition"),
        (rows.kruskal_wallis([1, 1], [1]), "all values are equal"),
        (rows.chi_square([[3, 0], [4, 0]]), "one category"),
        (rows.chi_square([[3, 2], [0, 0]]), "fewer than two conditions"),
    ],
)
def test_there_is_no_p_without_its_reason(outcome: Any, said: str) -> None:
    assert math.isnan(outcome.p)
    assert said in outcome.note


PS = st.lists(st.floats(0, 1) | st.just(math.nan), max_size=12)


@given(PS)
@settings(deadline=None)
def test_holm_is_never_below_the_raw_p_and_keeps_its_order(p: list[float]) -> None:
    corrected = holm(p)
    there = [(raw, new) for raw, new in zip(p, corrected.tolist(), strict=True) if not math.isnan(raw)]
    assert all(raw <= new <= 1 for raw, new in there)
    ordered = [new for _, new in sorted(there)]
    assert ordered == sorted(ordered)
    assert np.isnan(corrected).tolist() == np.isnan(p).tolist()


def test_holm_by_hand_and_as_pingouins_and_statsmodels() -> None:
    assert holm([0.01, 0.04, 0.03, math.nan]).tolist()[:3] == pytest.approx([0.03, 0.06, 0.06], **NEAR)
    p = RNG.random(9) / 5
    assert holm(p) == pytest.approx(pingouin.multicomp(p, method="holm")[1], **NEAR)
    assert holm(p) == pytest.approx(multipletests(p, method="holm")[1], **NEAR)
