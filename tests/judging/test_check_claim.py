"""The judge of yes or no: a claim holds, fails, or cannot be checked, and it says why."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.cast import llm_at, texts, verdict
from tests.model_server import Fault
from workbench.errors import ModelError, UnreadableAnswer
from workbench.judging.judge import Check, Subject, check_claim
from workbench.record.events import START, Event

EVENTS = [
    Event(3, 1, START, "stimulus", "CONVERSATION", "Moderator", "", "Would you buy it?"),
    Event(5, 1, START, "action", "TALK", "Lisa", "", "Never. <say>Yes.</say>", "call"),
    Event(6, 1, START, "mind", "MIND", "Lisa", "", '{"emotions": "secretly tempted"}', "call"),
    Event(7, 1, START, "action", "DONE", "Lisa", "", "", "call"),
    Event(8, 1, START, "note", "CHECKED", "", "", '{"condition": "a claim", "reason": "settled"}', "call"),
    Event(9, 1, START, "intervention", "FIRED", "nudge", "Lisa", '{"reason": "it was due"}'),
]
LISA = Subject("Lisa", "name: Lisa\nage: 28", EVENTS)


async def checked(server, subject: Subject = LISA) -> Check:
    return await check_claim(llm_at(server), subject, "Lisa would buy it.")


@pytest.mark.parametrize("holds", [True, False])
async def test_claim_holds_or_fails_with_reasons(model_server, holds):
    server = model_server(verdict(holds, (5,), "She says never."))
    check = await checked(server)
    assert (check.holds, check.justification, check.confidence, check.evidence) == (
        holds,
        "She says never.",
        0.9,
        (5,),
    )
    assert len(check.call) == 64
    assert server.n_requests == 1


async def test_claim_is_checked_at_temperature_zero_without_a_seed(model_server):
    server = model_server(verdict(evidence=(5,)))
    await checked(server)
    assert server.requests[0].body["temperature"] == 0
    assert "seed" not in server.requests[0].body


async def test_judge_reads_who_what_and_the_claim_and_no_bookkeeping(model_server):
    server = model_server(verdict(evidence=(5,)))
    await checked(server)
    system, user = texts(server.requests[0])
    assert "`holds` (true or false)" in system
    for part in ("# About Lisa\nname: Lisa\nage: 28", '<say id="3" from="Moderator">Would you buy it?</say>'):
        assert part in user
    assert user.endswith("# The claim\nLisa would buy it.")
    assert not [word for word in ("tempted", "settled", "nudge", "due", 'id="7"') if word in user]


@pytest.mark.parametrize(("named", "kept"), [((5, 3, 5), (5, 3)), ((99, 3, -1), (3,)), ((3, 6, 7, 8, 9), (3,))])
async def test_evidence_is_what_the_judge_was_shown(model_server, named, kept):
    check = await checked(model_server(verdict(False, named)))
    assert (check.holds, check.evidence) == (False, kept)


@given(named=st.lists(st.integers(-2, 12), max_size=8), holds=st.booleans())
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_no_verdict_stands_without_evidence(model_server, named, holds):
    check = await checked(model_server(verdict(holds, tuple(named))))
    assert set(check.evidence) == {3, 5} & set(named)
    assert check.holds == (holds if check.evidence else None)


async def test_claim_without_evidence_is_unchecked_and_neither_holds_nor_fails(model_server):
    check = await checked(model_server(verdict(True, (99,))))
    assert check == Check.unchecked("no evidence: the judge named [99], none of which it was shown", check.call)
    assert (check.holds, check.confidence) == (None, None)
    assert check.call  # it was paid for


@pytest.mark.parametrize("events", [[], EVENTS[2:]], ids=["none", "nothing to see"])
async def test_claim_about_somebody_of_whom_nothing_is_known_costs_nothing(server, events):
    check = await checked(server, Subject("Lisa", "", events))
    assert (check.holds, check.call, server.n_requests) == (None, "", 0)
    assert "no events" in check.justification


@pytest.mark.parametrize(
    "answer", [verdict() | {"holds": "maybe"}, verdict() | {"confidence": 1.2}, {"holds": True}, "Yes!"]
)
async def test_verdict_that_cannot_be_is_asked_for_again_and_then_an_error(model_server, answer):
    server = model_server([answer] * 3)
    with pytest.raises(UnreadableAnswer, match="claim of Lisa"):
        await checked(server)
    assert server.n_requests == 3


async def test_judge_that_cannot_be_asked_is_an_error(model_server):
    with pytest.raises(ModelError):
        await checked(model_server(Fault(400)))


async def test_check_is_metered_under_its_purpose(model_server):
    llm = llm_at(model_server(verdict(evidence=(5,))))
    await check_claim(llm, LISA, "Lisa would buy it.", purpose="until")
    assert [key[:2] for key in llm.meter.counts] == [("until", "Lisa")]
