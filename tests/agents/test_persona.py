"""A persona keeps what it was made of, checks what it knows, and refuses what cannot be written down."""

from __future__ import annotations

import copy
import datetime
import json
import pickle
from collections import OrderedDict
from enum import Enum, IntEnum, StrEnum
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest

from tests.cast import LISA
from workbench.agents.person import Person
from workbench.agents.persona import Fragment, Persona
from workbench.errors import InvalidPersona


def looped() -> dict[str, Any]:
    data: dict[str, Any] = {"name": "Lisa", "friends": [{"name": "Oscar"}]}
    data["friends"][0]["friend"] = data
    return data


def nested(depth: int, *, kind: type = dict) -> Any:
    data: Any = "the bottom"
    for _ in range(depth):
        data = {"in": data} if kind is dict else [data]
    return data


def test_keys_order_and_values_come_back():
    data = {"name": "Lisa", "zodiac": {"sign": "Leo", "since": None}, "age": 28.5, "tags": [1, "two", True]}
    made = Persona.parse(data)
    assert made.to_dict() == data
    assert list(made.to_dict()) == list(data)
    assert made.zodiac == {"sign": "Leo", "since": None}


def test_persona_is_apart_from_what_it_was_made_of():
    data = copy.deepcopy(LISA)
    made = Persona.parse(data)
    data["skills"].append("chess")
    made.to_dict()["skills"].append("chess")
    assert made.to_dict() == LISA


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        ({"name": None}, "name"),
        ({"name": ""}, "name"),
        ({"name": "  "}, "name"),
        ({"name": 7}, "name"),
        ({"age": ["28"]}, "age"),
        ({"skills": "piano"}, "skills"),
        ({"skills": ["piano", 7]}, r"skills\.1"),
        ({"personality": {"traits": "curious"}}, r"personality\.traits"),
        ({"relationships": [{"description": "brother"}]}, r"relationships\.0\.name"),
        ({"occupation": 7}, "occupation"),
    ],
)
def test_value_of_the_wrong_type_is_named_by_its_key(wrong, complaint):
    with pytest.raises(InvalidPersona, match=f"^lisa.json: not a persona:.*{complaint}"):
        Persona.parse({"name": "Lisa"} | wrong, "lisa.json")


def test_all_faults_are_named_at_once():
    with pytest.raises(InvalidPersona, match=r"name.*age.*skills"):
        Persona.parse({"age": [], "skills": "piano"})


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (looped(), r"friends\[0\]\.friend contains itself"),
        ({"name": "Lisa", "born": datetime.date(1996, 3, 1)}, "born is a date"),
        ({"name": "Lisa", "likes": {"tea"}}, "likes is a set"),
        ({"name": "Lisa", "home": {1: "Lyon"}}, "the key 1 in home is no text"),
        ({"name": "Lisa", "income": float("nan")}, "income is nan"),
        ({"name": "Lisa", "motto": "half \ud83d of a pair"}, "motto"),
        ({"name": "Lisa", "half \ud83d": 1}, "half"),
        ({"name": "Lisa", "deep": nested(100)}, "deep"),
        ({"name": "Lisa", "deep": nested(400, kind=list)}, "deep"),
        ({"name": "Lisa", "deep": nested(5000)}, "deep"),
        ({"name": "Lisa", "many": [[0] * 2000] * 2000}, "too many"),
        ("Lisa", "mapping"),
        (None, "mapping"),
        ([("name", "Lisa")], "mapping"),
    ],
)
def test_what_a_file_could_not_hold_is_refused(data, complaint):
    with pytest.raises(InvalidPersona, match=complaint):
        Persona.parse(data)


def test_persona_may_be_as_deep_as_people_write():
    assert Persona.parse({"name": "Lisa", "deep": nested(30)}).markdown.count("\n") == 31


class Sign(StrEnum):
    LEO = "Leo"


class Older(str, Enum):  # noqa: UP042  # as people wrote it before Python 3.11
    LEO = "Leo"


@pytest.mark.parametrize("suffix", ["json", "yaml"])
def test_values_of_kindred_types_become_plain(tmp_path, suffix):
    facts = {"a": np.str_("x"), "b": np.float64(1.5), "c": Sign.LEO, "d": Older.LEO, "e": MappingProxyType({"f": 1})}
    lisa = Person(MappingProxyType({"name": np.str_("Lisa"), **facts, "g": OrderedDict(h=IntEnum("I", "ONE").ONE)}))
    plain = {"name": "Lisa", "a": "x", "b": 1.5, "c": "Leo", "d": "Leo", "e": {"f": 1}, "g": {"h": 1}}
    assert json.dumps(lisa.persona.to_dict()) == json.dumps(plain)
    assert Person.load(lisa.save(tmp_path / f"lisa.agent.{suffix}")).persona == lisa.persona
    assert "c: Leo\nd: Leo" in lisa.persona.markdown


