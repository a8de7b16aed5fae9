"""People of a plan: as drawn, unlike each other, paid for once, and nobody missing."""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests.cast import llm_at
from tests.fact_keeping import facts_of
from tests.model_server import Body, Hang, ModelServer, obedient
from workbench.agents.persona_writing import ATTEMPTS
from workbench.errors import BudgetSpent, FactsNotKept, InvalidSettings
from workbench.llm.cache import CallCache
from workbench.llm.meter import Budget
from workbench.populations.nearness import Nearness
from workbench.populations.plan import SamplingPlan
from workbench.populations.population import Population

ABOUT = "customers of a Spanish supermarket"
QUOTAS: dict[str, Any] = {
    "gender": {"female": 0.5, "male": 0.5},
    "age": {"18-34": 0.3, "35-54": 0.4, "55+": 0.3},
    "occupation.title": ["nurse", "driver", "clerk", "cook", "teacher"],
    "personality.big_five.openness": (0.0, 1.0),
}


async def people_of(server: Any, *, n: int = 20, cache: Any = "off", **options: Any) -> Population:
    arguments = {"quotas": QUOTAS, "seed": 1, "detail": "brief", "progress": False} | options
    return await Population.generate(ABOUT, n=n, llm=llm_at(server, cache=cache), **arguments)


def forgetful(share: float) -> Callable[[Body], Any]:
    """A model that gets one fixed fact wrong in a share of its answers, first answers and further ones alike."""

    def reply(body: Body) -> Any:
        answer = json.loads(obedient(body).text)
        chance = int(hashlib.sha256(json.dumps(body["messages"]).encode()).hexdigest()[:8], 16) / 2**32
        if chance < share:
            facts = list(facts_of(body))
            wrong = facts[int(chance * 1e6) % len(facts)]
            _break(answer, wrong, echoed=chance < share / 2)
        return answer

    return reply


def _break(answer: dict[str, Any], wrong: str, *, echoed: bool) -> None:
    """Break a fact where it is repeated, or only in the person's own fields and sentences."""
    if not echoed and wrong == "age":
        answer["other_facts"] = ["I am 17, and still at school."]
    elif not echoed and wrong == "occupation.title":
        answer["occupation"]["title"] = "astronaut"
    elif not echoed and wrong == "gender":
        answer["gender"] = "other"
    else:
        told = next(fact for fact in answer["facts"] if fact["attribute"] == wrong)
        told["value"] = {"age": "17", "gender": "other"}.get(wrong, "something else")


async def test_people_are_as_drawn(server: Any) -> None:
    people = await people_of(server)
    table, drawn = people.to_frame(), people.plan.draw(1)
    for name in QUOTAS:
        assert table[name].tolist() == drawn[name].tolist()
    assert (len(people), len(set(people.names)), len(server.requests)) == (20, 20, 20)
    assert people.gap()["largest_difference"].max() < 1
    assert people.about == ABOUT
    assert people.meter.total.calls == 20
    assert table["attempts"].tolist() == [1] * 20


async def test_whole_numbers_are_whole_in_prompt_and_persona(server: Any) -> None:
    people = await people_of(server, n=3, quotas={"age": {"18-34": 1.0}})
    assert all(type(person.persona.age) is int for person in people)
    assert all(re.search(r"^- age: \d+$", r.body["messages"][1]["content"], re.MULTILINE) for r in server.requests)


async def test_names_are_of_the_country_gender_and_nobody_is_asked_for_one(server: Any) -> None:
    people = await people_of(server, country="Japan")
    assert all(re.fullmatch(r"[぀-ヿ㐀-鿿 ]+", name) for name in people.names)
    assert all(facts_of(request.body)["name"] in people.names for request in server.requests)


async def test_the_same_seed_makes_the_same_people_and_the_same_requests(model_server: Any) -> None:
    servers = [model_server(), model_server(latency=0.01, jitter=0.05)]
    first, again = [await people_of(server) for server in servers]
    assert [one.persona for one in first] == [one.persona for one in again]
    asked = [sorted(request.hash for request in server.requests) for server in servers]
    assert asked[0] == asked[1]
    other = await people_of(servers[0], seed=2)
    assert set(other.names) != set(first.names)


