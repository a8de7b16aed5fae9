"""The ledger of a retrieval: which memories were eligible, their scores, which went into the prompt."""

from __future__ import annotations

import io
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from workbench.agents.memory.remembered import Retrieval
from workbench.agents.memory.semantic import SemanticMemory

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

SCORES = ("recency", "importance", "relevance", "score")
_COLUMNS = ("memory", "kind", "text", "time", "links", "source", *SCORES, "shown")


@dataclass(frozen=True)
class Ledger:
    """The rows of a ledger: a structured array with `place`, the scores, and `rank` (0: not shown).

    A place in the memory stays, while events get other numbers when a person with a past joins a world.
    """

    rows: np.ndarray[Any, Any]

    @classmethod
    def empty(cls) -> Ledger:
        """Return the ledger of a turn in which nothing was eligible."""
        import numpy as np

        return cls(np.zeros(0, dtype=_dtype()))

    @classmethod
    def of(cls, retrieval: Retrieval) -> Ledger:
        """Return the ledger of a retrieval."""
        import numpy as np

        rows = np.zeros(len(retrieval.places), dtype=_dtype())
        rows["place"] = retrieval.places
        for name in SCORES:
            rows[name] = getattr(retrieval, name)
        rank = {place: number for number, place in enumerate(retrieval.shown, start=1)}
        rows["rank"] = [rank.get(place, 0) for place in retrieval.places.tolist()]
        return cls(rows)

    def to_bytes(self) -> bytes:
        """Return the ledger as the run file keeps it."""
        import numpy as np

        buffer = io.BytesIO()
        np.save(buffer, self.rows, allow_pickle=False)
        return zlib.compress(buffer.getvalue())

    def to_frame(self, memory: SemanticMemory) -> pd.DataFrame:
        """Return a DataFrame, best score first.

        Args:
            memory: the one that it is of.
        """
        import pandas as pd

        frame = pd.DataFrame(self.rows)
        items = [memory[place] for place in frame["place"]]
        frame["memory"] = [int(item.key) for item in items]
        for name in ("kind", "text", "time", "links", "source"):
            frame[name] = pd.Series([getattr(item, name) for item in items], dtype=object)
        frame["time"] = pd.to_datetime(frame["time"])
        frame["shown"] = frame["rank"] > 0
        ordered = frame.sort_values(["score", "memory"], ascending=[False, True], ignore_index=True)
        return ordered[list(_COLUMNS)]


def read_ledger(data: bytes) -> Ledger:
    """Read what `Ledger.to_bytes` wrote."""
    import numpy as np

    return Ledger(np.load(io.BytesIO(zlib.decompress(data)), allow_pickle=False))


def _dtype() -> list[tuple[str, str]]:
    return [("place", "<i4"), *((name, "<f4") for name in SCORES), ("rank", "<i4")]
