"""Figures and names in a text: what a fact in other words still has to have, as it was."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from decimal import Decimal

from workbench.judging.quotations import find_quotation

_MARKS = str.maketrans({"٫": ".", "٬": ",", "．": ".", "，": ",", "−": "-", "－": "-", "’": "'"})
_FIGURE = re.compile(
    r"""(?P<minus>(?<![\w.,)])-)?
    (?: (?P<grouped> [1-9]\d{0,2} (?P<by>[.,' \u00a0\u2009\u202f]) \d{3} (?: (?P=by)\d{3} )* )
        (?: (?!(?P=by)) [.,] (?P<rest>\d+) )?
        (?! [.,]?\d )
      | (?P<plain> \d+ (?:[.,]\d+)* ) )""",
    re.VERBOSE,
)
_UNSURE = re.compile(r"\d+[.,](?!000)\d{3}")
_WORD = re.compile(r"[^\W\d_]\w*")
_FIRST = re.compile(r"(?:\A|[.!?…]\s|\n)\W*\Z")
_BEFORE = 12
"""Characters before a word that tell whether it begins a sentence."""


@dataclass(frozen=True)
class Figure:
    """A number that stands in a text."""

    value: str
    """The number, however it is written: `1,000`, `1.000` and `1 000` are 1000, `3,20` is 3.2. `3.125` may be three and
    a bit or some thousands: it stays as it is spelled, and is no other text's number."""
    start: int
    end: int
    other: str = ""
    """What it can be as well, where a point or comma may part thousands or decimals."""

    def can_be(self, number: str) -> bool:
        """Return whether this may be how a certain number is written."""
        return number in (self.value, self.other)


def figures_in(text: str) -> list[Figure]:
    """Return the numbers that a text has in figures, of any script, in order.

    A comma before exactly three digits parts thousands, as does a point before three noughts; any other parts decimals,
    and several make a date or a version.

    >>> [figure.value for figure in figures_in("3,20 euros, not 1,000.50; ٣٤ on 04.05.2026")]
    ['3.2', '1000.5', '34', '4.5.2026']
    """
    ascii_digits = "".join(str(unicodedata.decimal(one, one)) for one in text).translate(_MARKS)
    return [_figure(found) for found in _FIGURE.finditer(ascii_digits)]


def number_as_figure(number: float) -> str:
    """Return a number of the program's as the value of a figure: it has no separators that mean two things.

    >>> number_as_figure(3.125), number_as_figure(1000.0), number_as_figure(-2.50)
    ('3.125', '1000', '-2.5')
    """
    written = f"{Decimal(str(number)):f}"
    short = written.rstrip("0").rstrip(".") if "." in written else written
    return "0" if short == "-0" else short


def names_in(text: str) -> list[str]:
    """Return the words of a text that are capitalised as names are, in order.

    The first word of a sentence or a line counts where it has another capital or a figure, or where all words are
    capitalised. Scripts without capitals have no names here.

    >>> names_in("The price of iPhone cases is set by Ana García in Spain.")
    ['iPhone', 'Ana', 'García', 'Spain']
    """
    words = list(_WORD.finditer(text))
    title = all(not one[0][0].islower() for one in words)
    names = [one[0] for one in words if _is_name(one[0], first=not title and _begins(text, one.start()))]
    return list(dict.fromkeys(names))


def lost(text: str, words: str) -> list[str]:
    """Return the figures and names of a text that other words for it do not have."""
    there = {figure.value for figure in figures_in(words)}
    figures = [text[one.start : one.end] for one in figures_in(text) if one.value not in there]
    return list(dict.fromkeys(figures + [name for name in names_in(text) if not find_quotation(words, name)]))


def _figure(found: re.Match[str]) -> Figure:
    value, other = _value(found), ""
    if found["grouped"] and _UNSURE.fullmatch(found["grouped"]) and not found["rest"]:
        minus, thousands = "-" if found["minus"] else "", value
        decimals = minus + found["grouped"].replace(",", ".")
        value, other = (decimals, thousands) if found["by"] == "." else (thousands, decimals)
    return Figure(value, found.start(), found.end(), other)


def _value(found: re.Match[str]) -> str:
    if found["grouped"]:
        parts = [found["grouped"].replace(found["by"], ""), *filter(None, [found["rest"]])]
    else:
        parts = re.split("[.,]", found["plain"])
    if len(parts) == 2:
        parts[1] = parts[1].rstrip("0")
        value = ".".join(filter(None, [parts[0].lstrip("0") or "0", parts[1]]))
    else:
        value = ".".join(part.lstrip("0") or "0" for part in parts)
    return f"-{value}" if found["minus"] and value != "0" else value


def _begins(text: str, place: int) -> bool:
    """Return whether a word at a place is the first one of a sentence or a line."""
    return _FIRST.search(text[max(place - _BEFORE, 0) : place]) is not None


def _is_name(word: str, *, first: bool) -> bool:
    if word == "I":
        return False
    marked = any(one.isupper() or one.isdigit() for one in word[1:]) and any(one.isupper() for one in word)
    return marked or (word[0].isupper() and not first)
