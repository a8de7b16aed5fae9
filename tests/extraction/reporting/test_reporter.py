"""Reports: findings point to what they rest on; the method and its limits are always stated."""

from __future__ import annotations

import pickle
import re

import pandas as pd
import pytest

from tests.cast import llm_at, play, talk, texts, turn, world_at
from tests.extraction.planting import planted_ideas
from workbench.errors import InvalidSettings, ModelError
from workbench.extraction.exporting.exporter import export
from workbench.extraction.extractor import extract
from workbench.extraction.merging.merging_runs import merge_rows
from workbench.extraction.reporting.pages import SHOWN_ROWS
from workbench.extraction.reporting.reporter import report
from workbench.record.evidence_table import EvidenceTable
from workbench.worlds.subjects import run_id

SAID = {"Ann": [turn(talk("I'd pay 3.20 euros."))], "Bob": [turn(talk("Too dear!"))]}
IDEAS = EvidenceTable(
    {"idea": ["a | carton", "cheaper"], "evidence": [[2], [4]], "unsupported": [False, False], "note": ["", ""]}
)
SCORES = pd.DataFrame(
    {
        "target": ["Ann", "Bob"],
        "proposition": ["would buy"] * 2,
        "score": [7.0, None],
        "usd": [0.25, 0.5],
        "call": ["a", "b"],
    }
)


def of_runs(table, runs):
    table = table.copy()
    table.attrs = {} if runs is None else {"runs": runs}
    return table


WORDS = [idea["idea"] for idea in planted_ideas()]


def found(*rows):
    return {"rows": [{"finding": words, "evidence": list(evidence)} for words, evidence in rows]}


async def ran(model_server, *rows, **options):
    server = model_server(play(**SAID, check=lambda body: found(*rows)))
    world = world_at(server, "Ann", "Bob", **options)
    world.broadcast("Would you buy it?", source="Moderator")
    await world.run(1, live=False)
    return world, server


def part(made, heading):
    return re.split(r"^## ", made.markdown, flags=re.MULTILINE)[
        [one.partition("\n")[0] for one in re.split(r"^## ", made.markdown, flags=re.MULTILINE)].index(heading)
    ]


async def test_findings_link_to_the_words_that_they_rest_on(model_server):
    world, _ = await ran(model_server, ("It is *too* dear.", [3]), ("Ann would pay 3.20 euros.", [2, 1]))
    made = await report("Soup", {"Evening": world}, question="Would they buy it?")
    assert r"1. Ann would pay 3.20 euros. [E2](#e2) [E1](#e1)" in made.markdown
    assert r"2. It is \*too\* dear. [E3](#e3)" in made.markdown
    assert "#### E2\n\n**Ann:** I'd pay 3.20 euros.\n\n*Evening, event 2, Monday, 2025-01-06 09:00*" in made.markdown
    assert "#### E3\n\n**Bob:** Too dear!" in made.markdown
    assert made.markdown.startswith("# Soup\n\n## Findings\n\n*Question: Would they buy it?*")


@pytest.mark.parametrize(
    ("words", "evidence", "problem"),
    [
        ("Nobody said it.", [], "it names no event"),
        ("They all would.", [2, 77], "it names event 77, not among those shown"),
        ("Ann would pay 99 euros.", [2], "99: in nothing that it rests on"),
        ("80 % would buy it.", [1, 2], "80: in nothing that it rests on"),
    ],
)
async def test_findings_without_support_stand_apart_with_the_reason(model_server, words, evidence, problem):
    world, _ = await ran(model_server, (words, evidence))
    made = await report("Soup", {"Evening": world})
    assert "The model found nothing that is supported" in made.markdown
    without = made.markdown.partition("### Without support")[2]
    assert f"- ~~{words}~~" in without
    assert problem in without
    assert "1 of 1 failed" in made.markdown


async def test_figures_of_a_finding_may_count_its_evidence(model_server):
    world, _ = await ran(model_server, ("2 of 2 spoke of the price: 3.20.", [2, 3]))
    assert not (await report("Soup", {"Evening": world})).findings[0].problem


async def test_figure_stands_after_the_finding_that_rests_on_it(model_server):
    world, _ = await ran(model_server, ("Bob has no score.", [5, 4]), ("Ann speaks first.", [2]))
    made = await report("Soup", {"Evening": world, "Scores": SCORES})
    order = [made.markdown.index(one) for one in ("Bob has no score.", "![Scores]", "Ann speaks first.", "![Evening]")]
    assert order == sorted(order)
    assert "The chart stands with the finding that rests on it." in part(made, "Scores")
    assert set(made.pictures) == {"figure-1-Evening.png", "figure-2-Scores.png"}
    assert all(data.startswith(b"\x89PNG") for data in made.pictures.values())