async def test_each_is_shown_the_nearest_of_those_who_are_there_already(server: Any) -> None:
    people = await people_of(server, n=30)
    shown = {facts_of(r.body)["name"]: _others(r.body) for r in server.requests}
    counts = [len(shown[name]) for name in people.names]
    assert counts == [0] * 8 + [4] * 22
    earlier = set(people.names[:24])
    assert {line.partition(",")[0] for line in shown[people.names[-1]]} < earlier


def test_the_nearest_have_most_in_common() -> None:
    table = pd.DataFrame({"age": [20, 22, 60, 40, 21], "job": ["cook", "nurse", "nurse", "nurse", "nurse"]})
    assert Nearness(table).nearest(4, 4, 3) == [1, 3, 2]
    assert Nearness(table[["job"]]).nearest(4, 4, 2) == [1, 2]
    assert Nearness(table[["age"]]).nearest(4, 2, 5) == [0, 1]


def _others(body: Body) -> list[str]:
    user = body["messages"][1]["content"]
    found = re.search(r"<others>\n(.*?)\n</others>", user, re.DOTALL)
    return [line.removeprefix("- ") for line in found[1].splitlines()] if found else []


async def test_who_comes_back_wrong_is_asked_for_again_and_all_are_right(model_server: Any) -> None:
    server = model_server(forgetful(0.3))
    people = await people_of(server, n=40)
    table, drawn = people.to_frame(), people.plan.draw(1)
    for name in QUOTAS:
        assert table[name].tolist() == drawn[name].tolist()
    assert "astronaut" not in str([person.persona.to_dict() for person in people])
    assert "still at school" not in str([person.persona.to_dict() for person in people])
    attempts = table["attempts"]
    assert attempts.sum() == len(server.requests) > 40
    assert attempts.max() > 1


async def test_somebody_who_cannot_be_had_is_an_error_and_what_was_written_is_kept(
    model_server: Any, tmp_path: Path
) -> None:
    drawn = SamplingPlan(8, QUOTAS, about=ABOUT).draw(1)
    unlucky = drawn.index[drawn["occupation.title"] == "nurse"].tolist()

    mended: list[bool] = []

    def stubborn(body: Body) -> Any:
        answer = json.loads(obedient(body).text)
        if facts_of(body)["occupation.title"] == "nurse" and not mended:
            answer["facts"] = [fact | {"value": "doctor"} for fact in answer["facts"]]
        return answer

    server = model_server(stubborn)
    with pytest.raises(FactsNotKept, match=r"occupation\.title is to be 'nurse', it wrote 'doctor'") as caught:
        await people_of(server, n=8, cache=tmp_path / "calls")
    assert "occupation.title" in caught.value.attributes
    assert len(server.requests) == 8 - len(unlucky) + ATTEMPTS * len(unlucky)
    mended.append(True)
    server.reset()
    people = await people_of(server, n=8, cache=tmp_path / "calls")
    assert (len(people), len(server.requests)) == (8, len(unlucky))


async def test_all_who_cannot_be_had_are_named(model_server: Any) -> None:
    server = model_server(lambda body: json.loads(obedient(body).text) | {"facts": []})
    with pytest.raises(FactsNotKept) as caught:
        await people_of(server, n=3)
    names = [facts_of(request.body)["name"] for request in server.requests]
    assert all(name in str(caught.value) for name in names)


async def test_what_was_cut_off_goes_on_and_pays_for_nothing_twice(model_server: Any, tmp_path: Path) -> None:
    mended: list[bool] = []
    server = model_server(lambda body: obedient(body) if mended or len(server.answered) < 20 else Hang(30))
    cache = CallCache.open(tmp_path / "calls")
    task = asyncio.create_task(people_of(server, n=30, cache=cache))
    while len(cache.keys()) < 8:
        await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    mended.append(True)
    kept = len(cache.keys())
    server.reset()
    people = await people_of(server, n=30, cache=cache)
    assert len(people) == 30
    assert len(server.requests) <= 30 - kept <= 22  # one that was just being kept may have come in after the count


async def test_a_budget_stops_it_before_it_is_broken(server: Any) -> None:
    with pytest.raises(BudgetSpent):
        await people_of(server, n=20, budget=Budget(calls=10))
    assert len(server.requests) == 10


