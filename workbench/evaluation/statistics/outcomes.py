"""`Outcome`: what one test says; and the quiet in which scipy and statsmodels are asked."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Outcome:
    """The result of one test; a number that is not there is NaN."""

    statistic: float = math.nan
    p: float = math.nan
    """Two-sided."""
    df: float = math.nan
    df_error: float = math.nan
    """The second degrees of freedom of an F."""
    effect: str = ""
    """What `effect_size` is; empty where the test has none."""
    effect_size: float = math.nan
    interval: tuple[float, float] = (math.nan, math.nan)
    """Of `effect_size`."""
    note: str = ""
    """In plain words: why there is no p, or how far it can be trusted."""


@contextmanager
def quiet() -> Iterator[None]:
    """Keep warnings of what is called to itself: the outcome's note says what they would."""
    import numpy as np

    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        yield


def sentences(*notes: str) -> str:
    """Join notes, without the empty ones and repeats."""
    return "; ".join(dict.fromkeys(note for note in notes if note))


def numbers(values: Any) -> Any:
    """Return values as an array of floats without the missing ones."""
    import numpy as np

    array = np.asarray(values, dtype=float).ravel()
    return array[~np.isnan(array)]


def constant(groups: Sequence[Any]) -> bool:
    """Whether no group has two values that differ. By their range: a spread of equal values may come out above 0."""
    return all(len(group) == 0 or group.max() == group.min() for group in groups)
