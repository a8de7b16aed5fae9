"""How varied the words are: distinct n-grams."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from workbench.evaluation.metrics.rows import NOBODY_TALKED, Row
from workbench.evaluation.metrics.turns import Turn, by_person


def distinct(texts: Sequence[Sequence[str]], n: int) -> tuple[float, int]:
    """Return distinct-n and the number of n-grams: different n-grams / all n-grams.

    After Li, Galley, Brockett, Gao & Dolan 2016 (A diversity-promoting objective function for neural conversation
    models, arXiv 1510.03055), over n-grams as usual since, so that it reaches 1. It falls as there is more text:
    compare runs of about one length.

    Args:
        texts: the words of each; no n-gram goes from one to the next.
        n: 1 or more.

    Returns:
        NaN and 0 where no text has n words.

    >>> distinct([["a", "b", "a"], ["a"]], 1)
    (0.5, 4)
    """
    grams = [tuple(words[at : at + n]) for words in texts for at in range(len(words) - n + 1)]
    return (len(set(grams)) / len(grams), len(grams)) if grams else (math.nan, 0)


def variety_rows(people: Sequence[str], turns: Sequence[Turn]) -> Iterator[Row]:
    """Yield distinct-1, -2 and -3 of the run and of each person."""
    for n in (1, 2, 3):
        for name, own in by_person(people, turns):
            value, count = distinct([turn.words for turn in own], n)
            missing = NOBODY_TALKED if not turns else f"no turn has {n} words" if own else "never talked"
            yield Row(f"distinct_{n}", name, value, count, "" if count else missing)
