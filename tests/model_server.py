"""A scripted model server that speaks the OpenAI protocol over real HTTP on loopback.

For tests and benchmarks, in three ways that take the same options:

    async with ModelServer(reply="Hello.") as server:       # on the running loop
    with ModelServer(fault_rate=0.2) as server:             # on a thread of its own
    with ServerProcess(latency=0.2) as server:              # a process of its own: python -m tests.model_server

What the model says when nothing is scripted lives in `obedient`; here are the HTTP, the faults, what an endpoint
refuses and in which words, and the log. Streaming and several choices are not there, and say so.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import http.client
import json
import random
import re
import subprocess
import sys
import threading
import time
from array import array
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, Self

from tests.obedient import Body, Obedient, Reply, body_hash, embed, obedient, prompt_texts, strict_fault, token_logprobs

__all__ = ["CONTENT_FILTER", "Capabilities", "Drop", "Fault", "Hang", "ModelServer", "Obedient", "Reply", "Request"]
__all__ += ["ServerProcess", "body_hash", "obedient", "openai_error"]


# What a script is made of: text, a dict that is sent as JSON, a Reply, one of these, or a function that returns one


@dataclass(frozen=True)
class Fault:
    """An error answer; without a body it has its dialect's words for the status."""

    status: int = 429
    retry_after: float | None = None
    body: Mapping[str, Any] | str | None = None


@dataclass(frozen=True)
class Drop:
    """Close the connection, before any answer or in the middle of its body."""

    midway: bool = False


@dataclass(frozen=True)
class Hang:
    """Wait, then answer as `then` says; a client that has left by then gets nothing."""

    seconds: float
    then: Scripted = obedient


SAID = (Reply, Fault, Drop, Hang, Awaitable)
Scripted = str | dict[str, Any] | Reply | Fault | Drop | Hang | Callable[[Body], Any]


@dataclass(frozen=True, slots=True)
class _Payload:
    """An answer that no script has a say in."""

    payload: dict[str, Any]


@dataclass(slots=True)
class Request:
    """One request as it came, and what became of it."""

    path: str
    hash: str
    """SHA-256 of the bytes of its body."""
    attempt: int
    """How often these bytes have come, counting from 1."""
    time: float
    body: Body | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    """By name in lower case."""
    status: int | None = None
    """None while it waits, and for good if the connection was dropped or the client left."""


# The words in which endpoints refuse, as their users' bug reports quote them


def openai_error(
    message: str, param: str | None = None, code: str | None = None, kind: str | None = "invalid_request_error"
) -> dict[str, Any]:
    """Shape an error as OpenAI does."""
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


def _azure_error(code: str, message: str) -> dict[str, Any]:
    return {"error": {"code": code, "message": message}}


def _vllm_error(message: str, code: int = 400, kind: str = "BadRequestError") -> dict[str, Any]:
    return {"object": "error", "message": message, "type": kind, "param": None, "code": code}


def _llama_error(message: str, code: int = 400, kind: str = "invalid_request_error") -> dict[str, Any]:
    return {"error": {"code": code, "message": message, "type": kind}}


