"""Whole people out of shares: the largest remainder, and a seeded rounding of tables that keeps their margins."""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from workbench.errors import WorkbenchError
from workbench.populations.fitting import Target, sums_matrix

if TYPE_CHECKING:
    import numpy as np

    from workbench.populations.fitting import Indices, Numbers

EPSILON = 1e-7
"""Under which a fraction of a person is the solver's noise."""
MOST_CANDIDATES = 4000
"""Cells that the solver chooses from at first: it takes 0.6 s for these, and 6 s for 20,000."""

NEAR_ENOUGH = MappingProxyType({"mip_rel_gap": 0.01, "node_limit": 1000})
"""When the solver ends: a draw by chance needs no proof of the last per cent. A limit of time could not be repeated."""


def largest_remainder(shares: Numbers, n: int) -> Indices:
    """Return whole counts that add up to n, each within 1 of its share (Hamilton's method). Ties go to the first.

    >>> import numpy as np
    >>> largest_remainder(np.array([0.45, 0.35, 0.2]), 10)
    array([5, 3, 2])
    """
    import numpy as np

    exact = np.asarray(shares, dtype=float) * n
    counts = np.floor(exact + EPSILON).astype(np.intp)
    left = n - int(counts.sum())
    counts[np.argsort(counts - exact, kind="stable")[:left]] += 1
    return counts


def round_cells(cells: Numbers, targets: Sequence[Target], n: int, rng: np.random.Generator) -> Indices:
    """Return how many of n people are in each cell: a seeded draw that keeps the targets.

    Each cell gets what its share comes to, rounded down or up: up with the more chance the larger its remainder is, in
    such a way that every marginal has its counts by largest remainder and every table cell is within 1 of its share
    (a controlled rounding; Cox 1987, doi:10.2307/2288853). Where the margins leave no such rounding, the nearest to the
    shares is taken.

    Args:
        cells: shares that meet the targets.
        targets: what they meet.
        n: how many people.
        rng: of the draw.
    """
    import numpy as np

    exact = cells * n
    base = np.floor(exact + EPSILON)
    chances = np.clip(exact - base, EPSILON, 1 - EPSILON)
    gains = np.log(chances / (1 - chances)) + rng.logistic(size=len(cells))
    for candidates in _candidates(np.where(cells > 0, gains, -np.inf), base, n):
        chosen = _round_up(candidates, gains[candidates], base, targets, n)
        if chosen is not None:
            base[chosen] += 1
            return base.astype(np.intp)
    return _nearest(exact, targets, n)


def _candidates(gains: Numbers, base: Numbers, n: int) -> list[Indices]:
    import numpy as np

    every = np.flatnonzero(gains > -np.inf)
    most = max(MOST_CANDIDATES, 10 * (n - int(base.sum())))
    best_first = np.argsort(-gains, kind="stable")
    sizes = [size for size in (most, 4 * most, 16 * most) if size < len(every)]
    return [*(np.sort(best_first[:size]) for size in sizes), every]


def _round_up(candidates: Indices, gains: Numbers, base: Numbers, targets: Sequence[Target], n: int) -> Indices | None:
    """Return which cells get one person more; None where there is no way."""
    import numpy as np
    from scipy.optimize import Bounds, LinearConstraint, milp

    low, high = (np.concatenate(ends) for ends in zip(*(_bounds(target, n) for target in targets), strict=True))
    have = np.concatenate([target.sums(base) for target in targets])
    limits = LinearConstraint(sums_matrix(targets, candidates), low - have, high - have)
    ones = np.ones(len(candidates))
    best = milp(-gains, integrality=ones, bounds=Bounds(0, 1), constraints=limits, options={**NEAR_ENOUGH})
    return candidates[np.round(best.x) == 1] if best.x is not None else None


def _bounds(target: Target, n: int) -> tuple[Numbers, Numbers]:
    """Return the fewest and the most people that each sum may have."""
    import numpy as np

    if len(target.dimensions) == 1:
        counts = largest_remainder(target.shares, n).astype(float)
        return counts, counts
    exact = target.shares * n
    return np.floor(exact + EPSILON), np.ceil(exact - EPSILON)


def _nearest(exact: Numbers, targets: Sequence[Target], n: int) -> Indices:
    """Return whole counts whose sums are as near to the targets as can be, and then as near to the shares."""
    import numpy as np
    from scipy.optimize import Bounds, LinearConstraint, milp
    from scipy.sparse import csr_array, eye_array, hstack, vstack

    open_cells = np.flatnonzero(exact > 0)
    k = len(open_cells)
    wanted = np.concatenate([target.shares * n for target in targets])
    sums, m = sums_matrix(targets, open_cells), len(wanted)
    # columns: the counts, how far each is from its share, how far each sum is from its target
    far = hstack([eye_array(k), -eye_array(k), csr_array((k, m))])
    near = hstack([-eye_array(k), -eye_array(k), csr_array((k, m))])
    over = hstack([sums, csr_array((m, k)), -eye_array(m)])
    under = hstack([-sums, csr_array((m, k)), -eye_array(m)])
    shares = exact[open_cells]
    limits = [
        LinearConstraint(vstack([far, near, over, under]), -np.inf, np.concatenate([shares, -shares, wanted, -wanted])),
        LinearConstraint(np.concatenate([np.ones(k), np.zeros(k + m)])[None, :], n, n),
    ]
    costs = np.concatenate([np.zeros(k), np.ones(k), np.full(m, float(k))])
    whole = np.concatenate([np.ones(k), np.zeros(k + m)])
    best: Any = milp(costs, integrality=whole, bounds=Bounds(0, np.inf), constraints=limits)
    if best.x is None:
        raise WorkbenchError(f"no way was found to make {n} people of the quotas: {best.message}")
    counts = np.zeros(len(exact), dtype=np.intp)
    counts[open_cells] = np.round(best.x[:k]).astype(np.intp)
    return counts
