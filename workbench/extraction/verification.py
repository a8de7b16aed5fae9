"""What rows rest on, verified: the events that they name were shown, and quotations stand in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from workbench.judging.quotations import find_quotation
from workbench.record.events import Event
from workbench.record.telling import words_of

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

    @property
    def unsupported(self) -> bool:
        """Whether anything that it claims to rest on is not there."""
        return bool(self.note)


def verified(answer: Mapping[str, Any], shown: Mapping[int, Event], quotations: Sequence[str], part: int) -> Row:
    """Hold a row against the events that were shown.

    It is unsupported where it names no event, or one that was not shown, or where a quotation stands in none of the
    events that it names. Quotations that are found are given in the words of their event.

    Args:
        answer: the fields and `evidence`, as the model answered.
        shown: the events, whole, by id.
        quotations: the names of fields that are quotations.
        part: the number of the part.
    """
    named = list(dict.fromkeys(answer["evidence"]))
    evidence = tuple(number for number in named if number in shown)
    values = {name: value for name, value in answer.items() if name != "evidence"}
    problems = _about_events(named, evidence)
    spans: list[Span] = []
    for field in quotations:
        quoted = _quoted(values[field])
        found = [_found(field, words, evidence, shown) for words in quoted]
        spans += [one for one in found if isinstance(one, Span)]
        problems += [one for one in found if isinstance(one, str)]
        own = [_words(one, shown) if isinstance(one, Span) else words for one, words in zip(found, quoted, strict=True)]
        values[field] = own if isinstance(values[field], list) else next(iter(own), values[field])
    return Row(values, evidence, tuple(spans), part, "; ".join(problems))


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
    for number in evidence:
        if place := find_quotation(words_of(shown[number]), words):
            return Span(number, *place, field)
    cut = words if len(words) <= _SHOWN else f"{words[:_SHOWN]}…"
    elsewhere = next((number for number in shown if find_quotation(words_of(shown[number]), words)), None)
    where = f"but in event {elsewhere}" if elsewhere is not None else "and in no other that was shown"
    return f"{field}: {cut!r} does not stand in the events that it names, {where}"


def _words(span: Span, shown: Mapping[int, Event]) -> str:
    return words_of(shown[span.event])[span.start : span.end]
