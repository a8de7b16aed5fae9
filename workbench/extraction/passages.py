"""The passages of a text: what a row that was extracted from it can point to."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from workbench.judging.quotations import UNSPACED
from workbench.record.events import START, Event

LONGEST = 1500
"""Characters of a passage at most."""
_WIDTHS = range(40, 201)
"""Characters of the longest line of a text whose lines may have been wrapped by a program."""
_FULL = 0.7
"""The share of the longest line from which a line is full: the next one goes on with its sentence."""
_RULE = re.compile(r"[\s|:=+-]+|\d+(?:\s*/\s*\d+)?")
"""What is no passage of a document: the rule below the head of a table, an empty row of it, the number of a page."""
_HEADING = re.compile(r"^#{1,6}\s+", re.MULTILINE)
_ENDED = re.compile(r"[.!?…:;।؟。！？]['\"”’»)\]」』]*$")
_BEGINS = re.compile(r"(?:[-*+•>#|]|\d+[.)])\s|[\w .'-]{1,40}:\s")
_SENTENCE = re.compile(r"(?<=[.!?…।؟])\s+|(?<=[。！？｡])")
_STRONG = re.compile(r"(\*\*|__|~~)(?=\S)(.+?)(?<=\S)\1")
_EMPHASIS = re.compile(r"(?<![\w*])([*_])(?=[^\s*_])(.+?)(?<=[^\s*_])\1(?![\w*])")
_ESCAPED = re.compile(r"\\([\\`*_{}\[\]()#+\-.!|<>~\"'])")


def passages_of(text: str) -> list[Event]:
    """Return the passages of a text as events that are numbered from 1.

    A line is a passage. Lines that were wrapped to a width are one: a full line without an end of a sentence goes on in
    the next one. Long passages are divided where sentences end, or else between words.
    """
    lines = text.splitlines()
    width = max(map(len, lines), default=0)
    return _numbered(_joined(lines, _FULL * width if width in _WIDTHS else width + 1))


def passages_of_document(markdown: str) -> list[Event]:
    """Return the passages of a document that was read as Markdown: its paragraphs, items and rows of tables.

    What makes words bold or a line a heading is no part of them. Rules of tables and numbers of pages are no passages.
    """
    lines = without_marks(markdown).splitlines()
    return _numbered(line for line in _joined(lines, 0) if not _RULE.fullmatch(line))


def _numbered(lines: Iterable[str]) -> list[Event]:
    passages = [passage for line in lines for passage in _divided(line)]
    return [Event(n, 0, START, "stimulus", "PASSAGE", "", "", words) for n, words in enumerate(passages, start=1)]


def without_marks(markdown: str) -> str:
    """Return Markdown without marks of headings, bold and italic words, and without escapes: what a document says.

    >>> without_marks("**Every** week, snake_case and *bottles*.")
    'Every week, snake_case and bottles.'
    """
    plain = _EMPHASIS.sub(r"\2", _STRONG.sub(r"\2", _HEADING.sub("", markdown)))
    return _ESCAPED.sub(r"\1", plain)


def _joined(lines: Sequence[str], full: float) -> Iterator[str]:
    """Yield lines; those that go on with what a program has wrapped as one.

    Args:
        lines: of a text; empty ones part paragraphs.
        full: characters from which a line may have been wrapped.
    """
    whole, last = "", ""
    for line in map(str.strip, lines):
        if whole and line and len(last) >= full and not _ENDED.search(last) and not _BEGINS.match(line):
            whole += line if UNSPACED.match(whole[-1]) else f" {line}"
        else:
            yield from [whole] if whole else []
            whole = line
        last = line
    yield from [whole] if whole else []


def _divided(line: str) -> Iterator[str]:
    """Yield a line in passages of whole sentences, as they stand in it; of words where a sentence is too long."""
    start = 0
    while len(line) - start > LONGEST:
        ends = [found.end() for found in _SENTENCE.finditer(line, start, start + LONGEST)]
        space = line.rfind(" ", start + 1, start + LONGEST)
        end = ends[-1] if ends and ends[-1] > start else space if space > start else start + LONGEST
        yield from _there(line[start:end])
        start = end
    yield from _there(line[start:])


def _there(passage: str) -> list[str]:
    return [passage.strip()] if passage.strip() else []
