"""A multinomial logistic regression, small enough to read: the baseline that a simulation of persons has to beat."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    Numbers = np.ndarray[Any, np.dtype[Any]]

PENALTY = 1.0
"""Of squared coefficients, halved: small, and enough that attributes which tell all apart have an end."""
FEW = 12
"""Different numbers of an attribute up to which each is a level of its own."""


def design(attributes: pd.DataFrame) -> Numbers:
    """Return attributes as columns of numbers: a column a level, and standardised numbers; what is missing is a level.

    Args:
        attributes: a row a person.
    """
    import numpy as np
    import pandas as pd

    columns = [np.ones(len(attributes))]
    for name in attributes.columns:
        values = attributes[name]
        if pd.api.types.is_numeric_dtype(values) and values.nunique() > FEW:
            numbers = values.to_numpy(dtype=float, na_value=math.nan)
            spread = np.nanstd(numbers)
            columns.append(np.nan_to_num((numbers - np.nanmean(numbers)) / spread))
            columns.append(np.isnan(numbers).astype(float))
        else:
            levels = [None if pd.isna(value) else str(value) for value in values]
            columns.extend(np.array([one == level for one in levels], dtype=float) for level in dict.fromkeys(levels))
    return np.column_stack(columns)


def fit(x: Numbers, y: Numbers, k: int, weights: Numbers | None = None, *, penalty: float = PENALTY) -> Numbers:
    """Return coefficients, a row a column of `x` and a column a class; the first column of `x` is not penalised.

    Args:
        x: a row a person, the first column ones.
        y: the class of each, 0 to k - 1.
        k: the number of classes.
        weights: of the people.
        penalty: of squared coefficients.
    """
    import numpy as np
    from scipy import optimize, special

    chosen = np.eye(k)[y]
    weight = np.ones(len(y)) if weights is None else weights * len(y) / weights.sum()
    held = np.full((x.shape[1], k), penalty)
    held[0] = 0

    def loss(flat: Numbers) -> tuple[float, Numbers]:
        beta = flat.reshape(x.shape[1], k)
        logs = special.log_softmax(x @ beta, axis=1)
        value = -(weight * (chosen * logs).sum(axis=1)).sum() + (held * beta**2).sum() / 2
        slope = x.T @ (weight[:, None] * (np.exp(logs) - chosen)) + held * beta
        return float(value), slope.ravel()

    start = np.zeros(x.shape[1] * k)
    found = optimize.minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 1000, "gtol": 1e-7})
    return np.asarray(found.x.reshape(x.shape[1], k))


def predicted(
    attributes: pd.DataFrame, y: Numbers, k: int, *, weights: Numbers | None = None, folds: int = 5, seed: int = 0
) -> Numbers:
    """Return the class that each person is predicted to be in by a model of the others: cross-validated.

    Args:
        attributes: a row a person.
        y: the class of each, 0 to k - 1.
        k: the number of classes.
        weights: of the people.
        folds: into which people are divided at random.
        seed: of the division.
    """
    import numpy as np
    from threadpoolctl import threadpool_limits

    x = design(attributes)
    fold = np.random.default_rng(seed).permutation(np.arange(len(y)) % folds)
    classes = np.zeros(len(y), dtype=np.intp)
    with threadpool_limits(1):  # vectors so short are slower on many threads: seven times here
        for number in range(folds):
            held_out = fold == number
            others = None if weights is None else weights[~held_out]
            classes[held_out] = (x[held_out] @ fit(x[~held_out], y[~held_out], k, others)).argmax(axis=1)
    return classes
