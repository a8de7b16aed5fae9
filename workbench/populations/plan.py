"""`SamplingPlan`: which people are to be sampled. It is looked at and edited before anything is spent."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, cast

from workbench.agents.countries import require_country
from workbench.agents.persona_files import read_file, write_file
from workbench.errors import InvalidPersona, InvalidSettings
from workbench.populations.combinations import check_combination
from workbench.populations.dimensions import Dimension
from workbench.populations.drawing import draw, fit_all, whole_number
from workbench.populations.quotas import dimensions_of

if TYPE_CHECKING:
    import pandas as pd

    from workbench.agents.persona_answers import Detail
    from workbench.llm.client import LLM
    from workbench.plots import Figure
    from workbench.worlds.estimate import Estimate

FILE_TYPE = "SamplingPlan"


@dataclass(frozen=True)
class SamplingPlan:
    """Dimensions with their shares, combinations that nobody has, and how many people.

    Args:
        n: how many people.
        quotas: `Dimension`s, or `{"gender": {"female": 0.5, "male": 0.5}, "age": {"18-34": 0.3, ...}}`, as shares or as
            counts that add up to n; a key of several names, `("gender", "age")`, takes the shares of their
            combinations, nested: `{"female": {"18-34": 0.2, ...}, ...}`.
        impossible: combinations that nobody has, as `[{"age": "< 18", "marital_status": "married"}]`.
        about: who they are, in words.
        country: where they are from, for their names, as a name or a code; found in `about` when not given.
        left_out: what of a description became no dimension, and why, to be looked at.

    Raises:
        InvalidSettings: a plan that contradicts itself.

    >>> ages = {"18-34": 0.3, "35-54": 0.4, "55+": 0.3}
    >>> plan = SamplingPlan(10, {"gender": {"female": 0.5, "male": 0.5}, "age": ages})
    >>> people = plan.draw(seed=1)
    >>> people["gender"].value_counts().to_dict(), int(people["age"].between(35, 54).sum())
    ({'female': 5, 'male': 5}, 4)
    """

    n: int
    quotas: Sequence[Dimension] | Mapping[Any, Any]
    impossible: Sequence[Mapping[str, Any]] = field(default=(), kw_only=True)
    about: str = field(default="", kw_only=True)
    country: str | None = field(default=None, kw_only=True)
    left_out: Sequence[str] = field(default=(), kw_only=True, compare=False)

    def __post_init__(self) -> None:
        _check_texts(self.about, self.country, self.impossible)
        object.__setattr__(self, "n", whole_number(self.n, "n", least=1))
        given = self.quotas
        dimensions = dimensions_of(given, self.n) if isinstance(given, Mapping) else tuple(given)
        object.__setattr__(self, "quotas", dimensions)
        _check_dimensions(dimensions)
        known = {dimension.name: dimension for dimension in dimensions}
        object.__setattr__(self, "impossible", tuple(check_combination(one, known) for one in self.impossible))

    @property
    def dimensions(self) -> tuple[Dimension, ...]:
        """What the quotas are of, in order."""
        return cast("tuple[Dimension, ...]", self.quotas)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of its dimensions."""
        return tuple(dimension.name for dimension in self.dimensions)

    def __getitem__(self, name: str) -> Dimension:
        if name not in self.names:
            raise InvalidSettings(f"the plan has no dimension {name!r}; there are {', '.join(self.names)}")
        return next(dimension for dimension in self.dimensions if dimension.name == name)

    @classmethod
    async def propose(
        cls, about: str, n: int, *, country: str | None = None, llm: LLM | None = None, seed: int = 0
    ) -> SamplingPlan:
        """Let the model propose dimensions, levels, shares, and what depends on what, in one request.

        They are what the model believes of such people, and no statistics: look at them, and put in what you know.

        Args:
            about: who they are, in words: "customers of a Spanish supermarket".
            n: how many people.
            country: where they are from; the model says it when not given.
            llm: the model; the default one when not given. The embedded one proposes gender and age only.
            seed: another one is another proposal.

        Raises:
            InvalidSettings: n, or a country that there is not.
            UnreadableAnswer: what it proposed cannot be drawn from, also after two repair rounds.
            ModelError: the model could not be asked.
        """
        from workbench.llm.client import default_llm
        from workbench.populations.proposing import propose

        return await propose(about, n, llm=llm or default_llm(), seed=seed, country=country)

    @classmethod
    def from_demographics(
        cls,
        source: str | Path | Mapping[str, Any],
        n: int | None = None,
        *,
        about: str | None = None,
        only: Sequence[str] | None = None,
    ) -> SamplingPlan:
        """Read a plan out of a demographic description: marginals, and tables nested in each other.

        Every mapping with shares that add up to 1, or 100 %, becomes a dimension, called by its heading ("Age
        Distribution" is `age`); a table of such tables, a row for each level of a dimension before it, becomes one that
        depends on that. What does not add up is in `left_out`, with the reason.

        Args:
            source: a JSON or YAML file, or what one holds; plans that were saved are read as well.
            n: how many people; may stand in the file.
            about: who they are, in words; the title of the description when not given.
            only: the dimensions to keep; all when not given.

        Raises:
            UnknownName: there is no such file.
            InvalidSettings: nothing in it is a dimension, or n is missing.
        """
        from workbench.populations.demographics import plan_of_demographics

        if not isinstance(source, str | Path | Mapping):
            raise InvalidSettings(f"demographics are a file or a mapping, this is a {type(source).__name__}")
        data = source if isinstance(source, Mapping) else _read(source)
        return plan_of_demographics(data, n, about, only)

    @classmethod
    def from_frame(
        cls,
        df: pd.DataFrame,
        columns: Sequence[str] | Mapping[str, str],
        n: int,
        *,
        weights: str | None = None,
        joint: bool = False,
        bins: Mapping[str, Sequence[float]] | None = None,
        about: str = "",
        country: str | None = None,
    ) -> SamplingPlan:
        """Take the shares of a survey or a census: people are drawn as the rows of a table are distributed.

        Args:
            df: a row a person; values that are missing do not count.
            columns: to draw by; as a mapping, with the keys that personas have for them: `{"sex": "gender"}`.
            n: how many people.
            weights: a column: how many people each row stands for.
            joint: whether all combinations are as frequent as in the table, or only each column on its own.
            bins: for columns of numbers, rising ends of ranges: `{"age": [18, 35, 55, 91]}` is 18-34, 35-54, 55-90;
                round ranges are found when not given.
            about: who they are, in words.
            country: where they are from.

        Raises:
            InvalidSettings: columns that are not there, or ends between which not all numbers lie.
        """
        from workbench.populations.margins import plan_of_frame

        return plan_of_frame(df, columns, n, weights=weights, joint=joint, bins=bins, about=about, country=country)

    # -- editing -------------------------------------------------------------------------------------------

    def define(self, name: str, shares: Any, **more: Any) -> Self:
        """Return a plan with one dimension more, or with another in place of the one of this name.

        Args:
            name: of the dimension.
            shares: as for a `Dimension`.
            **more: the other arguments of a `Dimension`.
        """
        new = Dimension(name, shares, **more)
        kept = [new if dimension.name == name else dimension for dimension in self.dimensions]
        return replace(self, quotas=kept if name in self.names else [*kept, new])

    def without(self, *names: str) -> Self:
        """Return a plan that lacks some dimensions, and the impossible combinations that speak of them."""
        for name in names:
            self[name]
        kept = [dimension for dimension in self.dimensions if dimension.name not in names]
        if left := [one.name for one in kept if set(one.given) & set(names)]:
            raise InvalidSettings(f"{', '.join(left)} depends on {', '.join(names)}: take it out as well, or first")
        return replace(self, quotas=kept, impossible=[one for one in self.impossible if not set(names) & set(one)])

    def rule_out(self, **combination: Any) -> Self:
        """Return a plan with one more combination that nobody has: `plan.rule_out(age="< 18", status="married")`."""
        return replace(self, impossible=[*self.impossible, combination])

    # -- sampling ------------------------------------------------------------------------------------------

    def draw(self, seed: int = 0) -> pd.DataFrame:
        """Draw the attributes of n people; no model is asked.

        Quotas are met by largest remainder, several at once by iterative proportional fitting and a controlled
        rounding; numbers are spread evenly over their ranges.

        Args:
            seed: the same one draws the same people.

        Returns:
            a DataFrame, a row a person, a column a dimension, and `weight`, the design weight: 1 on average.

        Raises:
            InvalidSettings: the quotas cannot be met together; those that fail are named.
        """
        return draw(self.dimensions, self.impossible, self.n, seed)

    def targets(self, *, sampled: bool = True) -> pd.DataFrame:
        """Return the share that each level is to have: `attribute, level, share`.

        Args:
            sampled: among those who are sampled; else among all people, for whom they stand.

        Raises:
            InvalidSettings: the quotas cannot be met together.
        """
        import pandas as pd

        shares = {}
        for fitted in fit_all(self.dimensions, self.impossible):
            for name, level_of in fitted.cells.level_of.items():
                wanted = fitted.sampled if sampled else fitted.shares
                shares[name] = pd.Series(wanted).groupby(level_of).sum()
        rows = [
            (d.name, level, shares[d.name].get(k, 0.0)) for d in self.dimensions for k, level in enumerate(d.levels)
        ]
        return pd.DataFrame(rows, columns=["attribute", "level", "share"])

    def level_of(self, attribute: str, value: Any) -> str | None:
        """Return the level that somebody's value of an attribute belongs to; None where it belongs to none."""
        return self[attribute].level_of(value)

    # -- files ---------------------------------------------------------------------------------------------

    def to_dict(self) -> dict[str, Any]:
        """Return the plan as JSON has it."""
        optional = {"about": self.about, "country": self.country, "impossible": [dict(one) for one in self.impossible]}
        dimensions = [dimension.to_dict() for dimension in self.dimensions]
        return {"type": FILE_TYPE, "n": self.n, **{k: v for k, v in optional.items() if v}, "dimensions": dimensions}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Make a plan of what `to_dict` returned.

        Raises:
            InvalidSettings: it is something else.
        """
        known = {"type", "n", "about", "country", "impossible", "dimensions"}
        if data.get("type") != FILE_TYPE or set(data) - known or not {"n", "dimensions"} <= set(data):
            raise InvalidSettings(f"this is no sampling plan: it has {', '.join(map(str, data)) or 'nothing'}")
        try:
            dimensions = [Dimension(**one) for one in data["dimensions"]]
        except TypeError as error:
            raise InvalidSettings(f"a sampling plan has a dimension that is none: {error}") from error
        more = {key: data[key] for key in ("about", "country", "impossible") if key in data}
        return cls(data["n"], dimensions, **more)

    def save(self, path: str | Path) -> Path:
        """Write the plan as JSON or YAML, by the file's name."""
        write_file(path, self.to_dict())
        return Path(path)

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read a plan that `save` wrote, or that was written by hand in its form.

        Raises:
            UnknownName: there is no such file.
            InvalidSettings: it is no plan; `from_demographics` reads descriptions of other forms.
        """
        return cls.from_dict(_read(path))

    # -- views ---------------------------------------------------------------------------------------------

    def to_frame(self) -> pd.DataFrame:
        """Return the plan as a table: `attribute, level, share, n`."""
        table = self.targets()
        return table.assign(n=table["share"] * self.n)

    def __str__(self) -> str:
        from workbench.populations.plan_views import text_of

        return text_of(self)

    @property
    def notes(self) -> list[str]:
        """What the table does not say, in words."""
        from workbench.populations.plan_views import notes_of

        return notes_of(self)

    def plot(self) -> Figure:
        """Draw a small chart an attribute: the share that each level is to have."""
        from workbench import plots

        return plots.profile(self.to_frame().rename(columns={"share": "realised"}).assign(target=math.nan))

    def _repr_html_(self) -> str:
        from workbench.populations.plan_views import html_of

        return html_of(self)

    def estimate(self, detail: Detail = "standard", *, llm: LLM | None = None) -> Estimate:
        """Return what it will take to write these people, before anything is spent.

        Args:
            detail: as for `Population.generate`.
            llm: the model; the default one when not given.

        Raises:
            InvalidSettings: the quotas cannot be met together.
        """
        from workbench.populations.estimating import estimate

        return estimate(self, detail, llm)


def _check_texts(about: Any, country: Any, impossible: Any) -> None:
    if not isinstance(about, str) or not isinstance(country, str | None):
        raise InvalidSettings(f"about={about!r}, country={country!r}: give texts; in YAML, NO needs quotation marks")
    if isinstance(impossible, str | Mapping) or not isinstance(impossible, Sequence):
        raise InvalidSettings(f"impossible={impossible!r}: give a list of combinations")
    if country is not None:
        require_country(country)


def _read(path: str | Path) -> dict[str, Any]:
    try:
        return read_file(path)
    except InvalidPersona as error:
        raise InvalidSettings(str(error)) from error


def _check_dimensions(dimensions: Sequence[Any]) -> None:
    if not dimensions or not all(isinstance(one, Dimension) for one in dimensions):
        raise InvalidSettings(
            "a plan needs dimensions: wb.Dimension('gender', {'female': 0.5, 'male': 0.5}), or a mapping"
        )
    before: dict[str, Dimension] = {}
    for dimension in dimensions:
        for other in before:
            if (
                dimension.name == other
                or dimension.name.startswith(f"{other}.")
                or other.startswith(f"{dimension.name}.")
            ):
                raise InvalidSettings(
                    f"the dimensions {other!r} and {dimension.name!r} are of one key: keep one of them"
                )
        if missing := [name for name in dimension.given if name not in before]:
            raise InvalidSettings(f"{dimension.name} is given {', '.join(missing)}: put that before it in the plan")
        _check_given(dimension, [before[name] for name in dimension.given])
        before[dimension.name] = dimension


def _check_given(dimension: Dimension, given: Sequence[Dimension]) -> None:
    for what, shares in (("shares", dimension.shares), ("sampled", dimension.sampled)):
        if given and shares is not None:
            _check_keys(shares, given, f"{dimension.name}: {what}")


def _check_keys(shares: Mapping[str, Any], given: Sequence[Dimension], where: str) -> None:
    if wrong := set(shares) ^ set(given[0].levels):
        raise InvalidSettings(
            f"{where}: there has to be a mapping for each of {given[0].name}'s levels {', '.join(given[0].levels)}; "
            f"{', '.join(sorted(wrong))} is too many or missing"
        )
    if len(given) > 1:
        for level, inner in shares.items():
            _check_keys(inner, given[1:], f"{where}, {level}")
