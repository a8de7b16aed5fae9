"""Runs that no prompt can hold: read in parts, nothing is lost, nothing is said twice."""

from __future__ import annotations

import pytest

from tests.cast import llm_at, texts
from tests.extraction.planting import agreement, extracting, planted_ideas, planted_run
from tests.model_server import Capabilities, Fault, Reply
from workbench.errors import AnswerTooLong, ModelUnreachable, PromptTooLong
from workbench.extraction.extractor import extract
from workbench.record.events import START, Event

IDEA = {"idea": str}


async def test_all_planted_ideas_of_a_long_run_are_found_and_those_said_twice_are_one(model_server):
    planted = planted_run(5000)
    server = model_server(extracting(planted))
    found = await extract(planted.events, "the ideas", fields=IDEA, llm=llm_at(server))
    facts = found.attrs["extraction"]
    assert facts["n_parts"] > 10
    assert sorted(number for row in found["evidence"] for number in row) == sorted(planted.mentions)
    precision, recall = agreement(found["evidence"], planted)
    assert precision >= 0.95
    assert recall >= 0.95
    assert not found["unsupported"].any()
    assert len(found) == 200
    foreign = {idea["idea"] for idea in planted_ideas() if idea["language"] != "en"}
    assert foreign <= set(found["idea"])
    assert found["evidence"].map(min).is_monotonic_increasing


async def test_ideas_at_a_border_are_not_told_twice_however_the_server_words_them(model_server):
    planted = planted_run(1000, 40, seed=2)

    def vary(words: str, body) -> str:
        return words if len(texts(body)[1]) % 2 else f"They say: {words.rstrip('.')}, please"

    server = model_server(extracting(planted, vary))
    found = await extract(planted.events, "the ideas", fields=IDEA, llm=llm_at(server), part_tokens=1500)
    mentions = [number for row in found["evidence"] for number in row]
    assert len(mentions) == len(set(mentions))
    assert set(mentions) == set(planted.mentions)
    assert found.attrs["extraction"]["n_parts"] > 10


async def test_what_does_not_fit_the_context_is_divided_further_and_nothing_is_cut(model_server):
    planted = planted_run(600, 40, seed=3)
    server = model_server(extracting(planted), capabilities=Capabilities(context_tokens=1500))
    found = await extract(planted.events, "the ideas", fields=IDEA, llm=llm_at(server))
    assert {number for row in found["evidence"] for number in row} == set(planted.mentions)


async def test_answer_that_does_not_fit_is_asked_for_in_halves(model_server):
    planted = planted_run(300, 40, seed=4)
    whole = extracting(planted)

    def reply(body):
        answer = whole(body)
        return answer if len(answer.get("rows", ())) <= 10 else Reply('{"rows": [{"idea": "cut', finish_reason="length")

    server = model_server(reply)
    found = await extract(planted.events, "the ideas", fields=IDEA, llm=llm_at(server))
    assert {number for row in found["evidence"] for number in row} == set(planted.mentions)
    assert not any("cut off" in str(request.body["messages"]) for request in server.requests)


async def test_one_event_that_is_too_long_is_read_in_pieces(model_server):
    text = "We talk. " * 700 + "I would sell soup by the litre. " + "And so on. " * 700
    event = Event(1, 1, START, "action", "TALK", "Ann", "", text)

    def reply(body):
        return {"rows": [{"idea": "soup by the litre", "evidence": [1]}] if "by the litre" in texts(body)[1] else []}

    server = model_server(reply, capabilities=Capabilities(context_tokens=2500))
    found = await extract([event], "the ideas", fields=IDEA, llm=llm_at(server))
    assert found[["idea", "evidence"]].values.tolist() == [["soup by the litre", [1]]]


async def test_model_whose_answers_are_always_cut_is_asked_a_bounded_number_of_times(model_server, tmp_path):
    server = model_server(Reply('{"rows": [', finish_reason="length"))
    events = planted_run(300, 40).events
    with pytest.raises(AnswerTooLong, match="cut off"):
        await extract(events, "the ideas", fields=IDEA, llm=llm_at(server, cache=tmp_path), part_tokens=3000)
    n_parts = server.n_requests // 5
    assert server.n_requests == 5 * n_parts < 20
    with pytest.raises(AnswerTooLong):
        await extract(events, "the ideas", fields=IDEA, llm=llm_at(server, cache=tmp_path), part_tokens=3000)
    assert server.n_requests == 6 * n_parts  # the last answer is not kept: another day may give another one


async def test_what_cannot_be_divided_is_an_error(model_server):
    server = model_server(Reply('{"rows": [', finish_reason="length"))
    with pytest.raises(AnswerTooLong, match="cut off"):
        await extract("One short line.", "the ideas", fields=IDEA, llm=llm_at(server))
    server = model_server({"rows": []}, capabilities=Capabilities(context_tokens=50))
    with pytest.raises(PromptTooLong):
        await extract("One short line.", "the ideas", fields=IDEA, llm=llm_at(server))


async def test_extraction_that_broke_off_goes_on_where_it_was(model_server, tmp_path):
    planted = planted_run(1000, 40, seed=5)
    whole, asked = extracting(planted), []

    def reply(body):
        asked.append(body.hash)
        return Fault(503) if len(asked) == 5 else whole(body)

    server = model_server(reply)
    llm = llm_at(server, cache=tmp_path, max_tries=1)
    with pytest.raises(ModelUnreachable):
        await extract(planted.events, "the ideas", fields=IDEA, llm=llm, part_tokens=1000)
    n_before = len(asked)
    llm = llm_at(server, cache=tmp_path)
    found = await extract(planted.events, "the ideas", fields=IDEA, llm=llm, part_tokens=1000)
    facts = found.attrs["extraction"]
    assert facts["n_from_cache"] == facts["n_parts"] - 1
    assert len(asked) - n_before == facts["n_calls"]
    assert {number for row in found["evidence"] for number in row} == set(planted.mentions)


async def test_parts_are_read_at_once_and_the_order_of_answers_does_not_count(model_server):
    planted = planted_run(1000, 40, seed=6)
    tables = []
    for latency in (0.0, 0.05):
        server = model_server(extracting(planted), latency=latency)
        tables.append(await extract(planted.events, "the ideas", fields=IDEA, llm=llm_at(server), part_tokens=1000))
    assert server.peak_concurrency > 5
    assert tables[0].equals(tables[1])


async def test_server_that_invents_events_and_quotations_is_never_believed(model_server):
    planted = planted_run(600, 40, seed=7)
    whole = extracting(planted)

    def reply(body):
        answer = whole(body)
        if "groups" in answer:
            return answer
        invented = [{"idea": f"invented {n}", "evidence": [n + 10_000]} for n in range(3)]
        return {"rows": [*answer["rows"], *invented, {"idea": "rests on nothing", "evidence": []}]}

    server = model_server(reply)
    found = await extract(planted.events, "the ideas", fields=IDEA, llm=llm_at(server), part_tokens=3000)
    made_up = found["idea"].str.startswith(("invented", "rests on nothing"))
    assert (made_up == found["unsupported"]).all()
    assert made_up.sum() == 4 * found.attrs["extraction"]["n_parts"] == found.attrs["extraction"]["n_unsupported"]
