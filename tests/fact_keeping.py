"""What a model that obeys does with facts that are fixed: it repeats them, and puts them in their places."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

_FACTS = re.compile(r"^# Facts that are fixed\n<facts>\n(.*?)\n</facts>", re.DOTALL | re.MULTILINE)


def facts_of(body: Mapping[str, Any]) -> dict[str, Any]:
    """The facts that a request for a persona fixes, by path."""
    user = next((message["content"] for message in body["messages"] if message["role"] == "user"), "")
    found = _FACTS.search(user) if isinstance(user, str) else None
    lines = [line.removeprefix("- ").partition(": ") for line in found[1].splitlines()] if found else []
    return {path: _read(value) for path, _, value in lines}


def keeping(facts: Mapping[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
    """An answer for a persona in which all facts are repeated and in their places."""
    kept = answer | {"facts": [{"attribute": path, "value": str(value)} for path, value in facts.items()]}
    for path, value in facts.items():
        *parents, last = path.split(".")
        place: Any = kept
        for key in parents:
            place = place.get(key) if isinstance(place, dict) else None
        if isinstance(place, dict) and type(place.get(last)) is type(value):
            place[last] = value
    return kept


def _read(value: str) -> Any:
    try:
        number = json.loads(value)
    except ValueError:
        return value
    return number if isinstance(number, int | float) else value
