"""A run held against baselines: other runs, or numbers that are given."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from numbers import Real
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeGuard

from workbench.errors import InvalidSettings
from workbench.evaluation.metrics.collapse import CollapseLimits
from workbench.evaluation.metrics.rows import MEANING, METRICS, WORDS

if TYPE_CHECKING:
    import pandas as pd

_SPREADS = {"words_sd": "SD of words a turn", "dispersion_meaning": "dispersion by meaning"}


class Against(NamedTuple):
    """A figure of a run beside that of a baseline."""

    baseline: str
    metric: str
    value: float
    baseline_value: float
    difference: float
    """value - baseline_value."""
    ratio: float
    """value / baseline_value; of `words_sd` that is the SD ratio."""
    note: str


def numbers_of(given: Mapping[str, object], where: str) -> dict[str, float]:
    """Read a baseline that is given as numbers.

    Raises:
        InvalidSettings: there is no such metric, or a value is no number.
    """
    if unknown := [name for name in given if name not in METRICS]:
        raise InvalidSettings(f"{where}: there is no metric {unknown[0]!r}; there are {', '.join(METRICS)}")
    numbers = {name: float(value) for name, value in given.items() if is_number(value)}
    if odd := [name for name in given if not math.isfinite(numbers.get(name, math.nan))]:
        raise InvalidSettings(f"{where}: {odd[0]} is {given[odd[0]]!r}, which is no number")
    return numbers


def is_number(value: object) -> TypeGuard[Real]:
    """Return whether a value is a number, which may be one of numpy's."""
    return isinstance(value, Real) and not isinstance(value, bool)


def named(given: object) -> dict[str, object]:
    """Return baselines by name: a mapping of sources has names, any other is called `baseline`, or as its file.

    Raises:
        InvalidSettings: it is empty.
    """
    if given is None:
        return {}
    if isinstance(given, Mapping):
        if not given:
            raise InvalidSettings("baselines={}: give runs by name, or numbers by metric; or nothing at all")
        whole = any(name in METRICS or is_number(value) for name, value in given.items())
        return {"baseline": given} if whole else {str(name): source for name, source in given.items()}
    return {Path(given).stem if isinstance(given, str | Path) else "baseline": given}


def held_against(values: Mapping[str, float], baselines: Mapping[str, Mapping[str, float]]) -> list[Against]:
    """Return the whole-run figures of a run beside those of each baseline that has them."""
    return [
        _against(baseline, metric, values[metric], other[metric])
        for baseline, other in baselines.items()
        for metric in METRICS
        if metric in other and metric in values
    ]


def against_df(rows: Sequence[Against]) -> pd.DataFrame:
    """Return figures beside those of baselines as a DataFrame."""
    import pandas as pd

    return pd.DataFrame(rows, columns=list(Against._fields))


def _against(baseline: str, metric: str, value: float, other: float) -> Against:
    note = "the run has no value" if math.isnan(value) else "the baseline has no value" if math.isnan(other) else ""
    ratio = value / other if other else math.nan
    return Against(baseline, metric, value, other, value - other, ratio, note or ("" if other else "the baseline is 0"))


def baseline_warnings(against: Sequence[Against], limits: CollapseLimits) -> Iterator[str]:
    """Yield where a run has less spread than a baseline, or people who are more alike."""
    for row in against:
        if row.metric in _SPREADS and row.ratio <= limits.least_sd_ratio:
            yield (
                f"Less spread than {row.baseline!r}: the {_SPREADS[row.metric]} is {row.value:.2f} against "
                f"{row.baseline_value:.2f}, a ratio of {row.ratio:.2f} (threshold {limits.least_sd_ratio:g})."
            )
        for way in (WORDS, MEANING):
            if row.metric == f"similarity_between_{way}" and row.difference >= limits.most_more_alike:
                yield (
                    f"People are more alike than in {row.baseline!r}: the similarity between them, by {way}, is "
                    f"{row.value:.2f} against {row.baseline_value:.2f}, {row.difference:.2f} more (threshold "
                    f"{limits.most_more_alike:g})."
                )
