"""Which people are meant: by place, name, mask, function or query."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from workbench.agents.names import same_name
from workbench.agents.person import Person
from workbench.errors import InvalidPersona, InvalidSettings, UnknownName

if TYPE_CHECKING:
    import pandas as pd

    Condition = Callable[[Person], Any] | str | pd.Series[bool]


class Places:
    """Where in a population each person is, by name, however it is written (NFKC, case).

    Args:
        people: in their order.

    Raises:
        InvalidSettings: something that is no person.
        InvalidPersona: two of one name.
    """

    def __init__(self, people: Sequence[Any]) -> None:
        self._places: dict[str, int] = {}
        for place, person in enumerate(people):
            if not isinstance(person, Person):
                raise InvalidSettings(f"{person!r} is no person: give wb.Person(...)")
            if (other := self._places.setdefault(same_name(person.name), place)) != place:
                raise InvalidPersona(
                    f"two people are called {person.name!r} (places {other} and {place}; case does not count): each "
                    "needs a name of their own, as answers are kept by it"
                )
        self._names = [person.name for person in people]

    def __contains__(self, name: str) -> bool:
        return same_name(name) in self._places

    def of(self, name: str) -> int:
        """Return the place of a person.

        Raises:
            UnknownName: nobody has the name; the nearest ones are named.
        """
        from rapidfuzz import process

        if (place := self._places.get(same_name(name))) is not None:
            return place
        near = [str(match[0]) for match in process.extract(name, self._names, limit=3, score_cutoff=60)]
        known = f"the nearest: {', '.join(near)}" if near else f"there are {some(self._names)}"
        raise UnknownName(f"nobody is called {name!r}; {known}")


def some(names: Sequence[str]) -> str:
    """Return the first five names, and how many more there are."""
    return ", ".join(names[:5]) + (f" and {len(names) - 5:,} more" if len(names) > 5 else "")


def places_meant(wanted: Iterable[Any], names: Sequence[str], place_of: Callable[[str], int]) -> list[int]:
    """Return the places of people who are given as a boolean mask, or as a list of places or names.

    Raises:
        InvalidSettings: it is none of these, or a mask of another length.
        IndexError: there is no such place.
    """
    if hasattr(wanted, "dtype") and str(wanted.dtype) in ("bool", "boolean"):
        return _of_mask(wanted, names)
    items = list(wanted)
    if items and all(isinstance(item, bool) for item in items):
        return _of_mask(items, names)
    return [place_of(item) if isinstance(item, str) else _place(item, len(names)) for item in items]


def _place(item: Any, n: int) -> int:
    try:
        place = operator.index(None if isinstance(item, bool) else item)  # type: ignore[arg-type]
    except TypeError as error:
        raise InvalidSettings(f"{item!r}: people are picked by places, names, or a mask of True and False") from error
    if not -n <= place < n:
        raise IndexError(f"there is no place {place}: there are {n} people")
    return place % n


def _of_mask(mask: Any, names: Sequence[str]) -> list[int]:
    if hasattr(mask, "reindex"):  # a Series: by names where it has them, else in the order of the people
        named = set(mask.index) == set(names) and mask.index.is_unique
        if not named and not mask.index.is_monotonic_increasing:
            raise InvalidSettings("the mask is in another order than the people: its index has to be their names")
        mask = mask.reindex(list(names)) if named else mask
    values = list(mask)
    if len(values) != len(names):
        raise InvalidSettings(f"a mask of {len(values):,} values for {len(names):,} people: one a person is needed")
    if any(value is not True and value is not False and not _is_bool(value) for value in values):
        raise InvalidSettings("a mask with missing values: fill them first, as with .fillna(False)")
    return [place for place, value in enumerate(values) if value]


def _is_bool(value: Any) -> bool:
    import numpy as np

    return isinstance(value, np.bool_)


def mask_of(condition: Condition, people: Sequence[Person], table: Callable[[], pd.DataFrame]) -> Any:
    """Return whether each person meets a condition.

    Args:
        condition: a function of a person, a query over the table, or a boolean Series.
        people: in their order.
        table: makes the table.

    Raises:
        InvalidSettings: a query that cannot be answered; the columns there are, are named.
    """
    if isinstance(condition, str):
        return _answered(condition, table())
    if callable(condition):
        return [bool(condition(person)) for person in people]
    if str(getattr(condition, "dtype", "")) in ("bool", "boolean"):
        return condition
    if hasattr(condition, "isna") and condition.isna().any():
        raise InvalidSettings("a mask with missing values: fill them first, as with .fillna(False)")
    raise InvalidSettings(f"{condition!r} is no condition: give a function of a person, a query, or a boolean Series")


def _answered(query: str, table: pd.DataFrame) -> Any:
    from pandas.api.types import is_bool_dtype

    known = f"The columns are {', '.join(map(repr, table.columns))}; one with a dot goes into backticks: `a.b` == 1"
    try:
        answer: Any = table.eval(query)
    except (NameError, SyntaxError, TypeError, ValueError, LookupError, AttributeError, NotImplementedError) as error:
        raise InvalidSettings(f"the query {query!r} cannot be answered: {error}. {known}") from error
    if not hasattr(answer, "index") or not is_bool_dtype(answer):
        raise InvalidSettings(f"the query {query!r} does not say yes or no of each person. {known}")
    return answer