_KEY = (
    "Incorrect API key provided: {masked}. You can find your API key at https://platform.openai.com/account/api-keys."
)
_FORMAT = "Invalid parameter: 'response_format' of type '{name}' is not supported with this model."
_GUIDE = (
    " Learn more about supported models at the Structured Outputs guide: "
    "https://platform.openai.com/docs/guides/structured-outputs"
)
_NO_JSON = "'messages' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'."
_PARAMETER = "Unsupported parameter: '{name}' is not supported with this model."
_DEFAULT_ONLY = (
    "Unsupported value: '{name}' does not support {value} with this model. Only the default (1) value is supported."
)
_CONTEXT = "This model's maximum context length is {limit} tokens. However, "
_RATE = "Rate limit reached for scripted in organization org-test on requests per min (RPM): Limit 500, Used 500."
_AZURE_KEY = (
    "Access denied due to invalid subscription key or wrong API endpoint. Make sure to provide a valid key for an "
    "active subscription and use a correct regional API endpoint for your resource."
)
_AZURE_MODEL = (
    "The API deployment for this resource does not exist. If you created the deployment within the last 5 minutes, "
    "please wait a moment and try again."
)
_AZURE_FORMAT = "response_format value as {name} is enabled only for api versions 2024-08-01-preview and later"
_AZURE_FILTER = (
    "The response was filtered due to the prompt triggering Azure OpenAI's content management policy. Please modify "
    "your prompt and retry."
)
_VLLM_EXTRA = (
    "[{{'type': 'extra_forbidden', 'loc': ('body', '{name}'), 'msg': 'Extra inputs are not permitted', "
    "'input': {value!r}}}]"
)
_VLLM_FORMAT = (
    "[{{'type': 'literal_error', 'loc': ('body', 'response_format', 'type'), 'msg': \"Input should be 'text'\", "
    "'input': '{name}'}}]"
)
_LLAMA_FORMAT = 'response_format type must be one of "text" or "json_object", but got: {name}'
_LLAMA_CONTEXT = "request ({asked} tokens) exceeds the available context size ({limit} tokens), try increasing it"

STATUS = {"key": 401, "model": 404, "429": 429, "500": 500, "503": 503}
"""Every other refusal is a 400."""
_OPENAI = {
    "key": openai_error(_KEY, code="invalid_api_key"),
    "model": openai_error(
        "The model `{model}` does not exist or you do not have access to it.", code="model_not_found"
    ),
    "json_schema": openai_error(_FORMAT + _GUIDE),
    "json_object": openai_error(_FORMAT, "response_format"),
    "strict": openai_error("Invalid schema for response_format '{name}': {why}", "response_format"),
    "no json": openai_error(_NO_JSON, "messages"),
    "parameter": openai_error(_PARAMETER, "{name}", "unsupported_parameter"),
    "max_tokens": openai_error(_PARAMETER + " Use 'max_completion_tokens' instead.", "{name}", "unsupported_parameter"),
    "temperature": openai_error(_DEFAULT_ONLY, "{name}", "unsupported_value"),
    "context": openai_error(
        _CONTEXT + "your messages resulted in {asked} tokens. Please reduce the length of the messages.",
        "messages",
        "context_length_exceeded",
    ),
    "429": openai_error(_RATE, code="rate_limit_exceeded", kind="requests"),
    "500": openai_error(
        "The server had an error while processing your request. Sorry about that!", kind="server_error"
    ),
    "503": openai_error("The engine is currently overloaded, please try again later.", kind="server_error"),
}
_AZURE = _OPENAI | {
    "key": _azure_error("401", _AZURE_KEY),
    "model": _azure_error("DeploymentNotFound", _AZURE_MODEL),
    "json_schema": _azure_error("BadRequest", _AZURE_FORMAT),
    "parameter": openai_error("Unrecognized request argument supplied: {name}"),
}
_VLLM = {
    **_OPENAI,
    **dict.fromkeys(("json_schema", "json_object"), _vllm_error(_VLLM_FORMAT)),
    **dict.fromkeys(("parameter", "max_tokens", "temperature"), _vllm_error(_VLLM_EXTRA)),
    "key": {"error": "Unauthorized"},
    "model": _vllm_error("The model `{model}` does not exist.", 404, "NotFoundError"),
    "context": _vllm_error(_CONTEXT + "you requested {asked} tokens. Please reduce the length of the messages."),
}
_LLAMA = {
    **_OPENAI,
    **dict.fromkeys(("json_schema", "json_object"), _llama_error(_LLAMA_FORMAT)),
    **dict.fromkeys(("parameter", "max_tokens", "temperature"), _llama_error("Unsupported param: {name}")),
    "key": _llama_error("Invalid API Key", 401, "authentication_error"),
    "context": _llama_error(_LLAMA_CONTEXT, kind="exceed_context_size_error"),
    "503": _llama_error("Loading model", 503, "unavailable_error"),
}
DIALECTS = {"openai": _OPENAI, "azure": _AZURE, "vllm": _VLLM, "llama.cpp": _LLAMA}

