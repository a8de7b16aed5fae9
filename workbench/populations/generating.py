"""Writing the people of a plan: one request each, many at once, and each unlike those who are there already."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from workbench.agents.persona import Persona
from workbench.agents.persona_answers import Detail
from workbench.agents.persona_writing import Commission, Written, write_persona
from workbench.errors import FactsNotKept, InvalidSettings
from workbench.llm.client import LLM
from workbench.llm.running import together
from workbench.llm.seeds import derive_seed
from workbench.populations.naming import Names, people_names
from workbench.populations.nearness import Nearness
from workbench.populations.plan import SamplingPlan

if TYPE_CHECKING:
    import pandas as pd

FIRST_WAVE = 8
"""People who are written at once, and know of nobody; each further wave is twice as large and knows of all before."""
AT_ONCE = 256
"""Requests that are prepared at once."""
SHOWN = 4
"""Of those who are there already, how many each is shown."""
LONGEST_LINE = 200
"""Characters that are told of each of them."""


@dataclass(frozen=True)
class Drawn:
    """People of whom all is fixed that a plan fixes, and nothing else is known yet."""

    plan: SamplingPlan
    table: pd.DataFrame
    """As `plan.draw` returns it."""
    names: Sequence[str]
    seed: int

    @classmethod
    def of(cls, plan: SamplingPlan, seed: int, names: Names = ()) -> Drawn:
        """Draw the people of a plan.

        Args:
            plan: of them.
            seed: the same one draws the same people.
            names: as `people_names` takes them.

        Raises:
            InvalidSettings: the quotas cannot be met, or there are no names.
        """
        table = plan.draw(seed)
        return cls(plan, table, people_names(plan, table, seed=seed, names=names), seed)

    def commission(self, place: int, detail: Detail, others: Sequence[str] = ()) -> Commission:
        """Return what is to be written of the person of a place."""
        facts = {str(name): _plain(self.table[name].iloc[place]) for name in self.table.columns if name != "weight"}
        return Commission(self.plan.about, {"name": self.names[place], **facts}, detail, others)


async def plan_meant(
    plan: SamplingPlan | None,
    about: str,
    quotas: Mapping[Any, Any] | None,
    *,
    n: int | None,
    country: str | None,
    llm: LLM,
    seed: int,
) -> SamplingPlan:
    """Return the plan that is given, one of the quotas, or one that the model proposes; as `Population.generate`."""
    if plan is not None:
        if quotas is not None:
            raise InvalidSettings("quotas and a plan are given: keep one of them; plan.define(...) changes a plan")
        changes: dict[str, Any] = {"n": n, "about": about or None, "country": country}
        return replace(plan, **{name: value for name, value in changes.items() if value is not None})
    if n is None:
        raise InvalidSettings("n= is missing: how many people there are to be")
    if quotas is not None:
        return SamplingPlan(n, quotas, about=about, country=country)
    return await SamplingPlan.propose(about, n, llm=llm, seed=seed, country=country)


async def written_people(drawn: Drawn, llm: LLM, detail: Detail, *, progress: bool = True) -> list[Written]:
    """Write all people of a plan.

    What is answered stays in the call cache: where it is cut off, the same call goes on and pays for nothing twice.

    Args:
        drawn: of them.
        llm: that writes.
        detail: how much is written of each.
        progress: whether a bar is shown.

    Raises:
        FactsNotKept: somebody could not be had in any attempt; all of them, and the attributes, are named.
        ModelError: the model could not be asked, or gave no readable answer.
    """
    from tqdm.auto import tqdm

    people: list[Written] = []
    nearness = Nearness(drawn.table.drop(columns="weight"))
    with tqdm(total=len(drawn.table), desc="people", unit="person", disable=not progress) as bar:

        async def write(place: int) -> Written | FactsNotKept:
            near = nearness.nearest(place, len(people), SHOWN)
            commission = drawn.commission(place, detail, [in_a_line(people[other].persona) for other in near])
            try:
                return await write_persona(llm, commission, seed=derive_seed(drawn.seed, "persona", place))
            except FactsNotKept as error:
                return error
            finally:
                bar.set_postfix_str(llm.meter.brief, refresh=False)
                bar.update(1)

        for wave in waves(len(drawn.table)):
            ended = await together(map(write, wave), at_once=AT_ONCE)
            if failed := [one for one in ended if isinstance(one, FactsNotKept)]:
                raise _all_of(failed)
            people += [one for one in ended if isinstance(one, Written)]
    return people


def attempts_of(written: Sequence[Written]) -> pd.DataFrame:
    """Return how many requests each person took, in the order given."""
    import pandas as pd

    return pd.DataFrame({"attempts": [one.attempts for one in written]})


def waves(n: int) -> Iterator[range]:
    """Divide n people into waves, each twice as large as the one before.

    >>> list(waves(30))
    [range(0, 8), range(8, 24), range(24, 30)]
    """
    start, size = 0, FIRST_WAVE
    while start < n:
        yield range(start, min(start + size, n))
        start, size = start + size, size * 2


def in_a_line(persona: Persona) -> str:
    """Return who somebody is in one line, from which others are to differ."""
    traits = persona.personality and persona.personality.traits
    likes = persona.preferences and (persona.preferences.interests or persona.preferences.likes)
    facts = (persona.other_facts or [])[:1]
    parts = [persona.minibio(), ", ".join((traits or [])[:2]), ", ".join((likes or [])[:2]), *facts]
    return " ".join("; ".join(part for part in parts if part).split())[:LONGEST_LINE]


def _plain(value: Any) -> Any:
    """Return a value of a table as a persona can have it."""
    return value.item() if hasattr(value, "item") else value


def _all_of(failed: Sequence[FactsNotKept]) -> FactsNotKept:
    """Return one error of several."""
    first, *others = failed
    if not others:
        return first
    attributes = tuple(dict.fromkeys(name for one in failed for name in one.attributes))
    told = ", ".join(f"{one.person} ({', '.join(one.attributes)})" for one in others)
    return FactsNotKept(
        f"{first} Likewise: {told}.", person=first.person, attributes=attributes, attempts=first.attempts
    )
