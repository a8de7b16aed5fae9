"""Questions that are answered with numbers or words: a scale, several statements on one, a number, a free text."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from random import Random
from typing import Any

from typing_extensions import override

from workbench.errors import InvalidSettings
from workbench.evaluation.surveys.anchors import anchors_of, chosen_by
from workbench.evaluation.surveys.questions import (
    MOST_OPTIONS,
    Code,
    NoAnswer,
    Question,
    coded,
    labels_of,
    listed,
    shuffled,
)


@dataclass(frozen=True)
class Likert(Question):
    """A point on a scale of whole numbers.

    Args:
        text: the question.
        low: the lowest point.
        high: the highest point.
        labels: what points mean: a text a point, the two ends as a pair, or `{point: text}`.
        anchors: for `method="similarity"`: sets of sentences, one a point from the lowest, as somebody at that point
            would answer; `"likelihood"`, `"agreement"`, `"satisfaction"`, `"liking"` name those that are built in, one
            of which the words of the question may choose: "How likely are you to buy it?".
        reverse: whether half of the people, by the seed, are shown the scale from its high end.

    Raises:
        InvalidSettings: fewer than two points, or labels or anchors that are not of its points.
    """

    low: int = 1
    high: int = 5
    labels: Any = field(default=None, kw_only=True)
    anchors: Any = field(default=None, kw_only=True)
    reverse: bool = field(default=False, kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        whole = all(type(end) is int for end in (self.low, self.high))
        if not whole or not 1 <= self.high - self.low < MOST_OPTIONS:
            raise InvalidSettings(f"{self.heading}: from {self.low!r} to {self.high!r}: two whole numbers that rise")
        object.__setattr__(self, "labels", self._read_labels())
        if self.anchors is None:
            object.__setattr__(self, "anchors", chosen_by(self.text))
        if self.anchors is not None:
            anchors_of(self)

    def _read_labels(self) -> dict[int, str]:
        given, points = self.labels, self.points
        if given is None:
            return {}
        if isinstance(given, Mapping) and set(given) <= set(points):
            return dict(given)
        if isinstance(given, Sequence) and not isinstance(given, str) and len(given) in (2, len(points)):
            at = points if len(given) == len(points) else (self.low, self.high)
            return dict(zip(at, given, strict=True))
        raise InvalidSettings(
            f"{self.heading}: labels={given!r}: give {len(points)} texts, two for the ends, or a mapping of points"
        )

    @property
    def points(self) -> tuple[int, ...]:
        """All points, from the lowest."""
        return tuple(range(self.low, self.high + 1))

    @override
    def order(self, random: Random) -> tuple[Code, ...]:
        return self.points[::-1] if self.reverse and random.random() < 0.5 else self.points

    @override
    def shown(self, order: Sequence[Code]) -> list[tuple[str, str]]:
        return [(str(point), self.labels.get(point, "")) for point in order]

    @property
    @override
    def how(self) -> str:
        return f"a whole number from {self.low} to {self.high}"

    @property
    @override
    def schema(self) -> dict[str, Any]:
        return {"type": "integer", "enum": list(self.points)}

    @override
    def checked(self, given: Any) -> Any:
        number = as_number(given)
        if number not in self.points:
            raise NoAnswer(f"{given!r} is no point of the scale: {self.how}")
        return int(number)

    @override
    def say(self, value: Any) -> str:
        return f"{value} ({self.labels[value]})" if value in self.labels else str(value)


@dataclass(frozen=True)
class Matrix(Question):
    """Several statements on one scale, asked in one request; tables have a row a statement, called `name.row`.

    Args:
        text: the question.
        rows: the statements, or `{code: text}`.
        low: the lowest point of the scale.
        high: the highest.
        labels: as for `Likert`.
        shuffle: whether everybody is shown the statements in an order of their own.

    Raises:
        InvalidSettings: fewer than two statements, or a scale that cannot be.
    """

    rows: Any
    low: int = 1
    high: int = 5
    labels: Any = field(default=None, kw_only=True)
    shuffle: bool = field(default=True, kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "rows", coded(self.rows, self.heading))
        object.__setattr__(self, "labels", self.scale.labels)

    @cached_property
    def scale(self) -> Likert:
        """The scale that all statements are answered on."""
        return Likert(self.text, self.low, self.high, labels=self.labels)

    @override
    def order(self, random: Random) -> tuple[Code, ...]:
        codes = tuple(self.rows)
        return shuffled(codes, random) if self.shuffle else codes

    @override
    def shown(self, order: Sequence[Code]) -> list[tuple[str, str]]:
        return list(zip(labels_of(len(order)), (self.rows[code] for code in order), strict=True))

    @property
    @override
    def how(self) -> str:
        ends = "".join(f"; {point} is {text!r}" for point, text in self.labels.items())
        return f"a list with {self.scale.how} for each statement, in the order in which they stand{ends}"

    @property
    @override
    def schema(self) -> dict[str, Any]:
        n = len(self.rows)
        return {"type": "array", "items": self.scale.schema, "minItems": n, "maxItems": n}

    @override
    def checked(self, given: Any) -> Any:
        points = listed(given)
        if len(points) != len(self.rows):
            raise NoAnswer(f"{len(points)} numbers for {len(self.rows)} statements: one for each is needed")
        return [self.scale.checked(point) for point in points]

    @override
    def value(self, checked: Any, order: Sequence[Code]) -> Any:
        return dict(zip(order, checked, strict=True))

    @override
    def say(self, value: Any) -> str:
        return "; ".join(f"{self.rows[code]}: {point}" for code, point in value.items())


@dataclass(frozen=True)
class Number(Question):
    """A number.

    Args:
        text: the question.
        low: the lowest that can be; no limit when not given.
        high: the highest.
        whole: whether it has to be a whole one.
        unit: that it is in, such as "euros".

    Raises:
        InvalidSettings: ends that do not rise.
    """

    low: float | None = None
    high: float | None = None
    whole: bool = field(default=False, kw_only=True)
    unit: str = field(default="", kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        for end in (self.low, self.high):
            if end is not None and (isinstance(end, bool) or not isinstance(end, int | float)):
                raise InvalidSettings(f"{self.heading}: {end!r} is no number")
        if self.low is not None and self.high is not None and not self.low < self.high:
            raise InvalidSettings(f"{self.heading}: from {self.low} to {self.high}: the first has to be the lower one")

    @property
    @override
    def how(self) -> str:
        parts = ["a whole number" if self.whole else "a number"]
        parts += [f"from {_digits(self.low)}"] if self.low is not None else []
        parts += [f"up to {_digits(self.high)}"] if self.high is not None else []
        return " ".join([*parts, f"in {self.unit}"] if self.unit else parts)

    @property
    @override
    def schema(self) -> dict[str, Any]:
        ends = {"minimum": self.low, "maximum": self.high}
        given = {name: end for name, end in ends.items() if end is not None}
        return {"type": "integer" if self.whole else "number", **given}

    @override
    def checked(self, given: Any) -> Any:
        number = as_number(given)
        outside = (self.low is not None and number < self.low) or (self.high is not None and number > self.high)
        if outside or (self.whole and not number.is_integer()):
            raise NoAnswer(f"{given!r} is not possible: {self.how}")
        return int(number) if self.whole else number

    @override
    def say(self, value: Any) -> str:
        return f"{_digits(value)} {self.unit}".strip()


@dataclass(frozen=True)
class FreeText(Question):
    """An answer in the person's own words, which tables have as it is."""

    @property
    @override
    def how(self) -> str:
        return "what you say, in your own words"

    @property
    @override
    def schema(self) -> dict[str, Any]:
        return {"type": "string"}

    @override
    def checked(self, given: Any) -> Any:
        if not isinstance(given, str) or not given.strip():
            raise NoAnswer("nothing is answered: say it in words")
        return given


def _digits(number: float) -> str:
    """Return a number as it is, without an exponent where it has up to fifteen digits."""
    return str(number) if isinstance(number, int) else f"{number:.15g}"


def as_number(given: Any) -> float:
    """Return an answer as a number.

    Raises:
        NoAnswer: it is none.
    """
    try:
        number = math.nan if isinstance(given, bool) else float(given)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number):
        raise NoAnswer(f"{str(given)[:80]!r} is no number")
    return number
