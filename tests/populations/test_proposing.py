"""Plans that a model proposes: one request, and what contradicts itself is asked for again."""

from __future__ import annotations

from typing import Any

import pytest

from tests.cast import llm_at
from workbench.errors import InvalidSettings, UnreadableAnswer
from workbench.llm.client import LLM
from workbench.populations.plan import SamplingPlan
from workbench.populations.population import Population

ABOUT = "customers of a Spanish supermarket"


def shares(**levels: float) -> list[dict[str, Any]]:
    return [{"level": level.replace("_to_", "-"), "share": share} for level, share in levels.items()]


def dimension(name: str, levels: list[dict[str, Any]], **given: Any) -> dict[str, Any]:
    rows = [{"level": level, "shares": row} for level, row in given.pop("rows", {}).items()]
    return {"name": name, "depends_on": given.get("on", ""), "shares": levels, "shares_given": rows}


AGE = dimension("age", [{"level": "16-34", "share": 0.3}, {"level": "35-80", "share": 0.7}])
STATUS = dimension(
    "marital_status",
    [],
    on="age",
    rows={"16-34": shares(single=0.7, married=0.3), "35-80": shares(single=0.2, married=0.6, widowed=0.2)},
)
GENDER = dimension("gender", shares(female=52, male=48))
RULED_OUT = [{"parts": [{"attribute": "age", "value": "< 18"}, {"attribute": "marital_status", "value": "married"}]}]


def proposal(*dimensions: Any, country: str = "Spain", impossible: Any = ()) -> dict[str, Any]:
    return {"country": country, "dimensions": list(dimensions), "impossible": list(impossible)}


async def test_a_proposal_becomes_a_plan_in_one_request(model_server: Any) -> None:
    server = model_server([proposal(GENDER, AGE, STATUS, impossible=RULED_OUT)])
    plan = await SamplingPlan.propose(ABOUT, 50, llm=llm_at(server))
    assert len(server.requests) == 1
    assert (plan.n, plan.about, plan.country, plan.names) == (50, ABOUT, "Spain", ("gender", "age", "marital_status"))
    assert plan["gender"].shares == {"female": 0.52, "male": 0.48}
    assert plan["marital_status"].given == ("age",)
    assert plan["marital_status"].shares["16-34"]["widowed"] == 0
    people = plan.draw(1)
    assert set(people[people["age"] < 18]["marital_status"]) <= {"single", "widowed"}


async def test_it_is_the_same_for_another_number_of_people(model_server: Any, tmp_path: Any) -> None:
    server = model_server(lambda body: proposal(GENDER))
    llm = llm_at(server, cache=tmp_path / "calls")
    for n in (10, 500):
        assert (await SamplingPlan.propose(ABOUT, n, llm=llm)).n == n
    assert len(server.requests) == 1


async def test_shares_that_nearly_add_up_are_made_to(model_server: Any) -> None:
    server = model_server([proposal(dimension("gender", shares(female=0.5, male=0.45)))])
    plan = await SamplingPlan.propose(ABOUT, 5, llm=llm_at(server))
    assert plan["gender"].shares["female"] == pytest.approx(0.5 / 0.95)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (proposal(dimension("gender", shares(female=0.5, male=0.2))), "add up to 0.7"),
        (proposal(), "needs dimensions"),
        (proposal(STATUS), "given age"),
        (proposal(GENDER, GENDER), "of one key"),
        (proposal(GENDER, country="Atlantis"), "'Atlantis' is no country"),
        (proposal(GENDER, impossible=RULED_OUT), "is no dimension"),
        (proposal(dimension("nationality", shares(Spanish=0.9, Other=0.1))), "nationality: 'Other' is no country"),
        (proposal(dimension("skills", shares(piano=0.9, chess=0.1))), "skills: a persona cannot have that"),
        (
            proposal(GENDER, AGE, impossible=[{"parts": [{"attribute": "age", "value": "< 90"}]}]),
            "age",
        ),
    ],
)
async def test_a_proposal_that_contradicts_itself_is_asked_for_again(model_server: Any, wrong: Any, told: str) -> None:
    server = model_server([wrong, proposal(GENDER)])
    plan = await SamplingPlan.propose(ABOUT, 10, llm=llm_at(server))
    assert plan.names == ("gender",)
    assert told in server.requests[1].body["messages"][-1]["content"]


async def test_one_that_never_can_be_drawn_is_an_error(model_server: Any) -> None:
    server = model_server(lambda body: proposal())
    with pytest.raises(UnreadableAnswer, match="needs dimensions"):
        await SamplingPlan.propose(ABOUT, 10, llm=llm_at(server))
    assert len(server.requests) == 3


async def test_a_country_that_is_given_is_kept(model_server: Any) -> None:
    server = model_server([proposal(GENDER, country="France")])
    plan = await SamplingPlan.propose(ABOUT, 10, llm=llm_at(server), country="Andorra")
    assert plan.country == "Andorra"
    assert "They are from Andorra." in server.requests[0].body["messages"][1]["content"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [((" ", 10), "Describe them"), ((ABOUT, 0), "1 or more"), ((ABOUT, 5, "Atlantis"), "'Atlantis' is no country")],
)
async def test_what_cannot_be_is_told_before_it_costs(server: Any, arguments: Any, said: str) -> None:
    about, n, *country = arguments
    with pytest.raises(InvalidSettings, match=said):
        await SamplingPlan.propose(about, n, llm=llm_at(server), country=country[0] if country else None)
    assert not server.requests


async def test_people_without_quotas_take_one_request_more(model_server: Any) -> None:
    def reply(body: Any) -> Any:
        from tests.model_server import obedient

        asked = body["response_format"]["json_schema"]["schema"]["properties"]
        return proposal(GENDER, AGE) if "dimensions" in asked else obedient(body)

    server = model_server(reply)
    people = await Population.generate(ABOUT, n=12, llm=llm_at(server), detail="brief", progress=False)
    assert (len(people), len(server.requests)) == (12, 13)
    assert people.gap()["largest_difference"].max() < 1
    assert set(people.meter.to_frame("purpose")["purpose"]) == {"plan", "persona"}


@pytest.mark.slow
@pytest.mark.embedded
async def test_the_embedded_model_proposes_and_writes() -> None:
    pytest.importorskip("xllamacpp")
    llm = LLM(provider="embedded", cache="off")
    people = await Population.generate(ABOUT, n=3, llm=llm, progress=False, seed=3)
    assert people.plan.names == ("gender", "age")
    assert people.gap()["largest_difference"].max() < 1
    assert all(person.persona.occupation.title and person.persona.other_facts for person in people)
