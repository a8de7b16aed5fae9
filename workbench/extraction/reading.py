"""Reading a unit for rows: in parts where it is long, each by one request, and every row verified."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, create_model

from workbench.errors import AnswerTooLong, ModelError, PromptTooLong
from workbench.extraction.blocks import MOST_CUTS
from workbench.extraction.fields import quotation_fields, values_of
from workbench.extraction.merging.duplicates import Duplicates
from workbench.extraction.parts import halves_of, parts_of
from workbench.extraction.sources import Unit
from workbench.extraction.verification import Row, verified
from workbench.llm.calls import asked_of
from workbench.llm.client import LLM
from workbench.llm.running import together
from workbench.prompts import render
from workbench.record.events import Event
from workbench.record.telling import quote, tell_all, told

if TYPE_CHECKING:
    from tqdm import tqdm

    Bar = tqdm[Any]


@dataclass(frozen=True)
class Wanted:
    """What is to be extracted."""

    objective: str
    row: type[BaseModel]
    by: Sequence[str]
    """The fields that tell rows apart."""
    merge: bool | None
    part_tokens: int

    @cached_property
    def quotations(self) -> tuple[str, ...]:
        """The fields that are quotations."""
        return quotation_fields(self.row)

    @cached_property
    def schema(self) -> type[BaseModel]:
        """The shape of an answer."""
        rows: type[BaseModel] = create_model("Rows", rows=(list[self.row], ...))  # type: ignore[name-defined]
        return rows


@dataclass(frozen=True)
class UnitRead:
    """What was extracted from a unit."""

    unit: Unit
    rows: Sequence[Row]
    n_parts: int
    n_merged: int
    shown: dict[int, Event]
    """What was read, by id."""


async def read_unit(unit: Unit, wanted: Wanted, llm: LLM, bar: Bar) -> UnitRead:
    """Extract the rows of a unit, in the order of what happened; those without support come last.

    Raises:
        ModelError: no readable answer; the message names the unit.
    """
    events = told(unit.events)
    parts = parts_of(events, wanted.part_tokens)
    bar.total = (bar.total or 0) + len(parts)
    shown = {event.id: event for event in events}
    with _named(str(unit)):
        reading = (_counted(part, unit, wanted, llm, bar, several=len(parts) > 1) for part in parts)
        read = [one for part in await together(reading) for one in part]
        rows = [row for number, part in enumerate(read) for row in _verified(part, number, unit, shown, wanted)]
        kept = await _without_duplicates(rows, wanted, llm, len(read))
    place = {number: at for at, number in enumerate(shown)}
    kept.sort(key=lambda row: min((place[number] for number in row.evidence), default=len(place)))
    return UnitRead(unit, kept, len(read), len(rows) - len(kept), shown)


async def _without_duplicates(rows: Sequence[Row], wanted: Wanted, llm: LLM, n_parts: int) -> list[Row]:
    merge = n_parts > 1 if wanted.merge is None else wanted.merge
    what = wanted.objective.strip().partition("\n")[0]
    return await Duplicates(wanted.by, what, llm, parts=n_parts > 1, events=merge).merged(rows)


@dataclass(frozen=True)
class _Part:
    """Events that were shown, and the rows that were found in them."""

    events: Sequence[Event]
    rows: Sequence[BaseModel]


def _verified(part: _Part, number: int, unit: Unit, events: Mapping[int, Event], wanted: Wanted) -> list[Row]:
    """Return the rows of a part, held against the events that it was shown, which are whole in `events`."""
    shown = {event.id: events[event.id] for event in part.events}
    return [
        verified(values_of(row), row.evidence, shown, wanted.quotations, part=number, person=unit.person)  # type: ignore[attr-defined]
        for row in part.rows
    ]


async def _counted(
    part: Sequence[Event], unit: Unit, wanted: Wanted, llm: LLM, bar: Bar, *, several: bool
) -> list[_Part]:
    with _named(f"events {part[0].id} to {part[-1].id}" if several else ""):
        read = await _read_part(part, unit, wanted, llm)
    bar.update()
    return read


@contextmanager
def _named(where: str) -> Iterator[None]:
    """Say in an error of the model where it was; nothing where there is one place."""
    try:
        yield
    except ModelError as error:
        if not where:
            raise
        raise type(error)(f"{where}: {error}", **vars(error)) from error


async def _read_part(part: Sequence[Event], unit: Unit, wanted: Wanted, llm: LLM, n_cut: int = 0) -> list[_Part]:
    """Return the rows of a part, or of its halves where it or its answer does not fit the model."""
    try:
        return [_Part(part, await _ask(part, unit, wanted, llm))]
    except PromptTooLong:
        if not (halves := halves_of(part)):
            raise
        read = await together(_read_part(half, unit, wanted, llm, n_cut) for half in halves)
    except AnswerTooLong as error:
        if n_cut == MOST_CUTS or not (halves := halves_of(part)):
            llm.forget([error.call])
            raise
        # one after the other: an answer that is cut is paid for, and where one half fails the other need not be
        read = [await _read_part(half, unit, wanted, llm, n_cut + 1) for half in halves]
    return [one for half in read for one in half]


async def _ask(part: Sequence[Event], unit: Unit, wanted: Wanted, llm: LLM) -> Sequence[BaseModel]:
    whom = quote("person", unit.person).strip() if unit.person else ""
    user = render("extract_user", objective=wanted.objective, transcript=tell_all(part), whom=whom)
    messages = asked_of(render("extract_system", quotations=bool(wanted.quotations)), user)
    reply = await llm.complete(
        messages, wanted.schema, purpose="extract", person=unit.person or None, temperature=0.0, when_cut="raise"
    )
    rows: Sequence[BaseModel] = reply.value.rows  # type: ignore[attr-defined]
    return rows
