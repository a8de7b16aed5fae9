"""Steps: who acts on what past, and that the same run is the same run."""

from __future__ import annotations

import asyncio
import random
import subprocess
import sys
from collections import Counter

import pytest

import workbench as wb
from tests.cast import happened, llm_at, play, reach_out, talk, turn, turns_asked, who, world_at
from tests.model_server import Fault
from workbench.errors import InvalidSettings, StepFailed, UnknownName
from workbench.llm.client import LLM
from workbench.llm.running import sync
from workbench.worlds.schedules import Draw, Floor, name_of
from workbench.worlds.world import World


def pair_and_rest(world, rng):
    """A schedule of one's own: two at once, then the others, one after the other, by their names."""
    pair = rng.sample(world.people, 2)
    yield pair
    yield from [person.name for person in world.people if person not in pair]


def round_of(world, rng):
    """Another, which says something before each turn."""
    for person in world.people:
        world.broadcast(f"{person.name}, it is your turn.", "Moderator")
        yield person


SCHEDULES = ["simultaneous", "sequential", "shuffled", "floor", Floor(turns=5), Draw(2), pair_and_rest, round_of]
schedules = pytest.mark.parametrize("schedule", SCHEDULES, ids=[str(one).split(" at ")[0] for one in SCHEDULES])


async def run_of(server, steps: int = 3, **options) -> World:
    world = world_at(server, **({"seed": 7} | options)).broadcast("Would you buy gazpacho?", "Moderator")
    await world.run(steps, live=False)
    return world


def lively():
    """People who talk, think, reach out and change their minds."""
    return play(
        Ann=[turn(talk("One", to="Bob"), emotions="glad"), turn(reach_out("Cem"), goals=["eat"]), turn(talk("Three"))],
        Bob=[turn(), turn(talk("Two", to="Zoe")), turn(talk("Four"))],
        Cem=[turn(talk("Hm.")), turn(emotions="sad"), turn(talk("Five"))],
    )


async def test_simultaneous_people_act_on_the_same_past(model_server):
    server = model_server(play(Ann=[turn(talk("Hello"))], Bob=[turn(talk("Hi"))]))
    await run_of(server, 2)
    first, second = turns_asked(server)[:3], turns_asked(server)[3:]
    assert not any("Hello" in asked or "Hi<" in asked for asked in first)
    assert all("Hello" in asked and "Hi<" in asked for asked in second)


async def test_sequential_people_hear_who_spoke_before_them(model_server):
    server = model_server(play(Ann=[turn(talk("Hello"))], Bob=[turn(talk("Hi"))]))
    await run_of(server, 1, schedule="sequential")
    assert [who(request) for request in server.requests] == ["Ann", "Bob", "Cem"]
    ann, bob, cem = turns_asked(server)
    assert ("Hello" in ann, "Hello" in bob, "Hello" in cem) == (False, True, True)
    assert ("Hi<" in ann, "Hi<" in bob, "Hi<" in cem) == (False, False, True)


async def test_simultaneous_people_are_asked_at_once(model_server):
    server = model_server(latency=0.3)
    await run_of(server, 1)
    assert server.peak_concurrency == 3


async def test_simultaneous_turns_are_applied_in_the_order_of_people(model_server):
    async def slow(body):
        await asyncio.sleep({"Ann": 0.06, "Bob": 0.03, "Cem": 0.0}[who(body)])
        return turn(talk(f"I am {who(body)}."))

    world = await run_of(model_server(slow), 1)
    assert [event.source for event in world.events() if event.type == "TALK"] == ["Ann", "Bob", "Cem"]


@schedules
async def test_same_seed_gives_the_same_run(server, schedule):
    first, second = await run_of(server, schedule=schedule), await run_of(server, schedule=schedule)
    assert happened(first) == happened(second)
    hashes = [request.hash for request in server.requests]
    half = len(hashes) // 2
    assert sorted(hashes[:half]) == sorted(hashes[half:])


@schedules
async def test_same_run_asks_nothing_again(server, schedule, tmp_path):
    first = await run_of(server, schedule=schedule, llm=llm_at(server, cache=tmp_path / "calls"))
    asked = server.n_requests
    second = await run_of(server, schedule=schedule, llm=llm_at(server, cache=tmp_path / "calls"))
    assert server.n_requests == asked == first.llm.meter.total.calls
    assert happened(first) == happened(second)
    assert (second.llm.meter.total.calls, second.llm.meter.total.from_cache) == (0, asked)


