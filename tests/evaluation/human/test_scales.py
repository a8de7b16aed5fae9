"""Cronbach's alpha and correlations agree with pingouin, numpy and what is published of the Big Five."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from workbench.errors import InvalidSettings
from workbench.evaluation.human.comparing import compare_to_human
from workbench.evaluation.human.scales import cronbach_alpha

RNG = np.random.default_rng(5)


def items(n=200, m=4, shared=1.0, k=5):
    latent = RNG.normal(0, shared, (n, 1)) + RNG.normal(0, 1, (n, m))
    return np.clip(np.round(latent + 3), 1, k)


def frame(values, prefix="A"):
    names = [f"{prefix}{number}" for number in range(1, values.shape[1] + 1)]
    return pd.DataFrame(values, columns=names).assign(person=[f"p{row}" for row in range(len(values))])


def test_alpha_agrees_with_pingouin():
    pingouin = pytest.importorskip("pingouin")
    values = items()
    assert cronbach_alpha(values) == pytest.approx(pingouin.cronbach_alpha(pd.DataFrame(values))[0], abs=1e-9)


def test_alpha_by_hand():
    # Equal items hang together fully; two that are opposite do not.
    assert cronbach_alpha(np.array([[1, 1], [2, 2], [3, 3]])) == pytest.approx(1)
    assert math.isnan(cronbach_alpha(np.array([[1, 3], [2, 2], [3, 1]])))
    assert cronbach_alpha(np.array([[1, 2], [2, 1], [3, 3]])) == pytest.approx(2 / 3)


def test_scales_are_in_the_report():
    simulated, human = items(300, shared=3), items(400)
    report = compare_to_human(frame(simulated), frame(human), scales={"agreeable": ["A1", "A2", "A3", "A4"]}, seed=1)
    row = report.table[report.table["statistic"] == "cronbach_alpha"].iloc[0]
    assert row["value"] == pytest.approx(cronbach_alpha(simulated), abs=1e-9)
    assert row["human"] == pytest.approx(cronbach_alpha(human), abs=1e-9)
    assert row["ci_low"] < row["value"] < row["ci_high"]
    assert row["ceiling_low"] < row["human"] < row["ceiling_high"] < row["value"]
    assert report.verdicts.iloc[-1]["verdict"] == "different"


def test_reversed_items_are_turned_round():
    values = items()
    turned = values.copy()
    turned[:, 0] = 6 - turned[:, 0]
    names = ["-A1", "A2", "A3", "A4"]
    told = {name: range(1, 6) for name in ("A1", "A2", "A3", "A4")}
    report = compare_to_human(frame(turned), frame(turned), scales={"s": names}, levels=told, n_resamples=50)
    assert report.table.iloc[-1]["value"] == pytest.approx(cronbach_alpha(values), abs=1e-9)


def test_correlations_between_scales():
    values = items(150, m=4)
    table = frame(values)
    report = compare_to_human(table, table, scales={"x": ["A1", "A2"], "y": ["A3", "A4"]}, n_resamples=100)
    row = report.table[report.table["statistic"] == "correlation"].iloc[0]
    expected = np.corrcoef(values[:, :2].mean(axis=1), values[:, 2:].mean(axis=1))[0, 1]
    assert (row["question"], row["option"]) == ("x", "y")
    assert (row["value"], row["human"]) == pytest.approx((expected, expected), abs=1e-9)


def test_who_left_an_item_out_is_not_in_the_scale():
    table = frame(items(60))
    table.loc[:9, "A2"] = np.nan
    report = compare_to_human(table, table, scales={"s": ["A1", "A2", "A3"]}, n_resamples=50)
    assert report.table.iloc[-1]["n_human"] == 50


@pytest.mark.parametrize(
    ("scales", "message"),
    [
        ({"s": ["A1"]}, "two items"),
        ({"s": "A1"}, "two items"),
        ({"s": ["A1", "A9"]}, "'A9' of scale 's' is no question"),
        ({"s": ["A1", "party"]}, "'party' of scale 's' is nominal"),
    ],
)
def test_scale_that_cannot_be_added_up_says_so(scales, message):
    table = frame(items(20)).assign(party=["red", "blue"] * 10)
    with pytest.raises(InvalidSettings, match=message):
        compare_to_human(table, table, scales=scales, n_resamples=10)


def test_scale_without_spread_has_a_reason():
    table = frame(np.full((20, 3), 3.0))
    report = compare_to_human(table, table, scales={"s": ["A1", "A2", "A3"]}, n_resamples=20)
    row = report.table.iloc[-1]
    assert math.isnan(row["value"])
    assert "no spread" in row["note"]
    assert report.verdicts.iloc[-1]["verdict"] == "no verdict"
