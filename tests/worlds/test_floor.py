"""The floor: one speaker at a time. Whoever is addressed, then whoever has been silent longest, then chance."""

from __future__ import annotations

import random
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

import workbench as wb
from tests.cast import happened, play, talk, think, turn, who, world_at
from tests.model_server import Fault
from workbench.errors import InvalidSettings
from workbench.record.events import Event
from workbench.worlds.names import Names
from workbench.worlds.schedules import Floor, next_speaker
from workbench.worlds.turn_history import TurnHistory
from workbench.worlds.world import World

NAMES = ("Ann", "Bob", "Cem", "Dan")
EIGHT = ("Ann", "Bob", "Cem", "Dan", "Eva", "Fay", "Gus", "Hal")


def history(*said: tuple[str, str, str]) -> TurnHistory:
    """What is known after some talk: who, to whom (nothing: to all) and what."""
    known = TurnHistory(Names(NAMES))
    for number, (source, target, content) in enumerate(said, start=1):
        event = Event(number, 1, datetime(2025, 1, 6), "action", "TALK", source, target, content)
        known.take_in(event, NAMES if not target else (source, target))
    return known


def next_of(known: TurnHistory, names=NAMES, seed: int = 0) -> str:
    return next_speaker(names, known, random.Random(seed))


def speakers(server) -> list[str]:
    return [who(request) for request in server.requests]


async def floor_of(server, steps: int = 1, names=NAMES, **options) -> World:
    world = world_at(server, *names, **({"schedule": "floor", "seed": 7} | options))
    await world.run(steps, live=False)
    return world


# Whose turn it is


def test_who_was_addressed_has_the_floor():
    assert next_of(history(("Ann", "", "Hi."), ("Bob", "", "Hi."), ("Ann", "Cem", "And you?"))) == "Cem"


def test_who_is_called_in_what_is_said_to_all_has_the_floor():
    assert next_of(history(("Ann", "", "What does Dan think?"))) == "Dan"


def test_first_who_is_called_goes_first_and_then_the_other():
    talked = [("Ann", "", "Dan? Cem?")]
    assert next_of(history(*talked)) == "Dan"
    assert next_of(history(*talked, ("Dan", "", "I do not know."))) == "Cem"


def test_who_was_addressed_last_goes_first():
    assert next_of(history(("Ann", "", "Dan?"), ("Bob", "", "Cem?"))) == "Cem"


def test_who_has_spoken_since_is_addressed_no_longer():
    assert next_of(history(("Ann", "Bob", "?"), ("Bob", "", "Yes."), ("Cem", "", "So?"), ("Dan", "", "Ah."))) == "Ann"


def test_who_did_not_hear_it_was_not_addressed():
    known = history(("Ann", "", "Hi."))
    event = Event(2, 1, datetime(2025, 1, 6), "action", "TALK", "Bob", "Dan", "And you?")
    known.take_in(event, ("Bob",))
    assert known.addressed == {}


def test_else_who_has_been_silent_longest_has_the_floor():
    assert next_of(history(("Cem", "", "a"), ("Ann", "", "b"), ("Dan", "", "c"), ("Bob", "", "d"))) == "Cem"


def test_among_those_who_never_spoke_chance_decides():
    drawn = [next_of(history(("Ann", "", "Hi.")), seed=seed) for seed in range(50)]
    assert set(drawn) == {"Bob", "Cem", "Dan"}
    assert drawn == [next_of(history(("Ann", "", "Hi.")), seed=seed) for seed in range(50)]


def test_nobody_speaks_twice_in_a_row_where_somebody_else_can():
    assert next_of(history(("Bob", "", "x"), ("Ann", "", "Ann, I say.")), names=("Ann", "Bob")) == "Bob"
    assert next_of(history(("Ann", "", "x")), names=("Ann",)) == "Ann"


def test_two_who_only_answer_each_other_lose_the_floor_after_four_turns():
    duel = [("Ann", "Bob", "?"), ("Bob", "Ann", "!")]
    assert next_of(history(*duel, duel[0])) == "Bob"
    assert next_of(history(*duel, *duel)) in ("Cem", "Dan")
    assert next_of(history(*duel, *duel, ("Cem", "", "Well."))) in ("Ann", "Bob")  # who are addressed still


def test_two_who_are_alone_keep_the_floor():
    duel = [("Ann", "Bob", "?"), ("Bob", "Ann", "!")]
    assert next_of(history(*duel, *duel), names=("Ann", "Bob")) == "Ann"


@given(
    st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from(["", *NAMES]), st.sampled_from(["x", *NAMES]))),
    st.sets(st.sampled_from(NAMES), min_size=1),
    st.integers(),
)
def test_floor_goes_to_somebody_who_is_free_and_not_the_last_speaker(said, free, seed):
    known, names = history(*said), tuple(name for name in NAMES if name in free)
    chosen = next_of(known, names, seed)
    assert chosen in names
    assert len(names) == 1 or not said or chosen != said[-1][0]
    assert chosen == next_of(history(*said), names, seed)


# In a world


