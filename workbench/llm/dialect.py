"""What an endpoint accepts, found out from its refusals and remembered: one dialect for an endpoint and model."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from workbench.llm.calls import Message, Request
from workbench.llm.structured import is_strict

Rung = Literal["grammar", "json_schema", "json_object", "text"]

_UNSUPPORTED = re.compile(r"support(?!s)|unrecogni|unknown|unexpected|permitted|forbidden|allowed|\bonly\b|deprecated")
_VALUE = re.compile(
    r"too (large|small|big|high|low|long)|(maximum|minimum) value|(less|greater|more) than|at (least|most)\b"
    r"|out of range|must be (in|between|positive|non-negative|an?)\b|invalid type|expected an? "
    r"|valid (number|integer|boolean|string)"
)
"""A parameter that the endpoint takes, with another value: to drop it would be to do something else in silence."""

TokensName = Literal["max_tokens", "max_completion_tokens"]
_OTHER_NAME: dict[str, TokensName] = {"max_tokens": "max_completion_tokens", "max_completion_tokens": "max_tokens"}
_SHAPE_WORDS = ("response_format", "json_schema", "json_object", "structured output", "grammar", "guided")


@dataclass
class Dialect:
    """How a request is put to one endpoint and model.

    Shapes are tried from the top: `json_schema`, then `json_object` with the schema in the prompt, then plain
    text with the schema in the prompt. A parameter that the endpoint refuses by name is left out from then on.
    """

    ladder: list[Rung] = field(default_factory=lambda: ["json_schema", "json_object", "text"])
    refused: set[str] = field(default_factory=set)
    strict: bool = True
    tokens_name: TokensName = "max_tokens"

    def arguments(self, request: Request) -> dict[str, Any]:
        """Return the body of the request, as it goes over the wire."""
        sampling = dict(request.sampling)
        if "max_tokens" in sampling:
            sampling[self.tokens_name] = sampling.pop("max_tokens")
        if request.seed is not None:
            sampling["seed"] = (request.seed + request.sample) % 2**31
        kept = {name: value for name, value in sampling.items() if name not in self.refused and value is not None}
        arguments: dict[str, Any] = {"model": request.model, "messages": list(request.messages), **kept}
        if request.schema is not None:
            self._shape(arguments, request.schema)
        return arguments

    def _shape(self, arguments: dict[str, Any], schema: Mapping[str, Any]) -> None:
        rung = self.ladder[0]
        if rung == "grammar":
            from workbench.llm.embedded import grammar

            arguments.update(grammar(dict(schema)))
        elif rung == "json_schema":
            strict = {"strict": True} if self.strict and is_strict(schema) else {}
            shape = {"name": "answer", "schema": schema, **strict}
            arguments["response_format"] = {"type": "json_schema", "json_schema": shape}
        else:
            arguments["messages"] = _with_schema(arguments["messages"], schema)
            if rung == "json_object":
                arguments["response_format"] = {"type": "json_object"}

    def learn(self, sent: Mapping[str, Any], named: str | None, complaint: str) -> bool:
        """Take in a refusal; return whether the same request is worth sending again.

        Args:
            sent: the arguments that were refused.
            named: the parameter that the endpoint names, where it does.
            complaint: the endpoint's own words.
        """
        complaint = complaint.lower()
        if "response_format" in sent and _speaks_of_shape(named, complaint):
            return self._step_down(sent["response_format"])
        if _VALUE.search(complaint) and not _UNSUPPORTED.search(complaint):
            return False
        droppable = [name for name in sent if name not in ("model", "messages", "response_format")]
        if named and named in droppable:
            return self._drop(named)
        spoken = [n for n in droppable if re.search(rf"\b{re.escape(n)}\b", complaint)]
        return self._drop(max(spoken, key=len)) if spoken else False

    def _step_down(self, refused: Mapping[str, Any]) -> bool:
        if refused["type"] != self.ladder[0]:
            return True  # another call has found it out meanwhile
        if "strict" in refused.get("json_schema", {}):
            self.strict = False  # also where another call has found it out: without `strict` is not yet tried
        else:
            self.ladder.pop(0)
        return True

    def _drop(self, name: str) -> bool:
        self.refused.add(name)
        if name in _OTHER_NAME and _OTHER_NAME[name] not in self.refused:
            self.tokens_name = _OTHER_NAME[name]
        return True


def _speaks_of_shape(named: str | None, complaint: str) -> bool:
    return (named or "").startswith("response_format") or any(word in complaint for word in _SHAPE_WORDS)


def _with_schema(messages: list[Message], schema: Mapping[str, Any]) -> list[Message]:
    asked = f"\n\nAnswer with one JSON object and nothing else, of this JSON schema:\n{json.dumps(schema)}"
    *before, last = messages
    content = last["content"]
    longer = content + asked if isinstance(content, str) else [*content, {"type": "text", "text": asked}]
    return [*before, {**last, "content": longer}]