async def test_figure_that_no_finding_rests_on_stands_with_its_data(model_server):
    world, _ = await ran(model_server)
    made = await report("Soup", {"Evening": world}, findings=0)
    assert "![Evening](figure-1-Evening.png)" in part(made, "Evening")


async def test_method_and_limits_are_always_stated(model_server):
    world, _ = await ran(model_server, ("Ann speaks.", [2]), seed=7)
    made = await report("Soup", {"Evening": world, "Scores": SCORES}, method={"Recruited": "by <hand>"})
    how, limits = part(made, "How it was made"), part(made, "What it cannot say")
    for fact in ("| Seed | 7 |", "| People | 2 |", "scripted, at http", "| Cost |", "by &lt;hand&gt;", "$0.7500"):
        assert fact in how
    for limit in (
        "simulated by a language model",
        "not held against answers of people",
        "rests on one run",
        "How far this judge agrees with people was not measured",
        "The findings are the words of scripted.",
    ):
        assert limit in limits


async def test_tables_alone_say_that_their_making_is_not_known():
    made = await report("Scores", {"Scores": SCORES}, findings=0)
    assert "No run is among the sources" in part(made, "How it was made")
    assert "1 could not be given" in part(made, "Scores")
    assert "| Ann | would buy | 7 |" in part(made, "Scores")
    assert "words of" not in made.markdown


async def test_evidence_of_extracted_rows_leads_to_events_of_the_run(model_server):
    world, _ = await ran(model_server)
    made = await report("Soup", {"Evening": world, "Ideas": of_runs(IDEAS, {"": run_id(world)})}, findings=0)
    assert r"| a \| carton | [E2](#e2) |" in part(made, "Ideas")
    assert "#### E2\n\n**Ann:** I'd pay 3.20 euros." in made.markdown
    assert "| cheaper | [E3](#e3) |" in part(made, "Ideas")


@pytest.mark.parametrize("runs", [None, {}, {"": ""}, {"": "another"}])
async def test_evidence_of_what_is_no_run_of_the_report_is_no_link(model_server, runs):
    world, _ = await ran(model_server)
    ideas = of_runs(IDEAS.assign(quotes=[["I *would* pay."], ["Too dear!"]]), runs)
    made = await report("Soup", {"Evening": world, "Ideas": ideas}, findings=0)
    assert r"| a \| carton | 2 “I \*would\* pay.” |" in part(made, "Ideas")
    assert "](#e" not in made.markdown


async def test_evidence_of_several_runs_leads_to_each_of_them(model_server):
    (monday, _), (tuesday, _) = [await ran(model_server) for _ in range(2)]
    runs = {"Mon": run_id(monday), "Tue": run_id(tuesday), "Wed": "another"}
    ideas = of_runs(pd.concat([IDEAS] * 3, ignore_index=True).assign(run=["Mon", "Tue", "Wed"] * 2), runs)
    records = [{"run": "Tue", "event": 2}, {"run": "Wed", "event": 2}]
    merged = of_runs(pd.DataFrame({"idea": ["a"], "evidence": [records]}), runs)
    made = await report("Soup", {"A": monday, "B": tuesday, "Ideas": ideas, "Merged": merged}, findings=0)
    cells = re.findall(r"\| (.*?) \| (\w+) \|$", part(made, "Ideas"), re.MULTILINE)
    assert [one.rpartition("| ")[2] for one, _ in cells if "carton" in one] == ["[E2](#e2)", "2", "[E5](#e5)"]
    assert "| a | [E5](#e5), Wed: 2 |" in part(made, "Merged")


async def test_long_material_is_read_in_parts_and_the_model_chooses(model_server):
    rows = pd.DataFrame({"answer": [f"Answer {n}: {'soup and bread ' * 40}" for n in range(200)]})

    def reply(body):
        user = texts(body)[1]
        shown = [int(number) for number in re.findall(r'<(?:row|finding) id="(\d+)"', user)]
        if "most important of these findings" in user:
            return found(("They talk of soup.", shown))
        if "groups" in body["response_format"]["json_schema"]["schema"]["properties"]:
            return {"groups": []}
        return found(*((f"{WORDS[(shown[0] + n) % 200]} of {'abc'[n]}.", shown[:2]) for n in range(3)))

    server = model_server(reply)
    made = await report("Answers", {"Answers": rows}, findings=2, llm=llm_at(server))
    assert server.n_requests > 3
    assert [one.words for one in made.findings if not one.problem] == ["They talk of soup."]
    assert len(made.findings[0].evidence) > 4
    assert f"The first {SHOWN_ROWS} of 200 rows." in made.markdown


