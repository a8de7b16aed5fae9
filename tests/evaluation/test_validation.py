"""Validation: a twin is interviewed, each expectation is scored on what it says, and the person knows nothing of it."""

from __future__ import annotations

import math
from typing import Any

import pytest

from tests.cast import llm_at, person, talk, texts, turn
from tests.model_server import Body
from workbench.agents.person import Person
from workbench.errors import InvalidSettings
from workbench.evaluation.judges import Judge
from workbench.evaluation.validation import validate

EXPECTED = ["Is a baker", "Answers in a few words"]


def reply(body: Body) -> Any:
    system, user = texts(body)
    if "prepare an interview" in system:
        asked = [(1, "What is your day like?"), (2, "Why?")]
        return {"questions": [{"expectation": number, "question": question} for number, question in asked]}
    if "Your turn:" in user:
        return turn(talk("I bake bread <b>.", to="Interviewer"))
    return {"justification": "So it is.", "evidence": [2, 3], "score": 9 if "baker" in user else 3, "confidence": 0.8}


async def test_each_expectation_is_scored_on_the_interview(model_server: Any) -> None:
    server = model_server(reply)
    ann = Person({"name": "Ann", "age": 28}, llm=llm_at(server)).listen("Something from before.")
    before = ann.fingerprint()
    found = await validate(ann, EXPECTED)
    assert ann.fingerprint() == before
    assert found.table["score"].tolist() == pytest.approx([1, 1 / 3])
    assert found.score == pytest.approx(2 / 3)
    said = "I bake bread <b>."
    assert found.transcript["content"].tolist() == ["What is your day like?", said, "Why?", said]
    assert len(server.requests) == 1 + 2 + 2
    judged = [texts(request)[1] for request in server.requests if "# The claim" in texts(request)[1]]
    assert not any("Something from before." in text for text in judged)
    assert str(found).startswith("Ann: 0.67 of 1")
    assert "I bake bread &lt;b&gt;." in found._repr_html_()


async def test_questions_the_judge_and_the_model_may_be_given(model_server: Any) -> None:
    own, other = model_server(reply), model_server(reply)
    ann = Person({"name": "Ann"}, llm=llm_at(own))
    found = await validate(ann, "Is a baker", questions=["Who are you?"], judge=Judge(llm_at(other), "vote", 2))
    assert (len(own.requests), len(other.requests)) == (1, 2)
    assert found.transcript["content"][0] == "Who are you?"


async def test_what_has_no_evidence_has_no_score(model_server: Any) -> None:
    def silent(body: Body) -> Any:
        answer = reply(body)
        return answer | {"evidence": []} if "score" in answer else answer

    ann = Person({"name": "Ann"}, llm=llm_at(model_server(silent)))
    found = await validate(ann, EXPECTED)
    assert math.isnan(found.score)
    assert str(found).startswith("Ann: no score, 2 of 2 expectations could not be scored")


@pytest.mark.parametrize("expectations", [[], "", [""], [3]])
async def test_without_expectations_nothing_is_asked(server: Any, expectations: Any) -> None:
    with pytest.raises(InvalidSettings, match="what should be true"):
        await validate(person("Ann"), expectations, llm=llm_at(server))
    assert not server.requests


async def test_questions_and_the_persona_are_no_evidence(model_server: Any) -> None:
    def on_the_question(body: Body) -> Any:
        answer = reply(body)
        return answer | {"evidence": [1]} if "score" in answer else answer

    server = model_server(on_the_question)
    ann = Person({"name": "Ann", "other_facts": ["Owner of a secret cat farm."]}, llm=llm_at(server))
    found = await validate(ann, "Has cats", questions="Do you like tea?")
    assert math.isnan(found.score)
    assert found.table["justification"].tolist() == ["no evidence: the judge named nothing that the person said"]
    assert len(server.requests) == 2
    assert "cat farm" not in texts(server.requests[-1])[1]