def test_equal_objects_in_two_places_are_no_cycle():
    shared = ["tea"]
    assert Persona.parse({"name": "Lisa", "likes": shared, "drinks": shared}).to_dict()["drinks"] == ["tea"]


# Made in other ways than by `parse`


def test_persona_made_of_keywords_is_whole():
    made = Persona(name="Lisa", age=28, star="Leo", skills=["piano"])
    assert made.to_dict() == {"name": "Lisa", "age": 28, "skills": ["piano"], "star": "Leo"}
    assert "age: 28" in made.markdown


def test_persona_made_by_pydantic_is_whole():
    made = Persona.model_validate(LISA)
    assert made == Persona.parse(LISA)
    assert Persona.model_validate_json(made.model_dump_json(exclude_unset=True)) == made


def test_persona_copied_with_an_update_has_it_everywhere():
    older = Persona.parse(LISA).model_copy(update={"age": 29})
    assert older.age == older.to_dict()["age"] == 29
    assert "age: 29" in older.markdown


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda made: pickle.loads(pickle.dumps(made))])
def test_copy_is_equal(again):
    made = Persona.parse(LISA)
    assert again(made) == made
    assert again(made).markdown == made.markdown


def test_persona_does_not_change():
    with pytest.raises(ValueError, match="frozen"):
        Persona.parse(LISA).age = 29


# define


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        ("age", 29, {"age": 29}),
        ("occupation.title", "Cook", {"occupation": LISA["occupation"] | {"title": "Cook"}}),
        ("home.city.name", "Lyon", {"home": {"city": {"name": "Lyon"}}}),
        ("skills", [], {"skills": []}),
    ],
)
def test_define_sets_one_value_and_keeps_the_rest(path, value, expected):
    before = Persona.parse(LISA)
    assert before.define(path, value).to_dict() == LISA | expected
    assert before.to_dict() == LISA


@pytest.mark.parametrize(
    ("path", "value", "complaint"),
    [
        ("age.years", 29, "'age.years' leads into 'age', which is no mapping"),
        ("skills", "piano", "skills"),
        ("occupation.title", 7, r"occupation.*title"),
        ("born", datetime.date(1996, 3, 1), "born is a date"),
        ("", 1, "path"),
        ("occupation.", 1, "path"),
    ],
)
def test_define_refuses_what_cannot_be(path, value, complaint):
    with pytest.raises(InvalidPersona, match=complaint):
        Persona.parse(LISA).define(path, value)


def test_define_goes_into_what_is_empty():
    lisa = Persona.parse({"name": "Lisa", "occupation": None})
    assert lisa.define("occupation.title", "Cook").occupation.title == "Cook"


# As the model reads it


def test_markdown_holds_every_fact_once():
    text = Persona.parse(LISA).markdown
    for fact in ("Lisa Moreau", "28", "Data Scientist", "You are curious.", "openness: high", "cooking", "piano"):
        assert text.count(fact) == 1


@pytest.mark.parametrize("empty", [{}, [], "", None, [{}], [[]], [{"a": ""}], {"a": {"b": None}}, [[], "x"], ["  "]])
def test_markdown_leaves_out_what_is_empty(empty):
    lines = Persona.parse({"name": "Lisa", "known": empty, "age": 28}).markdown.splitlines()
    assert lines[0] == "name: Lisa"
    assert lines[-1] == "age: 28"
    assert all(line.strip(" -:") for line in lines)
    assert ("known:" in lines) == ("x" in str(empty))


def test_markdown_keeps_zero_and_false():
    assert Persona.parse({"name": "Lisa", "children": 0, "smokes": False}).markdown == (
        "name: Lisa\nchildren: 0\nsmokes: False"
    )


def test_markdown_of_several_lines_stays_under_its_key():
    told = Persona.parse({"name": "Lisa", "style": "Short.\n\n# Rules\nObey.", "facts": ["one\ntwo"]}).markdown
    assert not [line for line in told.splitlines() if line.startswith(("#", "Obey", "two"))]
    assert all(word in told for word in ("Short.", "# Rules", "Obey.", "two"))


@pytest.mark.parametrize(
    ("facts", "bio"),
    [
        ({}, "Lisa"),
        ({"age": 28, "occupation": "Cook"}, "Lisa, 28, Cook"),
        ({"occupation": {"organization": "a bank"}}, "Lisa"),
        ({"nationality": "Canadian", "residence": "Lyon"}, "Lisa, Canadian, lives in Lyon"),
    ],
)
def test_minibio_is_what_is_known(facts, bio):
    assert Persona.parse({"name": "Lisa"} | facts).minibio() == bio


def test_fragment_needs_no_name():
    assert Fragment.parse({"skills": ["chess"]}).to_dict() == {"skills": ["chess"]}


def test_card_escapes_what_it_shows():
    shown = Persona.parse({"name": "<script>", "<b>": {"x": "<img src=x>"}})._repr_html_()
    assert not {"<script", "<b>:", "<img"} & set(shown.split(">"))
    assert "&lt;script&gt;" in shown
    assert "&lt;img" in shown
