"""Writing a persona around fixed facts: they are kept, or asked for again, or it is an error that names them."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.cast import llm_at
from tests.model_server import ModelServer
from workbench.agents.fixed_facts import agrees, broken
from workbench.agents.person import Person
from workbench.agents.persona_writing import ATTEMPTS, Commission, write_persona
from workbench.errors import FactsNotKept, InvalidSettings
from workbench.llm.client import LLM

FACTS = {"name": "Ana García", "age": 34, "gender": "female", "household_income": "under 20,000 euros"}


def answer(kept: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A brief answer that repeats these facts."""
    echo = [{"attribute": path, "value": str(value)} for path, value in kept.items()]
    written = {
        "facts": echo,
        "name": kept.get("name", "Ana"),
        "age": kept.get("age", 34),
        "gender": kept.get("gender", ""),
        "nationality": "Spanish",
        "residence": "Vigo",
        "occupation": {"title": "fishmonger"},
        "personality": {"traits": ["blunt"]},
        "preferences": {"interests": ["crosswords"]},
        "other_facts": ["Grew up in Lugo."],
    }
    return written | more


async def test_facts_have_their_places_and_their_wording() -> None:
    said = answer(FACTS | {"household_income": "Under 20,000 Euros"})
    async with ModelServer([said]) as server:
        written = await write_persona(llm_at(server), Commission("shoppers", FACTS, "brief"), seed=1)
    data = written.persona.to_dict()
    assert (data["name"], data["age"], data["household_income"]) == ("Ana García", 34, "under 20,000 euros")
    assert (data["occupation"], written.attempts) == ({"title": "fishmonger"}, 1)


@pytest.mark.parametrize(
    "wrong",
    [
        answer(FACTS | {"age": 43}),
        answer(FACTS, facts=[]),
        answer(FACTS, age=35),
        answer(FACTS, gender="male"),
        answer(FACTS, other_facts=["She is 43 years old, and from Lugo."]),
    ],
)
async def test_what_breaks_a_fact_is_asked_for_again(wrong: dict[str, Any]) -> None:
    async with ModelServer([wrong, answer(FACTS)]) as server:
        written = await write_persona(llm_at(server), Commission("shoppers", FACTS, "brief"), seed=1)
    assert written.attempts == len(server.requests) == 2
    assert "fixed" in server.requests[1].body["messages"][-1]["content"]


async def test_facts_that_are_never_kept_are_an_error_that_names_them() -> None:
    async with ModelServer(lambda body: answer(FACTS | {"age": 43})) as server:
        with pytest.raises(FactsNotKept, match=r"Ana García.*age is to be 34, it wrote '43'") as caught:
            await write_persona(llm_at(server), Commission("shoppers", FACTS, "brief"), seed=1)
    assert (caught.value.attributes, len(server.requests)) == (("age",), ATTEMPTS)


async def test_a_fact_may_lead_into_what_was_written() -> None:
    facts = {"name": "Bo", "personality.big_five.openness": 0.73, "occupation.title": "nurse"}
    async with ModelServer([answer(facts, occupation={"title": "Nurse"})]) as server:
        written = await write_persona(llm_at(server), Commission("a ward", facts, "brief"), seed=1)
    data = written.persona.to_dict()
    assert data["personality"] == {"traits": ["blunt"], "big_five": {"openness": 0.73}}
    assert data["occupation"] == {"title": "nurse"}


async def test_ages_of_others_are_no_contradiction() -> None:
    said = answer(FACTS, other_facts=["Has a son, who is 12 years old.", "Her 5-year-old dog limps."])
    async with ModelServer([said]) as server:
        written = await write_persona(llm_at(server), Commission("shoppers", FACTS, "brief"), seed=1)
    assert written.attempts == 1


@pytest.mark.parametrize("facts", [{"age": [1]}, {"married": True}, {"x": None}])
def test_facts_are_texts_and_numbers(facts: Any) -> None:
    with pytest.raises(InvalidSettings, match="a text or a number"):
        Commission("x", facts)


def test_details_are_named() -> None:
    with pytest.raises(InvalidSettings, match="one of brief, standard, rich"):
        Commission("x", {}, "long")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("value", "said", "same"),
    [
        (34, "34", True),
        (34, "34 years", False),
        (0.5, "0.50", True),
        ("female", "Female", True),
        ("female", "male", False),
        ("married", "unmarried", False),
        ("self-employed", "Self employed", True),
        ("self-employed", "selfemployed", True),
        ("unemployed full-time", "employed full-time", False),
        ("less than 20,000 euros", "less than 30,000 euros", False),
        ("20000-30000 euros a year", "20000-40000 euros a year", False),
        ("lives with children", "lives without children", False),
        ("moral", "amoral", False),
        ("vegetarian", "vegetarain", False),
        ("vegetarian", "vegetarion", True),
        ("España", "Espan\u0303a", True),
        ("8", 8, True),
    ],
)
def test_facts_agree_by_wording_and_numbers_exactly(value: Any, said: Any, same: bool) -> None:
    assert agrees(value, said) is same


