"""Cells as JSON can hold them, and back: lists, tuples, mappings, times, and what is missing."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from workbench.errors import InvalidSettings

if TYPE_CHECKING:
    import pandas as pd

_ZEROS = re.compile(r"(\.\d*?)0+$")
_TOO_LARGE = 10**4_000
"""Python itself writes no number of more than 4,300 digits as a text."""
_SPECIAL = {"NaN": math.nan, "INF": math.inf, "-INF": -math.inf}


def object_kind(column: pd.Series[Any]) -> tuple[str, str, str, tuple[int, ...]]:
    """Return kind, dtype, missing value and depths of tuples of a column of objects.

    Raises:
        InvalidSettings: lists and tuples at one depth: they could not be told apart.
    """
    gone = {_missing(cell) for cell in column} - {""}
    there = [cell for cell in column if not _missing(cell)]
    missing = gone.pop() if len(gone) == 1 else ""
    if not gone and all(isinstance(cell, str) for cell in there):
        return "string", "object", missing, ()
    if not gone and there and all(type(cell) is date for cell in there):
        return "date", "object", missing, ()
    found = {pair for cell in there for pair in _sequences(cell, 0)}
    tuples = {depth for depth, is_tuple in found if is_tuple}
    if both := sorted(depth for depth, is_tuple in found if not is_tuple and depth in tuples):
        raise InvalidSettings(
            f"the column {column.name!r} has lists and tuples side by side (at depth {both[0]}): make them all lists"
        )
    return "json", "object", missing, tuple(sorted(tuples))


def _missing(cell: Any) -> str:
    """Return the name of what stands for a missing value; nothing for a value."""
    import pandas as pd

    if cell is None:
        return "None"
    if cell is pd.NaT:
        return "NaT"
    if cell is pd.NA:
        return "NA"
    return "NaN" if isinstance(cell, float) and math.isnan(cell) else ""


def _absent(name: str) -> Any:
    import pandas as pd

    return {"None": None, "NaT": pd.NaT, "NA": pd.NA, "NaN": math.nan}[name or "None"]


def _sequences(value: Any, depth: int) -> Iterator[tuple[int, bool]]:
    import numpy as np

    if isinstance(value, list | tuple | np.ndarray):
        yield depth, isinstance(value, tuple)
    inside = [*value, *value.values()] if isinstance(value, Mapping) else value
    for one in inside if isinstance(inside, list | tuple) else ():
        yield from _sequences(one, depth + 1)


def encoded(cell: Any, kind: str, missing: str, where: str) -> Any:
    """Return a cell of a column of objects as JSON can hold it.

    Raises:
        InvalidSettings: it cannot; `where` is named.
    """
    if missing and _missing(cell) == missing:
        return None
    if kind == "date":
        return cell.isoformat()
    return str(cell) if kind == "string" else _encoded(cell, where)


def _encoded(value: Any, where: str) -> Any:
    """Return a value as JSON can hold it; what JSON lacks is an object with one key that begins with `$`."""
    import numpy as np
    import pandas as pd

    if isinstance(value, np.generic) and not isinstance(value, np.datetime64 | np.timedelta64):
        value = value.item()
    if isinstance(value, bool | str):
        return str(value) if isinstance(value, str) else value
    if isinstance(value, int):
        if abs(value) >= _TOO_LARGE:
            raise InvalidSettings(f"{where} has a number of more than 4,000 digits, which no table file holds")
        return int(value)
    if isinstance(value, float) and math.isfinite(value):
        return float(value)
    if name := _missing(value):
        return {"$missing": name}
    if isinstance(value, float):
        return {"$number": "INF" if value > 0 else "-INF"}
    if isinstance(value, pd.Timestamp | pd.Timedelta):
        return {f"${type(value).__name__}": [value.isoformat(), value.unit]}
    if isinstance(value, datetime | date):
        return {f"${type(value).__name__}": value.isoformat()}
    if isinstance(value, timedelta):
        return {"$seconds": [value.days, value.seconds, value.microseconds]}
    if isinstance(value, Mapping):
        if all(isinstance(key, str) for key in value) and not any(key.startswith("$") for key in value):
            return {key: _encoded(one, where) for key, one in value.items()}
        return {"$pairs": [[_encoded(key, where), _encoded(one, where)] for key, one in value.items()]}
    if isinstance(value, list | tuple | np.ndarray):
        return [_encoded(one, where) for one in value]
    raise InvalidSettings(f"{where} has {type(value).__name__} values, which no table file holds: make them texts")


def decoded(value: Any, kind: str, missing: str, tuples: Sequence[int]) -> Any:
    """Return a cell of a column of objects as it was."""
    if value is None:
        return _absent(missing)
    if kind == "date":
        return date.fromisoformat(value)
    return value if kind == "string" else _decoded(value, tuples, 0)


def _decoded(value: Any, tuples: Sequence[int], depth: int) -> Any:
    if isinstance(value, list):
        made = [_decoded(one, tuples, depth + 1) for one in value]
        return tuple(made) if depth in tuples else made
    if not isinstance(value, dict):
        return value
    name, held = next(iter(value.items()), ("", None))
    return _special(name, held, tuples, depth) if name.startswith("$") else {
        key: _decoded(one, tuples, depth + 1) for key, one in value.items()
    }  # fmt: skip


def _special(name: str, held: Any, tuples: Sequence[int], depth: int) -> Any:
    import pandas as pd

    if name == "$missing":
        return _absent(held)
    if name == "$number":
        return _SPECIAL[held]
    if name == "$Timestamp":
        return pd.Timestamp(held[0]).as_unit(held[1])
    if name == "$Timedelta":
        return pd.Timedelta(held[0]).as_unit(held[1])
    if name == "$seconds":
        return timedelta(*held)
    if name == "$pairs":
        return {_decoded(key, tuples, depth + 1): _decoded(one, tuples, depth + 1) for key, one in held}
    return {"$datetime": datetime, "$date": date}[name].fromisoformat(held)


def key(value: Any) -> Any:
    """Return what tells a plain value from all others; 1, 1.0 and True are three."""
    return type(value), json.dumps(value, sort_keys=True, ensure_ascii=False)


# -- times -------------------------------------------------------------------------------------------------


def written_times(column: pd.Series[Any]) -> list[str | None]:
    """Return times in ISO 8601, those with a time zone in UTC with a Z."""
    import numpy as np

    zoned = getattr(column.dtype, "tz", None) is not None
    naive = column.dt.tz_convert("UTC").dt.tz_localize(None) if zoned else column
    texts = np.datetime_as_string(naive.to_numpy())
    end = "Z" if zoned else ""
    return [None if text == "NaT" else _ZEROS.sub(r"\1", text).removesuffix(".") + end for text in texts]


def read_times(values: Sequence[Any], dtype: str) -> pd.Series[Any]:
    """Return the column of times that `written_times` wrote."""
    import numpy as np
    import pandas as pd

    known: Any = pd.api.types.pandas_dtype(dtype)
    zone = getattr(known, "tz", None)
    unit = getattr(known, "unit", None) or np.datetime_data(known)[0]
    stamps = np.array(["NaT" if v is None else v.removesuffix("Z") for v in values], dtype=f"datetime64[{unit}]")
    read = pd.Series(stamps)
    return read.dt.tz_localize("UTC").dt.tz_convert(zone) if zone is not None else read


def written_duration(value: Any) -> str:
    """Return a duration in ISO 8601."""
    import pandas as pd

    return str(pd.Timedelta(value).isoformat())
