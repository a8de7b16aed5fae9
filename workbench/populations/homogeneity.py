"""How alike texts about people are, without a model: the cosine of their TF-IDF vectors."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    from workbench.populations.fitting import Numbers

MOST_PEOPLE = 2000
"""Of more, pairs are drawn: all pairs of these take a second or two."""
PAIRS = 100_000
_BLOCK = 10_000
_WORD = re.compile(r"[぀-ヿ㐀-鿿]|[^\W぀-ヿ㐀-鿿]+")
"""Chinese and Japanese are written without spaces: there, each character is taken for a word."""


@dataclass(frozen=True)
class Homogeneity:
    """The similarity of pairs of people: 0 where two share no word, 1 where they are told in the same words."""

    mean: float
    sd: float
    closest: tuple[str, str] | None
    """The names of the two who are most alike."""
    closest_similarity: float
    n_pairs: int
    """That were compared."""
    all_pairs: int
    """That there are."""

    def __str__(self) -> str:
        if self.closest is None:
            return "no pair to compare"
        drawn = "" if self.n_pairs == self.all_pairs else f", in {self.n_pairs:,} pairs drawn of {self.all_pairs:,}"
        return (
            f"similarity {self.mean:.2f} on average (SD {self.sd:.2f}{drawn}); the closest are {self.closest[0]} and "
            f"{self.closest[1]} ({self.closest_similarity:.2f})"
        )


def homogeneity_of(names: Sequence[str], texts: Sequence[str], *, seed: int = 0) -> Homogeneity:
    """Compare all pairs of texts; of more than 2,000 texts, 100,000 pairs that are drawn.

    Args:
        names: of the people.
        texts: about them.
        seed: of the draw.
    """
    import numpy as np

    n = len(texts)
    if n < 2:
        return Homogeneity(math.nan, math.nan, None, math.nan, 0, 0)
    vectors = tf_idf([_WORD.findall(text.casefold()) for text in texts])
    if n <= MOST_PEOPLE:
        first, second = np.triu_indices(n, 1)
        values = (vectors @ vectors.T).toarray()[first, second]
    else:
        first, second = _pairs(n, np.random.default_rng(seed))
        values = _cosines(vectors, first, second)
    values = np.clip(values, 0, 1)
    best = int(values.argmax())
    closest = (names[first[best]], names[second[best]])
    mean, sd, most = float(values.mean()), float(values.std()), float(values[best])
    return Homogeneity(mean, sd, closest, most, len(values), math.comb(n, 2))


def _pairs(n: int, rng: np.random.Generator) -> tuple[Numbers, Numbers]:
    first = rng.integers(0, n, PAIRS)
    return first, (first + rng.integers(1, n, PAIRS)) % n


def _cosines(vectors: Any, first: Numbers, second: Numbers) -> Numbers:
    import numpy as np

    starts = range(0, len(first), _BLOCK)
    parts = [(vectors[first[k : k + _BLOCK]].multiply(vectors[second[k : k + _BLOCK]])).sum(axis=1) for k in starts]
    return np.concatenate([np.asarray(part).ravel() for part in parts])


def tf_idf(texts: Sequence[Sequence[str]]) -> Any:
    """Return a sparse matrix of TF-IDF vectors of length 1, a row a text (Salton & Buckley 1988).

    tf is the number of times that a word is in a text; idf = ln((1 + n) / (1 + df)) + 1, smoothed: what all texts have
    still counts, or people who differ only in their name would have nothing in common.

    Args:
        texts: the words of each; one without words is a row of zeros.
    """
    import numpy as np
    from scipy.sparse import csr_array, diags_array

    if not texts:
        return np.zeros((0, 1))
    counts = [Counter(words) for words in texts]
    places = {word: place for place, word in enumerate(dict.fromkeys(word for count in counts for word in count))}
    ends = np.cumsum([0, *map(len, counts)])
    columns = np.array([places[word] for count in counts for word in count], dtype=np.intp)
    values = np.array([number for count in counts for number in count.values()], dtype=float)
    frequency = np.bincount(columns, minlength=len(places))
    weighted = values * (np.log((1 + len(texts)) / (1 + frequency)) + 1)[columns]
    vectors = csr_array((weighted, columns, ends), shape=(len(texts), len(places)))
    lengths = np.sqrt((vectors**2).sum(axis=1))
    return diags_array(1 / np.where(lengths > 0, lengths, 1)) @ vectors
