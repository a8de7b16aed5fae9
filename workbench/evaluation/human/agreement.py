"""Agreement of two answers a person: accuracy, kappa and mean error, of a table of how often each pair occurs.

A table is k x k, rows the simulated answer and columns the person's own; axes before are samples, all at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import numpy as np

    Numbers = np.ndarray[Any, np.dtype[Any]]

Weighting = Literal["none", "linear", "quadratic"]


def accuracy(joint: Numbers) -> Numbers:
    """Return the share of people whose own answer was given for them."""
    import numpy as np

    return np.asarray(np.trace(joint, axis1=-2, axis2=-1) / joint.sum(axis=(-2, -1)))


def normalised(agreement: Numbers, retest: Numbers) -> Numbers:
    """Return agreement with a person / the person's agreement with themselves; NaN where nobody agrees with themselves.

    Source: Park et al. 2024, arXiv 2411.10109. It is 1 where a simulation knows people as well as they do.
    """
    import numpy as np

    agreement, retest = np.asarray(agreement, dtype=float), np.asarray(retest, dtype=float)
    ratio = np.divide(agreement, retest, out=np.full(retest.shape, np.nan), where=retest > 0)
    return np.asarray(ratio)


def mean_absolute_error(joint: Numbers, positions: Numbers) -> Numbers:
    """Return how far the answers are from the person's own on average, in points of the scale."""
    import numpy as np

    apart = np.abs(positions[:, None] - positions[None, :])
    return np.asarray((joint * apart).sum(axis=(-2, -1)) / joint.sum(axis=(-2, -1)))


def kappa(joint: Numbers, weighting: Weighting = "none", positions: Numbers | None = None) -> Numbers:
    """Return Cohen's kappa: agreement beyond that of chance, 1 at most; NaN where chance alone would agree in all.

    Sources: Cohen 1960 (doi:10.1177/001316446002000104); weighted, Cohen 1968 (doi:10.1037/h0026256).

    Args:
        joint: how often each pair occurs.
        weighting: how much worse it is to be far off: by distance, or by its square.
        positions: of the options, where they are not even.
    """
    import numpy as np

    k = joint.shape[-1]
    places = np.arange(k, dtype=float) if positions is None else positions
    apart = np.abs(places[:, None] - places[None, :])
    cost = {"none": (apart > 0).astype(float), "linear": apart, "quadratic": apart**2}[weighting]
    shares = joint / joint.sum(axis=(-2, -1), keepdims=True)
    by_chance = shares.sum(axis=-1)[..., :, None] * shares.sum(axis=-2)[..., None, :]
    seen, expected = (shares * cost).sum(axis=(-2, -1)), (by_chance * cost).sum(axis=(-2, -1))
    ratio = np.divide(seen, expected, out=np.full(np.shape(expected), np.nan), where=expected > _DUST)
    return np.asarray(1 - ratio)


_DUST = 1e-12
