"""Tables in a report: what kind each is, which of its columns are read, and what is drawn of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from workbench.extraction.reporting.grids import Grid, Resting, grid_of, is_false, is_true, resting
from workbench.record.cells import missing

if TYPE_CHECKING:
    import pandas as pd

    from workbench.plots import Figure

_NO_MATERIAL = ("evidence", "unsupported", "note", "quotes", "spans")
"""Columns of known tables that are no facts that a finding could state, besides those that are not shown."""
_TELLING = ("note", "unsupported", "sd", "variants", "n_unsupported")
"""Columns that readers can do without only where nothing stands in them."""


@dataclass(frozen=True)
class ToldRow:
    """A row of a table that a finding can rest on."""

    number: int
    words: str
    person: str = ""
    """Whom it is of, where the table says it."""
    of: str = "row"


@dataclass(frozen=True)
class ToldTable:
    """A table as a report has it."""

    what: str
    rows: Sequence[ToldRow]
    """What can be cited; what is unsupported cannot."""
    shown: Grid
    resting: Sequence[Sequence[Resting] | None] = ()
    """The events that each row that is shown rests on."""
    left_out: Sequence[str] = ()
    """Columns that are not shown, though something stands in them; quotes are told by the evidence."""
    figure: Figure | None = None
    made: Mapping[str, str] = field(default_factory=dict)
    caveat: str = ""
    shows: frozenset[str] = frozenset()
    runs: frozenset[str] = frozenset()
    """Ids of the runs that it was made from, as far as it knows them."""


def told_table(table: pd.DataFrame) -> ToldTable:
    """Return a table as a report has it.

    Scores, checks, answers, effects, transcripts and extracted rows are known by their columns, and shown without those
    that serve bookkeeping; of any other table all columns are shown.
    """
    there = list(map(str, table.columns))
    if len(table) and len(set(there)) == len(there):
        for kind in _KINDS:
            if kind.columns <= set(there) and kind.fits(table):
                return kind.tell(
                    table, _told(table, kind.unread, no_facts=kind.no_facts, person=kind.person, known=True)
                )
    return _told(table)


def told_figures(table: pd.DataFrame) -> ToldTable:
    """Return a table of the workbench's own figures, whose notes are no material for findings."""
    return _told(table, ("note",), known=True)


def _told(
    table: pd.DataFrame,
    unread: Collection[str] = (),
    *,
    no_facts: Collection[str] = (),
    person: str = "person",
    known: bool = False,
) -> ToldTable:
    """Return a table without what is particular to its kind.

    Args:
        table: any.
        unread: columns that are not shown; notes and marks only where nothing stands in them.
        no_facts: columns that are no material for findings, besides those of all known kinds.
        person: the column that says whom a row is of.
        known: whether it is of a known kind.
    """
    runs: Mapping[Any, str] = table.attrs.get("runs") or {}
    grid = grid_of(table, known=known)
    rests = resting(grid if known else grid.without(("quotes",)), runs)
    hidden = _hidden(grid, rests, unread)
    silent = (*_NO_MATERIAL, *hidden, *no_facts) if known else ("evidence",) if _is_evidence(rests) else ()
    refused = {number for number, mark in enumerate(_marks(grid), 1) if is_true(mark)}
    without = f", {len(refused)} without support" if refused else ""
    return ToldTable(
        f"A table of {_count(table, 'row')}{without}.{_refusal(len(refused))}",
        [row for row in _rows(grid, silent, person) if row.number not in refused],
        grid.without(hidden),
        rests,
        [name for name in hidden if name != "quotes" and not grid.blank(name)],
        runs=frozenset(str(one) for one in runs.values() if one),
    )


def _rows(grid: Grid, silent: Collection[str], person: str) -> list[ToldRow]:
    whose = ["" if missing(one) else str(one) for one in grid.values(person)]
    said = enumerate(zip(grid.in_words(silent), whose, strict=True), start=1)
    return [ToldRow(number, words, who) for number, (words, who) in said if words]


