"""Twins: who only asks, asks a copy. And people who are related to each other."""

from __future__ import annotations

import pytest

from tests.cast import does, keep_all, llm_at, person, play, said, talk, texts, turn, turns_asked
from workbench.agents.actions import action
from workbench.agents.memory.settings import MemorySettings
from workbench.agents.person import Person
from workbench.evaluation.scoring import score
from workbench.extraction.extractor import extract
from workbench.judging import propositions
from workbench.worlds.world import World


async def lived(server) -> Person:
    """Somebody with a mind, a window, memories, vectors and a ledger."""
    ann = Person({"name": "Ann", "age": 28}, llm=llm_at(server), memory=MemorySettings(window=10, episode=10))
    for number in range(15):
        ann.listen(f"Number {number}.")
    await ann.act()
    return ann


def lively(model_server):
    return model_server(play(Ann=turn(talk("I see."), emotions="glad"), memory=keep_all()))


async def test_twin_is_the_same_and_shares_nothing(model_server):
    ann = await lived(lively(model_server))
    twin = ann.twin()
    before = ann.fingerprint()
    assert twin.fingerprint() == before
    await twin.listen_and_act("Are you happy?")
    twin.define("age", 90).move_to("the sea").forget([twin.events()[0].id])
    await twin.consolidate()
    assert ann.fingerprint() == before
    assert twin.fingerprint() != before
    twin_after = twin.fingerprint()
    await ann.listen_and_act("And you?")
    assert twin.fingerprint() == twin_after


async def test_twin_answers_as_the_person_would(model_server):
    server = lively(model_server)
    ann = await lived(server)
    await ann.twin().listen_and_act("Are you happy?")
    await ann.listen_and_act("Are you happy?")
    assert turns_asked(server)[-1] == turns_asked(server)[-2]


async def test_twins_of_other_numbers_draw_other_answers(model_server):
    server = lively(model_server)
    ann = await lived(server)
    for number in (0, 1, 2, 1):
        await ann.twin(number).act()
    seeds = [r.body["seed"] for r in server.requests[-4:]]
    assert (len(set(seeds)), seeds[1]) == (3, seeds[3])


async def test_interview_leaves_no_trace_unless_it_is_to_be_remembered(model_server):
    ann = await lived(lively(model_server))
    before = ann.fingerprint()
    answer = await ann.interview("Are you happy?")
    assert (answer[0].content, ann.fingerprint()) == ("I see.", before)
    await ann.interview("Are you happy?", remember=True)
    assert "Are you happy?" in ann.memory.text


async def test_who_scores_and_extracts_leaves_no_trace(model_server):
    def judge(body):
        return {"justification": "So.", "evidence": [1], "score": 5, "confidence": 1}

    server = model_server(play(Ann=turn(talk("I see.")), memory=keep_all(), check=judge, other={"rows": []}))
    ann = await lived(server)
    before = ann.fingerprint()
    await score(ann, [propositions.fluency])
    assert ann.fingerprint() == before


async def test_extraction_from_a_person_leaves_no_trace(model_server):
    server = model_server(play(Ann=turn(talk("I see.")), memory=keep_all(), check={"rows": []}))
    ann = await lived(server)
    before = ann.fingerprint()
    await extract(ann, "ideas", fields={"idea": str})
    assert ann.fingerprint() == before


async def test_twin_of_somebody_in_a_world_does_not_touch_the_world(model_server):
    calls = []

    @action
    def ring_bell() -> str:
        """Ring the bell."""
        calls.append(1)
        return "It rings."

    @action(real_world=True)
    def send_mail(text: str) -> str:
        """Send a mail."""
        calls.append(text)
        return "Sent."

    server = model_server(
        play(
            Ann=[turn(talk("Hi.")), turn(does("SEND_MAIL", text="x"), talk("y")), turn(talk("No.")), turn(talk("So."))]
        )
    )
    ann = Person({"name": "Ann", "age": 28}, faculties=[send_mail])
    world = World("Kitchen", [ann, person("Bob")], llm=llm_at(server), real_world=True, tools=[ring_bell])
    await world.run(1, live=False)
    events = world.events()
    twin = world.person("Ann").twin()
    await twin.listen_and_act("Send a mail!")
    assert (world.events(), calls) == (events, [])
    assert "RING_BELL" not in str(server.requests[-1].body)
    assert any("not possible here" in event.content for event in twin.events())
    await world.run(1, live=False)
    assert said(world)[-1] == ("Ann", "", "So.")


# Relationships


def family() -> list[Person]:
    ann = person(
        "Ann", relationships=[{"name": "Bob", "description": "brother"}, {"name": "Zoe", "description": "aunt"}]
    )
    return [ann, person("Bob"), person("Cem", relationships=[{"name": "Ann"}])]


async def test_relationships_are_in_the_prompt(model_server):
    server = model_server(play())
    await World("House", family(), llm=llm_at(server)).run(1, live=False)
    asked = next(r for r in server.requests if "You are Ann" in texts(r)[1])
    assert "name: Zoe" in texts(asked)[0]
    assert "In reach: Bob (brother), Cem." in texts(asked)[1]


def test_relationships_can_set_who_is_in_reach(tmp_path):
    world = World("House", family(), reach="relationships", record=tmp_path / "run.sqlite")
    reached = {"Ann": ["Bob", "Cem"], "Bob": ["Ann"], "Cem": ["Ann"]}
    assert {name: list(world.reach.of(name)) for name in reached} == reached
    world.close()
    again = World.resume(tmp_path / "run.sqlite")
    assert {name: list(again.reach.of(name)) for name in reached} == reached


@pytest.mark.parametrize("before", [None, [], [{"name": "Bob", "description": "friend"}, {"name": "Cem"}]])
def test_relationship_is_set_or_replaced(before):
    ann = person("Ann", relationships=before).relate_to("Bob", "brother")
    related = {one.name: one.description for one in ann.persona.relationships}
    assert related["Bob"] == "brother"
    assert len(related) == (2 if before else 1)
