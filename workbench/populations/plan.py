"""`SamplingPlan`: which people are to be sampled. It is looked at and edited before anything is spent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from workbench.agents.persona_files import read_file, write_file
from workbench.errors import InvalidSettings
from workbench.populations.combinations import check_combination, say
from workbench.populations.dimensions import Dimension
from workbench.populations.drawing import draw, fit_all
from workbench.populations.quotas import dimensions_of

if TYPE_CHECKING:
    import pandas as pd

FILE_TYPE = "SamplingPlan"


@dataclass(frozen=True)
class SamplingPlan:
    """Dimensions with their shares, combinations that nobody has, and how many people.

    Args:
        n: how many people.
        dimensions: `Dimension`s, or quotas: `{"gender": {"female": 0.5, "male": 0.5}, "age": {"18-34": 0.3, ...}}`, as
            shares or as counts that add up to n; a key of several names, `("gender", "age")`, takes the shares of their
            combinations, nested: `{"female": {"18-34": 0.2, ...}, ...}`.
        impossible: combinations that nobody has, as `[{"age": "< 18", "marital_status": "married"}]`.
        about: who they are, in words.
        country: where they are from, for their names, as a name or a code; found in `about` when not given.

    Raises:
        InvalidSettings: a plan that contradicts itself.

    >>> ages = {"18-34": 0.3, "35-54": 0.4, "55+": 0.3}
    >>> plan = SamplingPlan(10, {"gender": {"female": 0.5, "male": 0.5}, "age": ages})
    >>> people = plan.draw(seed=1)
    >>> people["gender"].value_counts().to_dict(), int(people["age"].between(35, 54).sum())
    ({'female': 5, 'male': 5}, 4)
    """

    n: int
    dimensions: Sequence[Dimension]
    impossible: Sequence[Mapping[str, Any]] = field(default=(), kw_only=True)
    about: str = field(default="", kw_only=True)
    country: str | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        if isinstance(self.n, bool) or not isinstance(self.n, int) or self.n < 1:
            raise InvalidSettings(f"n={self.n!r}: a whole number of people is needed, 1 or more")
        given = self.dimensions
        dimensions = dimensions_of(given, self.n) if isinstance(given, Mapping) else tuple(given)
        object.__setattr__(self, "dimensions", dimensions)
        _check_dimensions(dimensions)
        known = {dimension.name: dimension for dimension in dimensions}
        object.__setattr__(self, "impossible", tuple(check_combination(one, known) for one in self.impossible))

    @property
    def names(self) -> tuple[str, ...]:
        """The names of its dimensions."""
        return tuple(dimension.name for dimension in self.dimensions)

    def __getitem__(self, name: str) -> Dimension:
        if name not in self.names:
            raise InvalidSettings(f"the plan has no dimension {name!r}; there are {', '.join(self.names)}")
        return next(dimension for dimension in self.dimensions if dimension.name == name)

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
        return replace(self, dimensions=kept if name in self.names else [*kept, new])

    def without(self, *names: str) -> Self:
        """Return a plan that lacks some dimensions, and the impossible combinations that speak of them."""
        for name in names:
            self[name]
        kept = [dimension for dimension in self.dimensions if dimension.name not in names]
        return replace(self, dimensions=kept, impossible=[one for one in self.impossible if not set(names) & set(one)])

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

    def targets(self) -> pd.DataFrame:
        """Return the share that each level is to have among those who are sampled: `attribute, level, share`.

        Raises:
            InvalidSettings: the quotas cannot be met together.
        """
        import pandas as pd

        shares = {}
        for fitted in fit_all(self.dimensions, self.impossible):
            for name, level_of in fitted.cells.level_of.items():
                shares[name] = pd.Series(fitted.sampled).groupby(level_of).sum()
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
        return cls.from_dict(read_file(path))

    # -- views ---------------------------------------------------------------------------------------------

    def to_frame(self) -> pd.DataFrame:
        """Return the plan as a table: `attribute, level, share, n`."""
        table = self.targets()
        return table.assign(n=table["share"] * self.n)

    def __str__(self) -> str:
        lines = [f"{self.n} people: {self.about}" if self.about else f"{self.n} people"]
        for name, rows in self.targets().groupby("attribute", sort=False):
            shares = [f"{level} {share:.1%}" for level, share in zip(rows["level"], rows["share"], strict=True)]
            lines.append(f"  {name}: {', '.join(shares)}")
        return "\n".join([*lines, *(f"  nobody is {say(one)}" for one in self.impossible)])


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
