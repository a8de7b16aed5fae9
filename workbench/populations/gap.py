"""How far people are from what their plan wants."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.errors import InvalidSettings
from workbench.populations.profile import level_shares

if TYPE_CHECKING:
    import pandas as pd

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
    of_all = people.plan.targets(sampled=False).groupby("attribute", sort=False)["share"]
    rows = []
    for name, table in level_shares(people, people.plan.names).items():
        counts = table["n"] - table["target"] * len(people)
        sampled = _total_variation(table["realised"], table["target"])
        weighted = _total_variation(table["weighted"], of_all.get_group(name).reset_index(drop=True))
        rows.append((name, len(table), float(counts.abs().max()), sampled, weighted))
    columns = ["attribute", "levels", "largest_difference", "total_variation", "weighted_total_variation"]
    return pd.DataFrame(rows, columns=columns).round(DIGITS)


def _total_variation(realised: pd.Series[float], wanted: pd.Series[float]) -> float:
    """Return half the sum of differences; those who have no level are one that nobody is to have."""
    without = 1 - float(realised.sum())
    return float((realised - wanted).abs().sum() + abs(without)) / 2
