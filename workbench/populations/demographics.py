"""Plans out of demographic descriptions: nested tables of shares, as statistical offices and models write them."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from workbench.agents.countries import country_of
from workbench.errors import InvalidSettings
from workbench.populations.dimensions import Dimension, read_share, summing_to_one
from workbench.populations.plan import FILE_TYPE, SamplingPlan
from workbench.populations.quotas import dimensions_of

Path = tuple[str, ...]

_FRAME = re.compile(r"\b(distribution|composition|breakdown|structure|shares?|percentages?|levels?)\b", re.I)
"""Words in a heading that say that shares follow, and not of what."""
_BY = re.compile(r"\s(by|and)\s", re.IGNORECASE)
TOGETHER = 0.011
"""How far the shares of two dimensions together may be from a sum of 1."""
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
    """Return the dimensions of a description, and what of it is none, each with the reason.

    First those that stand alone, then what depends on one of them, wherever it stands.
    """
    tables, left_out = list(_tables(data, ())), list(_passed_over(data, ()))
    groups = _groups(tables)
    in_groups = {table.path for rows in groups.values() for table in rows.values()}
    dimensions: dict[str, Dimension] = {}
    for table in tables:
        if table.path in in_groups:
            continue
        if problem := table.problem:
            left_out.append(f"{' > '.join(table.path)}: {problem}")
        else:
            left_out += _added(dimensions, table.path, table.shares, ())
    for path, rows in groups.items():
        left_out += _dependent(dimensions, path, rows)
    return list(dimensions.values()), left_out


def _groups(tables: Sequence[_Table]) -> dict[Path, dict[str, _Table]]:
    """Return the tables that are rows of a larger one, by its heading: each row with the level that it is given for.

    They stand beside each other under a heading of their own ("marital status by age"), or each under its level
    (gender > male > age, gender > female > age).
    """
    groups: dict[Path, dict[str, _Table]] = {}
    for table in tables:
        if len(table.path) > 1 and _GIVEN.search(table.path[-2]):
            groups.setdefault(table.path[:-1], {})[table.path[-1]] = table
    under: dict[Path, dict[str, _Table]] = {}
    for table in tables:
        if len(table.path) > 1 and table.path[:-1] not in groups:
            under.setdefault((*table.path[:-2], table.path[-1]), {})[table.path[-2]] = table
    return groups | {path: rows for path, rows in under.items() if len(rows) > 1}


def _dependent(dimensions: dict[str, Dimension], path: Path, rows: Mapping[str, _Table]) -> list[str]:
    """Add a dimension that depends on another, or two that are given together; return why not, where not."""
    where = " > ".join(path)
    total = math.fsum(share for row in rows.values() for share in row.shares.values())
    shares = {level: row.shares for level, row in rows.items()}
    if all(row.problem for row in rows.values()) and (abs(total - 1) < TOGETHER or abs(total - 100) < 100 * TOGETHER):
        return _given_together(dimensions, path, _filled(shares))
    if problem := next((row.problem for row in rows.values() if row.problem), ""):
        return [f"{where}: {problem}"]
    wanted = {level.casefold(): level for level in shares}
    parent = next(
        (one for one in dimensions.values() if {level.casefold() for level in one.levels} == set(wanted)), None
    )
    if parent is None or parent.given:
        return [f"{where}: it is given for each of {', '.join(shares)}, and there are no shares of these"]
    filled = _filled(shares)
    by_level = {level: filled[wanted[level.casefold()]] for level in parent.levels}
    return _added(dimensions, path, by_level, (parent.name,))


def _given_together(dimensions: dict[str, Dimension], path: Path, shares: Any) -> list[str]:
    first, by, second = map(_key, [*_BY.split(path[-1], maxsplit=1), "", ""][:3])
    if not by or first in dimensions or second in dimensions:
        return [f"{' > '.join(path)}: shares of two dimensions together need a heading of both, as in 'gender by age'"]
    try:
        found = dimensions_of({(first, second): shares}, 1)
    except InvalidSettings as error:
        return [f"{' > '.join(path)}: {error}"]
    dimensions |= {one.name: one for one in found}
    return []


def _passed_over(data: Any, path: Path) -> Iterator[str]:
    """Yield what looks as if it were meant, and is no mapping of levels to shares."""
    for key, value in data.items():
        where = " > ".join((*path, str(key)))
        if isinstance(value, Mapping):
            yield from _passed_over(value, (*path, str(key)))
        elif isinstance(value, list) and any(isinstance(one, Mapping) for one in value):
            yield f"{where}: a list: give a mapping of levels to shares"
        elif not path and key not in ("n", "seed") and _share(value) is not None:
            yield f"{where}: a share alone: give a mapping of levels to shares"


def _added(dimensions: dict[str, Dimension], path: Path, shares: Any, given: tuple[str, ...]) -> list[str]:
    """Add a dimension; return why it is none, where it is none."""
    name = _name(path, dimensions)
    try:
        dimensions[name] = Dimension(name, shares, given=given)
    except InvalidSettings as error:
        return [f"{' > '.join(path)}: {error}"]
    return []


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
