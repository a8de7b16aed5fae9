"""Parts of people, and what they weigh."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from workbench.errors import InvalidSettings
from workbench.evaluation.human.codes import listed, plain
from workbench.evaluation.human.reading import Answers
from workbench.evaluation.human.rows import EVERYBODY
from workbench.evaluation.human.samples import Sample

if TYPE_CHECKING:
    import pandas as pd

MOST = 12
"""Levels of an attribute by which people are divided."""


@dataclass(frozen=True)
class Subgroup:
    """Some of the people of both sides."""

    name: str
    members: tuple[frozenset[str], frozenset[str]] | None = None
    """Simulated and human people; everybody when none."""

    def of(self, sample: Sample, side: int) -> Sample:
        """Return those of a sample who are in the subgroup."""
        if self.members is None:
            return sample
        return sample.of([person for person in sample.people if person in self.members[side]])


def same_people(simulated: Answers, human: Answers, matched: bool | None) -> bool:
    """Return whether a person of the same name is the same person.

    Args:
        simulated: one side.
        human: the other.
        matched: as told; when not, both tables have to name people, and two of them be in both.

    Raises:
        InvalidSettings: told that they are the same, and nobody is in both.
    """
    both = set(simulated.people.index) & set(human.people.index) if simulated.named and human.named else set()
    if matched and not both:
        names = [listed(side.people.index[:3]) for side in (simulated, human)]
        raise InvalidSettings(
            f"matched=True, and nobody is in both tables. Simulated: {names[0]} ... Human: {names[1]} ..."
        )
    return len(both) >= 2 if matched is None else matched


def subgroups_of(simulated: Answers, human: Answers, by: Sequence[str], same: bool) -> list[Subgroup]:
    """Return everybody, and then a subgroup a level of each attribute.

    Args:
        simulated: one side.
        human: the other.
        by: attributes.
        same: whether a person of the same name is the same person: then the humans' table tells of both.

    Raises:
        InvalidSettings: an attribute that a table does not have, or that has too many levels.
    """
    groups = [Subgroup(EVERYBODY)]
    for name in by:
        if name not in human.people:
            raise InvalidSettings(f"by={name!r}: the human table has no such column; name it in `columns`")
        theirs = _levels(human.people[name])
        if name in simulated.people:
            own = _levels(simulated.people[name])
        elif same:
            own = {person: theirs[person] for person in simulated.people.index if person in theirs}
        else:
            raise InvalidSettings(f"by={name!r}: the simulated table has no such column: merge it in by person")
        levels = sorted({level for level in [*theirs.values(), *own.values()] if level is not None}, key=str)
        if len(levels) > MOST:
            raise InvalidSettings(f"by={name!r} has {len(levels)} levels: cut it into {MOST} or fewer groups first")
        for level in levels:
            members = [frozenset(person for person, one in side.items() if one == level) for side in (own, theirs)]
            groups.append(Subgroup(f"{name}={level}", (members[0], members[1])))
    return groups


def _levels(column: pd.Series[Any]) -> Mapping[str, str | None]:
    values = [plain(value) for value in column.astype(object)]
    return {person: None if value is None else str(value) for person, value in zip(column.index, values, strict=True)}


def weights_of(simulated: Answers, human: Answers, column: str | None) -> list[pd.Series[float]]:
    """Return what people weigh, by person; 1 in a table without the column.

    Raises:
        InvalidSettings: no table has the column, or a weight cannot be.
    """
    import pandas as pd

    sides = (simulated, human)
    if column is not None and not any(column in side.people for side in sides):
        raise InvalidSettings(f"weights={column!r}: neither table has such a column")
    found = []
    for side in sides:
        if column is None or column not in side.people:
            found.append(pd.Series(1.0, index=side.people.index))
            continue
        weights = pd.to_numeric(side.people[column], errors="coerce").astype(float)
        wrong = ~(weights >= 0) | (weights == float("inf"))
        if wrong.any():
            person = weights.index[wrong][0]
            raise InvalidSettings(
                f"weight {side.people.loc[person, column]!r} of {person!r} ({side.side}): give numbers from 0"
            )
        if not weights.any():
            raise InvalidSettings(f"all {side.side} people weigh 0 in {column!r}: nobody is left")
        found.append(weights)
    return found


def attributes_of(human: Answers, names: Sequence[str]) -> pd.DataFrame | None:
    """Return attributes of the humans, a row a person; None where none are named.

    Raises:
        InvalidSettings: the table does not have one.
    """
    if missing := [name for name in names if name not in human.people]:
        raise InvalidSettings(
            f"attributes {listed(missing)}: the human table has no such columns; name them in `columns`"
        )
    return human.people[list(names)] if names else None
