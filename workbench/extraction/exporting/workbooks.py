"""Tables as workbooks (.xlsx), and back: texts are never formulas, nothing is cut."""

from __future__ import annotations

import io
import json
import math
import re
import zipfile
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.errors import InvalidSettings
from workbench.extraction.exporting.column_types import ColumnType, restored
from workbench.extraction.exporting.extras import needed
from workbench.extraction.exporting.table_facts import with_facts
from workbench.extraction.exporting.table_metadata import Column
from workbench.extraction.exporting.workbook_looks import Looks

if TYPE_CHECKING:
    import pandas as pd

TYPES = "column types"
"""The sheet, hidden, that has what the columns were."""
FACTS = "table facts"
"""The sheet, hidden, that has what the table was besides, where there is something to say."""
_LONGEST, _MOST_ROWS, _MOST_COLUMNS = 32_767, 1_048_576, 16_384
_PART = 4_000
"""Characters of a type, or of facts, in a cell: few enough however much of it is escaped."""
_MOST_DIGITS = 999_999_999_999_999
_ESCAPED = re.compile(r"_x[0-9A-Fa-f]{4}_|[\0-\x08\x0b-\x1f\ufffe\uffff]")
_ESCAPE = re.compile(r"_x([0-9A-Fa-f]{4})_")
_FIXED = datetime(2000, 1, 1)  # no wall clock: the same table is the same file


def workbook(columns: Sequence[Column], facts: str) -> bytes:
    """Return a workbook with a table, and what it is besides its columns (`table_facts`).

    Characters that Excel cannot hold are written as Excel itself escapes them (`_x0001_`), and `read_table` reads them.

    Raises:
        InvalidSettings: a cell of more than 32,767 characters, or more rows or columns than Excel has.
    """
    openpyxl = needed("openpyxl")
    rows = max(len(column.cells) for column in columns)
    if rows >= _MOST_ROWS or len(columns) > _MOST_COLUMNS:
        raise InvalidSettings(f"{rows:,} rows and {len(columns):,} columns are more than Excel has: take .parquet")
    book = openpyxl.Workbook(write_only=True)
    sheet, types = book.create_sheet("table"), book.create_sheet(TYPES)
    types.sheet_state = "hidden"
    sheet.freeze_panes = "A2"
    looks = Looks(sheet)
    head = [looks.head(_text(sheet, one.name, f"the name of column {one.name[:60]!r}"), one) for one in columns]
    cells = [
        [looks.cell(_cell(sheet, cell, column, row)) for row, cell in enumerate(column.cells)] for column in columns
    ]
    looks.size(columns)
    for written in (head, *zip(*cells, strict=True)):  # only now: what has begun to be written cannot be left
        sheet.append(written)
    for column in columns:
        types.append(_type_cells(types, column))
    if facts:
        _add_facts(book, facts)
    stream = io.BytesIO()
    book.save(stream)
    return same_each_time(stream.getvalue())


def _add_facts(book: Any, facts: str) -> None:
    sheet = book.create_sheet(FACTS)
    sheet.sheet_state = "hidden"
    for part in _parts(facts):
        sheet.append([_text(sheet, part, FACTS)])


def _parts(text: str) -> list[str]:
    return [text[start : start + _PART] for start in range(0, len(text), _PART)]


def _type_cells(sheet: Any, column: Column) -> list[Any]:
    facts = json.dumps({"kind": column.type.kind, **column.type.to_dict()})
    return [_text(sheet, part, TYPES) for part in (column.name, *_parts(facts))]


def _cell(sheet: Any, cell: Any, column: Column, row: int) -> Any:
    """Return a plain cell as the workbook has it: a number, a date or true where that is exact, else a text."""
    if cell is None or isinstance(cell, bool):
        return cell
    if isinstance(cell, int) and abs(cell) <= _MOST_DIGITS and column.type.kind == "integer":
        return cell
    if isinstance(cell, float) and math.isfinite(cell):
        return _number(sheet, cell)
    if column.type.kind == "dateTime" and (time := _excel_time(cell)):
        return time
    text = cell if isinstance(cell, str) and column.type.kind != "json" else json.dumps(cell, ensure_ascii=False)
    return _text(sheet, text, f"row {row} of {column.name!r}")


