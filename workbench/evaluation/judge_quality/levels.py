"""What raters can say: the levels of a scale, their order, and the places of values among them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from numbers import Real
from typing import TYPE_CHECKING, Any, TypeGuard

from workbench.errors import InvalidSettings

if TYPE_CHECKING:
    import numpy as np

    Numbers = np.ndarray[Any, np.dtype[Any]]

MOST_NAMED = 6
"""Values that an error names."""


def is_missing(value: object) -> bool:
    """Return whether nothing was said: None, NaN, NaT or `pandas.NA`."""
    import pandas as pd

    return value is None or value is pd.NA or value is pd.NaT or (isinstance(value, Real) and value != value)


def levels_of(values: Iterable[object], *, in_order: bool = False) -> tuple[Any, ...]:
    """Return the distinct values, without missing ones.

    Args:
        values: any of one kind: texts, truth values, or numbers.
        in_order: keep the order in which they stand; else they are sorted.

    Raises:
        InvalidSettings: values of kinds that have no common order, so that none could equal another.
    """
    try:
        distinct: dict[Any, None] = dict.fromkeys(_plain(value) for value in values if not is_missing(value))
    except TypeError as error:
        raise InvalidSettings(f"a value has to be a text, a truth value or a number: {error}") from error
    kinds = {_kind(value) for value in distinct}
    if len(kinds) > 1:
        raise InvalidSettings(f"values of different kinds cannot agree: {named(distinct)}; make them all one kind")
    return tuple(distinct) if in_order else tuple(sorted(distinct))


def codes_of(values: Iterable[object], levels: Sequence[object]) -> Numbers:
    """Return the place of each value among the levels; -1 where it is missing.

    Raises:
        InvalidSettings: a value that is none of the levels.
    """
    import numpy as np

    place = {level: number for number, level in enumerate(levels)}
    plain = [None if is_missing(value) else _plain(value) for value in values]
    if unknown := dict.fromkeys(value for value in plain if value is not None and value not in place):
        raise InvalidSettings(f"{named(unknown)} is none of the levels {named(levels)}")
    return np.array([-1 if value is None else place[value] for value in plain], dtype=np.intp)


def positions_of(levels: Sequence[object]) -> Numbers:
    """Return where the levels lie: their own values where they are numbers, else 0, 1, 2 ..."""
    import numpy as np

    return np.array(levels if are_numbers(levels) else range(len(levels)), dtype=float)


def are_numbers(values: Sequence[object]) -> TypeGuard[Sequence[float]]:
    """Return whether all values are numbers, and no mere truth values."""
    return bool(values) and all(isinstance(value, Real) and not isinstance(value, bool) for value in values)


def named(values: Iterable[object]) -> str:
    """Return the first few values, for a message."""
    shown = list(values)
    more = f" and {len(shown) - MOST_NAMED} more" if len(shown) > MOST_NAMED else ""
    return ", ".join(map(repr, shown[:MOST_NAMED])) + more


def _plain(value: object) -> Any:
    return value.item() if hasattr(value, "item") else value  # numpy's own numbers show as np.int64(3)


def _kind(value: object) -> str:
    return "number" if isinstance(value, Real) else type(value).__name__
