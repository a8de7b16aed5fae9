"""People who are busy: they hear what is said to them, and take no turns until they are free."""

from __future__ import annotations

from datetime import timedelta

import pytest
from dateutil.relativedelta import relativedelta

import workbench as wb
from tests.cast import happened, play, talk, turn, turns_asked, who, world_at
from tests.model_server import Fault
from workbench.errors import InvalidSettings, StepFailed, UnknownName
from workbench.worlds.world import World


def acted(server) -> list[str]:
    return [who(request) for request in server.requests]


@pytest.mark.parametrize("schedule", ["simultaneous", "sequential", "shuffled", wb.schedules.Draw(3)])
async def test_busy_people_take_no_turns(server, schedule):
    world = world_at(server, schedule=schedule).occupy("Ann", minutes=30, doing="on the phone")
    await world.run(2, live=False)
    assert sorted(acted(server)) == ["Bob", "Bob", "Cem", "Cem"]


async def test_busy_people_hear_what_is_said_to_them(model_server):
    server = model_server(play(Bob=turn(talk("Ann, are you there?", to="Ann"))))
    world = world_at(server, "Ann", "Bob").occupy("Ann", minutes=2)
    await world.broadcast("Dinner is ready.").run(3, live=False)
    (asked,) = turns_asked(server, "Ann")
    assert asked.count("Ann, are you there?") == 2
    assert "Dinner is ready." in asked


async def test_busy_people_are_free_when_their_time_is_over(server):
    world = world_at(server, "Ann", "Bob").occupy("Ann", minutes=2)
    await world.run(2, live=False)
    assert acted(server) == ["Bob", "Bob"]
    await world.run(1, live=False)
    assert acted(server)[2:] == ["Ann", "Bob"]


def test_world_says_what_somebody_is_busy_with(server):
    world = world_at(server, "Ann Lee", "Bob").occupy("ann", minutes=30, doing="on the phone").occupy("Bob", days=1)
    assert world.busy("Ann Lee") == world.busy("ann") == world.busy(world.people[0])
    assert world.busy("ann") == "on the phone until 2025-01-06 09:30"
    assert world.busy("Bob") == "busy until 2025-01-07 09:00"
    assert world.free == []
    with pytest.raises(UnknownName, match="'Zoe'"):
        world.busy("Zoe")


def test_time_that_is_skipped_frees_people(server):
    world = world_at(server, "Ann").occupy("Ann", minutes=30).skip(minutes=30)
    assert (world.busy("Ann"), world.free) == ("", world.people)


@pytest.mark.parametrize("length", [timedelta(hours=1), relativedelta(hours=1)])
def test_length_may_be_given_as_it_is(server, length):
    assert world_at(server, "Ann").occupy("Ann", length).busy("Ann") == "busy until 2025-01-06 10:00"


def test_later_word_on_somebody_counts(server):
    world = world_at(server, "Ann").occupy("Ann", hours=2, doing="asleep").occupy("Ann", minutes=1, doing="awake")
    assert world.busy("Ann") == "awake until 2025-01-06 09:01"


def test_being_busy_is_an_event(server):
    event = world_at(server, "Ann").occupy("Ann", minutes=30, doing="on the phone").events()[0]
    assert (event.kind, event.type, event.target) == ("note", "BUSY", "Ann")
    assert "on the phone" in event.content


@pytest.mark.parametrize("steps", [0, 1])
async def test_being_busy_comes_back(server, tmp_path, steps):
    world = world_at(server, "Ann", "Bob", record=tmp_path / "r.sqlite").occupy("Ann", minutes=2, doing="asleep")
    await world.run(steps, live=False)
    again = World.resume(world.record, llm=world.llm)
    assert again.busy("Ann") == world.busy("Ann") == "asleep until 2025-01-06 09:02"
    await again.run(2, live=False)
    assert acted(server).count("Ann") == steps


def phone_rings(world: World) -> None:
    world.occupy("Ann", minutes=5, doing="on the phone")


async def test_rule_may_occupy_somebody_from_its_step_on(server, tmp_path):
    rule = wb.Intervention("the phone rings", phone_rings, at_step=2)
    world = world_at(server, "Ann", "Bob", interventions=[rule], record=tmp_path / "r.sqlite")
    await world.run(3, live=False)
    assert acted(server) == ["Ann", "Bob", "Bob", "Bob"]
    again = World.resume(world.record, llm=world.llm, interventions=[rule])
    assert (again.busy("Ann"), happened(again)) == (world.busy("Ann"), happened(world))


async def test_who_became_busy_in_a_step_that_failed_is_free(model_server):
    server = model_server(play(Bob=Fault(400)))
    rule = wb.Intervention("the phone rings", phone_rings, at_step=1)
    world = world_at(server, "Ann", "Bob", interventions=[rule]).occupy("Bob", minutes=1)
    await world.run(1, live=False)
    assert world.busy("Ann")
    world = world_at(server, "Ann", "Bob", interventions=[rule])
    with pytest.raises(StepFailed):
        await world.run(1, live=False)
    assert (world.busy("Ann"), world.events()) == ("", [])


def test_nobody_of_the_name_can_be_busy(server):
    world = world_at(server, "Ann")
    with pytest.raises(UnknownName, match="'Zoe'"):
        world.occupy("Zoe", minutes=1)
    with pytest.raises(InvalidSettings, match="how long"):
        world.occupy("Ann", doing="asleep")
    assert world.events() == []
