"""Vectors in numpy: blocks of rows that stay where they are, and how near they are to others."""

from __future__ import annotations

import base64
import binascii
import math
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache, reduce
from typing import TYPE_CHECKING, Any

from workbench.errors import InvalidPersona, InvalidSettings

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray
    from threadpoolctl import ThreadpoolController

    Floats = NDArray[np.floating[Any]]
    Rows = NDArray[np.float32]

BLOCK_ROWS = 1024
"""Vectors in a block: 2 MB at 512 dimensions, so that a second query finds it in the processor's cache."""

N_THREADS = min(os.cpu_count() or 1, 4)
"""That read vectors at once: more would wait for the memory of the machine."""


class Vectors:
    """Rows of length 1 in blocks that stay where they are: growing copies nothing."""

    def __init__(self) -> None:
        self._blocks: list[Rows] = []
        self._rows = 0

    @property
    def dimensions(self) -> int:
        """The length of the rows; 0 while there are none."""
        return self._blocks[0].shape[1] if self._blocks else 0

    def append(self, rows: Floats) -> None:
        """Write rows behind the last."""
        while len(rows):
            used = self._rows % BLOCK_ROWS
            now, rows = rows[: BLOCK_ROWS - used], rows[BLOCK_ROWS - used :]
            self._open_block(used, now.shape[1])[used : used + len(now)] = now
            self._rows += len(now)

    def _open_block(self, used: int, dimensions: int) -> Rows:
        """Return the block of the next row, where it can be written."""
        import numpy as np

        number = self._rows // BLOCK_ROWS
        if number == len(self._blocks):
            self._blocks.append(np.empty((BLOCK_ROWS, dimensions), np.float32))
        elif not self._blocks[number].flags.writeable:  # a copy has it too
            shared, self._blocks[number] = self._blocks[number], np.empty((BLOCK_ROWS, dimensions), np.float32)
            self._blocks[number][:used] = shared[:used]
        return self._blocks[number]

    def cut(self, rows: int) -> None:
        """Keep the first rows."""
        self._rows = rows
        del self._blocks[math.ceil(rows / BLOCK_ROWS) :]

    def __copy__(self) -> Vectors:
        for block in self._blocks:
            block.flags.writeable = False  # in both: who writes first takes a block of their own
        other = Vectors()
        other._blocks, other._rows = list(self._blocks), self._rows
        return other

    def filled(self) -> Iterator[Rows]:
        """Go through the blocks, each as far as it is filled."""
        return (block[: self._rows - n * BLOCK_ROWS] for n, block in enumerate(self._blocks))

    def cosines(self, queries: Rows) -> Rows:
        """Return the best cosine of each row over queries of length 1, (q, d)."""
        import numpy as np

        def best(blocks: list[Rows]) -> list[Rows]:
            # A product for each query: BLAS takes twice the time for a matrix so narrow, and its rounding depends on q.
            return [reduce(np.maximum, (rows @ query for query in queries)) for rows in blocks]

        blocks = list(self.filled())
        share = math.ceil(len(blocks) / N_THREADS)
        with _blas().limit(limits=1):
            parts = _threads(os.getpid()).map(best, (blocks[at : at + share] for at in range(0, len(blocks), share)))
            return np.concatenate([rows for part in parts for rows in part])


@cache
def _blas() -> ThreadpoolController:
    """Return what keeps BLAS to one thread: its own wait for each other, on a busy machine 40 times as long."""
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


@cache
def _threads(_process: int) -> ThreadPoolExecutor:
    """One pool a process: a forked child has the parent's without its threads."""
    return ThreadPoolExecutor(N_THREADS, thread_name_prefix="workbench-memory")


def scaled(vectors: ArrayLike) -> NDArray[np.float64]:
    """Return rows of length 1; a row of zeros stays so."""
    import numpy as np

    rows = np.asarray(vectors, np.float64)
    with np.errstate(over="ignore"):
        lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    if not np.isfinite(lengths).all():
        raise InvalidSettings("a vector has a number that is not finite: the embedding model failed")
    scaled: NDArray[np.float64] = np.divide(rows, lengths, out=np.zeros_like(rows), where=lengths > 0)
    return scaled


def decode(block: str, dimensions: int, where: str) -> NDArray[np.float16]:
    """Return the rows of a block as files hold it.

    Raises:
        InvalidPersona: it is damaged; the message names it.
    """
    import numpy as np

    try:
        rows = np.frombuffer(base64.b64decode(block, validate=True), "<f2").reshape(-1, dimensions)
    except (binascii.Error, ValueError, ZeroDivisionError) as error:
        raise InvalidPersona(f"vectors: {where} is damaged: {error}") from error
    if not np.isfinite(rows).all():
        raise InvalidPersona(f"vectors: {where} is damaged: a number is not finite")
    return rows
