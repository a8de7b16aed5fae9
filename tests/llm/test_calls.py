from __future__ import annotations

import copy
import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.llm.doubles import Opinion, ask, llm_at, request, run_python
from tests.model_server import Capabilities, Reply
from workbench.llm.calls import Answer, Request, Usage, estimate_tokens, text_of
from workbench.llm.client import LLM

IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}
PARTS = [{"type": "text", "text": "What is this?"}, IMAGE, {"type": "text", "text": "Be brief."}]

SCALARS = st.one_of(st.text(max_size=8), st.integers(-5, 5), st.booleans())
REQUESTS = st.fixed_dictionaries(
    {
        "endpoint": st.sampled_from(["http://a/v1", "http://b/v1", "embedded"]),
        "model": st.sampled_from(["small", "large"]),
        "messages": st.lists(st.fixed_dictionaries({"role": st.just("user"), "content": st.text(max_size=8)})),
        "schema": st.none() | st.dictionaries(st.text(max_size=3), SCALARS, max_size=3),
        "sampling": st.dictionaries(st.sampled_from(["temperature", "top_p", "stop"]), SCALARS, max_size=3),
        "seed": st.none() | st.integers(0, 3),
        "sample": st.integers(0, 3),
        "kind": st.sampled_from(["chat", "embedding"]),
    }
)


def backwards(value: Any) -> Any:
    """The same value with every mapping in the other order."""
    if isinstance(value, dict):
        return {key: backwards(value[key]) for key in reversed(value)}
    return [backwards(item) for item in value] if isinstance(value, list) else value


# The key


@given(REQUESTS, REQUESTS)
def test_key_is_the_same_only_where_every_part_is(one, other):
    same = json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
    assert (Request(**one).key == Request(**other).key) == same


@given(
    REQUESTS,
    REQUESTS,
    st.sampled_from(["endpoint", "model", "messages", "schema", "sampling", "seed", "sample", "kind"]),
)
def test_key_changes_with_any_one_part(parts, others, name):
    changed = parts | {name: others[name]}
    same = json.dumps(parts[name], sort_keys=True) == json.dumps(others[name], sort_keys=True)
    assert (Request(**parts).key == Request(**changed).key) == same


@given(REQUESTS)
def test_key_does_not_know_the_order_of_mappings(parts):
    assert Request(**parts).key == Request(**backwards(parts)).key


def test_key_knows_the_order_of_messages_and_parts():
    swapped = [PARTS[1], PARTS[0], PARTS[2]]
    assert (
        request(messages=[{"role": "user", "content": PARTS}]).key
        != request(messages=[{"role": "user", "content": swapped}]).key
    )


@pytest.mark.parametrize(("one", "other"), [(1, 1.0), (0, 0.0), (-1, -1.0)])
def test_key_is_the_same_for_numbers_that_are(one, other):
    assert request(sampling={"temperature": one}).key == request(sampling={"temperature": other}).key


def test_key_tells_a_switch_from_a_number():
    assert request(sampling={"logprobs": True}).key != request(sampling={"logprobs": 1}).key


def test_key_is_the_same_in_another_process():
    code = """
import json, sys
from tests.model_server import Capabilities, Reply
from workbench.llm.calls import Request
print(Request(**json.loads(sys.argv[1])).key)
"""
    parts = {
        "endpoint": "here",
        "model": "m",
        "messages": [{"role": "user", "content": "你好 \ud83d"}],
        "sampling": {"stop": ["a"]},
    }
    assert run_python(code, json.dumps(parts)).strip() == Request(**parts).key


def test_key_is_known_by_heart():
    """It names calls in recordings that others hold: a change of it makes them worthless."""
    known = request("Would you buy it?", sampling={"max_tokens": 4096, "temperature": 0.7}, seed=7, sample=1)
    assert known.key == "c2e660131912ab40e3ea755cb50935071eb68213a7a09b926932847b8da8557f"


def test_key_is_of_the_address_and_not_of_the_port_of_the_embedded_model():
    assert LLM(provider="embedded", cache="off").endpoint.name == "embedded"
    assert LLM("m", "http://localhost:8000/v1/", cache="off").endpoint.name == "http://localhost:8000/v1"
    assert LLM("m", api_key="sk-x", cache="off").endpoint.name == "https://api.openai.com/v1"


# What an answer and a usage are


@given(st.text(), st.builds(Usage, st.integers(0, 9), st.integers(0, 9), st.integers(0, 9)), st.text(max_size=5))
def test_answer_is_kept_whole(text, usage, model):
    kept = Answer(text, usage, "length", model)
    assert Answer.from_json(json.loads(json.dumps(kept.to_json()))) == kept


def test_usage_adds_up():
    assert Usage(3, 2, 1) + Usage(10, 0, 5) == Usage(13, 2, 6)
    assert (Usage(3, 2, 1) + Usage(10, 0, 5)).total == 19


@pytest.mark.parametrize(
    ("content", "words"),
    [("Hello.", "Hello."), (PARTS, "What is this?\nBe brief."), ([IMAGE], ""), (None, ""), ([{"type": "refusal"}], "")],
)
def test_text_of_a_message_is_its_words(content, words):
    assert text_of({"role": "assistant", "content": content}) == words


@given(st.text(), st.text())
def test_estimate_grows_with_the_text(one, other):
    assert estimate_tokens(one) <= estimate_tokens(one + other) <= estimate_tokens(one) + estimate_tokens(other)


def test_estimate_of_a_request_covers_its_schema():
    assert request(schema=Opinion.model_json_schema()).estimated_tokens > request().estimated_tokens + 20


