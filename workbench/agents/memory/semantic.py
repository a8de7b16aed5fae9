"""Semantic memory: what a person knows, found by how recent, important and relevant to the moment it is.

Here are the records in columns, their vectors, and the scores. Texts are turned into vectors in `llm.embeddings`; the
records themselves are kept as events, so that a file needs only the vectors from here.

Source: Park et al. 2023, Generative Agents: Interactive Simulacra of Human Behavior, arXiv 2304.03442.
"""

from __future__ import annotations

import base64
import copy
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from workbench.agents.memory.remembered import EPOCH, Remembered, RememberedKind, Retrieval, Weights, microseconds
from workbench.agents.memory.vectors import BLOCK_ROWS, Vectors, decode, scaled
from workbench.errors import InvalidPersona, InvalidSettings

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.floating[Any]]
    Rows = NDArray[np.float32]

DIGITS = 5
"""Decimals of a cosine that count: beyond them lies the rounding of the vectors, and equal texts would differ."""

Mark = tuple[int, int, frozenset[str]]

_HOUR = 3_600_000_000  # microseconds


class SemanticMemory:
    """What a person knows, in the order in which it came; a place counts from 0.

    Each attribute is a column and nothing is moved to grow, so that 100,000 of them stay small and fast.
    """

    def __init__(self) -> None:
        self._keys: list[str] = []
        self._kinds: list[RememberedKind] = []
        self._texts: list[str] = []
        self._times = array("q")  # microseconds
        self._importances = array("b")
        self._links: list[tuple[int, ...]] = []
        self._sources: list[str] = []
        self._embedded = bytearray()  # 1 for each place with a vector
        self._place_of: dict[str, int] = {}
        self._vectors = Vectors()
        self._row_places = array("i")  # of each vector, for they may be set in another order
        self._forgotten: frozenset[str] = frozenset()

    def __len__(self) -> int:
        return len(self._keys)

    def __getitem__(self, place: int) -> Remembered:
        return Remembered(
            self._keys[place],
            self._kinds[place],
            self._texts[place],
            EPOCH + timedelta(microseconds=self._times[place]),
            self._importances[place],
            self._links[place],
            self._sources[place],
        )

    def __iter__(self) -> Iterator[Remembered]:
        return (self[place] for place in range(len(self)))

    def __repr__(self) -> str:
        return f"SemanticMemory({len(self)} known, {len(self._row_places)} with a vector)"

    @property
    def dimensions(self) -> int:
        """The length of the vectors; 0 while there are none."""
        return self._vectors.dimensions

    @property
    def forgotten(self) -> frozenset[str]:
        """The keys of what is not found any more."""
        return self._forgotten

    def add(self, item: Remembered) -> None:
        """Come to know something; it is found as soon as it has a vector.

        Raises:
            InvalidSettings: its key is taken.
        """
        if item.key in self._place_of:
            raise InvalidSettings(f"the memory has {item.key!r} already: a key is unique")
        self._place_of[item.key] = len(self)
        self._keys.append(item.key)
        self._kinds.append(item.kind)
        self._texts.append(item.text)
        self._times.append(microseconds(item.time))
        self._importances.append(item.importance)
        self._links.append(item.links)
        self._sources.append(item.source)
        self._embedded.append(0)

    def missing(self) -> list[int]:
        """Return the places without a vector, but for the forgotten."""
        import numpy as np

        bare = np.flatnonzero(np.array(self._embedded) == 0).tolist()
        return [place for place in bare if self._keys[place] not in self._forgotten]

    def set_vectors(self, places: Sequence[int], vectors: ArrayLike) -> None:
        """Set vectors, scaled to length 1 and rounded to 16 bits a number, which is what a file holds.

        A vector of zeros stays so, and is relevant to nothing. A place that has a vector keeps it.

        Args:
            places: n of them.
            vectors: (n, d) floats, finite; d as in the memory.

        Raises:
            InvalidSettings: another d than before, a place that is not there, other numbers of the two, a number that
                is not finite. Then none is set.
        """
        import numpy as np

        vectors = np.asarray(vectors)
        if not len(places) and not len(vectors):
            return
        if vectors.ndim != 2 or len(vectors) != len(places):
            raise InvalidSettings(f"{len(places)} places need as many vectors, not an array of shape {vectors.shape}")
        if strange := [place for place in places if not 0 <= place < len(self)]:
            raise InvalidSettings(f"the memory has places 0 to {len(self) - 1}, not {strange[0]}")
        with self._all_or_nothing():
            for start in range(0, len(places), BLOCK_ROWS):
                part = slice(start, start + BLOCK_ROWS)
                self._append(places[part], scaled(vectors[part]).astype(np.float16))

    def _append(self, places: Sequence[int], rows: NDArray[np.float16]) -> None:
        self._check_dimensions(rows.shape[1])
        new = []
        for row, place in enumerate(places):
            if not self._embedded[place]:
                self._embedded[place] = 1
                self._row_places.append(place)
                new.append(row)
        self._vectors.append(rows[new])

    def _check_dimensions(self, dimensions: int) -> None:
        if not dimensions or self.dimensions not in (0, dimensions):
            raise InvalidSettings(
                f"the vectors of this memory have {self.dimensions} dimensions and these have {dimensions}: the "
                "embedding model has changed. Use the one from before, or embed all of the memory again"
            )

    def drop_vectors(self) -> None:
        """Drop all vectors, so that all is embedded again."""
        self._vectors, self._row_places = Vectors(), array("i")
        self._embedded = bytearray(len(self))

    def forget(self, keys: Iterable[str]) -> None:
        """Do not find these any more; the records stay. Keys that are not known change nothing."""
        self._forgotten |= self._place_of.keys() & set(keys)

    def of_kind(self, *kinds: RememberedKind) -> list[int]:
        """Return the places of some kinds, but for the forgotten."""
        wanted = set(kinds)
        places = [place for place, kind in enumerate(self._kinds) if kind in wanted]
        return [place for place in places if self._keys[place] not in self._forgotten] if self._forgotten else places

    def mark(self) -> Mark:
        """Return a mark to go back to."""
        return len(self), len(self._row_places), self._forgotten

    def back_to(self, mark: Mark) -> None:
        """Undo all that came after a mark: what was added, what was forgotten, and every vector set."""
        length, rows, self._forgotten = mark
        for place in self._row_places[rows:]:
            self._embedded[place] = 0
        for key in self._keys[length:]:
            del self._place_of[key]
        for column in (self._keys, self._kinds, self._texts, self._links, self._sources):
            del column[length:]
        del self._times[length:], self._importances[length:], self._embedded[length:], self._row_places[rows:]
        self._vectors.cut(rows)

    @contextmanager
    def _all_or_nothing(self) -> Iterator[None]:
        mark = self.mark()
        try:
            yield
        except BaseException:
            self.back_to(mark)
            raise

    def copy(self) -> SemanticMemory:
        """Return a memory of the same that goes its own way; until one of them writes, blocks of vectors are shared."""
        other = SemanticMemory()
        vars(other).update({name: copy.copy(column) for name, column in vars(self).items()})
        return other

    def retrieve(
        self,
        queries: ArrayLike,
        now: datetime,
        k: int,
        *,
        weights: Weights,
        decay: float = 0.995,
        among: Sequence[int] | None = None,
    ) -> Retrieval:
        """Score all that has a vector and is not forgotten, and find the best.

        Recency is `decay` to the power of the simulated hours since, and 1 for what is still to come. Importance is
        scaled from 1-10 to 0-1. Relevance is the best cosine over the queries, scaled so that the most relevant is 1
        and the least 0; where all are equally relevant, or there is but one, it is 1.

        Args:
            queries: (q, d) floats, one vector or more for the moment; not looked at where nothing is eligible.
            now: simulated time, without a zone.
            k: how many to show at most; zero or more.
            weights: of the three scores.
            decay: of recency in an hour, above 0 and up to 1.
            among: the places that may be found; all when not given.

        Returns:
            Every eligible one's scores, and the places of the k best; equals in the order of the memory.

        Raises:
            InvalidSettings: an argument out of its range, or queries of another d than the memory.

        Source: Park et al. 2023, arXiv 2304.03442, section 4.1.
        """
        import numpy as np

        if k < 0 or not 0 < decay <= 1:
            raise InvalidSettings(f"k={k!r}, decay={decay!r}: k is zero or more, a decay above 0 and up to 1")
        places = self._eligible()
        if among is not None:
            places = places[np.isin(places, np.asarray(among, dtype=np.int32))]
        hours = (microseconds(now) - np.array(self._times)[places]) / _HOUR
        recency = decay ** np.maximum(hours, 0)
        importance = (np.array(self._importances)[places] - 1) / 9
        relevance = _stretched(self._cosines(queries, places))
        score = weights.recency * recency + weights.importance * importance + weights.relevance * relevance
        score = (score / weights.sum).astype(np.float32)
        shown = tuple(places[_best(score, k)].tolist())
        return Retrieval(places, _single(recency), _single(importance), _single(relevance), score, shown)

    def _eligible(self) -> NDArray[np.int32]:
        import numpy as np

        eligible = np.array(self._embedded, dtype=bool)
        eligible[[self._place_of[key] for key in self._forgotten]] = False
        return np.flatnonzero(eligible).astype(np.int32)

    def _cosines(self, queries: ArrayLike, places: NDArray[np.int32]) -> Floats:
        import numpy as np

        if not len(places):
            return np.zeros(0)
        rows = np.asarray(queries)
        if rows.ndim != 2 or not len(rows):
            raise InvalidSettings(f"queries are one vector or more, (q, d), not an array of shape {rows.shape}")
        self._check_dimensions(rows.shape[1])
        by_place = np.zeros(len(self), np.float32)
        by_place[np.array(self._row_places)] = self._vectors.cosines(scaled(rows).astype(np.float32))
        return by_place[places].astype(np.float64)

    def state(self) -> dict[str, Any]:
        """Return the vectors as JSON holds them: dimensions, keys, and blocks of 16-bit floats in base64.

        The blocks are about two thirds of the size of the memory: let go of them as soon as they are written.
        """
        return {
            "dimensions": self.dimensions,
            "keys": [self._keys[place] for place in self._row_places],
            "blocks": [base64.b64encode(rows.astype("<f2").tobytes()).decode() for rows in self._vectors.filled()],
        }

    def restore_vectors(self, state: Mapping[str, Any]) -> None:
        """Set the vectors that `state` returned for the keys that are known; others, and those set, are passed over.

        Args:
            state: its blocks are emptied as they are read, so that a large memory is not held twice.

        Raises:
            InvalidPersona: the state is damaged; the message says which part. Then no vector is set.
            InvalidSettings: the memory has vectors of another length.
        """
        dimensions, keys, blocks = _parts(state)
        done = 0
        with self._all_or_nothing():
            for number in range(len(blocks)):
                rows = decode(blocks[number], dimensions, f"block {number + 1} of {len(blocks)}")
                blocks[number] = ""
                self._restore(keys[done : done + len(rows)], rows)
                done += len(rows)
            if done != len(keys):
                raise InvalidPersona(f"vectors: there are {done} and {len(keys)} keys: the file is damaged")

    def _restore(self, keys: Sequence[str], rows: NDArray[np.float16]) -> None:
        known = [row for row, key in enumerate(keys) if key in self._place_of]
        self._append([self._place_of[keys[row]] for row in known], rows[known])


