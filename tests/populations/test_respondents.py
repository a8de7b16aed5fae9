"""People from the rows of a survey; statsmodels has 944 voters of the American National Election Study of 1996."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.cast import llm_at
from workbench.errors import InvalidPersona, InvalidSettings, PromptError
from workbench.populations.population import Population
from workbench.worlds.world import World

SCHOOL = {
    1: "1-8 grades",
    2: "some high school",
    3: "high school graduate",
    4: "some college",
    5: "college degree",
    6: "master's degree",
    7: "PhD",
}
PARTY = {0: "strong Democrat", 1: "weak Democrat", 2: "independent, leaning Democrat", 3: "independent"}
PARTY |= {4: "independent, leaning Republican", 5: "weak Republican", 6: "strong Republican"}
DESCRIBE: dict[str, Any] = {
    "age": "age",
    "educ": ("education", SCHOOL),
    "PID": ("politics.party", PARTY),
    "selfLR": "Places themself at {{ value }} on a scale from 1, extremely liberal, to 7, extremely conservative.",
    "TVnews": "Watches the news on television {% if value %}{{ value }} times a week{% else %}never{% endif %}.",
}


@pytest.fixture(scope="module")
def survey() -> pd.DataFrame:
    datasets = pytest.importorskip("statsmodels.api").datasets
    return pd.DataFrame(datasets.anes96.load_pandas().data)


def small(**columns: Any) -> pd.DataFrame:
    return pd.DataFrame({"age": [36.0, 20.0, np.nan], "sex": [1, 2, 2], **columns})


def facts(people: Population) -> list[dict[str, Any]]:
    return [{k: v for k, v in person.persona.to_dict().items() if k != "name"} for person in people]


def test_944_respondents_become_people_in_no_time(survey: pd.DataFrame) -> None:
    start = time.perf_counter()
    people = Population.from_frame(survey, DESCRIBE, hold_out=["vote"], about="American voters of 1996")
    assert time.perf_counter() - start < 5
    assert (len(people), people.effective_n, len(people.profile().table)) == (944, 944, 23)
    assert people[0].persona.to_dict() == {
        "name": "Respondent 1",
        "age": 36,
        "education": "high school graduate",
        "politics": {"party": "strong Republican"},
        "other_facts": [
            "Places themself at 7 on a scale from 1, extremely liberal, to 7, extremely conservative.",
            "Watches the news on television 7 times a week.",
        ],
    }
    assert people.held_out is not None
    assert people.held_out["vote"].tolist() == survey["vote"].tolist()
    assert people.to_frame()["PID"].tolist() == survey["PID"].tolist()


async def test_what_is_held_out_is_in_no_prompt(survey: pd.DataFrame, model_server: Any) -> None:
    server = model_server()
    survey = survey.assign(ballot_1996=survey["vote"].map({0: "zz-clinton", 1: "zz-dole"}))
    hold_out = ["vote", "ballot_1996"]
    people = Population.from_frame(survey, DESCRIBE, hold_out=hold_out, about="voters", llm=llm_at(server))
    for question in ("Whom will you vote for?", "Why?"):
        await asyncio.gather(*(person.interview(question) for person in people))
    world = World("A panel", list(people[:5]), llm=llm_at(server))
    world.broadcast("Discuss the news.")
    await world.run(1)
    asked = [json.dumps(request.body, ensure_ascii=False).casefold() for request in server.requests]
    assert len(asked) >= 2 * 944 + 5
    assert sum("watches the news on television" in text for text in asked) == len(asked)
    assert not [text for text in asked if any(word in text for word in ("zz-", "ballot"))]


# -- what columns become -----------------------------------------------------------------------------------


def test_columns_become_attributes_labels_and_sentences() -> None:
    survey = small(job=["baker", None, "nurse"], kids=[0, 2, 1])
    describe = {"age": "age", "sex": ("gender", {1: "male", 2: "female"}), "job": "occupation.title"}
    people = Population.from_frame(survey, describe | {"kids": "{{ number }}: {{ value }} children, a {{ job }}"})
    assert facts(people) == [
        {"age": 36, "gender": "male", "occupation": {"title": "baker"}, "other_facts": ["1: 0 children, a baker"]},
        {"age": 20, "gender": "female", "other_facts": []},
        {"gender": "female", "occupation": {"title": "nurse"}, "other_facts": ["3: 1 children, a nurse"]},
    ]


def test_a_mapping_labels_the_column_under_its_own_name_and_none_leaves_it_out() -> None:
    people = Population.from_frame(small(party=[1.0, 9.0, None]), {"party": {1: "left", 9: None}})
    assert facts(people) == [{"party": "left"}, {}, {}]


@pytest.mark.parametrize(
    ("column", "values"),
    [
        (pd.Series([1.0, 2.5, None]), [1.0, 2.5, None]),
        (pd.Series([1.0, 2.0, None]), [1, 2, None]),
        (pd.Series([0.1, 2.0, 3.0], dtype="float32"), [0.1, 2.0, 3.0]),
        (pd.Series([1, None, 3], dtype="Int64"), [1, None, 3]),
        (pd.Series([True, False, None], dtype="boolean"), [True, False, None]),
        (pd.Series(pd.Categorical(["a", None, "b"])), ["a", None, "b"]),
        (pd.Series(pd.to_datetime(["2024-05-01", None, "2024-05-02"])), ["2024-05-01", None, "2024-05-02"]),
        (pd.Series([["a"], [], ["b", "c"]]), [["a"], [], ["b", "c"]]),
    ],
)
def test_values_are_those_of_python(column: Any, values: list[Any]) -> None:
    people = Population.from_frame(small(x=column), {"x": "x"})
    found = [person.persona.to_dict().get("x") for person in people]
    assert found == values
    assert [type(value) for value in found] == [type(value) for value in values]


def test_values_of_a_survey_are_no_templates() -> None:
    people = Population.from_frame(small(said=["{{ 7 * 7 }}", "<b>", "{% x %}"]), {"said": "Said: {{ value }}"})
    assert [one["other_facts"][0] for one in facts(people)] == ["Said: {{ 7 * 7 }}", "Said: <b>", "Said: {% x %}"]


def test_names_are_of_a_template_or_a_column() -> None:
    survey = small(who=["Ann", "Bob", "Cid"])
    named = [
        Population.from_frame(survey, {"age": "age"}, name=name).names for name in ("who", "{{ who }} {{ number }}")
    ]
    assert named == [("Ann", "Bob", "Cid"), ("Ann 1", "Bob 2", "Cid 3")]


def test_weights_are_of_a_column_or_given() -> None:
    survey = small(w=[0.5, 1.5, 2])
    for weights in ("w", [0.5, 1.5, 2], survey["w"]):
        people = Population.from_frame(survey, {"age": "age"}, weights=weights)
        assert people.weights.tolist() == [0.5, 1.5, 2]


def test_a_filtered_survey_keeps_its_rows_together() -> None:
    survey = small(vote=["a", "b", "c"]).iloc[[2, 0]]
    people = Population.from_frame(survey, {"sex": "sex"}, hold_out=["vote"])
    assert people.to_frame(held_out=True)[["sex", "vote"]].to_numpy().tolist() == [[2, "c"], [1, "a"]]


# -- what is refused ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"describe": {"vote": "politics"}}, r"vote: held out, and used in describe"),
        ({"describe": {"age": "{{ value }} voted {{ vote }}"}}, r"describe: age: vote is held out"),
        ({"describe": {"age": "{% if vote == 1 %}x{% endif %}"}}, r"describe: age: vote is held out"),
        ({"name": "{{ vote }}"}, "name: vote is held out"),
        ({"name": "vote"}, "name: vote is held out"),
        ({"weights": "vote"}, "vote: held out, and used in describe or weights"),
        ({"hold_out": ["vote", "votes"]}, r"no column 'votes'; there are age, sex, vote"),
        ({"describe": {"aeg": "age", "sx": "sex"}}, r"no column 'aeg', 'sx'; there are"),
        ({"weights": "w"}, "no column 'w'"),
        ({"name": "who"}, r"name='who': give a column, or a template such as 'Respondent \{\{ number \}\}'"),
        ({"describe": {"age": "{{ value }} {{ job }}"}}, "describe: age: job is no column"),
        ({"describe": {}}, "describe: a mapping is needed"),
        ({"describe": {"age": 3}}, "describe: age: 3: give a key"),
        ({"describe": {"age": "name"}}, "names are given by name='age'"),
        ({"describe": {"age": "other_facts"}}, "other_facts are sentences"),
        ({"describe": {"age": "a..b"}}, "'a..b' is no key"),
        ({"describe": {"age": "x", "sex": "x.y"}}, "age and sex are both to be 'x.y'"),
        ({"hold_out": ["sex"], "describe": {"age": "body.sex"}}, "sex is held out, and a key of the persona"),
        ({"weights": [1, 2]}, "2 weights for 3 rows"),
        ({"weights": [1, None, -2]}, "missing or not positive in row 1, 2"),
    ],
)
def test_what_contradicts_itself_is_refused(given: dict[str, Any], said: str) -> None:
    arguments = {"describe": {"age": "age"}, "hold_out": ["vote"], **given}
    with pytest.raises(InvalidSettings, match=said):
        Population.from_frame(small(vote=[1, 2, 1]), **arguments)


def test_all_codes_that_lack_a_label_are_named() -> None:
    survey = small(party=[1, 8, 8])
    with pytest.raises(InvalidSettings) as caught:
        Population.from_frame(survey, {"sex": ("gender", {1: "male"}), "party": {1: "left", 2: "right"}})
    assert str(caught.value) == (
        "describe: sex: no label for 2 (2 rows); there are labels for 1; party: no label for 8 (2 rows); there are "
        "labels for 1, 2. Add them; None as a label leaves the attribute out."
    )


def test_codes_where_a_persona_has_words_are_refused_with_the_row() -> None:
    with pytest.raises(InvalidPersona, match=r"row 0: .*gender: .*string.* describe it with labels"):
        Population.from_frame(small(), {"sex": "gender"})


@pytest.mark.parametrize(
    ("survey", "said"),
    [
        (pd.DataFrame({"age": []}), "has no rows"),
        (pd.DataFrame(), "has no rows"),
        ([{"age": 3}], "is a list"),
        (pd.DataFrame([[1, 2]], columns=["age", "age"]), "'age' is there more than once"),
        (pd.DataFrame([[1]]), "called by no text"),
    ],
)
def test_what_is_no_survey_is_refused(survey: Any, said: str) -> None:
    with pytest.raises(InvalidSettings, match=said):
        Population.from_frame(survey, {"age": "age"})


def test_names_that_are_not_unique_or_missing_are_refused() -> None:
    with pytest.raises(InvalidPersona, match="two people are called 'Ann'"):
        Population.from_frame(small(who=["Ann", "Bob", "Ann"]), {"age": "age"}, name="who")
    with pytest.raises(InvalidSettings, match="row 1: who is missing"):
        Population.from_frame(small(who=["Ann", None, "Cid"]), {"age": "age"}, name="who")


def test_a_sentence_that_cannot_be_rendered_names_its_row() -> None:
    with pytest.raises(PromptError, match=r"row 0: 'sex' cannot be rendered"):
        Population.from_frame(small(), {"sex": "{{ value / 0 }}"})


def test_held_out_answers_are_found_wherever_a_persona_would_have_them() -> None:
    survey = small(job=["a", "b", "c"], occupation=["x", "y", "z"], Vote=["1", "2", "3"])
    for describe, hold_out in (({"job": "occupation.title"}, "occupation"), ({"job": "vote"}, "Vote")):
        with pytest.raises(InvalidSettings, match="is held out, and a key of the persona"):
            Population.from_frame(survey, describe, hold_out=[hold_out])


def test_names_and_sentences_are_made_of_what_is_there() -> None:
    with pytest.raises(InvalidSettings, match="row 1: who is missing, which the name is made of"):
        Population.from_frame(small(who=["Ann", None, "Cid"]), {"age": "age"}, name="{{ who }} {{ number }}")
    with pytest.raises(InvalidSettings, match="number may be the survey's column or our own"):
        Population.from_frame(small(number=[7, 8, 9]), {"sex": "Has {{ number }} cats."})
