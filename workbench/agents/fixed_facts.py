"""Facts about a person that are fixed before a model writes the rest: whether it kept them, and their place."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping
from typing import Any

from rapidfuzz.distance import Levenshtein

from workbench.agents.names import gender_of
from workbench.agents.persona import Persona
from workbench.errors import InvalidPersona, InvalidSettings
from workbench.record.events import START

Facts = Mapping[str, str | int | float]
"""Path in the persona -> value, as in `{"age": 34, "occupation.title": "nurse"}`."""

SLIP = 5
"""Letters that a word has to have before one wrong letter in it is a slip and not another word."""
_OWN_AGE = re.compile(
    r"(?:i am|i'm|(?:she|he)(?: is|'s)|aged?) (?:an? )?(\d{1,3}|[a-z]+(?:-[a-z]+)?)(?:[ -]years?[ -]old|[,.;]|$)",
    re.IGNORECASE,
)
"""The age that a text begins with; "Lives with her mother. She is 81" is about somebody else."""
_BORN = re.compile(r"(?:(?:i|she|he) was )?born (?:in|on .*?) ?(\d{4})\b", re.IGNORECASE)
_PRONOUN = re.compile(r"(he|his|she|her)\b", re.IGNORECASE)
_TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_ONES = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen"]
_ONES += ["fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"]
_IN_WORDS = {word: number for number, word in enumerate(_ONES, 1)}
_IN_WORDS |= {word: 10 * number for number, word in enumerate(_TENS, 2)}
_IN_WORDS |= {f"{ten}-{one}": _IN_WORDS[ten] + _IN_WORDS[one] for ten in _TENS for one in _ONES[:9]}


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
    if not isinstance(facts, Mapping):
        raise InvalidSettings(f"fixed={facts!r}: a mapping is needed: {{'age': 34}}")
    facts = {path: value.item() if hasattr(value, "item") else value for path, value in facts.items()}  # of numpy
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
    for text in written.get("other_facts", ()):
        wrong = _contradicted(facts, text) | wrong
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


def _contradicted(facts: Facts, text: str) -> dict[str, str]:
    """Return the facts that a text about the person contradicts in how it begins: their age, or their gender."""
    age, gender, wrong = facts.get("age"), gender_of(str(facts.get("gender", ""))), {}
    if not isinstance(age, str | None):
        told = _OWN_AGE.match(text)
        other = _IN_WORDS.get(told[1].casefold(), told[1]) if told else age
        if str(other).isdecimal() and not agrees(age, other):
            wrong["age"] = str(other)
        born = _BORN.match(text)
        if born and abs(START.year - int(born[1]) - age) > 1:
            wrong["age"] = f"born in {born[1]}"
    if gender and (said := _PRONOUN.match(text)) and (said[1].casefold() in ("he", "his")) != (gender == "male"):
        wrong["gender"] = said[1]
    return wrong


def fact_lines(facts: Facts) -> list[str]:
    """Return facts as a prompt lists them."""
    said = {path: " ".join(v.split()) if isinstance(v, str) else json.dumps(v) for path, v in facts.items()}
    return [f"{path}: {value}" for path, value in said.items()]
