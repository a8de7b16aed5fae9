"""Steps: who acts on what past, and that the same run is the same run."""

from __future__ import annotations

import asyncio
import subprocess
import sys

import pytest

from tests.cast import happened, llm_at, play, reach_out, talk, turn, turns_asked, who, world_at
from workbench.errors import InvalidSettings
from workbench.llm.client import LLM
from workbench.llm.running import sync
from workbench.worlds.world import World

SCHEDULES = ["simultaneous", "sequential"]
schedules = pytest.mark.parametrize("schedule", SCHEDULES)


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
    assert sorted(hashes[:9]) == sorted(hashes[9:])


@schedules
async def test_same_run_asks_nothing_again(server, schedule, tmp_path):
    first = await run_of(server, schedule=schedule, llm=llm_at(server, cache=tmp_path / "calls"))
    second = await run_of(server, schedule=schedule, llm=llm_at(server, cache=tmp_path / "calls"))
    assert server.n_requests == 9
    assert happened(first) == happened(second)
    assert (second.llm.meter.total.calls, second.llm.meter.total.from_cache) == (0, 9)


@schedules
async def test_other_seed_gives_other_requests_and_another_run(server, schedule):
    first, second = await run_of(server, seed=7, schedule=schedule), await run_of(server, seed=8, schedule=schedule)
    hashes = [request.hash for request in server.requests]
    assert not set(hashes[:9]) & set(hashes[9:])
    assert happened(first) != happened(second)


async def test_no_two_requests_of_a_run_are_equal(model_server):
    server = model_server(play())
    await run_of(server, 5)
    assert len({request.body["seed"] for request in server.requests}) == 15


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
    before = happened(world), [someone.state() for someone in world.people]
    running = asyncio.create_task(world.run(5, live=False))
    await asyncio.sleep(0.02)
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
