"""A person perceives, acts, remembers, and comes back from a file as they were."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.cast import LISA, llm_at, now, person, talk, texts, think, turn, turns_asked, world_at
from tests.model_server import Fault
from workbench.agents.mind import Mind
from workbench.agents.person import Person
from workbench.errors import InvalidPersona, ModelError, UnreadableAnswer
from workbench.record.events import START

SENSES = {
    "listen": ("CONVERSATION", "say"),
    "see": ("VISUAL", "see"),
    "socialize": ("SOCIAL", "social"),
    "think": ("THOUGHT", "think"),
    "internalize_goal": ("INTERNAL_GOAL_FORMULATION", "goal"),
    "move_to": ("LOCATION", "place"),
}


def alone(server, **facts):
    return Person({"name": "Lisa", **facts}, llm=llm_at(server))


# What they perceive


@pytest.mark.parametrize("sense", SENSES)
def test_stimulus_is_remembered_and_told(sense):
    lisa = person()
    assert getattr(lisa, sense)("a red door") is lisa
    type_, tag = SENSES[sense]
    event = lisa.memory.events[-1]
    assert (event.id, event.kind, event.type, event.target) == (1, "stimulus", type_, "Lisa")
    assert f'<{tag} to="Lisa">a red door</{tag}>' in lisa.memory.text


def test_speaker_and_company_have_names():
    lisa = person().listen("Hello", "Oscar").socialize("waves", "Kinga")
    assert [event.source for event in lisa.memory.events] == ["Oscar", "Kinga"]


def test_moving_changes_the_place_and_perhaps_what_holds():
    lisa = person().change_context(["It is hot."]).move_to("the market")
    assert (lisa.mind.location, lisa.mind.context) == ("the market", ("It is hot.",))
    lisa.move_to("home", ["It is cool.", "The radio plays."])
    assert (lisa.mind.location, lisa.mind.context) == ("home", ("It is cool.", "The radio plays."))


def test_goals_add_up():
    assert person().internalize_goal("eat").internalize_goal("sleep").mind.goals == ("eat", "sleep")


def test_memory_tells_each_time_once_and_never_a_wrong_one():
    lisa = person().listen("one").listen("two")
    one = lisa.memory.events[0]
    later = START + timedelta(minutes=5)
    lisa.memory.add(replace(one, id=3, time=later, type="DONE", kind="action", content=""))
    lisa.memory.add(replace(one, id=4, time=later, content="three"))
    assert lisa.memory.text == (
        '[Monday, 2025-01-06 09:00]\n<say to="Lisa">one</say>\n<say to="Lisa">two</say>\n'
        '[Monday, 2025-01-06 09:05]\n<say to="Lisa">three</say>\n'
    )


# What they do


async def test_act_is_one_request_and_gives_actions_and_mind(model_server):
    server = model_server(turn(think("Hm."), talk("Hello!"), emotions="glad", goals=["eat"]))
    lisa = alone(server).listen("Hi")
    actions = await lisa.act()
    assert [str(action) for action in actions] == ["THINK: Hm.", "TALK: Hello!"]
    assert (lisa.mind.emotions, lisa.mind.attention, lisa.mind.goals) == ("glad", "the talk", ("eat",))
    assert server.n_requests == 1


async def test_actions_are_remembered_with_the_call_that_made_them(model_server):
    lisa = alone(model_server(turn(talk("Hello!"))))
    await lisa.listen_and_act("Hi", "Oscar")
    said = lisa.memory.events[-1]
    assert (said.kind, said.type, said.source, said.content) == ("action", "TALK", "Lisa", "Hello!")
    assert len(said.call) == 64


async def test_next_turn_shows_what_was_done_and_felt(model_server):
    server = model_server(turn(talk("Hello!"), emotions="glad"))
    lisa = alone(server)
    await lisa.listen_and_act("Hi")
    await lisa.listen_and_act("And?")
    asked = turns_asked(server)[1]
    assert '<say to="Lisa">Hi</say>\n<say from="Lisa">Hello!</say>\n<say to="Lisa">And?</say>' in asked
    assert now(asked)["You feel"] == "glad"


async def test_mind_keeps_place_and_context_through_a_turn(model_server):
    lisa = alone(model_server(turn(emotions="tired"))).move_to("home", ["It is late."])
    await lisa.act()
    assert lisa.mind == Mind("tired", "the talk", (), ("It is late.",), "home")


@pytest.mark.parametrize(
    "answer", [Fault(400), {"actions": [], "mind": {}}, {"actions": [{"type": "FLY"}]}, "I would rather not."]
)
async def test_act_that_fails_changes_nothing(model_server, answer):
    lisa = Person(LISA, llm=llm_at(model_server(answer), max_tries=2)).listen("Hi").internalize_goal("eat")
    before = lisa.state()
    with pytest.raises(ModelError):
        await lisa.act()
    assert lisa.state() == before


async def test_person_whose_turn_failed_can_go_on(model_server):
    server = model_server(["nonsense"] * 3)
    lisa = alone(server).listen("Hi")
    with pytest.raises(UnreadableAnswer, match="turn of Lisa"):
        await lisa.act()
    assert await lisa.act()


async def test_same_person_and_past_ask_the_same(server):
    for _ in range(2):
        lisa = alone(server, age=28).listen("Hi")
        await lisa.act()
        await lisa.listen_and_act("And?")
    first, second = server.requests[:2], server.requests[2:]
    assert [request.hash for request in first] == [request.hash for request in second]


# Who they are


def test_define_and_merge_change_the_persona_and_what_the_model_reads():
    lisa = person().define("occupation.title", "Cook").merge({"skills": ["knives"]})
    assert lisa.persona.occupation.title == "Cook"
    assert "knives" in lisa.persona.markdown
    assert lisa.memory.events == []


@pytest.mark.parametrize(("path", "value"), [("name", "Oscar"), ("name", None), ("age", []), ("age.x", 1)])
def test_definition_that_cannot_be_changes_nothing(path, value):
    lisa = person()
    before = lisa.state()
    with pytest.raises(InvalidPersona, match="Lisa"):
        lisa.define(path, value)
    assert lisa.state() == before


async def test_definition_reaches_the_prompt(server):
    lisa = alone(server, age=28).define("age", 77)
    await lisa.act()
    assert "age: 77" in texts(server.requests[0])[0]


@pytest.mark.parametrize("wrong", [{}, {"name": ""}, {"age": 3}, None, [], "Lisa"])
def test_person_needs_a_persona(wrong):
    with pytest.raises(InvalidPersona):
        Person(wrong)


# Their state


async def lived(server) -> Person:
    lisa = Person(LISA, llm=llm_at(server)).move_to("home", ["It is late."]).listen("Hi <b>", "Oscar")
    await lisa.act()
    return lisa.define("age", 29)


@pytest.mark.parametrize("suffix", ["json", "yaml"])
async def test_person_comes_back_with_mind_and_memory(server, tmp_path, suffix):
    lisa = await lived(server)
    again = Person.load(lisa.save(tmp_path / f"lisa.agent.{suffix}"))
    assert (again.persona, again.mind, again.events()) == (lisa.persona, lisa.mind, lisa.events())
    assert (again.memory.text, again.fingerprint()) == (lisa.memory.text, lisa.fingerprint())
    assert again.state() == lisa.state()


async def test_person_who_comes_back_goes_on_as_if_never_stopped(server, tmp_path):
    lisa = await lived(server)
    again = Person.load(lisa.save(tmp_path / "lisa.agent.json"), llm=llm_at(server))
    for one in (lisa, again):
        await one.listen_and_act("Still there?")
    assert server.requests[-1].hash == server.requests[-2].hash
    assert (again.mind, again.memory.text) == (lisa.mind, lisa.memory.text)
    ids = [event.id for event in again.memory.events]
    assert ids == sorted(set(ids))


async def test_person_who_comes_back_from_a_world_is_at_the_time_they_left(server, tmp_path):
    world = world_at(server, "Ann")
    await world.run(3, live=False)
    ann = Person.load(world.person("Ann").save(tmp_path / "ann.agent.json"), llm=llm_at(server))
    await ann.listen_and_act("Hi")
    assert "It is Monday, 2025-01-06 09:02." in turns_asked(server)[-1]


async def test_person_is_saved_without_memory_when_asked(server, tmp_path):
    saved = (await lived(server)).save(tmp_path / "lisa.agent.json", memory=False)
    assert json.loads(saved.read_text()) == {"type": "TinyPerson", "persona": LISA | {"age": 29}}


def test_state_is_a_copy():
    lisa = person(skills=["piano"]).listen("Hi")
    lisa.state()["persona"]["skills"].append("chess")
    lisa.state()["memory"].clear()
    assert lisa.persona.to_dict()["skills"] == ["piano"]
    assert len(lisa.memory.events) == 1


def test_two_people_of_one_name_live_side_by_side():
    one, other = person("Lisa").listen("Hi"), person("Lisa")
    assert (len(one.memory.events), len(other.memory.events)) == (1, 0)


# How they look


def test_person_shows_itself():
    assert repr(Person(LISA).listen("Hi")) == "Person('Lisa Moreau, 28, Data Scientist, Canadian', 1 events in memory)"


def test_card_escapes_persona_and_mind():
    lisa = Person({"name": "<b>Lisa</b>", "x": "<script>"}, Mind(emotions="<i>glad</i>", goals=("<u>eat</u>", "sleep")))
    shown = lisa._repr_html_()
    assert all(f"&lt;{tag}" in shown for tag in ("b&gt;", "script", "i&gt;", "u&gt;"))
    assert not any(f"<{tag}>" in shown for tag in ("script", "i", "u"))
