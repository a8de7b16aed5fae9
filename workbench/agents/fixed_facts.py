"""Facts about a person that are fixed before a model writes the rest: whether it kept them, and their place."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator, Mapping
from typing import Any

from rapidfuzz import fuzz

from workbench.agents.persona import Persona
from workbench.errors import InvalidSettings

Facts = Mapping[str, str | int | float]
"""Path in the persona -> value, as in `{"age": 34, "occupation.title": "nurse"}`."""

ALIKE = 90
"""Of 100: from this similarity on, two wordings are the same fact ("Self employed", "self-employed")."""
_OWN_AGE = re.compile(
    r"(?:^|[.!?]\s+)(?:i am|i'm|(?:she|he)(?: is|'s)|aged?) (?:an? )?(\d{1,3})(?:[ -]years?[ -]old|[,.;]|$)",
    re.IGNORECASE,
)
"""The age that a sentence gives the person it is about; "Has a son, who is 12" is about somebody else."""


def check_facts(facts: Facts) -> dict[str, Any]:
    """Return fixed facts.

    Raises:
        InvalidSettings: a value that is neither a text nor a number.
    """
    wrong = [
        path for path, value in facts.items() if isinstance(value, bool) or not isinstance(value, str | int | float)
    ]
    if wrong:
        raise InvalidSettings(f"fixed: {', '.join(wrong)}: a fact that is fixed is a text or a number")
    return dict(facts)


def broken(facts: Facts, echo: Mapping[str, str], written: Mapping[str, Any]) -> dict[str, str]:
    """Return the facts that an answer broke, each with what it says instead.

    Args:
        facts: that were given.
        echo: the same as the answer repeats them.
        written: the persona of the answer, in which some of them have a place as well.
    """
    wrong = {}
    for path, value in facts.items():
        said = echo.get(path, "nothing")
        here = _at(written, path)
        if not agrees(value, said):
            wrong[path] = said
        elif here is not None and type(here) is type(value) and not agrees(value, here):
            wrong[path] = str(here)
    if (age := facts.get("age")) and (other := _other_age(age, written)):
        wrong.setdefault("age", other)
    return wrong


def agrees(value: str | float, said: Any) -> bool:
    """Return whether what is said is the fact: numbers exactly, texts but for case, accents' form and small slips.

    >>> agrees(34, "34.0"), agrees(34, "43"), agrees("self-employed", "Self employed"), agrees("female", "male")
    (True, False, True, False)
    """
    if isinstance(value, str):
        return fuzz.ratio(_plain(value), _plain(str(said))) >= ALIKE
    try:
        return float(said) == value
    except ValueError:
        return False


def placed(facts: Facts, written: Mapping[str, Any]) -> Persona:
    """Return the persona that was written, with the facts before all else, and in their own wording."""
    persona = Persona.parse({"name": "", **written} | ({"name": facts["name"]} if "name" in facts else {}))
    for path, value in facts.items():
        if path != "name":
            persona = _put(persona, path, value)
    data = persona.to_dict()
    keys = dict.fromkeys(["name", *(path.partition(".")[0] for path in facts), *data])
    return Persona.parse({key: data[key] for key in keys})


def _put(persona: Persona, path: str, value: Any) -> Persona:
    """Define a value; a text that stands where the path leads inside makes way for it."""
    parent = path.rpartition(".")[0]
    if parent and isinstance(_at(persona.to_dict(), parent), str):
        persona = persona.define(parent, {})
    return persona.define(path, value)


def _at(data: Mapping[str, Any], path: str) -> Any:
    value: Any = data
    for key in path.split("."):
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def _plain(text: str) -> str:
    return " ".join(re.split(r"[\s_-]+", unicodedata.normalize("NFKC", text).casefold().strip()))


def _other_age(age: Any, written: Mapping[str, Any]) -> str | None:
    """Return an age that the persona's own sentences give the person, where it is another one."""
    ages = [match[1] for text in _texts(written) for match in _OWN_AGE.finditer(text)]
    return next((other for other in ages if not agrees(age, other)), None)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping | list):
        for item in value.values() if isinstance(value, Mapping) else value:
            yield from _texts(item)


def fact_lines(facts: Facts) -> list[str]:
    """Return facts as a prompt lists them."""
    return [f"{path}: {value if isinstance(value, str) else json.dumps(value)}" for path, value in facts.items()]
