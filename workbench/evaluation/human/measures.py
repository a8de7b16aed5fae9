"""Which statistics belong to which kind of question, each as a function of means over people."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from workbench.evaluation.human import distances, rankings
from workbench.evaluation.human.kinds import Question

if TYPE_CHECKING:
    import numpy as np

    Numbers = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True)
class Measure:
    """A statistic of both sides together."""

    name: str
    of: Callable[[Numbers, Numbers], Numbers]
    """Of the means of the simulated and of the human sample."""
    distance: bool = True
    """Whether it is 0 where both are equal, and never below."""
    undefined: str = ""
    """Why there is no value, where there is none."""


@dataclass(frozen=True)
class Figure:
    """A statistic of one side alone, to be shown beside the same of the other."""

    name: str
    of: Callable[[Numbers], Numbers]
    option: str = ""
    low: float = -float("inf")
    high: float = float("inf")
    undefined: str = ""


def measures_of(question: Question, n_simulated: int, n_human: int) -> list[Measure]:
    """Return the statistics of both sides that belong to a kind of question, the first the one verdicts rest on.

    Args:
        question: what it is.
        n_simulated: people in the first sample.
        n_human: people in the second.
    """
    if question.kind == "ranking":
        return _of_rankings(len(question.options))
    if question.kind == "nominal":
        return [
            Measure("total_variation", distances.total_variation),
            Measure("jensen_shannon", distances.jensen_shannon),
        ]
    return _on_scale(question, n_simulated, n_human)


def _on_scale(question: Question, n_simulated: int, n_human: int) -> list[Measure]:
    positions = _positions(question)
    corrected = [distances.spread_correction(n) for n in (n_simulated, n_human)]

    def spread(p: Numbers, side: int) -> Numbers:
        return distances.sd(p, positions) * corrected[side]

    def moved(p: Numbers, q: Numbers) -> Numbers:
        moved = distances.wasserstein(p, q, positions)
        return moved if question.kind == "ordinal" else over(moved * question.span, spread(q, 1))

    no_spread = "one person has no spread" if min(n_simulated, n_human) < 2 else "all humans gave the same answer"
    return [
        Measure("wasserstein", moved, undefined=f"{no_spread}: no SD to measure it in"),
        Measure("kolmogorov_smirnov", distances.kolmogorov_smirnov),
        Measure("sd_ratio", lambda p, q: over(spread(p, 0), spread(q, 1)), distance=False, undefined=no_spread),
        Measure(
            "mean_difference",
            lambda p, q: distances.mean(p, positions) - distances.mean(q, positions),
            distance=False,
        ),
    ]


def _of_rankings(k: int) -> list[Measure]:
    tied = "all options have the same mean rank on one side"
    return [
        Measure("rank_distance", lambda p, q: rankings.rank_distance(p[..., :k], q[..., :k])),
        Measure("first_choice_variation", lambda p, q: distances.total_variation(p[..., k:], q[..., k:])),
        Measure("spearman", lambda p, q: rankings.spearman(p[..., :k], q[..., :k]), distance=False, undefined=tied),
        Measure("kendall", lambda p, q: rankings.kendall(p[..., :k], q[..., :k]), distance=False, undefined=tied),
        Measure("top_1_agreement", lambda p, q: rankings.same_first(p[..., :k], q[..., :k]), distance=False),
    ]


def figures_of(question: Question, n: int) -> list[Figure]:
    """Return the statistics of one side that belong to a kind of question.

    Args:
        question: what it is.
        n: people in the sample.
    """
    k = len(question.options)
    names = [str(option) for option in question.options]
    if question.kind == "ranking":
        return [
            *(Figure("first_choice_share", _column(k + place), name, 0, 1) for place, name in enumerate(names)),
            *(Figure("mean_rank", _column(place), name, 1, k) for place, name in enumerate(names)),
            *(Figure("borda", _borda(place, k), name, 0, 1) for place, name in enumerate(names)),
        ]
    shares = [Figure("share", _column(place), name, 0, 1) for place, name in enumerate(names)]
    if question.kind == "nominal":
        return shares
    positions, corrected = _positions(question), distances.spread_correction(n)
    return [
        *(shares if question.kind == "ordinal" else _binned(question)),
        Figure("mean", lambda p: distances.mean(p, positions)),
        Figure("sd", lambda p: distances.sd(p, positions) * corrected, low=0, undefined="one person has no spread"),
    ]


def _binned(question: Question) -> list[Figure]:
    """Return the shares of numbers in even parts of the humans' range, and below and above it."""
    import numpy as np

    positions, given = _positions(question), np.flatnonzero(np.asarray(question.uniform))
    low, high = positions[given[0]], positions[given[-1]]
    edges = np.linspace(low, high, BINS + 1)
    part_of = np.clip(np.searchsorted(edges, positions, side="right"), 1, BINS if high > low else 1)
    part_of = np.where(positions < low, 0, np.where(positions > high, BINS + 1, part_of))
    inner = [f"{edges[part - 1]:.4g} to {edges[part]:.4g}" for part in range(1, BINS + 1)]
    names = [f"below {low:.4g}", *(inner if high > low else [f"{low:.4g}"] * BINS), f"above {high:.4g}"]
    there = [part for part in range(BINS + 2) if part in part_of]
    return [Figure("share", _sum_of(part_of == part), names[part], 0, 1) for part in there]


BINS = 8
"""Parts of the humans' range that a chart of numbers shows."""


def _sum_of(inside: Numbers) -> Callable[[Numbers], Numbers]:
    return lambda p: p[..., inside].sum(axis=-1)


def _column(place: int) -> Callable[[Numbers], Numbers]:
    return lambda p: p[..., place]


def _borda(place: int, k: int) -> Callable[[Numbers], Numbers]:
    return lambda p: rankings.borda(p[..., :k])[..., place]


def _positions(question: Question) -> Numbers:
    if question.positions is None:
        raise AssertionError(f"{question.kind} questions have no positions")
    return question.positions


def over(above: Numbers, below: Numbers) -> Numbers:
    """Return a ratio; NaN where it would be one over nothing."""
    import numpy as np

    above, below = np.broadcast_arrays(np.asarray(above, dtype=float), np.asarray(below, dtype=float))
    ratio = np.divide(above, below, out=np.full(below.shape, np.nan), where=below > _DUST)
    return np.asarray(ratio)


_DUST = 1e-12
"""What is left of a spread of 0 after rounding."""
