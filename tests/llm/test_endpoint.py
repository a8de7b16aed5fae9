from __future__ import annotations

import asyncio
import pickle
import socket
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.llm.doubles import COMPLETION, Opinion, ask, http_answer, llm_at, run_python, wire
from tests.model_server import CONTENT_FILTER, Capabilities, Fault, Reply, openai_error
from workbench.errors import (
    ContentFiltered,
    ModelError,
    ModelUnreachable,
    PromptTooLong,
    RequestRefused,
    UnknownModel,
    UnreadableAnswer,
    WorkbenchError,
    WrongKey,
)
from workbench.llm.client import LLM

LONG = "x" * 400
CUT = Reply("I would", finish_reason="content_filter", prompt_tokens=50, completion_tokens=7)
REFUSED = Reply(refusal="I cannot help with that.", prompt_tokens=50, completion_tokens=7)
QUOTED = Fault(400, body=openai_error("Your prompt is 'no'", code="content_policy_violation"))


async def failure(llm: LLM, text: str = "Hello.", **options: Any) -> WorkbenchError:
    """Ask, and return what went wrong after it has been pickled."""
    with pytest.raises(WorkbenchError) as caught:
        await ask(llm, text, **options)
    error = pickle.loads(pickle.dumps(caught.value))
    assert (type(error), str(error), vars(error)) == (type(caught.value), str(caught.value), vars(caught.value))
    return error


# Each error says what and where


@pytest.mark.parametrize("dialect", ["openai", "azure", "vllm", "llama.cpp"])
async def test_wrong_key(model_server, dialect):
    server = model_server(capabilities=Capabilities(api_key="sk-right", dialect=dialect))
    error = await failure(llm_at(server))
    assert isinstance(error, WrongKey)
    assert error.status == 401
    assert all(part in str(error) for part in (server.base_url, "WORKBENCH_API_KEY", error.provider_text))


@pytest.mark.parametrize("dialect", ["openai", "azure", "vllm"])
async def test_unknown_model(model_server, dialect):
    server = model_server(capabilities=Capabilities(models=["other"], dialect=dialect))
    error = await failure(llm_at(server))
    assert isinstance(error, UnknownModel)
    assert all(part in str(error) for part in ("'scripted'", server.base_url, "does not exist"))


async def test_wrong_address(server):
    error = await failure(llm_at(server.url + "/__elsewhere"))
    assert isinstance(error, UnknownModel)
    assert all(part in str(error) for part in ("/__elsewhere", "the address", "no POST"))


@pytest.mark.parametrize("dialect", ["openai", "vllm", "llama.cpp"])
async def test_prompt_that_is_too_long(model_server, dialect):
    server = model_server(capabilities=Capabilities(context_tokens=50, dialect=dialect))
    error = await failure(llm_at(server), LONG, schema=Opinion)
    assert isinstance(error, PromptTooLong)
    assert "50 tokens" in str(error)
    assert server.n_requests == 1


@pytest.mark.parametrize(
    "words",
    [
        "prompt is too long: 210000 tokens > 200000 maximum",
        "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).",
        "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4096.",
        "Prompt contains 40000 tokens and 0 draft tokens, too large for model with 32768 maximum context length",
    ],
    ids=["Anthropic", "Gemini", "TGI", "Mistral"],
)
async def test_prompt_that_is_too_long_in_other_words(model_server, words):
    server = model_server(Fault(400, body=openai_error(words)))
    assert isinstance(await failure(llm_at(server)), PromptTooLong)
    assert server.n_requests == 1


@pytest.mark.parametrize("said", [CONTENT_FILTER, QUOTED, CUT, REFUSED], ids=["Azure", "code", "cut", "refusal"])
async def test_content_filter(model_server, said):
    server = model_server(said)
    error = await failure(llm_at(server), schema=Opinion, purpose="turn", person="Lisa")
    assert isinstance(error, ContentFiltered)
    assert any(words in str(error) for words in ("content management policy", "'no'", "I would", "I cannot help"))
    assert server.n_requests == 1


@pytest.mark.parametrize("said", [CUT, REFUSED], ids=["cut", "refusal"])
async def test_answer_that_is_filtered_is_paid_for(model_server, said, tmp_path):
    llm = llm_at(model_server(said), cache=tmp_path)
    await failure(llm)
    assert (llm.meter.total.calls, llm.meter.total.usage.total) == (1, 57)
    assert llm.cache.keys() == []


async def test_any_other_refusal_keeps_its_own_words(model_server):
    error = await failure(llm_at(model_server(Fault(418, body=openai_error("teapot")))))
    assert isinstance(error, RequestRefused)
    assert "418: teapot" in str(error)


@pytest.mark.parametrize(
    "body",
    [
        {"error": {"message": "Provider returned error", "code": 502}},
        {**COMPLETION, "choices": []},
        {**COMPLETION, "choices": None},
        {**COMPLETION, "choices": [{"index": 0, "finish_reason": "stop"}]},
        {},
        [],
        "null",
        '"text"',
        {"detail": "Not what you think"},
    ],
    ids=["error", "empty", "null choices", "no message", "object", "list", "null", "string", "detail"],
)
async def test_answer_without_a_choice_is_told(body):
    async with wire(http_answer(body)) as server:
        error = await failure(llm_at(server, max_tries=2))
    assert isinstance(error, ModelError)
    assert server.base_url in str(error)


