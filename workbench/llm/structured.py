"""Answers of a given shape: the schema as endpoints want it, and the answer read back without loss."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

Model = TypeVar("Model", bound=BaseModel)

_FENCE = re.compile(r"```(?:json)?\s*(.*?)```", re.DOTALL)
_OBJECT = re.compile(r'\{\s*["}]')
HALF_PAIR = re.compile("[\ud800-\udfff]")
_DECODER = json.JSONDecoder(strict=False)


class NotOfSchema(ValueError):
    """An answer that is not of its schema; the message is what the model is told."""


def schema_of(model: type[BaseModel]) -> dict[str, Any]:
    """Return the JSON schema of a model in the form that strict endpoints want.

    Every object names all its keys as required and allows no other, unless it is open (a mapping of free keys).
    """
    tightened: dict[str, Any] = _tighten(model.model_json_schema())
    return tightened


def _tighten(node: Any) -> Any:
    if isinstance(node, list):
        return [_tighten(item) for item in node]
    if not isinstance(node, dict):
        return node
    kept = {key: _tighten(value) for key, value in node.items() if key not in ("title", "default", "uniqueItems")}
    if "properties" in node:
        kept["properties"] = {name: _tighten(child) for name, child in node["properties"].items()}
        kept |= {"required": list(kept["properties"]), "additionalProperties": False}
    return kept


def is_strict(schema: Mapping[str, Any]) -> bool:
    """Return whether strict mode can hold the schema: it can not hold free keys, values of any type, and tuples.

    See https://platform.openai.com/docs/guides/structured-outputs, "Supported schemas".
    """
    return not any(_is_loose(node) for node in _nodes(schema))


def _nodes(schema: Any) -> Iterator[Mapping[str, Any]]:
    """Yield a schema and all that are inside of it."""
    if isinstance(schema, Mapping):
        yield schema
    for child in schema.values() if isinstance(schema, Mapping) else schema if isinstance(schema, list) else ():
        yield from _nodes(child)


def _is_loose(node: Mapping[str, Any]) -> bool:
    inner = [*node.get("properties", {}).values()] if isinstance(node.get("properties"), Mapping) else []
    anything = node.get("items") == {} or (node.get("type") == "array" and "items" not in node) or {} in inner
    return anything or "prefixItems" in node or node.get("additionalProperties") not in (None, False)


def read(text: str, model: type[Model]) -> Model:
    """Read an answer as an object of the model.

    The text is parsed as it is; only where that fails is the JSON looked for in a code fence or between prose.
    Nothing is repaired by guessing, so that what a person said comes through to the byte.

    Raises:
        NotOfSchema: it is not of the schema.
    """
    try:
        return model.model_validate(_parse(text))
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'the answer'}: {e['msg']}" for e in error.errors())
        raise NotOfSchema(wrong) from error


def _parse(text: str) -> Any:
    problem: Exception | None = None
    for candidate in _candidates(text):
        try:
            value, _ = _DECODER.raw_decode(candidate)
        except (ValueError, RecursionError) as error:  # small models open brackets without end
            problem = problem or error
            continue
        if HALF_PAIR.search(json.dumps(value, ensure_ascii=False)):
            raise NotOfSchema("it has half of a surrogate pair (an escape \\ud800 to \\udfff on its own)")
        return value
    raise NotOfSchema(f"it is not JSON: {problem or 'there is no { in it'}")


def _candidates(text: str) -> list[str]:
    whole = text.strip()
    if _OBJECT.match(whole):
        return [whole]
    fenced = [match.group(1).strip() for match in _FENCE.finditer(text)]
    candidates = [candidate for candidate in fenced if candidate.startswith("{")]
    for brace in (match.start() for match in _OBJECT.finditer(whole)):
        if whole.count("{", 0, brace) == whole.count("}", 0, brace):  # after `{name}` in prose, not inside an object
            candidates.append(whole[brace:])
            break
    return candidates or ([whole[whole.index("{") :]] if "{" in whole else [])
