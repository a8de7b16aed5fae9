"""How a score is got: by votes, by what the model found likely, on doubt, on parts, and on scales of their own."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from tests.cast import llm_at, texts
from tests.model_server import Body, Capabilities, Reply
from workbench.errors import InvalidSettings, PromptTooLong
from workbench.judging import propositions
from workbench.judging.judge import Subject, check_claim, score_claim
from workbench.judging.scales import Scale
from workbench.record.events import START, Event

SAID = [Event(k, 1, START, "action", "TALK", "Lisa", "", f"Sentence number {k}.", "call") for k in range(1, 41)]
LISA = Subject("Lisa", "name: Lisa", SAID)


def verdict(score: int = 7, **parts: Any) -> dict[str, Any]:
    return {"justification": f"I say {score}.", "evidence": [1, 3], "score": score, "confidence": 0.5} | parts


def in_tokens(score_at: dict[str, float], score: int = 7) -> Reply:
    """An answer of a judge in tokens, with what it found likely in the place of the score."""
    before = json.dumps(verdict(score)).partition('"score": ')[0] + '"score": '
    after = f', "confidence": 0.5{"}"}'
    chosen = str(score)
    order = {chosen: score_at[chosen], **score_at}
    return Reply(text=before + chosen + after, logprobs=[{before: 1.0}, order, {after: 1.0}])


async def test_evidence_is_quoted(model_server: Any) -> None:
    found = await score_claim(llm_at(model_server(verdict())), LISA, "Lisa talks.")
    assert (found.evidence, found.quotes) == ((1, 3), ("Lisa: Sentence number 1.", "Lisa: Sentence number 3."))


async def test_votes_give_a_mean_a_spread_and_the_reasons_of_the_nearest(model_server: Any) -> None:
    votes = iter([2, 7, 6, 9, 6])
    server = model_server(lambda body: verdict(next(votes)))
    found = await score_claim(llm_at(server, cache="off"), LISA, "x", method="vote", k=5)
    assert (found.value, round(found.sd, 6)) == (6.0, 2.54951)
    assert found.justification == "I say 6."
    assert len(server.requests) == 5
    assert {request.body["temperature"] for request in server.requests} == {1.0}


async def test_votes_without_evidence_do_not_count(model_server: Any) -> None:
    votes = iter([verdict(9, evidence=[]), verdict(4), verdict(5)])
    found = await score_claim(llm_at(model_server(lambda body: next(votes))), LISA, "x", method="vote", k=3)
    assert (found.value, found.note) == (4.5, "1 of 3 votes have no evidence, or cannot be read, and do not count")
    nobody = await score_claim(llm_at(model_server(verdict(9, evidence=[99]))), LISA, "x", method="vote", k=2)
    assert nobody.value is None


async def test_expected_scores_are_weighted_by_the_probabilities_of_their_tokens(model_server: Any) -> None:
    server = model_server(in_tokens({"7": 0.5, "8": 0.25, " 3": 0.15, "many": 0.1}))
    found = await score_claim(llm_at(server), LISA, "x", method="expected")
    weights = {7: 0.5 / 0.9, 8: 0.25 / 0.9, 3: 0.15 / 0.9}
    mean = sum(score * p for score, p in weights.items())
    assert found.value == pytest.approx(mean)
    assert found.sd == pytest.approx(sum(p * (score - mean) ** 2 for score, p in weights.items()) ** 0.5)
    assert len(server.requests) == 1


async def test_without_probabilities_the_score_that_was_answered_counts_and_says_so(model_server: Any) -> None:
    server = model_server(verdict(6), capabilities=Capabilities(refuses=["logprobs", "top_logprobs"]))
    found = await score_claim(llm_at(server), LISA, "x", method="expected")
    assert (found.value, found.sd) == (6, None)
    assert "are not given, or cannot be read" in found.note


async def test_no_evidence_is_no_score_whatever_was_likely(model_server: Any) -> None:
    text = json.dumps(verdict(9, evidence=[]))
    found = await score_claim(llm_at(model_server(text)), LISA, "x", method="expected")
    assert found.value is None


async def test_a_verdict_may_be_doubted_and_given_again(model_server: Any) -> None:
    def reply(body: Body) -> Any:
        return verdict(3) if len(body["messages"]) > 2 else verdict(9)

    server = model_server(reply)
    found = await score_claim(llm_at(server), LISA, "x", double_check=True)
    assert found.value == 3
    assert "somebody would who doubts it" in server.requests[1].body["messages"][-1]["content"]
    held = model_server(
        lambda body: {"justification": "", "evidence": [1], "confidence": 1.0, "holds": len(body["messages"]) == 2}
    )
    assert (await check_claim(llm_at(held), LISA, "x", double_check=True)).holds is False


async def test_scores_are_on_the_scale_of_their_proposition(model_server: Any) -> None:
    server = model_server(verdict(-7))
    scale = propositions.secret.scale
    found = await score_claim(llm_at(server), LISA, "x", scale=scale)
    assert found.value == -7
    system = texts(server.requests[0])[0]
    assert "Score from -10 to 0: -10 = the whole secret is out" in system
    schema = server.requests[0].body["response_format"]["json_schema"]["schema"]["properties"]["score"]
    assert (schema["minimum"], schema["maximum"]) == (-10, 0)


def test_sotopia_has_its_seven_dimensions_on_their_scales() -> None:
    ends = {one.name: (one.scale.low, one.scale.high) for one in propositions.SOTOPIA}
    assert ends == {
        "believability": (0, 10),
        "relationship": (-5, 5),
        "knowledge": (0, 10),
        "secret": (-10, 0),
        "social_rules": (-10, 0),
        "financial_benefit": (-5, 5),
        "goal": (0, 10),
    }


async def test_what_does_not_fit_a_prompt_is_read_in_parts_and_nothing_is_cut(model_server: Any) -> None:
    needles = {3, 17, 38}

    def reply(body: Body) -> Any:
        shown = [int(number) for number in re.findall(r'<say id="(\d+)"', texts(body)[1])]
        if list(body["response_format"]["json_schema"]["schema"]["properties"]) == ["evidence"]:
            return {"evidence": [number for number in shown if number in needles]}
        return verdict(8, evidence=shown)

    server = model_server(reply, capabilities=Capabilities(context_tokens=650))
    llm = llm_at(server, max_tokens=100)
    found = await score_claim(llm, LISA, "Lisa says needles.")
    assert (found.value, found.evidence) == (8, (3, 17, 38))
    read = {int(n) for r in server.answered for n in re.findall(r'<say id="(\d+)"', texts(r)[1])}
    assert read == set(range(1, 41))
    checked = {"justification": "", "evidence": [3], "confidence": 1.0, "holds": True}
    both = model_server(
        lambda body: checked if "holds" in str(body["response_format"]) else reply(body),
        capabilities=Capabilities(context_tokens=650),
    )
    assert (await check_claim(llm_at(both, max_tokens=100), LISA, "Lisa says needles.")).holds is True


async def test_one_event_that_does_not_fit_is_an_error(model_server: Any) -> None:
    long = Subject("Lisa", "", [Event(1, 1, START, "action", "TALK", "Lisa", "", "word " * 5_000, "call")])
    server = model_server(verdict(), capabilities=Capabilities(context_tokens=650))
    with pytest.raises(PromptTooLong):
        await score_claim(llm_at(server, max_tokens=100), long, "x")


def test_a_part_of_the_events_may_be_judged() -> None:
    assert [event.id for event in LISA.part(first=2).events] == [1, 2]
    assert [event.id for event in LISA.part(last=2).events] == [39, 40]
    assert LISA.part() is LISA


@pytest.mark.parametrize(
    ("given", "said"), [({"method": "guess"}, "one of sample"), ({"method": "vote", "k": 1}, "2 or")]
)
async def test_what_cannot_be_is_told(server: Any, given: Any, said: str) -> None:
    with pytest.raises(InvalidSettings, match=said):
        await score_claim(llm_at(server), LISA, "x", **given)
    assert not server.requests


@pytest.mark.parametrize(("low", "high", "bands"), [(5, 1, "x"), (0, 9, " "), (0.5, 2, "x")])
def test_scales_rise_and_have_bands(low: Any, high: Any, bands: str) -> None:
    with pytest.raises(InvalidSettings):
        Scale(low, high, bands)


@pytest.mark.parametrize(
    ("scale", "answered", "tokens"),
    [
        (Scale(0, 10, "b"), 10, [{"1": 0.97, "8": 0.03}, {"0": 1.0}]),
        (Scale(0, 10, "b"), 8, [{"8": 0.9, "1": 0.1}]),
        (Scale(-5, 5, "b"), -4, [{"-": 0.45, "2": 0.55}, {"4": 1.0}]),
    ],
)
async def test_scores_of_several_tokens_are_not_read_from_their_first(
    model_server: Any, scale: Any, answered: int, tokens: Any
) -> None:
    before = json.dumps(verdict(answered)).partition('"score": ')[0] + '"score": '
    after = ', "confidence": 0.5}'
    server = model_server(Reply(text=f"{before}{answered}{after}", logprobs=[{before: 1.0}, *tokens, {after: 1.0}]))
    found = await score_claim(llm_at(server), LISA, "x", scale=scale, method="expected")
    assert (found.value, found.sd) == (answered, None)
    assert "cannot be read" in found.note


async def test_all_that_bears_on_a_claim_and_does_not_fit_is_judged_in_parts(model_server: Any) -> None:
    def reply(body: Body) -> Any:
        shown = [int(number) for number in re.findall(r'<say id="(\d+)"', texts(body)[1])]
        if list(body["response_format"]["json_schema"]["schema"]["properties"]) == ["evidence"]:
            return {"evidence": shown}
        return verdict(3 if 1 in shown else 7, evidence=shown[:1])

    server = model_server(reply, capabilities=Capabilities(context_tokens=650))
    found = await score_claim(llm_at(server, max_tokens=100), LISA, "Lisa talks.")
    assert 3 < found.value < 7
    assert "judged in" in found.note
    assert 1 in found.evidence
