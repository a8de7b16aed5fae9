"""`extract`: typed rows from what happened, each with the events that it rests on."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from workbench.errors import InvalidSettings
from workbench.extraction.fields import Fields, identity_fields, row_model
from workbench.extraction.merging.same_meaning import PURPOSE as MERGE
from workbench.extraction.reading import UnitRead, Wanted, read_unit
from workbench.extraction.sources import Per, runs_of, units_of
from workbench.extraction.verification import Row
from workbench.llm.client import LLM
from workbench.llm.meter import Budget
from workbench.llm.running import together
from workbench.record.telling import attributed

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
    progress: bool = True,
) -> EvidenceTable:
    """Extract rows from what happened: one request for each run, person or step; more where it is long.

    What is longer than a prompt ought to be is read in parts that overlap. Nothing is cut: what does not fit the
    model's context, or its answer, is divided further. Where there are several parts the model is also asked which rows
    mean the same (`extraction.merging.duplicates`): one request for 300 rows, some hundred for 2,400. Where there is
    one part, the model that reads it sees to that. All parts are read at once; what was answered is in the call cache,
    and is not paid for again.

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
        progress: whether a bar over the parts is shown.

    Returns:
        a DataFrame in the order of what happened: `run`, `person` and `step` as far as there are several; the fields;
        `quotes` (who said what in these events); `evidence` (their ids, each verified to have been shown); `spans`,
        where there are quotations (field, event, and from which to which character of its words); `variants` (the
        fields of other rows that were made one with this); `unsupported` and `note`: True, and why, where a row names
        no event, or one that was not shown, or none of the person whom it is about, or has a quotation that is not in
        its events. Nothing found gives an empty table. `attrs["extraction"]` has the objective, the model, counts and
        the cost, `attrs["runs"]` the ids of the runs.

    Raises:
        InvalidSettings: fields that cannot be columns, or something that cannot be read.
        UnknownName, StorageError, UnreadableDocument: a file that is not there, or cannot be read.
        ModelError: no readable answer; the message names the run or the person where there are several.
        BudgetSpent: the next request could break the budget; what was answered is in the call cache.
    """
    if type(part_tokens) is not int or part_tokens < 200:
        raise InvalidSettings(f"part_tokens={part_tokens!r}: a whole number is needed, 200 or more")
    if not isinstance(objective, str) or not objective.strip():
        raise InvalidSettings(f"objective={objective!r}: say what to look for, such as 'the product ideas'")
    if not (merge is None or isinstance(merge, bool)):
        raise InvalidSettings(f"merge={merge!r}: it is True, False or None")
    from tqdm.auto import tqdm

    units = units_of(source, per)
    labels = list(dict.fromkeys(name for unit in units for name in unit.labels))
    row = row_model(fields, labels)
    wanted = Wanted(objective, row, identity_fields(row, unique_by), merge, part_tokens)
    models = {model: (llm or model()).metered(budget) for model in dict.fromkeys(unit.model for unit in units)}
    with tqdm(total=0, desc="extract", unit="part", disable=not progress, delay=1) as bar:
        reading = (read_unit(unit, wanted, models[unit.model], bar) for unit in units)
        read = await together(reading, at_once=AT_ONCE)
    table = _table(labels, wanted, read)
    table.attrs |= {"extraction": _facts(labels, objective, list(models.values()), read), "runs": runs_of(units)}
    return table


def _facts(labels: Sequence[str], objective: str, models: Sequence[LLM], read: Sequence[UnitRead]) -> dict[str, Any]:
    rows = [row for one in read for row in one.rows]
    totals = [model.meter.total for model in models]
    costs = [total.usd for total in totals]
    return {
        "objective": objective,
        "model": ", ".join(dict.fromkeys(model.model for model in models)),
        "caveat": next((model.caveat for model in models if model.caveat), ""),
        "labels": list(labels),
        "n_units": len(read),
        "n_parts": sum(one.n_parts for one in read),
        "n_events": len({(one.unit.model, number) for one in read for number in one.shown}),
        "n_rows": len(rows),
        "n_unsupported": sum(row.unsupported for row in rows),
        "n_merged": sum(one.n_merged for one in read),
        "n_calls": sum(total.calls for total in totals),
        "n_merge_calls": sum(_calls_for(model, MERGE) for model in models),
        "n_from_cache": sum(total.from_cache for total in totals),
        "usd": None if None in costs else sum(costs),
    }


def _calls_for(model: LLM, purpose: str) -> int:
    return sum(count.calls for (what, _, _), count in model.meter.counts.items() if what == purpose)


def _table(labels: Sequence[str], wanted: Wanted, read: Sequence[UnitRead]) -> EvidenceTable:
    from workbench.record.evidence_table import EvidenceTable

    fields = [name for name in wanted.row.model_fields if name != "evidence"]
    spans = ["spans"] if wanted.quotations else []
    columns = [*labels, *fields, "quotes", "evidence", *spans, "variants", "unsupported", "note"]
    rows = [_cells(labels, one, row) for one in read for row in one.rows]
    table = EvidenceTable(rows, columns=columns).astype({"unsupported": bool})
    return table if rows else table.astype(_types(wanted.row))


def _types(row: type[BaseModel]) -> dict[str, str]:
    """Return the types of columns that have no rows to tell them."""
    known: dict[Any, str] = {int: "int64", float: "float64", bool: "bool"}
    kinds = {name: field.annotation for name, field in row.model_fields.items()}
    return {name: known[kind] for name, kind in kinds.items() if kind in known}


def _cells(labels: Sequence[str], read: UnitRead, row: Row) -> dict[str, Any]:
    return {
        **{name: read.unit.labels.get(name, "") for name in labels},
        **row.values,
        "quotes": [attributed(read.shown[number]) for number in row.evidence],
        "evidence": list(row.evidence),
        "spans": [span.to_dict() for span in row.spans],
        "variants": list(row.variants),
        "unsupported": row.unsupported,
        "note": row.note,
    }
