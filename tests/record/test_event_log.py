"""The log of what somebody perceived: in a world the run file has it, and it is what a person alone would have."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

import workbench as wb
from tests.cast import keep_all, llm_at, person, play, reach_out, talk, think, turn, world_at
from tests.model_server import Fault
from workbench.errors import StepFailed
from workbench.record.event_log import EventLog, RecordedLog
from workbench.record.events import START, Event
from workbench.worlds.world import World


def event(number: int) -> Event:
    return Event(number, 0, START, "stimulus", "CONVERSATION", "", "", f"Words {number}.")


def lively():
    """People who talk to all and to one, think, reach out, and change their minds."""
    return play(
        Ann=[turn(talk("One."), emotions="glad"), turn(talk("Two.", to="Bob")), turn(think("Three."))],
        Bob=[turn(think("Four.")), turn(reach_out("Cem")), turn(talk("Five."))],
        Cem=[turn(talk("Six.", to="Zoe")), turn(), turn(talk("Seven."))],
    )


def known(one: wb.Person) -> tuple:
    memory = one.memory
    return memory.events, list(memory.episodic.window), memory.text, memory.n_events, one.mind, one.persona


def alone(world: World, name: str) -> wb.Person:
    """Somebody who lives in no world, to whom the same has happened."""
    one = person(name)
    for happened, heard_by in world.file.perceived():
        if name in heard_by:
            one.perceive(happened)
    return one


# In a list


@given(st.lists(st.sampled_from(["append", "cut", "copy"])), st.integers(0, 3))
def test_log_is_a_list_that_only_grows_and_is_cut(done, n_earlier):
    earlier = [event(number) for number in range(1, n_earlier + 1)]
    log, same = EventLog((), lambda: iter(earlier), n_earlier), list(earlier)
    for number, what in enumerate(done, start=n_earlier + 1):
        if what == "append":
            log.append(event(number))
            same.append(event(number))
        elif what == "cut":
            length = max(n_earlier, len(same) // 2)
            log.cut(length)
            del same[length:]
        else:
            log = log.copy()
        assert (list(log), len(log)) == (same, len(same))


def test_copy_of_a_log_is_independent():
    log = EventLog([event(1)])
    copy = log.copy()
    log.append(event(2))
    copy.append(event(3))
    assert ([e.id for e in log], [e.id for e in copy]) == ([1, 2], [1, 3])


# In a world


async def test_memory_in_a_world_is_that_of_a_person_alone(model_server):
    world = world_at(model_server(lively()), reach=[("Ann", "Bob"), ("Bob", "Cem")]).broadcast("Hello.")
    for step in range(3):
        await world.run(1, live=False)
        world.person("Ann").see(f"a red door {step}").define("age", 30 + step)
        for one in world.people:
            assert isinstance(one.memory.episodic.log, RecordedLog)
            assert known(one) == known(alone(world, one.name))


async def test_memory_that_keeps_books_is_that_of_a_person_alone(model_server):
    server = model_server(play(memory=keep_all(), Ann=turn(talk("I say something.")), Bob=turn(talk("Me, too."))))
    settings = wb.MemorySettings(window=10, episode=10)
    people = [wb.Person({"name": name, "age": 28}, memory=settings) for name in ("Ann", "Bob")]
    world = World("Kitchen", people, llm=llm_at(server))
    await world.run(8, live=False)
    other = wb.Person({"name": "Ann", "age": 28}, memory=settings)
    for happened in people[0].events():
        other.perceive(happened)
    assert len(people[0].memory.semantic) > 0
    assert known(people[0])[:4] == known(other)[:4]
    assert len(people[0].memory.semantic) == len(other.memory.semantic)


async def test_what_was_brought_comes_first(server):
    ann = person("Ann").listen("Remember the sea.")
    world = World("Kitchen", [ann, person("Bob")], llm=llm_at(server)).broadcast("Hello.")
    assert [e.content for e in ann.events()] == ["Remember the sea.", "Hello."]
    assert [e.content for e in world.person("Bob").events()] == ["Hello."]


async def test_log_is_as_long_as_what_it_has_also_in_the_middle_of_a_step(model_server):
    lengths = []

    def counting(world, rng):
        for one in (*world.people, *world.people):
            lengths.extend((len(p.memory.episodic.log), len(p.events())) for p in world.people)
            yield one

    world = world_at(model_server(lively()), schedule=counting).broadcast("Hello.")
    await world.run(2, live=False)
    assert len(lengths) == 36
    assert all(counted == read for counted, read in lengths)
    assert lengths[-1][0] > lengths[0][0]


async def test_what_a_failed_step_had_them_perceive_is_forgotten(model_server):
    server = model_server(play(Ann=turn(talk("Never said.")), Cem=Fault(400)))
    world = world_at(server, schedule="sequential").broadcast("Hello.")
    before = [known(one) for one in world.people]
    with pytest.raises(StepFailed):
        await world.run(1, live=False)
    assert [known(one) for one in world.people] == before
    assert [one.memory.n_events for one in world.people] == [1, 1, 1]


async def test_memory_comes_back(model_server, tmp_path):
    world = world_at(model_server(lively()), record=tmp_path / "r.sqlite").broadcast("Hello.")
    await world.run(3, live=False)
    again = World.resume(world.record, llm=world.llm)
    assert [known(one) for one in again.people] == [known(one) for one in world.people]


async def test_person_who_moves_on_takes_along_what_they_perceived(model_server, tmp_path):
    server = model_server(lively())
    first = world_at(server, record=tmp_path / "first.sqlite").broadcast("Hello.")
    await first.run(2, live=False)
    ann = first.person("Ann")
    perceived = [(e.type, e.source, e.content) for e in ann.events()]
    second = World("Garden", [ann], llm=llm_at(server), record=tmp_path / "second.sqlite").broadcast("Welcome.")
    assert [(e.type, e.source, e.content) for e in ann.events()[:-1]] == perceived
    assert ann.events()[-1].content == "Welcome."
    assert second.file.path != first.file.path


# Twins


async def test_twin_made_between_steps_is_independent(model_server):
    world = world_at(model_server(lively()), "Ann", "Bob").broadcast("Hello.")
    await world.run(1, live=False)
    ann = world.person("Ann")
    twin, before = ann.twin(), known(ann)
    assert known(twin) == before
    await world.broadcast("Not for twins.").run(1, live=False)
    assert known(twin) == before
    twin.listen("For the twin alone.")
    assert "For the twin alone." not in ann.memory.text + "".join(e.content for e in world.events())
    assert [e.content for e in twin.events()[len(before[0]) :]] == ["For the twin alone."]


async def test_twin_made_in_the_middle_of_a_step_is_independent(model_server):
    twins, knew = [], []

    def making(world, rng):
        for one in world.people:
            twins.append(world.person("Bob").twin())
            knew.append(known(world.person("Bob")))
            yield one

    world = world_at(model_server(lively()), schedule=making).broadcast("Hello.")
    await world.run(2, live=False)
    assert [known(twin) for twin in twins] == knew
    assert knew[0] != knew[1]
    twins[1].listen("For the twin alone.")
    assert known(twins[2]) == knew[2]
    assert known(world.person("Bob")) == known(alone(world, "Bob"))


async def test_twin_of_a_step_that_failed_keeps_what_it_perceived(model_server):
    server = model_server(play(Ann=turn(talk("Said in vain.")), Cem=Fault(400)))
    twins: list[wb.Person] = []

    def making(world, rng):
        yield "Ann"
        twins.append(world.person("Bob").twin())
        yield "Cem"

    world = world_at(server, schedule=making).broadcast("Hello.")
    with pytest.raises(StepFailed):
        await world.run(1, live=False)
    assert [e.content for e in twins[0].events()] == ["Hello.", "Said in vain."]
    assert [e.content for e in world.person("Bob").events()] == ["Hello."]
    world.broadcast("Again.")
    assert [e.content for e in twins[0].events()] == ["Hello.", "Said in vain."]


async def test_twin_of_a_twin_is_independent(server):
    world = world_at(server, "Ann").broadcast("Hello.")
    first = world.person("Ann").twin().listen("To the first.")
    second = first.twin().listen("To the second.")
    assert [e.content for e in first.events()] == ["Hello.", "To the first."]
    assert [e.content for e in second.events()] == ["Hello.", "To the first.", "To the second."]


async def test_twin_answers_and_nobody_of_the_world_knows(model_server):
    server = model_server(play(Ann=turn(talk("Between you and me: no."))))
    world = world_at(server, "Ann", "Bob").broadcast("Hello.")
    actions = await world.person("Ann").interview("Would you buy it?")
    assert [str(action) for action in actions] == ["TALK: Between you and me: no."]
    assert [e.content for e in world.events()] == ["Hello."]
