"""Ranges of numbers as researchers write them: `18-34`, `55+`, `65 and over`, `under 18`, `< 18`, `3`."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from itertools import pairwise

_NUMBER = r"-?\d+(?:\.\d+)?"
_BETWEEN = re.compile(rf"({_NUMBER})\s*(?:-|–|—|to|\.\.)\s*({_NUMBER})", re.IGNORECASE)
_FROM = re.compile(rf"(?:({_NUMBER})\s*(?:\+|(?:and|or) (?:over|older|more|above))|(>=|≥|>|over )\s*({_NUMBER}))", re.I)
_BELOW = re.compile(
    rf"(?:({_NUMBER})\s*(?:and|or) (?:under|younger|less|below|fewer)|(<=|≤|<|under )\s*({_NUMBER}))", re.I
)
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


def parse_range(text: str) -> Range | None:
    """Read a range; None where a text is none. What has no end on one side reaches to infinity.

    Args:
        text: such as `18-34` (both ends belong to it), `0.0-1.0` (numbers between), `55+`, `under 18`, `<= 3`, `7`.
    """
    text = text.strip()
    if match := _BETWEEN.fullmatch(text):
        return _made(match[1], match[2])
    if match := _ONE.fullmatch(text):
        return _made(match[1], match[1])
    if match := _FROM.fullmatch(text):
        without = (match[2] or "").strip().lower() in (">", "over")
        return _half(match[1] or match[3], "above" if without else "from")
    if match := _BELOW.fullmatch(text):
        without = (match[2] or "").strip().lower() in ("<", "under")
        return _half(match[1] or match[3], "below" if without else "up to")
    return None


def _made(low: str, high: str) -> Range:
    whole = "." not in low + high
    if not whole and low == high:
        return Range(float(low), math.nextafter(float(low), math.inf), whole=False)
    return Range(int(low), int(high) + 1, whole=True) if whole else Range(float(low), float(high), whole=False)


def _half(written: str, side: str) -> Range:
    whole = "." not in written
    end: float = int(written) if whole else float(written)
    after = end + 1 if whole else math.nextafter(end, math.inf)
    if side in ("from", "above"):
        return Range(end if side == "from" else after, math.inf, whole)
    return Range(-math.inf, end if side == "below" else after, whole)
