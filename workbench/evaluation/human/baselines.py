"""The floors: answers at random, and everybody giving the humans' most common answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from workbench.evaluation.human.kinds import Question
from workbench.evaluation.human.samples import Sample

if TYPE_CHECKING:
    import numpy as np

    from workbench.evaluation.human.resampling import Pairs, Rng

    Numbers = np.ndarray[Any, np.dtype[Any]]

DRAWS = 200
"""Samples of answers at random, over which a baseline is averaged."""


def at_random(question: Question) -> Numbers:
    """Return the means of endlessly many people who answer at random."""
    import numpy as np

    if question.kind == "ranking":
        k = len(question.options)
        return np.concatenate([np.full(k, (k + 1) / 2), np.full(k, 1 / k)])
    return _chances(question)


def random_pairs(question: Question, n: int, human: Numbers, rng: Rng) -> Pairs:
    """Return samples of n people who answer at random, against the humans as they are.

    Args:
        question: that they answer.
        n: people.
        human: means of the human sample.
        rng: to draw with.
    """
    import numpy as np

    if question.kind != "ranking":
        chances = _chances(question)
        return lambda size: (rng.multinomial(n, chances, size=size) / n, np.broadcast_to(human, (size, len(human))))
    k = len(question.options)

    def pairs(size: int) -> tuple[Numbers, Numbers]:
        ranks = rng.random((size, n, k)).argsort(axis=2) + 1
        means = np.concatenate([ranks.mean(axis=1), (ranks == 1).mean(axis=1)], axis=1)
        return means, np.broadcast_to(human, (size, len(human)))

    return pairs


def most_common(question: Question, human: Sample) -> Numbers:
    """Return the means of people who all give the humans' most common answer; of numbers, the median.

    Most numbers are given once, so the most common one says little. The median is nearest to all.
    """
    import numpy as np

    if question.kind == "ranking":
        kinds, kind_of = np.unique(human.rows.toarray(), axis=0, return_inverse=True)
        return np.asarray(kinds[np.bincount(kind_of.ravel(), weights=human.weights).argmax()])
    shares = human.means
    everybody = np.zeros_like(shares)
    middle = int((np.cumsum(shares) >= 0.5 - _DUST).argmax())
    everybody[middle if question.kind == "number" else int(shares.argmax())] = 1
    return everybody


_DUST = 1e-12


def _chances(question: Question) -> Numbers:
    if question.uniform is None:
        raise AssertionError(f"{question.kind} questions have chances")
    return question.uniform
