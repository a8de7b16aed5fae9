"""A judge of known behaviour, asked for real: its kappa, calibration and sensitivity are the known ones."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from tests.cast import llm_at, texts
from tests.model_server import Body
from workbench.errors import InvalidSettings
from workbench.evaluation.judge_quality.asking import judge_quality
from workbench.evaluation.judges import Judge

LABELLED = pd.DataFrame(
    {
        "said": [f"Line {k} of {'fish' if k % 2 else 'fowl'}." for k in range(40)],
        "label": [bool(k % 2) for k in range(40)],
        "about": "name: Ann",
        "name": "Ann",
    }
)


def judging(wrong: int = 0, *, minds_order: bool = False) -> Any:
    """A judge that knows fish, and is wrong on the first lines."""

    def reply(body: Body) -> Any:
        user = texts(body)[1]
        line = int(user.rpartition("Line ")[2].split()[0])
        holds = ("of fish." in user) != (line < wrong)
        if minds_order and user.startswith("# The claim") and line < 10:
            holds = not holds
        return {"justification": "-", "evidence": [1], "score": 8 if holds else 1, "confidence": 0.75}

    return reply


async def test_a_judge_that_is_right_is_found_to_be(model_server: Any) -> None:
    server = model_server(judging())
    found = await judge_quality(Judge(llm_at(server)), LABELLED, "{{name}} speaks of fish", n_resamples=50)
    assert (found["accuracy"], found["kappa"], found["alpha"], found["auc"]) == (1, 1, 1, 1)
    assert len(server.requests) == 80


async def test_how_often_it_is_wrong_and_how_sure_it_is_are_known(model_server: Any) -> None:
    server = model_server(judging(wrong=10))
    found = await judge_quality(Judge(llm_at(server)), LABELLED, "{{name}} speaks of fish", swap=False, n_resamples=50)
    assert found["accuracy"] == pytest.approx(0.75)
    assert found["kappa"] == pytest.approx(0.5)
    assert found["expected_calibration_error"] == pytest.approx(0)
    assert len(server.requests) == 40


async def test_a_judge_that_minds_the_order_is_found_out(model_server: Any) -> None:
    server = model_server(judging(minds_order=True))
    found = await judge_quality(Judge(llm_at(server)), LABELLED, "{{name}} speaks of fish", n_resamples=50)
    assert found["changed_by_order"] == pytest.approx(0.25)


async def test_items_of_several_raters_are_judged_once(model_server: Any) -> None:
    server = model_server(judging())
    twice = pd.concat([LABELLED.assign(item=range(40), rater=rater) for rater in "ab"])
    found = await judge_quality(Judge(llm_at(server)), twice, "{{name}} speaks of fish", swap=False, n_resamples=50)
    assert (found["accuracy"], len(server.requests)) == (1, 40)


@pytest.mark.parametrize(
    ("labelled", "claim", "said"),
    [(LABELLED.drop(columns="said"), "x", "no column said"), (LABELLED, None, "which claim is judged")],
)
async def test_what_is_missing_is_told(server: Any, labelled: Any, claim: Any, said: str) -> None:
    with pytest.raises(InvalidSettings, match=said):
        await judge_quality(Judge(llm_at(server)), labelled, claim)
    assert not server.requests
