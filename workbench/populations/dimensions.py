"""`Dimension`: one attribute that people are sampled by, its levels, and the share of each."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from itertools import combinations
from numbers import Integral, Real
from typing import Any, TypeVar

from workbench.agents.fixed_facts import check_facts
from workbench.errors import InvalidSettings
from workbench.populations.ranges import Range, parse_range

Key = TypeVar("Key")

OLDEST = 90
"""Years: where `65+` ends."""
ROUNDING = 0.011
"""How far shares may be from a sum of 1: tables of percentages are rounded."""
RESERVED = ("name", "weight")
_COMMA = re.compile(r"(?<=\d),(?=\d)")
_KNOWN = ("age", "gender", "nationality", "residence", "education", "occupation", "personality", "health")
"""Keys that personas have: another spelling of one would be a second one beside it."""


@dataclass(frozen=True)
class Dimension:
    """An attribute of people: its levels and what share of the people has each.

    Args:
        name: the persona's key that it fixes; dots lead inside, as in `occupation.title` and
            `personality.big_five.openness`.
        shares: `{level: share}`, as fractions of 1, per cents of 100, or texts such as "48.2%"; a list of levels that
            are equally frequent; or `(low, high)` for numbers spread evenly between them. Where levels depend on other
            dimensions, a mapping for each level of `given`: `{"18-34": {"single": 0.8, "married": 0.2}, "35-80": ...}`.
        given: the dimension that the shares depend on, or several: the mapping is then nested in their order.
        numbers: True: levels are ranges (`18-34`, `0.0-0.5`, for an age `55+` as well) and everybody gets a number
            within theirs; False: levels are words, whatever they look like. Ranges are recognised when not given.
        sampled: shares among those who are sampled, where some are to be over-represented; of the same form as
            `shares`, from which the design weights then come.

    Raises:
        InvalidSettings: shares that do not add up, levels that overlap, or a name under which no persona can have them.

    >>> Dimension("gender", {"female": "50.8%", "male": "49.2%"}).levels
    ('female', 'male')
    >>> Dimension("age", {"18-34": 30, "35-54": 40, "55+": 30}).level_of(90)
    '55+'
    """

    name: str
    shares: Any
    given: tuple[str, ...] = ()
    numbers: bool | None = None
    sampled: Any = None

    def __post_init__(self) -> None:
        _check_name(self.name)
        given = (self.given,) if isinstance(self.given, str) else tuple(self.given)
        object.__setattr__(self, "given", given)
        if self.name in given or len(set(given)) < len(given):
            raise InvalidSettings(f"{self.name}: given={given!r}: these are other dimensions, each named once")
        object.__setattr__(self, "shares", self._read(self.shares, "shares"))
        if self.sampled is not None:
            object.__setattr__(self, "sampled", self._read(self.sampled, "sampled"))
            if unknown := set(_levels(self.sampled, len(given))) ^ set(self.levels):
                raise InvalidSettings(f"{self.name}: sampled and shares differ in {', '.join(sorted(unknown))}")
        self._check_ranges()
        check_facts({self.name: 1 if self.ranges is not None else self.levels[0]})

    def _read(self, shares: Any, what: str) -> Any:
        return _read_nested(_as_mapping(shares, self.name), len(self.given), f"{self.name}: {what}")

    @cached_property
    def levels(self) -> tuple[str, ...]:
        """The names of its levels, in the order given."""
        return tuple(dict.fromkeys(_levels(self.shares, len(self.given))))

    @cached_property
    def ranges(self) -> dict[str, Range] | None:
        """The range of each level where people get numbers; None where the levels are words."""
        found = {level: self._range(level) for level in self.levels}
        usable = {level: a for level, a in found.items() if a and math.isfinite(a.low) and math.isfinite(a.high)}
        return None if self.numbers is False or len(usable) < len(found) else usable

    @property
    def words_among_ranges(self) -> tuple[str, ...]:
        """Levels that keep the others from being numbers: words, and ranges without an end."""
        if self.ranges is not None or self.numbers is False:
            return ()
        found = {level: self._range(level) for level in self.levels}
        whole = [level for level, a in found.items() if a and math.isfinite(a.low) and math.isfinite(a.high)]
        return tuple(level for level in self.levels if level not in whole) if whole else ()

    def level_of(self, value: Any) -> str | None:
        """Return the level that a value of a persona belongs to; None where it has none."""
        if self.ranges is not None:
            is_number = isinstance(value, int | float) and not isinstance(value, bool)
            return next((level for level, a in self.ranges.items() if is_number and value in a), None)
        return next((level for level in self.levels if level == level_name(value)), None)

    @cached_property
    def _is_whole(self) -> bool:
        """Whether its numbers are whole: one level that is not makes all others numbers between, too."""
        return all(found.whole for level in self.levels if (found := parse_range(level)))

    def _range(self, level: str) -> Range | None:
        found = parse_range(level, whole=self._is_whole)
        if found and self.name.rpartition(".")[2] == "age":
            return Range(
                max(found.low, 0), min(found.high, OLDEST + 1) if found.high == math.inf else found.high, found.whole
            )
        return found

    def _check_ranges(self) -> None:
        if self.numbers and self.ranges is None:
            wrong = [
                level
                for level in self.levels
                if not (a := self._range(level)) or math.isinf(a.low) or math.isinf(a.high)
            ]
            raise InvalidSettings(
                f"{self.name}: {', '.join(wrong)}: numbers need ranges with two ends, such as '3-6'; numbers=False "
                "keeps the levels as words"
            )
        for one, other in combinations((self.ranges or {}).items(), 2):
            if one[1].low < other[1].high and other[1].low < one[1].high:
                raise InvalidSettings(f"{self.name}: {one[0]!r} and {other[0]!r} overlap: a value would be of both")

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        optional = {"given": list(self.given), "numbers": self.numbers, "sampled": self.sampled}
        return {"name": self.name, "shares": self.shares, **{k: v for k, v in optional.items() if v not in (None, [])}}


def _check_name(name: Any) -> None:
    keys = name.split(".") if isinstance(name, str) else [""]
    if any(key.strip() != key or not key for key in keys):
        raise InvalidSettings(
            f"{name!r} cannot be a dimension: it is a key of personas, such as 'age' or 'occupation.title'"
        )
    if name.casefold() in _KNOWN and name not in _KNOWN:
        raise InvalidSettings(f"{name!r}: personas call it {name.casefold()!r}: give it that name")
    if name in RESERVED:
        raise InvalidSettings(f"a dimension cannot be called {name!r}: names and weights are given to people otherwise")


def written(number: float) -> str:
    """Return a number without an exponent, and with a point."""
    text = format(Decimal(repr(float(number))), "f")
    return text if "." in text else f"{text}.0"


def level_name(level: Any) -> str:
    """Return the name of a level: of what is true or false, yes or no."""
    if level is True or level is False or type(level).__name__ == "bool_":
        return "yes" if level else "no"
    return str(level)


def _as_mapping(shares: Any, name: str) -> Mapping[Any, Any]:
    if hasattr(shares, "to_dict"):  # a Series, as of value_counts
        shares = shares.to_dict()
    if hasattr(shares, "tolist"):
        shares = shares.tolist()
    if isinstance(shares, Mapping):
        return shares
    if isinstance(shares, tuple) and len(shares) == 2 and all(_is_number(end) for end in shares):
        if not shares[0] < shares[1]:
            raise InvalidSettings(f"{name}: ({shares[0]}, {shares[1]}): the first has to be below the second")
        low, high = shares if all(isinstance(end, Integral) for end in shares) else map(written, shares)
        return {f"{low}-{high}": 1.0}
    if isinstance(shares, Sequence) and not isinstance(shares, str) and shares:
        return {level: 1 / len(shares) for level in shares}
    raise InvalidSettings(f"{name}: {shares!r}: give {{level: share}}, a list of levels, or (low, high)")


def _is_number(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)


def _read_nested(shares: Any, depth: int, where: str) -> Any:
    if not isinstance(shares, Mapping) or not shares:
        raise InvalidSettings(f"{where}: a mapping with at least one level is needed, this is {shares!r}")
    if depth:
        return {level_name(key): _read_nested(inner, depth - 1, f"{where}, {key}") for key, inner in shares.items()}
    if None in shares:
        raise InvalidSettings(f"{where}: None is no level: leave it out, or call it 'unknown'")
    read = {level_name(level): read_share(value, f"{where}, {level}") for level, value in shares.items()}
    if len(read) < len(shares) or any(not level.strip() for level in read):
        raise InvalidSettings(f"{where}: {list(shares)}: each level needs a name of its own")
    return summing_to_one(read, where)


def read_share(value: Any, where: str) -> float:
    """Return a share as a number: `0.48`, `48` and "48%" are such.

    Raises:
        InvalidSettings: it is none; `where` it stands is named.
    """
    if isinstance(value, str):
        try:
            number = _COMMA.sub(".", value.strip().removesuffix("%"))
            value = float(number) / (100 if value.strip().endswith("%") else 1)
        except ValueError as error:
            raise InvalidSettings(f"{where}: {value!r} is no share: give one such as 0.48 or '48%'") from error
    if not _is_number(value) or value < 0:
        raise InvalidSettings(f"{where}: {value!r} is no share: give one such as 0.48 or '48%'")
    return float(value)


def summing_to_one(shares: Mapping[Key, float], where: str) -> dict[Key, float]:
    """Return shares, of 1 or of 100 and perhaps rounded, so that they add up to 1.

    Raises:
        InvalidSettings: they add up to something else.
    """
    total = math.fsum(shares.values())
    whole = 100 if abs(total - 100) <= 100 * ROUNDING else 1
    if abs(total - whole) > whole * ROUNDING:
        raise InvalidSettings(
            f"{where}: the shares add up to {total:.6g}: they have to add up to 1, or to 100 (and counts, in the "
            "mapping of a plan, to its n)"
        )
    return {level: share / total for level, share in shares.items()}


def _levels(shares: Any, depth: int) -> Iterator[str]:
    if not depth:
        yield from shares
        return
    for inner in shares.values():
        yield from _levels(inner, depth - 1)