def _hidden(grid: Grid, rests: Sequence[Sequence[Resting] | None], unread: Collection[str]) -> list[str]:
    """Return the columns that are not shown: quotes only where the evidence tells them."""
    told = all(one is not None or missing(value) for one, value in zip(rests, grid.values("evidence"), strict=True))
    there = [name for name in grid.columns if name in unread and (name != "quotes" or told)]
    return [name for name in there if name not in _TELLING or grid.blank(name)]


def _is_evidence(rests: Sequence[Sequence[Resting] | None]) -> bool:
    return any(one is not None for one in rests)


def _marks(grid: Grid) -> list[Any]:
    """Return what says which rows are unsupported; nothing where the column has other things, such as counts."""
    marks = grid.values("unsupported")
    return marks if all(_is_mark(one) for one in marks) else []


def _is_mark(value: Any) -> bool:
    return missing(value) or is_false(value) or str(value) == "True"


def _refusal(n: int) -> str:
    if not n:
        return ""
    return (
        " It is shown, and was not read for findings." if n == 1 else " They are shown, and were not read for findings."
    )


def _scores(table: pd.DataFrame, told: ToldTable) -> ToldTable:
    from workbench import plots

    n_missing = int(table["score"].isna().sum())
    what = f"{_count(table, 'score')} of {table['target'].nunique()} by {_claims(table)}"
    made = {"Scores": f"{len(table) - n_missing} of {len(table)}", "Cost": _money(table)}
    drawn = plots.closed(plots.scores(table)) if n_missing < len(table) else None
    return replace(
        told,
        what=f"{what}{f'; {n_missing} could not be given' if n_missing else ''}."
        f"{' The chart shows them.' if drawn else ''}",
        figure=drawn,
        made=_known(made),
        shows=frozenset({"scores", "simulated"}),
    )


def _checks(table: pd.DataFrame, told: ToldTable) -> ToldTable:
    there = int(table["holds"].notna().sum())
    what = f"{_count(table, 'check')} of {table['target'].nunique()} by {_claims(table)}"
    made = {"Checks": f"{there} of {len(table)}", "Cost": _money(table)}
    without = len(table) - there
    return replace(
        told,
        what=f"{what}{f'; {without} could not be made' if without else ''}.",
        made=_known(made),
        shows=frozenset({"scores", "simulated"}),
    )


def _answers(table: pd.DataFrame, told: ToldTable) -> ToldTable:
    from workbench import plots
    from workbench.evaluation.surveys.shares import shares

    counted = shares(table)
    n_missing = int(table["answer"].isna().sum())
    people, questions = table["person"].nunique(), table["question"].nunique()
    methods = ", ".join(sorted(map(str, table["method"].dropna().unique()))) if "method" in table else ""
    made = {"People asked": str(people), "Questions": str(questions), "Elicitation": methods}
    asked = f"{questions} question{'' if questions == 1 else 's'}"
    what = f"What {_people(people)} answered to {asked}; {_n_missing(n_missing)}."
    told = replace(
        told,
        made=_known(made),
        shows=frozenset({"answers", *(["simulated"] if methods else [])}),
        what=what,
    )
    if not len(counted):
        return told
    shown_rows = [ToldRow(number, words, of="share") for number, words in enumerate(grid_of(counted).in_words(), 1)]
    open_ones = sorted(set(map(str, table["question"])) - set(map(str, counted["question"])))
    besides = (
        f" Answers to {', '.join(open_ones)} are in words or numbers of their own, and not counted."
        if open_ones
        else ""
    )
    return replace(
        told,
        what=f"{what} The table counts them: the share of those who answered.{besides}",
        rows=[*told.rows, *shown_rows],
        shown=grid_of(counted),
        resting=[None] * len(counted),
        left_out=(),
        figure=plots.answers(counted),
    )


def _effects(table: pd.DataFrame, told: ToldTable) -> ToldTable:
    from workbench import plots

    drawn = plots.closed(plots.effects(table)) if table["a"].notna().any() else None
    chart = " The chart shows the effect sizes with their intervals." if drawn else ""
    return replace(told, what=f"Conditions compared: {_count(table, 'test')}.{chart}", figure=drawn)


