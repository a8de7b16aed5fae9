"""Plans out of demographic descriptions: nested tables of shares, as statistical offices and models write them."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from workbench.agents.countries import country_of
from workbench.agents.fixed_facts import check_facts
from workbench.errors import InvalidSettings
from workbench.populations.dimensions import Dimension, read_share, summing_to_one
from workbench.populations.plan import FILE_TYPE, SamplingPlan

Path = tuple[str, ...]

_FRAME = re.compile(r"\b(distribution|composition|breakdown|structure|shares?|percentages?|levels?)\b", re.I)
"""Words in a heading that say that shares follow, and not of what."""
_GIVEN = re.compile(r"\s(?:by|given|per)\s.*", re.I)
"""As in "marital status by age": what stands before it is the dimension."""


@dataclass(frozen=True)
class _Table:
    """A mapping with shares in it."""

    path: Path
    shares: Mapping[str, float]
    """Its entries that are shares; other entries may stand beside them."""

    @property
    def problem(self) -> str:
        """Why these shares are no distribution; nothing where they are one."""
        if len(self.shares) < 2:
            return "one share alone is no distribution"
        try:
            summing_to_one(self.shares, "")
        except InvalidSettings:
            return f"the shares add up to {math.fsum(self.shares.values()):.4g}, and not to 1 or 100 %"
        return ""


def plan_of_demographics(data: Any, n: int | None, about: str | None, only: Sequence[str] | None) -> SamplingPlan:
    """Return the plan that a description comes to; as `SamplingPlan.from_demographics`."""
    if not isinstance(data, Mapping):
        raise InvalidSettings(f"demographics are a mapping, this is a {type(data).__name__}")
    if data.get("type") == FILE_TYPE:
        plan = SamplingPlan.from_dict({**data, **({} if n is None else {"n": n})})
    else:
        plan = _described(data, n, about)
    if only is None:
        return plan
    for name in only:
        plan[name]
    return plan.without(*(name for name in plan.names if name not in only))


def _described(data: Mapping[str, Any], n: int | None, about: str | None) -> SamplingPlan:
    wanted = data.get("n") if n is None else n
    if wanted is None:
        raise InvalidSettings("n= is missing: how many people there are to be")
    dimensions, left_out = _dimensions(data)
    if not dimensions:
        why = "; ".join(left_out) or "there are no mappings of levels to shares in it"
        raise InvalidSettings(f"no dimension was found in these demographics: {why}")
    country = _country(data)
    told = [about, data.get("about"), country and f"people of {country}", data.get("title")]
    found = next((one for one in told if one and isinstance(one, str)), "")
    more = {"impossible": data["impossible"]} if isinstance(data.get("impossible"), list) else {}
    return SamplingPlan(wanted, dimensions, about=found, country=country, left_out=left_out, **more)


def _dimensions(data: Mapping[str, Any]) -> tuple[list[Dimension], list[str]]:
    """Return the dimensions of a description, and what of it is none, each with the reason."""
    tables = list(_tables(data, ()))
    dimensions: dict[str, Dimension] = {}
    left_out, used = [], set[Path]()
    for table in tables:
        if table.path[:-1] in used:
            continue
        if given := _given(table, tables, dimensions):
            used.add(table.path[:-1])
            rows = {one.path[-1]: one.shares for one in tables if one.path[:-1] == table.path[:-1]}
            left_out += _added(dimensions, table.path[:-1], _filled(rows), (given,))
        elif problem := table.problem:
            left_out.append(f"{' > '.join(table.path)}: {problem}")
        else:
            left_out += _added(dimensions, table.path, table.shares, ())
    return list(dimensions.values()), left_out


def _added(dimensions: dict[str, Dimension], path: Path, shares: Any, given: tuple[str, ...]) -> list[str]:
    """Add a dimension; return why it is none, where it is none."""
    name = _name(path, dimensions)
    try:
        found = Dimension(name, shares, given=given)
        check_facts({name: 1 if found.ranges is not None else found.levels[0]})
    except InvalidSettings as error:
        return [f"{' > '.join(path)}: {error}"]
    dimensions[name] = found
    return []


def _given(table: _Table, tables: Sequence[_Table], dimensions: Mapping[str, Dimension]) -> str | None:
    """Return the dimension whose levels a table and those beside it are rows of."""
    beside = [one for one in tables if one.path[:-1] == table.path[:-1]]
    if any(one.problem for one in beside):
        return None
    rows = {one.path[-1] for one in beside}
    return next((name for name, one in dimensions.items() if not one.given and set(one.levels) == rows), None)


def _filled(rows: Mapping[str, Mapping[str, float]]) -> dict[str, dict[str, float]]:
    levels = dict.fromkeys(level for row in rows.values() for level in row)
    return {given: {level: row.get(level, 0.0) for level in levels} for given, row in rows.items()}


def _tables(data: Mapping[str, Any], path: Path) -> Iterator[_Table]:
    shares = {str(key): share for key, value in data.items() if (share := _share(value)) is not None}
    if shares and path:
        yield _Table(path, shares)
    for key, value in data.items():
        if isinstance(value, Mapping):
            yield from _tables(value, (*path, str(key)))


def _share(value: Any) -> float | None:
    if isinstance(value, str) and not value.strip().endswith("%"):
        return None
    try:
        return read_share(value, "")
    except InvalidSettings:
        return None


def _name(path: Path, taken: Mapping[str, Dimension]) -> str:
    """Return the key of a persona for a heading: the last one that says what it is of, with more where it is taken."""
    words = [_key(part) for part in path]
    said = [word for word in words if word] or ["attribute"]
    for start in range(len(said) - 1, -1, -1):
        if (name := "_".join(said[start:])) not in taken:
            return name
    return next(name for k in range(2, len(taken) + 3) if (name := f"{'_'.join(said)}_{k}") not in taken)


def _key(heading: str) -> str:
    words = _FRAME.sub(" ", _GIVEN.sub("", heading))
    return re.sub(r"[^\w]+", "_", words.casefold()).strip("_")


def _country(data: Mapping[str, Any]) -> str | None:
    """Return what a key `country` names, wherever it stands."""
    for key, value in data.items():
        if str(key).casefold() == "country" and isinstance(value, str) and country_of(value):
            return value
        if isinstance(value, Mapping) and (found := _country(value)):
            return found
    return None
