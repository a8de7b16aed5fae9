"""Values of DataFrames as JSON has them, and back in the types that they had."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from workbench.errors import InvalidSettings

if TYPE_CHECKING:
    import pandas as pd

Types = dict[str, Any]
"""The type of each column: pandas' name of it, or a mapping for categories."""


def plain_values(column: pd.Series[Any]) -> list[Any]:
    """Return the values of a column as a persona can have them: None where one is missing, numbers of Python.

    Whole numbers that came as floats, as every column with missing values has them, are whole again; moments are text.

    >>> import pandas as pd
    >>> plain_values(pd.Series([3.0, None])), plain_values(pd.Series([3.0, 0.5]))
    ([3, None], [3.0, 0.5])
    """
    short = str(column.dtype) == "float32"  # 0.1 in single precision is 0.10000000149 in double
    values = [None if is_missing(value) else _of_python(value) for value in column]
    values = [float(f"{value:.7g}") if short and value is not None else value for value in values]
    numbers = [value for value in values if isinstance(value, float)]
    if numbers and all(number.is_integer() for number in numbers):
        return [int(value) if isinstance(value, float) else value for value in values]
    return values


def is_missing(value: Any) -> bool:
    """Return whether a value is None, NaN, NA or NaT."""
    import pandas as pd

    return bool(pd.api.types.is_scalar(value) and pd.isna(value))


def _of_python(value: Any) -> Any:
    import numpy as np
    import pandas as pd

    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, pd.Timestamp) and value == value.normalize():
        return value.date().isoformat()
    return value.isoformat() if isinstance(value, date) else value


def rows_of(table: pd.DataFrame, what: str) -> tuple[Types, list[dict[str, Any]]]:
    """Return the types of a table's columns, and its rows as JSON has them.

    Args:
        table: with texts as the names of its columns.
        what: it is, for messages.

    Raises:
        InvalidSettings: values that would not come back as they are.
    """
    types = {str(name): _type_of(table[name], f"{what}: {name}") for name in table.columns}
    columns = {str(name): _written(table[name], f"{what}: {name}") for name in table.columns}
    return types, [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def table_of(rows: Sequence[Mapping[str, Any]], types: Types, index: Sequence[str]) -> pd.DataFrame:
    """Return the table that `rows_of` was given.

    Args:
        rows: as that returned them; a key that one lacks is a missing value.
        types: likewise; where a column has none, pandas infers it.
        index: of the table.

    Raises:
        InvalidSettings: values that are not of their type.
    """
    import pandas as pd

    names = list(dict.fromkeys([*types, *(name for row in rows for name in row)]))
    columns = {name: _read([row.get(name) for row in rows], types.get(name), name) for name in names}
    return pd.DataFrame({name: pd.Series(column).array for name, column in columns.items()}, index=pd.Index(index))


def _type_of(column: pd.Series[Any], where: str) -> Any:
    import pandas as pd

    if isinstance(column.dtype, pd.CategoricalDtype):
        levels = column.cat.categories.to_series()
        return {
            "categories": _written(levels, where),
            "type": _type_of(levels, where),
            "ordered": bool(column.cat.ordered),
        }
    if _keeps(column.dtype):
        return str(column.dtype)
    raise InvalidSettings(f"{where} is of the type {column.dtype}, which a file would not give back: .astype(str)")


def _keeps(dtype: Any) -> bool:
    import pandas as pd
    from pandas.api import types

    if types.is_complex_dtype(dtype) or isinstance(dtype, pd.SparseDtype):
        return False
    plain = (types.is_numeric_dtype, types.is_bool_dtype, types.is_string_dtype, types.is_object_dtype)
    moments = (types.is_datetime64_any_dtype, types.is_timedelta64_dtype)
    return any(is_one(dtype) for is_one in (*plain, *moments))


def _written(column: pd.Series[Any], where: str) -> list[Any]:
    values = []
    for row, value in column.items():
        try:
            values.append(None if is_missing(value) else _encoded(value, anything=str(column.dtype) == "object"))
        except TypeError as error:
            raise InvalidSettings(
                f"{where}, {row}: {value!r} is a {type(value).__name__}, which a file would not give back: write it as "
                "text, or give the whole column a type of pandas"
            ) from error
    return values


def _encoded(value: Any, *, anything: bool) -> Any:
    """Return a value as JSON has it; in a column of anything, only what JSON itself tells apart."""
    import numpy as np
    import pandas as pd

    value = value.item() if isinstance(value, np.generic) else value
    if isinstance(value, list | tuple | np.ndarray) and anything:
        return [None if is_missing(one) else _encoded(one, anything=True) for one in value]
    if isinstance(value, dict) and anything and all(isinstance(key, str) for key in value):
        return {key: None if is_missing(one) else _encoded(one, anything=True) for key, one in value.items()}
    if isinstance(value, pd.Timestamp | pd.Timedelta) and not anything:
        return value.isoformat()
    if isinstance(value, float) and not math.isfinite(value) and not anything:
        return str(value)
    if isinstance(value, str | int | float) and (not isinstance(value, float) or math.isfinite(value)):
        return value
    raise TypeError


def _read(values: list[Any], kind: Any, where: str) -> Any:
    import pandas as pd

    try:
        if isinstance(kind, Mapping):
            levels = _read(kind["categories"], kind["type"], where)
            return pd.Categorical(_read(values, kind["type"], where), categories=levels, ordered=kind["ordered"])
        if kind is None or kind == "str":  # pandas 2 makes the word "None" of what is missing, if asked for `str`
            return pd.Series(values)
        if str(kind).startswith("datetime64"):
            return pd.Series(pd.to_datetime(values, format="ISO8601", utc="," in kind)).astype(kind)
        if str(kind).startswith("timedelta64"):
            return pd.Series(pd.to_timedelta(values)).astype(kind)
        return pd.Series(pd.Series(values, dtype=object), dtype=kind)
    except (TypeError, ValueError, KeyError) as error:
        raise InvalidSettings(f"{where}: values that are not of the type {kind!r}: {error}") from error
