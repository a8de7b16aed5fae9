from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest

from tests.llm.doubles import Opinion, ask, llm_at
from tests.model_server import Capabilities, Fault, openai_error
from workbench.errors import RequestRefused
from workbench.llm.dialect import Dialect

DIALECTS = ["openai", "azure", "vllm", "llama.cpp"]


def rungs(server: Any) -> list[str]:
    """How the answer's shape was asked for, request by request."""
    shapes = [one.body.get("response_format") or {"type": "text"} for one in server.requests]
    strict = [shape.get("json_schema", {}).get("strict", False) for shape in shapes]
    return [shape["type"] + (" strict" if tight else "") for shape, tight in zip(shapes, strict, strict=True)]


def refused(server: Any) -> int:
    return server.stats()["statuses"].get(400, 0)


def no_strict(body: dict[str, Any]) -> Any:
    """An endpoint that knows schemas but not `strict`."""
    shape = body.get("response_format", {}).get("json_schema", {})
    if shape.get("strict"):
        return Fault(400, body=openai_error("'strict' is not supported in json_schema.", "response_format"))
    return '{"text": "Yes."}'


# The ladder


async def test_ladder_starts_at_the_strict_schema(server):
    await ask(llm_at(server), schema=Opinion)
    assert rungs(server) == ["json_schema strict"]


async def test_ladder_goes_on_without_strict(model_server):
    server = model_server(no_strict)
    llm = llm_at(server)
    for _ in range(3):
        assert (await ask(llm, schema=Opinion)).value == Opinion(text="Yes.")
    assert rungs(server) == ["json_schema strict", "json_schema", "json_schema", "json_schema"]


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(
    ("refuses", "lands"), [(["json_schema"], "json_object"), (["json_schema", "json_object"], "text")]
)
async def test_ladder_is_gone_down_once(model_server, dialect, refuses, lands):
    server = model_server(capabilities=Capabilities(refuses=refuses, dialect=dialect))
    llm = llm_at(server)
    for text in "abc":
        assert (await ask(llm, text, Opinion)).value.text
    assert rungs(server)[-3:] == [lands] * 3
    assert refused(server) == len(refuses) + 1  # strict, not strict


@pytest.mark.parametrize("lands", ["json_object", "text"])
async def test_ladder_puts_the_schema_into_the_prompt(model_server, lands):
    refuses = ["json_schema", "json_object"][: 1 + (lands == "text")]
    server = model_server(capabilities=Capabilities(refuses=refuses))
    await ask(llm_at(server), "What do you say?", Opinion)
    (last,) = server.answered
    told = last.body["messages"][-1]["content"]
    assert told.startswith("What do you say?\n\n")
    assert '"properties": {"text": {"type": "string"}}' in told


async def test_ladder_is_not_gone_down_for_text(model_server):
    server = model_server(capabilities=Capabilities(refuses=["json_schema", "json_object"]))
    await ask(llm_at(server))
    assert (rungs(server), refused(server)) == (["text"], 0)


async def test_ladder_is_known_to_the_next_client_of_the_same_model(model_server):
    server = model_server(capabilities=Capabilities(refuses=["json_schema"]))
    await ask(llm_at(server), schema=Opinion)
    server.reset()
    await ask(llm_at(server), schema=Opinion)
    await ask(llm_at(server, model="other"), schema=Opinion)
    assert rungs(server) == ["json_object", "json_schema strict", "json_schema", "json_object"]


async def test_ladder_is_no_part_of_the_key(model_server, tmp_path):
    """A request is answered from the cache whatever the endpoint has refused meanwhile."""
    server = model_server(capabilities=Capabilities(refuses=["json_schema", "seed"]))
    first = await ask(llm_at(server, cache=tmp_path), schema=Opinion, seed=1)
    assert (await ask(llm_at(server, cache=tmp_path), schema=Opinion, seed=1)).call == first.call
    assert len(server.answered) == 1


async def test_ladder_found_by_many_at_once_stops_at_the_right_rung(model_server):
    server = model_server(no_strict, latency=0.02)
    llm = llm_at(server)
    await asyncio.gather(*(ask(llm, str(n), Opinion) for n in range(10)))
    assert {*rungs(server)} == {"json_schema strict", "json_schema"}
    assert refused(server) <= 10
    server.reset()
    await ask(llm, "later", Opinion)
    assert rungs(server) == ["json_schema"]


async def test_ladder_found_by_many_at_once_costs_one_refusal_each_a_rung(model_server):
    server = model_server(capabilities=Capabilities(refuses=["json_schema", "json_object"]), latency=0.02)
    llm = llm_at(server)
    replies = await asyncio.gather(*(ask(llm, str(n), Opinion) for n in range(10)))
    assert all(reply.value for reply in replies)
    assert refused(server) <= 30
    server.reset()
    await ask(llm, "later", Opinion)
    assert (rungs(server), refused(server)) == (["text"], 0)