async def test_floor_gives_as_many_turns_a_step_as_there_are_people(server):
    world = await floor_of(server, 2)
    assert (server.n_requests, world.steps, world.schedule) == (8, 2, "floor")


async def test_floor_may_have_other_numbers_of_turns(server):
    await floor_of(server, 2, schedule=wb.schedules.Floor(turns=3))
    assert server.n_requests == 6


async def test_each_hears_who_had_the_floor_before(model_server):
    server = model_server(lambda body: turn(talk(f"{who(body)} has spoken.")))
    await floor_of(server)
    for place, request in enumerate(server.requests):
        told = request.body["messages"][1]["content"]
        assert [f"{name} has spoken." in told for name in speakers(server)[:place]] == [True] * place


async def test_moderator_gives_somebody_the_floor(model_server):
    server = model_server(play(Cem=turn(talk("Ask Ann.")), Ann=turn(talk("Dan knows."))))
    world = world_at(server, *NAMES, schedule="floor").broadcast("Cem, would you buy it?", "Moderator")
    await world.run(1, live=False)
    assert speakers(server)[:3] == ["Cem", "Ann", "Dan"]


async def test_two_who_only_answer_each_other_let_others_in(model_server):
    server = model_server(play(Ann=turn(talk("And you?", to="Bob")), Bob=turn(talk("And you?", to="Ann"))))
    world = world_at(server, *NAMES, schedule=wb.schedules.Floor(turns=12)).broadcast("Ann?")
    await world.run(1, live=False)
    assert speakers(server)[:4] == ["Ann", "Bob", "Ann", "Bob"]
    assert {"Cem", "Dan"} <= set(speakers(server))


@pytest.mark.parametrize("seed", range(4))
async def test_everybody_of_eight_gets_to_speak(model_server, seed):
    chatter = random.Random(seed)
    server = model_server(lambda body: turn(talk("Well?", to=chatter.choice(["", "", *EIGHT]))))
    await floor_of(server, 3, EIGHT, seed=seed)
    assert set(speakers(server)) == set(EIGHT)


async def test_everybody_of_eight_gets_to_speak_though_two_address_each_other(model_server):
    server = model_server(play(Ann=turn(talk("And you?", to="Bob")), Bob=turn(talk("And you?", to="Ann"))))
    await floor_of(server, 5, EIGHT)
    assert set(speakers(server)) == set(EIGHT)


async def test_busy_people_never_have_the_floor(server):
    world = world_at(server, *NAMES, schedule="floor").occupy("Bob", minutes=2)
    world.broadcast("Bob, what do you say?")
    await world.run(2, live=False)
    assert "Bob" not in speakers(server)
    await world.run(1, live=False)
    assert speakers(server)[8] == "Bob"


async def test_step_in_which_all_are_busy_has_no_turns(server):
    world = world_at(server, "Ann", "Bob", schedule="floor").occupy("Ann", minutes=1).occupy("Bob", minutes=1)
    await world.run(1, live=False)
    assert (server.n_requests, world.steps) == (0, 1)


async def test_second_turn_in_a_step_is_another_request(model_server):
    server = model_server(play(Ann=turn(think("Hm.")), Bob=turn(think("Hm."))))
    await floor_of(server, names=("Ann", "Bob"), schedule=wb.schedules.Floor(turns=6))
    assert speakers(server) in (["Ann", "Bob"] * 3, ["Bob", "Ann"] * 3)
    assert len({request.body["seed"] for request in server.requests}) == 6


async def test_floor_goes_on_from_who_is_absent(model_server):
    server = model_server(play(Bob=Fault(400), Ann=turn(talk("Bob?", to="Bob"))))
    world = world_at(server, *NAMES, schedule="floor", on_error="absent").broadcast("Bob, what do you say?")
    await world.run(2, live=False)
    assert speakers(server)[0] == "Bob"
    assert set(speakers(server)) == set(NAMES)


async def test_floor_is_the_same_for_the_same_seed(server):
    first, second, other = await floor_of(server, 2), await floor_of(server, 2), await floor_of(server, 2, seed=8)
    assert happened(first) == happened(second)
    assert [e.source for e in other.events()] != [e.source for e in first.events()]


@pytest.mark.parametrize("turns", [0, -1, 1.5, "2", True])
def test_floor_with_turns_that_cannot_be_says_why(turns):
    with pytest.raises(InvalidSettings, match=r"Floor\(turns=.*whole number is needed, 1 or more"):
        wb.schedules.Floor(turns=turns)


async def test_three_who_only_answer_each_other_lose_the_floor_too(model_server):
    around = {"P0": "P1", "P1": "P2", "P2": "P0"}
    server = model_server(play(**{name: turn(talk("And you?", to=to)) for name, to in around.items()}))
    world = world_at(server, *(f"P{n}" for n in range(8)), schedule=Floor(turns=40), seed=1)
    world.broadcast("P0, you begin.", "Moderator")
    await world.run(1, live=False)
    acted = {event.source for event in world.events() if event.kind == "action"}
    assert acted == set(world.names)
