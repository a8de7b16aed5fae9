"""How far apart in meaning turns are."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from workbench.evaluation.metrics.rows import NOBODY_TALKED, Row, StepRow
from workbench.evaluation.metrics.turns import Turn

if TYPE_CHECKING:
    import numpy as np

    Numbers = np.ndarray[Any, np.dtype[Any]]


def dispersion(vectors: Numbers) -> float:
    """Return the mean distance of vectors from their centroid: mean(|v - mean(v)|).

    The multivariate dispersion of Anderson 2006 (doi:10.1111/j.1541-0420.2005.00440.x), around the mean. Of vectors of
    length 1 it lies between 0 (all the same) and 1.

    Args:
        vectors: a row each; fewer than two have no dispersion (NaN).
    """
    import numpy as np

    if len(vectors) < 2:
        return math.nan
    return float(np.linalg.norm(vectors - vectors.mean(axis=0), axis=1).mean())


def dispersion_rows(people: Sequence[str], turns: Sequence[Turn], vectors: Numbers) -> Iterator[Row]:
    """Yield the topic dispersion of the run and of each person."""
    who = [turn.person for turn in turns]
    for name in ("", *people):
        places = [place for place, person in enumerate(who) if name in ("", person)]
        value, n, note = _of(vectors, places, "never talked" if turns else NOBODY_TALKED)
        yield Row("dispersion_meaning", name, value, n, note)


def dispersion_steps(n_steps: int, turns: Sequence[Turn], vectors: Numbers) -> Iterator[StepRow]:
    """Yield the topic dispersion of each step."""
    places: dict[int, list[int]] = {}
    for place, turn in enumerate(turns):
        places.setdefault(turn.step, []).append(place)
    for step in range(1, n_steps + 1):
        value, n, note = _of(vectors, places.get(step, []), NOBODY_TALKED)
        yield StepRow(step, "dispersion_meaning", value, n, note)


def _of(vectors: Numbers, places: list[int], missing: str) -> tuple[float, int, str]:
    if len(places) < 2:
        return math.nan, len(places), "one turn has no spread" if places else missing
    return dispersion(vectors[places]), len(places), ""
