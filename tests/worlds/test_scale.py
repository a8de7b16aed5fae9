"""What lets a world have ten thousand people: each is kept small, and nothing is held that is in the record."""

from __future__ import annotations

import gc
from typing import Any

import networkx as nx
import pytest

from tests.cast import keep_all, llm_at, person, play, talk, think, turn, world_at
from workbench.agents.memory.settings import MemorySettings
from workbench.agents.person import Person
from workbench.llm.client import LLM
from workbench.record.event_log import RecordedLog
from workbench.record.events import Event
from workbench.worlds.schedules import Draw
from workbench.worlds.social_network import SocialNetwork
from workbench.worlds.world import World

NAMES = tuple(f"Person {letter}" for letter in "ABCDEFGHIJKLMNOPQRST")
TOLD_LATELY = 64
"""Events of which the words are at hand for all who perceive them."""


def ring(*names: str) -> SocialNetwork:
    """Everybody knows two to each side."""
    return SocialNetwork.from_graph(nx.watts_strogatz_graph(len(names), 4, 0), list(names))


# What a person holds


async def test_person_of_a_world_holds_no_list_of_what_they_perceived(server, tmp_path):
    world = world_at(server, record=tmp_path / "run.sqlite").broadcast("Hello")
    await world.run(3, progress=False)
    for someone in world.people:
        log = someone.memory.episodic.log
        assert isinstance(log, RecordedLog)
        assert not [part for part in vars(log).values() if isinstance(part, list | tuple | dict | set)]
        assert len(log) == len(someone.events()) > 3


async def test_events_that_have_left_all_windows_are_in_the_record_alone(model_server):
    small = MemorySettings(window=20, episode=20, k=0, reflect_after=0)
    people = [Person({"name": name}, memory=small) for name in ("Ann", "Bob")]
    world = World("Kitchen", people, llm=llm_at(model_server(play(memory=keep_all()))))
    for number in range(200):
        world.broadcast(f"Said to all: {number}")
    await world.run(2, progress=False)
    shown = {event.id for someone in people for event in someone.memory.episodic.window}
    gc.collect()
    held = [one for one in gc.get_objects() if isinstance(one, Event) and one.content.startswith("Said to all")]
    assert world.file.n_events > 200
    assert len(held) <= len(shown) + TOLD_LATELY <= 104


async def test_what_several_hear_is_one_event_in_memory_also_after_resuming(server, tmp_path):
    world = world_at(server, record=tmp_path / "run.sqlite").broadcast("Hello")
    await world.run(1, progress=False)
    world.close()
    for made in (world, World.resume(tmp_path / "run.sqlite", llm=world.llm)):
        ann, bob, _ = ({event.id: event for event in one.memory.episodic.window} for one in made.people)
        assert ann.keys() & bob.keys()
        assert all(ann[number] is bob[number] for number in ann.keys() & bob.keys())


@pytest.mark.parametrize("record", [None, "run.sqlite"])
async def test_events_of_a_person_in_a_world_are_those_they_would_hold_alone(model_server, tmp_path, record):
    server = model_server(
        play(**{NAMES[0]: turn(talk("Hi"), think("Hm"), goals=["rest"]), NAMES[1]: turn(talk("Yes"))})
    )
    people = [person(name) for name in NAMES]
    path = tmp_path / record if record else None
    world = World("Street", people, llm=llm_at(server), reach=ring(*NAMES), record=path)
    world.broadcast("Hello").person(NAMES[2]).think("Only mine.")
    await world.run(2, progress=False)
    for someone in world.people:
        alone = person(someone.name)
        for event, heard_by in world.file.perceived():
            if someone.name in heard_by:
                alone.perceive(event)
        assert alone.events() == someone.events()
        assert (alone.memory.text, alone.mind) == (someone.memory.text, someone.mind)


async def test_twin_made_in_the_middle_of_a_run_has_what_was_perceived_until_then(server):
    world = world_at(server).broadcast("Hello")
    await world.run(1, progress=False)
    before, twin = world.person("Ann").events(), world.person("Ann").twin()
    await world.run(1, progress=False)
    assert twin.events() == before == world.person("Ann").events()[: len(before)]


# Those who do not act


async def test_people_who_are_never_drawn_have_an_empty_memory(server):
    world = world_at(server, *NAMES, schedule=Draw(2), reach="nobody")
    await world.run(3, progress=False)
    drawn = {event.source for event in world.events()}
    quiet = [someone for someone in world.people if someone.name not in drawn]
    assert len(quiet) >= len(NAMES) - 6
    for someone in quiet:
        memory = someone.memory
        assert (memory.n_events, memory.text, memory.episodic.window, len(memory.semantic)) == (0, "", [], 0)
    assert {person for _, person, _ in world.llm.meter.counts} == drawn


async def test_only_those_are_marked_to_whom_something_happens_in_a_step(server):
    marked = list[set[str]]()

    def first_two(world: World, rng: Any) -> Any:
        yield world.people[:2]
        marked.append(set(world._marks))

    world = world_at(server, *NAMES, schedule=first_two, reach=ring(*NAMES))
    await world.run(2, progress=False)
    perceived = {name for _, heard_by in world.file.perceived() for name in heard_by}
    assert marked == [perceived, perceived]
    assert len(perceived) == 6 < len(NAMES)
    assert not world._marks


# What is under way


class Counting(LLM):
    """A model that knows how many prompts have been handed to it and are not answered yet."""

    in_hand = most = 0

    async def complete(self, *given: Any, **options: Any) -> Any:
        Counting.in_hand += 1
        Counting.most = max(Counting.most, Counting.in_hand)
        try:
            return await super().complete(*given, **options)
        finally:
            Counting.in_hand -= 1


async def test_only_so_many_prompts_are_prepared_at_once(model_server):
    server = model_server(latency=0.01)
    llm = Counting("scripted", base_url=server.base_url, api_key="none", cache="off", concurrency=3)
    Counting.most = 0
    world = world_at(server, *NAMES, llm=llm)
    await world.run(1, progress=False)
    assert server.n_requests == len(NAMES)
    assert server.peak_concurrency == 3
    assert 3 <= Counting.most <= world.at_once == 6


# What calls leave behind


async def test_calls_that_were_made_again_are_exported_once(server, tmp_path):
    llm = llm_at(server, cache=tmp_path / "calls")
    for _ in range(2):
        await world_at(server, *NAMES[:4], llm=llm).run(2, progress=False)
    assert llm.meter.total.from_cache == llm.meter.total.calls == 8
    assert llm.export(tmp_path / "calls.jsonl") == 8
    replay = world_at(server, *NAMES[:4], llm=LLM(cache=tmp_path / "calls.jsonl"))
    await replay.run(2, progress=False)
    assert (replay.llm.meter.total.from_cache, server.n_requests) == (8, 8)


# Links


def test_naming_one_relation_leaves_all_others_as_they_were(server):
    world = world_at(server, *NAMES, reach=ring(*NAMES))
    world.connect(NAMES[0], NAMES[1], "friend", since=2019)
    world.connect(NAMES[0], NAMES[10])
    assert world.reach.of(NAMES[0])[NAMES[1]] == world.reach.of(NAMES[1])[NAMES[0]] == "friend, since: 2019"
    others = [what for name in NAMES for other, what in world.reach.of(name).items() if {name, other} != set(NAMES[:2])]
    assert others == [""] * (4 * len(NAMES))
    world.disconnect(NAMES[0], NAMES[10])
    assert world.reach.reaches(NAMES[0], NAMES[2])
