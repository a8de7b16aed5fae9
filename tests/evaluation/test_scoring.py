"""`score`: one row a target and proposition, in the order given; no evidence, no score."""

from __future__ import annotations

import asyncio
import math
import sqlite3

import pytest

from tests.cast import llm_at, person, play, talk, texts, turn, world_at
from tests.model_server import CONTENT_FILTER, Fault
from workbench.errors import InvalidSettings, ModelError, PromptError
from workbench.evaluation.judges import Judge
from workbench.evaluation.scoring import check, score
from workbench.judging import propositions
from workbench.judging.propositions import Proposition

COLUMNS = ["target", "proposition", "score", "sd", "confidence", "justification", "evidence", "quotes", "note", "usd"]
COLUMNS += ["call"]
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
    async def reply(body):
        while server.peak_concurrency < 16:  # nobody is answered before all have asked
            await asyncio.sleep(0.005)
        return verdict()

    server = model_server(reply)
    people = [person(f"P{n}").listen("Hi") for n in range(8)]
    await score(people, [propositions.fluency, BUYS], llm=llm_at(server))
    assert (server.n_requests, server.peak_concurrency) == (16, 16)


async def test_one_target_and_one_claim_need_no_lists(model_server):
    frame = await score(person().listen("Hi"), "{{name}} talks", llm=llm_at(model_server(verdict())))
    assert frame[["target", "proposition", "score", "evidence"]].values.tolist() == [
        ["Lisa", "{{name}} talks", 7.0, [1]]
    ]


async def test_events_are_links_where_all_targets_are_of_one_run(model_server, tmp_path):
    server = model_server(lambda body: {"actions": [], **verdict()})
    worlds = [world_at(server, "Ann", "Bob", record=tmp_path / f"{n}.sqlite") for n in range(2)]
    for world in worlds:
        world.broadcast("Soup?", source="Moderator")
    one, other = worlds
    llm, run = llm_at(server), {"": one.file.spec["run"]}
    for targets in (one, one.file, one.people, [one, one.person("Ann")]):
        frame = await score(targets, ["{{name}} talks"], llm=llm)
        assert frame.attrs["runs"] == run
        assert "href" in frame._repr_html_()
    assert (await check(one, "{{name}} talks", llm=llm)).attrs["runs"] == run
    for targets in (worlds, [*one.people, *other.people], person().listen("Hi"), []):
        assert (await score(targets, ["{{name}} talks"], llm=llm)).attrs["runs"] == {}


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


async def test_runs_and_their_files_are_scored_as_worlds_are(model_server, tmp_path):
    server = model_server(lambda body: turn(talk("Hello")) if "Your turn:" in texts(body)[1] else verdict())
    world = world_at(server, "Ann", "Bob", record=tmp_path / "run.sqlite")
    await world.run(1, live=False)
    frame = await score([world, tmp_path / "run.sqlite", world.file], BUYS, llm=llm_at(server))
    assert frame["target"].tolist() == ["Kitchen"] * 3
    judged = [texts(request)[1] for request in server.requests if "# The claim" in texts(request)[1]]
    assert len(set(judged)) == 1


async def test_variables_parts_and_preconditions(model_server):
    server = model_server(lambda body: verdict(evidence=[3]))
    ann = person("Ann").listen("One").listen("Two").listen("Three")
    claims = [
        Proposition("{{name}} did {{task}}", "last", last=1),
        Proposition("{{name}} talks", "never", precondition=lambda target: target.name == "Bob"),
    ]
    frame = await score(ann, claims, llm=llm_at(server), variables={"task": "the dishes", "other": 1})
    assert frame["justification"].tolist() == ["So it seems.", "the precondition does not hold"]
    assert len(server.requests) == 1
    user = texts(server.requests[0])[1]
    assert ("Ann did the dishes" in user, "Three" in user, "Two" in user) == (True, True, False)
    none = await score(ann, BUYS, llm=llm_at(server), where=lambda event: event.content == "Four")
    assert none["justification"].tolist() == ["there are no events to judge"]


