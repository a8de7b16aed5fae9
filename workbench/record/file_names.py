"""Names of files, made of what people and models call things: safe on every system, each another."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Sequence

from pathvalidate import sanitize_filename

LONGEST_NAME = 50
"""Characters of a file's name: few enough for the 255 bytes of most file systems in any script."""


def file_names(names: Sequence[str]) -> list[str]:
    """Return names that files can have on every system, each another, also where case and Unicode form do not count.

    >>> file_names(["Lisa", "LISA", "../../etc", "CON", ""])
    ['Lisa', 'LISA-2', 'etc', 'CON_', 'unnamed']
    """
    taken: set[str] = set()
    numbers: Counter[str] = Counter()
    made = []
    for name in names:
        unique = stem = _safe(name)
        while folded(unique) in taken:
            numbers[stem] += 1
            unique = f"{stem}-{numbers[stem] + 1}"
        taken.add(folded(unique))
        made.append(unique)
    return made


def folded(name: str) -> str:
    """Return what two names have in common that some file system takes for one."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


def _safe(name: str) -> str:
    visible = "".join(char for char in name if unicodedata.category(char)[0] != "C" or char == "\n")
    words = " ".join(unicodedata.normalize("NFC", visible).split())[:LONGEST_NAME]
    allowed = str(sanitize_filename(words, platform="universal")).strip(". ")
    stem = unicodedata.normalize("NFC", allowed)  # again: an accent may have come next to its letter
    first = stem.partition(".")[0].strip()
    if first and sanitize_filename(first, platform="universal") != first:  # Windows: CON.txt is the console, too
        stem = f"_{stem}"
    return stem or "unnamed"
