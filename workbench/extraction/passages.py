"""The passages of a text: what a row that was extracted from it can point to."""

from __future__ import annotations

import re
from collections.abc import Iterator

from workbench.judging.quotations import UNSPACED
from workbench.record.events import START, Event

LONGEST = 1500
"""Characters of a passage at most."""
_WRAPPED = 45
"""Characters from which a line may have been wrapped by a program: the next one goes on with its sentence."""
_ENDED = re.compile(r"[.!?…:;।؟。！？]['\"”’»)\]」』]*$")
_BEGINS = re.compile(r"(?:[-*+•>#|]|\d+[.)])\s|[\w .'-]{1,40}:\s")
_SENTENCE = re.compile(r"(?<=[.!?…।؟])\s+|(?<=[。！？｡])")
_STRONG = re.compile(r"(\*\*|__|~~)(?=\S)(.+?)(?<=\S)\1")
_EMPHASIS = re.compile(r"(?<![\w*])([*_])(?=[^\s*_])(.+?)(?<=[^\s*_])\1(?![\w*])")
_ESCAPED = re.compile(r"\\([\\`*_{}\[\]()#+\-.!|<>~\"'])")


def passages_of(text: str) -> list[Event]:
    """Return the passages of a text as events that are numbered from 1.

    A line is a passage. Lines that were wrapped are one: a long line without an end of a sentence goes on in the next
    one. Long passages are divided where sentences end, or else between words.
    """
    passages = [passage for line in _unwrapped(text.splitlines()) for passage in _divided(line)]
    return [Event(n, 0, START, "stimulus", "PASSAGE", "", "", words) for n, words in enumerate(passages, start=1)]


def without_marks(markdown: str) -> str:
    """Return Markdown without what makes words bold or italic, and without escapes: what a document says.

    >>> without_marks("**Every** week, snake_case and *bottles*.")
    'Every week, snake_case and bottles.'
    """
    plain = _EMPHASIS.sub(r"\2", _STRONG.sub(r"\2", markdown))
    return _ESCAPED.sub(r"\1", plain)


def _unwrapped(lines: list[str]) -> Iterator[str]:
    """Yield lines; those that were wrapped to a width as one."""
    whole, last = "", ""
    for line in map(str.strip, lines):
        if whole and line and _goes_on(last, line):
            whole += line if UNSPACED.match(whole[-1]) else f" {line}"
        else:
            yield from [whole] if whole else []
            whole = line
        last = line
    yield from [whole] if whole else []


def _goes_on(last: str, line: str) -> bool:
    """Return whether a line goes on with what a program has wrapped."""
    wrapped = len(last) >= _WRAPPED and not _ENDED.search(last)
    return wrapped and not line[0].isupper() and not _BEGINS.match(line)


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
