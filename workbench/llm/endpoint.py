"""One endpoint: its client, and one request sent to it until it is answered or clearly refused."""

from __future__ import annotations

import asyncio
import logging
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from pydantic import SecretStr

from workbench.errors import (
    ContentFiltered,
    ModelUnreachable,
    PromptTooLong,
    RequestRefused,
    UnknownModel,
    WorkbenchError,
    WrongKey,
)
from workbench.llm.calls import Answer, Request, Usage
from workbench.llm.dialect import Dialect
from workbench.llm.retries import attempts
from workbench.settings import Provider

if TYPE_CHECKING:
    from aiolimiter import AsyncLimiter
    from openai import APIStatusError, AsyncOpenAI
    from openai.types.chat import ChatCompletion

_log = logging.getLogger("workbench")
_DIALECTS: dict[tuple[str, str], Dialect] = {}
_TOO_LONG = re.compile(
    r"context_length_exceeded|exceed_context_size|maximum context length|context size", re.IGNORECASE
)
_KEYS = re.compile(r"\b(sk|key|Bearer)[-_ ][\w.*-]{6,}")


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
    base_url: str | None
    api_key: SecretStr | None
    api_version: str
    limits: Limits = Limits()
    _lanes: WeakKeyDictionary[asyncio.AbstractEventLoop, _Lane] = field(default_factory=WeakKeyDictionary, repr=False)

    @property
    def name(self) -> str:
        """What the call cache knows the endpoint by: its address, or `embedded` on whatever port."""
        if self.provider == "embedded":
            return "embedded"
        return (self.base_url or "https://api.openai.com/v1").rstrip("/")

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
        if request.kind == "embedding":
            raise ValueError("an embedding request goes to `embed`")
        completion: ChatCompletion = await self._until_answered(request, self._complete)
        return _read_completion(completion, self.name)

    async def embed(self, texts: list[str], model: str) -> tuple[list[list[float]], Usage]:
        """Return the embeddings of texts, in their order.

        Raises:
            ModelError: as `ask`.
        """
        request = Request(self.name, model, [{"role": "user", "content": text} for text in texts], kind="embedding")
        answer = await self._until_answered(request, self._embed)
        vectors = [item.embedding for item in sorted(answer.data, key=lambda item: item.index)]
        return vectors, Usage(prompt=answer.usage.prompt_tokens if answer.usage else 0)

    async def _until_answered(self, request: Request, send: Any) -> Any:
        import openai

        lane = self._lane()
        limits = self.limits
        try:
            async for attempt in attempts(max_tries=limits.max_tries, max_wait=limits.max_wait, backoff=limits.backoff):
                with attempt:
                    await self._wait_for_limits(lane, request)
                    async with lane.slots:
                        return await send(await self._client(lane), request)
        except openai.APIStatusError as error:
            raise self._refusal(error, request.model) from error
        except openai.APIError as error:
            tries = limits.max_tries
            raise ModelUnreachable(
                f"{self.name} did not answer ({_first_line(error)}), after up to {tries} tries or "
                f"{limits.max_wait:g} s. Is the server running, and is the address right?",
                endpoint=self.name,
            ) from error

    async def _complete(self, client: AsyncOpenAI, request: Request) -> ChatCompletion:
        import openai

        dialect = self.dialect(request.model)
        while True:
            arguments = dialect.arguments(request)
            try:
                completion: ChatCompletion = await client.chat.completions.create(**arguments)
                return completion
            except (openai.BadRequestError, openai.UnprocessableEntityError) as error:
                named = error.body.get("param") if isinstance(error.body, dict) else None
                known = set(dialect.refused)
                final = _is_filtered(error) or _is_too_long(error)
                if final or not dialect.learn(arguments, named, _own_words(error)):
                    raise
                self._tell(dialect, dialect.refused - known, request.model, _own_words(error))
            except openai.APIConnectionError:
                if self.provider == "embedded":
                    self._lane().client = None  # its owner has ended: the next try starts or joins another
                raise

    def _tell(self, dialect: Dialect, names: set[str], model: str, words: str) -> None:
        """Say once what a model does not take: a run without the temperature that was chosen is another run."""
        for name in names:
            if name != "max_tokens" or dialect.tokens_name in dialect.refused:
                _log.warning("%s at %s does not take %s; it is left out from now on. %s", model, self.name, name, words)

    async def _embed(self, client: AsyncOpenAI, request: Request) -> Any:
        texts = [message["content"] for message in request.messages]
        return await client.embeddings.create(model=request.model, input=texts, encoding_format="float")

    def _lane(self) -> _Lane:
        loop = asyncio.get_running_loop()
        if loop not in self._lanes:
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
        base_url, timeout = self.base_url, self.limits.timeout
        if self.provider == "azure":
            return AsyncAzureOpenAI(
                azure_endpoint=base_url or "",
                api_key=key,
                api_version=self.api_version,
                timeout=timeout,
                max_retries=0,
            )
        if self.provider == "embedded":
            from workbench.llm import embedded

            connection = await embedded.connect(self.model)
            base_url, key = connection.base_url, connection.api_key.get_secret_value()
        return AsyncOpenAI(base_url=base_url, api_key=key, timeout=timeout, max_retries=0)

    def _refusal(self, error: APIStatusError, model: str) -> WorkbenchError:
        words = _own_words(error)
        facts: dict[str, Any] = {"endpoint": self.name, "status": error.status_code, "provider_text": words}
        said = f"{self.name} says: {error.status_code}: {words}"
        if _is_filtered(error):
            return ContentFiltered(f"The provider's content filter refused the request. {said}", **facts)
        if _is_too_long(error):
            advice = "Nothing is cut in silence: shorten it, or choose a model with a longer context."
            return PromptTooLong(f"The prompt does not fit the model's context. {advice} {said}", **facts)
        if error.status_code in (401, 403):
            return WrongKey(f"The API key was not accepted: check OPENAI_API_KEY or WORKBENCH_API_KEY. {said}", **facts)
        if error.status_code == 404:
            return UnknownModel(
                f"There is no model {model!r} here: check WORKBENCH_MODEL and the address. {said}", **facts
            )
        if error.status_code in (408, 409, 429) or error.status_code >= 500:
            return ModelUnreachable(f"No answer after up to {self.limits.max_tries} tries. {said}", **facts)
        return RequestRefused(f"The request was refused. {said}", **facts)


