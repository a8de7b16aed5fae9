"""The pipeline adds no error: what 1,000 known respondents answer is what the table says, to the last character.

The server reads who is asked from the prompt and gives that respondent's answer. In between it fails, and the survey is
cut off and goes on.
"""

from __future__ import annotations

import asyncio
import random
import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests.cast import llm_at, texts
from tests.model_server import Body, Drop, Fault, ModelServer
from workbench.evaluation.surveys.asking import ask
from workbench.evaluation.surveys.questions import Choice, MultiChoice, Ranking
from workbench.evaluation.surveys.scales import FreeText, Likert, Matrix, Number
from workbench.evaluation.surveys.survey import Survey
from workbench.llm.cache import CallCache
from workbench.populations.population import Population

N = 1000
SCRIPTS = ("Latin ñ ß", "кириллица", "日本語の文", "العربية نص", "हिन्दी पाठ")


def description(k: int) -> str:
    """An option of 3,000 characters, in a script of its own, with what prompts and JSON are made of."""
    begin = f'Option {k}: {SCRIPTS[k]} {{{{ x }}}} "quoted" \\ <b>&amp; '
    return begin + (SCRIPTS[k] + " ") * ((3_000 - len(begin)) // (len(SCRIPTS[k]) + 1))


LONG = {f"concept_{k}": description(k) for k in range(5)}
SHORT = {"no": "No, never", "yes": "Yes", "later": "Perhaps later"}
ROWS = {"cheap": "It is cheap.", "tasty": "It is tasty."}
SURVEY = Survey(
    [
        Likert("On a scale, how much do you like soup?", 0, 10, name="likert"),
        Choice("Would you choose it?", SHORT, name="choice"),
        MultiChoice("Which of these may be?", SHORT, name="multi"),
        Ranking("Rank the concepts.", LONG, name="ranking"),
        Number("What would you pay?", 0, 100, name="number"),
        FreeText("What do you say?", name="text"),
        Matrix("How far do you agree?", ROWS, 1, 7, name="matrix"),
    ],
    remember=False,
)


def truth_of(name: str) -> dict[str, Any]:
    """What a respondent answers."""
    chance = random.Random(name)
    return {
        "likert": chance.randint(0, 10),
        "choice": chance.choice(list(SHORT)),
        "multi": [code for code in SHORT if chance.random() < 0.5],
        "ranking": chance.sample(list(LONG), 5),
        "number": round(chance.uniform(0, 100), 2),
        "text": f'{chance.choice(SCRIPTS)} \\n"{chance.random()}" {{{{ y }}}}\n</told>',
        "matrix.cheap": chance.randint(1, 7),
        "matrix.tasty": chance.randint(1, 7),
    }


def answer_of(body: Body) -> dict[str, Any]:
    """What the respondent who is asked answers, in the labels that they were shown."""
    user = texts(body)[1]
    name = re.search(r"^You are (Respondent \d+)\. ", user, re.MULTILINE)[1]
    truth, asked = truth_of(name), user.rpartition("# The question\n")[2]
    question = next(one for one in SURVEY if asked.startswith(one.text))
    shown = {text: label for label, text in re.findall(r"^([A-Z]): (.+)$", asked, re.MULTILINE)}
    told: Any = truth.get(question.name)
    if question.name == "choice":
        told = shown[SHORT[told]]
    elif question.name == "multi":
        told = [shown[SHORT[code]] for code in told]
    elif question.name == "ranking":
        assert set(shown) == set(LONG.values())
        told = [shown[LONG[code]] for code in told]
    elif question.name == "matrix":
        codes = {text: code for code, text in ROWS.items()}
        told = [truth[f"matrix.{codes[text]}"] for text in shown]
    return {"answer": told, "reason": f"I am {name}."}


class _Faulty:
    """A server that fails now and then, and gives answers that are none; each request comes through in the end."""

    def __init__(self) -> None:
        self.asked: dict[str, int] = {}

    def __call__(self, body: Body) -> Any:
        times = self.asked[body.hash] = self.asked.get(body.hash, 0) + 1
        chance = random.Random(f"{body.hash} {times}").random()
        if times == 1 and chance < 0.03:
            return Fault(503, retry_after=0)
        if times == 1 and chance < 0.04:
            return Drop(midway=chance < 0.035)
        if len(body["messages"]) == 2 and chance > 0.97:
            return "I would rather say it in words."
        return answer_of(body)


@pytest.mark.slow
async def test_what_1000_known_respondents_answer_is_what_the_table_says(tmp_path: Path) -> None:
    survey = pd.DataFrame({"age": [20 + k % 60 for k in range(N)]})
    people = Population.from_frame(survey, {"age": "age"})
    cache = CallCache.open(tmp_path / "calls")
    async with ModelServer(_Faulty(), keep="none") as server:
        llm = llm_at(server, cache=cache, concurrency=64)
        cut_off = asyncio.create_task(ask(people, SURVEY, llm=llm, seed=5, progress=False))
        while len(cache.keys()) < 2 * N:
            await asyncio.sleep(0.05)
        cut_off.cancel()
        with pytest.raises(asyncio.CancelledError):
            await cut_off
        table = await ask(people, SURVEY, llm=llm, seed=5, progress=False)
    assert len(table) == N * 8
    assert not table["missing"].any()
    wrong = [row for row in table.itertuples() if row.answer != truth_of(row.person)[row.question]]
    assert not wrong
    assert (table["reason"] == [f"I am {name}." for name in table["person"]]).sum() == N * 7
    told = pd.Series({name: truth_of(name)["choice"] for name in people.names}).value_counts(normalize=True)
    found = table[table["question"] == "choice"]["answer"].value_counts(normalize=True)
    assert (told - found).abs().sum() / 2 == 0
    orders = table[table["question"] == "ranking"]["order"].map(tuple)
    assert orders.nunique() == 120