@schedules
async def test_other_seed_gives_other_requests_and_another_run(server, schedule):
    first = await run_of(server, seed=7, schedule=schedule)
    asked = server.n_requests
    second = await run_of(server, seed=8, schedule=schedule)
    hashes = [request.hash for request in server.requests]
    assert not set(hashes[:asked]) & set(hashes[asked:])
    assert happened(first) != happened(second)


@schedules
async def test_no_two_requests_of_a_run_are_equal(model_server, schedule):
    server = model_server(play())
    await run_of(server, 5, schedule=schedule)
    assert len({request.body["seed"] for request in server.requests}) == server.n_requests > 0


@schedules
async def test_steps_one_by_one_are_the_same_run(model_server, schedule):
    server = model_server()
    whole = await run_of(server, 4, schedule=schedule)
    parts = await run_of(server, 0, schedule=schedule)
    for _ in range(4):
        await parts.run(1, live=False)
    assert happened(parts) == happened(whole)
    assert parts.time == whole.time


@schedules
async def test_run_that_is_resumed_after_each_step_is_the_same_run(model_server, schedule, tmp_path):
    server = model_server()
    whole = await run_of(server, 4, schedule=schedule)
    (await run_of(server, 0, schedule=schedule, record=tmp_path / "r.sqlite")).close()
    for _ in range(4):
        parts = World.resume(tmp_path / "r.sqlite", llm=llm_at(server), schedule=schedule)
        await parts.run(1, live=False)
        parts.close()
    again = World.resume(tmp_path / "r.sqlite", llm=llm_at(server), schedule=schedule)
    assert happened(again) == happened(whole)
    assert again.schedule == whole.schedule == name_of(whole.schedule_function)


@schedules
async def test_step_that_failed_is_tried_again_as_if_it_had_not_been(model_server, schedule):
    server = model_server()
    whole = await run_of(server, 2, schedule=schedule)
    world = await run_of(server, 1, schedule=schedule)
    reply, server.reply = server.reply, Fault(400)
    with pytest.raises(StepFailed):
        await world.run(1, live=False)
    server.reply = reply
    await world.run(1, live=False)
    assert happened(world) == happened(whole)


@schedules
async def test_run_does_not_depend_on_what_comes_in_when(model_server, schedule):
    quick = await run_of(model_server(lively()), schedule=schedule)
    slow = await run_of(model_server(lively(), jitter=0.05, seed=3), schedule=schedule)
    untold = [row[:-1] for row in happened(quick)]
    assert [row[:-1] for row in happened(slow)] == untold  # the call's key holds the server's port


ELSEWHERE = """
import asyncio, sys
from tests.cast import happened
from tests.worlds.test_schedules import SCHEDULES, run_of
class At: base_url = sys.argv[1]
print([happened(asyncio.run(run_of(At, schedule=schedule))) for schedule in SCHEDULES])
"""


