"""Plans out of surveys: the shares that a DataFrame has of each level, or of each combination of levels."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from workbench.errors import InvalidSettings
from workbench.populations.column_values import plain_values
from workbench.populations.dimensions import level_name, written
from workbench.populations.levels import MOST_NUMBERS, RANGES, found_levels
from workbench.populations.plan import SamplingPlan
from workbench.populations.quotas import dimensions_of
from workbench.populations.strata import check_known
from workbench.populations.tables import check_columns, checked_weights

if TYPE_CHECKING:
    import pandas as pd

Bins = Mapping[str, Sequence[float]]


def plan_of_frame(
    df: pd.DataFrame,
    columns: Sequence[str] | Mapping[str, str],
    n: int,
    *,
    weights: str | None,
    joint: bool,
    bins: Bins | None,
    about: str,
    country: str | None,
) -> SamplingPlan:
    """Return the plan whose shares are those of a table; as `SamplingPlan.from_frame`."""
    check_columns(df, "the table")
    columns = [columns] if isinstance(columns, str) else columns
    named = dict(columns) if isinstance(columns, Mapping) else {name: name for name in columns}
    cuts = bins or {}
    check_known([*named, *([weights] if weights else [])], df)
    if unused := [name for name in cuts if name not in named]:
        raise InvalidSettings(f"bins: {', '.join(unused)}: these are none of the columns that are used")
    if twice := sorted({key for key in named.values() if list(named.values()).count(key) > 1}):
        raise InvalidSettings(f"columns: two of them are to be {twice[0]!r}: each needs a key of its own")
    if not named or not len(df):
        raise InvalidSettings("columns: name those that people are to be drawn by, of a table that has rows")
    rows = df.dropna(subset=list(named)) if joint else df
    if not len(rows):
        raise InvalidSettings(f"no row has values of all of {', '.join(named)}: without joint=True each counts alone")
    heavy = _weights(rows, weights)
    levels = {key: _levels(rows[name], cuts.get(name)) for name, key in named.items()}
    quotas: dict[Any, Any]
    if joint and len(levels) > 1:
        quotas = {tuple(levels): _joint(list(levels.values()), heavy)}
    else:
        quotas = {key: _shares(one, heavy, key) for key, one in levels.items()}
    words = [key for name, key in named.items() if _is_words(rows[name])]
    dimensions = [replace(one, numbers=False) if one.name in words else one for one in dimensions_of(quotas, n)]
    return SamplingPlan(n, dimensions, about=about, country=country)


def _is_words(column: pd.Series[Any]) -> bool:
    """Return whether a column has texts, which stay such: "01234" is no number."""
    return all(isinstance(value, str) for value in plain_values(column) if value is not None)


def _weights(rows: pd.DataFrame, weights: str | None) -> Sequence[float]:
    return checked_weights(rows[weights] if weights else None, [f"row {label}" for label in rows.index])


def _levels(column: pd.Series[Any], edges: Any) -> list[str | None]:
    values = plain_values(column)
    numbers = [v for v in values if isinstance(v, int | float) and not isinstance(v, bool)]
    whole = all(isinstance(v, int) for v in numbers)
    if edges is not None:
        ends = _ends(edges, values, str(column.name))
        whole = whole and all(isinstance(end, int) for end in ends)
    elif numbers and len(numbers) == sum(v is not None for v in values) and len(set(numbers)) > MOST_NUMBERS:
        ends = _quantiles(numbers, whole=whole)
    else:
        return found_levels([level_name(v) if isinstance(v, bool) else v for v in values])[1]
    labels = [(high, _label(low, high, whole=whole)) for low, high in pairwise(ends)]
    return [None if v is None else next(label for high, label in labels if v < high) for v in values]


def _quantiles(numbers: Sequence[float], *, whole: bool) -> list[float]:
    """Return the ends of ranges with about equally many numbers in each: within one they are drawn evenly."""
    import numpy as np

    found = np.quantile(numbers, np.linspace(0, 1, RANGES + 1))
    if whole:
        return sorted({int(end) for end in np.round(found[:-1])} | {int(max(numbers)) + 1})
    digits = max(1, math.ceil(math.log10(1000 / (max(numbers) - min(numbers)))))
    step = 10.0**-digits
    inner = [round(float(end), digits) for end in found[1:-1]]
    low, high = math.floor(min(numbers) / step) * step, (math.floor(max(numbers) / step) + 1) * step
    return sorted({round(low, digits), *inner, round(high, digits)})


def _ends(edges: Any, values: Sequence[Any], name: str) -> list[Any]:
    """Return the ends of ranges that are given.

    Raises:
        InvalidSettings: they are none, or not all values lie between them.
    """
    import pandas as pd

    try:
        ends = plain_values(pd.Series(list(edges)))
    except TypeError:
        ends = []
    usable = len(ends) > 1 and all(isinstance(end, int | float) and math.isfinite(end) for end in ends)
    outside = [
        v for v in values if v is not None and not (usable and isinstance(v, int | float) and ends[0] <= v < ends[-1])
    ]
    if outside or not usable or sorted(set(ends)) != ends:
        some = ", ".join(map(str, dict.fromkeys(outside[:5])))
        raise InvalidSettings(
            f"bins: {name}: {edges!r}: rising ends are needed, as in [18, 35, 55, 91], between which all values lie"
            + (f"; outside: {some}" if usable and some else "")
        )
    return ends


def _label(low: float, high: float, *, whole: bool) -> str:
    return f"{low}-{high - 1:g}" if whole else f"{written(low)}-{written(high)}"


def _shares(levels: Sequence[str | None], weights: Sequence[float], key: str) -> dict[str, float]:
    sums: dict[str, float] = {}
    for level, weight in zip(levels, weights, strict=True):
        if level is not None:
            sums[level] = sums.get(level, 0.0) + weight
    if not sums:
        raise InvalidSettings(f"{key}: everybody's value is missing")
    total = sum(sums.values())
    return {level: sums[level] / total for level in _in_order(sums)}


def _joint(levels: Sequence[Sequence[str | None]], weights: Sequence[float]) -> dict[str, Any]:
    """Return the shares of combinations, nested."""
    tree: dict[str, Any] = {}
    total = sum(weights)
    order = [_in_order(dict.fromkeys(one)) for one in levels]
    for row, weight in sorted(
        zip(zip(*levels, strict=True), weights, strict=True),
        key=lambda pair: [order[k].index(level) for k, level in enumerate(pair[0])],
    ):
        place = tree
        for level in row[:-1]:
            place = place.setdefault(level, {})
        place[row[-1]] = place.get(row[-1], 0.0) + weight / total
    return tree


def _in_order(levels: Mapping[Any, Any]) -> list[Any]:
    """Return levels by the number that they begin with, if all do, and else as they came."""
    starts = {level: _start(level) for level in levels}
    if any(start is None for start in starts.values()):
        return list(levels)
    return sorted(levels, key=lambda level: starts[level] or 0.0)


def _start(level: str) -> float | None:
    from workbench.populations.ranges import parse_range

    found = parse_range(level)
    return found.low if found else None
