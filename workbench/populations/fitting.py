"""Fitting shares of combinations to several targets at once, and finding out which targets cannot be met together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from workbench.errors import InvalidSettings

if TYPE_CHECKING:
    import numpy as np

    Numbers = np.ndarray[Any, np.dtype[Any]]
    Indices = np.ndarray[Any, np.dtype[np.intp]]

ROUNDS = 1000
NEAR = 1e-10
"""From this error on, the fit is done."""
SLACK = 1e-6
"""The error that solvers leave in what is met."""


@dataclass(frozen=True)
class Target:
    """Shares that sums over cells should have: a marginal, or a table of several dimensions."""

    dimensions: tuple[str, ...]
    labels: tuple[str, ...]
    """Of each sum."""
    shares: Numbers
    cell_of: Indices
    """For each cell, the number of the sum that it counts in."""

    def sums(self, cells: Numbers) -> Numbers:
        """Return the sums over cells."""
        import numpy as np

        return np.bincount(self.cell_of, weights=cells, minlength=len(self.shares))


def fit(start: Numbers, targets: Sequence[Target], why: str = "") -> Numbers:
    """Return shares of cells that meet all targets, as near to a start as can be (in relative entropy).

    Iterative proportional fitting: Deming and Stephan 1940, doi:10.1214/aoms/1177731829.

    Args:
        start: of each cell, not negative. A cell of 0 stays 0.
        targets: each adds up to 1.
        why: what else restricts the cells, for the message.

    Raises:
        InvalidSettings: they cannot be met together; those that fail are named, with the nearest that can be had.
    """
    import numpy as np

    cells = start / start.sum() if start.sum() > 0 else start
    for _ in range(ROUNDS):
        for target in targets:
            sums = target.sums(cells)
            factors = np.divide(target.shares, sums, out=np.zeros_like(sums), where=sums > 0)
            cells = cells * factors[target.cell_of]
        if _error(cells, targets) < NEAR:
            return cells
    _check_feasible(start, targets, why)
    return cells


def _error(cells: Numbers, targets: Sequence[Target]) -> float:
    return max(float(abs(target.sums(cells) - target.shares).max()) for target in targets)


def _check_feasible(start: Numbers, targets: Sequence[Target], why: str) -> None:
    """Find the cells that miss the targets by the least (a linear program), and name what they miss."""
    import numpy as np
    from scipy.optimize import linprog
    from scipy.sparse import eye_array, hstack

    open_cells = np.flatnonzero(start > 0)
    shares = np.concatenate([target.shares for target in targets])
    sums, n_sums = sums_matrix(targets, open_cells), len(shares)
    elastic = hstack([sums, eye_array(n_sums), -eye_array(n_sums)], format="csr")
    costs = np.concatenate([np.zeros(len(open_cells)), np.ones(2 * n_sums)])
    best = linprog(costs, A_eq=elastic, b_eq=shares, bounds=(0, None))
    missed = best.x[len(open_cells) :][:n_sums] - best.x[len(open_cells) + n_sums :]
    if best.fun <= SLACK:
        return
    labels = [label for target in targets for label in target.labels]
    wrong = [
        f"{label} is to be {share:.1%}, the nearest is {share - miss:.1%}"
        for label, share, miss in zip(labels, shares, missed, strict=True)
        if abs(miss) > SLACK
    ]
    raise InvalidSettings(
        f"the quotas cannot be met together{why}: {'; '.join(wrong)}. Change these shares or what rules them out"
    )


def sums_matrix(targets: Sequence[Target], cells: Indices) -> Any:
    """Return the sparse matrix that takes some of the cells to all sums of all targets, shape (sums, cells)."""
    import numpy as np
    from scipy.sparse import csr_array

    starts = np.cumsum([0, *(len(target.shares) for target in targets)])
    rows = np.concatenate([target.cell_of[cells] + first for target, first in zip(targets, starts, strict=False)])
    columns = np.tile(np.arange(len(cells)), len(targets))
    return csr_array((np.ones(len(rows)), (rows, columns)), shape=(starts[-1], len(cells)))
