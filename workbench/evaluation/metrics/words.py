"""Talk as words and sentences, in scripts with and without spaces."""

from __future__ import annotations

import re
from collections.abc import Sequence

from workbench.judging.repetition import words_in

_END = re.compile(r"(?<=[.!?…।؟])[\"'”’»)\]]*\s+|(?<=[。！？｡])[」』”’）]*|\n+")


def words_of(text: str) -> list[str]:
    """Return the words of a text in lower case, as `judging.repetition` counts them.

    In scripts that put no space between words (Thai, Lao, Burmese, Khmer, kana, Han), pairs of neighbouring characters
    stand for words. A text without letters (👍) is one word, as it stands.

    >>> words_of("I don't. 👍")
    ['i', 'dont']
    """
    return words_in(text) or text.split()


def in_order(words: Sequence[str]) -> str:
    """Return words in alphabetical order, as one text: what `token_sort_ratio` compares."""
    return " ".join(sorted(words))


def sentences_of(text: str) -> list[str]:
    """Return the sentences of a text: it ends one where a line ends, or where a mark of its end and a space follow.

    Thai marks no end; there, a line is a sentence.

    >>> sentences_of("It costs 4.50 euros. Too much! 高い。本当に。")
    ['It costs 4.50 euros.', 'Too much!', '高い。', '本当に。']
    """
    return [sentence.strip() for sentence in _END.split(text) if sentence.strip()]
