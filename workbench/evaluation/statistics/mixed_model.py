"""A linear mixed model: conditions, with persons and sessions as random intercepts.

statsmodels has the regression, and not the search for the variances. Its `MixedLM` (0.15) takes a variance of 0, which
small studies often have, for an infinite one: with its optimisers lbfgs, bfgs and powell it then reports a wrong model,
and its standard errors come from a Hessian that is singular there. In tables where it does find the best model, the
variances and differences here are the same, and tests hold them together.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from workbench.evaluation.statistics.clusters import components
from workbench.evaluation.statistics.outcomes import Outcome, constant, quiet, sentences

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Numbers = npt.NDArray[np.float64]
    Indices = npt.NDArray[np.intp]

FEW = 20
"""Groups under which p is too low."""
MOST_ROWS = 1500
"""That hang together by persons and sessions: the time grows with the cube of them, and these take some seconds."""
_WIDEST = 1e3
"""The largest ratio of a standard deviation between groups to that of rows."""


def mixed_model(
    values: npt.ArrayLike,
    conditions: npt.ArrayLike,
    *,
    persons: npt.ArrayLike | None = None,
    sessions: npt.ArrayLike | None = None,
    confidence: float = 0.95,
) -> Outcome:
    """Compare means where rows of a person, of a session or of both are alike.

    Laird & Ware (1982), doi:10.2307/2529876; variances by restricted maximum likelihood (Patterson & Thompson 1971,
    doi:10.1093/biomet/58.3.545). With persons and sessions both are random intercepts, crossed or nested as they are in
    the data (Baayen, Davidson & Bates 2008, doi:10.1016/j.jml.2007.12.005). Slopes are the same for all: where a
    condition works differently on each person, p is too low (Barr et al. 2013, doi:10.1016/j.jml.2012.11.001).

    Of two conditions the statistic is z and the effect is mean(0) - mean(1) as the model has it, with Wald's interval;
    of more it is Wald's chi-square. With few persons or sessions p is too low, and the note says so.

    Args:
        values: numbers; none of them missing.
        conditions: the condition of each row, as a code from 0.
        persons: the person of each row, as a code from 0.
        sessions: the session of each row, as a code from 0.
        confidence: of the interval.
    """
    import numpy as np

    y, given = np.asarray(values, dtype=float), np.asarray(conditions, dtype=np.intp)
    levels = np.unique(given)
    factors = {"person": persons, "session": sessions}
    grouped = {name: np.asarray(one, dtype=np.intp) for name, one in factors.items() if one is not None}
    if why := _unfit(y, given, grouped):
        return Outcome(effect="mean_difference" if len(levels) == 2 else "", note=why)
    # The last condition is what the others are held against.
    exog = np.column_stack([np.ones(len(y)), *((given == level).astype(float) for level in levels[:-1])])
    with quiet():
        model = _Model.of(y / y.std(), exog, list(grouped.values()))
        ratios = model.best_ratios()
        fitted = model.fitted(ratios)
        note = sentences(_variances(list(grouped), ratios), _few(grouped))
        if len(levels) == 2:
            return _z(fitted, confidence, float(y.std()), note)
        test = fitted.wald_test(np.eye(len(levels))[1:], use_f=False, scalar=True)
    return Outcome(float(test.statistic), float(test.pvalue), df=len(levels) - 1, note=note)


@dataclass(frozen=True)
class _Model:
    """Rows that hang together only within blocks; blocks of one size are stacked."""

    stacks: Sequence[tuple[Numbers, Sequence[Numbers]]]
    """Of each size: the explaining columns and the values (blocks x rows x columns), and per factor which rows are of
    one group (blocks x rows x rows)."""
    n: int
    k: int

    @classmethod
    def of(cls, y: Numbers, exog: Numbers, factors: Sequence[Indices]) -> _Model:
        import numpy as np

        block = components(factors[0], factors[-1])
        order = np.argsort(block, kind="stable")
        blocks = np.split(order, np.flatnonzero(np.diff(block[order])) + 1)
        both, stacks = np.column_stack([exog, y]), []
        for size in sorted({len(rows) for rows in blocks}):
            rows = np.array([rows for rows in blocks if len(rows) == size])
            alike = [(codes[rows][:, :, None] == codes[rows][:, None, :]).astype(float) for codes in factors]
            stacks.append((both[rows], alike))
        return cls(stacks, len(y), exog.shape[1])

    def whitened(self, ratios: Sequence[float]) -> tuple[Numbers, float]:
        """Return all columns as if rows were independent, and the logarithm of the determinant of their covariance."""
        import numpy as np
        from scipy.linalg import solve_triangular

        parts, log_determinant = [], 0.0
        for columns, alike in self.stacks:
            covariance = np.eye(columns.shape[1]) + sum(r**2 * one for r, one in zip(ratios, alike, strict=True))
            root = np.linalg.cholesky(covariance)
            if len(columns) == 1:
                parts.append(solve_triangular(root[0], columns[0], lower=True, check_finite=False))
            else:
                parts.append(np.linalg.solve(root, columns).reshape(-1, columns.shape[2]))
            log_determinant += 2 * float(np.log(np.diagonal(root, axis1=1, axis2=2)).sum())
        return np.concatenate(parts), log_determinant

    def deviance(self, ratios: Sequence[float]) -> float:
        """Return -2 times the restricted log-likelihood, but for a constant.

        Args:
            ratios: of the standard deviation between the groups of a factor to that between rows.
        """
        import numpy as np

        columns, log_determinant = self.whitened(ratios)
        triangle = np.linalg.qr(columns, mode="r")
        own = np.abs(np.diag(triangle))
        left = max(float(own[-1]), 1e-150)
        return 2 * (self.n - self.k) * math.log(left) + log_determinant + 2 * float(np.log(own[:-1]).sum())

    def best_ratios(self) -> list[float]:
        """Return the ratios of the highest restricted likelihood; exactly 0 where that is as likely."""
        from scipy.optimize import minimize

        n_factors = len(self.stacks[0][1])
        bounds = [(0, _WIDEST)] * n_factors
        starts = [minimize(self.deviance, [start] * n_factors, method="L-BFGS-B", bounds=bounds) for start in (0.2, 1)]
        near = min(starts, key=lambda found: found.fun)
        limits = {"xatol": 1e-8, "fatol": 1e-11, "maxiter": 400}
        best = [
            float(r) for r in minimize(self.deviance, near.x, method="Nelder-Mead", bounds=bounds, options=limits).x
        ]
        for place in range(n_factors):
            without = [*best[:place], 0.0, *best[place + 1 :]]
            if self.deviance(without) <= self.deviance(best) + 1e-9:
                best = without
        return best

    def fitted(self, ratios: Sequence[float]) -> Any:
        """Return statsmodels' regression on whitened columns."""
        from statsmodels.regression.linear_model import OLS

        columns, _ = self.whitened(ratios)
        return OLS(columns[:, -1], columns[:, :-1]).fit(use_t=False)


