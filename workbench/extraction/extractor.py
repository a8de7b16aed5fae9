"""`extract`: typed rows from what happened, each with the events that it rests on."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, create_model

from workbench.errors import AnswerTooLong, InvalidSettings, PromptTooLong
from workbench.extraction.duplicates import without_duplicates
from workbench.extraction.fields import Fields, identity_fields, quotation_fields, row_model
from workbench.extraction.parts import halves_of, parts_of
from workbench.extraction.sources import Per, Unit, units_of
from workbench.extraction.verification import Row, verified
from workbench.llm.calls import asked_of
from workbench.llm.client import LLM
from workbench.llm.meter import Budget
from workbench.llm.running import together
from workbench.prompts import render
from workbench.record.events import Event
from workbench.record.telling import tell_all, told, words_of

if TYPE_CHECKING:
    from workbench.extraction.sources import Sources
    from workbench.record.evidence_table import EvidenceTable

PART_TOKENS = 6000
"""Of what happened, in one prompt: longer ones are read less carefully, and their answers end at the token limit."""
AT_ONCE = 256


async def extract(
    source: Sources,
    objective: str,
    *,
    fields: Fields,
    per: Per = "run",
    unique_by: str | Collection[str] | None = None,
    merge: bool | None = None,
    part_tokens: int = PART_TOKENS,
    llm: LLM | None = None,
    budget: Budget | None = None,
) -> EvidenceTable:
    """Extract rows from what happened: one request for each run, person or step; more where it is long.

    What is longer than a prompt ought to be is read in parts that overlap. Rows that say the same are then made one, by
    words and meaning (`extraction.duplicates`); where there is one part, the model that reads it sees to that. Nothing
    is cut: what does not fit the model's context, or its answer, is divided further. All requests are made at once;
    what was answered is in the call cache, and is not paid for again.

    Args:
        source: a world, a run file or its path, a person, a transcript, events, a text or the path of a document; a
            list of them, or a mapping from names to them. See `extraction.sources.units_of`.
        objective: what to look for, such as "the product ideas".
        fields: the columns and their types, `{"idea": str, "owner": str}`, or a pydantic model. A field of the type
            `wb.Quotation` is word for word from an event.
        per: whether rows are made from each `run`, from the view of each `person`, or from each `step`.
        unique_by: the fields by which rows that say the same are found; all that are no quotations when not given.
        merge: whether rows of different events that say the same are made one, within each run, person or step; where
            it was read in several parts, when not given.
        part_tokens: of what happened in one prompt, as estimated: 200 or more.
        llm: the model that reads; that of each run or person when not given.
        budget: what may be spent.

    Returns:
        a DataFrame in the order of what happened: `run`, `person` and `step` as far as there are several; the fields;
        `quotes` (what the events say); `evidence` (their ids, each verified to have been shown); `spans`, where there
        are quotations (field, event, and from which to which character of its words); `unsupported` (True where a row
        names no event, or one that was not shown, or has a quotation that is not in its events) and `note` (why).
        Nothing found gives an empty table. `attrs["extraction"]` has the objective, the model, counts and the cost.

    Raises:
        InvalidSettings: fields that cannot be columns, or something that cannot be read.
        UnknownName, StorageError, UnreadableDocument: a file that is not there, or cannot be read.
        ModelError: no readable answer.
        BudgetSpent: the next request could break the budget; what was answered is in the call cache.
    """
    if not isinstance(part_tokens, int) or part_tokens < 200:
        raise InvalidSettings(f"part_tokens={part_tokens!r}: a whole number is needed, 200 or more")
    units = units_of(source, per)
    labels = list(dict.fromkeys(name for unit in units for name in unit.labels))
    row = row_model(fields, labels)
    wanted = _Wanted(objective, row, identity_fields(row, unique_by), merge, part_tokens)
    models = {model: (llm or model()).metered(budget) for model in dict.fromkeys(unit.model for unit in units)}
    read = await together((_read(unit, wanted, models[unit.model]) for unit in units), at_once=AT_ONCE)
    return _table(labels, row, list(zip(units, read, strict=True)), _facts(objective, list(models.values()), read))


@dataclass(frozen=True)
class _Wanted:
    """What is to be extracted."""

    objective: str
    row: type[BaseModel]
    by: Sequence[str]
    merge: bool | None
    part_tokens: int

    @cached_property
    def schema(self) -> type[BaseModel]:
        """The shape of an answer."""
        rows: type[BaseModel] = create_model("Rows", rows=(list[self.row], ...))  # type: ignore[name-defined]
        return rows


@dataclass(frozen=True)
class _Read:
    """What was extracted from a unit."""

    rows: Sequence[Row]
    n_parts: int
    n_merged: int
    n_events: int


async def _read(unit: Unit, wanted: _Wanted, llm: LLM) -> _Read:
    events = told(unit.events)
    parts = parts_of(events, wanted.part_tokens)
    shown = {event.id: event for event in events}
    answers = await together(_read_part(part, unit, wanted, llm) for part in parts)
    read = [answer for part in answers for answer in part]
    quotations = quotation_fields(wanted.row)
    rows = [
        verified(item.model_dump(), {event.id: shown[event.id] for event in part}, quotations, number)
        for number, (part, items) in enumerate(read)
        for item in items
    ]
    merge = len(read) > 1 if wanted.merge is None else wanted.merge
    kept = (
        await without_duplicates(rows, wanted.by, wanted.objective, llm, across=merge)
        if merge or len(read) > 1
        else rows
    )
    place = {event.id: number for number, event in enumerate(events)}
    ordered = sorted(kept, key=lambda row: min((place[number] for number in row.evidence), default=len(events)))
    return _Read(ordered, len(read), len(rows) - len(kept), len(events))


_Part = tuple[Sequence[Event], Sequence[BaseModel]]


async def _read_part(part: Sequence[Event], unit: Unit, wanted: _Wanted, llm: LLM) -> list[_Part]:
    """Return the rows of a part, or of its halves where it or its answer does not fit the model."""
    whom = unit.labels.get("person", "")
    user = render("extract_user", objective=wanted.objective, transcript=tell_all(part), whom=whom)
    messages = asked_of(render("extract_system", quotations=bool(quotation_fields(wanted.row))), user)
    try:
        reply = await llm.complete(
            messages, wanted.schema, purpose="extract", person=whom or None, temperature=0.0, when_cut="raise"
        )
    except (PromptTooLong, AnswerTooLong):
        halves = halves_of(part)
        if not halves:
            raise
        read = await together(_read_part(half, unit, wanted, llm) for half in halves)
        return [one for half in read for one in half]
    return [(part, reply.value.rows)]  # type: ignore[attr-defined]


def _facts(objective: str, models: Sequence[LLM], read: Sequence[_Read]) -> dict[str, Any]:
    rows = [row for one in read for row in one.rows]
    totals = [model.meter.total for model in models]
    costs = [total.usd for total in totals]
    return {
        "objective": objective,
        "model": ", ".join(dict.fromkeys(model.model for model in models)),
        "caveat": next((model.caveat for model in models if model.caveat), ""),
        "n_units": len(read),
        "n_parts": sum(one.n_parts for one in read),
        "n_events": sum(one.n_events for one in read),
        "n_rows": len(rows),
        "n_unsupported": sum(row.unsupported for row in rows),
        "n_merged": sum(one.n_merged for one in read),
        "n_calls": sum(total.calls for total in totals),
        "n_from_cache": sum(total.from_cache for total in totals),
        "usd": None if None in costs else sum(costs),
    }


def _table(
    labels: Sequence[str], row: type[BaseModel], read: Sequence[tuple[Unit, _Read]], facts: dict[str, Any]
) -> EvidenceTable:
    from workbench.record.evidence_table import EvidenceTable

    fields = [name for name in row.model_fields if name != "evidence"]
    spans = ["spans"] if quotation_fields(row) else []
    columns = [*labels, *fields, "quotes", "evidence", *spans, "unsupported", "note"]
    one_run = len({unit.model for unit, _ in read}) == 1 and not any(
        e.type == "PASSAGE" for u, _ in read for e in u.events
    )
    rows = [_cells(unit, one) for unit, found in read for one in found.rows]
    table = EvidenceTable(rows, columns=columns).astype({"unsupported": bool})
    table.attrs |= {"extraction": facts, "one_run": one_run}
    return table


def _cells(unit: Unit, row: Row) -> dict[str, Any]:
    said = {event.id: event for event in unit.events if event.id in row.evidence}
    return {
        **unit.labels,
        **row.values,
        "quotes": [words_of(said[number]) for number in row.evidence],
        "evidence": list(row.evidence),
        "spans": [span.to_dict() for span in row.spans],
        "unsupported": row.unsupported,
        "note": row.note,
    }