# What goes out and what comes back


async def test_text_goes_through_unchanged(model_server):
    echo = model_server(lambda body: body["messages"][-1]["content"])
    text = 'καλημέρα 你好 مرحبا नमस्ते 🙂\n\u2028\x00\x1b "quotes" \\ and\ttabs'
    assert (await ask(llm_at(echo), text)).text == text
    assert echo.requests[0].body["messages"] == [{"role": "user", "content": text}]


async def test_image_parts_go_through_unchanged(server):
    await llm_at(server).complete([{"role": "user", "content": PARTS}], purpose="look")
    assert server.requests[0].body["messages"] == [{"role": "user", "content": PARTS}]


async def test_image_parts_go_through_with_a_schema_in_the_prompt(model_server):
    server = model_server(capabilities=Capabilities(refuses=["json_schema"]))
    await llm_at(server).complete([{"role": "user", "content": PARTS}], Opinion, purpose="look")
    *parts, told = server.answered[0].body["messages"][0]["content"]
    assert parts == PARTS
    assert "JSON schema" in told["text"]


async def test_reply_says_what_was_asked_for(model_server, tmp_path):
    server = model_server(Reply('{"text": "Yes."}', prompt_tokens=11, cached_tokens=4, completion_tokens=7))
    llm = llm_at(server, cache=tmp_path)
    reply = await ask(llm, schema=Opinion)
    assert (reply.text, reply.value, reply.usage) == ('{"text": "Yes."}', Opinion(text="Yes."), Usage(11, 4, 7))
    assert not reply.cached
    assert llm.cache.get(reply.call).text == reply.text


async def test_reply_from_the_cache_is_the_same_and_says_so(model_server, tmp_path):
    server = model_server()
    first = await ask(llm_at(server, cache=tmp_path), schema=Opinion)
    again = await ask(llm_at(server, cache=tmp_path), schema=Opinion)
    assert (again.text, again.value, again.usage, again.call) == (first.text, first.value, first.usage, first.call)
    assert again.cached
    assert server.n_requests == 1


async def test_messages_of_the_caller_are_left_as_they_are(model_server):
    server = model_server(["no", '{"text": "Yes."}'])
    messages = [{"role": "user", "content": [dict(part) for part in PARTS]}]
    before = copy.deepcopy(messages)
    await llm_at(server).complete(messages, Opinion, purpose="test")
    assert messages == before


@pytest.mark.parametrize(
    "change",
    [
        {"sample": 1},
        {"seed": 1},
        {"temperature": 0.1},
        {"top_k": 5},
        {"schema": Opinion},
        {"text": "Why?"},
        {"max_tokens": 999},
    ],
)
async def test_complete_asks_again_where_anything_differs(server, tmp_path, change):
    llm = llm_at(server, cache=tmp_path)
    await ask(llm)
    await ask(llm, **change)
    await ask(llm)
    assert server.n_requests == 2


async def test_purpose_and_person_are_no_part_of_the_key(server, tmp_path):
    llm = llm_at(server, cache=tmp_path)
    await ask(llm, purpose="turn", person="Lisa")
    assert (await ask(llm, purpose="judge", person="Oscar")).cached


async def test_seed_and_sample_make_the_seed_that_is_sent(server):
    llm = llm_at(server)
    for seed, sample in [(7, 0), (7, 1), (8, 0), (2**31 - 1, 1), (None, 1)]:
        await ask(llm, seed=seed, sample=sample)
    assert [one.body.get("seed") for one in server.requests] == [7, 8, 8, 0, None]


async def test_sampling_of_the_call_goes_before_that_of_the_model(server):
    llm = llm_at(server, temperature=0.5, max_tokens=100)
    await ask(llm)
    await ask(llm, temperature=0.9, max_tokens=50, top_p=0.3, top_k=5)
    first, second = (one.body for one in server.requests)
    assert (first["temperature"], first["max_tokens"]) == (0.5, 100)
    assert [second[name] for name in ("temperature", "max_tokens", "top_p", "top_k")] == [0.9, 50, 0.3, 5]


async def test_sampling_of_none_is_the_default_of_the_endpoint(server):
    llm = llm_at(server, temperature=0.5)
    await ask(llm, temperature=None, top_p=None)
    assert not {"temperature", "top_p"} & server.requests[0].body.keys()


async def test_token_limit_has_one_name_here(server):
    """Both at once are refused by OpenAI, and the budget reads `max_tokens`."""
    await ask(llm_at(server), max_completion_tokens=50)
    assert server.requests[0].body["max_tokens"] == 50
    assert "max_completion_tokens" not in server.requests[0].body


async def test_token_limit_is_always_there(server):
    await ask(llm_at(server, max_tokens=100), max_tokens=None)
    assert server.requests[0].body["max_tokens"] == 100


async def test_log_probabilities_come_where_they_are_asked_for_and_from_the_cache_as_well(model_server, tmp_path):
    server = model_server(Reply(logprobs=[{"yes": 0.75, "no": 0.25}]))
    llm = llm_at(server, cache=tmp_path / "calls")
    asked = [{"role": "user", "content": "Would you?"}]
    for cached in (False, True):
        reply = await llm.complete(asked, purpose="test", logprobs=True, top_logprobs=5)
        assert (reply.text, reply.cached) == ("yes", cached)
        assert {token: round(math.exp(value), 6) for token, value in reply.logprobs[0].items()} == {
            "yes": 0.75,
            "no": 0.25,
        }
    assert (await llm.complete(asked, purpose="test")).logprobs is None
