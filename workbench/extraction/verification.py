"""What rows rest on, verified: the events that they name were shown, and quotations stand in them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from workbench.judging.quotations import find_quotation
from workbench.judging.repetition import words_in
from workbench.record.events import Event
from workbench.record.telling import words_of

FEWEST_WORDS = 2
"""Of a quotation that is not all that was said: `the` stands everywhere."""
_SHOWN = 60
"""Characters of a quotation in a note."""


@dataclass(frozen=True, order=True)
class Span:
    """Where a quotation stands."""

    event: int
    start: int
    """The first character of the event's words, counted from 0."""
    end: int
    field: str

    def to_dict(self) -> dict[str, Any]:
        """Return the span as tables and JSON hold it."""
        return {"field": self.field, "event": self.event, "start": self.start, "end": self.end}


@dataclass(frozen=True)
class Row:
    """A row that was extracted."""

    values: Mapping[str, Any]
    evidence: tuple[int, ...]
    """Ids of events; each was shown."""
    spans: tuple[Span, ...]
    part: int
    """The number of the part that it was read in."""
    note: str = ""
    """Why it is unsupported."""
    variants: tuple[Mapping[str, Any], ...] = ()
    """The values of other rows that say the same."""

    @property
    def unsupported(self) -> bool:
        """Whether anything that it claims to rest on is not there."""
        return bool(self.note)


def verified(
    values: Mapping[str, Any],
    named: Sequence[int],
    shown: Mapping[int, Event],
    quotations: Sequence[str],
    *,
    part: int = 0,
    person: str = "",
) -> Row:
    """Hold a row against the events that were shown.

    It is unsupported where it names no event, or one that was not shown; where it is about a person, and none of its
    events is something that they did, or that was meant for them or for all; and where a quotation has no two words or
    stands in none of the events that the row names. Quotations that are found are given in the words of their event.

    Args:
        values: by field.
        named: ids of events, as the model answered.
        shown: the events, whole, by id.
        quotations: the names of fields that are quotations.
        part: the number of the part.
        person: whom the row is about; nobody when empty.
    """
    evidence = tuple(number for number in dict.fromkeys(named) if number in shown)
    problems = _about_events(list(dict.fromkeys(named)), evidence)
    if person and evidence and not any(_is_theirs(shown[number], person) for number in evidence):
        problems.append(f"none of its events is {person}'s")
    spans: list[Span] = []
    own_values = dict(values)
    for field in quotations:
        quoted = _quoted(values[field])
        found = [_found(field, words, evidence, shown) for words in quoted]
        spans += [one for one in found if isinstance(one, Span)]
        problems += [one for one in found if isinstance(one, str)]
        own = [_words(one, shown) if isinstance(one, Span) else words for one, words in zip(found, quoted, strict=True)]
        own_values[field] = own if isinstance(values[field], list) else next(iter(own), values[field])
    return Row(own_values, evidence, tuple(spans), part, "; ".join(problems))


def _is_theirs(event: Event, person: str) -> bool:
    """Return whether somebody did something, or was meant: what others say to all is not theirs."""
    return person in (event.source, event.target) or (event.kind == "stimulus" and not event.target)


def _about_events(named: Sequence[int], evidence: Sequence[int]) -> list[str]:
    if not named:
        return ["it names no event"]
    invented = [str(number) for number in named if number not in evidence]
    return (
        [f"it names {'event' if len(invented) == 1 else 'events'} {', '.join(invented)}, not among those shown"]
        if invented
        else []
    )


def _quoted(value: Any) -> list[str]:
    """Return the quotations of a field: one, several, or none where there may be none."""
    return [value] if isinstance(value, str) else list(value or ())


def _found(field: str, words: str, evidence: Sequence[int], shown: Mapping[int, Event]) -> Span | str:
    """Return where a quotation stands, or what is wrong with it."""
    cut = words if len(words) <= _SHOWN else f"{words[:_SHOWN]}…"
    for number in evidence:
        if place := _place(words_of(shown[number]), words):
            return (
                Span(number, *place, field) if _says_enough(words, shown[number]) else f"{field}: {cut!r} is too short"
            )
    elsewhere = next((number for number in shown if _place(words_of(shown[number]), words)), None)
    where = f"but in event {elsewhere}" if elsewhere is not None else "and in no other that was shown"
    return f"{field}: {cut!r} does not stand in the events that it names, {where}"


def _place(said: str, words: str) -> tuple[int, int] | None:
    """Return where words stand in what an event says; what a tool was given is JSON, with its escapes."""
    return find_quotation(said, words) or find_quotation(said, json.dumps(words, ensure_ascii=False)[1:-1])


def _says_enough(words: str, event: Event) -> bool:
    """Return whether words are a quotation: two at least, or all that was said."""
    return len(words_in(words)) >= FEWEST_WORDS or words_in(words) == words_in(words_of(event)) != []


def _words(span: Span, shown: Mapping[int, Event]) -> str:
    return words_of(shown[span.event])[span.start : span.end]
