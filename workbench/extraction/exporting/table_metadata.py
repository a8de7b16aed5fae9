"""What a table's columns are, in the W3C's form (CSV on the Web: https://www.w3.org/TR/tabular-metadata/)."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from workbench.errors import DamagedFile, InvalidSettings, storage_errors
from workbench.extraction.exporting.column_types import ColumnType, Kind, column_type_of, plain
from workbench.extraction.exporting.table_facts import KEY

if TYPE_CHECKING:
    import pandas as pd

CONTEXT = "http://www.w3.org/ns/csvw"
PANDAS = "https://pandas.pydata.org/docs/reference/arrays.html"
"""The property of a column that says what it was in pandas; others may skip it, says the standard."""
_NULLS = ("", "NA", "NULL")
_HALF_PAIR = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True)
class Column:
    """A column of a table: what it is called, what it is, and its plain cells."""

    name: str
    type: ColumnType
    cells: Sequence[Any]
    series: pd.Series[Any]

    @property
    def null(self) -> str:
        """What a CSV file has for a missing value: empty, or the first text that no cell has."""
        if self.type.kind != "string":
            return ""
        texts = set(self.cells)
        more = (f"NULL{number}" for number in range(2, len(texts) + 3))
        return next(null for null in (*_NULLS, *more) if null not in texts)


def columns_of(frame: pd.DataFrame) -> list[Column]:
    """Return the columns of a table, as they are written.

    Row labels that have a name, or are no numbers, come first, as columns; other row labels are left out.

    Raises:
        InvalidSettings: a table that no file can hold: columns without a name or of the same name, no columns at all,
            values that no file has.
    """
    frame = _with_labels(frame)
    names = list(frame.columns)
    if strange := [name for name in names if not isinstance(name, str)]:
        raise InvalidSettings(f"columns need texts as names, these are none: {strange[:5]!r}: .rename(columns=str)")
    if len(set(names)) < len(names) or not names:
        twice = sorted({name for name in names if names.count(name) > 1})
        raise InvalidSettings(f"columns of the same name: {twice!r}" if twice else "a table without columns")
    made = [_column(frame.iloc[:, place], name) for place, name in enumerate(names)]
    for column in made:
        _check_texts(column)
    return made


def _column(series: pd.Series[Any], name: str) -> Column:
    kind = column_type_of(series)
    return Column(name, kind, plain(series, kind), series)


def _with_labels(frame: pd.DataFrame) -> pd.DataFrame:
    import pandas as pd

    index = frame.index
    named = any(name is not None for name in index.names)
    numbers = not isinstance(index, pd.MultiIndex) and pd.api.types.is_integer_dtype(index.dtype)
    if not named and (numbers or not len(frame.columns)):
        return pd.DataFrame(frame)
    if len(frame) == 0 and not named:
        return pd.DataFrame(frame)
    try:
        return pd.DataFrame(frame).reset_index()
    except ValueError as error:
        raise InvalidSettings(f"the row labels cannot be columns ({error}): use .reset_index(drop=True)") from error


def _check_texts(column: Column) -> None:
    for row, cell in enumerate(column.cells if column.type.kind in ("string", "json") else ()):
        if _HALF_PAIR.search(json.dumps(cell, ensure_ascii=False)):
            raise InvalidSettings(f"row {row} of {column.name!r} has half of a surrogate pair: no file holds that")


def beside(path: Path) -> Path:
    """Return where the metadata of a table lie, as the standard has it."""
    return path.with_name(f"{path.name}-metadata.json")


def metadata_of(file: str, columns: Sequence[Column], facts: str) -> bytes:
    """Return the metadata of a table.

    Args:
        file: the name of the table's file.
        columns: of it.
        facts: what it is besides (`table_facts`).
    """
    schema = [_described(column, with_null=file.endswith(".csv")) for column in columns]
    whole = {"@context": CONTEXT, "url": file, "tableSchema": {"columns": schema}}
    whole |= {KEY: facts} if facts else {}
    return (json.dumps(whole, ensure_ascii=False, indent=1) + "\n").encode()


def _described(column: Column, *, with_null: bool) -> dict[str, Any]:
    null = {"null": column.null} if with_null else {}
    return {"titles": column.name, "datatype": column.type.kind, **null, PANDAS: column.type.to_dict()}


@dataclass(frozen=True)
class Described:
    """A column as the metadata have it."""

    name: str
    type: ColumnType
    null: str


def read_metadata(path: Path) -> tuple[list[Described], str] | None:
    """Read what a table's columns are, and what it is besides; None where there are no metadata of ours.

    Raises:
        DamagedFile: they cannot be read.
    """
    where = beside(path)
    if not where.is_file():
        return None
    with storage_errors(where, "the metadata"):
        text = where.read_text(encoding="utf-8")
    try:
        whole = json.loads(text)
        columns = whole["tableSchema"]["columns"]
        if not all(PANDAS in column for column in columns):
            return None
        return [_read(column) for column in columns], whole.get(KEY, "")
    except (ValueError, TypeError, LookupError, AttributeError) as error:
        raise DamagedFile(
            f"{where}: the metadata are damaged ({error!r}). Move them away to read {path.name} without its types.",
            path=where,
        ) from error


def _read(column: Mapping[str, Any]) -> Described:
    kind = column["datatype"]
    if kind not in get_args(Kind):
        raise ValueError(f"the datatype {kind!r}")
    return Described(column["titles"], ColumnType.from_dict(kind, column[PANDAS]), column.get("null", ""))
