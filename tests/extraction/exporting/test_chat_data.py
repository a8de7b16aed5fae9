"""Chat data: each person's view is a conversation, in the forms that trainers read."""

import json

import pytest

from tests.agents.test_checks import FINE, UGH, judge, kitchen
from tests.cast import llm_at, person, play, talk, think, turn, world_at
from workbench.agents.attempts import write_preferences
from workbench.errors import InvalidSettings
from workbench.extraction.exporting.exporter import export
from workbench.populations.population import Population
from workbench.record.run_file import RunFile


@pytest.fixture
async def world(model_server, tmp_path):
    server = model_server(
        play(Ann=[turn(think("Hm."), talk("I would.")), turn(talk("Why not?", "Bob"))], Bob=[turn(), turn(talk("No."))])
    )
    world = world_at(server, llm=llm_at(server), record=tmp_path / "run.sqlite")
    world.broadcast("Would you buy it?")
    await world.run(2, live=False)
    return world


def lines(tmp_path, content, **how):
    (path,) = export("talk", content, to="chat", folder=tmp_path, overwrite=True, **how)
    assert path.name == "talk.chat.jsonl"
    return [json.loads(line)["messages"] for line in path.read_text().splitlines()]


def test_each_who_did_something_is_a_conversation(tmp_path, world):
    ann, bob = lines(tmp_path, world)
    assert [message["role"] for message in ann] == ["system", "user", "assistant"]
    assert "Ann" in ann[0]["content"]
    assert ann[1]["content"] == "to all: Would you buy it?"
    assert ann[2]["content"] == "I would.\n(to Bob) Why not?"
    heard = "to all: Would you buy it?\nAnn: I would.\nAnn to Bob: Why not?"
    assert [message["content"] for message in bob[1:]] == [heard, "No."]


def test_persona_and_thoughts_are_as_asked(tmp_path, world):
    ann, _ = lines(tmp_path, world, system=False, thoughts=True)
    assert [message["role"] for message in ann] == ["user", "assistant"]
    assert ann[1]["content"].startswith("(thinks) Hm.\nI would.")


def test_run_file_its_path_and_its_people_give_the_same(tmp_path, world):
    expected = lines(tmp_path, world)
    assert lines(tmp_path, world.record) == expected
    assert lines(tmp_path, RunFile.open(world.record)) == expected
    assert lines(tmp_path, list(world.people)) == expected
    assert lines(tmp_path, Population(world.people)) == expected
    assert lines(tmp_path, world.people[0]) == expected[:1]


def test_sharegpt_has_the_same_words_under_its_own_names(tmp_path, world):
    (path,) = export("talk", world, to="sharegpt", folder=tmp_path)
    assert path.name == "talk.sharegpt.json"
    first = json.loads(path.read_text())[0]["conversations"]
    assert [one["from"] for one in first] == ["system", "human", "gpt"]
    assert [one["value"] for one in first] == [one["content"] for one in lines(tmp_path, world)[0]]


async def test_who_acts_before_anything_is_perceived_begins_with_the_time(tmp_path, model_server):
    server = model_server(play(Ann=turn(talk("Hello!"))))
    ann = person("Ann")
    ann._llm = llm_at(server)
    await ann.act()
    assert lines(tmp_path, ann, system=False) == [
        [{"role": "user", "content": "[Monday, 2025-01-06 09:00]"}, {"role": "assistant", "content": "Hello!"}]
    ]


def test_people_who_did_nothing_give_no_line(tmp_path):
    assert lines(tmp_path, [person("Ann").listen("Hello?")]) == []


async def test_preferences_are_the_pairs_of_attempts(tmp_path, model_server):
    world = await kitchen(model_server(play(Ann=[UGH, FINE], check=judge(Ugh=2))), record=tmp_path / "run.sqlite")
    write_preferences(world, tmp_path / "pairs.jsonl")
    paths = [export(name, content, to=".preferences", folder=tmp_path)[0] for name, content in _same_run(world)]
    assert paths[0].name == "world.preferences.jsonl"
    assert {path.read_text() for path in paths} == {(tmp_path / "pairs.jsonl").read_text()}
    assert json.loads(paths[0].read_text())["chosen"]


def _same_run(world):
    return [("world", world), ("path", world.record), ("file", RunFile.open(world.record))]


def test_run_without_pairs_gives_no_empty_file(model_server, tmp_path):
    world = world_at(model_server(), "Ann")
    with pytest.raises(InvalidSettings, match="there are no pairs"):
        export("pairs", world, to="preferences", folder=tmp_path)
    assert not list(tmp_path.iterdir())
