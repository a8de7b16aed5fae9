"""Which of many texts are nearly the same: by their words, and by words and meaning together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from workbench.judging.repetition import AGAIN

if TYPE_CHECKING:
    import numpy as np

    Numbers = np.ndarray[Any, np.dtype[Any]]

SAME_IDEA = 0.7
"""The similarity, the mean of words and meaning, from which two texts are one idea."""
_BLOCK = 256
_BUCKETS = 32
_SLACK = 1e-6


def near_pairs(texts: Sequence[str], vectors: Numbers | None = None) -> Iterator[tuple[int, int]]:
    """Yield the places of each two texts that are nearly the same.

    They are where nine tenths of their words are the same (rapidfuzz's `ratio` of sorted words is 90 or more, which is
    its `token_sort_ratio`), or, with vectors, where the mean of that ratio / 100 and of their cosine is 0.7 or more.

    Args:
        texts: their words, sorted; none is empty.
        vectors: of the texts, a row each, of length 1.
    """
    import numpy as np
    from rapidfuzz import fuzz, process
    from scipy.spatial.distance import cdist

    least = AGAIN if vectors is None else 100 * (2 * SAME_IDEA - 1)
    lengths, bags = np.array([len(text) for text in texts], dtype=float), _bags(texts)
    for start in range(0, len(texts), _BLOCK):
        block = slice(start, start + _BLOCK)
        # An insertion changes the bag of characters by one: the ratio is at most this, which is found ten times faster.
        most = 1 - cdist(bags[block], bags[start:], "cityblock") / np.add.outer(lengths[block], lengths[start:])
        possible = most >= AGAIN / 100 - _SLACK
        meaning = np.zeros_like(most)
        if vectors is not None:
            meaning = np.clip(vectors[block] @ vectors[start:].T, 0, 1)
            possible |= most + meaning >= 2 * SAME_IDEA - _SLACK
        rows, columns = np.nonzero(np.triu(possible, 1))
        pairs = [[texts[start + place] for place in places] for places in (rows.tolist(), columns.tolist())]
        words = process.cpdist(*pairs, scorer=fuzz.ratio, score_cutoff=least, dtype=np.float64) / 100
        same = words >= AGAIN / 100
        if vectors is not None:  # rounded: the last bits of a product depend on what stands beside it
            same |= np.round((words + meaning[rows, columns]) / 2, 5) >= SAME_IDEA
        yield from zip((rows[same] + start).tolist(), (columns[same] + start).tolist(), strict=True)


def _bags(texts: Sequence[str]) -> Numbers:
    """Return how often characters are in each text, in buckets: the letters of English have one each."""
    import numpy as np

    bags = np.zeros((len(texts), _BUCKETS))
    for place, text in enumerate(texts):
        codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")
        bags[place] = np.bincount(codes % _BUCKETS, minlength=_BUCKETS)
    return bags
