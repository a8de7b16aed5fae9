"""Facts about a person that are fixed before a model writes the rest: whether it kept them, and their place."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping
from typing import Any

from rapidfuzz.distance import Levenshtein

from workbench.agents.persona import Persona
from workbench.errors import InvalidPersona, InvalidSettings

Facts = Mapping[str, str | int | float]
"""Path in the persona -> value, as in `{"age": 34, "occupation.title": "nurse"}`."""

SLIP = 5
"""Letters that a word has to have before one wrong letter in it is a slip and not another word."""
_OWN_AGE = re.compile(
    r"(?:i am|i'm|(?:she|he)(?: is|'s)|aged?) (?:an? )?(\d{1,3})(?:[ -]years?[ -]old|[,.;]|$)", re.IGNORECASE
)
"""The age that a text begins with; "Lives with her mother. She is 81" is about somebody else."""


_ANYBODY = {
    **dict.fromkeys(("gender", "nationality", "residence", "education", "style", "health"), "-"),
    **{key: ["-"] for key in ("long_term_goals", "skills", "beliefs", "other_facts")},
    "occupation": {"title": "-"},
    "personality": {"traits": ["-"], "big_five": {"openness": "-"}},
    "preferences": {"interests": ["-"]},
    "behaviors": {"general": ["-"]},
    "relationships": [{"name": "-", "description": "-"}],
}
"""A persona as models write them: facts have to find a place in it."""


def check_facts(facts: Facts) -> dict[str, Any]:
    """Return fixed facts.

    Raises:
        InvalidSettings: a value that is neither a text nor a number, or one that no persona can have at its key.
    """
    wrong = [
        path for path, value in facts.items() if isinstance(value, bool) or not isinstance(value, str | int | float)
    ]
    if wrong:
        raise InvalidSettings(f"fixed: {', '.join(wrong)}: a fact that is fixed is a text or a number")
    try:
        placed({"name": "somebody", **facts}, _ANYBODY)
    except InvalidPersona as error:
        raise InvalidSettings(f"{', '.join(facts)}: a persona cannot have that: {error}. Take another key.") from error
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
    age = facts.get("age")
    if not isinstance(age, str | None) and (other := _other_age(age, written)):
        wrong.setdefault("age", other)
    return wrong


def agrees(value: str | float, said: Any) -> bool:
    """Return whether what is said is the fact: numbers exactly, texts but for case, hyphens and a slip in a long word.

    >>> agrees(34, "34.0"), agrees(34, "43"), agrees("self-employed", "Self employed"), agrees("employed", "unemployed")
    (True, False, True, False)
    """
    if isinstance(value, str):
        words, others = _words(value), _words(str(said))
        same = len(words) == len(others) and all(map(_same_word, words, others))
        return same or "".join(words) == "".join(others)
    try:
        return float(said) == value
    except ValueError:
        return False


def _same_word(word: str, other: str) -> bool:
    """Return whether two words are the same: "amoral" and "moral" differ by a letter, too, but in their first one."""
    if word == other:
        return True
    long_enough = min(len(word), len(other)) >= SLIP and word[0] == other[0]
    return long_enough and word.isalpha() and other.isalpha() and Levenshtein.distance(word, other) <= 1


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


def _words(text: str) -> list[str]:
    return re.split(r"[\s_-]+", unicodedata.normalize("NFKC", text).casefold().strip(" .;:_-\t\n"))


def _other_age(age: float, written: Mapping[str, Any]) -> str | None:
    """Return an age that the persona's own facts give the person, where it is another one."""
    matches = (_OWN_AGE.match(text) for text in written.get("other_facts", ()))
    return next((match[1] for match in matches if match and not agrees(age, match[1])), None)


def fact_lines(facts: Facts) -> list[str]:
    """Return facts as a prompt lists them."""
    said = {path: " ".join(v.split()) if isinstance(v, str) else json.dumps(v) for path, v in facts.items()}
    return [f"{path}: {value}" for path, value in said.items()]
