"""The mixed model: held against statsmodels where that finds the best model, and against a closed form."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
import statsmodels.formula.api as smf

from workbench.evaluation.statistics.mixed_model import _Model, _wald, _z, mixed_model


def study(seed: int = 0, persons: int = 24, sessions: int = 10) -> pd.DataFrame:
    """Return people who are in several sessions, each of one condition."""
    rng = np.random.default_rng(seed)
    rows = [(p, s) for p in range(persons) for s in range(sessions) if rng.random() < 0.4]
    table = pd.DataFrame(rows, columns=["person", "session"]).assign(condition=lambda one: one["session"] % 2)
    levels = rng.normal(0, 1, persons)[table["person"]] + rng.normal(0, 0.7, sessions)[table["session"]]
    return table.assign(y=levels + 0.8 * table["condition"] + rng.normal(0, 1, len(table)))


def theirs(table: pd.DataFrame, **formula: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        options = {"groups": np.ones(len(table)), "re_formula": "0", "vc_formula": formula}
        model = smf.mixedlm("y ~ I(1 - condition)", table, **options)
        return model.fit(method="nm", maxiter=2000, xtol=1e-10, ftol=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_persons_and_sessions_are_as_statsmodels_finds_them(seed: int) -> None:
    table = study(seed)
    fitted = theirs(table, person="0 + C(person)", session="0 + C(session)")
    exog = np.column_stack([np.ones(len(table)), 1.0 - table["condition"]])
    factors = [table["person"].to_numpy(), table["session"].to_numpy()]
    model = _Model.of(table["y"].to_numpy(), exog, factors)
    ratios = model.best_ratios()
    assert np.square(ratios) == pytest.approx(fitted.vcomp / fitted.scale, rel=1e-4)
    ours = mixed_model(table["y"], table["condition"], persons=factors[0], sessions=factors[1])
    assert ours.effect_size == pytest.approx(fitted.fe_params.iloc[1], rel=1e-4)
    # statsmodels' standard error is of another kind: from the Hessian of all parameters.
    assert ours.statistic == pytest.approx(fitted.tvalues.iloc[1], rel=0.03)


@pytest.mark.parametrize("ratios", [(0.0, 0.0), (0.7, 0.4), (0.0, 2.5), (30.0, 0.1)])
def test_differences_are_statsmodels_regression_under_the_same_covariance(ratios: tuple[float, float]) -> None:
    table = study(1)
    exog = np.column_stack([np.ones(len(table)), table["condition"] == 0]).astype(float)
    factors = [table["person"].to_numpy(), table["session"].to_numpy()]
    alike = [np.equal.outer(one, one).astype(float) for one in factors]
    covariance = np.eye(len(table)) + ratios[0] ** 2 * alike[0] + ratios[1] ** 2 * alike[1]
    fitted = sm.GLS(table["y"], exog, sigma=covariance).fit(use_t=False)
    model = _Model.of(table["y"].to_numpy(), exog, factors)
    difference, variance = model.differences(ratios)
    assert difference[0] == pytest.approx(fitted.params.iloc[1], abs=1e-9)
    assert math.sqrt(variance[0, 0]) == pytest.approx(fitted.bse.iloc[1], abs=1e-9)
    ours = _z(difference[0], math.sqrt(variance[0, 0]), 0.9, "")
    assert (ours.statistic, ours.p) == pytest.approx((fitted.tvalues.iloc[1], fitted.pvalues.iloc[1]), abs=1e-9)
    assert ours.interval == pytest.approx(tuple(fitted.conf_int(0.1).iloc[1]), abs=1e-9)
    # The restricted likelihood (Harville 1974), as a dense matrix has it.
    inverse = np.linalg.inv(covariance)
    terms = np.linalg.slogdet(covariance)[1] + np.linalg.slogdet(exog.T @ inverse @ exog)[1]
    error = table["y"] - exog @ fitted.params.to_numpy()
    deviance = terms + (len(table) - 2) * math.log(error @ inverse @ error)
    assert model.deviance(ratios) == pytest.approx(deviance, abs=1e-8)


def test_three_conditions_are_tested_as_statsmodels_does() -> None:
    table = study(2, sessions=12)
    exog = np.column_stack([np.ones(len(table)), table["session"] % 3 == 0, table["session"] % 3 == 1]).astype(float)
    factors = [table["person"].to_numpy(), table["session"].to_numpy()]
    covariance = np.eye(len(table)) + sum(0.25 * np.equal.outer(one, one) for one in factors)
    fitted = sm.GLS(table["y"], exog, sigma=covariance).fit(use_t=False)
    theirs = fitted.wald_test(np.eye(3)[1:], use_f=False, scalar=True)
    ours = _wald(*_Model.of(table["y"].to_numpy(), exog, factors).differences((0.5, 0.5)), "")
    assert (ours.statistic, ours.p, ours.df) == pytest.approx((theirs.statistic, theirs.pvalue, 2), abs=1e-9)


def test_persons_of_one_size_have_a_closed_form() -> None:
    rng = np.random.default_rng(3)
    persons = np.repeat(np.arange(30), 4)
    condition = persons % 2
    y = rng.normal(0, 1, 30)[persons] + rng.normal(0, 1, 120)
    means = y.reshape(30, 4).mean(axis=1)
    a, b = means[::2], means[1::2]
    z = (a.mean() - b.mean()) / math.sqrt((a.var(ddof=1) + b.var(ddof=1)) / 15)
    ours = mixed_model(y, condition, persons=persons)
    assert ours.statistic == pytest.approx(z, rel=1e-6)
    assert ours.effect_size == pytest.approx(a.mean() - b.mean(), abs=1e-9)


def test_without_differences_between_persons_it_is_a_regression() -> None:
    rng = np.random.default_rng(0)
    persons = np.tile(np.arange(20), 4)
    y = np.tile(rng.normal(0, 1, 20), 4) * np.repeat([1, -1, 1, -1], 20)  # each person's mean is 0
    condition = np.repeat([0, 0, 1, 1], 20)
    ours = mixed_model(y, condition, persons=persons)
    fitted = sm.OLS(y, np.column_stack([np.ones(80), condition == 0])).fit(use_t=False)
    assert ours.statistic == pytest.approx(fitted.tvalues[1], abs=1e-9)
    assert "no variance between persons was found" in ours.note


def test_sessions_within_persons_and_three_conditions() -> None:
    table = study(2, sessions=12)
    three = table["session"] % 3
    ours = mixed_model(table["y"], three, persons=table["person"], sessions=table["session"])
    assert (ours.df, ours.effect, 0 < ours.p < 1) == (2, "", True)
    two = mixed_model(table["y"], table["condition"], sessions=table["session"])
    assert "p is too low with only 12 sessions" in two.note


def test_the_order_of_rows_and_the_scale_do_not_matter() -> None:
    table = study(4)
    mixed = table.sample(frac=1, random_state=1)
    one, other = (
        mixed_model(scale * part["y"] + 5, part["condition"], persons=part["person"] * 3, sessions=part["session"])
        for part, scale in ((table, 1), (mixed, 1e6))
    )
    assert one.statistic == pytest.approx(other.statistic, rel=1e-6)
    assert one.effect_size == pytest.approx(other.effect_size / 1e6, rel=1e-6)


@pytest.mark.parametrize(
    ("y", "conditions", "units", "said"),
    [
        ([], [], {"persons": []}, "fewer than two conditions"),
        ([1, 2, 3], [0, 0, 0], {"persons": [0, 0, 1]}, "fewer than two conditions"),
        ([1, 1, 2, 2], [0, 0, 1, 1], {"persons": [0, 1, 0, 1]}, "no two values within"),
        ([1, 2], [0, 1], {"persons": [0, 0]}, "no two values within"),
        ([1, 2, 3, 4], [0, 0, 1, 1], {"persons": [0, 1, 2, 3]}, "each person has one row"),
        ([1, 2, 3, 4], [0, 0, 1, 1], {"sessions": [5, 5, 5, 5]}, "all rows are of one session"),
        ([1, 2, 3, 5], [0, 0, 1, 1], {"sessions": [0, 0, 1, 1]}, "one session a condition"),
        ([1, 2, 3, 5] * 2, [0, 1] * 4, {"persons": [0, 1, 2, 3] * 2, "sessions": [3, 2, 1, 0] * 2}, "one of the two"),
    ],
)
def test_what_is_degenerate_has_a_name(y: Any, conditions: Any, units: Any, said: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        outcome = mixed_model(y, conditions, **units)
    assert math.isnan(outcome.p)
    assert said in outcome.note


def test_rows_of_a_person_that_are_all_alike_have_a_result() -> None:
    persons = np.repeat(np.arange(24), 3)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        outcome = mixed_model(np.sin(persons), persons % 2, persons=persons)
    assert "the rows of a person are all alike" in outcome.note
    assert 0 < outcome.p < 1


def test_values_of_very_unlike_sizes_have_a_result_or_a_name() -> None:
    for y in ([1e9, 1e9, 0, 1], [1e9, 0, 1e-9, 1], [1e90, 1, 2, 5], [1e-90, 2e-90, 1e-90, 0]):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            outcome = mixed_model(y, [0, 0, 1, 1], persons=[0, 1, 0, 0])
        assert outcome.note
        assert math.isnan(outcome.p) or 0 <= outcome.p <= 1


def test_too_many_that_are_crossed_are_told() -> None:
    rng = np.random.default_rng(0)
    persons, sessions = rng.integers(0, 600, 5000), rng.integers(0, 550, 5000)
    outcome = mixed_model(rng.normal(0, 1, 5000), sessions % 2, persons=persons, sessions=sessions)
    assert "550 of persons and sessions are crossed" in outcome.note
    nested = mixed_model(rng.normal(0, 1, 5000), persons % 2, persons=persons, sessions=persons // 2)
    assert nested.p > 0