def _transcript(table: pd.DataFrame, told: ToldTable) -> ToldTable:
    from workbench import plots

    drawn = plots.closed(plots.talk_share(table)) if table["type"].eq("TALK").any() else None
    return replace(told, what=f"A transcript of {_count(table, 'event')}.", figure=drawn)


def _extracted(table: pd.DataFrame, told: ToldTable) -> ToldTable:
    facts: Mapping[str, Any] = table.attrs.get("extraction") or table.attrs.get("merging") or {}
    unsupported = sum(is_true(mark) for mark in table["unsupported"])
    made = {
        "What was looked for": facts.get("objective", ""),
        "What was made one": facts.get("same", ""),
        "Model that read": facts.get("model", ""),
        "Events read": f"{facts['n_events']} in {_parts(facts['n_parts'])}" if "n_events" in facts else "",
        "Rows merged": str(facts.get("n_merged", "")),
        "Cost": _usd(facts.get("usd")) if facts else "",
    }
    kind = "Rows of several runs, merged" if "n_runs" in table and "variants" in table else "Extracted"
    what = f"{kind}: {_count(table, 'row')}, {unsupported} without support.{_refusal(unsupported)}"
    return replace(told, what=what, made=_known(made), caveat=facts.get("caveat", ""))


def _numeric(table: pd.DataFrame) -> bool:
    return table["score"].dtype.kind in "iuf" or bool(table["score"].isna().all())


def _has_marks(table: pd.DataFrame) -> bool:
    return all(_is_mark(one) for one in table["unsupported"])


def _any(table: pd.DataFrame) -> bool:
    return True


@dataclass(frozen=True)
class _Kind:
    """A table that is known by its columns."""

    columns: frozenset[str]
    tell: Callable[[pd.DataFrame, ToldTable], ToldTable]
    unread: Collection[str] = ()
    """Columns that readers of a report can do without; exports have them."""
    fits: Callable[[pd.DataFrame], bool] = _any
    person: str = "person"
    no_facts: Collection[str] = ()
    """Columns that are no material for findings."""


_JUDGED = ("quotes", "call", "usd", "note")
_KINDS = (
    _Kind(frozenset({"target", "proposition", "score"}), _scores, (*_JUDGED, "sd"), _numeric, "target"),
    _Kind(frozenset({"target", "proposition", "holds", "justification"}), _checks, _JUDGED, person="target"),
    _Kind(
        frozenset({"person", "question", "kind", "answer", "order", "weight"}),
        _answers,
        ("probabilities", "order", "events", "call", "note"),
        no_facts=("replicate", "kind", "method", "missing", "weight"),
    ),
    _Kind(
        frozenset({"metric", "a", "b", "effect", "effect_size", "ci_low", "ci_high", "p_holm", "test"}),
        _effects,
        ("note",),
    ),
    _Kind(
        frozenset({"id", "step", "time", "kind", "type", "source", "target", "content"}),
        _transcript,
        ("call",),
        person="source",
    ),
    _Kind(
        frozenset({"evidence", "unsupported", "note"}),
        _extracted,
        ("quotes", "spans", "variants", "unsupported", "n_unsupported", "note"),
        _has_marks,
    ),
)


def _known(facts: Mapping[str, str]) -> dict[str, str]:
    return {name: fact for name, fact in facts.items() if fact}


def _count(table: pd.DataFrame, what: str) -> str:
    return f"{len(table):,} {what}{'' if len(table) == 1 else 's'}"


def _claims(table: pd.DataFrame) -> str:
    n = table["proposition"].nunique()
    return f"{n} claim{'' if n == 1 else 's'}"


def _people(n: int) -> str:
    return "1 person" if n == 1 else f"{n} people"


def _parts(n: int) -> str:
    return "1 part" if n == 1 else f"{n} parts"


def _n_missing(n: int) -> str:
    return "none is missing" if not n else "1 answer is missing" if n == 1 else f"{n} answers are missing"


def _money(table: pd.DataFrame) -> str:
    return _usd(float(table["usd"].sum(skipna=False))) if "usd" in table else ""


def _usd(usd: float | None) -> str:
    return "not known: no price is set" if usd is None or math.isnan(usd) else f"${usd:.4f}"
