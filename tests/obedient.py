"""The obedient model: an answer made from the request alone, the same for the same request.

Pure functions and values, no server: what a JSON schema allows, plain talk, embedding vectors, token
probabilities. `model_server` puts them on the wire.
"""

from __future__ import annotations

import hashlib
import json
import math
import random
import re
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.fact_keeping import facts_of, keeping

Schema = dict[str, Any]

_VOCABULARY = """
about after again always answer before better bread brother buy children city cold cook day different dinner
early enough evening every family feel find fresh friend garden give good happy home honest hope house idea
kitchen know later learn less life like little live long love make maybe money more morning mother much need
never new often old order people perhaps place plan price quite really reason remember right season shop simple
soup story summer table taste think time today together tomorrow town trust try usual wait walk want water week
while winter with without word work worry year young
"""
WORDS = tuple(_VOCABULARY.split())
_PAGE = " ".join(random.Random(1).choices(WORDS, k=20_000))
FORMATS = {
    "date": "2024-05-06",
    "date-time": "2024-05-06T07:08:09Z",
    "time": "07:08:09Z",
    "duration": "PT1H",
    "email": "lisa@example.org",
    "hostname": "example.org",
    "ipv4": "127.0.0.1",
    "uri": "https://example.org/",
    "uuid": "00000000-0000-4000-8000-000000000000",
}
TYPES: dict[str, type | tuple[type, ...]] = {"string": str, "integer": int, "number": (int, float), "boolean": bool}
NOT_STRICT = ("allOf", "oneOf", "not", "if", "patternProperties", "default", "minLength", "maxLength", "uniqueItems")
DEEP = 6


@dataclass(frozen=True)
class Reply:
    """One answer of the model; token counts that are None are counted as characters / 4."""

    text: str = ""
    finish_reason: str = "stop"
    refusal: str | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    cached_tokens: int | None = None
    logprobs: Sequence[Mapping[str, float]] | None = None
    """The distribution over tokens at each position, as probabilities: `[{"yes": 0.8, "no": 0.2}]`."""


class Body(dict[str, Any]):
    """A request body that knows the hash of the bytes that carried it."""

    hash: str = ""


@dataclass(frozen=True)
class Obedient:
    """A reply function that does what the request asks for: an instance of its schema, or plain talk."""

    talk: tuple[int, int] = (150, 200)
    """Fewest and most characters of plain answers and of the fields in `talk_fields`."""
    phrase: tuple[int, int] = (15, 40)
    """The same for every other string."""
    talk_fields: frozenset[str] = frozenset({"content", "text", "answer", "story", "justification", "reasoning"})
    prefer: Mapping[str, Any] = field(default_factory=lambda: {"type": "TALK", "target": ""})
    """Field name to value: taken wherever the field's schema allows it."""

    def __call__(self, body: Mapping[str, Any]) -> Reply:
        rng = random.Random(int(body_hash(body)[:16], 16))
        schema = wanted_schema(body)
        if schema is not None:
            made = _Maker(schema, rng, self).make(schema)
            made = keeping(facts_of(body), made) if "facts" in schema.get("properties", ()) else made
            text = json.dumps(made, ensure_ascii=False)
        else:
            text = prose(rng, *self.talk)
            if _format(body) == "json_object":
                text = json.dumps({"answer": text})
        limit = body.get("max_completion_tokens") or body.get("max_tokens")
        if limit and len(text) > 4 * limit:
            return Reply(text[: 4 * limit], finish_reason="length")
        return Reply(text)


obedient = Obedient()


def body_hash(body: bytes | Mapping[str, Any]) -> str:
    """Hash the bytes of a request body; a mapping is written as the OpenAI client writes it."""
    if isinstance(body, Body):
        return body.hash
    raw = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
    return hashlib.sha256(raw).hexdigest()


def prose(rng: random.Random, shortest: int, longest: int) -> str:
    """Write words of `shortest` to `longest` characters that end with a full stop: a piece of one long page."""
    if longest < 1:
        return ""
    length = max(shortest, 1) + int(rng.random() * (longest - max(shortest, 1) + 1))
    start = _PAGE.find(" ", int(rng.random() * (len(_PAGE) - length - 20))) + 1
    cut = _PAGE.rfind(" ", start + max(shortest - 1, 1), start + length)
    return _PAGE[start : start + length - 1 if cut < 0 else cut].capitalize() + "."


def prompt_texts(body: Mapping[str, Any]) -> Iterator[str]:
    """Yield the text of every message, last first; images have none."""
    for message in reversed(body.get("messages") or ()):
        content = message.get("content") or ""
        yield content if isinstance(content, str) else "".join(part.get("text", "") for part in content)


def wanted_schema(body: Mapping[str, Any]) -> Schema | None:
    """Find the schema of the answer: in `response_format`, else the last one written out in the prompt."""
    if _format(body) == "json_schema":
        return body["response_format"]["json_schema"]["schema"]
    return next((schema for text in prompt_texts(body) if (schema := schema_in(text))), None)