def _per_minute(rate: float | None) -> AsyncLimiter | None:
    if rate is None:
        return None
    from aiolimiter import AsyncLimiter

    return AsyncLimiter(rate, 60)


def _read_completion(completion: ChatCompletion, endpoint: str) -> Answer:
    if not completion.choices:
        raise RequestRefused(f"{endpoint} answered without a choice: {completion.model_dump_json()[:500]}")
    choice = completion.choices[0]
    refusal = getattr(choice.message, "refusal", None)
    if choice.finish_reason == "content_filter" or refusal:
        raise ContentFiltered(f"The answer was refused or cut by the provider: {refusal or choice.message.content!r}")
    return Answer(choice.message.content or "", _usage(completion), choice.finish_reason or "stop", completion.model)


def _usage(completion: ChatCompletion) -> Usage:
    if not (usage := completion.usage):
        return Usage()
    cached = getattr(usage.prompt_tokens_details, "cached_tokens", None) or 0
    return Usage(usage.prompt_tokens, min(cached, usage.prompt_tokens), usage.completion_tokens)


def _own_words(error: APIStatusError) -> str:
    """Return what the provider said, less anything that looks like a key."""
    message = error.body.get("message") if isinstance(error.body, dict) else None
    return _KEYS.sub("[key]", str(message or error.response.text or error.message)[:2000])


def _is_filtered(error: APIStatusError) -> bool:
    code = error.body.get("code") if isinstance(error.body, dict) else None
    return code in ("content_filter", "content_policy_violation") or "content management policy" in _own_words(error)


def _is_too_long(error: APIStatusError) -> bool:
    return _TOO_LONG.search(f"{getattr(error, 'code', '')} {_own_words(error)}") is not None


def _first_line(error: Exception) -> str:
    cause = f": {error.__cause__}" if error.__cause__ else ""
    return f"{type(error).__name__}{cause}".splitlines()[0]
