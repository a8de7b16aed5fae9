"""Conditions out of a table: which rows are of which, and what was measured in them."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from workbench.errors import InvalidSettings
from workbench.evaluation.statistics.clusters import codes

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pandas as pd

    Numbers = npt.NDArray[np.float64]
    Indices = npt.NDArray[np.intp]

Names = str | Sequence[str]
_TINY = 1e-100
"""The largest value that is too small: squares of smaller ones are lost."""


@dataclass(frozen=True)
class Measured:
    """The rows of some conditions in which a metric has a value."""

    values: Numbers | Indices
    """Numbers, or codes of categories."""
    categories: tuple[object, ...] | None
    """None where values are numbers."""
    truth: bool
    """Whether the categories are false and true."""
    conditions: Indices
    clusters: Indices | None
    persons: Indices | None
    sessions: Indices | None
    missing: Indices
    """Rows without a value, per condition."""

    def of(self, levels: Sequence[int]) -> Measured:
        """Return the rows of these conditions, which get codes in the order given."""
        import numpy as np

        places = [np.flatnonzero(self.conditions == level) for level in levels]
        rows = np.sort(np.concatenate(places))
        new = {level: place for place, level in enumerate(levels)}
        clusters, persons, sessions = _at(rows, self.clusters, self.persons, self.sessions)
        conditions = np.array([new[level] for level in self.conditions[rows].tolist()], dtype=np.intp)
        missing = self.missing[list(levels)]
        return Measured(
            self.values[rows], self.categories, self.truth, conditions, clusters, persons, sessions, missing
        )

    @property
    def groups(self) -> list[Any]:
        """The values of each condition."""
        return [self.values[self.conditions == level] for level in range(len(self.missing))]

    @property
    def clusters_of_groups(self) -> list[Any] | None:
        """The clusters of the values of each condition."""
        if self.clusters is None:
            return None
        return [self.clusters[self.conditions == level] for level in range(len(self.missing))]

    @property
    def counts(self) -> Any:
        """How many rows a condition has of each category."""
        import numpy as np

        return np.array([np.bincount(group, minlength=len(self.categories or ())) for group in self.groups])

    @property
    def depends(self) -> bool:
        """Whether some rows share a cluster."""
        import numpy as np

        return self.clusters is not None and len(np.unique(self.clusters)) < len(self.clusters)


def _at(rows: Any, *columns: Indices | None) -> list[Indices | None]:
    return [None if column is None else column[rows] for column in columns]


class Conditions:
    """A table, read for a comparison."""

    def __init__(
        self,
        table: pd.DataFrame,
        by: Names | None,
        control: object,
        *,
        cluster: Names | None = None,
        person: Names | None = None,
        session: Names | None = None,
    ) -> None:
        import numpy as np

        columns, wanted = _by_and_control(by, control)
        self.table = table
        self.by = columns
        self._check_known([*columns, *_listed(cluster), *_listed(person), *_listed(session)])
        labels = self._labels(columns)
        self.levels = _ordered(labels, table[columns[0]] if len(columns) == 1 else None)
        self.control = None if wanted is None else self._place(wanted)
        place_of = {level: place for place, level in enumerate(self.levels)}
        self.codes = np.array([-1 if one is None else place_of[one] for one in labels], dtype=np.intp)
        self.persons, self.sessions = self._units(person), self._units(session)
        chosen = self._units(cluster)
        self.clusters = next((one for one in (chosen, self.sessions, self.persons) if one is not None), None)

    @property
    def without_condition(self) -> int:
        """Rows in which the condition is missing: they are left out."""
        return int((self.codes < 0).sum())

    @property
    def pairs(self) -> list[tuple[int, int]]:
        """Which conditions are compared: all with the control, or each with each later one."""
        every = range(len(self.levels))
        if self.control is not None:
            return [(level, self.control) for level in every if level != self.control]
        return [(a, b) for a in every for b in every if a < b]

    def measured(self, metric: str, *, nominal: bool) -> Measured:
        """Return the rows that have a value of a metric.

        Args:
            metric: the column.
            nominal: whether its numbers are names of categories.
        """
        import numpy as np

        if metric in self.by:
            raise InvalidSettings(f"{metric}: it is the condition, so it cannot be what is compared")
        column = self.table[metric]
        there = (self.codes >= 0) & ~column.isna().to_numpy()
        values = column.to_numpy(dtype=object)[there].tolist()
        numeric = not nominal and all(_is_number(value) for value in values)
        categories: tuple[object, ...] | None = None
        if numeric:
            array = np.array(values, dtype=float)
            if np.isinf(array).any():
                raise InvalidSettings(f"{metric}: some values are infinite: make them missing, or give them a number")
            if len(array) and (array.max() > array.min()) and not _TINY < np.abs(array).max() < 1 / _TINY:
                raise InvalidSettings(f"{metric}: values reach {np.abs(array).max():g}: give them in another unit")
        else:
            categories, array = _categories(metric, values)
        lost = np.bincount(self.codes[(self.codes >= 0) & ~there], minlength=len(self.levels))
        clusters, persons, sessions = _at(there, self.clusters, self.persons, self.sessions)
        truth = bool(values) and all(isinstance(value, bool | np.bool_) for value in values)
        return Measured(array, categories, truth, self.codes[there], clusters, persons, sessions, lost)

    def _labels(self, columns: Sequence[str]) -> list[Hashable | None]:
        """Return the condition of each row: a value, or for several columns what each is, in words."""
        import pandas as pd

        parts = [self.table[column] for column in columns]
        missing = pd.concat([part.isna() for part in parts], axis=1).any(axis=1).tolist()
        rows = zip(*(part.tolist() for part in parts), strict=True)
        labels: list[Hashable | None] = []
        for row, lacks in zip(rows, missing, strict=True):
            label = row[0] if len(columns) == 1 else _in_words(columns, row)
            if not isinstance(label, Hashable):
                raise InvalidSettings(f"{columns[0]}: {label!r} cannot be a condition: give texts, numbers or booleans")
            labels.append(None if lacks else label)
        return labels

    def _units(self, names: Names | None) -> Indices | None:
        if names is None:
            return None
        listed = _listed(names)
        for name in listed:
            if lacking := int(self.table[name].isna().sum()):
                raise InvalidSettings(
                    f"{name} is missing in {lacking} rows: fill it in or leave these rows out, since nobody can say "
                    "with which others they hang together"
                )
        try:
            return codes(*(self.table[name].tolist() for name in listed))
        except TypeError as error:
            raise InvalidSettings(f"{', '.join(listed)}: {error}: give texts or numbers") from error

    def _place(self, control: object) -> int:
        for place, level in enumerate(self.levels):
            if level == control and isinstance(level, bool) == isinstance(control, bool):
                return place
        there = ", ".join(map(repr, self.levels))
        raise InvalidSettings(f"control: {control!r} is no condition of {', '.join(self.by)}; there are {there}")

    def _check_known(self, names: Sequence[str]) -> None:
        known = list(self.table.columns)
        for name in names:
            if known.count(name) > 1:
                raise InvalidSettings(f"the table has {name!r} more than once: rename one of them")
            if name not in known:
                nearest = get_close_matches(str(name), map(str, known), 3)
                rest = f"did you mean {', '.join(nearest)}?" if nearest else f"there are {', '.join(map(str, known))}"
                raise InvalidSettings(f"the table has no column {name!r}; {rest}")

    def check_metrics(self, metrics: Sequence[str], nominal: Sequence[str]) -> None:
        """Raise where there is no such metric."""
        if not metrics:
            raise InvalidSettings("no metric is given: name a column to compare")
        self._check_known(metrics)
        if odd := [name for name in nominal if name not in metrics]:
            raise InvalidSettings(f"nominal: {odd[0]!r} is none of the metrics {', '.join(metrics)}")


def _listed(names: Names | None) -> list[str]:
    return [] if names is None else [names] if isinstance(names, str) else list(names)


def _by_and_control(by: Names | None, control: object) -> tuple[list[str], object]:
    """Return the columns of the condition, and the control as a level."""
    columns = _listed(by)
    if isinstance(control, Mapping):
        columns = columns or [str(name) for name in control]
        if set(columns) != set(control) or not columns:
            raise InvalidSettings(
                f"control names {', '.join(map(str, control))}, and by {', '.join(columns)}: name the same"
            )
        row = tuple(control[name] for name in columns)
        return columns, row[0] if len(columns) == 1 else _in_words(columns, row)
    if not columns:
        raise InvalidSettings("no condition is given: name its column with by=, or give control={column: level}")
    return columns, control


def _in_words(columns: Sequence[str], row: Sequence[object]) -> str:
    return ", ".join(f"{column}={value}" for column, value in zip(columns, row, strict=True))


def _ordered(labels: Sequence[Hashable | None], column: Any) -> list[Hashable]:
    """Return the conditions: in the order of a categorical column, else sorted, else by first appearance."""
    there = [label for label in dict.fromkeys(labels) if label is not None]
    if len(there) < 2:
        raise InvalidSettings(f"there is nothing to compare: {len(there)} condition in the table, and 2 are needed")
    if column is not None and hasattr(column, "cat"):
        return [level for level in column.cat.categories.tolist() if level in there]
    try:
        return sorted(there)  # type: ignore[type-var]
    except TypeError:
        return there


def _is_number(value: object) -> bool:
    from numbers import Real

    import numpy as np

    return isinstance(value, Real) and not isinstance(value, bool | np.bool_) and not math.isnan(float(value))


def _categories(metric: str, values: list[Any]) -> tuple[tuple[object, ...], Indices]:
    import numpy as np

    for value in values:
        if not isinstance(value, str | int | float | np.generic):
            raise InvalidSettings(
                f"{metric}: {value!r} is neither a number nor a category: make a column of it that is"
            )
    names = sorted(dict.fromkeys(values), key=lambda value: (str(type(value)), value))
    place_of = {name: place for place, name in enumerate(names)}
    return tuple(names), np.array([place_of[value] for value in values], dtype=np.intp)
