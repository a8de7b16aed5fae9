"""`LLM`: the one way to a model. It joins the endpoint, the call cache, the meter and the budgets."""

from __future__ import annotations

import asyncio
import copy
import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar, cast, overload

from pydantic import BaseModel, SecretStr

from workbench.errors import AnswerTooLong, ContentFiltered, InvalidSettings, UnreadableAnswer
from workbench.llm.cache import CallCache
from workbench.llm.calls import Answer, Message, Reply, Request, Usage
from workbench.llm.choosing import checked_budgets, chosen_endpoint, opened_cache
from workbench.llm.endpoint import Limits
from workbench.llm.meter import Budget, Hold, Meter, Price, cost_of, price_of
from workbench.llm.structured import HALF_PAIR, NotOfSchema, read, schema_of
from workbench.settings import CacheMode, Provider, load_settings

if TYPE_CHECKING:
    import numpy as np

Value = TypeVar("Value", bound=BaseModel)
WhenCut = Literal["repair", "take", "raise"]

EMBEDDED_TIMEOUT = 600.0
"""Seconds: other processes of this user share the one slot."""
REPAIR_ROUNDS = 2
KEY_BYTES = 32


class LLM:
    """A model to think with: the embedded one out of the box, any OpenAI-compatible endpoint when one is set.

    What is not given comes from the settings: `WORKBENCH_*`, `OPENAI_API_KEY`, `OPENAI_BASE_URL`, `.env`.

    Args:
        model: its name.
        base_url: the endpoint's address, such as `http://localhost:8000/v1`.
        api_key: the key; it is kept as a secret and shown nowhere.
        provider: `openai` (also vLLM, Ollama, llama.cpp ...), `azure` or `embedded`; found out when not given.
        cache: a `CallCache`, a mode (`use`, `refresh`, `off`, `replay`), a folder, or a recording (`*.jsonl`), which
            also says which endpoint and model it was made with.
        concurrency: how many requests may be under way at once; 32, or 1 for the embedded model, when not given.
        budget: what may be spent.
        temperature: 0-2; the endpoint's own default when not given.
        max_tokens: the longest answer, in tokens.
        timeout: seconds that one request may take.
        max_tries: how often one request is sent before it counts as failed.
        max_wait: seconds after which a failing request is not tried again.
        backoff: seconds; the first wait between two tries is a random part of it, then it doubles.
        requests_per_minute: a limit of the provider's; none when not given.
        tokens_per_minute: likewise, for prompt tokens.

    Raises:
        InvalidSettings: a value that cannot be.
        StorageError: the call cache cannot be used.

    >>> LLM("gpt-4.1-mini", api_key="sk-not-shown", cache="off")
    LLM('gpt-4.1-mini', endpoint='https://api.openai.com/v1', cache='off')
    """

    def __init__(
        self,
        model: str | None = None,
        base_url: str | None = None,
        api_key: str | SecretStr | None = None,
        provider: Provider | None = None,
        *,
        cache: CallCache | CacheMode | str | Path | None = None,
        concurrency: int | None = None,
        budget: Budget | None = None,
        temperature: float | None = None,
        max_tokens: int | None = None,
        timeout: float | None = None,
        max_tries: int | None = None,
        max_wait: float | None = None,
        backoff: float = 0.5,
        requests_per_minute: float | None = None,
        tokens_per_minute: float | None = None,
    ) -> None:
        self.cache = opened_cache(cache if cache is not None else load_settings().cache)
        if (made := self.cache.made_with) and not (model or base_url or provider):
            model, base_url = made["model"], made["endpoint"]
            provider = made.get("provider") or ("embedded" if base_url.startswith("embedded") else "openai")
            temperature = made.get("temperature") if temperature is None else temperature
            max_tokens = made.get("max_tokens") if max_tokens is None else max_tokens
        settings = load_settings(
            concurrency=concurrency,
            temperature=temperature,
            max_tokens=max_tokens,
            timeout=timeout,
            max_tries=max_tries,
            max_wait=max_wait,
            requests_per_minute=requests_per_minute,
            tokens_per_minute=tokens_per_minute,
        )
        if not backoff > 0:
            raise InvalidSettings(f"backoff={backoff!r}: it has to be more than 0")
        self.endpoint = chosen_endpoint(settings, model, base_url, api_key, provider)
        alone = self.is_embedded  # one slot on this machine: what waits for it, waits here
        self.endpoint.limits = Limits(
            concurrency=1 if alone and concurrency is None else settings.concurrency,
            timeout=EMBEDDED_TIMEOUT if alone and timeout is None else settings.timeout,
            max_tries=settings.max_tries,
            max_wait=settings.max_wait,
            backoff=backoff,
            requests_per_minute=settings.requests_per_minute,
            tokens_per_minute=settings.tokens_per_minute,
        )
        self.temperature = settings.temperature
        self.max_tokens = settings.max_tokens
        self._used = bytearray()  # the keys of all calls, 32 bytes each: a set of texts would be seven times as large
        self.meter = Meter()
        self._meters: tuple[Meter, ...] = (self.meter,)
        self._budgets: tuple[Budget, ...] = checked_budgets(budget)
        self._gates: tuple[asyncio.Semaphore, ...] = ()
        self._prices = settings.prices
        price_of(self.model, self._prices)  # a table that cannot be read is told here, not in the middle of a run
        self._embedding_model = settings.embedding_model

    def __repr__(self) -> str:
        return f"LLM({self.model!r}, endpoint={self.endpoint.name!r}, cache={self.cache.mode!r})"

    @property
    def model(self) -> str:
        """The model's name."""
        return self.endpoint.model

    @property
    def is_embedded(self) -> bool:
        """True for the small model on this machine, which takes short turns and is not to be believed."""
        return self.endpoint.provider == "embedded"

    @property
    def caveat(self) -> str:
        """What has to be said beside every result of this model; nothing for a model that may be believed."""
        if not self.is_embedded:
            return ""
        return (
            f"All of this was said, scored and extracted by {self.model}, the small model in the process. It shows "
            "the machinery and means nothing about people: for results to be believed, use a larger model."
        )

    @property
    def embedding_name(self) -> str:
        """What makes the embeddings: vectors of two names cannot be compared."""
        from workbench.llm import sentence_encoder

        model = self._embedding_model
        return f"{self.endpoint.name} {model}" if model else sentence_encoder.NAME

    @property
    def price(self) -> Price | None:
        """The model's price, or None where none is known."""
        return price_of(self.model, self._prices)

    def metered(self, budget: Budget | None = None) -> LLM:
        """Return the same model with a meter of its own, which counts here too, and perhaps one more budget."""
        view = copy.copy(self)
        view.meter = Meter()
        view._meters = (*self._meters, view.meter)
        view._budgets = (*self._budgets, *checked_budgets(budget))
        return view

    @contextmanager
    def under(self, budget: Budget | None = None, gate: asyncio.Semaphore | None = None) -> Iterator[None]:
        """Put this model under one more budget, and one more limit of requests under way, for as long as it lasts."""
        before = self._budgets, self._gates
        self._budgets = (*self._budgets, *checked_budgets(budget))
        self._gates = (*self._gates, *([gate] if gate else []))
        try:
            yield
        finally:
            self._budgets, self._gates = before

    @overload
    async def complete(
        self,
        messages: Sequence[Message],
        schema: None = None,
        *,
        purpose: str,
        person: str | None = None,
        sample: int = 0,
        seed: int | None = None,
        when_cut: WhenCut = "repair",
        **sampling: Any,
    ) -> Reply[None]: ...
    @overload
    async def complete(
        self,
        messages: Sequence[Message],
        schema: type[Value],
        *,
        purpose: str,
        person: str | None = None,
        sample: int = 0,
        seed: int | None = None,
        when_cut: WhenCut = "repair",
        **sampling: Any,
    ) -> Reply[Value]: ...
    async def complete(
        self,
        messages: Sequence[Message],
        schema: type[BaseModel] | None = None,
        *,
        purpose: str,
        person: str | None = None,
        sample: int = 0,
        seed: int | None = None,
        when_cut: WhenCut = "repair",
        **sampling: Any,
    ) -> Reply[Any]:
        """Ask the model once; from the call cache where the same was asked before.

        Args:
            messages: as in the OpenAI protocol, with text and image parts.
            schema: a pydantic model that the answer must be an object of.
            purpose: what the call is for, in a word: the meter's heading.
            person: whom it is for, where it is for one.
            sample: the number of the replicate; another number is another draw.
            seed: passed to the endpoint where it takes one, and part of the cache key.
            when_cut: what becomes of an answer that ends at the token limit: it is asked for again, shorter (`repair`),
                taken where it has no schema (`take`), or refused at once (`raise`), for those who can ask for less.
            **sampling: `temperature`, `max_tokens`, `top_p` ... over those of this `LLM`.

        Raises:
            UnreadableAnswer: not of the schema after two repair rounds, or cut at the token limit.
            AnswerTooLong: cut at the token limit, where `when_cut` is `raise`.
            ModelError: the endpoint failed or refused; see `workbench.errors`.
            BudgetSpent: the call could break a budget; nothing was sent.
            CacheMiss: in mode `replay`.
        """
        asked = list(messages)
        usage, cached, rounds = Usage(), True, list[Request]()
        for remaining in range(REPAIR_ROUNDS, -1, -1):
            rounds.append(self._request(asked, schema, sample, seed, sampling))
            answer, paid = await self._answer(rounds[-1], purpose, person)
            usage, cached = usage + answer.usage, cached and not paid
            try:
                value = _value(answer, schema, when_cut)
                break
            except NotOfSchema as problem:
                if when_cut == "raise" and answer.finish_reason == "length":
                    raise _unreadable(AnswerTooLong, answer, problem, purpose, person, rounds) from problem
                if schema is None or not remaining:
                    self.forget(request.key for request in rounds)
                    raise _unreadable(UnreadableAnswer, answer, problem, purpose, person, rounds) from problem
                asked = [*asked, *_repair(answer, problem, schema)]
        if len(rounds) > 1 and self.cache.mode != "replay":
            self.cache.keep(rounds[0], answer)  # one key then has the whole call, for replays and recordings
        self.mark_used(rounds[0].key)
        return Reply(answer.text, value, usage, cached, rounds[0].key, answer.logprobs)

    def forget(self, keys: Iterable[str]) -> None:
        """Drop calls whose answers were of no use: the same failure would come back from the cache for ever."""
        if self.cache.mode == "replay":
            return
        dropped = set(keys)
        self.cache.forget(dropped)
        self._used[:] = b"".join(bytes.fromhex(key) for key in self._used_keys() if key not in dropped)

    def _used_keys(self) -> Iterator[str]:
        return (self._used[at : at + KEY_BYTES].hex() for at in range(0, len(self._used), KEY_BYTES))

    def mark_used(self, key: str) -> None:
        """Remember a call for `export`."""
        self._used.extend(bytes.fromhex(key))

    def export(self, path: str | Path) -> int:
        """Write a recording of all that was asked here so far, for others: `LLM(cache=path)` needs no model and no key.

        Args:
            path: the JSONL file, replaced only when all is written.

        Returns:
            how many calls were written.
        """
        made_with = {
            "provider": self.endpoint.provider,
            "endpoint": self.endpoint.name,
            "model": self.model,
            "temperature": self.temperature,
            "max_tokens": self.max_tokens,
        }
        return self.cache.export(path, self._used_keys(), made_with)

    async def embed(self, texts: Sequence[str], *, purpose: str = "embedding") -> np.ndarray[Any, Any]:
        """Return the embeddings of texts, shape (n, dimensions), each of length 1; cached like calls.

        The endpoint's model where `WORKBENCH_EMBEDDING_MODEL` is set, else the embedded sentence encoder.
        """
        from workbench.llm.embeddings import embed

        return await embed(self, list(texts), self._embedding_model, purpose)

    def _request(
        self,
        messages: list[Message],
        schema: type[BaseModel] | None,
        sample: int,
        seed: int | None,
        given: dict[str, Any],
    ) -> Request:
        sampling: dict[str, Any] = {"max_tokens": self.max_tokens}
        if self.is_embedded:
            from workbench.llm.embedded import SAMPLING

            sampling |= SAMPLING | {"max_tokens": min(self.max_tokens, SAMPLING["max_tokens"])}
        if self.temperature is not None:
            sampling["temperature"] = self.temperature
        longest = given.get("max_tokens") or given.get("max_completion_tokens") or sampling["max_tokens"]
        sampling |= {name: value for name, value in given.items() if name != "max_completion_tokens"}
        sampling["max_tokens"] = longest  # always there, under one name: budgets count with it, `Dialect` renames it
        return Request(
            endpoint=self.endpoint.identity,
            model=self.model,
            messages=messages,
            schema=_schema(schema) if schema else None,
            sampling={name: value for name, value in sampling.items() if value is not None},
            seed=seed,
            sample=sample,
        )

    async def _answer(self, request: Request, purpose: str, person: str | None) -> tuple[Answer, bool]:
        async def ask() -> Answer:
            return await self.pay(request, lambda: self.endpoint.ask(request), purpose, person)

        answer, paid = await self.cache.answer(request, ask)
        if not paid:
            self.count_cached(purpose, person, request.model)
        return answer, paid

    def count_cached(self, purpose: str, person: str | None, model: str) -> None:
        """Count a call that the cache answered."""
        for meter in self._meters:
            meter.add_cached(purpose, person, model)

    async def pay(self, request: Request, send: Any, purpose: str, person: str | None) -> Answer:
        """Send a request within the budgets and count what it used."""
        price = price_of(request.model, self._prices)
        holds: list[Hold] = []
        used: Usage | None = None
        try:
            for budget in self._budgets:
                most = Usage(prompt=request.estimated_tokens, completion=request.sampling.get("max_tokens", 0))
                holds.append(await budget.hold(most, cost_of(most, price), request.model))
            async with AsyncExitStack() as gates:
                for gate in self._gates:
                    await gates.enter_async_context(gate)
                answer = cast("Answer", await send())
            used = answer.usage
        except ContentFiltered as error:
            used = error.usage  # refused after it was answered: that is paid for as well
            raise
        finally:
            if used is None:
                for hold in holds:
                    hold.release()
            else:
                usd = cost_of(used, price)
                for hold in holds:
                    hold.settle(used, usd)
                for meter in self._meters:
                    meter.add(purpose, person, request.model, used, usd)
        return answer


