"""How far people are from what their plan wants."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.errors import InvalidSettings
from workbench.populations.drawing import fit_all
from workbench.populations.profile import level_shares

if TYPE_CHECKING:
    import pandas as pd

    from workbench.populations.plan import SamplingPlan
    from workbench.populations.population import Population

DIGITS = 6
"""More than these come from the fitting, which ends when it is near enough."""


def gap_of(people: Population) -> pd.DataFrame:
    """Return the difference per marginal; as `Population.gap`."""
    import pandas as pd

    if people.plan is None:
        raise InvalidSettings("there is no plan to hold these people against: give Population(people, plan=...)")
    if not len(people):
        raise InvalidSettings("nobody is in this population: there is nothing to hold against the plan")
    of_all = of_all_people(people.plan)
    rows = []
    for name, table in level_shares(people, people.plan.names).items():
        counts = table["n"] - table["target"] * len(people)
        sampled = _total_variation(table["realised"], table["target"])
        weighted = _total_variation(table["weighted"], pd.Series(of_all[name]))
        rows.append((name, len(table), float(counts.abs().max()), sampled, weighted))
    columns = ["attribute", "levels", "largest_difference", "total_variation", "weighted_total_variation"]
    return pd.DataFrame(rows, columns=columns).round(DIGITS)


def _total_variation(realised: pd.Series[float], wanted: pd.Series[float]) -> float:
    """Return half the sum of differences; those who have no level are one that nobody is to have."""
    without = 1 - float(realised.sum())
    return float((realised - wanted).abs().sum() + abs(without)) / 2


def of_all_people(plan: SamplingPlan) -> dict[str, list[float]]:
    """Return the shares of an attribute's levels among all people, where `plan.targets()` has those of the sampled."""
    import pandas as pd

    shares = {}
    for fitted in fit_all(plan.dimensions, plan.impossible):
        for name, level_of in fitted.cells.level_of.items():
            shares[name] = pd.Series(fitted.shares).groupby(level_of).sum()
    return {d.name: [float(shares[d.name].get(place, 0)) for place in range(len(d.levels))] for d in plan.dimensions}
