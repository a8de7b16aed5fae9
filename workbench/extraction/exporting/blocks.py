"""Blocks of documents, made of texts that are shown as they are: no Markdown in them is read."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from workbench.extraction.exporting.pandoc import Node

NO_ATTRIBUTES = ["", [], []]
_CONTROL = re.compile(r"[\0-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff\ud800-\udfff]")

HALF_PAIR = re.compile("[\ud800-\udfff]")
"""Half of a surrogate pair, which no file in UTF-8 holds."""


def printable(text: str) -> str:
    """Return a text without characters that no document holds."""
    return _CONTROL.sub("�", text)


def inlines(text: str) -> list[Node]:
    """Return a text, its line breaks kept."""
    made: list[Node] = []
    for number, line in enumerate(printable(text).splitlines()):
        made += [{"t": "LineBreak"}] if number else []
        words = re.split(r"[ \t]+", line)
        for place, word in enumerate(words):
            made += [{"t": "Space"}] if place else []
            made += [{"t": "Str", "c": word}] if word else []
    return made


def strong(text: str) -> Node:
    """Return a text in bold."""
    return {"t": "Strong", "c": inlines(text)}


def emphasised(text: str) -> Node:
    """Return a text in italics."""
    return {"t": "Emph", "c": inlines(text)}


def paragraph(*parts: Node | str) -> Node:
    """Return a paragraph of texts and inlines."""
    return {"t": "Para", "c": [node for part in parts for node in (inlines(part) if isinstance(part, str) else [part])]}


def heading(text: str, level: int, identifier: str = "") -> Node:
    """Return a heading."""
    return {"t": "Header", "c": [level, [identifier, [], []], inlines(" ".join(text.split()))]}


def image(words: str, name: str) -> Node:
    """Return a picture of the document as a paragraph of its own."""
    return {"t": "Para", "c": [{"t": "Image", "c": [NO_ATTRIBUTES, inlines(words), [name, ""]]}]}


def table(head: Sequence[str], rows: Iterable[Sequence[str]], *, right: Sequence[bool] = ()) -> Node:
    """Return a table.

    Args:
        head: what its columns are called; nothing for a table without a head.
        rows: a text a cell.
        right: which columns are aligned to the right, as numbers are.
    """
    made = [_row(row) for row in rows]
    n_columns = len(head) or (len(made[0][1]) if made else 0)
    alignments = ["AlignRight" if place < len(right) and right[place] else "AlignDefault" for place in range(n_columns)]
    columns = [[{"t": alignment}, {"t": "ColWidthDefault"}] for alignment in alignments]
    heads = [NO_ATTRIBUTES, [_row(head)] if head else []]
    body = [NO_ATTRIBUTES, 0, [], made]
    return {"t": "Table", "c": [NO_ATTRIBUTES, [None, []], columns, heads, [body], [NO_ATTRIBUTES, []]]}


def _row(cells: Sequence[str]) -> list[Any]:
    made = [[NO_ATTRIBUTES, {"t": "AlignDefault"}, 1, 1, [{"t": "Plain", "c": inlines(cell)}]] for cell in cells]
    return [NO_ATTRIBUTES, made]


def cells_of(content: Sequence[object]) -> Iterator[list[object]]:
    """Yield the cells of a table, in order."""
    _, _, _, head, bodies, foot = content
    for rows in (head[1], *(part for body in bodies for part in body[2:]), foot[1]):  # type: ignore[index,attr-defined]
        for _, cells in rows:
            yield from cells


def with_widths(content: list[Any], text_of: Callable[[Any], str], *, line: int, always: bool = False) -> list[Any]:
    """Return a table's content whose columns share the page by how much is in them, where they need more than a line.

    Args:
        content: of the table.
        text_of: returns the text of a cell's blocks.
        line: how many letters fit beside each other.
        always: whether a smaller table gets widths, too; then it takes a part of the page.
    """
    n = len(content[2])
    texts = [text_of(cell[4]) for cell in cells_of(content)]
    longest = [max((len(text) for text in texts[place::n]), default=1) + 2 for place in range(n)]
    if sum(longest) <= line and not always:
        return content
    words = [max((len(word) for text in texts[place::n] for word in text.split()), default=1) for place in range(n)]
    shares = _shares(longest, words, line) if sum(longest) > line else longest
    part = min(1.0, sum(longest) / line)
    widths = [{"t": "ColWidth", "c": part * share / sum(shares)} for share in shares]
    columns = [[alignment, width] for (alignment, _), width in zip(content[2], widths, strict=True)]
    return [*content[:2], columns, *content[3:]]


def _shares(longest: Sequence[int], words: Sequence[int], line: int) -> list[float]:
    """Return how a line's letters are shared: long columns get more, and none less than a word, unless that is long."""
    wanted = [max(min(length, 60), 6) ** 0.7 for length in longest]
    letters = [line * share / sum(wanted) for share in wanted]
    return [max(given, min(word, 16) + 3) for given, word in zip(letters, words, strict=True)]