async def test_weights_are_those_of_the_design(server: Any) -> None:
    gender = {"female": 0.5, "male": 0.5}
    plan = SamplingPlan(20, {"age": {"20-59": 1}}).define("gender", gender, sampled={"female": 0.8, "male": 0.2})
    people = await Population.generate(plan=plan, llm=llm_at(server), progress=False, detail="brief")
    assert people.to_frame().groupby("gender")["weight"].sum().tolist() == pytest.approx([10, 10])
    assert people.effective_n < 20


async def test_names_may_be_given(server: Any) -> None:
    names = ["Ann", "Bob", "Cem"]
    assert (await people_of(server, n=3, names=names)).names == ("Ann", "Bob", "Cem")
    quotas = {"nationality": {"Filipino": 0.5, "Spanish": 0.5}}
    people = await people_of(server, n=4, quotas=quotas, names={"Philippines": "Spain"})
    assert len(set(people.names)) == 4


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"quotas": {"skills": ["piano", "chess"]}}, "skills: a persona cannot have that"),
        ({"quotas": {"education": {"8-12": 1.0}}}, "education: a persona cannot have that"),
        ({"quotas": {"residence.type": ["city", "village"]}}, "residence.type: a persona cannot have that"),
        ({"seed": -1}, "seed=-1: a whole number is needed, 0 or more"),
        ({"names": ["Ann", "Ann ", "Bob"]}, "are the same"),
        ({"quotas": {"nationality": {"Filipino": 1.0}}}, r"no lists of names for Philippines"),
        ({"quotas": {"nationality": {"Martian": 1.0}}}, r"nationality: 'Martian' is no country.*names=\{'Martian'"),
        ({"names": ["Ann", "Bob"]}, "names: 2 for 3 people"),
        ({"names": ["Ann", "Bob", "ANN"]}, "'ANN' and 'Ann' are the same"),
        ({"names": {"Philippines": "Atlantis"}}, "names: Philippines: 'Atlantis' is no country"),
        ({"country": "Atlantis"}, "'Atlantis' is no country"),
        ({"quotas": {"gender": {"female": 0.5}}}, "add up to 0.5"),
        ({"plan": SamplingPlan(3, QUOTAS)}, "keep one of them"),
        ({"n": None}, "n= is missing"),
        ({"detail": "long"}, "one of brief, standard, rich"),
    ],
)
async def test_what_cannot_be_is_told_before_anything_is_spent(server: Any, options: Any, said: str) -> None:
    with pytest.raises(InvalidSettings, match=said):
        await people_of(server, **({"n": 3} | options))
    assert not server.requests


async def test_a_plan_may_be_for_another_number_and_description(server: Any) -> None:
    plan = SamplingPlan(100, {"gender": ["female", "male"]}, about="shoppers")
    people = await Population.generate(plan=plan, n=4, llm=llm_at(server), progress=False, detail="brief")
    assert (len(people), people.about, people.plan.n) == (4, "shoppers", 4)


@pytest.mark.parametrize("detail", ["brief", "standard", "rich"])
async def test_how_much_is_written_is_settable(server: Any, detail: Any) -> None:
    people = await people_of(server, n=2, detail=detail)
    written = people[0].persona.to_dict()
    wanted = {
        "brief": {"residence", "other_facts"},
        "standard": {"education", "style", "beliefs", "long_term_goals", "skills"},
        "rich": {"health", "relationships", "behaviors"},
    }
    assert wanted[detail] <= set(written)
    if detail == "rich":
        assert len(written) >= 17


def test_an_estimate_is_near_what_it_takes() -> None:
    with ModelServer() as server:
        llm = llm_at(server, model="gpt-4.1-mini")
        plan = SamplingPlan(20, QUOTAS, about=ABOUT)
        estimate = plan.estimate("standard", llm=llm)
        assert not server.requests
        people = asyncio.run(Population.generate(plan=plan, seed=1, llm=llm, progress=False))
    assert estimate.calls == 20
    spent = people.meter.total.usage
    assert 0.5 < estimate.usage.prompt / spent.prompt < 2
    assert estimate.usd is not None
