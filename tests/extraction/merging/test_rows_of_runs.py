"""What `merge_rows` reads: which run a row is of, whose view it is from, which columns are labels and which fields."""

from __future__ import annotations

import pandas as pd

from tests.cast import llm_at, person, world_at
from workbench.extraction.extractor import extract
from workbench.extraction.merging.merging_runs import merge_rows
from workbench.extraction.reducing import reduce


async def merged(model_server, tables, by="idea"):
    server = model_server({"groups": []})
    return await merge_rows(tables, "the same product idea", by=by, llm=llm_at(server)), server


async def ideas_of(model_server, source, *, answer=None, per="person", **fields):
    answer = answer or {"idea": "cold soup", "evidence": [1]}
    llm = llm_at(model_server({"rows": [answer]}))
    return await extract(source, "ideas", fields={"idea": str, **fields}, per=per, llm=llm)


async def told(model_server, record=None, *names):
    """A world in which everybody heard of soup."""
    world = world_at(model_server({}), *(names or ("Ann", "Bob")), record=record)
    return world.broadcast("Cold soup!", source="Moderator")


async def test_what_extract_returns_is_merged(model_server, tmp_path):
    world = await told(model_server, tmp_path / "run.sqlite")
    views = await ideas_of(model_server, world, answer={"idea": "cold soup", "price": 3, "evidence": [1]}, price=int)
    found, server = await merged(model_server, views)
    assert found[["idea", "price", "runs", "n_runs", "people", "n_people", "n_rows"]].values.tolist() == [
        ["cold soup", 3, ["run 1"], 1, ["Ann", "Bob"], 2, 2]
    ]
    assert found["evidence"].tolist() == [[{"run": "run 1", "event": 1}]]
    assert server.n_requests == 0, "equal words need no question"


async def test_run_is_a_run_however_many_people_it_has(model_server):
    one = await ideas_of(model_server, await told(model_server))
    other = await ideas_of(model_server, await told(model_server, None, "Ann", "Cem"))
    both = await ideas_of(model_server, {"A": await told(model_server), "B": await told(model_server)})
    for tables, runs in (({"A": one, "B": other}, ["A", "B"]), ([one, other], ["run 1", "run 2"])):
        found, _ = await merged(model_server, tables)
        assert found[["runs", "n_runs", "n_people", "n_rows"]].values.tolist() == [[runs, 2, 3, 4]]
        assert found["people"].tolist() == [["Ann", "Bob", "Cem"]]
    found, _ = await merged(model_server, both)
    assert found[["runs", "n_runs", "people", "n_rows"]].values.tolist() == [[["A", "B"], 2, ["Ann", "Bob"], 4]]


async def test_events_of_people_who_are_in_no_run_are_told_apart(model_server):
    people = [person("Ann").listen("Soup!"), person("Bob").listen("Soup, please.")]
    found, _ = await merged(model_server, await ideas_of(model_server, people, per="run"))
    assert found[["runs", "people"]].values.tolist() == [[["run 1"], ["Ann", "Bob"]]]
    assert found["evidence"].tolist() == [[{"run": "run 1", "person": name, "event": 1} for name in ("Ann", "Bob")]]
    assert "run 1, Ann: 1" in found._repr_html_()


async def test_field_that_is_called_person_is_a_field(model_server):
    answer = {"idea": "cold soup", "person": "Ann", "evidence": [1]}
    tables = [await ideas_of(model_server, text, answer=answer, per="run", person=str) for text in ("Soup!", "Soup?")]
    for some in (tables, [pd.DataFrame(one.to_dict("list")) for one in tables]):
        found, _ = await merged(model_server, some)
        assert found[["idea", "person", "runs"]].values.tolist() == [["cold soup", "Ann", ["run 1", "run 2"]]]
        assert "people" not in found
    found, _ = await merged(model_server, tables, by="person")
    assert found[["person", "n_runs"]].values.tolist() == [["Ann", 2]]


async def test_rules_say_which_columns_are_labels(model_server):
    events = await told(model_server)
    step = {"CONVERSATION": lambda event: {"idea": event.content, "step": "first", "people": 2}}
    found, _ = await merged(model_server, reduce(events, step))
    assert found[["idea", "step", "people"]].values.tolist() == [["Cold soup!", "first", 2]]
    found, _ = await merged(model_server, reduce(events, {"CONVERSATION": lambda e: {"idea": e.content}}, per="person"))
    assert found[["n_runs", "people"]].values.tolist() == [[1, ["Ann", "Bob"]]]


async def test_words_of_rows_that_extract_made_one_are_variants(model_server):
    runs = pd.DataFrame(
        {"idea": ["cold soup"], "variants": [[{"idea": "sopa fría"}, {"idea": None}, {"idea": "soup"}]]}
    )
    found, server = await merged(model_server, runs)
    assert (found["variants"].tolist(), server.n_requests) == ([["cold soup", "sopa fría", "soup"]], 0)
