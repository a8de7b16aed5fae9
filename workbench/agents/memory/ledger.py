"""The ledger of a retrieval: which memories were eligible, their scores, which went into the prompt."""

from __future__ import annotations

import io
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from workbench.agents.memory.semantic import Remembered, Retrieval, SemanticMemory

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

SCORES = ("recency", "importance", "relevance", "score")
_COLUMNS = ("memory", "kind", "text", "time", "links", "source", *SCORES, "shown")


@dataclass(frozen=True)
class Ledger:
    """The rows of a ledger: a structured array with `memory` (event id), the scores, and `rank` (0: not shown)."""

    rows: np.ndarray[Any, Any]

    @classmethod
    def empty(cls) -> Ledger:
        """Return the ledger of a turn in which nothing was eligible."""
        import numpy as np

        return cls(np.zeros(0, dtype=_dtype()))

    @classmethod
    def of(cls, retrieval: Retrieval, memory: SemanticMemory) -> Ledger:
        """Return the ledger of a retrieval."""
        import numpy as np

        rows = np.zeros(len(retrieval.places), dtype=_dtype())
        rows["memory"] = [int(memory[place].key) for place in retrieval.places.tolist()]
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

    def to_frame(self, known: Mapping[str, Remembered]) -> pd.DataFrame:
        """Return a DataFrame, best score first.

        Args:
            known: what is remembered, by key.
        """
        import pandas as pd

        frame = pd.DataFrame(self.rows)
        items = [known[str(number)] for number in frame["memory"]]
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
    return [("memory", "<i8"), *((name, "<f4") for name in SCORES), ("rank", "<i4")]
