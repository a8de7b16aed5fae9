"""One endpoint: its client, and one request sent to it until it is answered or clearly refused."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import re
import time
from collections.abc import Awaitable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit, urlunsplit

from pydantic import SecretStr

from workbench.errors import (
    ContentFiltered,
    ModelUnreachable,
    NoPictures,
    PromptTooLong,
    RequestRefused,
    UnknownModel,
    WorkbenchError,
    WrongKey,
)
from workbench.llm.calls import Answer, Logprobs, Request, Usage
from workbench.llm.dialect import Dialect
from workbench.llm.http import http_client
from workbench.llm.prompt_logprobs import Slot, echoed, forced
from workbench.llm.retries import NoAnswer, attempts, may_pass
from workbench.settings import Provider

if TYPE_CHECKING:
    from aiolimiter import AsyncLimiter
    from openai import APIStatusError, AsyncOpenAI

_log = logging.getLogger("workbench")
_DIALECTS: dict[tuple[str, str], Dialect] = {}
_TOO_LONG = re.compile(
    r"context_length_exceeded|exceed_context_size|maximum context length|context size|prompt is too long"
    r"|input token count|inputs. tokens \+",
    re.IGNORECASE,
)
_NO_PICTURES = re.compile(
    r"(?=.*(image|vision|picture))(?=.*(support|at most 0))|not a multimodal model", re.IGNORECASE | re.DOTALL
)
_NO_ECHO = frozenset({400, 404, 405, 422, 501})
"""What servers say that have no completions API, or echo no prompts with their log-probabilities."""
_KEYS = re.compile(r"\bsk-[\w.*-]{6,}|\bbearer [\w.*~+/=-]{6,}", re.IGNORECASE)


@dataclass(frozen=True)
class Limits:
    """How hard an endpoint is pressed."""

    concurrency: int = 32
    timeout: float = 60.0
    max_tries: int = 6
    max_wait: float = 300.0
    backoff: float = 0.5
    requests_per_minute: float | None = None
    tokens_per_minute: float | None = None


@dataclass(eq=False)
class _Lane:
    """What belongs to one event loop: a client and the limits that are counted in it."""

    slots: asyncio.Semaphore
    requests: AsyncLimiter | None
    tokens: AsyncLimiter | None
    client: AsyncOpenAI | None = None
    opening: asyncio.Lock = field(default_factory=asyncio.Lock)
    slot: Slot = field(default_factory=Slot)


@dataclass(eq=False)
class Endpoint:
    """Where a model answers: any OpenAI-compatible server, Azure, or the embedded model.

    Args:
        provider: which of the three.
        model: the model asked for.
        base_url: the address; the embedded model finds its own.
        api_key: the key; servers that need none get a placeholder.
        api_version: of Azure.
        limits: concurrency, timeouts, tries.
    """

    provider: Provider
    model: str
    base_url: str | None = field(repr=False)  # it may have a password
    api_key: SecretStr | None
    api_version: str
    limits: Limits = Limits()
    _lanes: dict[asyncio.AbstractEventLoop, _Lane] = field(default_factory=dict, repr=False)

    @property
    def name(self) -> str:
        """What people know the endpoint by: its address, or `embedded` on whatever port."""
        if self.provider == "embedded":
            return "embedded"
        address = urlsplit(self.base_url or "https://api.openai.com/v1")  # a password or a query may be a secret
        return f"{address.scheme}://{address.netloc.rpartition('@')[2]}{address.path.rstrip('/')}"

    @property
    def identity(self) -> str:
        """What the call cache knows it by: its name, and of the embedded model its weights and layout."""
        if self.provider != "embedded":
            return self.name
        from workbench.llm.weights import weights_of

        return f"embedded:{weights_of(self.model).fingerprint}"

    def dialect(self, model: str) -> Dialect:
        """Return what is known of how a model here is spoken to."""
        start = Dialect(ladder=["grammar"]) if self.provider == "embedded" else Dialect()
        return _DIALECTS.setdefault((self.name, model), start)

    async def ask(self, request: Request) -> Answer:
        """Send a request until it is answered.

        Raises:
            ModelUnreachable: no answer after all tries.
            WrongKey, UnknownModel, ContentFiltered, RequestRefused: trying again does not change it.
        """
        if request.kind != "chat":
            raise ValueError(f"a request of kind {request.kind!r} goes to `embed` or `likelihood`")
        return _read_completion(await self._until_answered(request, self._complete))

    async def embed(self, texts: list[str], model: str) -> tuple[list[list[float]], Usage]:
        """Return the embeddings of texts, in their order.

        Raises:
            ModelError: as `ask`.
        """
        request = Request(self.name, model, [{"role": "user", "content": text} for text in texts], kind="embedding")
        answer = await self._until_answered(request, self._embed)
        vectors = [item.embedding for item in sorted(answer.data, key=lambda item: item.index)]
        return vectors, _usage(getattr(answer, "usage", None))

    async def likelihood(self, request: Request) -> Answer:
        """Return the log-probabilities of a text's tokens in a context; an answer without where there are none.

        Raises:
            ModelError: as `ask`.
        """
        return await self._until_answered(request, self._likelihood)  # type: ignore[no-any-return]  # an answer

    async def _until_answered(self, request: Request, send: Any) -> Any:
        import openai

        lane, limits, tries = self._lane(), self.limits, ""
        try:
            async for attempt in attempts(max_tries=limits.max_tries, max_wait=limits.max_wait, backoff=limits.backoff):
                with attempt:
                    state, queued = attempt.retry_state, time.monotonic()
                    tries = "1 try" if state.attempt_number == 1 else f"{state.attempt_number} tries"
                    await self._wait_for_limits(lane, request)
                    async with lane.slots:
                        state.start_time += time.monotonic() - queued  # to wait for one's turn is not to fail
                        return await send(await self._client(lane), request)
        except openai.APIStatusError as error:
            raise self._refusal(error, request.model, tries) from None  # its own text may show the key
        except UnicodeEncodeError as error:
            raise RequestRefused(f"Nothing was sent: the messages have half of a surrogate pair ({error})") from error
        except (openai.APIError, NoAnswer) as error:
            raise ModelUnreachable(
                f"{self.name} did not answer ({_first_line(error)}), after {tries}. "
                "Is the server running, and is the address right?",
                endpoint=self.name,
            ) from error

    async def _complete(self, client: AsyncOpenAI, request: Request) -> dict[str, Any]:
        import openai

        dialect = self.dialect(request.model)
        while True:
            arguments = dialect.arguments(request)
            try:
                # `post` is the client's way for bodies made by hand: `create` spends 2 ms on walking the schema.
                # To make a ChatCompletion of the answer takes a fifth of the client's time, so it stays JSON.
                post = client.post("/chat/completions", body=arguments, cast_to=object)
                return _with_a_choice(await self._answered(post))
            except (openai.BadRequestError, openai.UnprocessableEntityError) as error:
                named = error.body.get("param") if isinstance(error.body, dict) else None
                known = set(dialect.refused)
                final = _is_filtered(error) or _is_too_long(error)
                if final or not dialect.learn(arguments, named, _words(error)):
                    raise
                self._tell(dialect, dialect.refused - known, request.model, self._own_words(error))
            except openai.APIConnectionError:
                if self.provider == "embedded":
                    self._lane().client = None  # its owner has ended: the next try starts or joins another
                raise

    def _tell(self, dialect: Dialect, names: set[str], model: str, words: str) -> None:
        """Say once what a model does not take: a run without the temperature that was chosen is another run."""
        for name in names:
            if name != "max_tokens" or dialect.tokens_name in dialect.refused:
                _log.warning("%s at %s does not take %s; it is left out from now on. %s", model, self.name, name, words)

    async def _likelihood(self, client: AsyncOpenAI, request: Request) -> Answer:
        import openai

        from workbench.llm.weights import weights_of

        async def post(path: str, body: dict[str, Any]) -> Any:
            return await self._answered(client.post(path, body=body, cast_to=object))

        refused = self.dialect(request.model).refused
        try:
            if self.provider == "embedded":
                root, most = str(client.base_url).rstrip("/").removesuffix("/v1"), weights_of(self.model).context
                return await forced(post, request, root, most, self._lane().slot)
            return Answer("") if "echo" in refused else await echoed(post, request)
        except openai.APIStatusError as error:
            final = _is_filtered(error) or _is_too_long(error) or self.provider == "embedded"
            if final or error.status_code not in _NO_ECHO:
                raise
            refused.add("echo")
            return Answer("")
        except openai.APIConnectionError:
            if self.provider == "embedded":
                self._lane().client = None  # as for a completion
            raise

    async def _embed(self, client: AsyncOpenAI, request: Request) -> Any:
        texts = [message["content"] for message in request.messages]
        create = client.embeddings.create(model=request.model, input=texts, encoding_format="float")
        answer = await self._answered(create)
        if len(getattr(answer, "data", None) or ()) != len(texts):
            raise NoAnswer(f"an answer without a vector for each of {len(texts)} texts: {_beginning(answer)}")
        return answer

    async def _answered(self, call: Awaitable[Any]) -> Any:
        """Wait for an answer, no longer than the timeout in all: the client's own starts anew with each byte."""
        import aiohttp

        try:
            async with asyncio.timeout(self.limits.timeout):
                return await call
        except aiohttp.ClientError as error:  # what the client does not put in its own words
            raise NoAnswer(f"an answer that is no HTTP: {error}") from error
        except TimeoutError as error:
            raise NoAnswer(f"not whole after {self.limits.timeout:g} s") from error
        except UnicodeEncodeError:
            raise
        except ValueError as error:  # it is not JSON, or has no data: the client lets that through
            raise NoAnswer(f"an answer that is none: {error}") from error

    def _lane(self) -> _Lane:
        loop = asyncio.get_running_loop()
        if loop not in self._lanes:
            for ended in [known for known in list(self._lanes) if known.is_closed()]:
                self._lanes.pop(ended, None)
            limits = self.limits
            requests, tokens = _per_minute(limits.requests_per_minute), _per_minute(limits.tokens_per_minute)
            self._lanes[loop] = _Lane(asyncio.Semaphore(limits.concurrency), requests, tokens)
        return self._lanes[loop]

    async def _wait_for_limits(self, lane: _Lane, request: Request) -> None:
        if lane.requests:
            await lane.requests.acquire()
        if lane.tokens:
            await lane.tokens.acquire(min(request.estimated_tokens, lane.tokens.max_rate))

    async def _client(self, lane: _Lane) -> AsyncOpenAI:
        if not lane.client:
            async with lane.opening:
                lane.client = lane.client or await self._open()
        return lane.client

    async def _open(self) -> AsyncOpenAI:
        from openai import AsyncAzureOpenAI, AsyncOpenAI

        key = self.api_key.get_secret_value() if self.api_key else "no-key-needed"
        base_url, embedded = self.base_url, self.provider == "embedded"
        if embedded:
            from workbench.llm.embedded import connect

            connection = await connect(self.model)
            base_url, key = connection.base_url, connection.api_key.get_secret_value()
        base_url, credentials = _split_credentials(base_url)
        tls = not (base_url or "").startswith("http://")
        shared: Any = {
            "api_key": key,
            "timeout": self.limits.timeout,
            "max_retries": 0,
            "default_headers": credentials,
            # a proxy of the environment has no business between us and the model on this machine
            "http_client": await http_client(tls=tls, proxies=not embedded),
        }
        if self.provider == "azure":
            return AsyncAzureOpenAI(azure_endpoint=base_url or "", api_version=self.api_version, **shared)
        return AsyncOpenAI(base_url=base_url, **shared)

    def _own_words(self, error: APIStatusError) -> str:
        """Return what the provider said, less the key and anything that looks like one."""
        words, key = _words(error), self.api_key.get_secret_value() if self.api_key else ""
        return _KEYS.sub("[key]", words.replace(key, "[key]") if len(key) >= 8 else words)

    def _refusal(self, error: APIStatusError, model: str, tries: str) -> WorkbenchError:
        words = self._own_words(error)
        facts: dict[str, Any] = {"endpoint": self.name, "status": error.status_code, "provider_text": words}
        said = f"{self.name} says: {error.status_code}: {words}"
        if _is_filtered(error):
            return ContentFiltered(f"The provider's content filter refused the request. {said}", **facts)
        if _is_too_long(error):
            advice = "Nothing is cut in silence: shorten it, or choose a model with a longer context."
            return PromptTooLong(f"The prompt does not fit the model's context. {advice} {said}", **facts)
        if _NO_PICTURES.search(words):
            advice = "Give a model that takes them, or tell in words what is to be seen."
            return NoPictures(f"{model} takes no pictures, and the prompt has one. {advice} {said}", **facts)
        if error.status_code in (401, 403):
            wrong = "The API key was not accepted: check" if self.api_key else "No API key is set: set"
            return WrongKey(f"{wrong} OPENAI_API_KEY or WORKBENCH_API_KEY. {said}", **facts)
        if error.status_code == 404:
            return UnknownModel(
                f"There is no model {model!r} here: check WORKBENCH_MODEL (of embeddings, WORKBENCH_EMBEDDING_MODEL) "
                f"and the address. {said}",
                **facts,
            )
        if may_pass(error):
            return ModelUnreachable(f"No answer after {tries}. {said}", **facts)
        return RequestRefused(f"The request was refused. {said}", **facts)


