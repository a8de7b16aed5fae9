"""The limits of a report: what is known is said, and nothing else."""

from __future__ import annotations

import pandas as pd
import pytest

from tests.cast import llm_at, play, talk, turn, world_at
from workbench.errors import InvalidSettings, StepFailed
from workbench.extraction.extractor import extract
from workbench.extraction.reporting.reporter import report
from workbench.record.run_file import RunFile

OWN = pd.DataFrame({"brand": ["Alpha"], "n": [1]})


def limits(made):
    return made.markdown.partition("## What it cannot say")[2]


async def run(model_server, **options):
    world = world_at(model_server(play(Ann=turn(talk("Soup!")), check=lambda body: {"rows": []})), "Ann", **options)
    await world.run(1, live=False)
    return world


def from_runs(**runs):
    table = OWN.copy()
    table.attrs["runs"] = runs
    return table


async def test_people_of_an_interview_are_not_called_simulated(model_server):
    server = model_server({"rows": [{"idea": "soup", "evidence": [1]}]})
    ideas = await extract("We need soup.", "the ideas", fields={"idea": str}, llm=llm_at(server))
    said = limits(await report("T", {"Interview": ideas, "Mine": "My own words."}, findings=0))
    assert "Whether “Interview” is of real or of simulated people is not known here." in said
    assert "are simulated" not in said
    assert "held against" not in said


async def test_people_are_called_simulated_where_that_is_known(model_server):
    world = await run(model_server)
    assert "The people are simulated" in limits(await report("T", {"A": world}, findings=0))
    assert "The people are simulated" in limits(await report("T", {"A": from_runs(x="7")}, findings=0))
    mixed = limits(await report("T", {"A": world, "B": OWN}, findings=0))
    assert "The people of “A” are simulated" in mixed
    assert "Whether “B” is of real or of simulated people is not known here." in mixed


async def test_prose_alone_has_no_people():
    assert "people" not in limits(await report("T", {"Mine": "My own words."}))


async def test_runs_are_counted_by_their_ids(model_server):
    world, other = await run(model_server), await run(model_server)
    for sources, one in (
        ({"A": world, "B": world}, True),
        ({"A": world, "B": other}, False),
        ({"A": from_runs(x="7")}, True),
        ({"A": from_runs(x="7", y="8")}, False),
        ({"A": world, "B": from_runs(x="7")}, False),
        ({"A": OWN}, False),
    ):
        assert ("rests on one run" in limits(await report("T", sources, findings=0))) == one


async def test_run_that_is_not_what_it_was_to_be_is_said():
    world = world_at("http://127.0.0.1:1/v1", "Ann", llm=llm_at("http://127.0.0.1:1/v1", max_tries=1))
    assert "The run “A” was not run" in limits(await report("T", {"A": world}, findings=0))
    with pytest.raises(StepFailed):
        await world.run(3, live=False)
    assert "The run “A” is incomplete: it has 0 of 3 steps." in limits(await report("T", {"A": world}, findings=0))


@pytest.mark.parametrize("as_path", [str, lambda path: path, RunFile.open])
async def test_run_is_read_by_its_path_in_every_form(model_server, tmp_path, as_path):
    path = tmp_path / "evening.sqlite"
    world = await run(model_server, record=path)
    given = as_path(path)
    made = await report("T", {"A": given}, question="What?", findings=1)
    assert "A run of 1 person" in made.markdown
    assert f"The findings are the words of {world.llm.model}." in limits(made)


@pytest.mark.parametrize("source", ["answers.csv", "data/answers.xlsx", "My answers.csv"])
async def test_path_of_another_file_is_to_be_read_first(source, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "My answers.csv").write_text("a\n1\n")
    with pytest.raises(InvalidSettings, match=r"A: .* is the path of a file that is no run: read it first.*read_csv"):
        await report("T", {"A": source}, findings=0)


async def test_prose_is_no_path():
    for words in ("See answers.csv", "Soup.", "Soup", "Soup, e.g. cold", "# Title\nanswers.csv"):
        assert words in (await report("T", {"A": words}, findings=0)).markdown


async def test_headings_that_are_written_alike_are_refused():
    with pytest.raises(InvalidSettings, match="several sources are named '1'"):
        await report("T", {1: OWN, "1": OWN}, findings=0)
    with pytest.raises(InvalidSettings, match="empty heading"):
        await report("T", {" ": OWN}, findings=0)


async def test_limits_say_what_was_checked_of_findings(model_server):
    server = model_server({"rows": [{"finding": "Nine say so.", "evidence": [1]}]})
    said = limits(await report("T", {"A": OWN}, llm=llm_at(server)))
    assert "1 of 1 failed" in said
    assert "In other languages than English, number words are not checked." in said
