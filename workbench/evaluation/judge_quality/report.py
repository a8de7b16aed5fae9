"""`JudgeQuality`: the report on how far a judge can be trusted."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from workbench import html
from workbench.errors import InvalidSettings
from workbench.evaluation.judge_quality.statistics import Resampling

if TYPE_CHECKING:
    import pandas as pd

    from workbench.plots import Figure

_HEADINGS = ("statistic", "value", "interval", "n", "note")


@dataclass(frozen=True, eq=False)
class JudgeQuality:
    """A judge held against what people said."""

    table: pd.DataFrame
    """A row a statistic: statistic, value, ci_low, ci_high, n (items), note. What there is not is NaN, and note says
    why."""
    calibration: pd.DataFrame
    """A row a bin of confidence: low, high, n, confidence, right, ci_low, ci_high; empty where none was given."""
    resampling: Resampling
    caveat: str = ""
    """What has to be said beside it, such as that the judge is a small model."""

    def __getitem__(self, statistic: str) -> float:
        """Return the value of a statistic.

        Raises:
            InvalidSettings: there is none of that name.
        """
        found = self.table.loc[self.table["statistic"] == statistic, "value"]
        if not len(found):
            raise InvalidSettings(f"no statistic {statistic!r}: there are {', '.join(self.table['statistic'])}")
        return float(found.iloc[0])

    def plot(self) -> Figure:
        """Draw the calibration curve with the number of verdicts.

        Raises:
            InvalidSettings: the judge gave no confidence.
        """
        from workbench import plots

        if not len(self.calibration):
            raise InvalidSettings("there is no calibration to draw: the judge gave no confidence")
        return plots.closed(plots.calibration(self.calibration))

    def __str__(self) -> str:
        lines = [_line(row) for row in self.table.to_dict("records")]
        return "\n".join([*lines, *([self.caveat] if self.caveat else [])])

    def __repr__(self) -> str:
        shown = [f"{name}={_cell(self[name])}" for name in ("accuracy", "kappa", "alpha", "auc")]
        return f"JudgeQuality({', '.join(shown)})"

    def _repr_html_(self) -> str:
        from workbench import plots

        rows = [[_shown(row, name) for name in _HEADINGS] for row in self.table.to_dict("records")]
        words = "How sure the judge was, and how often it was right; the table of calibration has the numbers."
        chart = html.image(plots.png(self.plot()), words) if len(self.calibration) else ""
        caveat = html.callout(self.caveat) if self.caveat else ""
        return html.box("Quality of a judge", self._how(), f"{caveat}{html.table(_HEADINGS, rows)}{chart}")

    def _how(self) -> str:
        how = self.resampling
        return f"{how.confidence:.0%} intervals of {how.n_resamples:,} resamples of items, seed {how.seed}."


def _line(row: Any) -> str:
    if math.isnan(row["value"]):
        return f"{row['statistic']}: none ({row['note']})"
    interval = f" [{_interval(row)}]" if not math.isnan(row["ci_low"]) else ""
    note = f" ({row['note']})" if row["note"] else ""
    return f"{row['statistic']}: {_cell(row['value'])}{interval}, n={row['n']}{note}"


def _shown(row: Any, name: str) -> str:
    return _interval(row) if name == "interval" else _cell(row[name])


def _interval(row: Any) -> str:
    return "–" if math.isnan(row["ci_low"]) else f"{_cell(row['ci_low'])} to {_cell(row['ci_high'])}"


def _cell(value: object) -> str:
    if isinstance(value, float):
        return "–" if math.isnan(value) else f"{value:.3f}".replace("-0.000", "0.000")
    return str(value)