def _split_credentials(address: str | None) -> tuple[str | None, dict[str, str]]:
    """Return an address without the `name:password@` in it, and those as the header that they stand for."""
    parts = urlsplit(address or "")
    if not address or parts.username is None:
        return address, {}
    plain = f"{unquote(parts.username)}:{unquote(parts.password or '')}".encode()
    host = parts.netloc.rpartition("@")[2]
    header = {"Authorization": f"Basic {base64.b64encode(plain).decode()}"}
    return urlunsplit(parts._replace(netloc=host)), header


def _per_minute(rate: float | None) -> AsyncLimiter | None:
    if rate is None:
        return None
    from aiolimiter import AsyncLimiter

    return AsyncLimiter(rate, 60)


def _with_a_choice(data: Any) -> dict[str, Any]:
    """Return an answer's JSON where it has what an answer needs.

    Raises:
        NoAnswer: it has not.
    """
    completion = data
    if isinstance(data, str):  # a server that does not say that it is JSON
        with suppress(ValueError):
            completion = json.loads(data)
    choices = _part(completion, "choices")
    if not (isinstance(choices, list) and choices and isinstance(_part(choices[0], "message"), dict)):
        raise NoAnswer(f"an answer without a choice: {_beginning(data)}")
    return completion  # type: ignore[no-any-return]  # it has choices