def schema_in(text: str) -> Schema | None:
    """Find the first JSON schema of an object that stands in a text."""
    if '"properties"' not in text:
        return None
    decoder, at = json.JSONDecoder(), text.find("{")
    while at >= 0:
        try:
            value, end = decoder.raw_decode(text, at)
        except ValueError:
            end = at + 1
        else:
            if "properties" in value or "$defs" in value:
                return value
        at = text.find("{", end)
    return None


def strict_fault(schema: Any, *, path: tuple[str, ...] = ()) -> str | None:
    """Say why `strict: true` refuses a schema, in OpenAI's words; None if it does not."""
    if not isinstance(schema, dict):
        return None
    where = f"In context={path!r}, "
    if not path and schema.get("type") != "object":
        return f"schema must be a JSON Schema of 'type: \"object\"', got 'type: \"{schema.get('type')}\"'."
    if "$ref" in schema and (others := sorted(schema.keys() - {"$ref", "$defs"})):
        return f"context={path!r}, $ref cannot have keywords {{{others[0]!r}}}."
    if keyword := next((keyword for keyword in NOT_STRICT if keyword in schema), None):
        return f"{where}'{keyword}' is not permitted."
    if schema.get("type") == "object":
        if schema.get("additionalProperties") is not False:
            return f"{where}'additionalProperties' is required to be supplied and to be false."
        missing = [name for name in schema.get("properties", {}) if name not in schema.get("required", ())]
        if missing:
            return (
                f"{where}'required' is required to be supplied and to be an array including every key in properties. "
                f"Missing '{missing[0]}'."
            )
    nested = [((key, name), part) for key in ("$defs", "properties") for name, part in schema.get(key, {}).items()]
    nested += [(("anyOf", str(at)), part) for at, part in enumerate(schema.get("anyOf", ()))]
    nested += [(("items",), schema["items"])] if "items" in schema else []
    return next((fault for step, part in nested if (fault := strict_fault(part, path=(*path, *step)))), None)


