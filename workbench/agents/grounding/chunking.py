"""A document in passages that are short enough to be found, compared and quoted."""

from __future__ import annotations

import re
from typing import NamedTuple

from workbench.errors import InvalidSettings


class _Boundary(NamedTuple):
    """Where a text may be split, and what stands there in a passage."""

    pattern: re.Pattern[str]
    glue: str


_BOUNDARIES = (
    _Boundary(re.compile(r"\n(?:[^\S\n]*\n)+"), "\n\n"),
    _Boundary(re.compile(r"\n"), "\n"),  # a row of a table, an item of a list
    _Boundary(re.compile(r"(?<=[.!?…])\s+"), " "),
    _Boundary(re.compile(r"\s+"), " "),
    _Boundary(re.compile(r"(?<=[。！？；，、])"), ""),  # Chinese and Japanese have no spaces
)


def chunks(text: str, *, longest: int = 1200) -> list[str]:
    r"""Split a text into passages: between paragraphs, else sentences, else words, and never losing text.

    Small paragraphs stand together in a passage. Only a word that is longer than a passage is split itself.

    Args:
        text: the document.
        longest: characters that a passage may have.

    >>> chunks("One.\n\nTwo.\n\nThree is longer. It has two sentences.", longest=20)
    ['One.\n\nTwo.', 'Three is longer.', 'It has two', 'sentences.']

    Raises:
        InvalidSettings: `longest` is below 1.
    """
    if longest < 1:
        raise InvalidSettings(f"longest={longest!r}: a passage has at least one character")
    return _split(text.replace("\r\n", "\n").strip(), longest, _BOUNDARIES)


def _split(text: str, longest: int, boundaries: tuple[_Boundary, ...]) -> list[str]:
    if len(text) <= longest:
        return [text] if text.strip() else []
    if not boundaries:
        return [text[i : i + longest] for i in range(0, len(text), longest)]
    (pattern, glue), *finer = boundaries
    passages: list[str] = []
    for piece in pattern.split(text):
        if len(piece) > longest:
            passages += _split(piece, longest, tuple(finer))
        elif passages and len(passages[-1]) + len(glue) + len(piece) <= longest:
            passages[-1] += glue + piece
        elif piece.strip():
            passages.append(piece)
    return passages
