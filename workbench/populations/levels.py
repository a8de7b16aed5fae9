"""The levels of an attribute, where no plan says them: what people have, and ranges where these are many numbers."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from workbench.populations.ranges import Range

if TYPE_CHECKING:
    import pandas as pd

MOST_LEVELS = 40
"""An attribute of words with more is none that a profile shows unasked."""
MOST_NUMBERS = 12
"""More numbers than these are put into ranges: a scale from 0 to 10 has eleven."""
RANGES = 7
"""About so many ranges there are then."""
PARTS = 5
"""Into which a plan's one range of numbers is divided."""
LONGEST_LEVEL = 80
"""Characters: a longer text is prose and no level."""

Levels = tuple[list[str], list[str | None]]
"""All levels in their order, and everybody's."""


def found_levels(values: Sequence[Any]) -> Levels:
    """Return the levels of values: numbers by size, or in ranges where they are many; words by how many have them.

    >>> found_levels([3, None, 1, 3])
    (['1', '3'], ['3', None, '1', '3'])
    >>> found_levels(range(18, 88))[0]
    ['10-19', '20-29', '30-39', '40-49', '50-59', '60-69', '70-79', '80-89']
    """
    there = [value for value in values if value is not None]
    if there and all(isinstance(value, int | float) and not isinstance(value, bool) for value in there):
        distinct = sorted(set(there))
        if len(distinct) > MOST_NUMBERS:
            return _in_ranges(values, distinct)
        return [str(number) for number in distinct], [None if value is None else str(value) for value in values]
    counts = Counter(map(str, there))
    ordered = sorted(counts, key=lambda level: (-counts[level], level))
    return ordered, [None if value is None else str(value) for value in values]


def _in_ranges(values: Sequence[Any], distinct: Sequence[float]) -> Levels:
    width = _round_width((distinct[-1] - distinct[0]) / RANGES)
    whole = all(isinstance(number, int) for number in distinct) and width >= 1
    first, last = (math.floor(end / width + 1e-9) for end in (distinct[0], distinct[-1]))
    labels = {place: _label(place, width, whole=whole) for place in range(first, last + 1)}
    return list(labels.values()), [
        None if value is None else labels[min(max(math.floor(value / width + 1e-9), first), last)] for value in values
    ]


def _round_width(width: float) -> float:
    """Return the nearest of 1, 2, 5, 10, 20, ... and their tenths."""
    power = 10.0 ** math.floor(math.log10(width))
    return power * min((1, 2, 5, 10), key=lambda step: abs(math.log(step * power / width)))


def _label(place: int, width: float, *, whole: bool) -> str:
    if whole:
        return f"{round(place * width)}-{round((place + 1) * width) - 1}" if width > 1 else str(place)
    digits = max(0, -math.floor(math.log10(width)))
    return f"{place * width:.{digits}f}-{(place + 1) * width:.{digits}f}"


def in_parts_of(whole: Range, values: Sequence[Any]) -> tuple[Levels, list[float]]:
    """Divide a range into parts of about equal widths.

    Returns:
        the parts with everybody's, and the share of each where numbers are spread evenly.

    >>> in_parts_of(Range(0.0, 1.0, False), [0.1, 0.95])[0]
    (['0-0.2', '0.2-0.4', '0.4-0.6', '0.6-0.8', '0.8-1'], ['0-0.2', '0.8-1'])
    """
    ends = [whole.low + whole.width * k / PARTS for k in range(1, PARTS)]
    parts = whole.cut_at([float(round(end)) if whole.whole else end for end in ends])
    last = 1 if whole.whole else 0
    names = {part: f"{part.low:g}-{part.high - last:g}" for part in parts}
    levels = [
        next((name for part, name in names.items() if value is not None and value in part), None) for value in values
    ]
    return (list(names.values()), levels), [part.width / whole.width for part in parts]


def attributes_of(table: pd.DataFrame) -> list[str]:
    """Return the columns of a table of personas that have levels: no lists, no prose, not too many words."""
    return [str(name) for name in table.columns if _has_levels(table[name].dropna().tolist())]


def _has_levels(values: list[Any]) -> bool:
    if not values or any(isinstance(value, list) for value in values):
        return False
    if all(isinstance(value, int | float) for value in values):
        return True
    levels = set(map(str, values))
    return len(levels) <= MOST_LEVELS and all(len(level) <= LONGEST_LEVEL and "\n" not in level for level in levels)