async def test_run_in_another_process_zone_and_order_of_hashes_is_the_same(server, tmp_path):
    command = [sys.executable, "-c", ELSEWHERE, server.base_url]
    environment = {"WORKBENCH_CACHE_DIR": str(tmp_path), "PATH": ""}
    others = [
        subprocess.Popen(
            command,
            env=environment | {"PYTHONHASHSEED": seed, "TZ": zone},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        for seed, zone in (("1", "UTC"), ("2", "Asia/Tokyo"))
    ]
    here = [happened(await run_of(server, schedule=schedule)) for schedule in SCHEDULES]
    assert [other.communicate()[0] for other in others] == [f"{here}\n"] * 2


async def test_world_can_run_only_once_at_a_time(model_server):
    world = world_at(model_server(latency=0.05))
    running = asyncio.create_task(world.run(1, live=False))
    await asyncio.sleep(0.01)
    with pytest.raises(InvalidSettings, match="running already"):
        await world.run(1, live=False)
    await running
    assert world.steps == 1


@schedules
async def test_run_that_is_cancelled_leaves_whole_steps(model_server, schedule):
    server = model_server(latency=0.05)
    world = world_at(server, schedule=schedule)
    await world.run(1, live=False)
    asked = server.n_requests
    before = happened(world), [someone.state() for someone in world.people]
    running = asyncio.create_task(world.run(5, live=False))
    while server.n_requests == asked:
        await asyncio.sleep(0.001)
    running.cancel()
    with pytest.raises(asyncio.CancelledError) as caught:
        await running
    assert (happened(world), [someone.state() for someone in world.people]) == before
    assert "run it again to go on" in caught.value.__notes__[0]
    await world.run(1, live=False)
    assert world.steps == 2


def test_world_runs_from_plain_code(server):
    world = world_at(server)
    sync(world.run(1, live=False))
    assert world.steps == 1
    assert isinstance(world.llm, LLM)


async def test_no_steps_change_nothing(server):
    world = world_at(server)
    await world.run(0, live=False)
    assert (world.steps, server.n_requests, world.events()) == (0, 0, [])


# Of the names


def order_of(world: World, step: int) -> list[str]:
    """Who did something in a step, in their order."""
    return list(dict.fromkeys(event.source for event in world.events() if (event.step, event.kind) == (step, "action")))


async def test_shuffled_people_act_in_another_order_each_step(server):
    world = await run_of(server, 6, schedule="shuffled")
    orders = [tuple(order_of(world, step)) for step in range(1, 7)]
    assert all(sorted(order) == ["Ann", "Bob", "Cem"] for order in orders)
    assert len(set(orders)) > 1


async def test_shuffled_people_act_in_an_order_of_the_seed(server):
    orders = [
        [order_of(world, step) for step in (1, 2, 3)]
        for world in [await run_of(server, 3, schedule="shuffled", seed=seed) for seed in (1, 1, 2, 3)]
    ]
    assert orders[0] == orders[1]
    assert orders[0] != orders[2] or orders[0] != orders[3]


async def test_shuffled_people_hear_who_spoke_before_them(model_server):
    server = model_server(lambda body: turn(talk(f"{who(body)} has spoken.")))
    await run_of(server, 1, schedule="shuffled")
    first, second, third = turns_asked(server)
    assert ("has spoken" in first, second.count("has spoken"), third.count("has spoken")) == (False, 1, 2)


@pytest.mark.parametrize(("n", "acting"), [(1, 1), (2, 2), (9, 3)])
async def test_so_many_are_drawn_to_act_each_step(server, n, acting):
    world = await run_of(server, 8, schedule=Draw(n))
    assert [len(order_of(world, step)) for step in range(1, 9)] == [acting] * 8
    assert server.n_requests == 8 * acting
    assert {name for step in range(1, 9) for name in order_of(world, step)} == {"Ann", "Bob", "Cem"}


async def test_who_is_drawn_acts_at_once_in_the_order_of_people(model_server):
    server = model_server(lambda body: turn(talk(f"{who(body)} has spoken.")))
    world = await run_of(server, 1, schedule=Draw(3))
    assert order_of(world, 1) == ["Ann", "Bob", "Cem"]
    assert not any("has spoken" in asked for asked in turns_asked(server))


async def test_busy_people_are_not_drawn(server):
    world = world_at(server, schedule=Draw(2)).occupy("Bob", hours=1)
    await world.run(4, live=False)
    assert all(order_of(world, step) == ["Ann", "Cem"] for step in range(1, 5))


@pytest.mark.parametrize("n", [0, -1, 1.5, "2", None, True])
def test_draw_of_a_number_that_cannot_be_says_why(n):
    with pytest.raises(InvalidSettings, match=r"Draw\(n=.*whole number is needed, 1 or more"):
        Draw(n)


# Of one's own


@pytest.mark.parametrize(
    ("yielded", "order"),
    [
        (lambda world: [world.people], ["Ann", "Bob", "Cem"]),
        (lambda world: [world.person("Cem"), "Ann"], ["Cem", "Ann"]),
        (lambda world: [["Cem", world.person("Ann")], "bob"], ["Cem", "Ann", "Bob"]),
        (lambda world: [("Bob", "Bob")], ["Bob"]),
        (lambda world: [reversed(world.people)], ["Cem", "Bob", "Ann"]),
        (lambda world: [[], ["Ann"]], ["Ann"]),
        (lambda world: [], []),
    ],
)
async def test_schedule_of_ones_own_yields_people_or_names_or_lists(server, yielded, order):
    world = await run_of(server, 1, schedule=lambda world, rng: yielded(world))
    assert order_of(world, 1) == order
    assert server.n_requests == len(order)


async def test_schedule_may_let_somebody_act_again_in_a_step(model_server):
    server = model_server(play(Ann=turn(talk("Hm."))))
    await run_of(server, 2, schedule=lambda world, rng: iter(["Ann", "Bob", "Ann"]))
    assert Counter(map(who, server.requests)) == {"Ann": 4, "Bob": 2}
    assert len({request.body["seed"] for request in server.requests}) == 6


async def test_schedule_sees_what_came_of_those_whom_it_has_let_act(model_server):
    seen = []

    def watching(world, rng):
        for person in world.people:
            seen.append([event.content for event in world.events() if event.type == "TALK"])
            yield person

    await run_of(model_server(lambda body: turn(talk(f"I am {who(body)}."))), 1, schedule=watching)
    assert seen == [[], ["I am Ann."], ["I am Ann.", "I am Bob."]]


async def test_schedule_may_change_the_world_between_turns(server):
    def speed_dating(world, rng):
        world.connect("Ann", "Bob")
        yield ["Ann", "Bob"]
        world.disconnect("Ann", "Bob").connect("Ann", "Cem")
        yield ["Ann", "Cem"]

    world = await run_of(server, 1, schedule=speed_dating, reach="nobody")
    assert world.reach.of("Ann") == {"Cem": ""}
    assert [event.step for event in world.events() if event.kind == "note"] == [1, 1, 1]


async def test_chance_of_a_schedule_is_of_the_seed_and_the_step(server):
    drawn = []
    for seed in (7, 7, 8):
        await run_of(server, 2, seed=seed, schedule=lambda world, rng: drawn.append(rng.random()) or [])
    assert drawn[:2] == drawn[2:4]
    assert len(set(drawn)) == 4
    assert random.Random().random() not in drawn


@pytest.mark.parametrize(
    ("yielded", "complaint"),
    [
        (3, "yielded 3"),
        (None, "yielded None"),
        ([["Ann"]], r"yielded \['Ann'\]"),
        (["Ann", 3], "yielded 3"),
        ({"Ann", "Bob"}, "yielded a set, which has no order"),
    ],
)
async def test_what_is_nobody_cannot_be_yielded(server, yielded, complaint):
    world = world_at(server, schedule=lambda world, rng: iter(["Ann", yielded]))
    with pytest.raises(InvalidSettings, match=rf"schedule '<lambda>' {complaint}.*it yields people"):
        await world.run(1, live=False)
    assert (world.steps, world.events()) == (0, [])


async def test_name_that_is_nobodys_cannot_be_yielded(server):
    with pytest.raises(UnknownName, match="nobody called 'Zoe'"):
        await run_of(server, schedule=lambda world, rng: ["Zoe"])


def no_generator(world, rng):
    """Forgets to yield."""


async def test_schedule_that_yields_nothing_at_all_is_told(server):
    with pytest.raises(InvalidSettings, match="schedule 'no_generator' returned None: it yields people"):
        await run_of(server, schedule=no_generator)


async def test_error_of_a_schedule_says_where_it_was(server):
    with pytest.raises(ZeroDivisionError) as caught:
        await run_of(server, schedule=lambda world, rng: (1 / 0 for _ in world.people))
    assert "This was in the schedule '<lambda>'." in caught.value.__notes__


async def waits(world, rng):
    yield world.people


@pytest.mark.parametrize("given", ["random", 3, None, Floor, waits])
def test_what_is_no_schedule_is_told(server, given):
    with pytest.raises(InvalidSettings, match=r"schedule=.*function of"):
        world_at(server, schedule=given)


@pytest.mark.parametrize("given", [None, round_of, "floor"])
def test_run_with_a_schedule_of_ones_own_needs_it_again(server, tmp_path, given):
    world_at(server, schedule=pair_and_rest, record=tmp_path / "r.sqlite").close()
    with pytest.raises(InvalidSettings, match="pair_and_rest"):
        World.resume(tmp_path / "r.sqlite", schedule=given)


@pytest.mark.parametrize("made", ["simultaneous", "sequential", "shuffled", "floor", Floor(turns=5), Draw(2)])
def test_run_keeps_its_schedule(server, tmp_path, made):
    first = world_at(server, schedule=made, record=tmp_path / "r.sqlite")
    assert World.resume(tmp_path / "r.sqlite").schedule_function == first.schedule_function
    with pytest.raises(InvalidSettings, match="and keeps it"):
        World.resume(tmp_path / "r.sqlite", schedule=Draw(3))


def test_floor_of_the_public_names_is_the_schedule(server):
    assert world_at(server, schedule="floor").schedule_function == wb.schedules.Floor()
