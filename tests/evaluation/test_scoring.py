"""`score`: one row a target and proposition, in the order given; no evidence, no score."""

from __future__ import annotations

import math

import pytest

from tests.cast import llm_at, person, play, talk, texts, turn, world_at
from tests.model_server import Fault
from workbench.errors import InvalidSettings, ModelError, PromptError
from workbench.evaluation.scoring import score
from workbench.judging import propositions
from workbench.judging.propositions import Proposition

COLUMNS = ["target", "proposition", "score", "confidence", "justification", "evidence", "call"]
BUYS = Proposition("{{name}} would buy it", "buys")


def verdict(**parts):
    return {"justification": "So it seems.", "evidence": [1], "score": 7, "confidence": 0.5} | parts


async def test_frame_has_a_row_a_target_and_proposition_in_the_order_given(model_server):
    server = model_server(lambda body: verdict(score=len(texts(body)[1]) % 10))
    people = [person(name).listen("Hi") for name in ("Zoe", "Ann", "Bob")]
    frame = await score(people, [propositions.fluency, BUYS, "{{name}} is bored"], llm=llm_at(server))
    assert list(frame.columns) == COLUMNS
    assert frame["target"].tolist() == ["Zoe"] * 3 + ["Ann"] * 3 + ["Bob"] * 3
    assert frame["proposition"].tolist() == ["fluency", "buys", "{{name}} is bored"] * 3
    assert (frame["score"].dtype, frame["confidence"].dtype) == (float, float)


async def test_order_does_not_depend_on_what_comes_in_when(model_server):
    def reply(body):
        return verdict(justification=texts(body)[1].rpartition("\n")[2])

    server = model_server(reply, jitter=0.1)
    people = [person(f"P{n}").listen("Hi") for n in range(10)]
    frame = await score(people, ["{{name}} talks", "{{name}} sings"], llm=llm_at(server))
    assert frame["justification"].tolist() == [f"P{n} {verb}" for n in range(10) for verb in ("talks", "sings")]


async def test_all_pairs_are_asked_at_once(model_server):
    server = model_server(verdict(), latency=0.3)
    people = [person(f"P{n}").listen("Hi") for n in range(8)]
    await score(people, [propositions.fluency, BUYS], llm=llm_at(server))
    assert (server.n_requests, server.peak_concurrency) == (16, 16)


async def test_one_target_and_one_claim_need_no_lists(model_server):
    frame = await score(person().listen("Hi"), "{{name}} talks", llm=llm_at(model_server(verdict())))
    assert frame[["target", "proposition", "score", "evidence"]].values.tolist() == [
        ["Lisa", "{{name}} talks", 7.0, [1]]
    ]


async def test_no_targets_give_an_empty_frame(server):
    frame = await score([], [BUYS], llm=llm_at(server))
    assert (list(frame.columns), len(frame)) == (COLUMNS, 0)


async def test_what_cannot_be_scored_is_nan_with_the_reason(model_server):
    server = model_server(lambda body: verdict(evidence=[42]))
    frame = await score([person("Ann").listen("Hi"), person("Bob")], BUYS, llm=llm_at(server))
    assert all(math.isnan(value) for value in [*frame["score"], *frame["confidence"]])
    assert frame["evidence"].tolist() == [[], []]
    assert "42" in frame["justification"][0]
    assert "no events" in frame["justification"][1]
    assert server.n_requests == 1


async def test_person_is_judged_on_what_they_perceived_and_did(model_server):
    server = model_server(lambda body: turn(talk("Hello")) if "Your turn:" in texts(body)[1] else verdict())
    world = world_at(server, "Ann", "Bob", reach="nobody")
    await world.run(1, live=False)
    await score(world.people, BUYS, llm=llm_at(server))
    ann = texts(server.requests[2])[1]
    assert "# About Ann\nname: Ann\nage: 28" in ann
    assert 'from="Ann">Hello' in ann
    assert "Bob" not in ann


async def test_world_is_judged_on_all_that_happened(model_server):
    server = model_server(play(Ann=[turn(talk("Hello"))]))
    world = world_at(server, "Ann", "Bob", description="A kitchen.")
    await world.run(1, live=False)
    judge = model_server(verdict())
    frame = await score(world, "the group agrees", llm=llm_at(judge))
    asked = texts(judge.requests[0])[1]
    assert "# About Kitchen\nA kitchen.\n\nPeople:\n- Ann, 28\n- Bob, 28" in asked
    assert '<say id="1" from="Ann">Hello</say>' in asked
    assert frame["target"].tolist() == ["Kitchen"]


async def test_judgement_changes_nobody(server):
    lisa = person().listen("Hi")
    before = lisa.state()
    await score(lisa, BUYS, llm=llm_at(server))
    assert lisa.state() == before


async def test_same_judgement_is_paid_once(model_server, tmp_path):
    server = model_server(verdict())
    for _ in range(2):
        frame = await score(person().listen("Hi"), BUYS, llm=llm_at(server, cache=tmp_path / "calls"))
    assert (server.n_requests, frame["score"].tolist()) == (1, [7.0])


async def test_claim_that_lacks_a_variable_is_an_error_before_anything_is_asked(server):
    with pytest.raises(PromptError, match="product"):
        await score([person().listen("Hi")] * 3, [BUYS, "{{name}} likes {{product}}"], llm=llm_at(server))
    assert server.n_requests == 0


async def test_failure_of_one_is_an_error_and_costs_the_others_nothing(model_server, tmp_path):
    def reply(body):
        return Fault(400) if reply.broken and "Bob would" in texts(body)[1] else verdict()

    reply.broken = True
    server = model_server(reply)
    people = [person(name).listen("Hi") for name in ("Ann", "Bob", "Cem")]
    with pytest.raises(ModelError):
        await score(people, BUYS, llm=llm_at(server, cache=tmp_path / "calls", concurrency=1))
    reply.broken = False
    frame = await score(people, BUYS, llm=llm_at(server, cache=tmp_path / "calls"))
    assert frame["score"].tolist() == [7, 7, 7]
    assert len([request for request in server.requests if "Ann would" in texts(request)[1]]) == 1


async def test_judge_is_the_model_that_the_target_thinks_with(server):
    world = world_at(server, "Ann", llm=llm_at(server, model="of-the-world"))
    world.broadcast("Tea?")
    await score([world, *world.people], "{{name}} is kind")
    assert {request.body["model"] for request in server.requests} == {"of-the-world"}
    assert world.llm.meter.to_frame(by=["purpose"])["purpose"].tolist() == ["score"]


@pytest.mark.parametrize(("targets", "claims"), [("Ann", "x"), (["Ann"], "x"), ([], [3])])
async def test_what_is_no_target_or_no_claim_is_named(targets, claims):
    with pytest.raises(InvalidSettings, match=r"cannot be scored|is no claim"):
        await score(targets, claims)
