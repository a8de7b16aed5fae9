"""Groups of people who share attributes, and how a number of people is divided among them."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from workbench.errors import InvalidSettings
from workbench.populations.column_values import plain_values
from workbench.populations.fitting import Target
from workbench.populations.rounding import largest_remainder, round_cells

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from workbench.populations.plan import SamplingPlan

Strata = dict[Any, list[int]]
"""The places of the people of each stratum: a level, or a tuple of one level a column."""


def levels_of(table: pd.DataFrame, name: str, plan: SamplingPlan | None) -> list[Any]:
    """Return everybody's level of an attribute: that of the plan, where it has the attribute; None where one has none.

    Raises:
        InvalidSettings: there is no such column, or it has lists.
    """
    check_known([name], table)
    values = plain_values(table[name])
    if plan is not None and name in plan.names:
        return [None if value is None else plan.level_of(name, value) for value in values]
    if any(not isinstance(value, Hashable) for value in values):
        raise InvalidSettings(f"{name}: people have lists of it, so it has no levels: make a column of what you need")
    return values


def check_known(names: Sequence[str], table: pd.DataFrame) -> None:
    """Check that columns are there.

    Raises:
        InvalidSettings: one is not; those that are there are named.
    """
    if unknown := [name for name in names if name not in table.columns]:
        known = ", ".join(map(str, table.columns))
        raise InvalidSettings(f"there is no {', '.join(map(repr, unknown))}; there are {known}")


def strata_of(table: pd.DataFrame, by: str | Sequence[str] | None, plan: SamplingPlan | None) -> Strata:
    """Return who is in which stratum, in the order of the levels.

    Args:
        table: of the people.
        by: a column, or several; all people are one stratum when not given.
        plan: of which the levels are taken where it has the attribute.
    """
    names = [] if by is None else [by] if isinstance(by, str) else list(by)
    columns = [levels_of(table, name, plan) for name in names]
    strata: Strata = {}
    for place, levels in enumerate(zip(*columns, strict=True) if columns else [()] * len(table)):
        strata.setdefault(levels[0] if isinstance(by, str) else levels, []).append(place)
    orders = [_order(name, levels, plan) for name, levels in zip(names, columns, strict=True)]
    as_tuple = (lambda key: (key,)) if isinstance(by, str) else (lambda key: key)
    ordered = sorted(strata, key=lambda key: [order[x] for order, x in zip(orders, as_tuple(key), strict=True)])
    return {key: strata[key] for key in ordered}


def _order(name: str, levels: list[Any], plan: SamplingPlan | None) -> dict[Any, int]:
    """Return the place of each level: the plan's, or by size or alphabet; nobody's is last."""
    there = [level for level in dict.fromkeys(levels) if level is not None]
    if plan is not None and name in plan.names:
        there = list(plan[name].levels)
    elif all(isinstance(level, int | float) for level in there) or all(isinstance(level, str) for level in there):
        there = sorted(there)
    return {level: place for place, level in enumerate([*there, None])}


def drawn(strata: Strata, n: int, rng: np.random.Generator) -> list[int]:
    """Return the places of n people, drawn without replacement, as many of each stratum as are in proportion to it."""
    import numpy as np

    sizes = np.array([len(places) for places in strata.values()])
    counts = largest_remainder(sizes / max(sizes.sum(), 1), n)
    chosen = [rng.choice(places, k, replace=False) for places, k in zip(strata.values(), counts, strict=True)]
    return sorted(int(place) for places in chosen for place in places)


def parted(strata: Strata, parts: Mapping[str, float], rng: np.random.Generator) -> dict[str, list[int]]:
    """Divide people into parts: in each stratum within 1 of its share of the stratum, and in all as is nearest.

    Args:
        strata: of the people.
        parts: the share of each part.
        rng: of the draw.

    Raises:
        InvalidSettings: shares that cannot be.
    """
    _check_shares(parts)
    divided: dict[str, list[int]] = {part: [] for part in parts}
    for places, counts in zip(strata.values(), _counts(strata, list(parts.values()), rng), strict=True):
        mixed, start = rng.permutation(places), 0
        for part, count in zip(parts, counts, strict=True):
            divided[part] += [int(place) for place in mixed[start : start + count]]
            start += count
    return {part: sorted(places) for part, places in divided.items()}


def _counts(strata: Strata, shares: Sequence[float], rng: np.random.Generator) -> Any:
    """Return how many of each stratum go to each part, shape (strata, parts)."""
    import numpy as np

    sizes = np.array([len(places) for places in strata.values()], dtype=float)
    n = int(sizes.sum())
    if not n:
        return np.zeros((len(sizes), len(shares)), dtype=np.intp)
    wanted = np.asarray(shares) / sum(shares)
    rows, columns = (numbers.ravel() for numbers in np.indices((len(sizes), len(wanted))))
    of_strata = Target(("stratum",), tuple(map(str, strata)), sizes / n, rows)
    of_parts = Target(("part",), tuple(map(str, wanted)), wanted, columns)
    cells = np.outer(sizes / n, wanted).ravel()
    return round_cells(cells, [of_strata, of_parts], n, rng).reshape(len(sizes), len(wanted))


def _check_shares(parts: Mapping[str, float]) -> None:
    shares = list(parts.values()) if isinstance(parts, Mapping) else []
    usable = all(isinstance(x, int | float) and not isinstance(x, bool) and x >= 0 for x in shares)
    if not shares or not usable or not math.isclose(sum(shares), 1, abs_tol=1e-6):
        raise InvalidSettings(f"parts={parts!r}: give shares that add up to 1, such as {{'train': 0.8, 'test': 0.2}}")
