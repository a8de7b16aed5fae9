"""Tables of reports: what they have is shown as it is; what is unsupported is no material."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from workbench.extraction.reporting.grids import Resting
from workbench.extraction.reporting.kinds import told_table
from workbench.extraction.reporting.reporter import report

EXTRACTED = pd.DataFrame(
    {
        "idea": ["soup", "500 sandals"],
        "usd": [3.5, 9.0],
        "quotes": [["Soup!"], []],
        "evidence": [[2], []],
        "unsupported": [False, True],
        "note": ["", "it names event 99, not among those shown"],
    }
)


async def markdown(**tables):
    return (await report("T", tables, findings=0)).markdown


async def test_own_table_shows_all_its_columns_and_numbers_as_they_are():
    own = pd.DataFrame({"p": [0.0003], "year": [2024.0], "weight": [2.0], "usd": [1234567.0], "order": [7]})
    assert "| 0.0003 | 2024 | 2 | 1234567 | 7 |" in await markdown(Own=own)
    assert [row.words for row in told_table(own).rows] == ["p: 0.0003; year: 2024; weight: 2; usd: 1234567; order: 7"]


async def test_material_has_numbers_with_all_digits():
    own = pd.DataFrame({"mean": [0.123456789], "p": [3.2e-05]})
    assert told_table(own).rows[0].words == "mean: 0.123456789; p: 0.000032"
    assert "| 0.123 | 3.2e-05 |" in await markdown(Own=own)


async def test_index_that_says_something_is_shown():
    means = pd.DataFrame({"brand": ["Alpha", "Beta"], "n": [1.5, 2.5]}).groupby("brand").mean()
    assert "| brand | n |\n| --- | --- |\n| Alpha | 1.5 |" in await markdown(Means=means)
    assert told_table(means).rows[0].words == "brand: Alpha; n: 1.5"
    assert "| Alpha | 1.5 |" in await markdown(Means=means.rename_axis(None))
    assert "| a | x | 1 |" in await markdown(
        Two=pd.DataFrame({"n": [1]}, index=pd.MultiIndex.from_tuples([("a", "x")]))
    )


async def test_two_columns_of_one_name_are_two():
    twice = pd.DataFrame([[1, 2]], columns=["a", "a"])
    assert "| a | a |\n| --- | --- |\n| 1 | 2 |" in await markdown(Twice=twice)
    assert "| idea |" in await markdown(Twice=pd.concat([EXTRACTED, EXTRACTED], axis=1))


async def test_columns_that_a_known_table_leaves_out_are_said():
    scores = pd.DataFrame({"target": ["Ann"], "proposition": ["would buy"], "score": [7.0], "usd": [0.1], "sd": [2.0]})
    made = await markdown(Scores=scores)
    assert "| Ann | would buy | 7 | 2 |" in made
    assert "*Not shown: the column usd.*" in made


async def test_scores_that_are_no_numbers_are_a_table_like_any_other():
    words = pd.DataFrame({"target": ["a"], "proposition": ["p"], "score": ["high"], "usd": [1.0]})
    assert "| a | p | high | 1 |" in await markdown(Words=words)


def test_unsupported_rows_are_shown_and_no_material():
    told = told_table(EXTRACTED)
    assert [(row.number, row.words) for row in told.rows] == [(1, "idea: soup; usd: 3.5")]
    assert list(told.shown.columns) == ["idea", "usd", "evidence", "unsupported", "note"]
    assert told.what == ("Extracted: 2 rows, 1 without support. It is shown, and was not read for findings.")
    assert [row.number for row in told_table(EXTRACTED.astype({"unsupported": str})).rows] == [1]


def test_events_are_of_the_run_that_the_table_names():
    table = EXTRACTED.copy()
    table.attrs["runs"] = {"": "7"}
    assert told_table(table).resting == [[Resting("7", 2, quote="Soup!")], []]
    assert told_table(table.assign(run="Mon")).resting[0] == [Resting("", 2, quote="Soup!")]
    table.attrs["runs"] = {"Mon": "8"}
    assert told_table(table.assign(run="Mon")).resting[0] == [Resting("8", 2, quote="Soup!")]
    records = pd.DataFrame({"evidence": [[{"run": "Mon", "event": 2}, {"run": "Tue", "event": 3}]]})
    records.attrs["runs"] = {"Mon": "8"}
    assert told_table(records).resting == [[Resting("8", 2, "Mon"), Resting("", 3, "Tue")]]


@pytest.mark.parametrize(
    ("change", "row"),
    [
        (lambda table: table.explode("evidence"), "| soup | 3.5 | Soup! | 2 |"),
        (lambda table: table.groupby("idea").count(), "| soup | 1 | 1 | 1 | 1 | 1 |"),
        (lambda table: pd.DataFrame({"idea": ["zzz"]}).merge(table, on="idea", how="left"), "| zzz |  |  |"),
        (lambda table: table.assign(evidence=[np.array([2]), np.array([])]), "| soup | 3.5 | 2 “Soup!” |"),
        (lambda table: table.assign(evidence="[2]"), r"| soup | 3.5 | Soup! | \[2\] |"),
        (lambda table: table.assign(evidence=[[True], [None]]), "| soup | 3.5 | Soup! | True |"),
        (lambda table: table.T, "| idea | soup | 500 sandals |"),
        (lambda table: table.isna(), "| False | False |"),
        (lambda table: table.iloc[:0], "| idea | usd |"),
    ],
)
async def test_what_pandas_makes_of_extracted_rows_is_shown(change, row):
    assert row in await markdown(Ideas=change(EXTRACTED))


async def test_merged_rows_show_their_runs():
    records = [{"run": "Mon", "event": 2}, {"run": "Tue", "event": 3}]
    merged = pd.DataFrame(
        {
            "idea": ["soup"],
            "variants": [["soup", "Soup"]],
            "runs": [["Mon", "Tue"]],
            "n_runs": [2],
            "n_rows": [2],
            "evidence": [records],
            "unsupported": [False],
            "note": [""],
        }
    )
    made = await markdown(Merged=merged)
    assert "| soup | soup, Soup | Mon, Tue | 2 | 2 | Mon: 2, Tue: 3 |" in made
    assert "Rows of several runs, merged: 1 row, 0 without support." in made


def test_answers_are_material_with_their_shares():
    answers = pd.DataFrame(
        {
            "person": ["Ann", "Bob"],
            "question": "q1",
            "kind": "Likert",
            "answer": [2, 4],
            "order": [[1, 2, 3, 4]] * 2,
            "method": "answer",
            "weight": 1.0,
        }
    )
    rows = told_table(answers).rows
    assert [row.words for row in rows[:2]] == [
        "person: Ann; question: q1; answer: 2",
        "person: Bob; question: q1; answer: 4",
    ]
    assert "question: q1; option: 2; share: 0.5; n: 1; missing: 0" in [row.words for row in rows if row.of == "share"]


async def test_wide_tables_are_shown_in_parts_with_numbered_rows():
    wide = pd.DataFrame([range(20), range(20)], columns=[f"c{n}" for n in range(20)])
    made = await markdown(Wide=wide)
    assert "| row | c0 | c1 | c2 | c3 | c4 | c5 | c6 | c7 | c8 | c9 |\n| --- |" in made
    assert "| 2 | 10 | 11 | 12 | 13 | 14 | 15 | 16 | 17 | 18 | 19 |" in made


async def test_claims_have_the_names_of_their_targets():
    claims = {"target": ["Ann", "Bob"], "proposition": "{{ name }} would buy", "score": [7.0, 2.0]}
    assert "| Bob | Bob would buy | 2 |" in await markdown(Scores=pd.DataFrame(claims))


async def test_transcripts_are_shown_without_minds_and_cited_by_event():
    columns = ["id", "step", "time", "kind", "type", "source", "target", "content"]
    rows = [[4, 1, "09:00", "mind", "MIND", "Ann", "", "{}"], [5, 1, "09:00", "action", "TALK", "Ann", "", "Soup!"]]
    told = told_table(pd.DataFrame(rows, columns=columns))
    assert [(row.of, row.number, row.person) for row in told.rows] == [("event", 5, "Ann")]
    assert told.what == "A transcript of 1 event. Not among them: 1 of minds and of how the run was led."
    assert len(told.shown) == 1
