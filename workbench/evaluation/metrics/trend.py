"""Trends of a figure over the steps, and how its end differs from its beginning."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

FEWEST_STEPS = 3
"""Two points always lie on a line."""


@dataclass(frozen=True)
class Trend:
    """A straight line through a figure by step, by least squares; NaN where fewer than three steps have the figure."""

    slope: float
    """Change a step."""
    standard_error: float
    """Of the slope: sqrt(sum(residual^2) / (n - 2) / sum((step - mean)^2))."""
    first: int
    last: int
    """The steps from and to which it was fitted."""
    start: float
    end: float
    """The line at these steps."""
    n: int
    """Steps that have the figure."""

    @property
    def rise(self) -> float:
        """How much the line changes from the first step to the last."""
        return self.end - self.start


def trend_of(steps: Sequence[int], values: Sequence[float]) -> Trend:
    """Fit a line to the values that are there (Legendre 1805)."""
    points = [(step, value) for step, value in zip(steps, values, strict=True) if not math.isnan(value)]
    n = len(points)
    if n < FEWEST_STEPS:
        return Trend(math.nan, math.nan, *_ends(points), math.nan, math.nan, n)
    middle = math.fsum(step for step, _ in points) / n
    level = math.fsum(value for _, value in points) / n
    spread = math.fsum((step - middle) ** 2 for step, _ in points)
    slope = math.fsum((step - middle) * (value - level) for step, value in points) / spread
    residuals = math.fsum((value - level - slope * (step - middle)) ** 2 for step, value in points)
    first, last = _ends(points)
    start, end = (level + slope * (step - middle) for step in (first, last))
    return Trend(slope, math.sqrt(residuals / (n - 2) / spread), first, last, start, end, n)


def _ends(points: Sequence[tuple[int, float]]) -> tuple[int, int]:
    return (points[0][0], points[-1][0]) if points else (0, 0)


@dataclass(frozen=True)
class Part:
    """A figure over some steps: the mean of its values, weighted by what each rests on."""

    first: int
    last: int
    value: float
    n: int


def part_of(by_step: pd.DataFrame, metric: str, *, late: bool, fewest: int) -> Part:
    """Return a figure over the first or the last third of the steps that have it, or over as many more as are needed.

    Args:
        by_step: as `RunMetrics.by_step`.
        metric: which figure.
        late: whether the last third is meant.
        fewest: turns or pairs that it has to rest on, as far as there are so many.
    """
    rows = by_step[(by_step["metric"] == metric) & by_step["value"].notna()]
    points = list(zip(rows["step"].tolist(), rows["value"].tolist(), rows["n"].tolist(), strict=True))
    ordered = points[::-1] if late else points
    taken: list[tuple[int, float, int]] = []
    for point in ordered:
        if len(taken) >= max(len(points) // 3, 1) and sum(n for _, _, n in taken) >= fewest:
            break
        taken.append(point)
    n = sum(n for _, _, n in taken)
    if not n:
        return Part(0, 0, math.nan, 0)
    steps = [step for step, _, _ in taken]
    return Part(min(steps), max(steps), math.fsum(value * n for _, value, n in taken) / n, n)
