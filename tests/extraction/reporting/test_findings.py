"""Findings: at most as many as asked for, nothing lost in silence, and numbers that the evidence has."""

from __future__ import annotations

import re

import pandas as pd
import pytest

from tests.cast import llm_at, texts
from workbench.extraction.reporting.reporter import report

ROWS = pd.DataFrame({"person": ["Ann", "Ann", "Bob"], "says": ["soup", "a cap", "sandals"]})


def found(*rows):
    return {"rows": [{"finding": words, "evidence": list(evidence)} for words, evidence in rows]}


async def reported(model_server, answer, n=7, rows=ROWS):
    server = model_server(answer if callable(answer) else lambda body: answer)
    return await report("T", {"Rows": rows}, findings=n, llm=llm_at(server)), server


def by_section(made):
    main = re.findall(r"^\d+\. (.*?) \[E", made.markdown, re.MULTILINE)
    further = re.findall(r"^- (\w.*?) \[E", made.markdown.partition("### Further findings")[2], re.MULTILINE)
    return main, further


async def test_findings_above_the_number_stand_apart_the_best_supported_first(model_server):
    letters = [(f"Thing {one} here.", [1]) for one in "abcdefg"]
    made, server = await reported(model_server, found(*letters, ("Thing h here.", [1, 2])), n=3)
    main, further = by_section(made)
    assert main == ["Thing h here.", "Thing a here.", "Thing b here."]
    assert further == [f"Thing {one} here." for one in "cdefg"]
    assert "5 findings more that the model did not choose" in made.markdown
    assert server.n_requests == 2


async def test_model_that_chooses_too_many_is_asked_a_few_times(model_server):
    def reply(body):
        shown = re.findall(r'<finding id="\d+"[^>]*>(.*?)</finding>', texts(body)[1])
        if not shown:
            return found(*((f"Thing {one} here.", [1]) for one in "abcdefghijklmnop"))
        return found(*((words, [number]) for number, words in enumerate(shown[1:], 1 + 1)))

    made, server = await reported(model_server, reply, n=2)
    main, further = by_section(made)
    assert len(main) == 2
    assert len(set(main) | set(further)) == 16
    assert server.n_requests == 5


async def test_what_the_model_does_not_choose_is_listed(model_server):
    def reply(body):
        if "most important of these findings" in texts(body)[1]:
            return found(("Soup and a cap.", [1, 2]))
        return found(("Soup.", [1]), ("A cap.", [2]), ("Sandals.", [3]))

    made, _ = await reported(model_server, reply, n=1)
    assert by_section(made) == (["Soup and a cap."], ["Sandals."])
    assert made.findings[0].evidence == (1, 2)
    assert "1 finding more" in made.markdown


@pytest.mark.parametrize(
    ("words", "evidence"),
    [("Two people say 3 things.", [1, 2, 3]), ("Two of them.", [1, 2]), ("1 person says 2 things.", [1, 2])],
)
async def test_numbers_may_count_items_and_people(model_server, words, evidence):
    made, _ = await reported(model_server, found((words, evidence)))
    assert not made.findings[0].problem


@pytest.mark.parametrize(
    ("words", "evidence", "problem"),
    [
        ("3 of 1 people agree.", [1, 2, 3], "1: in nothing that it rests on"),
        ("Sales grew by 2 percent.", [1, 2], "2: in nothing"),
        ("Nine in ten agree.", [1], "Nine, ten: in nothing"),
        ("Half of them agree; demand doubled.", [1, 2], "Half, doubled: in nothing"),
    ],
)
async def test_numbers_that_count_nothing_are_no_findings(model_server, words, evidence, problem):
    made, _ = await reported(model_server, found((words, evidence)))
    assert problem in made.findings[0].problem


async def test_finding_cannot_rest_on_an_unsupported_row(model_server):
    rows = ROWS.assign(evidence=[[], [1], [1]], unsupported=[True, False, False], note=["it names event 99", "", ""])
    made, server = await reported(model_server, found(("99 want soup.", [2]), ("A cap.", [1])), rows=rows)
    assert "soup" not in texts(server.requests[0])[1]
    assert "99" not in texts(server.requests[0])[1]
    assert [bool(one.problem) for one in made.findings] == [False, True]
    assert "*Rows, row 2*" in made.markdown
