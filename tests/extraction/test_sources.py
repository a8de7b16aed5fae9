"""What is read: runs, people, transcripts and texts, divided into units."""

from __future__ import annotations

import textwrap

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.cast import person, play, talk, turn, world_at
from workbench.errors import InvalidSettings, UnknownName, UnreadableDocument
from workbench.extraction.exporting.exporter import export
from workbench.extraction.passages import LONGEST, passages_of
from workbench.extraction.sources import units_of
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


@pytest.mark.parametrize("line", ["Word by word. " * 400, "x" * 4000, "これは長い文です。" * 400, "no end here " * 500])
def test_long_lines_are_passages_of_whole_sentences_or_words(line):
    passages = [event.content for event in passages_of(line)]
    assert "".join("".join(passages).split()) == "".join(line.split())
    assert max(map(len, passages)) <= LONGEST
    assert line.startswith(("x", "no")) or all(passage[-1] in ".。" for passage in passages)
    assert all(passage in line for passage in passages)
    assert not line.startswith("no") or {word for passage in passages for word in passage.split()} == {
        "no",
        "end",
        "here",
    }


def test_documents_are_read_by_their_path(tmp_path):
    (tmp_path / "talk.md").write_text("# Talk\n\nAnn: Soup!", encoding="utf-8")
    assert read(tmp_path / "talk.md") == [({}, ["Talk", "Ann: Soup!"])]
    assert read(str(tmp_path / "talk.md")) == read(tmp_path / "talk.md")


@pytest.mark.parametrize(
    "missing",
    [
        "A sentence that ends in file.txt",
        "runs/gone.sqlite",
        "gone.docx",
        "My interview.docx",
        "runs/focus",
        "focus.db",
        "C:\\runs\\focus",
    ],
)
def test_file_that_is_not_there_is_named_and_never_read_as_a_text(missing):
    with pytest.raises(UnknownName, match="there is no file"):
        units_of(missing)


def test_page_of_the_web_is_not_fetched():
    with pytest.raises(InvalidSettings, match="not fetched"):
        units_of("http://example.org/talk.html")


def test_folder_and_file_of_another_kind_are_refused(tmp_path):
    (tmp_path / "notes.rtf").write_text("{\\rtf1 Soup!}", encoding="utf-8")
    with pytest.raises(InvalidSettings, match="is a folder"):
        units_of(str(tmp_path))
    with pytest.raises(UnreadableDocument, match=r"\.rtf"):
        units_of(tmp_path / "notes.rtf")


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=3000))
def test_any_text_with_two_lines_is_a_text(text):
    (unit,) = units_of(f"{text}\nthe end")
    assert "".join("".join(words(unit)).split()) == "".join(f"{text} the end".split())


@pytest.mark.parametrize("n", [14, 200])
def test_a_line_of_any_length_is_a_text(n):
    assert read("I think the soup is good. " * n)


def test_transcript_in_a_csv_file_keeps_its_event_ids(tmp_path):
    table = pd.DataFrame([Event(7, 1, START, "action", "TALK", "Ann", "", "Soup!").to_dict()])
    table.to_csv(tmp_path / "talk.csv", index=False)
    (unit,) = units_of(tmp_path / "talk.csv", "person")
    assert (unit.labels, [event.id for event in unit.events]) == ({"person": "Ann"}, [7])


def test_series_of_answers_keeps_its_labels_and_leaves_out_what_is_missing():
    answers = pd.Series(["Too dear.", None, "Fine."], index=["r1", "r2", "r3"])
    assert read(answers) == [({"run": "r1"}, ["Too dear."]), ({"run": "r3"}, ["Fine."])]


def test_series_whose_labels_repeat_loses_nothing():
    answers = pd.Series(["I like soup.", "I hate soup.", "Too dear."], index=["Ann", "Ann", "Bob"])
    assert [(unit.labels["run"], words(unit)) for unit in units_of(answers)] == [
        ("Ann", ["I like soup."]),
        ("Ann (2)", ["I hate soup."]),
        ("Bob", ["Too dear."]),
    ]


@pytest.mark.parametrize("ending", ["csv", "parquet", "jsonl"])
async def test_transcript_that_was_exported_is_read_as_its_run(model_server, tmp_path, ending):
    table = (await ran(model_server)).transcript()
    (path,) = export("talk", table, to=ending, folder=tmp_path)
    assert read(path, "person") == read(table, "person")
    table.to_csv(tmp_path / "semicolons.csv", sep=";", index=False)
    assert read(tmp_path / "semicolons.csv") == read(table)


def test_tables_and_page_numbers_of_a_document_are_no_passages(tmp_path):
    text = (
        "# Marta\n\n| a | b |\n| --- | --- |\n| dear | yes |\n|  |  |\n\n1 / 2\n\nShe buys it every week,\nshe says.\n"
    )
    (tmp_path / "talk.md").write_text(text, encoding="utf-8")
    assert read(tmp_path / "talk.md")[0][1] == [
        "Marta",
        "| a | b |",
        "| dear | yes |",
        "She buys it every week, she says.",
    ]


def test_wrapped_german_is_one_passage():
    sentence = (
        "Ich würde diese Suppe gern jede Woche kaufen, wenn sie in einer Packung käme, die nach dem Heimweg keine "
        "Last für Arme und Rücken ist und die man im Kühlschrank neben die Milch stellen kann, ohne Angst zu haben."
    )
    assert read(textwrap.fill(sentence, 72) + "\n")[0][1] == [sentence]


def test_wrapped_lines_are_one_passage_and_what_people_say_is_not():
    wrapped = "I would buy it every week if it came in a carton\nthat closes again.\n"
    talk = "Marta: I would buy it every week if it came in a carton\nJon: and I would not, it is far too dear for me\n"
    assert read(wrapped)[0][1] == ["I would buy it every week if it came in a carton that closes again."]
    assert len(read(talk)[0][1]) == 2


def test_marks_of_a_document_are_no_words_of_it(tmp_path):
    (tmp_path / "talk.md").write_text("I buy it **every** week, *really*, 3\\_4 bottles.", encoding="utf-8")
    assert read(tmp_path / "talk.md")[0][1] == ["I buy it every week, really, 3_4 bottles."]


def test_people_among_runs_are_runs_too():
    assert [labels for labels, _ in read([person("Ann").listen("Hi"), "One.\nTwo."])] == [
        {"run": "Ann"},
        {"run": "text"},
    ]


@pytest.mark.parametrize(
    ("source", "per", "complaint"),
    [
        ("Some text.", "person", "has no people and no steps"),
        ("Some text.", "step", "has no people and no steps"),
        ("Some text.", "agent", "it is one of run, person, step"),
        (7, "run", "cannot be read"),
        (pd.DataFrame({"answer": ["Too dear."]}), "run", "it is no transcript. Of answers give a Series"),
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
