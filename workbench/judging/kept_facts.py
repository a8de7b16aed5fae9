"""Whether facts that are fixed still stand in a text: word for word, or in other words that a judge quotes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel

from workbench.errors import InvalidSettings
from workbench.judging.particulars import figures_in, lost, number_as_figure
from workbench.judging.quotations import find_quotation
from workbench.llm.calls import asked_of
from workbench.llm.client import LLM
from workbench.prompts import render
from workbench.record.telling import quote

FixedFacts = Sequence[str] | Mapping[str, str | int | float]
"""Sentences, `["It costs 3.20 euros"]`, or values by name, `{"price": "3.20 euros", "age": 34}`."""

Place = tuple[int, int]
_ENDS = " \t\n.!?;,。！？؟।"
_HAN_NUMBER = re.compile("[〇一二三四五六七八九十百千万億兆萬亿]+")
_HIDDEN = "ꙮ"
"""Stands for each character of a number that is another one: a letter, so that words end where they did."""
_LARGEST = 1e300
_SHOWN = 120
"""Characters of a quotation in a reason."""


@dataclass(frozen=True)
class Fact:
    """What has to stand in a text."""

    value: str
    name: str = ""
    """What it is the value of; empty where it says so itself."""
    number: str = ""
    """Which number it is, where it was given as one and not as a text."""

    def __str__(self) -> str:
        return f"{self.name}: {self.value}" if self.name else self.value

    def place_in(self, text: str) -> Place | None:
        """Return where a text has it word for word, a bare number in whatever form; None where it has not."""
        if self.number:
            return next(((one.start, one.end) for one in figures_in(text) if one.can_be(self.number)), None)
        figures = figures_in(self.value)
        if len(figures) == 1 and (figures[0].start, figures[0].end) == (0, len(self.value)):
            same = (one for one in figures_in(text) if one.value == figures[0].value)
            return next(((one.start, one.end) for one in same), None)
        return place_of(text, self.value.strip(_ENDS))

    def lost_in(self, words: str) -> list[str]:
        """Return the figures and names of it that other words do not have."""
        if self.number:
            return [] if self.place_in(words) else [self.value]
        return lost(self.value, words)


@dataclass(frozen=True)
class FactCheck:
    """What became of a fact in a text."""

    fact: str
    kept: bool
    how: Literal["word for word", "in other words", ""]
    """Empty where it was not kept."""
    quote: str = ""
    """What the text says of it; where it is contradicted, that."""
    span: Place | None = None
    """Where the quote stands in the text: from which to which character."""
    reason: str = ""
    """Why it counts as not kept."""


@dataclass(frozen=True)
class CheckedFacts:
    """What became of all facts, in the order in which they were given."""

    checks: tuple[FactCheck, ...]
    call: str = ""
    """Of the judge; empty where it was not asked."""

    @property
    def broken(self) -> list[FactCheck]:
        """Those that were not kept."""
        return [check for check in self.checks if not check.kept]


class _Finding(BaseModel):
    number: int
    quotation: str
    verdict: Literal["kept", "missing", "contradicted"]


class _Findings(BaseModel):
    facts: list[_Finding]


def place_of(text: str, words: str) -> Place | None:
    """Return the first place at which a text has certain words, with whole numbers: `200` is not in `1 200` or `-200`.

    >>> place_of("1 200 euros, and 200 euros", "200 euros")
    (17, 26)
    """
    place = find_quotation(text, words)
    if place is None or _whole(place, text):
        return place
    wanted = {number for _, number in _numbers(words)}
    hidden = list(text)
    for (start, end), number in _numbers(text):
        if number not in wanted:
            hidden[start:end] = _HIDDEN * (end - start)
    place = find_quotation("".join(hidden), words)
    return place if place and _whole(place, text) else None


def facts_of(given: FixedFacts) -> tuple[Fact, ...]:
    """Return facts, each once.

    Raises:
        InvalidSettings: something that is neither a list of texts nor a mapping to texts and numbers, or has no words.
    """
    if isinstance(given, str | bytes) or not isinstance(given, Mapping | Sequence):
        raise InvalidSettings(f"facts={given!r}: give a list of texts, or a mapping: {{'price': '3.20 euros'}}")
    pairs = given.items() if isinstance(given, Mapping) else (("", one) for one in given)
    facts = [Fact(_as_text(value, str), _line(str(name))) if not name else _named(name, value) for name, value in pairs]
    return tuple(dict.fromkeys(facts))


async def check_facts_kept(llm: LLM, text: str, facts: Sequence[Fact]) -> CheckedFacts:
    """Check whether facts stand in a text, and whether it contradicts them.

    A fact that the text has word for word is kept: case, spaces, quotation marks, dashes and the full stop behind it do
    not count, and words and numbers have to be whole. A judge is asked once about all facts. What it calls kept has to
    come with a quotation that stands in the text, and that has the figures and the capitalised names of the fact:
    `3,20` is `3.20` and `1,000` is `1000`, but `three` is not 3, and `3.125`, which may be some thousands, is no other
    text than `3.125`. A value that is a number and not a text is that number, however the text writes it. What the
    judge calls contradicted, with a quotation that stands in the text, is not kept, also where the text has it word for
    word elsewhere. A bare value by name is not kept either where the judge does not find that the text says it of this
    name. The embedded model is not asked: word for word is then what counts.

    Args:
        llm: the judge.
        text: that is to have the facts.
        facts: as `facts_of` returns them.

    Raises:
        ModelError: no readable answer.
    """
    if not facts or llm.is_embedded:
        return CheckedFacts(tuple(_checked(text, fact, []) for fact in facts))
    lines = "\n".join(f"{number}. {fact}" for number, fact in enumerate(facts, 1))
    user = render("kept_facts_user", document=quote("document", text), facts=quote("facts", f"\n{lines}\n"))
    messages = asked_of(render("kept_facts_system"), user.rstrip())
    reply = await llm.complete(messages, _Findings, purpose="facts", temperature=0.0)
    found: dict[int, list[_Finding]] = {number: [] for number in range(1, len(facts) + 1)}
    for one in reply.value.facts:
        found.get(one.number, []).append(one)
    return CheckedFacts(tuple(_checked(text, fact, found[n]) for n, fact in enumerate(facts, 1)), reply.call)


def _checked(text: str, fact: Fact, findings: Sequence[_Finding]) -> FactCheck:
    """Hold what a judge found of a fact, or nothing, against the text."""
    said = [one.quotation for one in findings if one.verdict == "kept"]
    for against in (one.quotation for one in findings if one.verdict == "contradicted"):
        place = place_of(text, against)
        if place and not find_quotation(str(fact), against):  # a fact does not contradict itself
            words = text[slice(*place)]
            return FactCheck(str(fact), False, "", words, place, f"the text contradicts it: {_short(words)}")
    place = fact.place_in(text)
    doubted = bool(fact.name and findings and not said)
    if place and not doubted:
        return FactCheck(str(fact), True, "word for word", text[slice(*place)], place)
    reason = f"the text has {fact.value!r}, but not as {fact.name!r}" if place else "it is missing"
    for quotation in said:
        elsewhere = place_of(text, quotation)
        words = text[slice(*elsewhere)] if elsewhere else ""
        if elsewhere and not (gone := fact.lost_in(words)):
            return FactCheck(str(fact), True, "in other words", words, elsewhere)
        reason = f"{_short(words)} lacks {', '.join(gone)}" if elsewhere else "it is missing"
    return FactCheck(str(fact), False, "", reason=reason)


def _whole(place: Place, text: str) -> bool:
    """Return whether no number goes on over the beginning or the end of a place."""
    return not any(start < one < end for (start, end), _ in _numbers(text) for one in place)


def _numbers(text: str) -> list[tuple[Place, str]]:
    """Return where numbers stand in a text, and which they are; in figures, or in the signs of Chinese and Japanese."""
    figures = [((one.start, one.end), one.value) for one in figures_in(text)]
    return figures + [(one.span(), one[0]) for one in _HAN_NUMBER.finditer(text)]


def _named(name: Any, value: Any) -> Fact:
    plain = value.item() if hasattr(value, "item") else value  # of numpy
    if isinstance(plain, int | float) and not isinstance(plain, bool):
        if not abs(plain) <= _LARGEST:  # nor is what is not a number
            raise InvalidSettings(f"facts: {name!r} is a number that no text has: give one of up to 300 digits")
        return Fact(str(plain), _line(str(name)), number_as_figure(plain))
    return Fact(_as_text(plain, str), _line(str(name)))


def _as_text(value: Any, kinds: Any) -> str:
    """Return a fact as one line: it can then not be taken for two."""
    if not isinstance(value, kinds) or isinstance(value, bool) or not any(map(str.isalnum, str(value))):
        raise InvalidSettings(f"facts: {value!r} is none: a fact is a text with words or figures, or a number by name")
    return _line(str(value))


def _line(text: str) -> str:
    return " ".join(text.split())


def _short(words: str) -> str:
    line = _line(words)
    return repr(line if len(line) <= _SHOWN else f"{line[:_SHOWN]}…")
