"""Ranges of numbers as researchers write them: `18-34`, `55+`, `65 and over`, `under 18`, `< 18`, `3`."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from itertools import pairwise

_NUMBER = r"-?\d+(?:\.\d+)?"
_BETWEEN = re.compile(rf"({_NUMBER})\s*(?:-|–|—|to|\.\.)\s*({_NUMBER})", re.IGNORECASE)
_FROM = re.compile(
    rf"(?:({_NUMBER})\s*(?:\+|plus|(?:and|or) (?:over|older|more|above))|(>=|≥|>|over )\s*({_NUMBER}))", re.I
)
_BELOW = re.compile(
    rf"(?:({_NUMBER})\s*(?:and|or) (?:under|younger|less|below|fewer)|(<=|≤|<|under )\s*({_NUMBER}))", re.I
)
_YEARS = re.compile(r"\s*\b(?:years?|yrs?)(?: old| of age)?\b", re.IGNORECASE)
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_CODE = re.compile(r"(?<![\d.])0\d")
"""What has a leading zero is a code, such as 01234, and no number."""
_ONE = re.compile(rf"(?:==?\s*)?({_NUMBER})")


@dataclass(frozen=True)
class Range:
    """Numbers from `low` up to and without `high`.

    >>> parse_range("18-34"), parse_range("0.5-1.0"), parse_range("< 18")
    (Range(low=18, high=35, whole=True), Range(low=0.5, high=1.0, whole=False), Range(low=-inf, high=18, whole=True))
    """

    low: float
    high: float
    whole: bool
    """Whole numbers only: those whose ends are written as such. Then both ends as written belong to it."""

    def __contains__(self, value: float) -> bool:
        return self.low <= value < self.high

    @property
    def width(self) -> float:
        """How much of the line it covers; for whole numbers, how many there are."""
        return self.high - self.low

    def within(self, other: Range) -> bool:
        """Return whether all of it lies in another one."""
        return other.low <= self.low and self.high <= other.high

    def cut_at(self, points: list[float]) -> list[Range]:
        """Return the parts that points cut it into, in order."""
        ends = [self.low, *sorted({point for point in points if self.low < point < self.high}), self.high]
        return [Range(low, high, self.whole) for low, high in pairwise(ends)]


def parse_range(text: str, *, whole: bool | None = None) -> Range | None:
    """Read a range; None where a text is none. What has no end on one side reaches to infinity.

    Args:
        text: such as `18-34` (both ends belong to it), `0.0-1.0` (numbers between), `55+`, `under 18`, `<= 3`, `7`.
        whole: whether it is of whole numbers; as it is written when not given.

    >>> parse_range("> 5", whole=False), parse_range("< 17.5", whole=True)
    (Range(low=5.000000000000001, high=inf, whole=False), Range(low=-inf, high=18, whole=True))
    """
    text = _YEARS.sub("", _THOUSANDS.sub("", text.strip()))
    if _CODE.search(text):
        return None
    of_whole = "." not in text if whole is None else whole
    if match := _BETWEEN.fullmatch(text) or _ONE.fullmatch(text):
        first, last = match[1], match[match.lastindex or 1]
        return _between(float(first), float(last), whole=of_whole) if float(first) <= float(last) else None
    if match := _FROM.fullmatch(text):
        without = (match[2] or "").strip().lower() in (">", "over")
        return Range(_start(float(match[1] or match[3]), without=without, whole=of_whole), math.inf, of_whole)
    if match := _BELOW.fullmatch(text):
        without = (match[2] or "").strip().lower() in ("<", "under")
        return Range(-math.inf, _end(float(match[1] or match[3]), without=without, whole=of_whole), of_whole)
    return None


def _between(first: float, last: float, *, whole: bool) -> Range:
    """Return a range with two ends: of whole numbers the last one belongs to it, of others where it is the first."""
    if whole:
        return Range(math.ceil(first), math.floor(last) + 1, whole=True)
    return Range(first, last if first < last else math.nextafter(first, math.inf), whole=False)


def _start(end: float, *, without: bool, whole: bool) -> float:
    if whole:
        return math.floor(end) + 1 if without else math.ceil(end)
    return math.nextafter(end, math.inf) if without else end


def _end(end: float, *, without: bool, whole: bool) -> float:
    if whole:
        return math.ceil(end) if without else math.floor(end) + 1
    return end if without else math.nextafter(end, math.inf)
