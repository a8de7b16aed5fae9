"""The values of a call: the request as it is asked, the answer as it came, the reply as its caller reads it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any, Generic, TypeVar

Message = dict[str, Any]
"""`{"role": ..., "content": text or a list of text and image parts}`, as in the OpenAI protocol."""

Logprobs = list[dict[str, float]]
"""For each token of an answer the likeliest tokens at its place with their log-probabilities, its own first."""

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Usage:
    """The tokens of one or more calls."""

    prompt: int = 0
    cached: int = 0
    """Prompt tokens that the provider had in its prefix cache."""
    completion: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(self.prompt + other.prompt, self.cached + other.cached, self.completion + other.completion)

    @property
    def total(self) -> int:
        """Prompt and completion tokens together."""
        return self.prompt + self.completion


@dataclass(frozen=True)
class Request:
    """Everything that can change an answer. Equal requests have equal keys, whichever process makes them."""

    endpoint: str
    model: str
    messages: list[Message]
    schema: dict[str, Any] | None = None
    sampling: dict[str, Any] = field(default_factory=dict)
    seed: int | None = None
    sample: int = 0
    kind: str = "chat"
    """`chat`; `embedding`: the messages are texts; `likelihood`: the messages are a context and a text."""

    @cached_property
    def canonical(self) -> str:
        """The request as JSON with sorted keys: what is hashed, and what a recording shows."""
        fields = {
            "endpoint": self.endpoint,
            "kind": self.kind,
            "messages": self.messages,
            "model": self.model,
            "sample": self.sample,
            "sampling": {name: _plain(value) for name, value in self.sampling.items()},
            "schema": self.schema,
            "seed": self.seed,
        }
        return json.dumps(fields, ensure_ascii=False, sort_keys=True, separators=(",", ":"))

    @cached_property
    def key(self) -> str:
        """SHA-256 of the canonical request, in hex: the name of the call everywhere."""
        return hashlib.sha256(self.canonical.encode("utf-8", "surrogatepass")).hexdigest()

    @property
    def estimated_tokens(self) -> int:
        """The prompt's length in tokens, as far as it can be known before it is sent."""
        schema = json.dumps(self.schema) if self.schema else ""
        return estimate_tokens(schema) + sum(estimate_tokens(text_of(m)) + 4 for m in self.messages)


@dataclass(frozen=True)
class Answer:
    """What an endpoint answered, as it came."""

    text: str
    usage: Usage = Usage()
    finish_reason: str = "stop"
    model: str = ""
    """The model that the endpoint says answered, which may be a dated version of the one asked for."""
    logprobs: Logprobs | None = None
    """Where they were asked for and the endpoint gives them."""

    def to_json(self) -> dict[str, Any]:
        """Return what the call cache keeps."""
        kept = {**vars(self), "usage": asdict(self.usage)}
        return kept if self.logprobs is not None else {name: kept[name] for name in kept if name != "logprobs"}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Answer:
        """Read what the call cache kept."""
        return cls(**{**data, "usage": Usage(**data["usage"])})


@dataclass(frozen=True)
class Reply(Generic[Value]):
    """What `LLM.complete` returns."""

    text: str
    value: Value
    """The validated object when a schema was asked for; else None."""
    usage: Usage
    cached: bool
    """True when nothing was sent: every round came from the call cache."""
    call: str
    """The key of the call, under which the cache and the run file know it."""
    logprobs: Logprobs | None = None
    """Where they were asked for (`logprobs=True, top_logprobs=20`) and the endpoint gives them."""


def asked_of(system: str, user: str | list[dict[str, Any]]) -> list[Message]:
    """Return the two messages of a request: what stays, and what is asked."""
    return [{"role": "system", "content": system}, {"role": "user", "content": user}]


def text_of(message: Message) -> str:
    """Return the words of a message, whatever parts it has."""
    content = message.get("content") or ""
    if isinstance(content, str):
        return content
    return "\n".join(part["text"] for part in content if part["type"] == "text")


def _plain(value: Any) -> Any:
    """A whole number is one number, however it is written: a temperature of 1 and of 1.0 are one request."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def estimate_tokens(text: str) -> int:
    """Estimate how many tokens a text is: a quarter of its UTF-8 bytes, which also holds for other scripts.

    >>> estimate_tokens("Would you buy it?")
    5
    """
    return -(-len(text.encode("utf-8", "surrogatepass")) // 4)
