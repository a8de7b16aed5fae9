from __future__ import annotations

import asyncio
import pickle
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.llm.doubles import Opinion, ask, llm_at
from tests.model_server import Fault, ModelServer, Reply
from workbench.errors import BudgetSpent, InvalidSettings, RequestRefused, WorkbenchError
from workbench.llm.calls import Usage
from workbench.llm.meter import Budget

PRICED = "gpt-4.1-mini"


async def many(llm: Any, n: int, **options: Any) -> list[Any]:
    """Ask n different questions at once; what each came to."""
    return await asyncio.gather(*(ask(llm, f"Question {i}", **options) for i in range(n)), return_exceptions=True)


def spent(results: list[Any]) -> int:
    assert all(not isinstance(one, Exception) or isinstance(one, BudgetSpent) for one in results)
    return sum(isinstance(one, BudgetSpent) for one in results)


# Calls


@pytest.mark.parametrize("limit", [0, 1, 7, 20])
async def test_calls_are_exact_however_many_run_at_once(model_server, limit):
    server = model_server(latency=0.01)
    llm = llm_at(server, budget=Budget(calls=limit))
    assert spent(await many(llm, 20)) == 20 - limit
    assert server.n_requests == limit


@settings(max_examples=15, deadline=None)
@given(limit=st.integers(0, 12), waves=st.lists(st.integers(1, 8), max_size=4), concurrency=st.integers(1, 8))
def test_calls_are_never_more_than_the_limit(limit, waves, concurrency):
    async def run() -> None:
        async with ModelServer("Yes.") as server:
            llm = llm_at(server, budget=Budget(calls=limit), concurrency=concurrency)
            for wave in waves:
                await many(llm, wave)
            assert server.n_requests == min(limit, sum(waves))

    asyncio.run(run())


async def test_calls_of_repair_rounds_count(model_server):
    server = model_server("no JSON")
    with pytest.raises(BudgetSpent, match="2 of 2 calls are used"):
        await ask(llm_at(server, budget=Budget(calls=2)), schema=Opinion)
    assert server.n_requests == 2


async def test_calls_that_failed_do_not_count(model_server):
    llm = llm_at(model_server([Fault(400), "Yes."]), budget=Budget(calls=1))
    with pytest.raises(RequestRefused):
        await ask(llm)
    assert (await ask(llm)).text == "Yes."


async def test_calls_from_the_cache_are_free(server, tmp_path):
    await ask(llm_at(server, cache=tmp_path))
    llm = llm_at(server, cache=tmp_path, budget=Budget(calls=0, tokens=0))
    for _ in range(3):
        assert (await ask(llm)).cached
    assert await asyncio.gather(*(ask(llm) for _ in range(5)))
    with pytest.raises(BudgetSpent):
        await ask(llm, "Why?")


async def test_equal_calls_in_flight_count_once(model_server):
    server = model_server(latency=0.05)
    llm = llm_at(server, budget=Budget(calls=1))
    assert len(await asyncio.gather(*(ask(llm) for _ in range(10)))) == 10


# Tokens and money

CALL = st.fixed_dictionaries(
    {
        "prompt": st.integers(1, 400),
        "completion": st.integers(0, 100),
        "used": st.floats(0, 1),
        "ticks": st.integers(0, 4),
        "fails": st.booleans(),
    }
)


@settings(max_examples=100, deadline=None)
@given(limit=st.integers(0, 1500), calls=st.lists(CALL, max_size=20))
def test_limit_is_never_passed_by_honest_calls(limit, calls):
    """Whoever uses no more than was set aside for it cannot break a budget, in whatever order calls end."""
    budget = Budget(tokens=limit, usd=limit / 100)

    async def one(call: dict[str, Any]) -> str:
        most = Usage(call["prompt"], 0, call["completion"])
        try:
            hold = await budget.hold(most, most.total / 100, "m")
        except BudgetSpent:
            return "spent"
        for _ in range(call["ticks"]):
            await asyncio.sleep(0)
        used = Usage(int(most.prompt * call["used"]), 0, int(most.completion * call["used"]))
        hold.release() if call["fails"] else hold.settle(used, used.total / 100)
        assert budget.spent.usage.total <= limit
        assert budget.spent.usd <= limit / 100 + 1e-9
        return "done"

    async def run() -> list[str]:
        return await asyncio.wait_for(asyncio.gather(*map(one, calls)), timeout=10)

    ended = asyncio.run(run())
    assert len(ended) == len(calls)


async def test_tokens_are_not_passed(model_server):
    server = model_server(Reply("Yes.", completion_tokens=50), latency=0.01)
    budget = Budget(tokens=600)
    results = await many(llm_at(server, budget=budget, max_tokens=50), 20)
    assert 0 < spent(results) < 20
    assert 500 < budget.spent.usage.total <= 600
    assert server.n_requests == budget.spent.calls == 20 - spent(results)


async def test_money_is_not_passed(model_server):
    server = model_server(Reply("Yes.", completion_tokens=1000), latency=0.01)
    budget = Budget(usd=0.01)
    results = await many(llm_at(server, budget=budget, model=PRICED, max_tokens=1000), 20)
    assert spent(results) == 20 - 6
    assert 0.009 < budget.spent.usd <= 0.01


