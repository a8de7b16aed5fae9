"""Combinations of attributes that nobody has, such as an age below 18 and being married."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from workbench.errors import InvalidSettings
from workbench.populations.dimensions import Dimension
from workbench.populations.ranges import Range, parse_range

Combination = Mapping[str, Any]
"""Dimension -> what of it: a level, several, or for numbers a comparison (`< 18`) or a range (`18-34`)."""


def check_combination(combination: Any, dimensions: Mapping[str, Dimension]) -> dict[str, Any]:
    """Return a combination as JSON has it.

    Raises:
        InvalidSettings: it is none, or speaks of dimensions or levels that there are not.
    """
    if not isinstance(combination, Mapping) or not combination:
        raise InvalidSettings(
            f"impossible: {combination!r} is no combination: one is like {{'age': '< 18', 'marital_status': 'married'}}"
        )
    if unknown := [name for name in combination if name not in dimensions]:
        raise InvalidSettings(
            f"impossible: {', '.join(map(str, unknown))} is no dimension; there are {', '.join(dimensions)}"
        )
    checked = {name: _texts(what) for name, what in combination.items()}
    for name, texts in checked.items():
        for text in texts:
            _meant(text, dimensions[name])
    return {name: texts[0] if len(texts) == 1 else texts for name, texts in checked.items()}


def ends_in(combination: Combination, dimension: Dimension) -> list[float]:
    """Return the numbers at which a combination divides a dimension."""
    meant = [_meant(text, dimension) for text in _texts(combination.get(dimension.name, ()))]
    return [end for one in meant if isinstance(one, Range) for end in (one.low, one.high)]


def speaks_of(combination: Combination, dimension: Dimension, level: str, part: Range | None) -> bool:
    """Return whether what a combination says of a dimension holds for a level of it, or a part of that."""
    meant = [_meant(text, dimension) for text in _texts(combination[dimension.name])]
    return any(part is not None and part.within(one) if isinstance(one, Range) else one == level for one in meant)


def say(combination: Combination) -> str:
    """Return a combination as a phrase."""
    return " with ".join(f"{name} {' or '.join(_texts(what))}" for name, what in combination.items())


def _texts(what: Any) -> list[str]:
    several = isinstance(what, Sequence) and not isinstance(what, str)
    return [str(one) for one in (what if several else (what,))]


def _meant(text: str, dimension: Dimension) -> str | Range:
    if dimension.ranges is not None:
        if text in dimension.ranges:
            return dimension.ranges[text]
        whole = all(one.whole for one in dimension.ranges.values())
        if found := parse_range(text, whole=whole):
            return found
    elif text in dimension.levels:
        return text
    kind = ", a comparison such as '< 18' or a range" if dimension.ranges is not None else ""
    raise InvalidSettings(
        f"impossible: {dimension.name} has no {text!r}: give one of {', '.join(map(repr, dimension.levels))}{kind}"
    )
