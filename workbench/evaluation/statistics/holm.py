"""Holm's correction for many tests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from workbench.errors import InvalidSettings

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


def holm(p: Sequence[float] | npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Return p values that are corrected for how many there are: the chance of even one false alarm is kept.

    Holm (1979), A simple sequentially rejective multiple test procedure, Scandinavian Journal of Statistics 6(2). A p
    that is missing stays so, and does not count as a test.

    >>> holm([0.01, 0.04, float("nan")]).tolist()
    [0.02, 0.04, nan]
    """
    import numpy as np

    raw = np.asarray(p, dtype=float)
    there = ~np.isnan(raw)
    if ((raw[there] < 0) | (raw[there] > 1)).any():
        raise InvalidSettings(f"p lies between 0 and 1: {raw[there].tolist()}")
    corrected = np.full(raw.shape, np.nan)
    order = np.argsort(raw, kind="stable")[: there.sum()]  # the missing ones come last
    # statsmodels has this too, and collects all garbage first: up to a second a call in a long notebook.
    corrected[order] = np.minimum(np.maximum.accumulate(raw[order] * np.arange(len(order), 0, -1)), 1)
    return corrected
