"""A linear mixed model: conditions, with persons and sessions as random intercepts.

The search for the variances is our own. The `MixedLM` of statsmodels (0.15) takes a variance of 0, which small studies
often have, for an infinite one: with its optimisers lbfgs, bfgs and powell it then reports a wrong model, and its
standard errors come from a Hessian that is singular there. Where it does find the best model, variances and differences
are the same here, and tests hold the two together.
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
MOST_CROSSED = 500
"""Sessions, or persons if they are fewer, that hang together: the time grows with the cube of them."""
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
    # The last condition is what the others are held against. Means are taken out first, or rounding would count.
    indicators = np.stack([given == level for level in levels], axis=1).astype(float)
    means = indicators.T @ y / indicators.sum(axis=0)
    left = y - indicators @ means
    unit = float(left.std())
    exog = np.column_stack([np.ones(len(y)), indicators[:, :-1]])
    with quiet():
        try:
            model = _Model.of(left / unit, exog, list(grouped.values()))
            ratios = model.best_ratios()
            differences, covariance = model.differences(ratios)
        except (np.linalg.LinAlgError, ArithmeticError):
            effect = "mean_difference" if len(levels) == 2 else ""
            return Outcome(
                effect=effect, note="the model could not be fitted: values are too unlike each other in size"
            )
    differences = differences + (means[:-1] - means[-1]) / unit
    note = sentences(_variances(list(grouped), ratios), _few(grouped))
    if len(levels) == 2:
        return _z(unit * differences[0], unit * math.sqrt(covariance[0, 0]), confidence, note)
    return _wald(differences, covariance, note)


@dataclass(frozen=True)
class _Model:
    """Sums of which everything else is made; as large as there are persons and sessions, not rows."""

    n: int
    products: Numbers
    """Of the explaining columns and the values, the last, with each other."""
    group_sums: Numbers
    """Of the same columns, for each person and each session."""
    group_products: Any
    """How many rows each two of them share; sparse."""
    factor_of: Indices
    """Whether each is a person (0) or a session (1)."""

    @classmethod
    def of(cls, y: Numbers, exog: Numbers, factors: Sequence[Indices]) -> _Model:
        import numpy as np
        from scipy.sparse import csc_array, hstack

        columns, n = np.column_stack([exog, y]), len(y)
        places = [np.unique(codes, return_inverse=True)[1] for codes in factors]
        parts = [csc_array((np.ones(n), (np.arange(n), place)), shape=(n, place.max() + 1)) for place in places]
        groups = hstack(parts, format="csc")
        factor_of = np.repeat(np.arange(len(parts)), [part.shape[1] for part in parts])
        return cls(n, columns.T @ columns, groups.T @ columns, (groups.T @ groups).tocsc(), factor_of)

    def weighted(self, ratios: Sequence[float] | Numbers) -> tuple[Numbers, float]:
        """Return the products under the inverse of the rows' covariance, and the logarithm of its determinant.

        By the matrix identities of Woodbury and Sylvester, so that only persons and sessions count.

        Args:
            ratios: of the standard deviation between the groups of a factor to that between rows.
        """
        import numpy as np
        from scipy.sparse import diags_array, eye_array
        from scipy.sparse.linalg import splu

        each = np.asarray(ratios)[self.factor_of]
        scale = diags_array(each)
        inner = (eye_array(len(each)) + scale @ self.group_products @ scale).tocsc()
        parts = splu(inner, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options={"SymmetricMode": True})
        sums = each[:, None] * self.group_sums
        return self.products - sums.T @ parts.solve(sums), float(np.log(np.abs(parts.U.diagonal())).sum())

    def deviance(self, ratios: Sequence[float] | Numbers) -> float:
        """Return -2 times the restricted log-likelihood, but for a constant."""
        import numpy as np

        products, log_determinant = self.weighted(ratios)
        root = np.log(np.diag(np.linalg.cholesky(products)))
        return 2 * (self.n - len(root) + 1) * float(root[-1]) + log_determinant + 2 * float(root[:-1].sum())

    def best_ratios(self) -> list[float]:
        """Return the ratios of the highest restricted likelihood; exactly 0 where that is as likely."""
        from scipy.optimize import minimize

        n_factors = int(self.factor_of.max()) + 1
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

    def differences(self, ratios: Sequence[float]) -> tuple[Numbers, Numbers]:
        """Return the differences from the last condition by generalised least squares, and their covariance."""
        import numpy as np

        products, _ = self.weighted(ratios)
        inverse = np.linalg.inv(products[:-1, :-1])
        coefficients = inverse @ products[:-1, -1]
        left = float(products[-1, -1] - products[:-1, -1] @ coefficients)
        return coefficients[1:], inverse[1:, 1:] * left / (self.n - len(coefficients))


def _z(difference: float, error: float, confidence: float, note: str) -> Outcome:
    from scipy.stats import norm

    z, reach = difference / error, float(norm.ppf((1 + confidence) / 2)) * error
    interval = (float(difference - reach), float(difference + reach))
    p = float(2 * norm.sf(abs(z)))
    return Outcome(float(z), p, effect="mean_difference", effect_size=float(difference), interval=interval, note=note)


def _wald(differences: Numbers, covariance: Numbers, note: str) -> Outcome:
    import numpy as np
    from scipy.stats import chi2

    statistic = float(differences @ np.linalg.solve(covariance, differences))
    return Outcome(statistic, float(chi2.sf(statistic, len(differences))), df=len(differences), note=note)


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
        if (most := _most_crossed(persons, sessions)) > MOST_CROSSED:
            return f"{most:,} of persons and sessions are crossed (at most {MOST_CROSSED:,}): leave one of the two out"
    return ""


def _most_crossed(persons: Indices, sessions: Indices) -> int:
    """Return how many sessions hang together, or persons if they are fewer."""
    import numpy as np

    block = components(persons, sessions)
    counts = [np.bincount(block[np.unique(codes, return_index=True)[1]]) for codes in (persons, sessions)]
    size = min(map(len, counts))
    return int(np.minimum(counts[0][:size], counts[1][:size]).max())


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