def _number(sheet: Any, value: float) -> Any:
    from openpyxl.cell import WriteOnlyCell

    cell = WriteOnlyCell(sheet, repr(value))  # openpyxl would write 16 digits of it
    cell.data_type = "n"
    return cell


def _excel_time(text: str) -> datetime | None:
    """Return a time that Excel holds exactly: whole seconds without a zone, from March 1900 on."""
    if len(text) > len("2025-01-06T09:00:00") or text.startswith("-"):
        return None
    time = datetime.fromisoformat(text)
    return time if time.year > 1900 else None


def _text(sheet: Any, text: str, where: str) -> Any:
    from openpyxl.cell import WriteOnlyCell

    escaped = _ESCAPED.sub(lambda found: _escape(found[0]), text)
    if (length := len(escaped.encode("utf-16-le")) // 2) > _LONGEST:
        raise InvalidSettings(
            f"{where} has {length:,} characters, and a cell of Excel {_LONGEST:,} at most: take .csv or .parquet"
        )
    cell = WriteOnlyCell(sheet, escaped)
    cell.data_type = "s"  # openpyxl takes "=1+1" for a formula and "#N/A" for an error
    return cell


def _escape(found: str) -> str:
    return f"_x005F{found}" if len(found) > 1 else f"_x{ord(found):04X}_"


def _unescaped(text: str) -> str:
    return _ESCAPE.sub(lambda found: chr(int(found[1], 16)), text)


def same_each_time(zipped: bytes) -> bytes:
    """Return an office file without the time at which it was written."""
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(zipped)) as old, zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            data = old.read(name)
            if name == "docProps/core.xml":
                data = re.sub(rb"(?<=>)\d{4}-\d\d-\d\dT[\d:.]+Z?(?=<)", f"{_FIXED.isoformat()}Z".encode(), data)
            entry = zipfile.ZipInfo(name, (2000, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            new.writestr(entry, data)
    return stream.getvalue()


# -- and back ----------------------------------------------------------------------------------------------


def read_workbook(path: Path) -> pd.DataFrame | None:
    """Read a workbook that `workbook` made; None where it is another.

    Raises:
        ValueError, TypeError, LookupError: its cells are not of the types that it says.
    """
    import pandas as pd

    book = needed("openpyxl").load_workbook(path, read_only=True)
    try:
        if TYPES not in book.sheetnames:
            return None
        types = [_read_type(row) for row in book[TYPES].iter_rows()]
        facts = "".join(
            _unescaped(str(row[0].value or "")) for row in (book[FACTS].iter_rows() if FACTS in book.sheetnames else ())
        )
        first, *rows = [list(row) for row in book.worksheets[0].iter_rows()]
    finally:
        book.close()
    names = [_unescaped(str(cell.value)) if cell.value is not None else "" for cell in first]
    if names != [name for name, _ in types]:
        raise ValueError("the columns are not those that it was written with")
    series = {}
    for place, (name, kind) in enumerate(types):
        series[name] = restored([_plain(row[place] if place < len(row) else None, kind) for row in rows], kind)
    return with_facts(pd.DataFrame(series), facts)


def _read_type(row: Sequence[Any]) -> tuple[str, ColumnType]:
    name, *parts = [cell.value or "" for cell in row]
    data = json.loads("".join(_unescaped(part) for part in parts))
    return _unescaped(name), ColumnType.from_dict(data["kind"], data)


def _plain(cell: Any, kind: ColumnType) -> Any:
    value = None if cell is None else cell.value
    if value is None:
        return "" if cell is not None and cell.data_type == "inlineStr" and kind.kind == "string" else None
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, str):
        text = _unescaped(value)
        return text if kind.kind not in ("json", "integer", "number") else read_text(text, kind)
    return float(value) if kind.kind == "number" else value


def read_text(text: str, kind: ColumnType) -> Any:
    """Return the plain cell that a text stands for.

    Raises:
        ValueError: it is not of the kind.
    """
    if kind.kind == "integer":
        return int(text)
    if kind.kind == "number":
        return float(text)
    if kind.kind == "boolean":
        return {"true": True, "false": False}[text]
    return json.loads(text) if kind.kind == "json" else text
