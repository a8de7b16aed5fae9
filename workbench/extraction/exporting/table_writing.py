"""Tables as files of data: CSV, JSON, JSON Lines and Parquet; workbooks live in their own module."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.extraction.exporting.parquet_files import parquet
from workbench.extraction.exporting.table_facts import facts_of
from workbench.extraction.exporting.table_metadata import Column, beside, columns_of, metadata_of
from workbench.extraction.exporting.workbooks import workbook

if TYPE_CHECKING:
    import pandas as pd

ENDINGS = ("csv", "json", "jsonl", "parquet", "xlsx")


def table_files(path: Path, frame: pd.DataFrame) -> dict[Path, bytes]:
    """Return what is to be written of a table, by the ending of the path: the file, and perhaps its metadata.

    Raises:
        InvalidSettings: a table that such a file cannot hold.
    """
    columns, facts = columns_of(frame), facts_of(frame)
    ending = path.suffix.removeprefix(".")
    if ending == "xlsx":
        return {path: workbook(columns, facts)}
    if ending == "parquet":
        return {path: parquet(columns, facts)}
    text = {"csv": _csv, "json": _json, "jsonl": _jsonl}[ending](columns)
    return {path: text.encode(), beside(path): metadata_of(path.name, columns, facts)}


def _csv(columns: Sequence[Column]) -> str:
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator="\r\n")
    writer.writerow([column.name for column in columns])
    written = [_csv_cells(column) for column in columns]
    writer.writerows(zip(*written, strict=True))
    return stream.getvalue()


def _csv_cells(column: Column) -> list[str]:
    """Return plain cells as texts: lists and mappings as JSON, numbers as the standard has them."""
    null, as_json = column.null, column.type.kind == "json"
    return [null if cell is None else _as_text(cell, as_json=as_json) for cell in column.cells]


def _as_text(cell: Any, *, as_json: bool) -> str:
    if isinstance(cell, float) and not as_json:
        return number(cell)
    return cell if isinstance(cell, str) and not as_json else json.dumps(cell, ensure_ascii=False)


def number(value: float) -> str:
    """Return a number as the standard has it, with all its digits."""
    return {"inf": "INF", "-inf": "-INF"}.get(repr(value), repr(value))


def _records(columns: Sequence[Column]) -> Iterable[str]:
    names = [column.name for column in columns]
    for row in zip(*(column.cells for column in columns), strict=True):
        cells = [number(cell) if cell in (float("inf"), float("-inf")) else cell for cell in row]
        yield json.dumps(dict(zip(names, cells, strict=True)), ensure_ascii=False, allow_nan=False)


def _jsonl(columns: Sequence[Column]) -> str:
    return "".join(f"{record}\n" for record in _records(columns))


def _json(columns: Sequence[Column]) -> str:
    return "[\n" + ",\n".join(_records(columns)) + "\n]\n"