def _z(fitted: Any, confidence: float, unit: float, note: str) -> Outcome:
    z, p, size = float(fitted.tvalues[1]), float(fitted.pvalues[1]), float(fitted.params[1])
    low, high = (float(end) * unit for end in fitted.conf_int(alpha=1 - confidence)[1])
    return Outcome(z, p, effect="mean_difference", effect_size=size * unit, interval=(low, high), note=note)


def _unfit(y: Numbers, conditions: Indices, grouped: dict[str, Indices]) -> str:
    """Return why no model of this can be, or nothing."""
    import numpy as np

    levels = np.unique(conditions)
    if len(levels) < 2:
        return "fewer than two conditions have values"
    if constant([y[conditions == level] for level in levels]):
        return "no two values within a condition differ: the model is not defined"
    if len(y) <= len(levels):
        return "too few values: there are no more than conditions"
    for name, codes in grouped.items():
        n_groups = len(np.unique(codes))
        if n_groups == len(y):
            return f"each {name} has one row: there is nothing to tell a {name} from a row"
        if n_groups == 1:
            return f"all rows are of one {name}: leave {name} out"
        if n_groups == len(levels) == _n_pairs(codes, conditions):
            return f"one {name} a condition: what comes of the condition and what of the {name} is unknown"
    if len(grouped) == 2:
        persons, sessions = grouped.values()
        if _n_pairs(persons, sessions) == len(np.unique(persons)) == len(np.unique(sessions)):
            return "each session is one person: leave one of the two out"
        if (most := int(np.bincount(components(persons, sessions)).max())) > MOST_ROWS:
            return (
                f"{most:,} rows hang together by persons and sessions (at most {MOST_ROWS:,}): leave one of the two out"
            )
    return ""


def _n_pairs(first: Indices, second: Indices) -> int:
    import numpy as np

    return int(np.unique(np.stack([first, second]), axis=1).shape[1])


def _variances(names: Sequence[str], ratios: Sequence[float]) -> str:
    nothing = [f"no variance between {name}s was found" for name, r in zip(names, ratios, strict=True) if not r]
    alike = [f"the rows of a {name} are all alike" for name, r in zip(names, ratios, strict=True) if r > 0.99 * _WIDEST]
    return sentences(*nothing, *alike)


def _few(grouped: dict[str, Indices]) -> str:
    import numpy as np

    counts = {name: len(np.unique(codes)) for name, codes in grouped.items()}
    few = [f"{count} {name}s" for name, count in counts.items() if count < FEW]
    return f"p is too low with only {' and '.join(few)}" if few else ""
