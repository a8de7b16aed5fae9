"""A population as a sequence and as a table: who is in it, and how it is divided."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.agents.person import Person
from workbench.errors import InvalidPersona, InvalidSettings, UnknownName
from workbench.populations.plan import SamplingPlan
from workbench.populations.population import Population

CAST = [
    {"name": "Lisa", "age": 28, "gender": "female", "occupation": {"title": "Baker"}, "skills": ["piano"]},
    {"name": "Oscar", "age": 41, "gender": "male", "occupation": {"title": "Architect"}},
    {"name": "José", "age": 67, "gender": "male"},
]


def cast(**more: Any) -> Population:
    return Population([Person(one) for one in CAST], **more)


def crowd(levels: list[Any], **more: Any) -> Population:
    """Return a person for each level."""
    return Population([Person({"name": f"P{n}", "group": level}) for n, level in enumerate(levels)], **more)


# -- a sequence --------------------------------------------------------------------------------------------


def test_people_are_picked_by_place_and_by_name() -> None:
    people = cast()
    assert (people[0].name, people[-1].name, people[np.int64(1)].name) == ("Lisa", "José", "Oscar")
    assert people["lisa"] is people[0]
    assert people["Jose\u0301"] is people[2]
    assert ("OSCAR" in people, "Ann" in people, people[1] in people) == (True, False, True)


@pytest.mark.parametrize(
    "wanted",
    [
        slice(0, 3, 2),
        [0, 2],
        np.array([0, -1]),
        [True, False, True],
        np.array([True, False, True]),
        pd.Series([True, False, True]),
        pd.Series({"José": True, "Lisa": True, "Oscar": False}),
        ["Lisa", "José"],
    ],
)
def test_some_of_the_people_are_a_population(wanted: Any) -> None:
    assert cast()[wanted].names == ("Lisa", "José")


def test_what_is_known_of_people_goes_with_them() -> None:
    data = pd.DataFrame({"attempts": [1, 2, 3]})
    people = cast(weights=[1, 2, 4], data=data, held_out=data.rename(columns={"attempts": "vote"}), about="three")
    some = people[[2, 0]]
    assert some.weights.to_dict() == {"José": 4.0, "Lisa": 1.0}
    assert some.to_frame(held_out=True)[["attempts", "vote"]].to_numpy().tolist() == [[3, 3], [1, 1]]
    assert some.about == "three"


def test_tables_that_name_people_may_have_any_order() -> None:
    people = cast(data=pd.DataFrame({"k": [3, 1, 2]}, index=["José", "Lisa", "Oscar"]))
    assert people.to_frame()["k"].tolist() == [1, 2, 3]


def test_nobody_of_a_name_is_an_error_that_names_the_nearest() -> None:
    with pytest.raises(UnknownName, match="nobody is called 'Lise'; the nearest: Lisa"):
        cast()["Lise"]


@pytest.mark.parametrize(
    ("wanted", "error"),
    [
        ([0, 0], InvalidPersona),
        ([7], IndexError),
        ([True], InvalidSettings),
        ([True, 1, 0], InvalidSettings),
        ([1.5], InvalidSettings),
        (pd.Series([True, None, False], dtype="boolean"), InvalidSettings),
    ],
)
def test_picks_that_cannot_be_are_refused(wanted: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        cast()[wanted]


@pytest.mark.parametrize("other", ["Lisa", "LISA"])
def test_two_of_one_name_are_refused(other: str) -> None:
    with pytest.raises(InvalidPersona, match=r"places 0 and 1; case does not count"):
        Population([Person({"name": "Lisa"}), Person({"name": other})])


def test_two_of_one_name_in_other_unicode_forms_are_refused() -> None:
    with pytest.raises(InvalidPersona, match="two people"):
        Population([Person({"name": "José"}), Person({"name": "Jose\u0301"})])


@pytest.mark.parametrize(
    ("weights", "said"),
    [
        ([1, 2], "2 weights for 3 people"),
        ([1, 0, 2], "weight of Oscar"),
        ([1, -1, float("nan")], "Oscar, José"),
        ([1, "x", 2], "weights are numbers"),
    ],
)
def test_weights_that_cannot_be_are_refused(weights: Any, said: str) -> None:
    with pytest.raises(InvalidSettings, match=said):
        cast(weights=weights)


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (pd.DataFrame({"a": [1, 2]}), "2 rows for 3 people"),
        (pd.DataFrame({"a": [1, 2, 3]}, index=["Lisa", "Oscar", "Ann"]), "no row for José"),
        (pd.DataFrame([[1, 2]] * 3, columns=["a", "a"]), "'a' is there more than once"),
        (pd.DataFrame([[1]] * 3), "called by no text"),
        (pd.DataFrame({"weight": [1, 2, 3]}), "rename the column"),
        ([1, 2, 3], "a DataFrame is needed"),
    ],
)
def test_tables_that_do_not_fit_are_refused(table: Any, said: str) -> None:
    with pytest.raises(InvalidSettings, match=said):
        cast(data=table)


def test_what_is_held_out_may_be_nowhere_else() -> None:
    with pytest.raises(InvalidSettings, match=r"Lisa: occupation\.title is held out, and a key of the persona"):
        cast(held_out=pd.DataFrame({"occupation.title": [1, 2, 3]}))
    vote = pd.DataFrame({"vote": [1, 2, 3]})
    with pytest.raises(InvalidSettings, match="vote: held out, and in data too"):
        cast(held_out=vote, data=vote)


def test_effective_n_is_kishs() -> None:
    assert cast().effective_n == 3
    assert cast(weights=[1, 1, 2]).effective_n == pytest.approx(16 / 6)
    assert cast(weights=[1e300, 1e300, 1e300]).effective_n == 3
    assert Population([]).effective_n == 0


# -- a table -----------------------------------------------------------------------------------------------


def test_the_table_has_a_column_each_key() -> None:
    table = cast(weights=[1, 2, 3]).to_frame()
    assert list(table.columns) == ["age", "gender", "occupation.title", "skills", "weight"]
    assert (table.index.name, table.loc["Lisa", "skills"], table.loc["José", "weight"]) == ("name", ["piano"], 3.0)
    assert table.loc["José"].isna().tolist() == [False, False, True, True, False]


def test_the_table_has_data_that_personas_lack_and_what_is_held_out_only_when_asked() -> None:
    people = cast(data=pd.DataFrame({"age": [0, 0, 0], "code": [7, 8, 9]}), held_out=pd.DataFrame({"vote": [1, 0, 1]}))
    assert list(people.to_frame().columns)[-2:] == ["code", "weight"]
    assert people.to_frame()["age"].tolist() == [28, 41, 67]
    assert people.to_frame(held_out=True)["vote"].tolist() == [1, 0, 1]


def test_a_weight_in_kilograms_is_another_one() -> None:
    table = Population([Person({"name": "Ann", "weight": 60})]).to_frame()
    assert table.to_dict("records") == [{"persona.weight": 60, "weight": 1.0}]


def test_filters_are_functions_queries_and_series() -> None:
    people = cast()
    assert people.filter(lambda person: person.persona.age > 40).names == ("Oscar", "José")
    assert people.filter("age > 40 and `occupation.title` == 'Architect'").names == ("Oscar",)
    assert people.filter(people.to_frame()["gender"] == "male").names == ("Oscar", "José")
    assert people.filter("age > 100").names == ()


@pytest.mark.parametrize("query", ["aeg > 3", "age >", "age", "age + 1", "occupation.title == 'x'", "age = 3", "", "3"])
def test_queries_that_cannot_be_answered_name_the_columns(query: str) -> None:
    with pytest.raises(InvalidSettings, match=r"The columns are 'age', 'gender', 'occupation.title'"):
        cast().filter(query)


def test_what_is_no_condition_is_refused() -> None:
    with pytest.raises(InvalidSettings, match="is no condition"):
        cast().filter(3)  # type: ignore[arg-type]


# -- groups, samples, splits -------------------------------------------------------------------------------


def test_groups_are_by_level_and_nobody_is_lost() -> None:
    people = crowd([2, 1, None, 2])
    assert {level: group.names for level, group in people.groups("group").items()} == {
        1: ("P1",),
        2: ("P0", "P3"),
        None: ("P2",),
    }
    assert list(cast().groups(["gender", "age"])) == [("female", 28), ("male", 41), ("male", 67)]


def test_groups_are_the_levels_of_the_plan() -> None:
    plan = SamplingPlan(3, {"age": {"18-34": 0.3, "35-54": 0.3, "55+": 0.4}, "gender": ["female", "male"]})
    groups = cast(plan=plan).groups("age")
    assert {level: group.names for level, group in groups.items()} == {
        "18-34": ("Lisa",),
        "35-54": ("Oscar",),
        "55+": ("José",),
    }


def test_groups_may_be_of_what_is_held_out() -> None:
    assert list(cast(held_out=pd.DataFrame({"vote": [1, 0, 1]})).groups("vote")) == [0, 1]


@pytest.mark.parametrize(("by", "said"), [("aeg", "there is no 'aeg'; there are age"), ("skills", "lists of it")])
def test_groups_of_what_is_not_there_are_refused(by: str, said: str) -> None:
    with pytest.raises(InvalidSettings, match=said):
        cast().groups(by)


@pytest.mark.parametrize("n", [-1, 4, 1.0, True, None])
def test_samples_that_cannot_be_are_refused(n: Any) -> None:
    with pytest.raises(InvalidSettings, match=r"whole number is needed|there are 3 people"):
        cast().sample(n)


@pytest.mark.parametrize("parts", [{}, {"a": 0.5}, {"a": 1.2, "b": -0.2}, {"a": "x"}, {"a": float("nan")}, ["a"]])
def test_parts_that_do_not_add_up_are_refused(parts: Any) -> None:
    with pytest.raises(InvalidSettings, match="add up to 1"):
        cast().split(parts)


def test_the_same_seed_draws_the_same_people() -> None:
    people = crowd(["a"] * 30)
    assert people.sample(10, seed=1).names == people.sample(10, seed=1).names != people.sample(10, seed=2).names
    one, other = (people.split({"a": 0.5, "b": 0.5}, seed=1)["a"].names for _ in range(2))
    assert one == other != people.split({"a": 0.5, "b": 0.5}, seed=2)["a"].names


def test_many_small_strata_do_not_all_go_to_the_largest_part() -> None:
    parts = crowd(list(range(50))).split({"train": 0.8, "test": 0.2}, by="group")
    assert {part: len(people) for part, people in parts.items()} == {"train": 40, "test": 10}


LEVELS = st.lists(st.sampled_from(["a", "b", "c", None]), min_size=1, max_size=60)


@settings(max_examples=60, deadline=None)
@given(LEVELS, st.floats(0, 1), st.integers(0, 9))
def test_samples_lose_and_double_nobody_and_keep_the_strata(levels: list[Any], share: float, seed: int) -> None:
    people = crowd(levels)
    n = round(share * len(people))
    some = people.sample(n, seed=seed, by="group") if any(levels) else people.sample(n, seed=seed)
    assert len(set(some.names)) == n
    assert set(some.names) <= set(people.names)
    assert list(some.names) == [name for name in people.names if name in some]
    counts, drawn = Counter(levels), Counter(person.persona.to_dict()["group"] for person in some)
    if any(levels):
        assert all(abs(drawn[level] - n * size / len(people)) < 1 for level, size in counts.items())


SHARES = st.lists(st.integers(1, 20), min_size=1, max_size=4).map(lambda xs: [x / sum(xs) for x in xs])


@settings(max_examples=100, deadline=None)
@given(LEVELS.filter(any), SHARES, st.integers(0, 9))
def test_splits_lose_and_double_nobody_and_keep_the_strata(levels: list[Any], shares: list[float], seed: int) -> None:
    people = crowd(levels)
    parts = people.split({f"part {n}": share for n, share in enumerate(shares)}, by="group", seed=seed)
    assert sorted(name for part in parts.values() for name in part.names) == sorted(people.names)
    sizes = Counter(levels)
    for part, share in zip(parts.values(), shares, strict=True):
        counts = Counter(person.persona.to_dict()["group"] for person in part)
        assert all(abs(counts[level] - share * size) < 1 + 1e-6 for level, size in sizes.items())
        assert abs(len(part) - share * len(people)) < 1 + 1e-6


# -- views -------------------------------------------------------------------------------------------------


def test_views_show_who_they_are() -> None:
    people = cast(weights=[1, 1, 2], about="three <b>", held_out=pd.DataFrame({"vote": [1, 2, 3]}))
    assert repr(people) == "Population(3 people, effective n 2.7, 'three <b>')"
    shown = people._repr_html_()
    assert [word in shown for word in ("three &lt;b&gt;", "Architect", "three <b>", "vote")] == [
        True,
        True,
        False,
        False,
    ]
    assert people.summary().splitlines() == [
        "3 people, effective n 2.7: three <b>",
        "  age: 28 33%, 41 33%, 67 33%",
        "  gender: male 67%, female 33%",
        "  occupation.title: Architect 33%, Baker 33%",
        "  held out: vote",
    ]


def test_nobody_is_a_population_too() -> None:
    nobody = Population([])
    assert (len(nobody), nobody.names, len(nobody.to_frame())) == (0, (), 0)
    assert nobody.summary() == "0 people, effective n 0.0"
    assert "0 people" in nobody._repr_html_()
    assert {part: len(people) for part, people in nobody.split({"a": 0.5, "b": 0.5}).items()} == {"a": 0, "b": 0}
    assert len(nobody.sample(0)) == 0


def test_numbers_that_a_plan_spreads_over_one_range_are_shown_in_parts_of_it() -> None:
    plan = SamplingPlan(50, {"age": {"18-67": 1.0}, "openness": (0.0, 1.0)})
    rows = plan.draw(1).drop(columns="weight").to_dict("records")
    people = Population([Person({"name": f"P{k}", **row}) for k, row in enumerate(rows)], plan=plan)
    table = people.profile().table.set_index(["attribute", "level"])
    assert table.loc["openness", "target"].tolist() == pytest.approx([0.2] * 5)
    assert table.loc["age", "n"].to_dict() == {"18-27": 10, "28-37": 10, "38-47": 10, "48-57": 10, "58-67": 10}
    assert people.gap()["levels"].tolist() == [1, 1]


def test_weights_and_masks_of_pandas_are_those_of_the_people_they_name() -> None:
    survey = pd.DataFrame({"age": [20, 80], "id": ["young", "old"]}, index=[10, 20])
    people = Population.from_frame(survey, {"age": "age"}, name="id", weights=pd.Series({20: 9.0, 10: 1.0}))
    assert people.weights.to_dict() == {"young": 1, "old": 9}
    assert Population(people, weights=pd.Series({"old": 9.0, "young": 1.0})).weights.to_dict() == {"young": 1, "old": 9}
    with pytest.raises(InvalidSettings, match="another order than the people"):
        people.filter((survey["age"] > 50).sort_index(ascending=False))
    with pytest.raises(InvalidSettings, match="missing values"):
        people.filter(pd.Series([True, None], dtype=object))


def test_two_populations_are_joined_with_all_that_is_known() -> None:
    waves = [pd.DataFrame({"age": [20 + k], "vote": [f"v{k}"], "who": [f"P{k}"]}) for k in range(2)]
    first, second = (
        Population.from_frame(wave, {"age": "age"}, hold_out=["vote"], weights=[k + 1], name="who", about="voters")
        for k, wave in enumerate(waves)
    )
    both = first + second
    assert (both.names, both.weights.tolist(), both.about) == (("P0", "P1"), [1, 2], "voters")
    assert both.held_out["vote"].tolist() == ["v0", "v1"]
    assert both.filter("vote == 'v1'").names == ("P1",)


def test_one_person_is_no_list_of_people() -> None:
    with pytest.raises(InvalidSettings, match="Ann is one person"):
        Population(Person({"name": "Ann"}))


def test_names_of_attributes_are_no_formulas() -> None:
    plan = SamplingPlan(2, {r"in $\bad$": ["a", "b"]})
    assert "in $" in plan._repr_html_()