def embed(text: str, dimensions: int) -> list[float]:
    """Embed a text as its hashed bag of words, of length one: shared words make texts similar."""
    vector = [0.0] * dimensions
    for word in re.findall(r"\w+", text.lower()) or [""]:
        code = zlib.crc32(word.encode())
        vector[code // 2 % dimensions] += 1.0 if code % 2 else -1.0
    norm = math.sqrt(sum(x * x for x in vector))
    return [x / norm for x in vector] if norm else [1.0] + [0.0] * (dimensions - 1)


def token_logprobs(distributions: Sequence[Mapping[str, float]], text: str, top: int) -> list[dict[str, Any]]:
    """Shape distributions as OpenAI's `logprobs.content`; the chosen token is the one that continues `text`."""

    def entry(token: str, probability: float) -> dict[str, Any]:
        logprob = math.log(probability) if probability > 0 else -9999.0
        return {"token": token, "logprob": logprob, "bytes": list(token.encode())}

    content, at = [], 0
    for distribution in distributions:
        ranked = sorted(distribution.items(), key=lambda item: -item[1])
        chosen = next((item for item in ranked if text.startswith(item[0], at)), ranked[0])
        at += len(chosen[0])
        content.append(entry(*chosen) | {"top_logprobs": [entry(*item) for item in ranked[:top]]})
    return content


def _format(body: Mapping[str, Any]) -> str:
    return (body.get("response_format") or {}).get("type", "text")


def _bounds(schema: Schema, *, margin: float) -> tuple[float, float]:
    low = max(schema.get("minimum", -math.inf), schema.get("exclusiveMinimum", -math.inf) + margin)
    high = min(schema.get("maximum", math.inf), schema.get("exclusiveMaximum", math.inf) - margin)
    return low, high


class _Maker:
    """Makes one instance of a schema; `make` resolves and decides, `_<type>` builds."""

    def __init__(self, root: Schema, rng: random.Random, manner: Obedient) -> None:
        self.root, self.rng, self.manner = root, rng, manner

    def make(self, schema: Schema | bool, name: str = "", depth: int = 0) -> Any:
        schema = self._resolve(schema)
        if name in self.manner.prefer and self._accepts(schema, self.manner.prefer[name]):
            return self.manner.prefer[name]
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return self.rng.choice(schema["enum"])
        if branches := schema.get("anyOf") or schema.get("oneOf"):
            return self.make(self._branch(branches, depth), name, depth)
        build: Callable[[Schema, str, int], Any] = getattr(self, f"_{self._type(schema)}")
        return build(schema, name, depth)

    def _resolve(self, schema: Schema | bool) -> Schema:
        """Follow `$ref` and merge `allOf`, so that one flat schema is left."""
        if isinstance(schema, bool):
            return {}
        while "$ref" in schema or "allOf" in schema:
            rest = {key: value for key, value in schema.items() if key not in ("$ref", "allOf")}
            parts = [self._resolve(part) for part in schema.get("allOf", ())]
            if "$ref" in schema:
                parts.append(self._lookup(schema["$ref"]))
            schema = {key: value for part in [*parts, rest] for key, value in part.items()}
            properties = {key: value for part in [*parts, rest] for key, value in part.get("properties", {}).items()}
            if properties:
                schema["properties"] = properties
        return schema

    def _lookup(self, ref: str) -> Schema:
        found = self.root
        for step in ref.removeprefix("#").strip("/").split("/"):
            found = found[step.replace("~1", "/").replace("~0", "~")] if step else found
        return found

    def _branch(self, branches: Sequence[Schema], depth: int) -> Schema:
        """Choose the first branch that is not null, one that agrees with `prefer` before one that does not."""
        resolved = [self._resolve(branch) for branch in branches]
        nulls = [branch for branch in resolved if branch.get("type") == "null"]
        others = [branch for branch in resolved if branch.get("type") != "null"]
        if not others or (nulls and depth >= DEEP):
            return nulls[0]
        return next((branch for branch in others if self._agrees(branch)), others[0])

    def _agrees(self, branch: Schema) -> bool:
        fixed = ((name, self._resolve(part)) for name, part in branch.get("properties", {}).items())
        choices = ((name, part) for name, part in fixed if "const" in part or "enum" in part)
        prefer = self.manner.prefer
        return all(self._accepts(part, prefer[name]) for name, part in choices if name in prefer)

    def _accepts(self, schema: Schema, value: Any) -> bool:
        if "const" in schema or "enum" in schema:
            return value in schema.get("enum", [schema.get("const")])
        if {"anyOf", "oneOf", "pattern", "format"} & schema.keys():
            return False
        if not isinstance(value, TYPES.get(self._type(schema), ())):
            return False
        if isinstance(value, str):
            return schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", math.inf)
        return schema.get("minimum", -math.inf) <= value <= schema.get("maximum", math.inf)

    def _type(self, schema: Schema) -> str:
        kind = schema.get("type")
        if isinstance(kind, list):
            return next((one for one in kind if one != "null"), "null")
        return kind or ("object" if "properties" in schema else "array" if "items" in schema else "string")

    def _object(self, schema: Schema, _name: str, depth: int) -> dict[str, Any]:
        properties, required = schema.get("properties", {}), schema.get("required", ())
        names = [name for name in properties if depth < DEEP or name in required]
        made = {name: self.make(properties[name], name, depth + 1) for name in names}
        more = schema.get("additionalProperties", True)
        while len(made) < schema.get("minProperties", 0):
            made[f"key {len(made) + 1}"] = self.make(more, "", depth + 1)
        return made

    def _array(self, schema: Schema, _name: str, depth: int) -> list[Any]:
        fixed = schema.get("prefixItems", ())
        fewest = max(schema.get("minItems", 0), 0 if depth >= DEEP else 1, len(fixed))
        length = min(fewest, schema.get("maxItems", fewest))
        made: list[Any] = []
        for at in range(length):
            part = fixed[at] if at < len(fixed) else schema.get("items", {})
            value = self.make(part, "", depth + 1)
            for _ in range(50 if schema.get("uniqueItems") else 0):
                if value not in made:
                    break
                value = self.make(part, "", depth + 1)
            made.append(value)
        return made

    def _string(self, schema: Schema, name: str, _depth: int) -> str:
        if schema.get("format") in FORMATS:
            return FORMATS[schema["format"]]
        if "pattern" in schema:
            raise NotImplementedError(f"no string for the pattern {schema['pattern']!r}: give the server a reply")
        shortest, longest = self.manner.talk if name in self.manner.talk_fields else self.manner.phrase
        longest = min(longest, schema.get("maxLength", longest))
        shortest = max(min(shortest, longest), schema.get("minLength", 0))
        return prose(self.rng, shortest, max(shortest, longest))

    def _integer(self, schema: Schema, _name: str, _depth: int) -> float:
        """Anything between two bounds; with one bound or none, the value nearest to 1."""
        low, high = _bounds(schema, margin=1)
        step = schema.get("multipleOf", 1)
        if math.isfinite(low) and math.isfinite(high):
            return self.rng.randint(math.ceil(low / step), math.floor(high / step)) * step
        nearest = math.ceil(max(low, min(1, high)) / step) * step
        return nearest if nearest <= high else math.floor(high / step) * step

    def _number(self, schema: Schema, name: str, depth: int) -> float:
        if "multipleOf" in schema:
            return self._integer(schema, name, depth)
        low, high = _bounds(schema, margin=0)
        if math.isfinite(low) and math.isfinite(high):
            value = low + (high - low) * self.rng.randint(1, 99) / 100
            return round(value, 4) if low < round(value, 4) < high else value
        return float(max(low + 1, 1) if math.isfinite(low) else min(high - 1, 1))

    def _boolean(self, _schema: Schema, _name: str, _depth: int) -> bool:
        return self.rng.random() < 0.5

    def _null(self, _schema: Schema, _name: str, _depth: int) -> None:
        return None
