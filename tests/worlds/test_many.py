"""Many worlds at once, under one limit and one budget."""

from __future__ import annotations

import asyncio

import pytest

from tests.cast import happened, llm_at, play, talk, turn, world_at
from tests.model_server import Fault
from workbench.errors import BudgetSpent, InvalidSettings, StepFailed
from workbench.llm.meter import Budget
from workbench.worlds.many import run_all

QUIET = {"live": False, "progress": False}


def worlds_at(server, n: int = 4, **options):
    return [world_at(server, seed=seed, **options) for seed in range(n)]


async def test_worlds_run_at_once_and_come_back_in_their_order(model_server):
    async def reply(body):
        while server.peak_concurrency < 12:  # nobody is answered before everybody has asked
            await asyncio.sleep(0.005)
        return turn()

    server = model_server(reply)
    worlds = worlds_at(server)
    assert await run_all(worlds, 2, progress=False) == worlds
    assert [world.steps for world in worlds] == [2] * 4
    assert server.peak_concurrency == 12


async def test_worlds_that_run_together_become_what_they_become_alone(server):
    together = await run_all(worlds_at(server, schedule="shuffled"), 3, progress=False)
    alone = [await world.run(3, **QUIET) for world in worlds_at(server, schedule="shuffled")]
    assert [happened(world) for world in together] == [happened(world) for world in alone]


async def test_one_limit_holds_for_all_of_them_whatever_their_models(model_server):
    server = model_server(latency=0.02)
    worlds = [world_at(server, llm=llm_at(server, concurrency=32)) for _ in range(4)]
    await run_all(worlds, 2, concurrency=3, progress=False)
    assert server.peak_concurrency == 3


async def test_one_budget_holds_for_all_of_them(server):
    worlds, budget = worlds_at(server), Budget(calls=10)
    with pytest.raises(BudgetSpent):
        await run_all(worlds, 5, budget=budget, progress=False)
    assert server.n_requests <= 10
    assert sum(world.llm.meter.total.calls for world in worlds) == budget.spent.calls
    await run_all(worlds, 1, progress=False)
    assert all(world.steps >= 1 for world in worlds)


async def test_world_that_fails_does_not_stop_the_others(model_server):
    def reply(body):
        return Fault(400) if body["seed"] in broken else turn(talk("Hi"))

    server = model_server(play())
    broken = {request.body["seed"] for request in await _requests_of(server, seed=1)}
    server.reply = reply
    worlds = worlds_at(server)
    with pytest.raises(StepFailed, match="of Ann failed"):
        await run_all(worlds, 2, progress=False)
    assert [world.steps for world in worlds] == [2, 0, 2, 2]
    assert worlds[1].status == "incomplete"


async def _requests_of(server, seed: int):
    await world_at(server, seed=seed).run(1, **QUIET)
    return list(server.requests)


async def test_until_holds_for_each(model_server):
    worlds = worlds_at(model_server(play(Ann=[turn(talk("Hi"))])), 2)
    await run_all(worlds, 5, until="done", progress=False)
    assert [world.steps for world in worlds] == [2, 1]  # the first has used up what Ann says


@pytest.mark.parametrize("concurrency", [0, -1, 2.5])
async def test_limit_that_cannot_be_says_why(server, concurrency):
    with pytest.raises(InvalidSettings, match="concurrency="):
        await run_all(worlds_at(server, 1), 1, concurrency=concurrency, progress=False)


async def test_one_world_is_given_once(server):
    world = world_at(server)
    with pytest.raises(InvalidSettings, match="one world is there twice"):
        await run_all([world, world], 1, progress=False)


@pytest.mark.parametrize("worlds", [lambda world: world, lambda world: [world, "other"]])
async def test_what_is_no_world_is_told(server, worlds):
    with pytest.raises(InvalidSettings, match="worlds"):
        await run_all(worlds(world_at(server)), 1, progress=False)