async def test_preconditions_may_be_claims(model_server):
    def reply(body):
        if "holds" in str(body["response_format"]):
            return {"justification": "No.", "evidence": [1], "holds": "Ann" in texts(body)[1], "confidence": 1.0}
        return verdict()

    server = model_server(reply)
    people = [person("Ann").listen("Hi"), person("Bob").listen("Hi")]
    frame = await score(people, Proposition("{{name}} buys", precondition="{{name}} is asked"), llm=llm_at(server))
    assert frame["score"].fillna(-1).tolist() == [7, -1]
    assert frame["justification"][1] == "the precondition does not hold: No."
    assert len(server.requests) == 3


async def test_judges_have_models_methods_and_costs_of_their_own(model_server):
    server, other = model_server(verdict()), model_server(verdict(score=3))
    judge = Judge(llm_at(other, model="gpt-4.1-mini"), method="vote", k=3)
    frame = await score(
        person(
            "Ann",
        ).listen("Hi"),
        BUYS,
        judge=judge,
        llm=llm_at(server),
    )
    assert frame[["score", "sd"]].values.tolist() == [[3, 0]]
    assert (len(server.requests), len(other.requests)) == (0, 3)
    assert frame["usd"][0] > 0
    assert frame["quotes"].tolist() == [["Hi"]]
    for given in ({"method": "guess"}, {"k": 1}):
        with pytest.raises(InvalidSettings):
            Judge(**given)


async def test_yes_or_no_has_a_table_of_its_own(model_server):
    server = model_server(
        lambda body: {"justification": "-", "evidence": [1], "holds": "Ann" in texts(body)[1], "confidence": 0.9}
    )
    people = [person("Ann").listen("Hi"), person("Bob").listen("Hi"), person("Cem")]
    frame = await check(people, BUYS, llm=llm_at(server))
    assert frame["holds"].tolist() == [True, False, None]


async def test_what_cannot_be_read_or_is_withheld_is_a_row_and_the_others_stay(model_server):
    def reply(body):
        if "About Bob" in texts(body)[1]:
            return CONTENT_FILTER
        return "I would rather not." if "About Cem" in str(body["messages"]) else verdict()

    people = [person(name).listen("Hi") for name in ("Ann", "Bob", "Cem")]
    frame = await score(people, BUYS, llm=llm_at(model_server(reply)))
    assert frame["score"].fillna(-1).tolist() == [7, -1, -1]
    assert "content filter" in frame["justification"][1]
    assert "cannot be used after 3 round(s)" in frame["justification"][2]


async def test_preconditions_see_the_run_and_say_where_they_failed(model_server, tmp_path):
    server = model_server(lambda body: turn(talk("Hello")) if "Your turn:" in texts(body)[1] else verdict())
    world = world_at(server, "Ann", record=tmp_path / "run.sqlite")
    await world.run(1, live=False)
    claim = Proposition("c", precondition=lambda run: run.spec["name"] == "Kitchen")
    frame = await score(tmp_path / "run.sqlite", claim, llm=llm_at(server))
    assert frame["score"].tolist() == [7]
    with pytest.raises(InvalidSettings, match="c: its precondition failed on Ann: AttributeError"):
        await score(person("Ann").listen("Hi"), claim, llm=llm_at(server))
    with pytest.raises(InvalidSettings, match=r"give wb\.Scale"):
        Proposition("x", scale=(0, 10))
    asked = Proposition("{{name}} x", precondition="{{name}} y")
    again = model_server(lambda body: {"justification": "", "evidence": [1], "holds": False, "confidence": 1.0})
    frame = await score(person("Ann").listen("Hi"), asked, llm=llm_at(again), variables={"name": "Z"})
    assert "Ann y" in texts(again.requests[0])[1]


async def test_run_files_that_were_opened_for_scoring_are_closed(model_server, tmp_path):
    server = model_server(lambda body: turn(talk("Hello")) if "Your turn:" in texts(body)[1] else verdict())
    await world_at(server, "Ann", record=tmp_path / "run.sqlite").run(1, live=False)
    seen = []
    claim = Proposition("c", precondition=lambda run: seen.append(run) is None)
    await score(tmp_path / "run.sqlite", claim, llm=llm_at(server))
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        seen[0]._connection.execute("SELECT 1")
