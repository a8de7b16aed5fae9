"""Grids: tables as rows of cells, with their index where it says something, and the events that a row rests on."""

from __future__ import annotations

import numbers
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from workbench.record.cells import exact, missing

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Resting:
    """An event that a row of a table names."""

    run: str
    """The id of its run; empty where that is not known."""
    event: int
    label: str = ""
    """The name of its run, where the row names several."""
    quote: str = ""
    """What the event says, where the table has it."""


@dataclass(frozen=True)
class Grid:
    """A table as it is shown."""

    columns: Sequence[str]
    """Two of one name are two."""
    rows: Sequence[Sequence[Any]]

    def __len__(self) -> int:
        return len(self.rows)

    def place(self, name: str) -> int | None:
        """Return where a column is; nothing where there is none of that name, or several."""
        return list(self.columns).index(name) if list(self.columns).count(name) == 1 else None

    def values(self, name: str) -> list[Any]:
        """Return what stands in a column; nothing in each row where there is none."""
        place = self.place(name)
        return [None if place is None else row[place] for row in self.rows]

    def without(self, names: Collection[str]) -> Grid:
        """Return it without columns."""
        kept = [place for place, name in enumerate(self.columns) if name not in names]
        return Grid([self.columns[place] for place in kept], [[row[place] for place in kept] for row in self.rows])

    def blank(self, name: str) -> bool:
        """Return whether nothing stands in a column, or False alone."""
        return all(not exact(value) or is_false(value) for value in self.values(name))

    def in_words(self, unread: Collection[str] = ()) -> list[str]:
        """Return each row in words, its numbers with all digits; what is missing is left out."""
        return ["; ".join(self._told(row, unread)) for row in self.rows]

    def _told(self, row: Sequence[Any], unread: Collection[str]) -> Iterator[str]:
        for name, value in zip(self.columns, row, strict=True):
            if name not in unread and (words := exact(value)):
                yield f"{name}: {words}" if name else words


def grid_of(table: pd.DataFrame, *, known: bool = False) -> Grid:
    """Return a table as it is shown: all its columns, after its index where that is named, or no mere count of rows.

    Args:
        table: any.
        known: whether it is of a kind that is known by its columns: then an index without a name, which counts its
            rows, or did before some were taken out, is left out.
    """
    columns = [_heading(name) for name in table.columns]
    rows: list[list[Any]] = [list(row) for row in table.itertuples(index=False, name=None)]
    if not _says_something(table.index, known):
        return Grid(columns, rows)
    names = ["" if name is None else _heading(name) for name in table.index.names]
    labels = [list(label) if table.index.nlevels > 1 else [label] for label in table.index]
    return Grid([*names, *columns], [[*label, *row] for label, row in zip(labels, rows, strict=True)])


def _heading(name: Any) -> str:
    return " ".join(str(one) for one in name if str(one)) if isinstance(name, tuple) else str(name)


def _says_something(index: pd.Index, known: bool) -> bool:
    import pandas as pd

    named = any(name is not None for name in index.names)
    counts = known and pd.api.types.is_integer_dtype(index)
    return named or not (isinstance(index, pd.RangeIndex) or counts or not len(index))


def is_true(value: Any) -> bool:
    """Return whether a cell says True, as a file may have it, too."""
    return str(value) in ("True", "true") or (isinstance(value, numbers.Real) and value == 1)


def is_false(value: Any) -> bool:
    """Return whether a cell is the value False."""
    return str(value) == "False"


def resting(grid: Grid, runs: Mapping[Any, str]) -> list[list[Resting] | None]:
    """Return the events that each row names in its column `evidence`; None where that is no list of them.

    Args:
        grid: as a table has it.
        runs: ids of the runs, by what its column `run` has (`""` where there is none), or by the names in `evidence`.
    """
    quotes = grid.values("quotes")
    names = ["" if missing(name) else name for name in grid.values("run")]
    evidence = grid.values("evidence")
    return [_of_row(*one, runs) for one in zip(evidence, quotes, names, strict=True)]


def _of_row(evidence: Any, quotes: Any, name: Any, runs: Mapping[Any, str]) -> list[Resting] | None:
    cited, said = _listed(evidence), _listed(quotes) or []
    if cited is None:
        return None
    said = [str(one) for one in said] if len(said) == len(cited) else [""] * len(cited)
    rows = []
    for one, words in zip(cited, said, strict=True):
        if isinstance(one, Mapping) and {"run", "event"} <= set(one) and _is_whole(one["event"]):
            rows.append(Resting(str(runs.get(one["run"], "")), int(one["event"]), str(one["run"]), words))
        elif _is_whole(one):
            rows.append(Resting(str(runs.get(name, "")), int(one), "", words))
        else:
            return None
    return rows


def _listed(value: Any) -> list[Any] | None:
    if isinstance(value, list | tuple):
        return list(value)
    return list(value.tolist()) if getattr(value, "ndim", 0) == 1 else None


def _is_whole(value: Any) -> bool:
    return isinstance(value, numbers.Integral) and not isinstance(value, bool)
