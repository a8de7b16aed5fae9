"""How far a distance may be from what is seen of it.

Samples of equal people are apart, and resamples of them farther still: a distance is never below 0, so that noise only
adds to it. Quantiles of resamples lie too high then, and those mirrored at the value (the basic interval) too low: they
would call one in five samples equivalent that are just not. Two facts give ends that hold:

- Below: the distance seen is at most the true one and that of the noise alone, which resamples around both sides show.
- Above: a distance is the largest difference of a mean, over many functions of the answer (for total variation, of the
  share of any set of options; for the Wasserstein distance, of any function that rises no faster than the answer:
  Kantorovich and Rubinstein 1958). So what is seen is at least the difference of the mean that makes the true distance,
  whose standard error is no larger than the largest one among them, and that one is known.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from workbench.evaluation.human import distances
from workbench.evaluation.human.kinds import Question
from workbench.evaluation.human.samples import Sample

if TYPE_CHECKING:
    import numpy as np

    Numbers = np.ndarray[Any, np.dtype[Any]]


def distance_interval(
    name: str, question: Question, value: float, noise: Numbers, sides: tuple[Sample, Sample], confidence: float
) -> tuple[float, float]:
    """Return the interval of a distance; NaN where it has none.

    Args:
        name: of the statistic.
        question: what it is.
        value: that is seen.
        noise: the same between resamples that are equal but for noise.
        sides: simulated and human people.
        confidence: that the distance is within.
    """
    import numpy as np
    from scipy import stats

    there = noise[np.isfinite(noise)]
    if not math.isfinite(value) or not len(there):
        return math.nan, math.nan
    below = float(np.quantile(there, (1 + confidence) / 2))
    if name == "jensen_shannon":
        # Its root is a metric (Endres and Schindelin 2003, doi:10.1109/TIT.2003.813506): roots of noise add up at most.
        low, high = max(math.sqrt(value) - math.sqrt(below), 0), math.sqrt(value) + math.sqrt(below)
        return low**2, min(high**2, 1.0)
    n = min(one.effective_n for one in sides)
    error = standard_error(name, question, *sides)
    return max(value - below, 0.0), value + error * float(stats.t.ppf((1 + confidence) / 2, max(n - 1, 1)))


def standard_error(name: str, question: Question, simulated: Sample, human: Sample) -> float:
    """Return the largest standard error among the differences of which a distance is the largest."""
    import numpy as np

    sides = (simulated, human)
    k = len(question.options)
    if name == "rank_distance":
        spreads = sum((_variances(one)[:k] / one.effective_n for one in sides), np.zeros(k))
        return float(np.sqrt(spreads).mean() / max(k - 1, 1))
    if name == "first_choice_variation":
        return _joined([_of_any_set(one.means[k:]) for one in sides], sides)
    if name == "total_variation":
        return _joined([_of_any_set(one.means) for one in sides], sides)
    if name == "kolmogorov_smirnov":
        cumulated = [np.cumsum(one.means) for one in sides]
        return _joined([float((one * (1 - one)).max()) for one in cumulated], sides)
    positions = np.asarray(question.positions)
    spread = [float(distances.sd(one.means, positions)) * distances.spread_correction(one.n) for one in sides]
    unit = question.span if question.kind == "ordinal" else spread[1]
    return _joined([one**2 for one in spread], sides) / unit if unit > 0 else 0.0


def _joined(variances: list[float], sides: tuple[Sample, Sample]) -> float:
    return math.sqrt(sum(max(one, 0.0) / side.effective_n for one, side in zip(variances, sides, strict=True)))


def _of_any_set(shares: Numbers) -> float:
    """Return the largest variance that choosing any set of options could have: p (1 - p), with p nearest to a half."""
    largest = float(shares.max())
    return largest * (1 - largest) if largest > 0.5 else 0.25


def _variances(sample: Sample) -> Numbers:
    import numpy as np

    squares = np.asarray((sample.weights @ sample.rows.power(2)) / sample.weights.sum())
    return np.asarray(np.clip(squares - sample.means**2, 0, None))
