"""How many different things were said: sentences, after duplicates are merged."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any

from workbench.evaluation.metrics.nearness import near_pairs
from workbench.evaluation.metrics.rows import MEANING, NOBODY_TALKED, WORDS, Row, StepRow
from workbench.evaluation.metrics.turns import Turn
from workbench.evaluation.metrics.words import in_order, words_of
from workbench.judging.repetition import FEWEST_WORDS

if TYPE_CHECKING:
    import numpy as np

    Numbers = np.ndarray[Any, np.dtype[Any]]


def ideas_of(sentences: Sequence[str], vectors: Mapping[str, Numbers] | None = None) -> dict[str, int]:
    """Return the number of the idea of each different sentence.

    Two sentences are one idea where nine tenths of their words are the same (`token_sort_ratio` is 90 or more, as in
    `judging.repetition`), or, with vectors, where the mean of how many words they share (`token_sort_ratio` / 100) and
    of how near they are in meaning (their cosine) is 0.7 or more. With the encoder in the process, on the pairs of
    `tests/judging/test_repetition.py`, the same said in other words has 0.69-0.97, something else 0.15-0.62.

    What is one idea with a second sentence that is one with a third is one with both, so that the count does not depend
    on the order (single linkage, Sibson 1973, doi:10.1093/comjnl/16.1.30). Ideas are numbered by their sentences in
    alphabetical order.

    Args:
        sentences: in any order, in part the same.
        vectors: of each of them, of length 1.
    """
    import numpy as np
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    distinct = sorted(set(sentences))
    if not distinct:
        return {}
    matrix = None if vectors is None else np.stack([vectors[sentence] for sentence in distinct])
    pairs = np.array(list(near_pairs([in_order(words_of(one)) for one in distinct], matrix)), dtype=np.intp).reshape(
        -1, 2
    )
    graph = coo_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(len(distinct), len(distinct)))
    return dict(zip(distinct, connected_components(graph, directed=False)[1].tolist(), strict=True))


class Ideas:
    """The ideas of turns.

    Args:
        turns: in order.
        vectors: of the sentences in them, by sentence; without, only words are compared.
    """

    def __init__(self, turns: Sequence[Turn], vectors: Mapping[str, Numbers] | None = None) -> None:
        told = [turn.ideas for turn in turns]
        number = ideas_of(list(chain.from_iterable(told)), vectors)
        self._way = WORDS if vectors is None else MEANING
        self._turns = turns
        self._ideas = [{number[sentence] for sentence in sentences} for sentences in told]
        self._n_sentences = [len(sentences) for sentences in told]

    def rows(self, people: Sequence[str]) -> Iterator[Row]:
        """Yield how many ideas there are in all, and how many each person voiced."""
        for name in ("", *people):
            places = [place for place, turn in enumerate(self._turns) if name in ("", turn.person)]
            missing = "" if places else "never talked" if self._turns else NOBODY_TALKED
            n = sum(self._n_sentences[place] for place in places)
            found = set().union(*(self._ideas[place] for place in places))
            note = missing or ("" if n else f"no sentence has {FEWEST_WORDS} words")
            yield Row(f"ideas_{self._way}", name, len(found) if places else math.nan, n, note)

    def steps(self, n_steps: int) -> Iterator[StepRow]:
        """Yield how many ideas of each step nobody had voiced in an earlier one."""
        known: set[int] = set()
        own: dict[int, list[int]] = {}
        for place, turn in enumerate(self._turns):
            own.setdefault(turn.step, []).append(place)
        for step in range(1, n_steps + 1):
            places = own.get(step, [])
            new = set().union(*(self._ideas[place] for place in places)) - known
            known |= new
            n = sum(self._n_sentences[place] for place in places)
            yield StepRow(step, f"new_ideas_{self._way}", len(new), n, "" if places else NOBODY_TALKED)
