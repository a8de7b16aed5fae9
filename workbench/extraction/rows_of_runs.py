"""The rows of tables of many runs, read in one form: which run, what they say, what they rest on."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from workbench.errors import InvalidSettings
from workbench.extraction.fields import ABOUT_ROWS

if TYPE_CHECKING:
    import pandas as pd

    Tables = pd.DataFrame | Iterable[pd.DataFrame] | Mapping[str, pd.DataFrame]

LABELS = ("run", "person", "step")
MADE = ("variants", "runs", "n_runs", "n_rows", "evidence", "unsupported", "note")
"""Columns of a merged table behind the fields."""
_NONE_OF_THE_ROWS = (*LABELS, *ABOUT_ROWS)


def rows_of_runs(tables: Tables, by: Sequence[str]) -> tuple[list[RunRow], list[str]]:
    """Read tables of runs.

    Args:
        tables: one, several, or several by name, as for `merge_rows`.
        by: the columns that are compared.

    Returns:
        the rows, and the columns that they have: those that are compared first.

    Raises:
        InvalidSettings: something that is no table, a column that is not there, or a run without a name.
    """
    given = _given(tables)
    columns = _columns(given, by)
    return [row for table, name in given for row in _rows(table, name, by, columns)], columns


@dataclass(frozen=True)
class RunRow:
    """A row of a run."""

    run: str
    values: Mapping[str, Any]
    text: str
    """What it says in the columns that are compared."""
    evidence: tuple[int, ...]
    unsupported: bool
    note: str

    @property
    def key(self) -> str:
        """The text without what does not tell rows apart; empty where there is none."""
        return " ".join(self.text.casefold().split())


def _given(tables: Any) -> list[tuple[pd.DataFrame, str | None]]:
    """Return the tables, each with the name of its run where it was given, or has to be."""
    import pandas as pd

    named = isinstance(tables, Mapping)
    if isinstance(tables, pd.DataFrame):
        tables = [tables]
    elif not isinstance(tables, Iterable) or isinstance(tables, str):
        raise InvalidSettings(f"tables={tables!r}: a DataFrame, several, or several by name are needed")
    pairs = list(tables.items()) if named else [(f"run {n}", table) for n, table in enumerate(tables, start=1)]
    for name, table in pairs:
        if not isinstance(table, pd.DataFrame):
            raise InvalidSettings(f"tables: {name} is a {type(table).__name__}, and no DataFrame")
        if not table.columns.is_unique or not all(isinstance(column, str) for column in table.columns):
            raise InvalidSettings(f"tables: {name} has columns that are no texts, or are there twice: rename them")
    return [(table, str(name) if named or not _run_column(table) else None) for name, table in pairs]


def _run_column(table: pd.DataFrame) -> str | None:
    return next((name for name in ("run", "person") if name in table.columns), None)


def _columns(given: Sequence[tuple[pd.DataFrame, str | None]], by: Sequence[str]) -> list[str]:
    """Return the columns that are merged: those that are compared, then the others, in an order of their own."""
    usable = [[name for name in table.columns if name not in _NONE_OF_THE_ROWS] for table, _ in given]
    for columns in usable:
        if not by or (missing := [name for name in by if name not in columns]):
            wrong = ", ".join(map(repr, missing)) if by else "nothing"
            raise InvalidSettings(f"by: {wrong} is no column to compare: a table has {', '.join(columns) or 'none'}")
    others = {name: min(c.index(name) for c in usable if name in c) for columns in usable for name in columns}
    if taken := [name for name in others if name in MADE]:
        raise InvalidSettings(f"tables: {', '.join(taken)} is what the merged table has: rename the column")
    return [*by, *sorted((name for name in others if name not in by), key=lambda name: (others[name], name))]


def _rows(table: pd.DataFrame, name: str | None, by: Sequence[str], columns: Sequence[str]) -> list[RunRow]:
    run_column = _run_column(table)
    rows = []
    for record in table.to_dict("records"):
        own = _plain(record[run_column]) if run_column else None
        run = name if own is None else str(own) if name is None else f"{name}: {own}"
        if run is None:
            raise InvalidSettings(f"tables: a row has no {run_column}, so nobody can find what it rests on")
        values = {column: _plain(record.get(column)) for column in columns}
        evidence, note = _evidence(record.get("evidence"), run), _plain(record.get("note")) or ""
        unsupported = bool(_plain(record.get("unsupported")))
        rows.append(RunRow(run, values, _text(values, by), evidence, unsupported, str(note)))
    return rows


def _evidence(value: Any, run: str) -> tuple[int, ...]:
    plain = _plain(value)
    if plain is None:
        return ()
    if not isinstance(plain, list | tuple) or not all(isinstance(one, int) for one in plain):
        raise InvalidSettings(f"tables: the evidence of a row of {run} is {value!r}; a list of event ids is needed")
    return tuple(plain)


def _plain(value: Any) -> Any:
    """Return a cell as Python has it; None where it is missing."""
    import pandas as pd

    if hasattr(value, "tolist"):
        value = value.tolist()
    return None if pd.api.types.is_scalar(value) and pd.isna(value) else value


def _text(values: Mapping[str, Any], by: Sequence[str]) -> str:
    """Return what a row says in the columns that are compared."""
    said = {name: _as_text(values[name]) for name in by}
    if len(by) == 1 or not any(text.strip() for text in said.values()):
        return said[by[0]] if said[by[0]].strip() else ""
    return "; ".join(f"{name}: {text}" for name, text in said.items())


def _as_text(value: Any) -> str:
    return "" if value is None else value if isinstance(value, str) else canonical(value)


def canonical(value: Any) -> str:
    """Return a value as a text that equal values share, and that puts values in one order.

    A whole number is one number: an integer is a float where something else of its column is missing.
    """
    value = int(value) if isinstance(value, float) and value.is_integer() else value
    return json.dumps(value, sort_keys=True, ensure_ascii=False, default=str)
