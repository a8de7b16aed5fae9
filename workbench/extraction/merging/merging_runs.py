"""`merge_rows`: rows of many runs that mean the same, made one; nothing is lost, and no order counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from workbench.errors import InvalidSettings
from workbench.extraction.merging.rows_of_runs import RunRow, canonical, made_columns, rows_of_runs
from workbench.extraction.merging.same_meaning import Grouping, representative, same_meaning
from workbench.llm.client import LLM, default_llm
from workbench.llm.meter import Budget

if TYPE_CHECKING:
    from workbench.extraction.merging.merged_table import MergedTable
    from workbench.extraction.merging.rows_of_runs import Tables


async def merge_rows(
    tables: Tables,
    same: str,
    *,
    by: str | Collection[str],
    rows_at_once: int = 150,
    llm: LLM | None = None,
    budget: Budget | None = None,
) -> MergedTable:
    """Merge rows of many runs that mean the same, as a model says.

    Rows whose words are equal but for case and spaces are one without a question. The others are read in blocks until
    every two have met; what is one with a second row that is one with a third is one with both. The order of tables and
    of rows makes no difference: rows are put in one order before anything is asked. What was answered is in the call
    cache, and is not paid for again.

    A row that the model names in no group stays alone. Numbers that it invents are passed over; of one that it puts in
    two groups of an answer the first counts. Both are counted in `attrs`. Each row of the tables is in one merged row.

    Args:
        tables: as `extract` and `reduce` return them: one, several, or several by the names of their runs. A run is
            what is named so, or what a column `run` says; without both, each table is one: `run 1`, `run 2` ... in
            order. People are none: those whose views a table has (`per="person"`) are of its run. Give such tables one
            by one, or as `extract` made them of several runs: of what pandas puts together it is no longer known whose
            views it has, and `person` is a field.
        same: what rows that belong together are, such as "the same product idea".
        by: the column, or columns, that the model compares. Rows where it is missing or blank stay alone.
        rows_at_once: in one request, at most. That n rows of different meanings have all met takes about
            2 (n / rows_at_once)² requests; one where there are no more than fit it.
        llm: the model; that of the settings when not given.
        budget: what may be spent.

    Returns:
        a DataFrame, rows of most runs first, then of most rows, then by alphabet.

        - `by`: the words of one of the merged rows: the most frequent ones, of these the most typical (the medoid by
          their words), of these the first by alphabet.
        - The other columns of the tables: the most frequent value, of these one that stands beside those words, of
          these the first by alphabet. Unsupported rows have no say in either where others are supported.
        - `variants`: all that `by` says, most frequent first, those of unsupported rows, too.
        - `runs`, sorted, and `n_runs`; `n_rows`; where the tables are of people also `people`, sorted, and `n_people`
          (one name is one person, in whatever run): what supports the row. Unsupported rows do not count: they are
          `n_unsupported`.
        - `evidence` of the supported rows, sorted, `{"run": ..., "event": ...}`, with `person` where people have event
          ids of their own.
        - `unsupported`: whether all merged rows are. Then no run, person or row supports it: `n_runs` and `n_rows` are
          0, and `evidence` is what these rows name. `note`: why.

        `person` and `step`, where they are no fields, `quotes` and `spans` are of single rows, and left out.
        `attrs["merging"]` has the model, counts and the cost, `attrs["runs"]` the ids of runs.

    Raises:
        InvalidSettings: something that is no table, a column that is not there, or a run without a name.
        ModelError: no readable answer.
        BudgetSpent: the next request could break the budget; what was answered is in the call cache.
    """
    names = [by] if isinstance(by, str) else list(by)
    if not isinstance(rows_at_once, int) or rows_at_once < 2:
        raise InvalidSettings(f"rows_at_once={rows_at_once!r}: a whole number is needed, 2 or more")
    rows, columns, people, runs = rows_of_runs(tables, names)
    model = (llm or default_llm()).metered(budget)
    spelling = _spelling(rows)
    counts = Counter(spelling[row.key] for row in rows if row.key)
    found = await same_meaning(counts, same, rows_at_once, model) if counts else Grouping([], Counter())
    groups = _groups(rows, found, spelling)
    facts = {"same": same, "by": names, **_facts(rows, groups, found, model)}
    table = _table(
        [_merged(group, names, columns) for group in groups], [*columns, *made_columns(people=people)], names
    )
    table.attrs |= {"merging": facts, "runs": runs}
    return table


def _spelling(rows: Iterable[RunRow]) -> dict[str, str]:
    """Return how texts that differ in case and spaces alone are written: as most rows do."""
    written: dict[str, Counter[str]] = {}
    for row in rows:
        written.setdefault(row.key, Counter())[row.text] += 1
    return {key: min(texts, key=lambda text: (-texts[text], text)) for key, texts in written.items()}


def _groups(rows: Sequence[RunRow], found: Grouping, spelling: Mapping[str, str]) -> list[list[RunRow]]:
    """Return the rows in groups: each row is in one."""
    of_text: dict[str, list[RunRow]] = {}
    alone = [[row] for row in rows if not row.key]
    for row in rows:
        if row.key:
            of_text.setdefault(spelling[row.key], []).append(row)
    return [*([row for text in group for row in of_text[text]] for group in found.groups), *alone]


def _merged(rows: Sequence[RunRow], by: Sequence[str], columns: Sequence[str]) -> dict[str, Any]:
    """Return the row that all of these are."""
    supported = [row for row in rows if not row.unsupported]
    heard = supported or rows
    text = representative(Counter(row.text for row in heard))
    beside = [row for row in heard if row.text == text]
    texts = Counter(said for row in rows for said in (row.text, *row.also) if said)
    runs, people = {row.run for row in supported}, {row.person for row in supported if row.person}
    made = {
        "variants": sorted(texts, key=lambda one: (-texts[one], one)),
        "runs": sorted(runs),
        "n_runs": len(runs),
        "people": sorted(people),
        "n_people": len(people),
        "n_rows": len(supported),
        "n_unsupported": len(rows) - len(supported),
        "evidence": _evidence(heard),
        "unsupported": not supported,
        "note": "; ".join(sorted({row.note for row in heard if row.note})),
    }
    others = {name: _most_frequent(name, heard, beside) for name in columns if name not in by}
    return {**made, **min((row.values for row in beside), key=canonical), **others}


def _evidence(rows: Iterable[RunRow]) -> list[dict[str, Any]]:
    """Return what rows rest on, in order; each event once."""
    events = {(event["run"], event.get("person", ""), event["event"]): event for row in rows for event in row.events}
    return [events[key] for key in sorted(events)]


def _most_frequent(name: str, rows: Sequence[RunRow], beside: Sequence[RunRow]) -> Any:
    there, near = ([row.values[name] for row in some if row.values[name] is not None] for some in (rows, beside))
    if not there:
        return None
    counts, nearest = Counter(map(canonical, there)), Counter(map(canonical, near))
    best = min(counts, key=lambda text: (-counts[text], -nearest[text], text))
    return min((value for value in there if canonical(value) == best), key=repr)


def _table(rows: list[dict[str, Any]], columns: Sequence[str], by: Sequence[str]) -> MergedTable:
    from workbench.extraction.merging.merged_table import MergedTable

    rows.sort(key=lambda row: (-row["n_runs"], -row["n_rows"], canonical([row[name] for name in by]), canonical(row)))
    table = MergedTable(rows, columns=list(columns))
    counts = [name for name in columns if name in ("n_runs", "n_people", "n_rows", "n_unsupported")]
    return table.astype({**dict.fromkeys(counts, int), "unsupported": bool})


def _facts(rows: Sequence[RunRow], groups: Sequence[Sequence[RunRow]], found: Grouping, model: LLM) -> dict[str, Any]:
    total = model.meter.total
    return {
        "model": model.model,
        "caveat": model.caveat,
        "n_rows": len(rows),
        "n_unsupported": sum(row.unsupported for row in rows),
        "n_merged": len(rows) - len(groups),
        "n_invented": found.slips["invented"],
        "n_twice": found.slips["twice"],
        "n_calls": total.calls,
        "n_from_cache": total.from_cache,
        "usd": total.usd,
    }
