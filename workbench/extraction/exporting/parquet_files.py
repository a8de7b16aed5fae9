"""Tables as Parquet, and back: with types of its own, and what they lack in the file's metadata."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.extraction.exporting.column_types import ColumnType, restored
from workbench.extraction.exporting.table_facts import KEY, of_its_kind, with_facts
from workbench.extraction.exporting.table_metadata import Column

if TYPE_CHECKING:
    import pandas as pd

TYPES = b"workbench"
"""The key of the metadata that has what the columns were."""
_TIMES = ("dateTime", "dayTimeDuration")


def parquet(columns: Sequence[Column], facts: str) -> bytes:
    """Return a Parquet file, with what the table is besides its columns (`table_facts`).

    Lists of texts or of numbers are lists there, too; mappings and the like are JSON.
    """
    import pandas as pd
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.table([_array(column) for column in columns], names=[column.name for column in columns])
    native = {column.name: column.series.array for column in columns if _native(column.type)}
    hint = pa.Schema.from_pandas(pd.DataFrame(native), preserve_index=False).metadata  # the dtypes, for plain pandas
    types = {column.name: {"kind": column.type.kind, **column.type.to_dict()} for column in columns}
    metadata = {**hint, TYPES: json.dumps(types, ensure_ascii=False).encode()}
    metadata |= {KEY.encode(): facts.encode()} if facts else {}
    stream = io.BytesIO()
    pq.write_table(table.replace_schema_metadata(metadata), stream)
    return stream.getvalue()


def _native(kind: ColumnType) -> bool:
    return kind.dtype not in ("object", "category")


def _array(column: Column) -> Any:
    import pyarrow as pa

    kind, cells = column.type, column.cells
    if _native(kind):
        return pa.Array.from_pandas(column.series)
    if kind.kind == "date":
        return pa.array([None if cell is None else date.fromisoformat(cell) for cell in cells], pa.date32())
    if kind.kind == "json" and (items := _items(cells)):
        return pa.array(cells, pa.list_(items))
    if kind.kind == "json":
        return pa.array([None if cell is None else json.dumps(cell, ensure_ascii=False) for cell in cells], pa.string())
    as_text = kind.kind in ("string", *_TIMES) or all(cell is None for cell in cells)
    array = pa.array(cells, pa.string() if as_text else None)
    return array.dictionary_encode() if kind.dtype == "category" else array


def _items(cells: Sequence[Any]) -> Any:
    """Return the type of the items where all cells are lists of one; None where they are not."""
    import pyarrow as pa

    there = [cell for cell in cells if cell is not None]
    types = {type(item) for cell in there if isinstance(cell, list) for item in cell}
    if not there or not all(isinstance(cell, list) for cell in there) or len(types) != 1:
        return None
    if types == {int} and any(abs(item) >= 2**63 for cell in there for item in cell):
        return None
    return {str: pa.string(), int: pa.int64(), float: pa.float64(), bool: pa.bool_()}.get(types.pop())


def read_parquet(path: Path) -> pd.DataFrame:
    """Read a Parquet file; where it is not one of ours, as pandas reads it, which keeps `attrs`.

    Raises:
        ValueError, TypeError, LookupError: it is not what its metadata say.
    """
    import pandas as pd
    import pyarrow.parquet as pq

    table = pq.read_table(path)
    metadata = table.schema.metadata or {}
    if (types := metadata.get(TYPES)) is None:
        return of_its_kind(pd.read_parquet(path))
    kinds = {name: ColumnType.from_dict(data["kind"], data) for name, data in json.loads(types).items()}
    frame = pd.DataFrame({name: _series(table.column(name), kind) for name, kind in kinds.items()})
    return with_facts(frame, metadata.get(KEY.encode(), b"").decode())


def _series(column: Any, kind: ColumnType) -> pd.Series[Any]:
    import pyarrow as pa

    if _native(kind) and kind.kind in _TIMES:
        return column.to_pandas().astype(kind.dtype).rename(None)  # type: ignore[no-any-return]
    cells = column.to_pylist()
    if kind.kind == "json" and pa.types.is_string(column.type):
        cells = [None if cell is None else json.loads(cell) for cell in cells]
    if kind.kind == "date" and kind.dtype == "object":
        cells = [None if cell is None else cell.isoformat() for cell in cells]
    return restored(cells, kind)
