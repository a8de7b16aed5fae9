"""A sampling plan: what it takes, how it is edited, and what it refuses before anything is spent."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from workbench.errors import InvalidSettings
from workbench.populations.dimensions import Dimension
from workbench.populations.plan import SamplingPlan

GENDER = {"female": 0.5, "male": 0.5}
AGE = {"18-34": 0.3, "35-54": 0.4, "55+": 0.3}
MARITAL = {"single": 0.4, "married": 0.6}


def counts(plan: SamplingPlan, column: str, seed: int = 0) -> dict[Any, int]:
    return plan.draw(seed)[column].map(lambda value: plan.level_of(column, value)).value_counts().to_dict()


def test_quotas_are_met() -> None:
    plan = SamplingPlan(50, {"gender": GENDER, "age": AGE})
    assert counts(plan, "gender") == {"female": 25, "male": 25}
    assert counts(plan, "age") == {"18-34": 15, "35-54": 20, "55+": 15}


def test_cross_tables_are_as_even_as_the_quotas_allow() -> None:
    people = SamplingPlan(60, {"gender": GENDER, "age": AGE}).draw()
    table = people.groupby(["gender", people["age"].lt(35)]).size()
    assert table.tolist() == [21, 9, 21, 9]


def test_counts_that_add_up_to_n_are_quotas_too() -> None:
    assert counts(SamplingPlan(7, {"gender": {"female": 5, "male": 2}}), "gender") == {"female": 5, "male": 2}


def test_the_same_seed_draws_the_same_people() -> None:
    plan = SamplingPlan(30, {"gender": GENDER, "age": AGE, "trait": (0.0, 1.0)})
    assert plan.draw(3).equals(plan.draw(3))
    assert not plan.draw(3).equals(plan.draw(4))


def test_numbers_are_spread_over_their_range() -> None:
    ages = sorted(SamplingPlan(40, {"age": {"20-59": 1}}).draw()["age"])
    assert ages == list(range(20, 60))


def test_numbers_of_several_dimensions_cover_the_space() -> None:
    people = SamplingPlan(64, {"a": (0.0, 1.0), "b": (0.0, 1.0)}).draw()
    quarters = people.groupby([people["a"].ge(0.5), people["b"].ge(0.5)]).size()
    assert quarters.between(14, 18).all()
    assert people[["a", "b"]].apply(lambda column: column.between(0, 0.99).all()).all()


def test_combinations_of_several_dimensions_have_their_own_quotas() -> None:
    shares = {"female": {"18-34": 0.2, "35-54": 0.3}, "male": {"18-34": 0.1, "35-54": 0.4}}
    people = SamplingPlan(40, {("gender", "age"): shares}).draw()
    assert people.groupby(["gender", people["age"].lt(35)]).size().tolist() == [12, 8, 16, 4]


def test_shares_may_depend_on_another_dimension() -> None:
    status = Dimension("status", {"18-34": {"single": 1.0}, "35-54": {"single": 0.5, "married": 0.5}}, given="age")
    people = SamplingPlan(20, [Dimension("age", {"18-34": 0.5, "35-54": 0.5}), status]).draw()
    assert set(people[people["age"] < 35]["status"]) == {"single"}
    assert (people["status"] == "married").sum() == 5


def test_impossible_combinations_divide_a_range() -> None:
    plan = SamplingPlan(
        100, {"age": {"10-29": 0.4, "30-60": 0.6}, "status": MARITAL}, impossible=[{"age": "< 18", "status": "married"}]
    )
    people = plan.draw()
    assert set(people[people["age"] < 18]["status"]) == {"single"}
    assert (people["age"] < 18).any()
    assert counts(plan, "status") == {"married": 60, "single": 40}


def test_infeasible_quotas_are_named() -> None:
    quotas = {"age": {"0-17": 0.6, "18-90": 0.4}, "status": {"single": 0.3, "married": 0.7}}
    plan = SamplingPlan(50, quotas).rule_out(age="< 18", status="married")
    with pytest.raises(InvalidSettings, match=r"nobody is age < 18 with status married.*is to be .*nearest is"):
        plan.draw()


def test_over_represented_groups_get_smaller_weights() -> None:
    plan = SamplingPlan(100, [Dimension("group", {"a": 0.9, "b": 0.1}, sampled={"a": 0.5, "b": 0.5})])
    people = plan.draw()
    assert people.groupby("group")["weight"].agg(["size", "mean"]).round(6).values.tolist() == [[50, 1.8], [50, 0.2]]


def test_a_group_that_nobody_is_sampled_of_is_told() -> None:
    plan = SamplingPlan(10, [Dimension("group", {"a": 0.9, "b": 0.1}, sampled={"a": 1, "b": 0})])
    with pytest.raises(InvalidSettings, match=r"10\.0% of the people are in groups of which nobody is sampled"):
        plan.draw()


def test_a_plan_is_edited_without_changing_the_first() -> None:
    plan = SamplingPlan(10, {"gender": GENDER})
    more = plan.define("age", AGE).define("gender", ["female", "male", "diverse"]).rule_out(age="< 20", gender="male")
    assert (plan.names, more.names) == (("gender",), ("gender", "age"))
    assert more["gender"].levels == ("female", "male", "diverse")
    assert more.without("age").impossible == ()


def test_a_plan_comes_back_from_its_file(tmp_path: Path) -> None:
    status = Dimension("status", {"18-34": {"single": 1}, "35-54": {"single": 0.5, "married": 0.5}}, given="age")
    dimensions = [Dimension("age", {"18-34": 0.5, "35-54": 0.5}, sampled={"18-34": 0.2, "35-54": 0.8}), status]
    plan = SamplingPlan(
        9, dimensions, about="Café-Gäste", country="DE", impossible=[{"age": "18-20", "status": "single"}]
    )
    for name in ("plan.json", "plan.yaml"):
        assert SamplingPlan.load(plan.save(tmp_path / name)) == plan


@pytest.mark.parametrize(
    ("quotas", "message"),
    [
        ({"gender": {"female": 0.5, "male": 0.4}}, r"gender.*add up to 0\.9"),
        ({"gender": {"female": -0.5, "male": 1.5}}, r"gender: shares, female: -0\.5 is no share"),
        ({"gender": {"female": "half", "male": "50%"}}, "'half' is no share"),
        ({"gender": {}}, "at least one level"),
        ({"gender": "female"}, "give {level: share}"),
        ({"age": {"18-34": 0.5, "30-50": 0.5}}, "'18-34' and '30-50' overlap"),
        ({"age": (50, 18)}, "first has to be below"),
        ({"name": GENDER}, "cannot be called 'name'"),
        ({"a..b": GENDER}, "cannot be a dimension"),
        ({"occupation": GENDER, "occupation.title": GENDER}, "are of one key"),
        ({}, "a plan needs dimensions"),
        ({("gender", "age"): {"female": 0.5, "male": 0.5}}, "nested mappings"),
    ],
)
def test_what_cannot_be_a_plan_is_told(quotas: Any, message: str) -> None:
    with pytest.raises(InvalidSettings, match=message):
        SamplingPlan(10, quotas)


@pytest.mark.parametrize(
    ("combination", "message"),
    [
        ({"size": "x"}, "size is no dimension; there are gender, age"),
        ({"gender": "diverse"}, "gender has no 'diverse'"),
        ({"age": "young"}, "a comparison such as '< 18'"),
        ({}, "no combination"),
    ],
)
def test_combinations_speak_of_what_there_is(combination: Any, message: str) -> None:
    with pytest.raises(InvalidSettings, match=message):
        SamplingPlan(10, {"gender": GENDER, "age": AGE}, impossible=[combination])


@pytest.mark.parametrize("n", [0, -1, 2.5, True, "10"])
def test_n_is_a_whole_number(n: Any) -> None:
    with pytest.raises(InvalidSettings, match="a whole number is needed"):
        SamplingPlan(n, {"gender": GENDER})


def test_given_dimensions_stand_before() -> None:
    status = Dimension("status", {"18-34": MARITAL, "35-54": MARITAL}, given="age")
    with pytest.raises(InvalidSettings, match="status is given age: put that before it"):
        SamplingPlan(10, [status])
    with pytest.raises(InvalidSettings, match=r"for each of age's levels.*55\+"):
        SamplingPlan(10, [Dimension("age", AGE), status])


def test_words_that_look_like_ranges_stay_words_where_wanted() -> None:
    income = {"0-25": 0.5, "25-50": 0.5}
    with pytest.raises(InvalidSettings, match="overlap"):
        Dimension("income", income)
    assert Dimension("income", income, numbers=False).level_of("25-50") == "25-50"
    with pytest.raises(InvalidSettings, match="ranges with two ends"):
        Dimension("children", {"0-2": 0.5, "3+": 0.5}, numbers=True)


@pytest.mark.parametrize("levels", [["0.5", "1.0", "3.25"], ["0", "0.5"], ["3", "7"], ["0.0-0.5", "0.5-1.0"]])
def test_numbers_are_of_their_level(levels: list[str]) -> None:
    plan = SamplingPlan(40, {"score": levels})
    drawn = plan.draw(1)["score"]
    assert {plan.level_of("score", value) for value in drawn} == set(levels)
    if "-" not in levels[0]:
        assert set(drawn) == {float(level) for level in levels}


@pytest.mark.parametrize("levels", [["2024-11", "2024-12"], ["34-18", "60-40"]])
def test_what_does_not_rise_is_no_range(levels: list[str]) -> None:
    assert set(SamplingPlan(10, {"month": levels}).draw()["month"]) == set(levels)


@pytest.mark.parametrize(
    ("ruled_out", "possible"),
    [
        ("<= 5", lambda score: score > 5),
        ("< 5", lambda score: score >= 5),
        ("> 5", lambda score: score <= 5),
        (">= 5.5", lambda score: score < 5.5),
    ],
)
def test_comparisons_are_of_the_numbers_of_their_dimension(ruled_out: str, possible: Any) -> None:
    plan = SamplingPlan(200, {"score": (0.0, 10.0), "group": ["a", "b"]}).rule_out(score=ruled_out, group="b")
    people = plan.draw(1)
    scores = people[people["group"] == "b"]["score"]
    assert scores.map(possible).all()
    assert people["score"].between(4.5, 5.9).sum() > 10
    assert scores.between(4.0, 6.0).any()


def test_a_fraction_in_a_comparison_is_between_whole_numbers() -> None:
    people = SamplingPlan(80, {"age": {"10-25": 1}, "group": ["a", "b"]}).rule_out(age="< 17.5", group="b").draw(1)
    assert people[people["group"] == "b"]["age"].min() == 18


def test_a_group_that_nobody_is_of_cannot_be_sampled() -> None:
    group = Dimension("group", {"a": 1.0, "b": 0.0}, sampled={"a": 0.5, "b": 0.5})
    with pytest.raises(InvalidSettings, match=r"50\.0% of the sample is in groups that nobody is of"):
        SamplingPlan(4, [group]).draw()


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"country": False}, "in YAML, NO needs"),
        ({"impossible": 5}, "a list of combinations"),
        ({"about": 3}, "give texts"),
    ],
)
def test_texts_are_texts(more: Any, said: str) -> None:
    with pytest.raises(InvalidSettings, match=said):
        SamplingPlan.from_dict({**SamplingPlan(3, {"gender": GENDER}).to_dict(), **more})


@pytest.mark.parametrize(
    ("levels", "numbers"),
    [
        (["18 to 24 years", "25-64 years old", "65 years and over"], True),
        (["18-34", "35-64", "65 plus"], True),
        (["0-9,999", "10,000-19,999"], True),
        (["01234", "90210"], False),
        (["low", "high"], False),
    ],
)
def test_ranges_are_read_as_statistical_offices_write_them(levels: list[str], numbers: bool) -> None:
    plan = SamplingPlan(20, {"age": levels})
    assert all(isinstance(value, int) is numbers for value in plan.draw(1)["age"].tolist())


def test_levels_that_keep_others_from_being_numbers_are_noted() -> None:
    plan = SamplingPlan(10, {"kids": ["0", "1", "2+"]})
    assert "kids: people get these levels as words, for 2+ is no range with two ends" in plan.notes
    assert set(plan.draw()["kids"]) == {"0", "1", "2+"}


@pytest.mark.parametrize(
    "shares", [pd.Series({"a": 0.5, "b": 0.5}), np.array(["a", "b"]), {"a": np.float32(0.5), "b": 0.5}]
)
def test_shares_may_come_from_pandas_and_numpy(shares: Any) -> None:
    assert SamplingPlan(np.int64(4), {"group": shares}).draw()["group"].value_counts().to_dict() == {"a": 2, "b": 2}


def test_keys_that_personas_spell_otherwise_are_refused() -> None:
    with pytest.raises(InvalidSettings, match="'Gender': personas call it 'gender'"):
        SamplingPlan(4, {"Gender": GENDER})


def test_very_small_numbers_are_numbers() -> None:
    assert SamplingPlan(4, {"dose": (1e-5, 1e-4)}).draw()["dose"].between(1e-5, 1e-4).all()


def test_what_others_depend_on_is_not_taken_out_alone() -> None:
    status = Dimension("status", {"female": {"x": 1.0}, "male": {"x": 1.0}}, given="gender")
    plan = SamplingPlan(4, [Dimension("gender", GENDER), status])
    with pytest.raises(InvalidSettings, match="status depends on gender"):
        plan.without("gender")
    assert plan.without("status").names == ("gender",)