_FILTERED = {
    "status": 400,
    "innererror": {
        "code": "ResponsibleAIPolicyViolation",
        "content_filter_result": {"violence": {"filtered": True, "severity": "medium"}},
    },
}
CONTENT_FILTER = Fault(
    400, body={"error": openai_error(_AZURE_FILTER, "prompt", "content_filter", None)["error"] | _FILTERED}
)
"""Azure's refusal of a prompt."""


AZURE_PATH = re.compile(r"/openai/deployments/([^/]+)/")


def _fill(template: Any, facts: Mapping[str, Any]) -> Any:
    if isinstance(template, Mapping):
        return {key: _fill(value, facts) for key, value in template.items()}
    return template.format_map(facts) if isinstance(template, str) else template


@dataclass(frozen=True)
class Capabilities:
    """What an endpoint accepts, and in which words it refuses the rest."""

    refuses: Collection[str] = ()
    """Parameters by name, `json_schema`, `json_object`: what gets a 400. `embeddings`: a 404."""
    ignores: Collection[str] = ()
    """The same: what is accepted and has no effect on the answer."""
    dialect: Literal["openai", "azure", "vllm", "llama.cpp"] | None = None
    """None: Azure's on Azure's paths, OpenAI's on all others."""
    api_key: str | None = None
    """The one right key; None takes any, or none."""
    models: Collection[str] = ()
    """The models or deployments that exist; empty: all."""
    context_tokens: int | None = None

    def fault(self, kind: str, path: str = "", **facts: Any) -> Fault:
        """Refuse in the words of this endpoint."""
        dialect = self.dialect or ("azure" if AZURE_PATH.search(path) else "openai")
        words = DIALECTS[dialect]
        return Fault(STATUS.get(kind, 400), body=_fill(words.get(kind, words["parameter"]), facts))

    def wrong_key(self, path: str, headers: Mapping[str, str]) -> Fault | None:
        """Refuse a key that is not the right one, and show as little of it as OpenAI does."""
        key = headers.get("api-key") or headers.get("authorization", "").removeprefix("Bearer ")
        if self.api_key in (None, key):
            return None
        return self.fault("key", path, masked=f"{key[:8]}{'*' * max(len(key) - 12, 0)}{key[8:][-4:]}")

    def refusal(self, path: str, body: Body) -> Fault | None:
        """Say what is wrong with a request to a model; None: nothing."""
        model = deployment[1] if (deployment := AZURE_PATH.search(path)) else body.get("model")
        if self.models and model not in self.models:
            return self.fault("model", path, model=model)
        for name in body:
            if name in self.refuses:
                return self.fault(name, path, name=name, value=body[name])
        asked = _asked(body)
        if self.context_tokens is not None and asked > self.context_tokens:
            return self.fault("context", path, asked=asked, limit=self.context_tokens)
        return self._format_refusal(path, body)

    def _format_refusal(self, path: str, body: Body) -> Fault | None:
        wanted = body.get("response_format") or {}
        name = wanted.get("type")
        if name in self.refuses:
            return self.fault(name, path, name=name)
        if self.dialect not in (None, "openai", "azure"):
            return None
        if name == "json_object" and not any("json" in text.lower() for text in prompt_texts(body)):
            return self.fault("no json", path)
        schema = wanted.get("json_schema", {})
        if schema.get("strict") and (why := strict_fault(schema["schema"])):
            return self.fault("strict", path, name=schema["name"], why=why)
        return None

    def heeded(self, body: Body) -> Body:
        """The body without what this endpoint ignores."""
        wanted = (body.get("response_format") or {}).get("type")
        ignored = {*self.ignores, *(["response_format"] if wanted in self.ignores else ())}
        heeded = Body((name, value) for name, value in body.items() if name not in ignored)
        heeded.hash = body.hash
        return heeded


