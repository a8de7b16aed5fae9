"""`quality_of`: the report on a judge, from what it said and what people said. It asks no model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, fields
from typing import TYPE_CHECKING, get_args

from workbench.errors import InvalidSettings
from workbench.evaluation.judge_quality.agreement import Level
from workbench.evaluation.judge_quality.calibration import COLUMNS, calibration
from workbench.evaluation.judge_quality.reading import Items, Scale, items_of
from workbench.evaluation.judge_quality.report import JudgeQuality
from workbench.evaluation.judge_quality.statistics import Resampling, Row, right_of, rows_of

if TYPE_CHECKING:
    import pandas as pd


def quality_of(
    verdicts: pd.DataFrame,
    labelled: pd.DataFrame,
    *,
    levels: Sequence[object] | None = None,
    level: Level | None = None,
    threshold: float | None = None,
    tolerance: float = 0.0,
    bins: int = 10,
    n_resamples: int = 2000,
    confidence: float = 0.95,
    seed: int = 0,
    caveat: str = "",
) -> JudgeQuality:
    """Hold what a judge said against what people said of the same items.

    Args:
        verdicts: of the judge, a row an item: item, verdict (one of the labels) or score (a number) or both, and where
            known confidence (0-1), swapped (the verdict, or else the score, with the options in another order) and
            length (of what was judged). What the judge left out is None or NaN.
        labelled: of people: item, label, and where known rater (several rows an item then), length, and cluster (items
            that belong together, such as those of one person: they are resampled together). Without a column item in
            either table, the index is the item.
        levels: all that can be said, the lowest first; all that was said, sorted, when not given.
        level: whether labels are names, ranks or numbers: `nominal`, `ordinal`, `interval`. Numbers of more than two
            levels count as `ordinal` when not given, all else as `nominal`.
        threshold: the score from which on a verdict is the higher of two levels.
        tolerance: points of the scale within which a verdict counts as right.
        bins: of confidence.
        n_resamples: for the intervals.
        confidence: of the intervals.
        seed: of the resamples.
        caveat: what has to be said beside the figures.

    Returns:
        the report. A score counts as the nearest level where labels are a scale of numbers. Of several labels of an
        item, the middle one counts where they have an order, else the one that most gave.

    Raises:
        InvalidSettings: tables that do not fit together, or settings that cannot be.

    >>> import pandas as pd
    >>> people = pd.DataFrame({"item": [1, 2, 3, 4], "label": ["fits", "fits", "odd", "odd"]})
    >>> judge = pd.DataFrame({"item": [1, 2, 3, 4], "verdict": ["fits", "odd", "odd", "odd"]})
    >>> quality_of(judge, people, n_resamples=100)["kappa"]
    0.5
    """
    import pandas as pd

    _check(level, tolerance, bins)
    items = items_of(verdicts, labelled, Scale(levels, level, threshold))
    if tolerance and not items.has_order:
        raise InvalidSettings(f"tolerance={tolerance!r}: the labels have no order")
    resampling = Resampling(n_resamples, confidence, seed)
    rows = rows_of(items, resampling, tolerance=tolerance, bins=bins)
    table = pd.DataFrame([asdict(row) for row in rows], columns=[field.name for field in fields(Row)])
    return JudgeQuality(table, _curve(items, tolerance, bins), resampling, caveat)


def _curve(items: Items, tolerance: float, bins: int) -> pd.DataFrame:
    import pandas as pd

    if items.confidence is None:
        return pd.DataFrame(columns=list(COLUMNS))
    both = (items.judged >= 0) & (items.label >= 0)
    return calibration(items.confidence[both], right_of(items, tolerance)[both], bins=bins).table


def _check(level: Level | None, tolerance: float, bins: int) -> None:
    if level not in (None, *get_args(Level)):
        raise InvalidSettings(f"level={level!r}: there are {', '.join(map(repr, get_args(Level)))}")
    if not tolerance >= 0:
        raise InvalidSettings(f"tolerance={tolerance!r}: it is 0 or more points of the scale")
    if bins < 1:
        raise InvalidSettings(f"bins={bins!r}: 1 or more are needed")