@pytest.mark.parametrize(
    ("age", "more"),
    [
        (44, {"relationships": [{"name": "Ana", "description": "Her daughter. She is 12, and loves horses."}]}),
        (44, {"other_facts": ["Lives with her mother, who moved in last year. She is 81, and deaf."]}),
        ("young adult", {"other_facts": ["She is 25, and bored."]}),
    ],
)
def test_ages_of_others_and_levels_in_words_accuse_nobody(age: Any, more: Any) -> None:
    assert broken({"age": age}, {"age": str(age)}, more) == {}


@pytest.mark.parametrize(
    ("sentence", "attribute"),
    [
        ("He is a proud father and a man of few words.", "gender"),
        ("His flat is on the fourth floor.", "gender"),
        ("She is forty-nine years old.", "age"),
        ("Born in 1950, she retired long ago.", "age"),
        ("Aged 77.", "age"),
        ("She was born on 3 May 1950 in Lugo.", "age"),
    ],
)
def test_sentences_that_contradict_a_fact_in_how_they_begin_break_it(sentence: str, attribute: str) -> None:
    facts = {"age": 31, "gender": "female"}
    assert list(broken(facts, {"age": "31", "gender": "female"}, {"other_facts": [sentence]})) == [attribute]


@pytest.mark.parametrize(
    "sentence",
    [
        "She is thirty-one, and bored.",
        "Born in 1994.",
        "Her father drinks. He is 70.",
        "She is a nurse.",
        "Hers is a small flat.",
    ],
)
def test_sentences_that_fit_break_nothing(sentence: str) -> None:
    facts = {"age": 31, "gender": "female"}
    assert not broken(facts, {"age": "31", "gender": "female"}, {"other_facts": [sentence]})


def test_an_age_of_nought_is_checked() -> None:
    assert broken({"age": 0}, {"age": "0"}, {"other_facts": ["She is 3 years old."]}) == {"age": "3"}


def test_a_very_small_model_is_told_facts_whole() -> None:
    facts = {"name": "Ann", "personality.big_five.openness": 0.73, "household_income": "approx. 30.000 euros"}
    assert "(openness: 0.73, household income: approx. 30.000 euros)" in str(Commission("x", facts).short_messages())


def test_every_broken_fact_is_named() -> None:
    assert broken({"a": 1, "b": "x"}, {"a": "2"}, {}) == {"a": "2", "b": "nothing"}


async def test_what_is_fixed_comes_first_in_the_persona() -> None:
    async with ModelServer([answer(FACTS)]) as server:
        written = await write_persona(llm_at(server), Commission("shoppers", FACTS, "brief"), seed=1)
    assert list(written.persona.to_dict())[:4] == ["name", "age", "gender", "household_income"]


# -- one person, who is described --------------------------------------------------------------------------


async def test_a_person_is_written_as_described() -> None:
    said = answer({"age": 41}, name="João  Silva", age=41)
    async with ModelServer([said]) as server:
        llm = llm_at(server)
        person = await Person.from_text(
            "a Brazilian doctor who loves heavy metal", fixed={"age": 41}, detail="brief", llm=llm
        )
        await person.interview("Who are you?")
    assert (person.name, person.persona.age) == ("João Silva", 41)
    assert len(server.requests) == 2
    assert "loves heavy metal" in server.requests[0].body["messages"][1]["content"]


async def test_a_person_without_a_name_is_asked_for_again() -> None:
    async with ModelServer([answer({}, name=" "), answer({}, name="Ann")]) as server:
        person = await Person.from_text("somebody", llm=llm_at(server), detail="brief")
    assert person.name == "Ann"
    assert "needs a name" in server.requests[1].body["messages"][-1]["content"]


@pytest.mark.parametrize(("text", "fixed"), [(" ", {}), ("a doctor", {"age": None})])
async def test_who_cannot_be_written_is_told_before_it_costs(text: str, fixed: Any) -> None:
    async with ModelServer() as server:
        with pytest.raises(InvalidSettings):
            await Person.from_text(text, fixed=fixed, llm=llm_at(server))
        assert not server.requests


@pytest.mark.slow
@pytest.mark.embedded
async def test_the_embedded_model_writes_a_person_whose_name_fits() -> None:
    pytest.importorskip("xllamacpp")
    llm = LLM(provider="embedded", cache="off")
    person = await Person.from_text("a Japanese woman who repairs trams", fixed={"age": 51}, llm=llm)
    assert person.persona.age == 51
    assert re.fullmatch(r"[\u3040-\u30ff\u3400-\u9fff ]+", person.name)
