"""A mapping of labels as a table and as a file that spreadsheets open, and read back from what people make of them."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from workbench.errors import InvalidSettings, UnknownName, replaced_when_whole, storage_errors
from workbench.extraction.normalising.categorising import Category
from workbench.extraction.normalising.label_mapping import WAYS, LabelMapping, Mapped
from workbench.extraction.normalising.labels import label_key

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ("label", "category", "n", "by", "description")
_WHAT = "the mapping"
_LIMIT = Lock()
_FORMULA = re.compile(r"'*[=+\-@\t\r]")
"""What a spreadsheet would reckon with: labels are what people wrote."""


def frame_of(mapping: LabelMapping) -> pd.DataFrame:
    """Return all of a mapping as a table: what it is about, a row a category, a row a label."""
    import pandas as pd

    blank: dict[str, Any] = {**dict.fromkeys(COLUMNS, ""), "n": None}
    head = [{"by": "about", "description": mapping.about}] if mapping.about else []
    kinds = [{"category": kind.name, "by": "category", "description": kind.description} for kind in mapping.kinds]
    labels = [vars(one) | {"category": one.category or ""} for one in mapping.mapped]
    rows = [{**blank, **row} for row in (*head, *kinds, {"category": mapping.other, "by": "other"}, *labels)]
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype({"n": "Int64"})


def read_frame(
    frame: pd.DataFrame, about: str, other: str
) -> tuple[tuple[Category, ...], tuple[Mapped, ...], str, str]:
    """Return what a table says: the categories, the labels, what they are about, and the name of what fits nowhere.

    Raises:
        InvalidSettings: columns that are missing, or a label in two categories.
    """
    if missing := [name for name in ("label", "category") if name not in getattr(frame, "columns", ())]:
        raise InvalidSettings(f"a mapping has a column {missing[0]!r}: label and category are needed")
    records = [{name: _cell(record.get(name)) for name in COLUMNS} for record in frame.to_dict("records")]
    kinds: dict[str, Category] = {}
    mapped: dict[str, Mapped] = {}
    for one in (record for record in records if not record["label"]):
        if one["by"] == "about":
            about = one["description"]
        elif one["by"] == "other":
            other = one["category"] or other
        elif one["category"]:
            kinds.setdefault(label_key(one["category"]), Category(one["category"], one["description"]))
    kinds.pop(label_key(other), None)
    names = {key: kind.name for key, kind in kinds.items()} | {label_key(other): other}
    for one in (record for record in records if record["label"]):
        name = names.setdefault(label_key(one["category"]), one["category"]) if one["category"] else None
        _add(mapped, one, name)
    named = (Category(name) for key, name in names.items() if key not in kinds and key != label_key(other))
    return (*kinds.values(), *named), tuple(mapped.values()), about, other


def _add(mapped: dict[str, Mapped], record: Mapping[str, str], category: str | None) -> None:
    """Add a label; one that is there in other spaces or another case is the same."""
    key = label_key(record["label"])
    n, before = _count(record), mapped.get(key)
    if before and before.category != category:
        raise InvalidSettings(f"the label {record['label']!r} is in {before.category!r} and in {category!r}")
    by: Any = "unassigned" if category is None else record["by"] if record["by"] in WAYS else "hand"
    by = "hand" if by == "unassigned" and category is not None else by
    mapped[key] = (
        Mapped(before.label, category, before.n + n, before.by) if before else Mapped(record["label"], category, n, by)
    )


def _count(record: Mapping[str, str]) -> int:
    try:
        n = int(float(record["n"] or 1))
    except (ValueError, OverflowError) as error:
        raise InvalidSettings(f"the label {record['label']!r}: n is {record['n']!r}, and no number") from error
    return n


def _cell(value: Any) -> str:
    """Return a cell as a text with single spaces; blank where it is missing."""
    import pandas as pd

    return "" if value is None or (pd.api.types.is_scalar(value) and pd.isna(value)) else " ".join(str(value).split())


def write_mapping(path: Path, frame: pd.DataFrame) -> Path:
    """Write a mapping as CSV, marked as UTF-8 for spreadsheets; no label is a formula there.

    Raises:
        StorageError: it cannot be written.
    """
    stream = io.StringIO(newline="")
    writer = csv.writer(stream)
    writer.writerow(COLUMNS)
    writer.writerows([_guarded(_cell(value)) for value in row] for row in frame.itertuples(index=False))
    with replaced_when_whole(path, _WHAT) as temporary:
        temporary.write_text(stream.getvalue(), encoding="utf-8-sig", newline="")
    return path


def read_mapping(path: Path) -> pd.DataFrame:
    """Read a mapping from a CSV file, whatever a spreadsheet put between its columns.

    Raises:
        UnknownName: there is no such file.
        InvalidSettings: it is no such table.
        StorageError: it cannot be read.
    """
    import pandas as pd

    if not path.is_file():
        raise UnknownName(f"there is no file {path.absolute()}")
    with storage_errors(path, _WHAT):
        data = path.read_bytes()
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidSettings(f"{path}: {_WHAT} is not UTF-8: save it as 'CSV UTF-8'") from error
    head = text.partition("\n")[0]
    between = max(",;\t", key=head.count)
    lines = _lines(text, between)
    columns = [name.strip() for name in lines[0]] if lines else []
    if odd := next((n for n, line in enumerate(lines, start=1) if line and len(line) != len(columns)), None):
        raise InvalidSettings(f"{path}, row {odd}: {len(lines[odd - 1])} cells, and {len(columns)} columns")
    return pd.DataFrame([map(_unguarded, line) for line in lines[1:] if line], columns=columns, dtype=object)


def _lines(text: str, between: str) -> list[list[str]]:
    """Return the cells of a CSV text, however long they are."""
    with _LIMIT:  # that of the module is one for all of the process
        limit = csv.field_size_limit(max(len(text), csv.field_size_limit()))
        try:
            return list(csv.reader(io.StringIO(text, newline=""), delimiter=between))
        finally:
            csv.field_size_limit(limit)


def _guarded(cell: str) -> str:
    return f"'{cell}" if _FORMULA.match(cell) else cell


def _unguarded(cell: str) -> str:
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell
