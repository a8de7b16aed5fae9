"""Answers: who was addressed, who answered, and how long that took."""

from __future__ import annotations

import math

import pytest

from tests.evaluation.metrics.runs import measured, said, told


async def test_answer_takes_steps_and_simulated_minutes():
    run = await measured(
        said(1, Ann_to_Bob="Would you buy it?"),
        said(2, Ann="Anybody?"),
        said(4, Bob_to_Ann="No."),
        people=["Ann", "Bob"],
    )
    # Bob answers Ann after 3 steps; Ann does not answer Bob, who addressed her in step 4
    assert (run.value("answer_steps_mean"), run.value("answer_minutes_mean", "Bob")) == (3, 30)
    assert run.value("unanswered") == pytest.approx(0.5, abs=1e-9)
    assert (run.value("unanswered", "Ann"), run.value("unanswered", "Bob")) == (1, 0)
    assert math.isnan(run.value("answer_steps_mean", "Ann"))


async def test_question_from_outside_is_put_to_all():
    run = await measured(
        told(0, "Would you buy it?"), said(1, Ann="Yes."), said(3, Bob_to_Ann="No."), people=["Ann", "Bob", "Cem"]
    )
    assert run.value("answer_steps_mean") == pytest.approx(2, abs=1e-9)  # 1 and 3
    assert run.value("answer_steps_median") == pytest.approx(2, abs=1e-9)
    # all three, and Ann by Bob
    assert run.value("unanswered") == pytest.approx(2 / 4, abs=1e-9)


@pytest.mark.parametrize(("simultaneous", "steps"), [(True, 1), (False, 0)])
async def test_talk_of_the_same_step_answers_where_it_could_be_heard(simultaneous, steps):
    run = await measured(
        [*said(1, Ann_to_Bob="Hello?"), *said(1, Bob_to_Ann="Hello!")],
        said(2, Bob_to_Ann="Here I am."),
        simultaneous=simultaneous,
    )
    assert run.value("answer_steps_mean", "Bob") == steps


async def test_talk_to_somebody_else_is_no_answer():
    run = await measured(said(1, Ann_to_Bob="Hello?"), said(2, Bob_to_Cem="Who is that?"), said(3, Cem_to_Bob="Ann."))
    assert run.value("unanswered", "Bob") == 1
    assert run.value("answer_steps_mean", "Cem") == 1


async def test_being_asked_again_is_the_same_question():
    run = await measured(said(1, Ann_to_Bob="Hello?"), said(2, Ann_to_Bob="Hello??"), said(3, Bob="Hello."))
    assert run.value("answer_steps_mean", "Bob") == 2
    assert run.table.query("metric == 'unanswered' and person == 'Bob'")["n"].tolist() == [1]
