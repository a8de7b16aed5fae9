"""`compare`: conditions held against each other, by all tests, as one table."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from workbench.errors import InvalidSettings
from workbench.evaluation.statistics import effects, rows
from workbench.evaluation.statistics.bootstrap import bootstrap_interval
from workbench.evaluation.statistics.conditions import Conditions, Measured, Names
from workbench.evaluation.statistics.holm import holm
from workbench.evaluation.statistics.mixed_model import mixed_model
from workbench.evaluation.statistics.outcomes import Outcome, sentences
from workbench.evaluation.statistics.permutation import PERMUTATIONS, permutation

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = (
    *("metric", "test", "a", "b", "n", "n_a", "n_b", "mean_a", "mean_b", "difference", "statistic", "df", "df_error"),
    *("p", "p_holm", "effect", "effect_size", "ci_low", "ci_high", "note"),
)


@dataclass(frozen=True)
class _Options:
    confidence: float
    n_resamples: int
    n_permutations: int
    seed: int


@dataclass(frozen=True)
class _Test:
    run: Callable[[Measured, _Options], Outcome]
    effect: str = ""
    measure: Callable[..., float] | None = None
    """What the effect is measured by; None where the test itself gives it."""
    independent: bool = True
    """Whether the test takes all rows as independent."""


def compare(
    table: pd.DataFrame,
    metric: Names,
    by: Names | None = None,
    *,
    control: object = None,
    cluster: Names | None = None,
    person: Names | None = None,
    session: Names | None = None,
    nominal: Names = (),
    tests: Names | None = None,
    confidence: float = 0.95,
    n_resamples: int = 2000,
    n_permutations: int = PERMUTATIONS,
    seed: int = 0,
) -> pd.DataFrame:
    """Compare conditions on one metric or several.

    Two conditions are compared by "welch", "mann_whitney", "kolmogorov_smirnov", "permutation" and, where persons or
    sessions are given, "mixed_model"; three or more also all at once by "anova", "kruskal_wallis", "permutation" and
    "mixed_model". Metrics of categories (texts, booleans, and numbers named in `nominal`) are compared by "chi_square"
    and "permutation". Decide which test counts before looking. Where rows hang together, because people talked to each
    other or answered more than once, it is permutation or mixed_model: the others take every row as independent, and
    say so in their note.

    Args:
        table: a row an observation.
        metric: the columns to compare. Missing values are left out, metric by metric, and counted in the note.
        by: the columns of the condition; several make one condition together. Not needed where control names them.
        control: the condition that all others are compared with, as a level or as {column: level}; when not given, all
            pairs are compared.
        cluster: the columns that say which rows hang together (several name a cluster together). Whole clusters are
            permuted, and drawn for intervals. When not given, session, or else person.
        person: the column of the person, for the mixed model; a random intercept.
        session: the column of the session, the same.
        nominal: metrics whose numbers are names of categories.
        tests: which; when not given, all that apply.
        confidence: of the intervals.
        n_resamples: of the bootstrap.
        n_permutations: at most.
        seed: of both.

    Returns:
        a DataFrame, a row a metric, test and pair, first those of all conditions at once:

        - metric, test;
        - a, b: the two conditions, b the control where there is one; None where all conditions are compared at once;
        - n, n_a, n_b: rows with a value, of the compared conditions, of a and of b;
        - mean_a, mean_b: the means, of a boolean the share of true; NaN for other categories;
        - difference: mean_a - mean_b;
        - statistic: t, U of a, the distance D, F, H, chi-square, z, or the difference of means that was permuted;
        - df, df_error: degrees of freedom; NaN where a test has none;
        - p: two-sided; NaN where there is none, and the note says why;
        - p_holm: corrected by Holm over all metrics and pairs of the same test;
        - effect: what effect_size is, above 0 where a is higher: hedges_g, cliffs_delta, ks_distance, mean_difference,
          eta_squared, epsilon_squared, cramers_v; empty where the test has none;
        - effect_size, ci_low, ci_high: with a bootstrap interval (Wald's for the mixed model, none for ks_distance).
          Those of eta_squared, epsilon_squared and cramers_v are never below 0: whether there is a difference is
          for p to say;
        - note: in plain words, what to know before p is believed.

    Raises:
        InvalidSettings: a column, a level or a test that is not there, fewer than two conditions, infinite values.

    >>> import pandas as pd
    >>> table = pd.DataFrame({"correction": [True, False] * 4, "fluency": [7, 4, 8, 5, 6, 3, 9, 5]})
    >>> result = compare(table, "fluency", control={"correction": False}, tests="welch")
    >>> result[["a", "b", "difference", "p"]].round(4).values.tolist()
    [[True, False, 3.25, 0.008]]
    """
    import pandas as pd

    metrics, chosen, named = (_tuple(one) for one in (metric, tests or (), nominal))
    if odd := [name for name in chosen if name not in {**_PAIRS, **_OMNIBUS}]:
        raise InvalidSettings(f"there is no test {odd[0]!r}; there are {', '.join({**_PAIRS, **_OMNIBUS})}")
    if not 0 < confidence < 1 or n_resamples < 1 or n_permutations < 1:
        raise InvalidSettings("confidence lies between 0 and 1, and n_resamples and n_permutations are 1 or more")
    conditions = Conditions(table, by, control, cluster=cluster, person=person, session=session)
    conditions.check_metrics(metrics, named)
    options = _Options(confidence, n_resamples, n_permutations, seed)
    lines: list[dict[str, Any]] = []
    for name in metrics:
        measured = conditions.measured(name, nominal=name in named)
        every = tuple(range(len(conditions.levels)))
        for levels in [*([every] if len(every) > 2 else []), *conditions.pairs]:
            part = measured.of(levels)
            for test, kind in _fitting(part, chosen).items():
                outcome = _tested(kind, part, options, conditions.without_condition)
                lines.append({"metric": name, "test": test, **_described(part, conditions, levels), **_shown(outcome)})
    frame = pd.DataFrame(lines, columns=[name for name in COLUMNS if name != "p_holm"])
    frame[["a", "b"]] = frame[["a", "b"]].astype(object).where(frame[["a", "b"]].notna(), None)
    for name in ("n", "n_a", "n_b"):
        frame[name] = frame[name].astype("Int64")
    frame.insert(COLUMNS.index("p_holm"), "p_holm", _corrected(frame))
    return frame


def _fitting(part: Measured, chosen: Sequence[str]) -> Mapping[str, _Test]:
    """Return the tests that apply to what was measured."""
    every = _PAIRS if len(part.missing) == 2 else _OMNIBUS
    of_categories = part.categories is not None
    fit = {
        name: test for name, test in every.items() if name == "permutation" or (name == "chi_square") == of_categories
    }
    if part.persons is None and part.sessions is None:
        fit.pop("mixed_model", None)
    return {name: test for name, test in fit.items() if not chosen or name in chosen}


def _tested(test: _Test, part: Measured, options: _Options, without_condition: int) -> Outcome:
    outcome = test.run(part, options)
    notes = [outcome.note]
    if test.measure is not None and not (part.categories is not None and test.effect == "mean_difference"):
        size = test.measure(*part.groups)
        interval = (math.nan, math.nan)
        if test.effect != "ks_distance":
            interval = _interval(test.measure, part, options)
            notes.append(_why(test.effect, size, interval, part))
        outcome = replace(outcome, effect=test.effect, effect_size=size, interval=interval)
    if test.independent and part.depends and not math.isnan(outcome.p):
        notes.append(
            "takes rows as independent, and they are in clusters: p is too low where a cluster's rows are alike"
        )
    if lost := int(part.missing.sum()):
        notes.append(f"{lost} missing {'value' if lost == 1 else 'values'} left out")
    if without_condition:
        notes.append(f"{without_condition} rows without a condition left out")
    return replace(outcome, note=sentences(*notes))


def _interval(measure: Callable[..., float], part: Measured, options: _Options) -> tuple[float, float]:
    return bootstrap_interval(
        measure,
        *part.groups,
        clusters=part.clusters_of_groups,
        n_resamples=options.n_resamples,
        confidence=options.confidence,
        seed=options.seed,
    )


def _why(effect: str, size: float, interval: tuple[float, float], part: Measured) -> str:
    """Return why there is no effect size or no interval, or how far it can be trusted."""
    if math.isnan(size):
        return f"{effect} is not defined for these values"
    if math.isnan(interval[0]):
        return f"{effect} has no interval: a condition has too few rows or clusters, or too little varies in it"
    if part.clusters_of_groups is not None:
        fewest = min(len(set(group.tolist())) for group in part.clusters_of_groups)
        return f"the interval is too narrow with only {fewest} clusters a condition" if fewest < 10 else ""
    return ""


def _described(part: Measured, conditions: Conditions, levels: Sequence[int]) -> dict[str, Any]:
    groups = part.groups
    described: dict[str, Any] = {"a": None, "b": None, "n": sum(map(len, groups)), "n_a": None, "n_b": None}
    described |= {"mean_a": math.nan, "mean_b": math.nan, "difference": math.nan}
    if len(levels) > 2:
        return described
    described |= {"a": conditions.levels[levels[0]], "b": conditions.levels[levels[1]]}
    described |= {"n_a": len(groups[0]), "n_b": len(groups[1])}
    if part.categories is None or part.truth:
        # Of booleans of one kind, the one code is 0 even where it stands for true.
        real = [group.astype(float) if part.categories is None else _truths(part, group) for group in groups]
        means = [float(group.mean()) if len(group) else math.nan for group in real]
        described |= {"mean_a": means[0], "mean_b": means[1], "difference": means[0] - means[1]}
    return described


def _truths(part: Measured, group: Any) -> Any:
    import numpy as np

    return np.array(part.categories, dtype=float)[group]


def _shown(outcome: Outcome) -> dict[str, Any]:
    shown: dict[str, Any] = {name: getattr(outcome, name) for name in ("statistic", "df", "df_error", "p")}
    shown |= {"effect": outcome.effect, "effect_size": outcome.effect_size}
    return shown | {"ci_low": outcome.interval[0], "ci_high": outcome.interval[1], "note": outcome.note}


def _corrected(frame: pd.DataFrame) -> pd.Series[float]:
    """Correct over metrics and pairs of each test; what compares all conditions at once is a family of its own."""
    import pandas as pd

    corrected = pd.Series(math.nan, index=frame.index, dtype=float)
    for _, family in frame.groupby(["test", frame["a"].isna()], sort=False):
        corrected[family.index] = holm(family["p"].to_numpy(dtype=float))
    return corrected


def _tuple(names: Names) -> tuple[str, ...]:
    return (names,) if isinstance(names, str) else tuple(names)


def _ks_distance(a: Any, b: Any) -> float:
    return rows.kolmogorov_smirnov(a, b).statistic


def _on_groups(test: Callable[..., Outcome]) -> Callable[[Measured, _Options], Outcome]:
    return lambda part, options: test(*part.groups)


def _chi_square(part: Measured, options: _Options) -> Outcome:
    return rows.chi_square(part.counts)


def _permutation(part: Measured, options: _Options) -> Outcome:
    of_categories = part.categories is not None
    return permutation(
        part.values,
        part.conditions,
        part.clusters,
        categories=of_categories,
        n_permutations=options.n_permutations,
        seed=options.seed,
    )


def _mixed_model(part: Measured, options: _Options) -> Outcome:
    factors = {"persons": part.persons, "sessions": part.sessions}
    return mixed_model(part.values, part.conditions, **factors, confidence=options.confidence)


_PAIRS: dict[str, _Test] = {
    "welch": _Test(_on_groups(rows.welch), "hedges_g", effects.hedges_g),
    "mann_whitney": _Test(_on_groups(rows.mann_whitney), "cliffs_delta", effects.cliffs_delta),
    "kolmogorov_smirnov": _Test(_on_groups(rows.kolmogorov_smirnov), "ks_distance", _ks_distance),
    "chi_square": _Test(_chi_square, "cramers_v", effects.cramers_v),
    "permutation": _Test(_permutation, "mean_difference", effects.mean_difference, independent=False),
    "mixed_model": _Test(_mixed_model, independent=False),
}
_OMNIBUS: dict[str, _Test] = {
    "anova": _Test(_on_groups(rows.anova), "eta_squared", effects.eta_squared),
    "kruskal_wallis": _Test(_on_groups(rows.kruskal_wallis), "epsilon_squared", effects.epsilon_squared),
    "chi_square": _Test(_chi_square, "cramers_v", effects.cramers_v),
    "permutation": _Test(_permutation, independent=False),
    "mixed_model": _Test(_mixed_model, independent=False),
}
