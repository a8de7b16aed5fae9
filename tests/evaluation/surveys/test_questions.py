"""What can be answered to each kind of question, what cannot, and what a survey refuses."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.errors import InvalidSettings, PromptError
from workbench.evaluation.surveys.questions import Choice, MultiChoice, NoAnswer, Question, Ranking, labels_of
from workbench.evaluation.surveys.scales import FreeText, Likert, Matrix, Number
from workbench.evaluation.surveys.survey import Section, Survey, piped

FRUIT = {"a": "Apples", "b": "Bananas", "c": "Cherries"}
ORDER = ("c", "a", "b")


@pytest.mark.parametrize(
    ("question", "said", "value"),
    [
        (Choice("Which?", FRUIT), "B", "a"),
        (Choice("Which?", FRUIT), " (c). ", "b"),
        (MultiChoice("Which?", FRUIT), ["C", "A", "C"], ["b", "c"]),
        (MultiChoice("Which?", FRUIT), "A, B", ["c", "a"]),
        (MultiChoice("Which?", FRUIT), [], []),
        (Ranking("Order?", FRUIT), ["B", "C", "A"], ["a", "b", "c"]),
        (Ranking("Order?", FRUIT, most=2), "C > A", ["b", "c"]),
        (Likert("How?", 1, 7), "7", 7),
        (Likert("How?", -2, 2), -2.0, -2),
        (Number("How much?", 0, 10), "2.5", 2.5),
        (Number("How many?", whole=True), 3.0, 3),
        (FreeText("Why?"), "¿Qué? <b>\n\ud83d\udc4d", "¿Qué? <b>\n\ud83d\udc4d"),
        (Matrix("Agree?", FRUIT, 1, 5), [5, "1", 3], {"c": 5, "a": 1, "b": 3}),
    ],
)
def test_answers_are_read_into_codes(question: Question, said: Any, value: Any) -> None:
    assert question.value(question.checked(said), ORDER) == value


@pytest.mark.parametrize(
    ("question", "said", "told"),
    [
        (Choice("Which?", FRUIT), "D", "'D' is none of the options A, B, C"),
        (Choice("Which?", FRUIT), "A or B", "none of the options"),
        (Choice("Which?", FRUIT), "", "none of the options"),
        (MultiChoice("Which?", FRUIT, least=2), ["A"], "1 options are chosen: it has to be from 2 to 3"),
        (MultiChoice("Which?", FRUIT, most=1), ["A", "B"], "from 0 to 1"),
        (MultiChoice("Which?", FRUIT), {"A": True}, "a list is needed"),
        (Ranking("Order?", FRUIT), ["A", "B"], "2 different options are ranked: it has to be 3"),
        (Ranking("Order?", FRUIT), ["A", "B", "B"], "2 different options"),
        (Likert("How?"), 6, "no point of the scale: a whole number from 1 to 5"),
        (Likert("How?"), 3.5, "no point of the scale"),
        (Likert("How?"), True, "is no number"),
        (Likert("How?"), "very", "is no number"),
        (Number("How much?", 0, 10), 11, "11 is not possible: a number from 0 up to 10"),
        (Number("How many?", whole=True), 2.5, "a whole number"),
        (Number("How much?"), "inf", "is no number"),
        (FreeText("Why?"), "  ", "nothing is answered"),
        (FreeText("Why?"), 3, "nothing is answered"),
        (Matrix("Agree?", FRUIT), [1, 2], "2 numbers for 3 statements"),
        (Matrix("Agree?", FRUIT), [1, 2, 9], "no point of the scale"),
    ],
)
def test_what_is_no_answer_is_told_and_never_guessed(question: Question, said: Any, told: str) -> None:
    with pytest.raises(NoAnswer, match=told):
        question.checked(said)


@given(st.integers(2, 60), st.integers(0, 10**6), st.integers(0, 3))
def test_orders_have_all_options_and_keep_the_last(n: int, seed: int, last: int) -> None:
    question = Choice("Which?", [f"option {k}" for k in range(n)], keep_last=min(last, n))
    order = question.order(Random(seed))
    assert sorted(order) == sorted(question.options)
    assert list(order)[n - question.keep_last :] == list(question.options)[n - question.keep_last :]
    assert [question.value(label, order) for label in labels_of(n)] == list(order)
    assert question.order(Random(seed)) == order


def test_scales_may_be_shown_from_either_end() -> None:
    orders = {Likert("How?", 1, 3, reverse=True).order(Random(seed)) for seed in range(20)}
    assert orders == {(1, 2, 3), (3, 2, 1)}
    assert Likert("How?", 1, 3, labels=("low", "high")).shown((3, 2, 1)) == [("3", "high"), ("2", ""), ("1", "low")]


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Choice("", FRUIT), "needs a text"),
        (lambda: Choice("Which?", ["a"]), "1 options: from 2 to 200"),
        (lambda: Choice("Which?", ["a", "A "]), "'a' is there twice"),
        (lambda: Choice("Which?", "ab"), "give a list of options"),
        (lambda: Choice("Which?", {"a": 1, "b": 2}), "an option is a text"),
        (lambda: Choice("Which?", ["a", ""]), "an option is a text"),
        (lambda: Choice("Which?", FRUIT, name="my question"), "a word of letters"),
        (lambda: MultiChoice("Which?", FRUIT, least=3, most=2), "least=3, most=2 of 3"),
        (lambda: Ranking("Which?", FRUIT, most=4), "most=4 of 3 options"),
        (lambda: Likert("How?", 5, 1), "two whole numbers that rise"),
        (lambda: Likert("How?", 1, 5, labels=["a", "b", "c"]), "give 5 texts, two for the ends"),
        (lambda: Likert("How?", anchors="mood"), "anchors='mood': it is one of likelihood"),
        (lambda: Likert("How?", anchors=[["a", "b"]]), "sets of 5 sentences"),
        (lambda: Number("How?", 3, 1), "has to be the lower one"),
        (lambda: Matrix("How?", ["a"]), "1 options"),
        (lambda: Survey([]), "a survey needs questions"),
        (lambda: Survey(["What?"]), "'What\\?' is no question"),  # type: ignore[list-item]
        (lambda: Survey([FreeText("a", name="x"), FreeText("b", name="x")]), "two questions are called x"),
        (lambda: Survey([FreeText("Why {{ answers.q9 }}?")]), "q1: no earlier question is called q9"),
        (lambda: Survey([FreeText("Why {{ answers.q2 }}?"), FreeText("x")]), "q1: no earlier question is called q2"),
        (lambda: Survey([Section("A", [Section("B", [FreeText("x")])])]), "A: a section in a section"),  # type: ignore
        (lambda: FreeText("a", ask_if="q1"), "a function of the answers"),  # type: ignore[arg-type]
        (lambda: Number("How?", "0", 5), "'0' is no number"),  # type: ignore[arg-type]
        (lambda: Survey([FreeText("a"), FreeText("b", name="q1")]), "two questions are called q1"),
    ],
)
def test_what_cannot_be_asked_is_refused(make: Any, said: str) -> None:
    with pytest.raises(InvalidSettings, match=said):
        make()


def test_questions_have_names_by_their_place_and_can_be_found() -> None:
    survey = Survey([FreeText("Hello?"), Section("Food", [Likert("Soup?"), FreeText("Why?", name="why")])])
    assert [question.name for question in survey] == ["q1", "q2", "why"]
    assert survey["why"].text == "Why?"
    with pytest.raises(InvalidSettings, match="no question is called 'q9'; there are q1, q2, why"):
        survey["q9"]


def test_earlier_answers_and_the_name_are_piped_and_other_braces_stay() -> None:
    told = {"q1": "{{ name }} <b>", "items": "soup"}
    assert piped("{{ name }}, why {{ answers.q1 }}?", "q2", "Ann", told) == "Ann, why {{ name }} <b>?"
    assert piped("{% if answers.items %}{{ (answers['items']) }}{% endif %}", "q2", "Ann", told) == "soup"
    assert piped('{"a": {{}} } {% x', "q2", "Ann", told) == '{"a": {{}} } {% x'
    with pytest.raises(PromptError, match="q7"):
        piped("Why {{ answers.q7 }}?", "q2", "Ann", told)


def test_large_numbers_are_told_as_they_are() -> None:
    question = Number("Income?", 0, 12345678, whole=True, unit="euros")
    assert question.how == "a whole number from 0 up to 12345678 in euros"
    assert question.say(1234567) == "1234567 euros"


def test_a_survey_shows_itself() -> None:
    survey = Survey([Choice("<script>?", FRUIT)], title="Fruit & more")
    assert "&lt;script&gt;?" in survey._repr_html_()
    assert str(survey) == "q1 (Choice): <script>?"
