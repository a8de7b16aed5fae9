"""`Population`: people as a sequence and as a table, with their weights and with answers that no prompt may carry."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, overload

from workbench.agents.person import Person
from workbench.agents.persona_answers import Detail, check_detail
from workbench.errors import InvalidSettings
from workbench.llm.client import default_llm
from workbench.populations.drawing import generator, whole_number
from workbench.populations.picking import Places, mask_of, places_meant
from workbench.populations.population_views import counted
from workbench.populations.strata import drawn, parted, strata_of
from workbench.populations.tables import about_people, check_held_out, checked_weights, frame_of, joined

if TYPE_CHECKING:
    import pandas as pd

    from workbench.llm.client import LLM
    from workbench.llm.meter import Budget, Meter
    from workbench.populations.naming import Names
    from workbench.populations.picking import Condition
    from workbench.populations.plan import SamplingPlan
    from workbench.populations.profile import Profile
    from workbench.populations.respondents import Describe
    from workbench.record.placing import IfExists


class Population(Sequence[Person]):
    """People, in an order.

    Args:
        people: of whom each has a name of their own.
        weights: how many of all people each stands for, in proportion: positive numbers; all 1 when not given.
        plan: that they were sampled by.
        held_out: a row a person: answers to compare theirs with. No prompt may carry them, so no persona has them.
        data: a row a person: what else is known of them, such as the coded columns that a respondent came from.
        about: who they are, in words.
        meter: what it took to make them.

    Raises:
        InvalidPersona: two of one name.
        InvalidSettings: weights or tables that do not fit the people, or a held-out column that is in their personas.

    >>> people = Population([Person({"name": "Lisa", "age": 28}), Person({"name": "Oscar", "age": 41})])
    >>> people["Oscar"].persona.age, people.filter("age < 30").names
    (41, ('Lisa',))
    """

    def __init__(
        self,
        people: Iterable[Person],
        *,
        weights: Iterable[float] | None = None,
        plan: SamplingPlan | None = None,
        held_out: pd.DataFrame | None = None,
        data: pd.DataFrame | None = None,
        about: str = "",
        meter: Meter | None = None,
    ) -> None:
        if isinstance(people, Person):
            raise InvalidSettings(f"{people.name} is one person: give a list of people")
        self._people = tuple(people)
        self._places = Places(self._people)
        self.plan, self.about, self.meter = plan, about, meter
        self._weights = checked_weights(weights, self.names)
        self.data = None if data is None else about_people(data, self.names, "data")
        self.held_out = None if held_out is None else about_people(held_out, self.names, "held_out")
        if self.held_out is not None:
            check_held_out(self.held_out, self.data, self._people)

    @classmethod
    async def generate(
        cls,
        about: str = "",
        quotas: Mapping[Any, Any] | None = None,
        *,
        n: int | None = None,
        seed: int = 0,
        plan: SamplingPlan | None = None,
        detail: Detail = "standard",
        country: str | None = None,
        names: Names = (),
        llm: LLM | None = None,
        budget: Budget | None = None,
        progress: bool = True,
    ) -> Self:
        """Draw people to quotas, and let the model write the rest of each around what is drawn: one request a person.

        Everything that the model says is held against what was drawn, and asked for again where it differs. Where it is
        cut off, the same call goes on, and pays for nothing twice: what was written is in the call cache.

        Args:
            about: who they are, in words: "customers of a Spanish supermarket".
            quotas: as a `SamplingPlan` takes them; where neither they nor a plan are given the model proposes a plan,
                in one request more.
            n: how many people; the plan's number when not given. With another number others are drawn.
            seed: the same one draws the same people.
            plan: in place of the quotas.
            detail: how much is written of each: `brief` (about 200 tokens), `standard` or `rich` (all the fields).
            country: where they are from, for their names; found in `about` when not given.
            names: those to be given, in order; or for countries that there are no names of, others:
                `{"Philippines": "Spain"}`. Drawn by country, gender and age when not given.
            llm: that writes, and that they think with; the default one when not given.
            budget: what may be spent on them.
            progress: whether a bar is shown.

        Returns:
            the people, in the order drawn, with the plan, their design weights, what was spent (`meter`), and in `data`
            how many `attempts` each took.

        Raises:
            InvalidSettings: quotas that cannot be met, or people that there are no names for: before anything is spent.
            FactsNotKept: the model would not write somebody as drawn; the people and the attributes are named.
            ModelError: the model could not be asked, or gave no readable answer.
            BudgetSpent: the next request could break the budget.
        """
        from workbench.populations.generating import Drawn, attempts_of, plan_meant, written_people

        check_detail(detail)
        model = (llm or default_llm()).metered(budget)
        plan = await plan_meant(plan, about, quotas, n=n, country=country, llm=model, seed=seed)
        drawn = await asyncio.to_thread(Drawn.of, plan, seed, names)  # some seconds, where there are many combinations
        written = await written_people(drawn, model, detail, progress=progress)
        return cls(
            [Person(one.persona, llm=llm) for one in written],
            weights=drawn.table["weight"],
            plan=plan,
            data=attempts_of(written),
            about=plan.about,
            meter=model.meter,
        )

    @classmethod
    def from_frame(
        cls,
        df: pd.DataFrame,
        describe: Describe,
        *,
        hold_out: Sequence[str] = (),
        weights: str | Iterable[float] | None = None,
        name: str = "Respondent {{ number }}",
        about: str = "",
        llm: LLM | None = None,
    ) -> Self:
        """Make people of the respondents of a survey, one a row; no model is needed.

        Args:
            df: the survey.
            describe: for each column that the persona tells, how: a key of the persona takes the value as it is (dots
                lead inside, as in `occupation.title`); a mapping `{code: label}` puts labels under the column's name, a
                tuple `(key, labels)` under another key; a Jinja2 template makes a sentence of `other_facts`, of
                `value`, `number`, and the other columns of the row. What is missing in a row is left out.
            hold_out: columns with the answers that are to be predicted: they stay beside the people, in `held_out`.
            weights: a column, or a number a row.
            name: a column, or a template as for `describe`; each name once.
            about: who they are, in words.
            llm: that they think with outside of a world; the default one when not given.

        Raises:
            InvalidSettings: columns that are not there or are held out, codes that have no label, weights that are
                missing or not positive; all are named.
            InvalidPersona: values that a persona cannot have, or a name that is there twice.
            PromptError: a template that cannot be rendered.
        """
        from workbench.populations.respondents import respondents_of

        found = respondents_of(df, describe, hold_out=hold_out, weights=weights, name=name)
        people = [Person(persona, llm=llm) for persona in found.personas]
        return cls(people, weights=found.weights, held_out=found.held_out, data=found.data, about=about)

    # -- a sequence ----------------------------------------------------------------------------------------

    def __len__(self) -> int:
        return len(self._people)

    def __contains__(self, one: object) -> bool:
        return one in self._places if isinstance(one, str) else one in self._people

    @overload
    def __getitem__(self, wanted: int | str) -> Person: ...

    @overload
    def __getitem__(self, wanted: slice | Iterable[Any]) -> Population: ...

    def __getitem__(self, wanted: Any) -> Person | Population:
        """Return the person of a place or a name, or the population of a slice, a mask, or a list of places or names.

        Raises:
            UnknownName: nobody has the name.
            IndexError: there is no such place.
        """
        if isinstance(wanted, str):
            return self._people[self._places.of(wanted)]
        if isinstance(wanted, slice):
            return self._of(range(len(self))[wanted])
        if isinstance(wanted, Iterable):
            return self._of(places_meant(wanted, self.names, self._places.of))
        person: Person = self._people[wanted]
        return person

    def _of(self, places: Iterable[int]) -> Population:
        """Return some of the people, with all that is known of them."""
        chosen = list(places)
        return Population(
            [self._people[place] for place in chosen],
            weights=[self._weights[place] for place in chosen],
            plan=self.plan,
            held_out=None if self.held_out is None else self.held_out.iloc[chosen],
            data=None if self.data is None else self.data.iloc[chosen],
            about=self.about,
            meter=self.meter,
        )

    def __add__(self, more: Population) -> Population:
        """Return these people and more, with their weights and with what is known of them.

        Raises:
            InvalidPersona: two of one name.
        """
        if not isinstance(more, Population):
            return NotImplemented
        names = [*self.names, *more.names]
        return Population(
            [*self, *more],
            weights=[*self._weights, *more._weights],
            plan=self.plan if self.plan == more.plan else None,
            held_out=joined(self.held_out, more.held_out, names),
            data=joined(self.data, more.data, names),
            about=self.about if self.about == more.about else "; ".join(filter(None, (self.about, more.about))),
        )

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all, in their order."""
        return tuple(person.name for person in self._people)

    # -- weights and table ---------------------------------------------------------------------------------

    @property
    def weights(self) -> pd.Series[float]:
        """How many of all people each stands for, in proportion, by name."""
        import pandas as pd

        return pd.Series(self._weights, pd.Index(self.names, name="name", dtype=object), dtype=float, name="weight")

    @property
    def effective_n(self) -> float:
        """How many people of equal weights would tell as much: `(sum w)² / sum w²` (Kish 1965)."""
        largest = max(self._weights, default=1.0)
        shares = [weight / largest for weight in self._weights]
        return math.fsum(shares) ** 2 / math.fsum(share**2 for share in shares) if shares else 0.0

    def to_frame(self, *, held_out: bool = False) -> pd.DataFrame:
        """Return the people as a table, a row each.

        Args:
            held_out: whether it has the columns that are held out, too.

        Returns:
            a DataFrame, index `name`: a column each key of their personas (`occupation.title`; lists as lists), then
            the columns of `data` that are no such key, then `weight`.
        """
        import pandas as pd

        table = frame_of(self._people)
        parts = [table]
        if self.data is not None:
            parts.append(self.data[[name for name in self.data.columns if name not in table.columns]])
        parts.append(self.weights.to_frame())
        return pd.concat(parts + ([self.held_out] if held_out and self.held_out is not None else []), axis="columns")

    # -- some of them --------------------------------------------------------------------------------------

    def filter(self, condition: Condition) -> Population:
        """Return those who meet a condition, in their order.

        Args:
            condition: a function of a person; a query over `to_frame()`, such as `"age < 30 and gender == 'female'"`;
                or a boolean Series.

        Raises:
            InvalidSettings: a query that cannot be answered; the columns there are, are named.
        """
        mask = mask_of(condition, self._people, lambda: self.to_frame(held_out=True))
        return self._of(places_meant(mask, self.names, self._places.of))

    def groups(self, by: str | Sequence[str]) -> dict[Any, Population]:
        """Return the people of each level of a column, or of each combination of levels of several.

        Args:
            by: a column or several, held-out ones too. Where the plan has it, its levels are meant: ages in ranges.

        Returns:
            by level, or by a tuple of levels where `by` is a list; None is the level of those who have none.
        """
        strata = strata_of(self.to_frame(held_out=True), by, self.plan)
        return {level: self._of(places) for level, places in strata.items()}

    def sample(self, n: int, *, seed: int = 0, by: str | Sequence[str] | None = None) -> Population:
        """Draw people without replacement, whatever their weights; they keep their order.

        Args:
            n: how many.
            seed: the same one draws the same people.
            by: columns as for `groups`: of each group as many are drawn as are in proportion to it, by largest
                remainder.

        Raises:
            InvalidSettings: more than there are.
        """
        n = whole_number(n, "n")
        if n > len(self):
            raise InvalidSettings(f"n={n}: there are {len(self):,} people")
        return self._of(drawn(self._strata(by), n, generator(seed)))

    def split(
        self, parts: Mapping[str, float], *, by: str | Sequence[str] | None = None, seed: int = 0
    ) -> dict[str, Population]:
        """Divide the people at random into parts; everybody is in one of them, and they keep their order.

        Args:
            parts: the share of each: `{"train": 0.8, "test": 0.2}`.
            by: columns as for `groups`: each group is divided in these shares, to within one person.
            seed: the same one divides them in the same way.

        Raises:
            InvalidSettings: shares that do not add up to 1.
        """
        divided = parted(self._strata(by), parts, generator(seed))
        return {part: self._of(places) for part, places in divided.items()}

    def _strata(self, by: str | Sequence[str] | None) -> dict[Any, list[int]]:
        if by is None:
            return {(): list(range(len(self)))}
        return strata_of(self.to_frame(held_out=True), by, self.plan)

    # -- what they are like --------------------------------------------------------------------------------

    def profile(self, by: str | Sequence[str] | None = None) -> Profile:
        """Return how the people are distributed, how diverse and how alike they are; no model is asked.

        Args:
            by: the attributes; when not given those of the plan, or else all that have a few levels.
        """
        from workbench.populations.profile import profile_of

        return profile_of(self, [by] if isinstance(by, str) else by)

    def gap(self) -> pd.DataFrame:
        """Return how far the people are from what the plan wants, a row a marginal.

        Returns:
            a DataFrame: attribute, levels, largest_difference (in people), total_variation (0-1: of the people against
            the shares to be sampled), weighted_total_variation (of their weights against the shares of all people).

        Raises:
            InvalidSettings: there is no plan.
        """
        from workbench.populations.gap import gap_of

        return gap_of(self)

    # -- files ---------------------------------------------------------------------------------------------

    def save(self, path: str | Path, *, if_exists: IfExists = "fail") -> Path:
        """Write the people to one file, `*.jsonl`, or to a folder with a file a person.

        Args:
            path: where; what is there is replaced only when all is written.
            if_exists: what becomes of people who are there already: `fail` or `replace`.

        Raises:
            RunExists: people are there already, and `if_exists` is `fail`.
            StorageError: it cannot be written, or something else is there; what was there stays.
        """
        from workbench.populations.population_files import save

        return save(self, Path(path).expanduser(), if_exists)

    @classmethod
    def load(cls, path: str | Path, **given: Any) -> Self:
        """Read people that `save` wrote, or any folder of `*.agent.json`: then everybody's weight is 1.

        Args:
            path: the file or folder.
            **given: what `Person.load` takes, for all of them.

        Raises:
            UnknownName: there is nothing of this name.
            DamagedFile, InvalidPersona: it cannot be read; the line or the file is named.
        """
        from workbench.populations.population_files import load

        people, parts = load(Path(path).expanduser(), given)
        return cls(people, **parts)

    # -- views ---------------------------------------------------------------------------------------------

    def summary(self) -> str:
        """Return in a few lines who they are: how many, and the shares of their attributes."""
        from workbench.populations.population_views import summary_of

        return summary_of(self)

    def __repr__(self) -> str:
        return f"Population({counted(self)}{f', {self.about!r}' if self.about else ''})"

    def _repr_html_(self) -> str:
        from workbench.populations.population_views import html_of

        return html_of(self)
