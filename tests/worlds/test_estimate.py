"""What a run will take is told before anything is spent, and is near what it then takes."""

from __future__ import annotations

import pytest

from tests.cast import LISA, llm_at, world_at
from tests.model_server import Obedient
from workbench.agents.person import Person
from workbench.llm.calls import Usage
from workbench.worlds.estimate import Estimate
from workbench.worlds.world import World

FACTOR = 1.35
"""How far prompt tokens may be from the estimate; completion tokens within 2 before any turn is seen, 1.1 after."""


def within(told: int, used: int, factor: float) -> bool:
    return used / factor <= told <= used * factor


def group(server, n: int, **options) -> World:
    people = [Person(LISA | {"name": f"Lisa {number}", "facts": ["x" * 60] * 20}) for number in range(n)]
    return World("Group", people, llm=llm_at(server, **options)).broadcast("Would you buy it? " * 10)


@pytest.mark.parametrize(("n", "steps"), [(1, 1), (2, 1), (5, 4), (3, 12), (12, 3)])
async def test_estimate_is_near_what_is_used(server, n, steps):
    world = group(server, n)
    told = world.estimate(steps)
    await world.run(steps, live=False)
    used = world.llm.meter.total
    assert told.calls == used.calls == n * steps
    assert within(told.usage.prompt, used.usage.prompt, FACTOR)
    assert within(told.usage.completion, used.usage.completion, 2)


@pytest.mark.parametrize("talk", [(20, 40), (1500, 2000)])
async def test_estimate_learns_from_the_turns_so_far(model_server, talk):
    world = group(model_server(Obedient(talk=talk)), 4)
    await world.run(3, live=False)
    told, before = world.estimate(4), world.llm.meter.total.usage
    await world.run(4, live=False)
    after = world.llm.meter.total.usage
    assert within(told.usage.completion, after.completion - before.completion, 1.1)
    assert within(told.usage.prompt, after.prompt - before.prompt, FACTOR)


async def test_estimate_spends_nothing_and_changes_nothing(server):
    world = group(server, 3)
    before = [someone.state() for someone in world.people]
    assert str(world.estimate(2)) == str(world.estimate(2))
    assert server.n_requests == 0
    assert [someone.state() for someone in world.people] == before


async def test_estimate_has_the_money_where_a_price_is_known(server):
    world = world_at(server, llm=llm_at(server, model="gpt-4.1-mini"))
    told = world.estimate(2)
    await world.run(2, live=False)
    assert told.usd == pytest.approx(world.llm.meter.total.usd, rel=1)
    assert "$" in str(told)


def test_estimate_says_when_no_price_is_known(server):
    assert "money unknown: no price for scripted" in str(world_at(server).estimate(1))


def test_estimate_shows_itself():
    told = Estimate(1200, Usage(prompt=1_500_000, completion=90_000), 1.234, "<m>")
    assert repr(told) == "1200 calls, about 1,500,000 prompt and 90,000 completion tokens, about $1.23"
    assert "1,500,000 prompt" in told._repr_html_()
    assert "<m>" not in Estimate(1, Usage(), None, "<m>")._repr_html_()


def test_no_steps_cost_nothing(server):
    told = world_at(server).estimate(0)
    assert (told.calls, told.usage.total) == (0, 0)
