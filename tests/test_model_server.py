from __future__ import annotations

import asyncio
import json
import math
import os
import re
import ssl
from contextlib import suppress
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal

import openai
import pytest
from pydantic import BaseModel, ConfigDict, Field

from tests.model_server import (
    CONTENT_FILTER,
    Capabilities,
    Drop,
    Fault,
    Hang,
    ModelServer,
    Obedient,
    Reply,
    ServerProcess,
    body_hash,
    obedient,
    openai_error,
)

HELLO = [{"role": "user", "content": "Hello."}]
NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Without it every client reads all certificates of the machine: 30 ms."""


def client_of(server: Any, **options: Any) -> openai.AsyncOpenAI:
    options = {"base_url": server.base_url, "api_key": "sk-test", "max_retries": 0} | options
    return openai.AsyncOpenAI(http_client=openai.DefaultAsyncHttpxClient(verify=NO_TLS), **options)


async def chat(server: Any, content: str = "Hello.", **options: Any) -> Any:
    async with client_of(server) as client:
        messages = [{"role": "user", "content": content}]
        return await client.chat.completions.create(model="scripted", messages=messages, **options)


async def said(server: Any, content: str = "Hello.", **options: Any) -> str:
    return (await chat(server, content, **options)).choices[0].message.content


def asks_for(schema: dict[str, Any], *, strict: bool = False) -> dict[str, Any]:
    return {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema, "strict": strict}}


# What the model says


async def test_script_is_played_in_order_and_then_obeyed():
    async with ModelServer(["one", {"two": 2}, Reply("three"), lambda body: body["model"]]) as server:
        answers = [await said(server) for _ in range(5)]
    assert answers[:4] == ["one", '{"two": 2}', "three", "scripted"]
    assert 150 <= len(answers[4]) <= 200


async def test_reply_function_may_wait_for_the_test():
    gate = asyncio.Event()

    async def reply(body: dict[str, Any]) -> str:
        await gate.wait()
        return "open"

    async with ModelServer(reply) as server, asyncio.TaskGroup() as tasks:
        answer = tasks.create_task(said(server))
        while not server.active:
            await asyncio.sleep(0.001)
        gate.set()
        assert await answer == "open"


async def test_script_that_fails_fails_the_test():
    async def ask() -> None:
        async with ModelServer(lambda body: 1 / 0) as server:
            with pytest.raises(openai.APIStatusError, match="script of the test failed"):
                await chat(server)

    with pytest.raises(ZeroDivisionError):
        await ask()


async def test_answer_has_usage_and_finish_reason(model_server):
    server = model_server([Reply("12345", cached_tokens=2), Reply("", finish_reason="content_filter", prompt_tokens=9)])
    first, second = await chat(server, "123456789"), await chat(server)
    assert (first.usage.prompt_tokens, first.usage.completion_tokens, first.usage.total_tokens) == (3, 2, 5)
    assert first.usage.prompt_tokens_details.cached_tokens == 2
    assert (second.choices[0].finish_reason, second.usage.prompt_tokens) == ("content_filter", 9)


async def test_refusal_has_no_content(model_server):
    answer = await chat(model_server(Reply(refusal="I'm sorry, I can't assist with that.")))
    assert answer.choices[0].message.content is None
    assert answer.choices[0].message.refusal.startswith("I'm sorry")


async def test_logprobs_are_given_when_asked_for(model_server):
    server = model_server(Reply(logprobs=[{"no": 0.2, "yes": 0.8}]))
    answer = await chat(server, logprobs=True, top_logprobs=2)
    token = answer.choices[0].logprobs.content[0]
    assert answer.choices[0].message.content == token.token == "yes"
    assert [(top.token, round(math.exp(top.logprob), 6)) for top in token.top_logprobs] == [("yes", 0.8), ("no", 0.2)]
    assert (await chat(server)).choices[0].logprobs is None


@pytest.mark.parametrize(
    "text", ["καλημέρα 你好 مرحبا नमस्ते", 'quotes " and \\ and\nnewlines\t', "nul \x00", "half \ud83d"]
)
async def test_text_survives_byte_for_byte(model_server, text):
    assert await said(model_server(text)) == text


# Obedience


class Kind(StrEnum):
    TALK = "TALK"
    THINK = "THINK"


class Action(BaseModel):
    type: Literal["THINK", "TALK", "DONE"]
    target: str
    content: str


class Mind(BaseModel):
    emotions: str
    goals: list[str]
    attention: str | None


class Turn(BaseModel):
    actions: list[Action]
    mind: Mind


class Talk(BaseModel):
    type: Literal["TALK"]
    target: Literal["", "Oscar"]


class Think(BaseModel):
    type: Literal["THINK"]


class EitherTurn(BaseModel):
    actions: Annotated[list[Think | Talk], Field(min_length=2, max_length=3)]


class Scores(BaseModel):
    model_config = ConfigDict(extra="forbid")
    score: Annotated[int, Field(ge=0, le=9)]
    even: Annotated[int, Field(ge=3, lt=9, multiple_of=2)]
    confidence: Annotated[float, Field(gt=0, lt=0.01)]
    evidence: Annotated[list[Annotated[int, Field(gt=4)]], Field(min_length=3)]
    verdict: bool
    kind: Kind
    short: Annotated[str, Field(max_length=5)]
    long: Annotated[str, Field(min_length=500)]
    pair: tuple[int, str]
    labels: Annotated[set[Literal["a", "b", "c"]], Field(min_length=3)]
    when: date
    anything: Any
    by_name: dict[str, int]


class Tree(BaseModel):
    name: str
    left: Tree | None
    children: list[Tree]


@pytest.mark.parametrize("model", [Action, Turn, EitherTurn, Scores, Tree])
async def test_obedient_answer_is_of_the_schema(server, model):
    wanted = asks_for(model.model_json_schema())
    model.model_validate_json(await said(server, response_format=wanted))
    for seed in range(20):
        model.model_validate_json(obedient({"response_format": wanted, "seed": seed}).text)


def test_obedient_turn_is_one_talk_to_nobody_in_particular():
    turn = Turn.model_validate_json(obedient({"response_format": asks_for(Turn.model_json_schema())}).text)
    (action,) = turn.actions
    assert (action.type, action.target) == ("TALK", "")
    assert 150 <= len(action.content) <= 200
    assert len(turn.mind.emotions) < 50


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ({"enum": ["Lisa", ""]}, ""),
        ({"anyOf": [{"type": "null"}, {"type": "string"}]}, ""),
        ({"anyOf": [{"enum": ["Lisa"]}, {"type": "null"}]}, "Lisa"),
        ({"type": ["string", "null"]}, ""),
        ({"const": "Lisa"}, "Lisa"),
    ],
)
def test_preferred_target_is_taken_where_allowed(target, expected):
    schema = {"type": "object", "properties": {"target": target}}
    assert json.loads(obedient({"response_format": asks_for(schema)}).text) == {"target": expected}


def test_obedient_prefers_what_it_is_told():
    thoughtful = Obedient(talk=(300, 320), prefer={"type": "THINK"})
    answer = json.loads(thoughtful({"response_format": asks_for(Turn.model_json_schema())}).text)
    assert answer["actions"][0]["type"] == "THINK"
    assert 300 <= len(answer["actions"][0]["content"]) <= 320


@pytest.mark.parametrize("kind", ["json_object", None])
async def test_schema_is_found_in_the_prompt(server, kind):
    prompt = f"You are {{Lisa}}. Answer as JSON of this schema:\n{json.dumps(Turn.model_json_schema(), indent=1)}\nNow."
    Turn.model_validate_json(await said(server, prompt, **({"response_format": {"type": kind}} if kind else {})))


async def test_answer_depends_on_the_request_alone(model_server):
    first, second = model_server(), model_server()
    forth = [await said(first, f"Hello {n}") for n in range(5)]
    back = [await said(second, f"Hello {n}") for n in reversed(range(5))]
    assert forth == back[::-1]
    assert len(set(forth)) == 5


async def test_max_tokens_cuts_the_answer(server):
    answer = await chat(server, max_completion_tokens=10)
    assert (answer.choices[0].finish_reason, answer.usage.completion_tokens) == ("length", 10)


def test_pattern_is_not_guessed():
    with pytest.raises(NotImplementedError, match="give the server a reply"):
        obedient({"response_format": asks_for({"type": "string", "pattern": "^a+$"})})


# Embeddings and models


@pytest.mark.parametrize("form", [{}, {"encoding_format": "float"}])
async def test_embeddings_are_near_where_words_are_shared(server, form):
    texts = ["I like cold soup", "cold soup I like", "cold soup is nice", "trains run late"]
    async with client_of(server) as client:
        answer = await client.embeddings.create(model="scripted", input=texts, **form)
    same, other, near, far = (row.embedding for row in answer.data)
    dot = [sum(a * b for a, b in zip(same, vector, strict=True)) for vector in (same, other, near, far)]
    assert dot[0] == pytest.approx(1)
    assert dot[1] == pytest.approx(1)
    assert 0.3 < dot[2] < 0.9 > dot[3]
    assert len(same) == 64


async def test_dimensions_of_embeddings_can_be_asked_for(server):
    async with client_of(server) as client:
        answer = await client.embeddings.create(model="scripted", input="", dimensions=7)
    assert len(answer.data[0].embedding) == 7


async def test_endpoint_may_have_no_embeddings(model_server):
    async with client_of(model_server(capabilities=Capabilities(refuses={"embeddings"}))) as client:
        with pytest.raises(openai.NotFoundError, match="Invalid URL"):
            await client.embeddings.create(model="scripted", input="Hello.")


async def test_models_are_listed(model_server):
    async with client_of(model_server(capabilities=Capabilities(models=["small", "large"]))) as client:
        assert [model.id async for model in client.models.list()] == ["small", "large"]


# Faults


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault(), openai.RateLimitError),
        (Fault(500), openai.InternalServerError),
        (Fault(502, body="<html>Bad Gateway</html>"), openai.InternalServerError),
        (Fault(409), openai.ConflictError),
        (Fault(403, body=openai_error("Country not supported.")), openai.PermissionDeniedError),
        (CONTENT_FILTER, openai.BadRequestError),
        (Drop(), openai.APIConnectionError),
        (Drop(midway=True), openai.APIConnectionError),
    ],
)
async def test_fault_is_the_error_that_the_client_knows(model_server, fault, error):
    server = model_server([fault])
    with pytest.raises(error):
        await chat(server)
    assert server.answered == []
    assert await said(server)
    assert [request.attempt for request in server.requests] == [1, 2]


async def test_retry_after_is_sent(model_server):
    with pytest.raises(openai.RateLimitError) as caught:
        await chat(model_server([Fault(429, retry_after=1.5)]))
    assert caught.value.response.headers["retry-after"] == "1.5"
    assert caught.value.code == "rate_limit_exceeded"


async def test_client_retries_until_it_is_answered(model_server):
    server = model_server([Fault(503, retry_after=0.01), Fault(500, retry_after=0.01), "Hello."])
    async with client_of(server, max_retries=3) as client:
        answer = await client.chat.completions.create(model="scripted", messages=HELLO)
    assert answer.choices[0].message.content == "Hello."
    assert [request.status for request in server.requests] == [503, 500, 200]


async def test_client_that_leaves_is_not_answered(model_server):
    server = model_server(Hang(30))
    async with client_of(server, timeout=0.1) as client:
        with pytest.raises(openai.APITimeoutError):
            await client.chat.completions.create(model="scripted", messages=HELLO)
    while server.active:
        await asyncio.sleep(0.001)
    assert server.requests[0].status is None


async def statuses(server: ModelServer, contents: list[str]) -> dict[str, list[Any]]:
    async with client_of(server) as client:
        for content in contents * 2:
            messages = [{"role": "user", "content": content}]
            with suppress(openai.APIError):
                await client.chat.completions.create(model="scripted", messages=messages)
    met: dict[str, list[Any]] = {}
    for request in server.requests:
        met.setdefault(request.body["messages"][0]["content"], []).append(request.status)
    return met


async def test_faults_are_the_same_in_any_order(model_server):
    contents = [f"Hello {n}." for n in range(14)]
    forth = await statuses(model_server(fault_rate=0.5), contents)
    back = await statuses(model_server(fault_rate=0.5), contents[::-1])
    other = await statuses(model_server(fault_rate=0.5, seed=1), contents)
    assert forth == back != other
    met = [status for one in forth.values() for status in one]
    assert {*met} == {200, 429, 500, 503, None}
    assert 7 <= met.count(200) <= 21


async def test_malformed_answers_are_not_json(model_server):
    server = model_server(malformed_rate=1.0)
    broken = {await said(server, str(n), response_format=asks_for(Turn.model_json_schema())) for n in range(12)}
    assert {text[:7] for text in broken} == {'{"actio', "{action", "Of cour"}
    for text in broken:
        with pytest.raises(json.JSONDecodeError):
            json.loads(text)


# What an endpoint refuses


@pytest.mark.parametrize(
    ("dialect", "name", "words"),
    [
        (None, "max_tokens", "Use 'max_completion_tokens' instead"),
        (None, "temperature", "Only the default"),
        (None, "logprobs", "'logprobs' is not supported with this model"),
        ("azure", "seed", "Unrecognized request argument supplied: seed"),
        ("vllm", "temperature", "extra_forbidden.*'temperature'.*0.5"),
        ("llama.cpp", "max_tokens", "Unsupported param: max_tokens"),
    ],
)
async def test_refused_parameter_is_named(model_server, dialect, name, words):
    server = model_server(capabilities=Capabilities(refuses={name}, dialect=dialect))
    value = {"temperature": 0.5, "logprobs": True}.get(name, 5)
    with pytest.raises(openai.BadRequestError, match=words) as caught:
        await chat(server, **{name: value})
    assert dialect or caught.value.param == name
    assert await said(server)


@pytest.mark.parametrize("dialect", [None, "azure", "vllm", "llama.cpp"])
@pytest.mark.parametrize("kind", ["json_schema", "json_object"])
async def test_refused_format_is_named(model_server, dialect, kind):
    server = model_server(capabilities=Capabilities(refuses={kind}, dialect=dialect))
    wanted = asks_for(Turn.model_json_schema()) if kind == "json_schema" else {"type": kind}
    with pytest.raises(openai.BadRequestError, match=kind):
        await chat(server, "Answer in JSON.", response_format=wanted)


async def test_ignored_format_gets_plain_talk(model_server):
    server = model_server(capabilities=Capabilities(ignores={"json_schema", "max_tokens"}))
    text = await said(server, response_format=asks_for(Turn.model_json_schema()), max_tokens=1)
    assert text.endswith(".")
    assert "response_format" in server.requests[0].body


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"additionalProperties": True}, "additionalProperties"),
        ({"required": ["a"]}, "every key in properties. Missing 'b'"),
        ({"properties": {"a": {"type": "string", "default": ""}, "b": {}}}, r"'a'\), 'default' is not permitted"),
        ({"properties": {"a": {"anyOf": [{"oneOf": []}]}, "b": {}}}, "'oneOf' is not permitted"),
        ({"properties": {"a": {"$ref": "#/$defs/x", "title": "A"}, "b": {}}}, "cannot have keywords {'title'}"),
        ({"type": "array", "items": {}}, "must be a JSON Schema of 'type: \"object\"'"),
    ],
)
async def test_strict_schema_must_be_strict(server, change, words):
    schema = {"type": "object", "properties": {"a": {}, "b": {}}, "required": ["a", "b"], "additionalProperties": False}
    assert await said(server, response_format=asks_for(schema, strict=True))
    with pytest.raises(openai.BadRequestError, match=words):
        await chat(server, response_format=asks_for(schema | change, strict=True))


async def test_schema_of_the_openai_client_is_strict(server):
    async with client_of(server) as client:
        answer = await client.chat.completions.parse(model="scripted", messages=HELLO, response_format=Turn)
    assert answer.choices[0].message.parsed.actions[0].type == "TALK"


async def test_json_object_wants_the_word_json(server):
    with pytest.raises(openai.BadRequestError, match="must contain the word 'json'"):
        await chat(server, response_format={"type": "json_object"})


@pytest.mark.parametrize(
    ("dialect", "words"),
    [
        (None, r"provided: sk-SECRE\*+6789\. You can find"),
        ("azure", "invalid subscription key"),
        ("vllm", "Unauthorized"),
        ("llama.cpp", "Invalid API Key"),
    ],
)
async def test_wrong_key_is_refused(model_server, dialect, words):
    server = model_server(capabilities=Capabilities(api_key="sk-right", dialect=dialect))
    async with client_of(server, api_key="sk-SECRET-0123456789") as client:
        with pytest.raises(openai.AuthenticationError) as caught:
            await client.chat.completions.create(model="scripted", messages=HELLO)
    assert re.search(words, caught.value.response.text)
    assert "sk-SECRET-0123456789" not in caught.value.response.text


async def test_unknown_model_is_not_found(model_server):
    with pytest.raises(openai.NotFoundError, match="`scripted` does not exist") as caught:
        await chat(model_server(capabilities=Capabilities(models=["other"])))
    assert caught.value.code == "model_not_found"


@pytest.mark.parametrize(
    ("dialect", "words"),
    [(None, "context_length_exceeded"), ("vllm", "maximum context length is 5"), ("llama.cpp", "exceed_context_size")],
)
async def test_long_prompt_exceeds_the_context(model_server, dialect, words):
    server = model_server(capabilities=Capabilities(context_tokens=5, dialect=dialect))
    assert await said(server, "x" * 20)
    with pytest.raises(openai.BadRequestError) as caught:
        await chat(server, "x" * 21)
    assert words in caught.value.response.text


async def test_azure_has_its_own_paths_key_and_words(model_server):
    server = model_server(capabilities=Capabilities(api_key="azure-key", models=["my-deployment"]))
    options = {"azure_endpoint": server.url, "api_version": "2024-10-21", "max_retries": 0}
    async with openai.AsyncAzureOpenAI(api_key="azure-key", **options) as client:
        assert await client.chat.completions.create(model="my-deployment", messages=HELLO)
        with pytest.raises(openai.NotFoundError, match="API deployment for this resource does not exist"):
            await client.chat.completions.create(model="other", messages=HELLO)
    async with openai.AsyncAzureOpenAI(api_key="wrong", **options) as client:
        with pytest.raises(openai.AuthenticationError, match="invalid subscription key"):
            await client.chat.completions.create(model="my-deployment", messages=HELLO)
    assert server.requests[0].path == "/openai/deployments/my-deployment/chat/completions?api-version=2024-10-21"


# The log, concurrency, lifecycle


async def test_log_keeps_what_came(server):
    await chat(server, "Hello.", seed=3)
    (request,) = server.requests
    assert request.body == {"messages": HELLO, "model": "scripted", "seed": 3}
    assert request.headers["authorization"] == "Bearer sk-test"
    assert (request.path, request.status, request.attempt) == ("/v1/chat/completions", 200, 1)
    assert request.hash == body_hash(dict(request.body))


async def test_log_can_be_small(model_server):
    hashes, nothing, newest = model_server(keep="hash"), model_server(keep="none"), model_server(limit=2)
    for server in (hashes, nothing, newest):
        for content in "abc":
            await chat(server, content)
    assert [(request.body, request.status) for request in hashes.requests] == [(None, 200)] * 3
    assert (nothing.requests, nothing.stats()["answered"]) == ([], 3)
    assert [request.body["messages"][0]["content"] for request in newest.requests] == ["b", "c"]


async def test_log_file_has_every_answer_before_its_client(model_server, tmp_path):
    server = model_server(["one", Fault(500), Drop(midway=True), "two"], log_file=tmp_path / "answered.jsonl")
    for content in "abcd":
        try:
            await chat(server, content)
        except openai.APIError:
            continue
        last = json.loads((tmp_path / "answered.jsonl").read_text().splitlines()[-1])
        assert last["hash"] == server.requests[-1].hash
    assert len((tmp_path / "answered.jsonl").read_text().splitlines()) == 2


async def test_clients_are_served_at_once(model_server):
    server = model_server(latency=0.02)
    started = asyncio.get_running_loop().time()

    async def talk(name: int) -> None:
        async with client_of(server) as client:
            for turn in range(5):
                await client.chat.completions.create(model="scripted", messages=HELLO, user=f"{name} {turn}")

    await asyncio.gather(*(talk(name) for name in range(8)))
    assert len({request.hash for request in server.answered}) == 40
    assert server.peak_concurrency == 8
    assert asyncio.get_running_loop().time() - started < 40 * 0.02


def test_plain_code_can_use_a_server(server):
    with openai.OpenAI(base_url=server.base_url, api_key="sk-test") as client:
        answer = client.chat.completions.create(model="scripted", messages=HELLO)
    assert server.answered[0].body == {"messages": HELLO, "model": "scripted"}
    server.reset()
    assert (server.requests, server.stats()["requests"]) == ([], 0)
    assert answer.choices[0].message.content


async def test_process_answers_as_the_server_in_the_test_does(server, tmp_path):
    options = {"latency": 0.01, "refuses": ["seed"], "dialect": "vllm", "log_file": tmp_path / "answered.jsonl"}
    with ServerProcess(**options) as process:
        assert await said(process) == await said(server)
        with pytest.raises(openai.BadRequestError, match="extra_forbidden"):
            await chat(process, seed=1)
        first, second = process.requests
        assert (first.hash, first.body, first.status) == (server.requests[0].hash, server.requests[0].body, 200)
        assert (second.body["seed"], second.status) == (1, 400)
        assert process.stats() == {
            "requests": 2,
            "answered": 1,
            "peak_concurrency": 1,
            "statuses": {"200": 1, "400": 1},
        }
        process.reset()
        assert process.requests == []
    assert process.process.returncode == 0
    assert len((tmp_path / "answered.jsonl").read_text().splitlines()) == 1


def test_environment_has_no_settings_of_the_machine():
    ours = [name for name in os.environ if name.startswith(("OPENAI_", "AZURE_", "WORKBENCH_"))]
    assert ours == ["WORKBENCH_CACHE_DIR"]
    assert list(Path(os.environ["WORKBENCH_CACHE_DIR"]).iterdir()) == []


def test_process_refuses_an_option_that_is_not_there(capfd):
    with pytest.raises(RuntimeError, match="ended with status 2"), ServerProcess(colour="red"):
        pass
