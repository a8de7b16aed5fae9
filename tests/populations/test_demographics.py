"""Plans out of demographic descriptions: what adds up is a dimension, what does not is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.cast import SHARED, write_json
from workbench.errors import InvalidSettings, UnknownName
from workbench.populations.plan import SamplingPlan

AGES = {"18-34": "30%", "35-80": "70%"}
DESCRIPTION: dict[str, Any] = {
    "title": "Shoppers",
    "content": {
        "Country": "Spain",
        "Population Size": "48 million",
        "Age Distribution": AGES,
        "Gender": {"female": 0.5, "male": 0.5, "Source": "INE, 2024"},
        "Household Income": {"Median": "30,000 €", "Distribution": {"low": 40, "high": 60}},
        "Pets": {"cat": "40%", "dog": "50%"},
        "Marital Status by Age": {
            "18-34": {"single": 80, "married": 20},
            "35-80": {"single": 20, "married": 60, "widowed": 20},
        },
    },
}


def test_headings_name_dimensions_and_shares_may_be_written_in_any_way() -> None:
    plan = SamplingPlan.from_demographics(DESCRIPTION, 20)
    assert plan.names == ("age", "gender", "household_income", "marital_status")
    assert plan["age"].shares == {"18-34": 0.3, "35-80": 0.7}
    assert plan["household_income"].shares == {"low": 0.4, "high": 0.6}
    assert (plan.n, plan.country, plan.about) == (20, "Spain", "people of Spain")


def test_a_table_of_tables_depends_on_the_dimension_of_its_rows() -> None:
    status = SamplingPlan.from_demographics(DESCRIPTION, 20)["marital_status"]
    assert status.given == ("age",)
    assert status.shares["18-34"] == {"single": 0.8, "married": 0.2, "widowed": 0}


def test_what_does_not_add_up_is_left_out_and_told() -> None:
    plan = SamplingPlan.from_demographics(DESCRIPTION, 20)
    assert plan.left_out == ["content > Pets: the shares add up to 0.9, and not to 1 or 100 %"]
    assert "left out: content > Pets" in str(plan)
    assert "left out: content &gt; Pets" in plan._repr_html_()


def test_some_dimensions_may_be_chosen() -> None:
    plan = SamplingPlan.from_demographics(DESCRIPTION, 20, about="shoppers", only=["gender", "age"])
    assert (plan.names, plan.about) == (("age", "gender"), "shoppers")
    with pytest.raises(InvalidSettings, match="no dimension 'pets'; there are age, gender"):
        SamplingPlan.from_demographics(DESCRIPTION, 20, only=["pets"])


def test_plain_quotas_and_saved_plans_are_read_from_json_and_yaml(tmp_path: Path) -> None:
    (tmp_path / "quotas.yaml").write_text("n: 7\ngender: {female: .5, male: .5}\nage: {18-34: 50%, 35-80: 50%}\n")
    plan = SamplingPlan.from_demographics(tmp_path / "quotas.yaml")
    assert (plan.n, plan.names) == (7, ("gender", "age"))
    saved = plan.rule_out(age="< 20", gender="male").save(tmp_path / "plan.json")
    again = SamplingPlan.from_demographics(saved, 9)
    assert (again.n, again.impossible) == (9, ({"age": "< 20", "gender": "male"},))


def test_one_heading_in_two_places_has_two_names() -> None:
    halves = {"a": 0.5, "b": 0.5}
    plan = SamplingPlan.from_demographics({"Car": {"Colour": halves}, "Home": {"House": {"Colour": halves}}}, 2)
    assert plan.names == ("colour", "house_colour")


@pytest.mark.parametrize(
    ("source", "n", "said"),
    [
        ({"Pets": {"cat": "40%", "dog": "50%"}}, 3, "no dimension was found in these demographics: Pets: the shares"),
        ({"title": "x"}, 3, "there are no mappings of levels to shares"),
        ({"gender": {"a": 0.5, "b": 0.5}}, None, "n= is missing"),
        ({"gender": {"a": 0.5, "b": 0.5}}, 0, "1 or more"),
    ],
)
def test_what_is_no_description_is_refused(source: Any, n: Any, said: str) -> None:
    with pytest.raises(InvalidSettings, match=said):
        SamplingPlan.from_demographics(source, n)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnknownName, match=r"usa\.json"):
        SamplingPlan.from_demographics(tmp_path / "usa.json", 3)
    with pytest.raises(InvalidSettings, match="a mapping"):
        SamplingPlan.from_demographics(write_json(tmp_path / "list.json", [1, 2]), 3)


@pytest.mark.skipif(not (SHARED / "demographics-usa.json").exists(), reason="the shared sample data are not here")
def test_the_description_of_the_united_states_is_read() -> None:
    plan = SamplingPlan.from_demographics(SHARED / "demographics-usa.json", 200)
    assert {"age", "gender", "racial_and_ethnic", "household_income", "regions", "marital_status"} <= set(plan.names)
    assert any("Political Affiliation" in what for what in plan.left_out)
    assert plan["age"].level_of(70) == "65+"
    assert len(plan.draw(1)) == 200


def test_a_table_that_cannot_be_a_dimension_refuses_nothing_else() -> None:
    tables = {"Gender": {"a": 0.5, "b": 0.5}, "Income": {"0-25": 0.5, "25-50": 0.5}, "Skills": {"piano": 1, "chess": 0}}
    plan = SamplingPlan.from_demographics(tables, 4)
    assert plan.names == ("gender",)
    assert ["Income: income: '0-25' and '25-50' overlap" in what for what in plan.left_out] == [True, False]


ROWS = {"male": {"18-34": 0.4, "35-80": 0.6}, "female": {"18-34": 0.2, "35-80": 0.8}}


@pytest.mark.parametrize(
    "tables",
    [
        {"age by gender": ROWS, "gender": {"Male": 0.5, "Female": 0.5}},
        {"gender": {"Male": 0.5, "Female": 0.5}, "groups": {level: {"age": row} for level, row in ROWS.items()}},
    ],
)
def test_what_depends_on_another_dimension_finds_it_wherever_it_stands(tables: Any) -> None:
    plan = SamplingPlan.from_demographics(tables, 10)
    assert plan.names == ("gender", "age")
    assert plan["age"].shares == {"Male": ROWS["male"], "Female": ROWS["female"]}
    assert not plan.left_out


def test_what_is_given_for_groups_whose_shares_are_not_known_is_told() -> None:
    by_gender = {level: {"age": row} for level, row in ROWS.items()}
    plan = SamplingPlan.from_demographics({"gender": by_gender, "pet": {"cat": 0.5, "dog": 0.5}}, 10)
    assert plan.names == ("pet",)
    assert "gender > age: it is given for each of male, female, and there are no shares of these" in plan.left_out


def test_shares_of_two_dimensions_together_are_read() -> None:
    table = {"male": {"18-34": 0.2, "35-80": 0.3}, "female": {"18-34": 0.1, "35-80": 0.4}}
    plan = SamplingPlan.from_demographics({"gender by age": table}, 10)
    assert plan.names == ("gender", "age")
    assert plan.draw().groupby(["gender", "age"]).ngroups > 2
    assert plan.targets()["share"].tolist() == pytest.approx([0.5, 0.5, 0.3, 0.7])


def test_what_is_passed_over_is_told_and_decimal_commas_are_read() -> None:
    tables = {"gender": {"f": "50,8%", "m": "49,2%"}, "smoker": 0.2, "pets": [{"level": "cat", "share": 0.5}]}
    plan = SamplingPlan.from_demographics(tables, 10)
    assert plan["gender"].shares == pytest.approx({"f": 0.508, "m": 0.492})
    assert [what.partition(":")[0] for what in plan.left_out] == ["smoker", "pets"]