@cache
def _schema(model: type[BaseModel]) -> dict[str, Any]:
    return schema_of(model)


def _value(answer: Answer, schema: type[BaseModel] | None, when_cut: WhenCut) -> BaseModel | None:
    if answer.finish_reason == "length" and when_cut != "take":
        raise NotOfSchema(f"it was cut off at the limit of {answer.usage.completion} tokens; it has to be shorter")
    if HALF_PAIR.search(answer.text):
        raise NotOfSchema("it has half of a surrogate pair")
    return read(answer.text, schema) if schema else None


def _repair(answer: Answer, problem: NotOfSchema, schema: type[BaseModel]) -> list[Message]:
    told = f"That answer cannot be used: {problem}. Answer again: the JSON object alone, whole and of the schema."
    if "{" not in answer.text:  # plain talk: an endpoint that ignores `response_format` has not shown the schema
        told += f"\n{json.dumps(_schema(schema))}"
    said = HALF_PAIR.sub("\ufffd", answer.text)  # no request can carry one
    return [{"role": "assistant", "content": said}, {"role": "user", "content": told}]


def _unreadable(
    family: type[UnreadableAnswer],
    answer: Answer,
    problem: NotOfSchema,
    purpose: str,
    person: str | None,
    rounds: Sequence[Request],
) -> UnreadableAnswer:
    whom = f" of {person}" if person else ""
    return family(
        f"The answer for {purpose}{whom} cannot be used after {len(rounds)} round(s): {problem}. It began: "
        f"{answer.text[:200]!r}. The whole text is in the error's `text`; a larger model or more max_tokens may help.",
        text=answer.text,
        purpose=purpose,
        person=person,
        call=rounds[-1].key,
    )


@cache
def default_llm() -> LLM:
    """Return the model that is used where none is given: one a process, from the settings."""
    return LLM()
