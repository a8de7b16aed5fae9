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

MADE = (
    *("variants", "runs", "n_runs", "people", "n_people", "n_rows", "n_unsupported"),
    *("evidence", "unsupported", "note"),
)
PEOPLE = ("people", "n_people")
"""Columns that a merged table has where its tables have people."""
_FACTS = ("extraction", "reduction")


def rows_of_runs(tables: Tables, by: Sequence[str]) -> tuple[list[RunRow], list[str], bool, dict[str, str]]:
    """Read tables of runs.

    `run` is a label, whoever made the column. Whether `person` and `step` are labels or fields, `extract` and `reduce`
    say in `attrs`; where nothing is said (pandas forgets it where tables are put together), `step` is one, and `person`
    a field.

    Args:
        tables: one, several, or several by name, as for `merge_rows`.
        by: the columns that are compared.

    Returns:
        the rows; the columns that they have, those that are compared first; whether they are of people; and the ids of
        their runs, by name, as far as they are known.

    Raises:
        InvalidSettings: something that is no table, a column that is not there, or a run without a name.
    """
    given = _given(tables)
    columns = _columns(given, by)
    rows = [row for table, name in given for row in _rows(table, name, by, columns)]
    return rows, columns, any("person" in _labels(table) for table, _ in given), _ids(given)


@dataclass(frozen=True)
class RunRow:
    """A row of a run."""

    run: str
    values: Mapping[str, Any]
    text: str
    """What it says in the columns that are compared."""
    also: tuple[str, ...]
    """What rows that were already made one with it say there."""
    evidence: tuple[int, ...]
    unsupported: bool
    note: str
    person: str = ""
    """Whose view it is from; empty where it is nobody's."""
    apart: bool = False
    """Whether its person has event ids of their own: that all are of one run is not known."""

    @property
    def key(self) -> str:
        """The text without what does not tell rows apart; empty where there is none."""
        return " ".join(self.text.casefold().split())

    @property
    def events(self) -> list[dict[str, Any]]:
        """What it rests on, as merged tables have it."""
        whose = {"person": self.person} if self.apart else {}
        return [{"run": self.run, **whose, "event": number} for number in self.evidence]


def _ids(given: Sequence[tuple[pd.DataFrame, str | None]]) -> dict[str, str]:
    """Return the ids of runs by their names; one name for two runs has none."""
    known: dict[str, set[str]] = {}
    for table, name in given:
        for own, number in table.attrs.get("runs", {}).items():
            known.setdefault(own if name is None else name, set()).add(number)
    return {name: next(iter(ids)) for name, ids in known.items() if len(ids) == 1}


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
    return [(table, str(name) if named or "run" not in table.columns else None) for name, table in pairs]


def _labels(table: pd.DataFrame) -> set[str]:
    """Return which columns say of what a row is, and are no fields."""
    facts = (table.attrs.get(name) for name in _FACTS)
    told = [one["labels"] for one in facts if isinstance(one, Mapping) and "labels" in one]
    return {"run", *(told[0] if told else ["step"])} & set(table.columns)


def made_columns(*, people: bool) -> list[str]:
    """Return the columns of a merged table behind the fields."""
    return [name for name in MADE if people or name not in PEOPLE]


def _columns(given: Sequence[tuple[pd.DataFrame, str | None]], by: Sequence[str]) -> list[str]:
    """Return the columns that are merged: those that are compared, then the others, in an order of their own."""
    behind = [{*_labels(table), *ABOUT_ROWS} for table, _ in given]
    usable = [
        [name for name in table.columns if name not in some] for (table, _), some in zip(given, behind, strict=True)
    ]
    for columns in usable:
        if not by or (missing := [name for name in by if name not in columns]):
            wrong = ", ".join(map(repr, missing)) if by else "nothing"
            raise InvalidSettings(f"by: {wrong} is no column to compare: a table has {', '.join(columns) or 'none'}")
    others = {name: min(c.index(name) for c in usable if name in c) for columns in usable for name in columns}
    people = any("person" in _labels(table) for table, _ in given)
    if taken := [name for name in others if name in made_columns(people=people)]:
        raise InvalidSettings(f"tables: {', '.join(taken)} is what the merged table has: rename the column")
    return [*by, *sorted((name for name in others if name not in by), key=lambda name: (others[name], name))]


def _rows(table: pd.DataFrame, name: str | None, by: Sequence[str], columns: Sequence[str]) -> list[RunRow]:
    from workbench.record.evidence_table import of_one_run

    labels = _labels(table)
    apart = "person" in labels and "run" not in labels and not of_one_run(table)
    rows = []
    for record in table.to_dict("records"):
        run = _run(_plain(record["run"]) if "run" in labels else None, name)
        person = _plain(record["person"]) if "person" in labels else None
        values = {column: None if column in labels else _plain(record.get(column)) for column in columns}
        evidence, note = _evidence(record.get("evidence"), run), _plain(record.get("note")) or ""
        row = RunRow(
            run,
            values,
            _text(values, by),
            _also(_plain(record.get("variants")), by),
            evidence,
            _plain(record.get("unsupported")) in (True, 1),
            str(note),
            "" if person is None else str(person),
            apart,
        )
        rows.append(row)
    return rows


def _run(own: Any, name: str | None) -> str:
    """Return of which run a row is, by its own column and the name of its table."""
    if own is None and name is None:
        raise InvalidSettings("tables: a row has no run, so nobody can find what it rests on")
    return str(name) if own is None else str(own) if name is None else f"{name}: {own}"


def _also(variants: Any, by: Sequence[str]) -> tuple[str, ...]:
    """Return what other rows say that `extract` made one with this."""
    there = variants if isinstance(variants, list | tuple) else ()
    texts = (_text({name: _plain(one.get(name)) for name in by}, by) for one in there if isinstance(one, Mapping))
    return tuple(text for text in texts if text)


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