@pytest.mark.parametrize(
    "usage",
    [
        None,
        {},
        {"prompt_tokens": 5},
        {"prompt_tokens": None, "completion_tokens": 2},
        {"prompt_tokens": 3, "completion_tokens": 1, "prompt_tokens_details": {}},
    ],
)
async def test_usage_may_be_missing(usage):
    async with wire(http_answer({**COMPLETION, "usage": usage})) as server:
        reply = await ask(llm_at(server))
    assert (reply.text, reply.usage.prompt) == ("Yes.", (usage or {}).get("prompt_tokens") or 0)


@pytest.mark.parametrize(
    "message", [{"content": None}, {"role": "assistant", "content": ""}, {"content": None, "tool_calls": []}]
)
async def test_answer_without_words_is_empty(message):
    async with wire(
        http_answer({**COMPLETION, "choices": [{"index": 0, "finish_reason": None, "message": message}]})
    ) as server:
        assert (await ask(llm_at(server))).text == ""


async def test_no_server_at_all():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{free.getsockname()[1]}/v1"
    error = await failure(llm_at(address, max_tries=2))
    assert isinstance(error, ModelUnreachable)
    assert error.endpoint == address
    assert all(part in str(error) for part in (address, "Is the server running", "2 tries"))


@pytest.mark.parametrize(
    "address", ["http://no-such-host.invalid/v1", "http://127.0.0.1:1/v1", "https://127.0.0.1:1/v1"]
)
async def test_no_such_host(address):
    assert isinstance(await failure(llm_at(address, max_tries=1, timeout=5)), ModelUnreachable)


async def test_unreachable_says_what_the_last_try_met(model_server):
    error = await failure(llm_at(model_server(Fault(503)), max_tries=2))
    assert isinstance(error, ModelUnreachable)
    assert "503: The engine is currently overloaded" in str(error)


async def test_half_of_a_pair_cannot_be_sent(server):
    error = await failure(llm_at(server), "half \ud83d")
    assert isinstance(error, RequestRefused)
    assert "surrogate" in str(error)
    assert server.n_requests == 0


async def test_half_of_a_pair_is_no_answer(model_server, tmp_path):
    error = await failure(llm_at(model_server("half \ud83d"), cache=tmp_path))
    assert isinstance(error, UnreadableAnswer)


# How hard an endpoint is pressed


@pytest.mark.parametrize("concurrency", [1, 3, 8])
async def test_concurrency_is_limited(model_server, concurrency):
    server = model_server(latency=0.03)
    llm = llm_at(server, concurrency=concurrency)
    await asyncio.gather(*(ask(llm, f"Question {n}") for n in range(24)))
    assert server.peak_concurrency == concurrency


async def test_concurrency_is_of_all_views_of_a_model(model_server):
    server = model_server(latency=0.03)
    llm = llm_at(server, concurrency=2)
    await asyncio.gather(*(ask(llm.metered(), f"Question {n}") for n in range(8)))
    assert server.peak_concurrency == 2


async def test_requests_a_minute_are_limited(server):
    llm = llm_at(server, requests_per_minute=2)
    waiting = [asyncio.create_task(ask(llm, f"Question {n}")) for n in range(4)]
    done, pending = await asyncio.wait(waiting, timeout=0.7)
    assert (len(done), server.n_requests) == (2, 2)
    for task in pending:
        task.cancel()


async def test_tokens_a_minute_are_limited(server):
    llm = llm_at(server, tokens_per_minute=250)
    waiting = [asyncio.create_task(ask(llm, f"{n}{LONG}")) for n in range(4)]
    done, pending = await asyncio.wait(waiting, timeout=0.7)
    assert (len(done), server.n_requests) == (2, 2)
    for task in pending:
        task.cancel()


async def test_prompt_longer_than_a_minute_of_tokens_is_sent(server):
    assert (await ask(llm_at(server, tokens_per_minute=10), LONG)).text


async def test_call_that_is_cancelled_leaves_its_place(model_server):
    server = model_server(latency=0.2)
    llm = llm_at(server, concurrency=1)
    first = asyncio.create_task(ask(llm, "first"))
    await asyncio.sleep(0.05)
    first.cancel()
    started = time.monotonic()
    assert (await ask(llm, "second")).text
    assert time.monotonic() - started < 1


# Loops come and go


def test_model_serves_one_loop_after_another(server):
    code = """
import asyncio, os, sys, warnings
from tests.llm.doubles import ask, llm_at

warnings.simplefilter("error")
llm = llm_at(sys.argv[1])
async def once(n): return (await ask(llm, f"Question {n}")).text
texts = [asyncio.run(once(0))]
before = len(os.listdir("/proc/self/fd"))
texts += [asyncio.run(once(n)) for n in range(1, 12)]
print(len(texts), len(os.listdir("/proc/self/fd")) - before, len(llm.endpoint._lanes))
"""
    if sys.platform != "linux":
        pytest.skip("counts the open files of a process in /proc")
    n_texts, more_open, lanes = map(int, run_python(code, server.base_url).split())
    assert (n_texts, server.n_requests) == (12, 12)
    assert more_open <= 0
    assert lanes <= 1


def test_loops_at_once_share_a_model(model_server):
    server = model_server(latency=0.02)
    llm = llm_at(server)
    with ThreadPoolExecutor(4) as pool:
        replies = list(pool.map(lambda n: asyncio.run(ask(llm, f"Question {n}")), range(8)))
    assert all(reply.text for reply in replies)
    assert llm.meter.total.calls == 8
