"""The clock of a world: simulated time, which moves in steps of a length and can be put forward."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

from workbench.errors import InvalidSettings

if TYPE_CHECKING:
    from dateutil.relativedelta import relativedelta

    Length = timedelta | relativedelta
    """How far a step moves the clock; months and years are those of the calendar."""

Unit = Literal["minutes", "hours", "days", "weeks", "months", "years"]
_FIELDS = ("years", "months", "days", "hours", "minutes", "seconds", "microseconds")
_UNITS = ("years", "months", "weeks", *_FIELDS[2:])
_DATES = ("year", "month", "day", "weekday", "hour", "minute", "second", "microsecond", "leapdays")
"""Of a relativedelta: what it sets, or leaves to the year, in the place of moving it."""


@dataclass
class Clock:
    """Simulated time.

    Steps of the same length are counted from where the first of them began: a month after January 31 is February 28,
    and two months after it are March 31.

    Args:
        time: now.
    """

    time: datetime
    _anchor: datetime | None = None
    _length: Any = None
    _ticks: int = 0

    def after(self, length: Length) -> Clock:
        """Return the clock after a step of a length.

        Raises:
            InvalidSettings: there is no such time in any calendar.
        """
        told = length_to_json(length)
        known = self._anchor is not None and self._length == told
        anchor, ticks = (self._anchor, self._ticks + 1) if known and self._anchor else (self.time, 1)
        return Clock(_moved(anchor, length, ticks), anchor, told, ticks)

    def skip(self, length: Length) -> datetime:
        """Return the time that it will be after a time that nobody lives through.

        Raises:
            InvalidSettings: it does not lie ahead, or is no length.
        """
        check_length(length, "length")
        time = _moved(self.time, length, 1)
        if time <= self.time:
            raise InvalidSettings(f"the clock cannot go from {self.time} to {time}: give a time that lies ahead")
        return time

    def to_json(self) -> Any:
        """Return what has to be known to go on."""
        anchor = self._anchor.isoformat() if self._anchor else None
        return {"anchor": anchor, "length": self._length, "ticks": self._ticks}

    @classmethod
    def from_json(cls, time: datetime, data: Any) -> Clock:
        """Read what `to_json` returned; nothing begins to count anew."""
        if not data or not data["anchor"]:
            return cls(time)
        return cls(time, datetime.fromisoformat(data["anchor"]), data["length"], data["ticks"])


def _moved(time: datetime, length: Length, times: int) -> datetime:
    try:
        moved: datetime = time + length * times
    except (OverflowError, ValueError) as error:
        raise InvalidSettings(f"{times} x {length} after {time} is in no calendar: {error}") from error
    return moved


def unit(name: Unit, n: int = 1) -> relativedelta:
    """Return a length of so many minutes, hours, days, weeks, months or years."""
    from dateutil.relativedelta import relativedelta

    return relativedelta(**{name: n})  # type: ignore[arg-type]  # one field, by its name


def length_of(length: Length | None, units: Mapping[str, float]) -> Length:
    """Return a length that is given as it is, or in units by name, as in `{"days": 3, "hours": 12}`.

    Raises:
        InvalidSettings: neither, both, or a unit that is none.
    """
    from dateutil.relativedelta import relativedelta

    known = f"{', '.join(_UNITS)}, as in days=3"
    if length is not None:
        if units:
            raise InvalidSettings(f"give one of both: {length!r}, or {', '.join(units)}")
        return length
    if wrong := [name for name in units if name not in _UNITS]:
        raise InvalidSettings(f"{wrong[0]!r} is no unit of time; there are {known}")
    if not units:
        raise InvalidSettings(f"how long? Give any of {known}")
    for name, n in units.items():
        finite = isinstance(n, int | float) and not isinstance(n, bool) and math.isfinite(n)
        if not finite or (name in _UNITS[:2] and n != int(n)):
            raise InvalidSettings(f"{name}={n!r}: a number is needed, of months and years a whole one")
    of_calendar = {name: int(n) for name, n in units.items() if name in _UNITS[:2]}
    try:
        rest = timedelta(**{name: n for name, n in units.items() if name not in of_calendar})
    except OverflowError as error:
        raise InvalidSettings(f"{units}: that is in no calendar: {error}") from error
    return relativedelta(**of_calendar, days=rest.days, seconds=rest.seconds, microseconds=rest.microseconds)  # type: ignore[arg-type]


def check_length(length: Length, name: str = "step_length") -> None:
    """Check a length.

    Raises:
        InvalidSettings: it is none, or it goes back.
    """
    from dateutil.relativedelta import relativedelta

    if not isinstance(length, timedelta | relativedelta):
        raise InvalidSettings(f"{name}={length!r}: it is a timedelta or a dateutil relativedelta")
    if isinstance(length, relativedelta):
        if dates := [date for date in _DATES if getattr(length, date)]:
            raise InvalidSettings(f"{name}={length!r}: {dates[0]}= is a date and no length; {dates[0]}s= may be meant")
        if parts := [unit for unit in _FIELDS if getattr(length, unit) != int(getattr(length, unit))]:
            raise InvalidSettings(f"{name}={length!r}: of {parts[0]}, a whole number is needed; a timedelta has parts")
    at = datetime(2023, 1, 31)  # before the shortest month
    if _moved(at, length, 1) < at:
        raise InvalidSettings(f"{name}={length!r}: time does not go back")


def length_to_json(length: Length) -> float | dict[str, int]:
    """Return a length as files hold it: seconds, or units of the calendar."""
    if isinstance(length, timedelta):
        return length.total_seconds()
    return {name: value for name in _FIELDS if (value := getattr(length, name))}


def length_from_json(data: float | Mapping[str, Any]) -> Length:
    """Read what `length_to_json` returned."""
    from dateutil.relativedelta import relativedelta

    return relativedelta(**data) if isinstance(data, Mapping) else timedelta(seconds=data)