def _single(scores: Floats) -> Rows:
    import numpy as np

    return scores.astype(np.float32)


def _stretched(cosines: Floats) -> Floats:
    """Scale so that the largest is 1 and the smallest 0; all 1 where they differ by rounding only."""
    import numpy as np

    rounded = np.round(cosines, DIGITS)
    low, high = (rounded.min(), rounded.max()) if len(rounded) else (0.0, 0.0)
    if high - low < 1.5 * 10**-DIGITS:  # one step may be a rounding of equals to either side
        return np.ones_like(rounded)
    return (rounded - low) / (high - low)


def _best(scores: Rows, k: int) -> NDArray[np.intp]:
    """Return where the k highest are, the highest first and equals in their order, without sorting them all."""
    import numpy as np

    candidates = np.arange(len(scores))
    if 0 < k < len(scores):
        candidates = np.flatnonzero(scores >= np.partition(scores, -k)[-k])
    return candidates[np.argsort(-scores[candidates], kind="stable")][:k]


def _parts(state: Mapping[str, Any]) -> tuple[int, list[str], list[str]]:
    families = {"dimensions": int, "keys": list, "blocks": list}
    for name, family in families.items():
        if not isinstance(state.get(name), family):
            raise InvalidPersona(f"vectors: {name}: not there, or no {family.__name__}: the file is damaged")
    for name in ("keys", "blocks"):
        if not all(isinstance(text, str) for text in state[name]):
            raise InvalidPersona(f"vectors: {name}: not all are text: the file is damaged")
    return state["dimensions"], state["keys"], state["blocks"]
