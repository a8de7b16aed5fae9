"""Whether a text has certain words, and where: how a quotation is verified."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

_PLAIN = str.maketrans(
    {
        **dict.fromkeys("‘’‚‛′`´", "'"),
        **dict.fromkeys("“”„‟″«»", '"'),
        **dict.fromkeys("‐‑‒–—―−", "-"),
        **dict.fromkeys("،、", ","),
        **dict.fromkeys("。｡۔", "."),
        "؛": ";",
        "؟": "?",
        "‹": "<",  # as `telling` writes a tag that stands in what was said
        "›": ">",
    }
)
_OUTER = "\"' \n\t"
_DECIMAL = re.compile(r"\d[.,]\d")
_UNREAD = re.compile("[\u0640\u064b-\u0652\u0670\u05b0-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7]+")
"""What Arabic and Hebrew may leave out: signs of vowels, and the stroke that stretches a word."""
_SHORT = 2000
"""Characters up to which the letters of a text are remembered: 4,096 of them are some 30 MB at most."""
_SPACE = re.compile(r"\s+")
UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u31f0-\u31ff\u3400-\u9fff\uf900-\ufaff]")
"""Scripts that put no space between words: Thai and Lao, Burmese, Khmer, kana, Han."""


def find_quotation(text: str, quotation: str) -> tuple[int, int] | None:
    """Return where a text has the words of a quotation: the first place, as start and end; None where it has not.

    Case, the width of spaces, the form of quotation marks, dashes and commas, how letters are composed (NFKD), and the
    vowel signs of Arabic and Hebrew do not count, nor do quotation marks around the whole. Words have to be whole:
    `art` is not in `party`.

    >>> find_quotation("Well, I’d  buy it.", "i'd buy it")
    (6, 17)
    >>> find_quotation("What a party!", "art")
    """
    wanted, letters = _letters(quotation), _letters(text)
    for words in dict.fromkeys((wanted.strip(), wanted.strip(_OUTER))):
        start = letters.find(words) if words else -1
        while start >= 0:
            end = start + len(words)
            if not (_inside_a_word(letters, start) or _inside_a_word(letters, end)):
                places = _places(text)
                unread = _UNREAD.match(text, places[end - 1][1])
                return places[start][0], unread.end() if unread else places[end - 1][1]
            start = letters.find(words, start + 1)
    return None


def _letters(text: str) -> str:
    """Return a text as it is compared; of short ones it is remembered."""
    return _remembered(text) if len(text) <= _SHORT else _compared(text)


@lru_cache(maxsize=4096)
def _remembered(text: str) -> str:
    return _compared(text)


def _compared(text: str) -> str:
    plain = text.translate(_PLAIN).casefold() if text.isascii() else "".join(map(_plain, text))
    return _SPACE.sub(" ", plain)


def _places(text: str) -> list[tuple[int, int]]:
    """Return from where to where each of the letters that are compared stands in the text."""
    places: list[tuple[int, int]] = []
    was_space = False
    for place, letter in enumerate(text):
        for one in _plain(letter):
            if one.isspace() and was_space:
                places[-1] = (places[-1][0], place + 1)
            else:
                places.append((place, place + 1))
            was_space = one.isspace()
    return places


@lru_cache(maxsize=4096)
def _plain(letter: str) -> str:
    """Return what is compared of a letter: in its simplest form, and in lower case; nothing of what is not seen."""
    plain = unicodedata.normalize("NFKD", letter).translate(_PLAIN).casefold()
    if not letter.isspace():  # an accent that stands alone is a space that carries it
        plain = plain.replace(" ", "")
    return "".join(one for one in plain if unicodedata.category(one) != "Cf" and not _UNREAD.match(one))


def _inside_a_word(text: str, place: int) -> bool:
    """Return whether a word or a number goes on over a place between two characters."""
    if not 0 < place < len(text):
        return False
    before, after = text[place - 1], text[place]
    if (unicodedata.combining(after) and not before.isspace()) or _inside_a_number(text, place):
        return True
    return before.isalnum() and after.isalnum() and not (UNSPACED.match(before) or UNSPACED.match(after))


def _inside_a_number(text: str, place: int) -> bool:
    """Return whether a place is beside a point or comma that has digits on both sides."""
    return any(_DECIMAL.match(text, at) for at in (place - 2, place - 1) if at >= 0)
