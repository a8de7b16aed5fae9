"""Intervals by resampling: whole rows or whole clusters, with weights, and the same for the same seed."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Literal

from workbench.errors import InvalidSettings

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Numbers = npt.NDArray[np.float64]
    Indices = npt.NDArray[np.intp]

Method = Literal["percentile", "bca"]
MOST_UNDEFINED = 0.05
"""The share of resamples in which a statistic may be undefined, as a spread is where all drawn are equal."""
_BATCH = 2_000_000
"""Numbers that are drawn at once."""


def bootstrap_interval(
    statistic: Callable[..., float],
    *samples: npt.ArrayLike,
    weights: Any = None,
    clusters: Any = None,
    paired: bool = False,
    n_resamples: int = 2000,
    confidence: float = 0.95,
    seed: int = 0,
    method: Method = "percentile",
) -> tuple[float, float]:
    """Return the ends of a bootstrap interval of a statistic.

    Percentile: the quantiles of the statistic over the resamples. BCa: corrected for bias and for a spread that changes
    with the value. Both as in Efron & Tibshirani (1993), An Introduction to the Bootstrap, chapters 13 and 14. Whole
    clusters are drawn with replacement, and all their rows with them (Davison & Hinkley 1997, Bootstrap Methods and
    their Application, section 3.8).

    Few clusters (under 10 or so in a sample) make intervals that are too narrow.

    Args:
        statistic: takes as many arrays as there are samples, and `weights=` where weights are given. It may return NaN
            where it is not defined.
        samples: arrays of one dimension: numbers, or codes of categories. They are drawn independently of each other.
        weights: of the rows. An array where there is one sample or where samples are paired, else an array a sample;
            `statistic` gets them in the same shape. A row takes its weight with it; all rows are drawn with one chance.
        clusters: to which cluster each row belongs, in the shape of `weights`. Equal labels are one cluster: one that
            is in several samples is drawn for all of them at once.
        paired: whether place i of all samples is one row.
        n_resamples: how many.
        confidence: of the interval, between 0 and 1.
        seed: of the draws.
        method: "percentile" or "bca".

    Returns:
        low and high; both NaN where a sample has fewer than two rows (or clusters), or where the statistic is undefined
        for these samples or in more than 5 % of the resamples.

    Raises:
        InvalidSettings: arrays that do not fit together, or numbers that cannot be.

    >>> import numpy as np
    >>> low, high = bootstrap_interval(np.mean, [3, 1, 4, 1, 5, 9, 2, 6])
    >>> low < 3.875 < high
    True
    """
    import numpy as np

    _check(n_resamples, confidence, method)
    arrays = [_flat(sample, "a sample") for sample in samples]
    if not arrays:
        raise InvalidSettings("there is no sample: give at least one")
    together = len(arrays) == 1 or paired
    if paired and len({len(array) for array in arrays}) > 1:
        raise InvalidSettings(f"paired samples are of one length, and these are of {[len(one) for one in arrays]}")
    weighted = _per_sample(weights, arrays, together, "weights")
    labels = _per_sample(clusters, arrays, together, "clusters")
    strata = _strata([len(array) for array in arrays], labels, paired)
    if any(stratum.n_units < 2 for stratum in strata):
        return math.nan, math.nan

    def value(places: Sequence[Indices]) -> float:
        drawn = [array[place] for array, place in zip(arrays, places, strict=True)]
        if not all(map(len, drawn)):
            return math.nan
        if weighted is None:
            return float(statistic(*drawn))
        shares = [one[place] for one, place in zip(weighted, places, strict=True)]
        return float(statistic(*drawn, weights=shares[0] if together else shares))

    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        observed = value([np.arange(len(array)) for array in arrays])
        if not math.isfinite(observed):
            return math.nan, math.nan
        rng = np.random.default_rng(seed)
        values = np.array([value(places) for places in _resamples(strata, len(arrays), n_resamples, rng)])
        left_out = _jackknife(strata, len(arrays), value) if method == "bca" else []
    defined = values[np.isfinite(values)]
    if len(defined) < (1 - MOST_UNDEFINED) * n_resamples:
        return math.nan, math.nan
    tails = ((1 - confidence) / 2, (1 + confidence) / 2)
    if method == "bca":
        tails = _bca_tails(tails, defined, observed, left_out)
    low, high = np.quantile(defined, tails) if all(map(math.isfinite, tails)) else (math.nan, math.nan)
    return float(low), float(high)


class _Stratum:
    """What is drawn by itself: rows of one sample or of paired ones, or clusters."""

    def __init__(self, samples: Sequence[int], n_units: int, members: Sequence[Sequence[Indices]] | None) -> None:
        self.samples = samples
        self.n_units = n_units
        self.members = members
        """Per sample, the rows of each unit; None where a unit is a row."""

    def rows(self, drawn: Indices) -> list[Indices]:
        """Return the rows of the units that were drawn, an array a sample."""
        import numpy as np

        if self.members is None:
            return [drawn] * len(self.samples)
        return [np.concatenate([rows[unit] for unit in drawn.tolist()]) for rows in self.members]


def _strata(lengths: Sequence[int], labels: Sequence[Any] | None, paired: bool) -> list[_Stratum]:
    every = range(len(lengths))
    if labels is None:
        groups = [list(every)] if paired else [[sample] for sample in every]
        return [_Stratum(group, lengths[group[0]], None) for group in groups]
    names = [dict.fromkeys(one.tolist()) for one in labels]
    shared = paired or sum(map(len, names)) > len(set().union(*names))
    groups = [list(every)] if shared else [[sample] for sample in every]
    strata = []
    for group in groups:
        units = list(dict.fromkeys(name for sample in group for name in names[sample]))
        strata.append(_Stratum(group, len(units), [_members(labels[sample], units) for sample in group]))
    return strata


def _members(labels: Any, units: Sequence[object]) -> list[Indices]:
    import numpy as np

    place_of = {unit: place for place, unit in enumerate(units)}
    places = np.array([place_of[label] for label in labels.tolist()], dtype=np.intp)
    order = np.argsort(places, kind="stable")
    return np.split(order, np.cumsum(np.bincount(places, minlength=len(units)))[:-1])


def _resamples(strata: Sequence[_Stratum], n_samples: int, n: int, rng: np.random.Generator) -> Iterator[list[Indices]]:
    """Draw units with replacement, as many as there are, n times."""
    batch = max(1, _BATCH // max(stratum.n_units for stratum in strata))
    for start in range(0, n, batch):
        size = min(batch, n - start)
        drawn = [rng.integers(0, stratum.n_units, (size, stratum.n_units)) for stratum in strata]
        for number in range(size):
            yield _places(strata, [units[number] for units in drawn], n_samples)


def _places(strata: Sequence[_Stratum], drawn: Sequence[Indices], n_samples: int) -> list[Indices]:
    rows: dict[int, Indices] = {}
    for stratum, units in zip(strata, drawn, strict=True):
        rows |= zip(stratum.samples, stratum.rows(units), strict=True)
    return [rows[sample] for sample in range(n_samples)]


def _jackknife(
    strata: Sequence[_Stratum], n_samples: int, value: Callable[[Sequence[Indices]], float]
) -> list[list[float]]:
    """Return the statistic without each unit, a list a stratum."""
    import numpy as np

    whole = [np.arange(stratum.n_units) for stratum in strata]
    left_out = []
    for number, stratum in enumerate(strata):
        without = [
            [*whole[:number], np.delete(whole[number], unit), *whole[number + 1 :]] for unit in range(stratum.n_units)
        ]
        left_out.append([value(_places(strata, units, n_samples)) for units in without])
    return left_out


def _bca_tails(
    tails: tuple[float, float], values: Numbers, observed: float, left_out: list[list[float]]
) -> tuple[float, float]:
    """Return which quantiles to take instead (Efron 1987, doi:10.1080/01621459.1987.10478410)."""
    import numpy as np
    from scipy.stats import norm

    below = (np.mean(values < observed) + np.mean(values <= observed)) / 2
    if not 0 < below < 1:
        return math.nan, math.nan
    bias = norm.ppf(below)
    cubes = squares = 0.0
    for without in left_out:
        pulls = (len(without) - 1) * (np.mean(without) - np.array(without))
        cubes += float((pulls**3).sum()) / len(without) ** 3
        squares += float((pulls**2).sum()) / len(without) ** 2
    acceleration = cubes / squares**1.5 / 6 if squares else 0.0
    shifted = [bias + norm.ppf(tail) for tail in tails]
    low, high = (float(norm.cdf(bias + one / (1 - acceleration * one))) for one in shifted)
    return low, high


def _flat(values: Any, what: str) -> Any:
    import numpy as np

    array = np.asarray(values)
    if array.ndim != 1:
        raise InvalidSettings(f"{what} has {array.ndim} dimensions: give a flat array or list")
    return array


def _per_sample(given: Any, arrays: Sequence[Any], together: bool, what: str) -> list[Any] | None:
    """Return an array a sample of weights or clusters."""
    if given is None:
        return None
    parts = [given] * len(arrays) if together else list(given)
    if len(parts) != len(arrays):
        raise InvalidSettings(f"{what}: {len(parts)} arrays for {len(arrays)} samples: give one a sample")
    flat = [_flat(part, what) for part in parts]
    for part, array in zip(flat, arrays, strict=True):
        if len(part) != len(array):
            raise InvalidSettings(f"{what}: {len(part)} values for a sample of {len(array)}: give one a row")
    return flat


def _check(n_resamples: int, confidence: float, method: str) -> None:
    if n_resamples < 1:
        raise InvalidSettings(f"n_resamples is {n_resamples!r}: 1 or more are needed, and 1,000 or more to be of use")
    if not 0 < confidence < 1:
        raise InvalidSettings(f"confidence is {confidence!r}: it lies between 0 and 1, such as 0.95")
    if method not in ("percentile", "bca"):
        raise InvalidSettings(f"method is {method!r}: 'percentile' or 'bca'")
