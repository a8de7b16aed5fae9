"""`Profile`: how people are distributed over attributes, how diverse they are, and how alike."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from workbench import html
from workbench.errors import InvalidSettings
from workbench.populations.column_values import plain_values
from workbench.populations.homogeneity import Homogeneity, homogeneity_of
from workbench.populations.levels import Levels, attributes_of, found_levels, in_parts_of
from workbench.populations.strata import check_known, levels_of
from workbench.populations.tables import frame_of

if TYPE_CHECKING:
    import pandas as pd

    from workbench.plots import Figure
    from workbench.populations.fitting import Numbers
    from workbench.populations.plan import SamplingPlan
    from workbench.populations.population import Population

IN_WORDS = 8
"""Levels of an attribute that a summary names."""
_SHARES = ("target", "realised", "weighted", "difference")


@dataclass(frozen=True, eq=False)
class Profile:
    """What people are like."""

    n: int
    effective_n: float
    table: pd.DataFrame
    """A row a level of each attribute: attribute, level, target (share that the plan wants among those who are sampled;
    NaN without one), realised (share of the people), weighted (share of their weights), n, difference (realised -
    target). Those who have no value are in no level: shares are of all people."""
    indices: pd.DataFrame
    """A row an attribute: attribute, n_levels, shannon (in nats, of those who have a level), evenness (of 1; Pielou),
    missing (people who have no level)."""
    homogeneity: Homogeneity

    def plot(self) -> Figure:
        """Draw a small chart an attribute: realised shares as bars, targets as outlines around them."""
        from workbench import plots

        return plots.profile(self.table)

    def __str__(self) -> str:
        lines = [f"{self.n:,} people, effective n {self.effective_n:,.1f}; {self.homogeneity}"]
        return "\n".join([*lines, "", _printed(self.table), "", _printed(self.indices)])

    def _repr_html_(self) -> str:
        from workbench import plots

        chart = html.image(plots.png(self.plot()), "Shares of the levels of each attribute; the table has the numbers.")
        tables = [html.table(list(one.columns), list(_cells(one))) for one in (self.indices, self.table)]
        subtitle = f"{self.n:,} people, effective n {self.effective_n:,.1f}; {self.homogeneity}"
        return html.box("Profile", subtitle, "".join([chart, *tables]))


def profile_of(people: Population, attributes: Sequence[str] | None) -> Profile:
    """Return the profile of people; as `Population.profile`.

    Raises:
        InvalidSettings: there is nobody, or no such attribute, or none with levels.
    """
    import pandas as pd

    if not len(people):
        raise InvalidSettings("nobody is in this population: there is nothing to show")
    tables = level_shares(people, attributes, in_parts=True)
    if not tables:
        known = ", ".join(map(str, people.to_frame(held_out=True).columns))
        raise InvalidSettings(f"no attribute has a few levels: name some with profile(by=...), out of {known}")
    return Profile(
        n=len(people),
        effective_n=people.effective_n,
        table=pd.concat(tables.values(), ignore_index=True),
        indices=_indices(tables, len(people)),
        homogeneity=homogeneity_of(people.names, [person.persona.markdown for person in people]),
    )


def level_shares(
    people: Population, attributes: Sequence[str] | None, *, in_parts: bool = False
) -> dict[str, pd.DataFrame]:
    """Return the shares of levels, a table an attribute, with the columns of `Profile.table`.

    Args:
        people: of whom.
        attributes: which; when not given those of the plan, or else all that have a few levels.
        in_parts: whether numbers that the plan spreads over one range are shown in parts of it.
    """
    plan = people.plan
    if attributes is None:
        attributes = plan.names if plan is not None else attributes_of(frame_of(people))
    table = people.to_frame(held_out=True)
    targets = {} if plan is None else {name: rows["share"].tolist() for name, rows in _by_attribute(plan.targets())}
    weights = people.weights.to_numpy()
    shares = {}
    for name in attributes:
        levels, target = _levels(table, name, plan), targets.get(name)
        spread = plan[name].ranges if in_parts and name in targets and plan is not None and name in table else None
        if spread is not None and len(spread) == 1:
            levels, target = in_parts_of(next(iter(spread.values())), plain_values(table[name]))
        shares[name] = _shares(name, levels, target, weights)
    return shares


def _by_attribute(targets: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    for name, rows in targets.groupby("attribute", sort=False):
        yield str(name), rows


def _levels(table: pd.DataFrame, name: str, plan: SamplingPlan | None) -> Levels:
    if plan is not None and name in plan.names:
        nobody = name not in table.columns  # has it: then it is a key of no persona
        return list(plan[name].levels), [None] * len(table) if nobody else levels_of(table, name, plan)
    check_known([name], table)
    return found_levels(levels_of(table, name, None))


def _shares(name: str, levels: Levels, target: list[float] | None, weights: Numbers) -> pd.DataFrame:
    import numpy as np
    import pandas as pd

    names, everybodys = levels
    place_of: dict[str | None, int] = {level: place for place, level in enumerate(names)}
    places = np.array([place_of.get(level, len(names)) for level in everybodys], dtype=np.intp)
    n = np.bincount(places, minlength=len(names) + 1)[:-1]
    weighted = np.bincount(places, weights=weights, minlength=len(names) + 1)[:-1] / weights.sum()
    wanted = np.array(target if target is not None else [math.nan] * len(names), dtype=float)
    realised = n / len(places)
    columns = {"target": wanted, "realised": realised, "weighted": weighted, "n": n, "difference": realised - wanted}
    return pd.DataFrame({"attribute": name, "level": pd.Series(names, dtype=object), **columns})


def _indices(tables: dict[str, pd.DataFrame], n: int) -> pd.DataFrame:
    import pandas as pd

    rows = []
    for name, table in tables.items():
        there = int(table["n"].sum())
        shares = [count / there for count in table["n"] if count]
        shannon = abs(math.fsum(share * math.log(share) for share in shares))
        even = shannon / math.log(len(table)) if len(table) > 1 and there else math.nan
        rows.append((name, len(table), shannon, even, n - there))
    return pd.DataFrame(rows, columns=["attribute", "n_levels", "shannon", "evenness", "missing"])


def shares_in_words(people: Population) -> Iterator[str]:
    """Yield a line an attribute: its levels, and the share of people who have each."""
    for name, table in level_shares(people, None).items() if len(people) else ():
        first = table.head(IN_WORDS)
        shares = [f"{level} {share:.0%}" for level, share in zip(first["level"], first["realised"], strict=True)]
        more = [f"{len(table) - IN_WORDS} more"] if len(table) > IN_WORDS else []
        yield f"{name}: {', '.join(shares + more)}"


def _printed(table: pd.DataFrame) -> str:
    lines = [list(map(str, table.columns)), *_cells(table)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def _cells(table: pd.DataFrame) -> Iterator[list[str]]:
    """Yield the rows of a table as texts: shares in per cent, what is missing as a dash."""
    for row in table.itertuples(index=False):
        yield [_cell(name, value) for name, value in zip(table.columns, row, strict=True)]


def _cell(name: str, value: object) -> str:
    if not isinstance(value, float):
        return str(value)
    if math.isnan(value):
        return "–"
    if name == "difference":
        return f"{value:+.1%}".replace("-0.0%", "+0.0%")
    return f"{value:.1%}" if name in _SHARES else f"{value:.2f}"
