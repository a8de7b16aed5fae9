"""A JSON schema as a grammar that a very small model can be held to: every part of it has an end.

What the grammar cannot express is left out of it, and is checked by whoever reads the answer.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from workbench.errors import InvalidSettings

LONGEST_TEXT = 240
"""Characters, where the schema sets no `maxLength`."""
LONGEST_KEY = 40
MOST_ITEMS = 8
"""Of a list or an open mapping, where the schema sets no limit."""
LARGEST_NUMBER = 10**9

_TYPES = frozenset({"string", "integer", "number", "boolean", "null", "array", "object"})
_FORMATS = frozenset({"date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid"})
_ANYTHING: dict[str, Any] = {
    "anyOf": [
        {"type": "string", "maxLength": LONGEST_TEXT},
        {"type": "integer", "minimum": -LARGEST_NUMBER, "maximum": LARGEST_NUMBER},
        {"type": "boolean"},
        {"type": "null"},
    ]
}
_COMPACT = {"whitespace_flexible": False, "item_separator": ", ", "key_separator": ": "}
"""Else the model may go on with white space until its limit, which is valid JSON."""

Schema = Mapping[str, Any]


def grammar(schema: dict[str, Any]) -> dict[str, Any]:
    """Return what in the body of a request holds an answer to a JSON schema.

    Raises:
        InvalidSettings: the schema has a part that no answer can be made of. (llama.cpp would ignore the whole
            grammar then, and answer with free text and HTTP 200.)
    """
    bounded = bound(schema) | {"x-guidance": _COMPACT}
    return {"grammar": f"%llguidance {{}}\nstart: %json {json.dumps(bounded)}"}


def bound(schema: Schema | bool, where: str = "the schema") -> dict[str, Any]:
    """Return a schema in the keywords that llguidance supports, in which every part has a largest size.

    Args:
        schema: a JSON schema.
        where: its place in a larger one, for messages.
    """
    if schema is True or schema == {}:
        return _ANYTHING
    if not isinstance(schema, Mapping):
        raise InvalidSettings(f"{where}: no answer can be of the schema {schema!r}")
    if len(schema.get("allOf", ())) > 1:
        raise InvalidSettings(f"{where}: the embedded model cannot answer to several schemas at once (allOf)")
    kept: dict[str, Any] = _bound_value(schema, where)
    if definitions := schema.get("$defs"):
        kept["$defs"] = {name: bound(part, f"{where}, $defs.{name}") for name, part in definitions.items()}
    return kept


def _bound_value(schema: Schema, where: str) -> dict[str, Any]:
    if "$ref" in schema:
        if not str(schema["$ref"]).startswith("#"):
            raise InvalidSettings(f"{where}: the schema refers to {schema['$ref']!r}, which is not in it")
        return {"$ref": schema["$ref"]}
    for choice in ("anyOf", "oneOf", "allOf"):
        if choice in schema:
            return {"anyOf": [bound(part, f"{where}, {choice}") for part in schema[choice]]}
    for fixed in ("const", "enum"):
        if fixed in schema:
            return {fixed: schema[fixed]}
    return _bound_types(schema, where)


def _bound_types(schema: Schema, where: str) -> dict[str, Any]:
    types = schema.get("type") or _guess_type(schema)
    names = [types] if isinstance(types, str) else list(types)
    if unknown := set(names) - _TYPES:
        raise InvalidSettings(f"{where}: no JSON type {min(unknown)!r}")
    parts = [{"type": name, **(_BOUNDS[name](schema, where) if name in _BOUNDS else {})} for name in names]
    return parts[0] if len(parts) == 1 else {"anyOf": parts}


def _guess_type(schema: Schema) -> str:
    if "properties" in schema or "additionalProperties" in schema:
        return "object"
    return "array" if "items" in schema or "prefixItems" in schema else "string"


def _bound_text(schema: Schema, where: str) -> dict[str, Any]:
    shortest = schema.get("minLength", 0)
    longest = schema.get("maxLength", max(LONGEST_TEXT, shortest))
    _in_order(shortest, longest, "minLength", where)
    kept = {key: schema[key] for key in ("minLength", "pattern") if key in schema}
    if schema.get("format") in _FORMATS:
        kept["format"] = schema["format"]
    return {**kept, "maxLength": longest}


def _bound_number(schema: Schema, where: str) -> dict[str, Any]:
    low = [schema[key] for key in ("minimum", "exclusiveMinimum") if key in schema]
    high = [schema[key] for key in ("maximum", "exclusiveMaximum") if key in schema]
    kept = {key: schema[key] for key in ("exclusiveMinimum", "exclusiveMaximum", "multipleOf") if key in schema}
    kept["minimum"] = schema.get("minimum", min([-LARGEST_NUMBER, *high]))
    kept["maximum"] = schema.get("maximum", max([LARGEST_NUMBER, *low]))
    _in_order(max([kept["minimum"], *low]), min([kept["maximum"], *high]), "minimum", where)
    return kept


def _bound_fraction(schema: Schema, where: str) -> dict[str, Any]:
    return {"multipleOf": 0.001, **_bound_number(schema, where)}  # else it may write digits without end


def _bound_list(schema: Schema, where: str) -> dict[str, Any]:
    first = [bound(part, f"{where}[{n}]") for n, part in enumerate(schema.get("prefixItems", ()))]
    fewest = schema.get("minItems", 0)
    most = schema.get("maxItems", max(MOST_ITEMS, fewest, len(first)))
    _in_order(fewest, most, "minItems", where)
    kept: dict[str, Any] = {"minItems": fewest, "maxItems": most}
    if first:
        kept["prefixItems"] = first
    rest = schema.get("items", True)
    return kept | {"items": False if rest is False else bound(rest, f"{where}[]")}


def _bound_object(schema: Schema, where: str) -> dict[str, Any]:
    named = {key: bound(part, f"{where}.{key}") for key, part in schema.get("properties", {}).items()}
    kept: dict[str, Any] = {"properties": named, "additionalProperties": False}
    kept["required"] = [key for key in schema.get("required", ()) if key in named]
    free = schema.get("additionalProperties", not named)
    if free is False or (free is True and named):
        return kept
    kept["patternProperties"] = {f'^[^"\\\\]{{1,{LONGEST_KEY}}}$': bound(free, f"{where}.*")}
    return kept | {
        "minProperties": schema.get("minProperties", 0),
        "maxProperties": schema.get("maxProperties", MOST_ITEMS),
    }


def _in_order(low: float, high: float, name: str, where: str) -> None:
    if low > high:
        raise InvalidSettings(f"{where}: {name} is {low:g}, more than the {high:g} that are allowed")


_BOUNDS = {
    "string": _bound_text,
    "integer": _bound_number,
    "number": _bound_fraction,
    "array": _bound_list,
    "object": _bound_object,
}
