"""What the people of a plan are called: by country, gender and age, or as the researcher says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from workbench.agents.countries import country_of, home_of, require_country
from workbench.agents.names import NameFor, draw_names, same_name
from workbench.errors import InvalidSettings
from workbench.llm.seeds import derive_seed
from workbench.record.events import START

if TYPE_CHECKING:
    import pandas as pd

    from workbench.populations.plan import SamplingPlan

OF_COUNTRY = ("nationality", "country")
"""Dimensions that say where somebody's name is from; the first that a plan has."""
OF_GENDER = ("gender", "sex")
Names = Sequence[str] | Mapping[str, str]
"""A name a person; or for countries that there are no names of, those whose people have names like theirs."""


def people_names(plan: SamplingPlan, table: pd.DataFrame, *, seed: int, names: Names = ()) -> list[str]:
    """Return the names of people, no two alike.

    Args:
        plan: that they are drawn by.
        table: of them, as `plan.draw` returns it.
        seed: the same one draws the same names.
        names: those to be given, in order, or countries to take names from: `{"Philippines": "Spain"}`.

    Raises:
        InvalidSettings: there are no names for a country, or those that are given are too few or not unique.
    """
    if not isinstance(names, Mapping) and len(names):
        return _given(names, len(table))
    pairs = names.items() if isinstance(names, Mapping) else ()
    instead = {country_of(said) or said: require_country(like, f"names: {said}") for said, like in pairs}
    wanted = [_wanted(plan, row, instead) for row in table.to_dict("records")]
    return draw_names(wanted, seed=derive_seed(seed, "names"))


def _wanted(plan: SamplingPlan, row: Mapping[Any, Any], instead: Mapping[str, str]) -> NameFor:
    column = next((name for name in OF_COUNTRY if name in row), None)
    said = str(row[column]) if column else home_of(plan.country, plan.about)[0]
    country = country_of(said) or said
    country = instead.get(country, country)
    if country_of(country) is None:
        raise InvalidSettings(
            f"{column}: {said!r} is no country that names are known for: give names={{{said!r}: 'Spain'}}, the country "
            "whose people have names like theirs, or a list of names"
        )
    gender = next((str(value) for name, value in row.items() if str(name).casefold() in OF_GENDER), None)
    age = row.get("age")
    born = START.year - int(age) if isinstance(age, int | float) else None
    return NameFor(country, gender, born)


def _given(names: Sequence[str], n: int) -> list[str]:
    if isinstance(names, str) or not all(isinstance(name, str) and name.strip() for name in names):
        raise InvalidSettings(f"names={names!r}: give a list of names, or a mapping of countries")
    chosen = [" ".join(name.split()) for name in names][:n]
    if len(chosen) < n:
        raise InvalidSettings(f"names: {len(chosen)} for {n} people: one a person is needed")
    taken: dict[str, str] = {}
    for name in chosen:
        if other := taken.get(same_name(name)):
            raise InvalidSettings(f"names: {name!r} and {other!r} are the same: each person needs a name of their own")
        taken[same_name(name)] = name
    return chosen
