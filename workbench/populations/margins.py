"""Plans out of surveys: the shares that a DataFrame has of each level, or of each combination of levels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from workbench.errors import InvalidSettings
from workbench.populations.column_values import plain_values
from workbench.populations.levels import found_levels
from workbench.populations.plan import SamplingPlan
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
    named = dict(columns) if isinstance(columns, Mapping) else {name: name for name in columns}
    cuts = bins or {}
    check_known([*named, *([weights] if weights else [])], df)
    if unused := [name for name in cuts if name not in named]:
        raise InvalidSettings(f"bins: {', '.join(unused)}: these are none of the columns that are used")
    if not named or not len(df):
        raise InvalidSettings("columns: name those that people are to be drawn by, of a table that has rows")
    rows = df.dropna(subset=list(named)) if joint else df
    heavy = _weights(rows, weights)
    levels = {key: _levels(rows[name], cuts.get(name)) for name, key in named.items()}
    quotas: dict[Any, Any]
    if joint and len(levels) > 1:
        quotas = {tuple(levels): _joint(list(levels.values()), heavy)}
    else:
        quotas = {key: _shares(one, heavy, key) for key, one in levels.items()}
    return SamplingPlan(n, quotas, about=about, country=country)


def _weights(rows: pd.DataFrame, weights: str | None) -> Sequence[float]:
    return checked_weights(rows[weights] if weights else None, [f"row {label}" for label in rows.index])


def _levels(column: pd.Series[Any], edges: Sequence[float] | None) -> list[str | None]:
    import pandas as pd

    values = plain_values(column)
    if edges is None:
        return found_levels(values)[1]
    edges = plain_values(pd.Series(list(edges)))
    wrong = [v for v in values if v is not None and not (isinstance(v, int | float) and edges[0] <= v < edges[-1])]
    if wrong or sorted(set(edges)) != list(edges):
        raise InvalidSettings(
            f"bins: {column.name}: {list(edges)}: rising ends are needed between which all values lie; "
            f"{', '.join(map(str, dict.fromkeys(wrong[:5]))) or 'these do not rise'}"
        )
    whole = all(isinstance(number, int) for number in [*edges, *(v for v in values if v is not None)])
    labels = [(high, f"{low}-{high - 1}" if whole else f"{float(low)}-{float(high)}") for low, high in pairwise(edges)]
    return [None if v is None else next(label for high, label in labels if v < high) for v in values]


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