# Parameters


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("temperature", 0.5),
        ("seed", 3),
        ("logprobs", True),
        ("top_p", 0.5),
        ("top_k", 5),
        ("min_p", 0.1),
        ("stop", "x"),
    ],
)
async def test_parameter_that_is_refused_is_left_out_from_then_on(model_server, dialect, name, value):
    server = model_server(capabilities=Capabilities(refuses=[name], dialect=dialect))
    llm = llm_at(server)
    for text in "abc":
        assert (await ask(llm, text, **{name: value})).text
    assert refused(server) == 1
    assert name not in server.answered[-1].body
    assert "max_tokens" in server.answered[-1].body


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("kind", [Opinion, None])
async def test_many_refusals_are_each_paid_once(model_server, dialect, kind):
    names = ["temperature", "seed", "max_tokens", "logprobs"]
    server = model_server(capabilities=Capabilities(refuses=[*names, "json_schema"], dialect=dialect))
    llm = llm_at(server, temperature=0.5)
    for text in "abc":
        assert (await ask(llm, text, kind, seed=3, logprobs=True)).text
    assert refused(server) == len(names) + (2 if kind else 0)
    assert not {*names} & server.answered[-1].body.keys()


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_token_limit_goes_by_its_newer_name(model_server, dialect):
    server = model_server(capabilities=Capabilities(refuses=["max_tokens"], dialect=dialect))
    llm = llm_at(server, max_tokens=77)
    for text in "abc":
        await ask(llm, text)
    assert refused(server) == 1
    assert [one.body["max_completion_tokens"] for one in server.answered] == [77] * 3


async def test_token_limit_without_a_name_is_left_out(model_server):
    server = model_server(capabilities=Capabilities(refuses=["max_tokens", "max_completion_tokens"]))
    llm = llm_at(server)
    for text in "abc":
        await ask(llm, text)
    assert refused(server) == 2
    assert server.answered[-1].body.keys() == {"messages", "model"}


async def test_token_limit_that_many_find_refused_at_once_keeps_its_newer_name(model_server):
    server = model_server(capabilities=Capabilities(refuses=["max_tokens"]), latency=0.02)
    llm = llm_at(server, max_tokens=77)
    await asyncio.gather(*(ask(llm, str(n)) for n in range(10)))
    assert {one.body["max_completion_tokens"] for one in server.answered} == {77}
    assert refused(server) <= 10


async def test_many_find_out_at_once(model_server):
    names = ["temperature", "seed", "max_tokens"]
    server = model_server(capabilities=Capabilities(refuses=[*names, "json_schema"]), latency=0.01)
    llm = llm_at(server, temperature=0.5)
    await asyncio.gather(*(ask(llm, str(n), Opinion, seed=3) for n in range(20)))
    assert refused(server) <= 20 * 5
    server.reset()
    await ask(llm, "later", Opinion, seed=3)
    assert server.n_requests == 1


async def test_other_models_of_an_endpoint_keep_their_parameters(model_server):
    def reply(body: dict[str, Any]) -> Any:
        wrong = body["model"] == "reasoner" and "temperature" in body
        return Fault(400, body=openai_error("Unsupported value: 'temperature'", "temperature")) if wrong else "Yes."

    server = model_server(reply)
    await ask(llm_at(server, model="reasoner", temperature=0.5))
    await ask(llm_at(server, model="talker", temperature=0.5))
    assert server.answered[-1].body["temperature"] == 0.5


async def test_parameter_that_was_chosen_is_not_left_out_in_silence(model_server, caplog):
    server = model_server(capabilities=Capabilities(refuses=["temperature", "max_tokens"]))
    llm = llm_at(server, temperature=0.5)
    with caplog.at_level(logging.WARNING, logger="workbench"):
        await asyncio.gather(*(ask(llm, text) for text in "abc"))
    (said,) = caplog.messages
    assert "scripted" in said
    assert "temperature" in said
    assert "Only the default (1) value is supported" in said


# What is no matter of dialect


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        (
            "temperature",
            5,
            "Invalid 'temperature': decimal above maximum value. Expected a value <= 2, but got 5 instead.",
        ),
        ("temperature", -1, "temperature must be non-negative, got -1.0."),
        ("max_tokens", 0.5, "max_tokens must be at least 1, got 0."),
        ("max_tokens", 10**6, "max_tokens is too large: 1000000. This model supports at most 16384 completion tokens."),
        ("top_p", 7, "top_p must be in (0, 1], got 7."),
        ("seed", 3, "Invalid 'seed': integer below minimum value."),
        (
            "logprobs",
            99,
            "[{'loc': ('body', 'logprobs'), 'msg': 'Input should be less than or equal to 20'}]",
        ),
        ("temperature", "hot", "Invalid type for 'temperature': expected a decimal, but got a string instead."),
    ],
)
async def test_value_that_cannot_be_is_told_and_not_dropped(model_server, name, value, words):
    server = model_server(Fault(400, body=openai_error(words, name)))
    with pytest.raises(RequestRefused) as caught:
        await ask(llm_at(server), **{name: value})
    assert words in str(caught.value)
    assert server.n_requests == 1


@pytest.mark.parametrize("status", [400, 422])
async def test_refusal_that_names_nothing_keeps_its_own_words(model_server, status):
    server = model_server(Fault(status, body=openai_error("The moon is in the wrong house.")))
    with pytest.raises(RequestRefused, match=f"{status}: The moon is in the wrong house") as caught:
        await ask(llm_at(server), schema=Opinion)
    assert (caught.value.status, caught.value.provider_text) == (status, "The moon is in the wrong house.")
    assert server.n_requests == 1


async def test_refusal_at_the_last_rung_keeps_its_own_words(model_server):
    words = "guided decoding is not available here, and neither is response_format"
    server = model_server(Fault(400, body=openai_error(words)))
    with pytest.raises(RequestRefused, match=words):
        await ask(llm_at(server), schema=Opinion)
    assert rungs(server) == ["json_schema strict", "json_schema", "json_object", "text"]


def test_dialect_that_knows_all_refusals_gives_up():
    dialect = Dialect()
    assert not dialect.learn({"model": "m", "messages": []}, None, "model and messages are wrong")
    assert dialect == Dialect()
