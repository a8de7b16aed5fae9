"""Calibration: whether a judge that is 80 % sure is right in 80 % of the cases."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from workbench.errors import InvalidSettings

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    Numbers = np.ndarray[Any, np.dtype[Any]]

COLUMNS = ("low", "high", "n", "confidence", "right", "ci_low", "ci_high")
N_WORLDS = 1000
"""In which a judge of perfect calibration is imagined."""


@dataclass(frozen=True, eq=False)
class Calibration:
    """How sure a judge was, beside how often it was right."""

    table: pd.DataFrame
    """A row a bin that has items: low, high, n, confidence (the mean), right (the share), ci_low, ci_high (of it)."""
    error: float
    """The expected calibration error, 0-1; NaN without items."""
    n: int


def calibration(
    confidence: Sequence[float] | Numbers, right: Sequence[bool] | Numbers, *, bins: int = 10
) -> Calibration:
    """Return the calibration curve and the expected calibration error.

    The error is the mean difference of confidence and share right over bins of equal width, weighted by their items.
    Source: Guo et al. 2017, arXiv 1706.04599; intervals, Wilson 1927 (doi:10.1080/01621459.1927.10502953).
    With few items it is above 0 even where confidence is right: see `error_by_chance`.

    Args:
        confidence: from 0 to 1, one an item; items without one (NaN) do not count.
        right: whether each verdict was right.
        bins: how many; a confidence on an edge belongs below it.

    Raises:
        InvalidSettings: confidences beyond 0 and 1, or not one an item.

    >>> round(calibration([0.9, 0.9, 0.6, 0.6], [True, True, True, False]).error, 9)
    0.1
    """
    import numpy as np
    import pandas as pd

    sure, hits = _checked(confidence, right, bins)
    places = bins_of(sure, bins)
    rows = []
    for place in np.unique(places).tolist():
        inside = places == place
        n, share = int(inside.sum()), float(hits[inside].mean())
        rows.append((place / bins, (place + 1) / bins, n, float(sure[inside].mean()), share, *wilson(share, n)))
    error = float(error_of(sure, hits, bins)) if len(sure) else math.nan
    return Calibration(pd.DataFrame(rows, columns=list(COLUMNS)), error, len(sure))


def bins_of(confidence: Numbers, bins: int) -> Numbers:
    """Return the number of each confidence's bin, counted from 0."""
    import numpy as np

    # Rounded, since an edge such as 0.7 * 10 may be 7.000000000000001 to a computer.
    return np.asarray(np.clip(np.ceil(np.round(confidence * bins, 6)) - 1, 0, bins - 1), dtype=np.intp)


def error_of(confidence: Numbers, right: Numbers, bins: int) -> Any:
    """Return the expected calibration error; axes of `right` before the last are samples, all at once."""
    import numpy as np

    inside = bins_of(confidence, bins)[:, None] == np.arange(bins)
    apart: Any = (right - confidence) @ inside
    return np.abs(apart).sum(axis=-1) / len(confidence)


def error_by_chance(confidence: Numbers, bins: int, seed: int) -> float:
    """Return the mean error of a judge that has these confidences and is right exactly as often as they say.

    Consistency resampling, as in Bröcker & Smith 2007 (doi:10.1175/WAF993.1).
    """
    import numpy as np

    drawn = np.random.default_rng(seed).random((N_WORLDS, len(confidence)))
    return float(error_of(confidence, (drawn < confidence).astype(float), bins).mean())


def wilson(share: float, n: int, z: float = 1.959963984540054) -> tuple[float, float]:
    """Return Wilson's 95 % interval of a share of n."""
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return max(0.0, middle - half), min(1.0, middle + half)


def _checked(
    confidence: Sequence[float] | Numbers, right: Sequence[bool] | Numbers, bins: int
) -> tuple[Numbers, Numbers]:
    import numpy as np

    if bins < 1:
        raise InvalidSettings(f"bins={bins!r}: 1 or more are needed")
    sure, hits = np.asarray(confidence, dtype=float), np.asarray(right, dtype=float)
    if sure.shape != hits.shape or sure.ndim != 1:
        raise InvalidSettings(f"{sure.size} confidences for {hits.size} verdicts: give one an item, in one order")
    there = ~np.isnan(sure)
    sure, hits = sure[there], hits[there]
    if len(sure) and (sure.min() < 0 or sure.max() > 1):
        raise InvalidSettings(
            f"a confidence lies from 0 to 1, and there are some from {sure.min():g} to {sure.max():g}"
        )
    return sure, hits
