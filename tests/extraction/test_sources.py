"""What is read: runs, people, transcripts and texts, divided into units."""

from __future__ import annotations

import pandas as pd
import pytest

from tests.cast import person, play, talk, turn, world_at
from workbench.errors import InvalidSettings, UnknownName
from workbench.extraction.sources import PASSAGE, passages_of, units_of
from workbench.record.events import START, Event
from workbench.record.telling import told

SAID = {"Ann": [turn(talk("Soup!"))], "Bob": [turn(talk("Bread!", to="Ann"))]}


async def ran(model_server, **options):
    world = world_at(model_server(play(**SAID)), "Ann", "Bob", **options)
    world.broadcast("What shall we sell?", source="Moderator")
    await world.run(2, live=False)
    return world


def words(unit):
    return [event.content for event in told(unit.events)]


def read(source, per="run"):
    return [(dict(unit.labels), words(unit)) for unit in units_of(source, per)]


async def test_a_run_is_one_unit_a_person_and_a_step(model_server):
    world = await ran(model_server)
    everything = ["What shall we sell?", "Soup!", "Bread!"]
    assert read(world) == [({}, everything)]
    assert read(world, "person") == [({"person": "Ann"}, everything), ({"person": "Bob"}, everything)]
    assert read(world, "step")[:2] == [({"step": 0}, everything[:1]), ({"step": 1}, everything[1:])]


async def test_run_file_and_its_path_are_read_as_their_world(model_server, tmp_path):
    world = await ran(model_server, record=tmp_path / "shop.sqlite")
    path = tmp_path / "shop.sqlite"
    for per in ("run", "person", "step"):
        assert read(world, per) == read(world.file, per) == read(path, per) == read(str(path), per)


async def test_what_somebody_forgot_is_in_no_view_of_theirs(model_server, tmp_path):
    world = await ran(model_server, record=tmp_path / "shop.sqlite")
    world.person("Ann").forget([1])
    await world.run(1, live=False)
    for source in (world, tmp_path / "shop.sqlite"):
        views = {labels["person"]: said for labels, said in read(source, "person")}
        assert ("What shall we sell?" in views["Ann"], "What shall we sell?" in views["Bob"]) == (False, True)


async def test_several_runs_are_told_apart(model_server):
    one, other = await ran(model_server), await ran(model_server)
    assert [labels for labels, _ in read([one, other])] == [{"run": "Kitchen"}, {"run": "Kitchen (2)"}]
    assert [labels for labels, _ in read({"dear": one, "cheap": other})] == [{"run": "dear"}, {"run": "cheap"}]
    labels = [labels for labels, _ in read([one, other], "person")]
    assert labels[0] == {"run": "Kitchen", "person": "Ann"}
    assert len(labels) == 4


def test_people_are_units_of_their_own():
    people = [person("Ann").listen("Hi"), person("Bob").listen("Ho")]
    assert read(people) == [({"person": "Ann"}, ["Hi"]), ({"person": "Bob"}, ["Ho"])]
    assert read(people[0]) == [({}, ["Hi"])]
    assert read(people, "person") == read(people)


async def test_transcript_is_read_as_its_run_and_gives_what_each_did_and_was_told(model_server):
    table = (await ran(model_server)).transcript()
    assert read(table) == [({}, ["What shall we sell?", "Soup!", "Bread!"])]
    table.loc[table["content"] == "Soup!", "target"] = "Cem"
    views = {labels["person"]: said for labels, said in read(table, "person")}
    assert views == {
        "Ann": ["What shall we sell?", "Soup!", "Bread!"],
        "Bob": ["What shall we sell?", "Bread!"],
    }


async def test_events_are_one_run(model_server):
    events = (await ran(model_server)).events()
    assert read(events) == read(pd.DataFrame([event.to_dict() for event in events]))
    assert read(iter(events)) == read(events)


def test_text_is_numbered_by_its_lines():
    assert read("One.\n\n  Two. \nThree.") == [({}, ["One.", "Two.", "Three."])]
    assert read(["One.", "Two."]) == [({"run": "text"}, ["One."]), ({"run": "text (2)"}, ["Two."])]
    assert read({"Interview 1": "One."}) == [({"run": "Interview 1"}, ["One."])]
    assert [event.id for event in passages_of("One.\n\nTwo.")] == [1, 2]


@pytest.mark.parametrize("line", ["Word by word. " * 400, "x" * 4000, "これは長い文です。" * 400])
def test_long_lines_are_passages_of_whole_sentences(line):
    passages = [event.content for event in passages_of(line)]
    assert "".join("".join(passages).split()) == "".join(line.split())
    assert max(map(len, passages)) <= PASSAGE
    assert line.startswith("x") or all(passage[-1] in ".。" for passage in passages)


def test_documents_are_read_by_their_path(tmp_path):
    (tmp_path / "talk.md").write_text("# Talk\n\nAnn: Soup!", encoding="utf-8")
    assert read(tmp_path / "talk.md") == [({}, ["# Talk", "Ann: Soup!"])]
    assert read(str(tmp_path / "talk.md")) == read(tmp_path / "talk.md")


@pytest.mark.parametrize("missing", ["runs/gone.sqlite", "gone.docx"])
def test_file_that_is_not_there_is_named(missing):
    with pytest.raises(UnknownName, match=missing):
        units_of(missing)


def test_text_that_ends_like_a_file_is_a_text():
    assert read("I opened runs.sqlite and then notes.md") == [({}, ["I opened runs.sqlite and then notes.md"])]


@pytest.mark.parametrize(
    ("source", "per", "complaint"),
    [
        ("Some text.", "person", "has no people and no steps"),
        ("Some text.", "step", "has no people and no steps"),
        ("Some text.", "agent", "it is one of run, person, step"),
        (7, "run", "cannot be read"),
        ([7], "run", "no run"),
        ([Event(1, 1, START, "action", "TALK", "Ann", "", "x"), "text"], "run", "no run"),
    ],
)
def test_what_cannot_be_read_is_said(source, per, complaint):
    with pytest.raises(InvalidSettings, match=complaint):
        units_of(source, per)


async def test_model_of_a_run_file_is_the_one_that_it_was_made_with(model_server, tmp_path):
    world = await ran(model_server, record=tmp_path / "shop.sqlite")
    (unit,) = units_of(tmp_path / "shop.sqlite")
    assert (unit.model().model, unit.model().endpoint.name) == ("scripted", world.llm.endpoint.name)
