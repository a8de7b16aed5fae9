"""What the columns of a table are, so that files which have no types can be read back as they were.

A column's cells become *plain* values first: what JSON has (None for what is missing). Each format writes those in its
own way; what they were is kept as a `ColumnType`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Self

from workbench.errors import InvalidSettings
from workbench.extraction.exporting import cell_values

if TYPE_CHECKING:
    import pandas as pd

Kind = Literal["boolean", "integer", "number", "string", "dateTime", "date", "dayTimeDuration", "json"]
"""The names of datatypes in the W3C's Metadata Vocabulary for Tabular Data."""


@dataclass(frozen=True)
class ColumnType:
    """What a column is."""

    kind: Kind
    dtype: str
    """Of pandas."""
    missing: str = ""
    """What stood for a missing value where the dtype is `object`: None, NaN, NA or NaT."""
    tuples: tuple[int, ...] = ()
    """How deep in each cell sequences are tuples: 0 is the cell itself."""
    categories: tuple[Any, ...] | None = None
    """Of a categorical column, as plain values."""
    ordered: bool = False
    of: ColumnType | None = None
    """What the categories are."""

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON holds it, without what does not apply."""
        facts = {
            "dtype": self.dtype,
            "missing": self.missing,
            "tuples": list(self.tuples),
            "ordered": self.ordered,
            "of": {"kind": self.of.kind, **self.of.to_dict()} if self.of else None,
        }
        kept = {name: fact for name, fact in facts.items() if fact}
        return kept if self.categories is None else {**kept, "categories": list(self.categories)}

    @classmethod
    def from_dict(cls, kind: Kind, data: Mapping[str, Any]) -> Self:
        """Read it as JSON holds it.

        Raises:
            KeyError, TypeError: it is none.
        """
        of, categories = data.get("of"), data.get("categories")
        return cls(
            kind,
            data["dtype"],
            data.get("missing", ""),
            tuple(data.get("tuples", ())),
            None if categories is None else tuple(categories),
            data.get("ordered", False),
            cls.from_dict(of["kind"], of) if of else None,
        )


def column_type_of(column: pd.Series[Any]) -> ColumnType:
    """Return what a column is.

    Raises:
        InvalidSettings: a dtype or a value that no file can hold.
    """
    import pandas as pd

    dtype: Any = column.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        inner = pd.Series(dtype.categories, name=column.name)
        of = column_type_of(inner)
        return ColumnType(of.kind, "category", categories=tuple(plain(inner, of)), ordered=bool(dtype.ordered), of=of)
    if pd.api.types.is_object_dtype(dtype):
        return ColumnType(*cell_values.object_kind(column))  # type: ignore[arg-type]
    return ColumnType(_kind_of(dtype, column.name), _name_of(dtype))


def _kind_of(dtype: Any, name: Any) -> Kind:
    import pandas as pd

    kinds = pd.api.types
    if kinds.is_bool_dtype(dtype):
        return "boolean"
    if kinds.is_integer_dtype(dtype):
        return "integer"
    if kinds.is_float_dtype(dtype):
        return "number"
    if kinds.is_datetime64_any_dtype(dtype):
        return "dateTime"
    if kinds.is_timedelta64_dtype(dtype):
        return "dayTimeDuration"
    if isinstance(dtype, pd.StringDtype):
        return "string"
    raise InvalidSettings(f"the column {name!r} is of the dtype {dtype}, which cannot be read back: use .astype(str)")


def _name_of(dtype: Any) -> str:
    """Return the name by which pandas makes the dtype again."""
    import pandas as pd

    if isinstance(dtype, pd.StringDtype) and str(dtype) == "string":
        return f"string[{dtype.storage}]"
    return str(dtype)


def plain(column: pd.Series[Any], kind: ColumnType) -> list[Any]:
    """Return the cells of a column as JSON can hold them; None for what is missing."""
    import numpy as np

    if kind.categories is not None:
        return [None if code < 0 else kind.categories[code] for code in column.cat.codes]
    if kind.dtype == "object":
        where = f"the column {column.name!r}"
        return [cell_values.encoded(cell, kind.kind, kind.missing, where) for cell in column]
    if kind.kind == "dateTime":
        return cell_values.written_times(column)
    missing = column.isna().to_numpy()
    if kind.kind == "dayTimeDuration":
        return [None if gone else cell_values.written_duration(v) for v, gone in zip(column, missing, strict=True)]
    made = {"boolean": bool, "integer": int, "number": float, "string": str}[kind.kind]
    values = column.astype(object) if kind.kind != "number" or str(column.dtype)[0].isupper() else column
    return [None if gone else made(v) for v, gone in zip(np.asarray(values, dtype=object), missing, strict=True)]


def restored(values: Sequence[Any], kind: ColumnType) -> pd.Series[Any]:
    """Return a column as it was, of its plain values.

    Raises:
        ValueError, TypeError, LookupError: they are not of the type.
    """
    import numpy as np
    import pandas as pd

    if kind.categories is not None and kind.of is not None:
        places = {cell_values.key(value): code for code, value in enumerate(kind.categories)}
        codes = [-1 if value is None else places[cell_values.key(value)] for value in values]
        categories = pd.Index(restored(list(kind.categories), kind.of))
        return pd.Series(pd.Categorical.from_codes(codes, categories, ordered=kind.ordered))
    if kind.dtype == "object":
        cells = np.empty(len(values), dtype=object)
        for place, value in enumerate(values):
            cells[place] = cell_values.decoded(value, kind.kind, kind.missing, kind.tuples)
        return pd.Series(cells, dtype=object)
    if kind.kind == "dateTime":
        return cell_values.read_times(values, kind.dtype)
    if kind.kind == "dayTimeDuration":
        return pd.Series([None if v is None else pd.Timedelta(v) for v in values], dtype=kind.dtype)
    if kind.kind == "number":
        values = [float("nan") if value is None else float(value) for value in values]
        return pd.Series(values, dtype="float64").astype(kind.dtype)  # type: ignore[call-overload,no-any-return]
    made: Any = pd.array(list(values), dtype=kind.dtype)  # type: ignore[call-overload]
    return pd.Series(made)