async def test_same_report_is_paid_once(model_server, tmp_path):
    world, server = await ran(model_server, ("Ann speaks.", [2]))
    made = [await report("Soup", {"Evening": world}, llm=llm_at(server, cache=tmp_path / "calls")) for _ in range(2)]
    assert server.n_requests == 3  # two turns and one report
    assert made[0].findings == made[1].findings


async def test_model_that_fails_is_an_error_and_no_report(model_server):
    world, _ = await ran(model_server)
    with pytest.raises(ModelError):
        await report("Soup", {"Evening": world}, llm=llm_at("http://127.0.0.1:1/v1", max_tries=1))


async def test_title_stands_once_in_every_file_whatever_is_in_it(tmp_path):
    pytest.importorskip("pypandoc")
    made = await report("Soup <b>in</b> *a* bottle", {"Scores": SCORES}, findings=0)
    text, page = export("soup", made, to=["txt", "html"], folder=tmp_path)
    assert text.read_text(encoding="utf-8").count("Soup <b>in</b> *a* bottle") == 1
    assert page.read_text(encoding="utf-8").count("Soup &lt;b&gt;in&lt;/b&gt; *a* bottle") == 2  # and the window's


async def test_report_is_a_value(model_server):
    world, _ = await ran(model_server, ("Ann speaks.", [2]))
    made = await report("Soup", {"Evening": world})
    again = pickle.loads(pickle.dumps(made))
    assert (again.markdown, again.findings, again.pictures) == (made.markdown, made.findings, made.pictures)
    assert repr(made) == "Report('Soup', 1 findings, 0 unsupported, 1 figures)"


async def test_rows_that_were_extracted_say_how(model_server):
    server = model_server({"rows": [{"idea": "soup", "evidence": [9]}]})
    ideas = await extract("We need soup.", "the ideas", fields={"idea": str}, llm=llm_at(server))
    made = await report("Ideas", {"Ideas": ideas}, findings=0)
    assert "Extracted: 1 row, 1 without support." in made.markdown
    assert "| What was looked for | the ideas |" in made.markdown


@pytest.mark.parametrize(
    ("sources", "findings", "complaint"),
    [
        ({}, 3, "name one source"),
        (7, 3, "name one source"),
        ({"x": 7}, 3, "x: 7 cannot be reported on"),
        ({"x": "y"}, -1, "0 or more"),
    ],
)
async def test_what_cannot_be_reported_on_is_said(sources, findings, complaint):
    with pytest.raises(InvalidSettings, match=complaint):
        await report("Title", sources, findings=findings)


async def test_nothing_found_is_a_result_and_says_how(model_server):
    server = model_server({"rows": []})
    ideas = await extract("We need soup.", "the complaints", fields={"idea": str}, llm=llm_at(server))
    made = await report("Ideas", {"Ideas": ideas}, findings=0)
    assert "Extracted: 0 rows, 0 without support." in made.markdown
    assert "the complaints" in made.markdown
    assert "scripted" in made.markdown


async def test_merged_rows_lead_to_the_events_of_their_runs(model_server):
    worlds = {name: (await ran(model_server))[0] for name in ("A", "B")}
    server = model_server(lambda body: {"rows": [{"idea": "soup", "evidence": [2]}]})
    tables = {
        name: await extract(world, "ideas", fields={"idea": str}, llm=llm_at(server)) for name, world in worlds.items()
    }
    merged = await merge_rows(tables, "the same", by="idea", llm=llm_at(server))
    assert merged.attrs["runs"] == {name: world.file.spec["run"] for name, world in worlds.items()}
    made = await report("Soup", {**worlds, "Merged": merged}, findings=0)
    assert re.search(r"\[E\d+\]\(#e\d+\).*\[E\d+\]\(#e\d+\)", part(made, "Merged"))


async def test_two_reports_in_a_notebook_do_not_lead_to_each_other(model_server):
    pytest.importorskip("pypandoc")
    shown = []
    for words in ("Ann speaks.", "Ann speaks first."):
        world, _ = await ran(model_server, (words, [2]))
        shown.append((await report("Soup", {"Evening": world}))._repr_html_())
    ids = [set(re.findall(r'id="([^"]+)"', one)) for one in shown]
    assert not ids[0] & ids[1]
    for mine, one in zip(ids, shown, strict=True):
        assert set(re.findall(r'href="#([^"]+)"', one)) <= mine
