"""Tables in a report: what is shown of each, what can be cited, and the events that its rows rest on."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
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


def told_figures(table: pd.DataFrame) -> ToldTable:
    """Return a table of the workbench's own figures, whose notes are no material for findings."""
    return told_of(table, ("note",), known=True)


def told_of(
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
    given = table.attrs.get("runs")
    runs: Mapping[Any, str] = given if isinstance(given, Mapping) else {}
    grid = grid_of(table, known=known)
    rests = resting(grid if known else grid.without(("quotes",)), runs)
    hidden = _hidden(grid, rests, unread)
    silent = (*_NO_MATERIAL, *hidden, *no_facts) if known else ("evidence",) if _is_evidence(rests) else ()
    refused = {number for number, mark in enumerate(_marks(grid), 1) if is_true(mark)}
    without = f", {len(refused)} without support" if refused else ""
    return ToldTable(
        f"A table of {count_of(table, 'row')}{without}.{refusal(len(refused))}",
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
    return marks if all(is_mark(one) for one in marks) else []


def is_mark(value: Any) -> bool:
    """Return whether a cell can say if its row is unsupported: True, False or nothing."""
    return missing(value) or is_false(value) or str(value) == "True"


def refusal(n: int) -> str:
    """Return what has to be said of unsupported rows."""
    if not n:
        return ""
    return (
        " It is shown, and was not read for findings." if n == 1 else " They are shown, and were not read for findings."
    )


def count_of(table: pd.DataFrame, what: str) -> str:
    """Return how many rows a table has, in words."""
    return f"{len(table):,} {what}{'' if len(table) == 1 else 's'}"


def _any(table: pd.DataFrame) -> bool:
    return True


@dataclass(frozen=True)
class Kind:
    """A table that is known by its columns."""

    columns: frozenset[str]
    tell: Callable[[pd.DataFrame, Kind], ToldTable]
    unread: Collection[str] = ()
    """Columns that readers of a report can do without; exports have them."""
    fits: Callable[[pd.DataFrame], bool] = _any
    person: str = "person"
    no_facts: Collection[str] = ()
    """Columns that are no material for findings."""
    of_nothing: bool = False
    """Whether there is something to say of a table without rows: that nothing was found is a result."""

    def told(self, table: pd.DataFrame) -> ToldTable:
        """Return a table of this kind, without what is particular to it."""
        return told_of(table, self.unread, no_facts=self.no_facts, person=self.person, known=True)