def _read_completion(completion: Mapping[str, Any]) -> Answer:
    choice, usage = completion["choices"][0], _usage(completion.get("usage"))
    message, reason = choice["message"], choice.get("finish_reason")
    refusal = message.get("refusal")
    if reason == "content_filter" or refusal:
        said = refusal or message.get("content")
        raise ContentFiltered(f"The answer was refused or cut by the provider: {said!r}", usage=usage)
    model, logprobs = completion.get("model") or "", _logprobs(choice.get("logprobs"))
    return Answer(message.get("content") or "", usage, reason or "stop", model, logprobs)


def _logprobs(told: Any) -> Logprobs | None:
    """Read log-probabilities as far as they are there: a server that does not know them leaves them out."""
    content = _part(told, "content")
    if not isinstance(content, list):
        return None
    own = [{one["token"]: one["logprob"]} for one in content]
    return [
        mine | {other["token"]: other["logprob"] for other in one.get("top_logprobs") or ()}
        for mine, one in zip(own, content, strict=True)
    ]


def _usage(usage: Any) -> Usage:
    """Read a usage as far as it is there: servers leave out any part of it."""
    prompt, completion = (_part(usage, name) or 0 for name in ("prompt_tokens", "completion_tokens"))
    cached = _part(_part(usage, "prompt_tokens_details"), "cached_tokens") or 0
    return Usage(prompt, min(cached, prompt), completion)


def _part(thing: Any, name: str) -> Any:
    """Return a part of JSON, or of what the client made of it; None where it is not there."""
    return thing.get(name) if isinstance(thing, Mapping) else getattr(thing, name, None)


def _beginning(answer: Any) -> str:
    return str(answer.model_dump() if hasattr(answer, "model_dump") else answer)[:500]


def _words(error: APIStatusError) -> str:
    message = error.body.get("message") if isinstance(error.body, dict) else None
    return str(message or error.response.text or error.message)[:2000]


def _is_filtered(error: APIStatusError) -> bool:
    code = error.body.get("code") if isinstance(error.body, dict) else None
    return code in ("content_filter", "content_policy_violation") or "content management policy" in _words(error)


def _is_too_long(error: APIStatusError) -> bool:
    return _TOO_LONG.search(f"{getattr(error, 'code', '')} {_words(error)}") is not None


def _first_line(error: Exception) -> str:
    if isinstance(error, NoAnswer):
        return " ".join(str(error).split())
    cause = f": {error.__cause__}" if error.__cause__ else ""
    return f"{type(error).__name__}{cause}".splitlines()[0]