# The server


class ModelServer:
    """Answers chat, embedding and model requests; `reply` says what the model says.

    Args:
        reply: What every request to the chat gets, or a list of such, played in order and followed by `obedient`.
        latency: Seconds before an answer; plus up to `jitter` seconds.
        fault_rate: Share of requests that get a 429, 500, 503 or a dropped connection: by a hash of the body, the
            attempt and `seed`, so that the same requests meet the same faults in any order.
        malformed_rate: Share of JSON answers whose content is broken, by the same kind of hash.
        retry_after: The Retry-After of the 429s and 503s of `fault_rate`, in seconds.
        cached_tokens: `prompt_tokens_details.cached_tokens` of every answer that does not say its own.
        keep: `full` requests in the log, without body and headers (`hash`), or `none`: counts only.
        limit: The most requests that the log keeps, the newest.
        log_file: Gets one JSON line an answered request (status 200), flushed before the answer is written.
    """

    def __init__(
        self,
        reply: Scripted | list[Scripted] = obedient,
        *,
        latency: float = 0.0,
        jitter: float = 0.0,
        fault_rate: float = 0.0,
        malformed_rate: float = 0.0,
        retry_after: float | None = None,
        seed: int = 0,
        capabilities: Capabilities = Capabilities(),
        cached_tokens: int = 0,
        embedding_dimensions: int = 64,
        keep: Literal["full", "hash", "none"] = "full",
        limit: int | None = None,
        log_file: str | Path | None = None,
        port: int = 0,
    ) -> None:
        self.reply, self.capabilities = reply, capabilities
        self.latency, self.jitter, self.seed = latency, jitter, seed
        self.fault_rate, self.malformed_rate, self.retry_after = fault_rate, malformed_rate, retry_after
        self.cached_tokens, self.embedding_dimensions = cached_tokens, embedding_dimensions
        self.keep, self.limit, self.log_file, self.port = keep, limit, log_file, port
        self.connections: set[_Connection] = set()
        self.errors: list[BaseException] = []
        self.active = 0
        self.reset()

    # What it saw

    @property
    def url(self) -> str:
        """The root, as `azure_endpoint` wants it."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def base_url(self) -> str:
        """The `base_url` of an OpenAI client."""
        return f"{self.url}/v1"

    @property
    def answered(self) -> list[Request]:
        """The requests of the log that were answered, with status 200."""
        return [request for request in self.requests if request.status == 200]

    def stats(self) -> dict[str, Any]:
        """Count requests by status, whatever the log keeps; without latency the peak is always 1."""
        return {
            "requests": self.n_requests,
            "answered": self.statuses[200],
            "peak_concurrency": self.peak_concurrency,
            "statuses": dict(self.statuses),
        }

    def reset(self) -> None:
        """Forget all requests and counts, and play the script from its start."""
        self.requests: list[Request] = []
        self.n_requests = self.peak_concurrency = 0
        self.statuses: Counter[int] = Counter()
        self._attempts: Counter[str] = Counter()
        self._script = iter(self.reply if isinstance(self.reply, list) else ())

    # Its life

    async def start(self) -> Self:
        """Listen, on the running loop."""
        self._loop = asyncio.get_running_loop()
        self._listener = await self._loop.create_server(lambda: _Connection(self), "127.0.0.1", self.port, backlog=1024)
        self.port = self._listener.sockets[0].getsockname()[1]
        return self

    async def stop(self) -> None:
        """Drop every connection and stop listening."""
        self._listener.close()
        for connection in tuple(self.connections):
            connection.transport.abort()
        await self._listener.wait_closed()
        await asyncio.sleep(0)

    async def __aenter__(self) -> Self:
        return await self.start()

    async def __aexit__(self, _type: Any, error: BaseException | None, _trace: Any) -> None:
        await self.stop()
        self._raise_first(error)

    def start_in_thread(self) -> Self:
        """Listen on a loop in a thread of its own, for plain code, other processes and several loops."""
        loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=loop.run_forever, name="model server", daemon=True)
        self._thread.start()
        return asyncio.run_coroutine_threadsafe(self.start(), loop).result(timeout=10)

    def stop_thread(self) -> None:
        """End what `start_in_thread` started."""
        asyncio.run_coroutine_threadsafe(self.stop(), self._loop).result(timeout=10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=10)
        self._loop.close()

    def __enter__(self) -> Self:
        return self.start_in_thread()

    def __exit__(self, _type: Any, error: BaseException | None, _trace: Any) -> None:
        self.stop_thread()
        self._raise_first(error)

    def _raise_first(self, error: BaseException | None) -> None:
        if self.errors and error is None:
            raise self.errors[0]

    # One request

    def serve(self, connection: _Connection, method: str, target: str, headers: dict[str, str], raw: bytes) -> None:
        """Decide on the answer to a request, and write it now or later."""
        path = target.partition("?")[0]
        if path.startswith("/__"):
            return connection.write(*self._control(method, path))
        request = connection.request = self._enter(target, headers, raw)
        if self.fault_rate or self.malformed_rate or self.jitter:
            connection.chance = random.Random(f"{self.seed} {request.hash} {request.attempt}")
        wait = self.latency + (self.jitter and self.jitter * connection.chance.random())
        try:
            said = self._choose(connection, method, path)
        except Exception as error:
            said = self._failed(error)
        self._settle(connection, said, wait)

    def _enter(self, target: str, headers: dict[str, str], raw: bytes) -> Request:
        try:
            body = Body(json.loads(raw.decode())) if raw else Body()
        except (ValueError, TypeError):
            body = None
        digest = body_hash(raw)
        if body is not None:
            body.hash = digest
        self._attempts[digest] += 1
        request = Request(target, digest, self._attempts[digest], time.time(), body, headers)
        if self.keep != "none":
            self.requests.append(request)
            if self.limit is not None and len(self.requests) > self.limit:
                del self.requests[0]
        self.n_requests += 1
        self.active += 1
        self.peak_concurrency = max(self.peak_concurrency, self.active)
        return request

    def leave(self, request: Request, status: int | None) -> None:
        """Close the account of a request that was answered, dropped or given up."""
        self.active -= 1
        request.status = status
        if self.keep == "hash":
            request.body, request.headers = None, {}
        if status is not None:
            self.statuses[status] += 1
        if status == 200 and self.log_file:
            line = {"hash": request.hash, "attempt": request.attempt, "path": request.path, "time": time.time()}
            with Path(self.log_file).open("a") as log:
                log.write(json.dumps(line) + "\n")

    def _choose(self, connection: _Connection, method: str, path: str) -> Any:
        request, able = connection.request, self.capabilities
        body = request.body
        if fault := able.wrong_key(path, request.headers):
            return fault
        if method == "GET" and path.endswith("/models"):
            models = [{"id": name, "object": "model", "owned_by": "scripted"} for name in able.models or ("scripted",)]
            return _Payload({"object": "list", "data": models})
        endpoint = next((end for end in ("chat/completions", "embeddings") if path.endswith(f"/{end}")), None)
        if method != "POST" or endpoint is None or endpoint in able.refuses:
            return Fault(404, body=openai_error(f"Invalid URL ({method} {path})"))
        if AZURE_PATH.search(path) and "api-version=" not in request.path:
            return Fault(404, body=_azure_error("404", "Resource not found"))
        if body is None:
            return Fault(400, body=openai_error("We could not parse the JSON body of your request."))
        if fault := able.refusal(path, body):
            return fault
        if self.fault_rate and connection.chance.random() < self.fault_rate:
            return connection.chance.choice(
                (Fault(429, self.retry_after), Fault(500), Fault(503, self.retry_after), Drop(), Drop(midway=True))
            )
        if endpoint == "embeddings":
            return _Payload(self._embeddings(body))
        if not body.get("messages") or body.get("stream") or body.get("n") not in (None, 1):
            return Fault(400, body=openai_error("The scripted server wants messages, and neither stream nor n."))
        connection.heeded = able.heeded(body) if able.ignores else body
        after = obedient if isinstance(self.reply, list) else self.reply
        return self._play(next(self._script, after), connection.heeded)

    def _play(self, scripted: Any, body: Body) -> Any:
        """Call the script until it says something; what goes wrong in it fails the test, not the request."""
        try:
            while callable(scripted):
                scripted = scripted(body)
            if isinstance(scripted, dict):
                scripted = json.dumps(scripted, ensure_ascii=False)
            if isinstance(scripted, str):
                scripted = Reply(scripted)
            if not isinstance(scripted, SAID):
                raise TypeError(f"a script cannot say {scripted!r}")
        except BaseException as error:  # pytest.fail() is no Exception
            return self._failed(error)
        return scripted

    def _failed(self, error: BaseException) -> Fault:
        self.errors.append(error)
        return Fault(418, body=openai_error(f"The script of the test failed: {error!r}"))

    def _settle(self, connection: _Connection, scripted: Any, wait: float) -> None:
        if isinstance(scripted, Hang):
            self._settle(connection, self._play(scripted.then, connection.heeded), wait + scripted.seconds)
        elif isinstance(scripted, Awaitable):
            connection.pending = self._loop.create_task(self._await(connection, scripted, wait))
        elif wait:
            connection.pending = self._loop.call_later(wait, self._answer, connection, scripted)
        else:
            self._answer(connection, scripted)

    async def _await(self, connection: _Connection, scripted: Awaitable[Any], wait: float) -> None:
        try:
            said = self._play(await scripted, connection.heeded)
        except Exception as error:
            said = self._failed(error)
        self._settle(connection, said, wait)

    def _answer(self, connection: _Connection, said: Any) -> None:
        request, status, headers = connection.request, 200, {}
        match said:
            case Drop():
                return connection.drop(midway=said.midway)
            case Fault():
                status, payload = said.status, said.body
                if payload is None:
                    kind = str(status) if str(status) in STATUS else "500"
                    payload = self.capabilities.fault(kind, request.path).body
                if said.retry_after is not None:
                    headers["retry-after"] = f"{said.retry_after:g}"
            case _Payload():
                payload = said.payload
            case _:
                try:
                    payload = self._completion(connection, said)
                except Exception as error:
                    return self._answer(connection, self._failed(error))
        headers["x-request-id"] = f"req_{request.hash[:16]}_{request.attempt}"
        self.leave(request, status)
        connection.request = None
        connection.write(status, payload, headers)

    def _completion(self, connection: _Connection, reply: Reply) -> dict[str, Any]:
        request, body = connection.request, connection.heeded
        text = reply.text or "".join(max(tokens, key=tokens.__getitem__) for tokens in reply.logprobs or ())
        logprobs = None
        if body.get("logprobs") and reply.logprobs:
            logprobs = {"content": token_logprobs(reply.logprobs, text, body.get("top_logprobs") or 0), "refusal": None}
        if self.malformed_rate and text.startswith(("{", "[")) and connection.chance.random() < self.malformed_rate:
            text = connection.chance.choice(BREAKAGES)(text)
        asked = _asked(body) if reply.prompt_tokens is None else reply.prompt_tokens
        said = _tokens(len(text)) if reply.completion_tokens is None else reply.completion_tokens
        cached = self.cached_tokens if reply.cached_tokens is None else reply.cached_tokens
        message = {"role": "assistant", "content": None if reply.refusal else text, "refusal": reply.refusal}
        choice = {"index": 0, "message": message, "logprobs": logprobs, "finish_reason": reply.finish_reason}
        return {
            "id": f"chatcmpl-{request.hash[:24]}",
            "object": "chat.completion",
            "created": int(request.time),
            "model": body.get("model", "scripted"),
            "choices": [choice],
            "usage": {
                "prompt_tokens": asked,
                "completion_tokens": said,
                "total_tokens": asked + said,
                "prompt_tokens_details": {"cached_tokens": cached, "audio_tokens": 0},
            },
            "system_fingerprint": "fp_scripted",
        }

    def _embeddings(self, body: Body) -> dict[str, Any]:
        texts = [body["input"]] if isinstance(body["input"], str) else body["input"]
        vectors: list[Any] = [embed(text, body.get("dimensions") or self.embedding_dimensions) for text in texts]
        if body.get("encoding_format") == "base64":
            vectors = [base64.b64encode(array("f", vector).tobytes()).decode() for vector in vectors]
        asked = _tokens(sum(map(len, texts)))
        return {
            "object": "list",
            "data": [{"object": "embedding", "index": at, "embedding": vector} for at, vector in enumerate(vectors)],
            "model": body.get("model", "scripted"),
            "usage": {"prompt_tokens": asked, "total_tokens": asked},
        }

    def _control(self, method: str, path: str) -> tuple[int, Any]:
        if (method, path) == ("GET", "/__log"):
            return 200, [asdict(request) for request in self.requests]
        if (method, path) == ("POST", "/__reset"):
            self.reset()
        elif (method, path) != ("GET", "/__stats"):
            return 404, openai_error(f"no {method} {path} here")
        return 200, self.stats()


def _tokens(characters: int) -> int:
    return -(-characters // 4)


def _asked(body: Body) -> int:
    return _tokens(sum(map(len, prompt_texts(body))))


BREAKAGES: tuple[Callable[[str], str], ...] = (
    lambda text: text[: len(text) * 2 // 3],
    lambda text: f"Of course! Here is my answer:\n\n{text}\n\nLet me know if I can help with anything else.",
    lambda text: re.sub(r'"(\w+)":', r"\1:", text),
)


class _Connection(asyncio.Protocol):
    """One keep-alive connection: reads a request, has the server answer it, reads the next."""

    transport: asyncio.Transport
    request: Request | None = None
    """The one that waits for its answer."""
    heeded: Body
    """Its body, less what the endpoint ignores."""
    chance: random.Random
    pending: asyncio.TimerHandle | asyncio.Task[None] | None = None

    def __init__(self, server: ModelServer) -> None:
        self.server, self.unread = server, bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.server.connections.add(self)

    def connection_lost(self, error: Exception | None) -> None:
        self.server.connections.discard(self)
        if self.pending:
            self.pending.cancel()
        if self.request:
            self.server.leave(self.request, None)

    def data_received(self, data: bytes) -> None:
        self.unread += data
        self._read()

    def _read(self) -> None:
        start = self.unread.find(b"\r\n\r\n") + 4
        if start < 4 or self.request:
            return
        first, *lines = self.unread[: start - 4].decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        end = start + int(headers.get("content-length", 0))
        if len(self.unread) >= end:
            raw = bytes(self.unread[start:end])
            del self.unread[:end]
            method, target, _version = first.split(" ")
            self.server.serve(self, method, target, headers, raw)

    def write(self, status: int, payload: Any, headers: Mapping[str, str] = MappingProxyType({})) -> None:
        """Send an answer; text goes as it is, anything else as JSON."""
        body = payload.encode() if isinstance(payload, str) else json.dumps(payload).encode()
        lines = [f"HTTP/1.1 {status} {http.client.responses.get(status, 'Other')}", "content-type: application/json"]
        lines.append(f"content-length: {len(body)}")
        lines += [f"{name}: {value}" for name, value in headers.items()]
        self.transport.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
        if self.unread:
            asyncio.get_running_loop().call_soon(self._read)

    def drop(self, *, midway: bool) -> None:
        """Hang up."""
        if midway:
            self.transport.write(b'HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{"id": "chatcmpl-')
        self.transport.close()


# A process of its own

OPTIONS: dict[Callable[[str], Any], tuple[str, ...]] = {
    float: ("latency", "jitter", "fault_rate", "malformed_rate", "retry_after"),
    int: ("port", "seed", "cached_tokens", "embedding_dimensions", "limit", "context_tokens"),
    str: ("keep", "log_file", "dialect", "api_key"),
}
MANY = {"refuses": str, "ignores": str, "models": str, "talk": int}


class ServerProcess:
    """`ModelServer` as a process of its own, which ends with the block or with this process.

    Takes the options of `ModelServer` and `Capabilities` as keywords, and `talk` of `Obedient`; no `reply`.
    """

    def __init__(self, **options: Any) -> None:
        self.options = options
        if "log_file" in options:
            self.options["log_file"] = Path(options["log_file"]).absolute()

    def __enter__(self) -> Self:
        command = [sys.executable, "-m", "tests.model_server"]
        for name, value in self.options.items():
            values = value if name in MANY else [value]
            command += [f"--{name.replace('_', '-')}", *map(str, values)]
        root = Path(__file__).parents[1]
        self.process = subprocess.Popen(command, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        if not line:
            self.__exit__()
            raise RuntimeError(f"no server: {' '.join(command)} ended with status {self.process.returncode}")
        self.base_url = json.loads(line)["base_url"]
        self.url = self.base_url.removesuffix("/v1")
        return self

    def __exit__(self, *_error: object) -> None:
        self.process.stdin.close()
        self.process.wait(timeout=10)
        self.process.stdout.close()

    def ask(self, method: str, path: str) -> Any:
        """Ask the server about itself: GET `/__stats`, GET `/__log`, POST `/__reset`."""
        connection = http.client.HTTPConnection(self.url.removeprefix("http://"), timeout=30)
        try:
            connection.request(method, path)
            return json.load(connection.getresponse())
        finally:
            connection.close()

    @property
    def requests(self) -> list[Request]:
        """The log so far."""
        return [Request(**request) for request in self.ask("GET", "/__log")]

    def stats(self) -> dict[str, Any]:
        """Count requests, as `ModelServer.stats` does."""
        return self.ask("GET", "/__stats")

    def reset(self) -> None:
        """Forget all requests and counts."""
        self.ask("POST", "/__reset")


def _options(arguments: list[str] | None) -> dict[str, Any]:
    parser = argparse.ArgumentParser("tests.model_server", description=__doc__, argument_default=argparse.SUPPRESS)
    for kind, names in OPTIONS.items():
        for name in names:
            parser.add_argument(f"--{name.replace('_', '-')}", type=kind)
    for name, kind in MANY.items():
        parser.add_argument(f"--{name}", type=kind, nargs="*")
    return vars(parser.parse_args(arguments))


async def main(arguments: list[str] | None = None) -> None:
    """Serve until standard input ends."""
    options = _options(arguments)
    reply = Obedient(talk=tuple(options.pop("talk"))) if "talk" in options else obedient
    able = {one.name: options.pop(one.name) for one in fields(Capabilities) if one.name in options}
    async with ModelServer(reply, capabilities=Capabilities(**able), **options) as server:
        print(json.dumps({"base_url": server.base_url}), flush=True)
        await asyncio.to_thread(sys.stdin.buffer.read)


if __name__ == "__main__":
    asyncio.run(main())