async def test_answer_that_is_refused_is_spent(model_server):
    server = model_server(Reply(refusal="No.", prompt_tokens=10, completion_tokens=5))
    budget = Budget(calls=3)
    results = await many(llm_at(server, budget=budget), 5)
    assert [type(one).__name__ for one in results].count("BudgetSpent") == 2
    assert (budget.spent.calls, budget.spent.usage.total) == (3, 45)


async def test_call_waits_for_those_that_hold_what_is_left(model_server):
    """One answer may be long, so both cannot go at once; it was short, so the other goes then."""
    server = model_server(Reply("Yes.", completion_tokens=1), latency=0.1)
    llm = llm_at(server, budget=Budget(tokens=150), max_tokens=100)
    assert spent(await many(llm, 2)) == 0
    first, second = server.requests
    assert second.time - first.time >= 0.1


async def test_call_that_waits_goes_when_the_other_fails(model_server):
    server = model_server([Fault(400), "Yes."], latency=0.05)
    llm = llm_at(server, budget=Budget(calls=1))
    refused, reply = await many(llm, 2)
    assert (type(refused), reply.text) == (RequestRefused, "Yes.")


async def test_call_that_waits_can_be_cancelled(model_server):
    server = model_server(latency=0.1)
    llm = llm_at(server, budget=Budget(calls=1))
    tasks = [asyncio.create_task(ask(llm, text)) for text in "ab"]
    await asyncio.sleep(0.03)
    tasks[1].cancel()
    assert (await tasks[0]).text
    with pytest.raises(asyncio.CancelledError):
        await tasks[1]
    assert server.n_requests == 1


async def test_call_that_is_cancelled_gives_back_what_it_held(model_server):
    server = model_server(latency=0.2)
    budget = Budget(calls=1)
    llm = llm_at(server, budget=budget)
    first = asyncio.create_task(ask(llm, "first"))
    await asyncio.sleep(0.05)
    first.cancel()
    assert (await ask(llm, "second")).text
    assert budget.spent.calls == 1


async def test_call_that_is_too_large_by_itself_waits_for_nobody(model_server):
    server = model_server(latency=0.3)
    llm = llm_at(server, budget=Budget(tokens=200), max_tokens=50)
    first = asyncio.create_task(ask(llm))
    await asyncio.sleep(0.05)
    with pytest.raises(BudgetSpent):
        await asyncio.wait_for(ask(llm, "x" * 1000), timeout=0.2)
    assert (await first).text


# What it says


async def test_budget_that_is_spent_says_so_before_anything_is_sent(server):
    llm = llm_at(server, budget=Budget(tokens=50), max_tokens=100)
    with pytest.raises(BudgetSpent, match=r"0 of 50 tokens are used, 1.. may be needed. Nothing was sent"):
        await ask(llm)
    assert server.n_requests == 0


async def test_money_needs_a_price(server):
    with pytest.raises(InvalidSettings, match=r"needs the price of 'scripted'.*WORKBENCH_PRICES"):
        await ask(llm_at(server, budget=Budget(usd=1)))
    assert server.n_requests == 0


@pytest.mark.parametrize("limit", [{"usd": -1}, {"calls": -1}, {"tokens": -5}, {"usd": float("nan")}])
def test_limit_that_cannot_be_is_named(limit):
    (name,) = limit
    with pytest.raises(InvalidSettings, match=rf"Budget\({name}="):
        Budget(**limit)


def test_budget_shows_its_limits():
    assert repr(Budget(usd=2)) == "Budget(usd=2, calls=None, tokens=None)"


async def test_spent_budget_can_be_sent_to_another_process(model_server):
    """A batch runs in processes; what ends one must reach the other even while calls are under way."""
    server = model_server(latency=0.1)
    llm = llm_at(server, budget=Budget(tokens=200), max_tokens=50)
    under_way = [asyncio.create_task(ask(llm, letter * 300)) for letter in "ab"]
    await asyncio.sleep(0.03)
    with pytest.raises(BudgetSpent) as caught:
        await ask(llm, "x" * 1000)
    error = pickle.loads(pickle.dumps(caught.value))
    assert (str(error), error.budget.tokens) == (str(caught.value), 200)
    await asyncio.gather(*under_way, return_exceptions=True)


# Shared


async def test_budget_of_a_view_counts_with_that_of_the_model(server):
    wide, narrow = Budget(calls=5), Budget(calls=2)
    llm = llm_at(server, budget=wide)
    assert spent(await many(llm.metered(narrow), 4)) == 2
    assert spent(await many(llm, 9)) == 6
    assert (wide.spent.calls, narrow.spent.calls, server.n_requests) == (5, 2, 5)


async def test_budget_that_refuses_holds_nothing_of_another(server):
    wide, narrow = Budget(calls=1), Budget(calls=0)
    llm = llm_at(server, budget=wide)
    with pytest.raises(BudgetSpent):
        await ask(llm.metered(narrow))
    assert (await ask(llm)).text


def test_budget_holds_across_threads(model_server):
    server = model_server(latency=0.005)
    budget = Budget(calls=30)
    llm = llm_at(server, budget=budget)

    def work(worker: int) -> int:
        async def run() -> list[Any]:
            asked = (ask(llm, f"{worker} {n}") for n in range(20))
            return await asyncio.wait_for(asyncio.gather(*asked, return_exceptions=True), timeout=30)

        return sum(not isinstance(one, WorkbenchError) for one in asyncio.run(run()))

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(work, range(4))) == 30
    assert server.n_requests == budget.spent.calls == 30
