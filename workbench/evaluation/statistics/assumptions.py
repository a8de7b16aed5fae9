"""`assumptions`: what the tests take for granted, looked at, in plain words."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from workbench.evaluation.statistics.clusters import codes, design_effect, icc, mean_size
from workbench.evaluation.statistics.conditions import Conditions, Measured, Names
from workbench.evaluation.statistics.outcomes import constant, quiet

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ("metric", "check", "level", "n", "statistic", "p", "holds", "note")
FEW_CLUSTERS = 10
Row = dict[str, Any]


def assumptions(
    table: pd.DataFrame,
    metric: Names,
    by: Names | None = None,
    *,
    control: object = None,
    cluster: Names | None = None,
    person: Names | None = None,
    session: Names | None = None,
    nominal: Names = (),
) -> pd.DataFrame:
    """Look at what the tests of `compare` take for granted.

    - shapiro_wilk, a row a condition: are values normal (Shapiro & Wilk 1965, doi:10.1093/biomet/52.3-4.591)?
    - brown_forsythe: have conditions one spread (Brown & Forsythe 1974, doi:10.1080/01621459.1974.10482955; Levene's
      test from medians)?
    - expected_counts: are there enough rows for chi-square (Cochran 1954, Some methods for strengthening the common
      chi-square tests: no expected count under 1 and at most a fifth under 5)? The statistic is the smallest.
    - clusters, a row a condition: are there enough (Cameron, Gelbach & Miller 2008, doi:10.1162/rest.90.3.414)?
    - independence: are the rows of a cluster as different as others? The statistic is the intraclass correlation.
    - one_session_a_person: is each person in one session? The statistic is how many are in more.

    Args:
        table: as for `compare`, and so are the others.
        metric: as for `compare`.
        by: as for `compare`.
        control: as for `compare`.
        cluster: as for `compare`.
        person: as for `compare`.
        session: as for `compare`.
        nominal: as for `compare`.

    Returns:
        a DataFrame, a row a metric and check: metric, check, level (the condition; None for all), n (rows), statistic,
        p (NaN where the check has none), holds (True, False, or None where it could not be looked at), note (what it
        means for the tests, or why there is nothing).

    Raises:
        InvalidSettings: as for `compare`.
    """
    import pandas as pd

    metrics = (metric,) if isinstance(metric, str) else tuple(metric)
    named = (nominal,) if isinstance(nominal, str) else tuple(nominal)
    conditions = Conditions(table, by, control, cluster=cluster, person=person, session=session)
    conditions.check_metrics(metrics, named)
    found: list[Row] = []
    for name in metrics:
        measured = conditions.measured(name, nominal=name in named)
        part = measured.of(range(len(conditions.levels)))
        found += [{"metric": name, **row} for row in _checks(part, conditions)]
    frame = pd.DataFrame(found, columns=list(COLUMNS))
    for column in ("level", "holds"):
        frame[column] = frame[column].astype(object).where(frame[column].notna(), None)
    return frame


def _checks(part: Measured, conditions: Conditions) -> Iterator[Row]:
    if part.categories is None:
        for level, group in zip(conditions.levels, part.groups, strict=True):
            yield _row("shapiro_wilk", level, len(group), *_normal(group))
        yield _row("brown_forsythe", None, len(part.values), *_spread(part))
    else:
        yield _row("expected_counts", None, len(part.values), *_expected(part))
    if part.clusters is None:
        return
    for level, group in zip(conditions.levels, part.clusters_of_groups or (), strict=True):
        yield _row("clusters", level, len(group), *_enough(len(set(group.tolist()))))
    if part.categories is None or part.truth:
        yield _row("independence", None, len(part.values), *_independent(part))
    if part.persons is not None and part.sessions is not None:
        yield _row("one_session_a_person", None, len(part.values), *_sessions(part))


Found = tuple[float, float, bool | None, str]


def _row(check: str, level: object, n: int, statistic: float, p: float, holds: bool | None, note: str) -> Row:
    return dict(zip(COLUMNS[1:], (check, level, n, statistic, p, holds, note), strict=True))


def _nothing(note: str) -> Found:
    return math.nan, math.nan, None, note


def _normal(group: Any) -> Found:
    from scipy.stats import shapiro

    if len(group) < 3:
        return _nothing(f"{len(group)} values: 3 are needed to look at")
    if constant([group]):
        return _nothing("all values are equal")
    with quiet():
        result = shapiro(group)
    w, p = float(result.statistic), float(result.pvalue)
    rough = "; p is rough beyond 5,000 values, and finds what does not matter" if len(group) > 5000 else ""
    if p >= 0.05:
        return w, p, True, f"nothing speaks against normal values{rough}"
    means = "the means of so many are close to normal all the same" if len(group) >= 30 else "rather read mann_whitney"
    return w, p, False, f"not normal: {means}{rough}"


def _spread(part: Measured) -> Found:
    from scipy.stats import levene

    there = [group for group in part.groups if len(group)]
    if len(there) < 2 or min(map(len, there)) < 2:
        return _nothing("a condition has fewer than two values: it has no spread")
    if constant(there):
        return _nothing("no two values within a condition differ")
    with quiet():
        result = levene(*there, center="median")
    statistic, p = float(result.statistic), float(result.pvalue)
    if math.isnan(p) or math.isinf(statistic):
        return _nothing("all values are equally far from their median: the test is not defined")
    if p >= 0.05:
        return statistic, p, True, "nothing speaks against one spread"
    return statistic, p, False, "spreads differ: welch allows for it, anova and mixed_model do not"


def _expected(part: Measured) -> Found:
    import numpy as np

    counts = part.counts.astype(float)
    counts = counts[counts.sum(axis=1) > 0][:, counts.sum(axis=0) > 0]
    if min(counts.shape) < 2:
        return _nothing("fewer than two conditions or categories have values")
    expected = np.outer(counts.sum(axis=1), counts.sum(axis=0)) / counts.sum()
    least, low = float(expected.min()), float((expected < 5).mean())
    if least >= 1 and low <= 0.2:
        return least, math.nan, True, "enough rows for chi_square"
    return least, math.nan, False, f"{low:.0%} of the expected counts are under 5: rather read permutation"


def _enough(count: int) -> Found:
    if count >= FEW_CLUSTERS:
        return count, math.nan, True, "enough clusters for intervals"
    return count, math.nan, False, "few clusters: intervals are too narrow, and p of mixed_model is too low"


def _independent(part: Measured) -> Found:
    if part.clusters is None or not len(part.values):
        return _nothing("there are no values")
    outcome = icc(part.values, part.clusters, part.conditions)
    if math.isnan(outcome.statistic):
        return _nothing(outcome.note)
    size = mean_size(codes(part.clusters.tolist(), part.conditions.tolist()))
    inflated = design_effect(size, max(outcome.statistic, 0))
    if inflated < 1.1:
        return outcome.statistic, outcome.p, True, f"rows of a cluster are hardly alike (design effect {inflated:.2f})"
    told = f"rows of a cluster are alike: {inflated:.1f} of them count for one; read permutation or mixed_model"
    return outcome.statistic, outcome.p, False, told


def _sessions(part: Measured) -> Found:
    import numpy as np

    both = np.unique(np.stack([part.persons, part.sessions]), axis=1)  # type: ignore[list-item]
    several = int((np.bincount(both[0]) > 1).sum()) if both.size else 0
    if not several:
        return 0, math.nan, True, "sessions are independent of each other"
    return several, math.nan, False, "some are in several sessions: mixed_model allows for it, permutation does not"
