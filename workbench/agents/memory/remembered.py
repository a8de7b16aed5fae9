"""What a person knows, one thing at a time; how it is weighed, and what a retrieval finds."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal, get_args

from workbench.errors import InvalidSettings

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

RememberedKind = Literal["memory", "insight", "document"]
EPOCH = datetime(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class Remembered:
    """One thing that a person knows.

    Raises:
        InvalidSettings: an importance that is no whole number from 1 to 10, a kind that is none, a time with a zone.
    """

    key: str
    """Unique in a memory: the id of the event that it came with, as text."""
    kind: RememberedKind
    text: str
    time: datetime
    """Simulated time, without a zone."""
    importance: int
    """From 1, mundane, to 10, poignant."""
    links: tuple[int, ...] = ()
    """Ids of the events that it rests on; of an insight, those of its memories."""
    source: str = ""
    """The name of the document; empty for what comes from none."""

    def __post_init__(self) -> None:
        if not isinstance(self.importance, int) or not 1 <= self.importance <= 10:
            raise InvalidSettings(f"{self.key!r}: importance is a whole number from 1 to 10, not {self.importance!r}")
        if self.kind not in get_args(RememberedKind):
            raise InvalidSettings(f"{self.key!r}: {self.kind!r} is not one of {', '.join(get_args(RememberedKind))}")
        microseconds(self.time)


@dataclass(frozen=True)
class Weights:
    """How much each score counts; zero or more, not all zero.

    The defaults are those of the implementation by the authors of Park et al. 2023, arXiv 2304.03442.
    """

    recency: float = 0.5
    relevance: float = 3.0
    importance: float = 2.0

    def __post_init__(self) -> None:
        if not all(weight >= 0 for weight in (self.recency, self.relevance, self.importance)):
            raise InvalidSettings(f"{self!r}: a weight is zero or more")
        if not 0 < self.sum < math.inf:
            raise InvalidSettings(f"{self!r}: one weight at least is more than zero, and none is infinite")

    @property
    def sum(self) -> float:
        """All three together."""
        return self.recency + self.relevance + self.importance


@dataclass(frozen=True, eq=False)
class Retrieval:
    """What was eligible, in the order of the memory, with its scores from 0 to 1, and what was shown of it."""

    places: NDArray[np.int32]
    """In the memory, ascending; the other arrays have the same length."""
    recency: NDArray[np.float32]
    importance: NDArray[np.float32]
    relevance: NDArray[np.float32]
    score: NDArray[np.float32]
    """The three together by their weights."""
    shown: tuple[int, ...]
    """The places of the best, best first; of equals the older first."""


def microseconds(time: datetime) -> int:
    """Return a simulated time as a whole number.

    Raises:
        InvalidSettings: it has a zone.
    """
    if time.tzinfo is not None:
        raise InvalidSettings(f"{time}: simulated time has no zone")
    return (time - EPOCH) // timedelta(microseconds=1)
