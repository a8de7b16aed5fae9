"""Plans out of surveys: people are drawn as the rows of a table are distributed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from workbench.errors import InvalidSettings
from workbench.populations.plan import SamplingPlan

SURVEY = pd.DataFrame(
    {
        "sex": ["f", "f", "m", "m", None],
        "age": [20, 40, 60, 60, 30],
        "party": ["x", "x", "y", "x", "y"],
        "w": [1.0, 1.0, 2.0, 4.0, 2.0],
    }
)


def test_shares_are_those_of_the_table() -> None:
    plan = SamplingPlan.from_frame(SURVEY, {"sex": "gender", "party": "party"}, 8)
    assert plan["gender"].shares == {"f": 0.5, "m": 0.5}
    assert plan["party"].shares == {"x": 0.6, "y": 0.4}


def test_weights_count() -> None:
    assert SamplingPlan.from_frame(SURVEY, ["sex"], 8, weights="w")["sex"].shares == {"m": 0.75, "f": 0.25}


def test_numbers_are_put_into_ranges() -> None:
    plan = SamplingPlan.from_frame(SURVEY, ["age"], 10, bins={"age": [18, 35, 55, 91]})
    assert plan["age"].shares == {"18-34": 0.4, "35-54": 0.2, "55-90": 0.4}
    ages = pd.DataFrame({"age": range(18, 88)})
    assert SamplingPlan.from_frame(ages, ["age"], 10)["age"].levels[0] == "18-27"
    parts = SamplingPlan.from_frame(pd.DataFrame({"o": [0.1, 0.6]}), ["o"], 10, bins={"o": [0, 0.5, 1]})
    assert parts["o"].levels == ("0.0-0.5", "0.5-1.0")


def test_combinations_are_as_in_the_table_where_they_are_asked_for() -> None:
    rng = np.random.default_rng(1)
    survey = pd.DataFrame({"a": rng.integers(0, 3, 300), "b": rng.integers(0, 4, 300)}).astype(str)
    survey.loc[survey["a"] == "0", "b"] = "0"
    people = SamplingPlan.from_frame(survey, ["a", "b"], 300, joint=True).draw(1)
    wanted, drawn = (table.astype(str).groupby(["a", "b"]).size() for table in (survey, people))
    assert drawn.to_dict() == wanted.to_dict()
    alone = SamplingPlan.from_frame(survey, ["a", "b"], 300).draw(1).astype(str)
    assert (alone[alone["a"] == "0"]["b"] != "0").any()


def test_rows_with_a_missing_value_have_no_combination() -> None:
    plan = SamplingPlan.from_frame(SURVEY, ["sex", "party"], 4, joint=True)
    assert plan["sex"].shares == {"f": 0.5, "m": 0.5}
    assert plan["party"].shares == {"f": {"x": 1, "y": 0}, "m": {"x": 0.5, "y": 0.5}}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"columns": ["sx"]}, "there is no 'sx'; there are sex, age"),
        ({"columns": []}, "name those that people are to be drawn by"),
        ({"weights": "v"}, "there is no 'v'"),
        ({"bins": {"job": [1, 2]}}, "bins: job"),
        ({"columns": ["age"], "bins": {"age": [18, 35]}}, r"age: \[18, 35\].*outside: 40, 60"),
        ({"columns": ["age"], "bins": {"age": 5}}, "bins: age: 5: rising ends are needed"),
        ({"columns": ["age"], "bins": {"age": [18, float("inf")]}}, "rising ends are needed"),
        ({"columns": {"age": "a", "w": "a"}}, "two of them are to be 'a'"),
        ({"columns": ["age"], "bins": {"age": [90, 18]}}, "rising ends"),
        ({"n": 0}, "1 or more"),
    ],
)
def test_what_cannot_be_is_named(arguments: Any, said: str) -> None:
    with pytest.raises(InvalidSettings, match=said):
        SamplingPlan.from_frame(SURVEY, **({"columns": ["sex"], "n": 3} | arguments))


def test_a_column_without_a_value_is_named() -> None:
    with pytest.raises(InvalidSettings, match="job: everybody's value is missing"):
        SamplingPlan.from_frame(pd.DataFrame({"job": [None, None]}), ["job"], 3)


def test_ends_of_numpy_are_ends() -> None:
    plan = SamplingPlan.from_frame(SURVEY, ["age"], 10, bins={"age": np.array([18, 35, 91])})
    assert plan["age"].levels == ("18-34", "35-90")


@pytest.mark.parametrize("column", [np.random.default_rng(1).lognormal(5, 1.5, 400), np.arange(19, 92).repeat(5)])
def test_numbers_that_are_drawn_are_distributed_as_those_of_the_table(column: Any) -> None:
    drawn = SamplingPlan.from_frame(pd.DataFrame({"x": column}), ["x"], 500).draw(1)["x"]
    step = (column.max() - column.min()) / 1000 + 0.2
    assert column.min() - step <= drawn.min() <= drawn.max() <= column.max() + step
    for share in (0.15, 0.5, 0.85):
        assert np.quantile(drawn, share) == pytest.approx(np.quantile(column, share), rel=0.15)


def test_texts_stay_texts_and_truth_is_yes_or_no() -> None:
    survey = pd.DataFrame({"zip": ["01234", "90210", "1"], "smoker": [True, False, True]})
    people = SamplingPlan.from_frame(survey, ["zip", "smoker"], 30).draw(1)
    assert set(people["zip"]) == {"01234", "90210", "1"}
    assert people["smoker"].value_counts().to_dict() == {"yes": 20, "no": 10}


def test_a_joint_table_that_nobody_is_in_is_told() -> None:
    survey = pd.DataFrame({"a": ["x", None], "b": [None, "y"]})
    with pytest.raises(InvalidSettings, match="no row has values of all of a, b"):
        SamplingPlan.from_frame(survey, ["a", "b"], 3, joint=True)
    wide = pd.DataFrame({f"c{k}": [str(row % 9) for row in range(90)] for k in range(6)})
    with pytest.raises(InvalidSettings, match="531,441 combinations"):
        SamplingPlan.from_frame(wide, list(wide), 3, joint=True)
