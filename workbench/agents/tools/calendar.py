"""`Calendar`: appointments, invitations to them, and the time that people have left."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime, time, timedelta
from functools import wraps
from itertools import islice
from typing import TYPE_CHECKING, Any, Self

from workbench.agents.actions import Acting, ActionDefinition, action
from workbench.agents.faculties import Tool
from workbench.errors import InvalidSettings
from workbench.html import box, table
from workbench.record.telling import say_time

if TYPE_CHECKING:
    import pandas as pd

STEP = timedelta(minutes=30)
"""Between two times that are offered."""
AHEAD = timedelta(days=7)
"""In which free time is looked for, where no day is named."""
OFFERED = 3
"""Free times at most."""
LONGEST = 7 * 24 * 60
"""Minutes of an appointment at most."""
_COLUMNS = ["number", "title", "start", "end", "owner", "invited", "place"]


class _Refused(Exception):
    """What cannot be; the person is told why."""


@dataclass(frozen=True)
class Appointment:
    """Something that people have planned for a time."""

    number: int
    """Counts from 1; that of one that was cancelled is not given again."""
    title: str
    start: datetime
    """Simulated time, as all times here."""
    end: datetime
    owner: str
    """Who made it, invites to it, and may cancel it."""
    invited: tuple[str, ...] = ()
    """All others whose time it takes."""
    place: str = ""

    @property
    def people(self) -> tuple[str, ...]:
        """Those whose time it takes."""
        return (self.owner, *self.invited)

    def overlaps(self, start: datetime, end: datetime) -> bool:
        """Return whether it takes some of a time."""
        return self.start < end and start < self.end

    def to_dict(self) -> dict[str, Any]:
        """Return the appointment as JSON holds it."""
        times = {"start": self.start.isoformat(), "end": self.end.isoformat()}
        return {**asdict(self), **times, "invited": list(self.invited)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Read an appointment as JSON holds it."""
        times = {name: datetime.fromisoformat(data[name]) for name in ("start", "end")}
        return cls(**{**data, **times, "invited": tuple(data["invited"])})

    def __str__(self) -> str:
        until = f"{self.end:%H:%M}" if self.end.date() == self.start.date() else say_time(self.end)
        place = f", {self.place}" if self.place else ""
        return f"appointment {self.number}, {self.title!r}: {say_time(self.start)} to {until}{place}"


class Calendar(Tool):
    """Appointments of all who have the tool. People see those that are theirs and those that they are invited to.

    Args:
        name: of the tool.
        hours: between which free time is looked for, each day.

    Raises:
        InvalidSettings: hours that cannot be.

    >>> Calendar(hours=(8, 17))
    Calendar('calendar', 0 appointments)
    """

    def __init__(self, name: str = "calendar", *, hours: tuple[int, int] = (9, 18)) -> None:
        opens, closes = hours
        if not 0 <= opens < closes <= 24:
            raise InvalidSettings(f"hours={hours!r}: they are two whole hours from 0 to 24, as in (9, 18)")
        self.name = name
        self.hours = hours
        self._appointments: tuple[Appointment, ...] = ()
        self._last = 0
        does = (self.create_appointment, self.list_appointments, self.invite)
        self._actions = tuple(action(_told(one)) for one in (*does, self.find_free_time, self.cancel_appointment))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r}, {len(self._appointments)} appointments)"

    def _repr_html_(self) -> str:
        rows = [
            (
                one.number,
                one.title,
                say_time(one.start),
                say_time(one.end),
                one.owner,
                ", ".join(one.invited),
                one.place,
            )
            for one in self.appointments
        ]
        return box(self.name, f"{len(rows)} appointment{'s' if len(rows) != 1 else ''}", table(_COLUMNS, rows))

    # -- what is there -------------------------------------------------------------------------------------

    @property
    def appointments(self) -> list[Appointment]:
        """All appointments that stand, by their time."""
        return sorted(self._appointments, key=lambda one: (one.start, one.number))

    def to_frame(self) -> pd.DataFrame:
        """Return the appointments as a DataFrame, one row each, by their time.

        Columns: number, title, start, end (simulated), owner, invited (names, with commas between), place.
        """
        import pandas as pd

        rows = [{**asdict(one), "invited": ", ".join(one.invited)} for one in self.appointments]
        frame = pd.DataFrame(rows, columns=_COLUMNS)
        return frame.assign(start=pd.to_datetime(frame["start"]), end=pd.to_datetime(frame["end"]))

    # -- what people do ------------------------------------------------------------------------------------

    @property
    def actions(self) -> Sequence[ActionDefinition]:
        """What it lets people do."""
        return self._actions

    def create_appointment(
        self, title: str, start: str, minutes: int, acting: Acting, place: str = "", invite: tuple[str, ...] = ()
    ) -> str:
        """Put an appointment in your calendar and invite people to it by name, who are told of it.

        `start` is such as "2025-01-07 14:30".
        """
        title, place = " ".join(title.split()), " ".join(place.split())
        if not title:
            raise _Refused("An appointment needs a title.")
        begins, length = _read_time(start, acting.time), _length(minutes)
        invited, unknown = self._named(invite, acting)
        made = Appointment(
            self._last + 1, title, begins, begins + length, acting.person, _others(invited, acting.person), place
        )
        clashes = self._clashes(made, acting.person)
        self._put(made, acting)
        self._tell_invited(made, made.invited, acting)
        return " ".join([f"Made: {made}.", *_whom(made.invited), *unknown, *clashes])

    def list_appointments(self, acting: Acting, day: str = "") -> str:
        """See your appointments from now on, or those of a `day` such as "2025-01-07"."""
        if day.strip():
            start = datetime.combine(_read_day(day), time())
            shown = [one for one in self._of(acting.person) if one.overlaps(start, start + timedelta(days=1))]
        else:
            shown = [one for one in self._of(acting.person) if one.end > acting.time]
        return "\n".join(map(_whole, shown)) or "You have no appointments then."

    def invite(self, appointment: int | str, names: tuple[str, ...], acting: Acting) -> str:
        """Invite people, by name, to an appointment of yours, by its number or title. They are told of it."""
        meant = self._own(appointment, acting.person)
        found, unknown = self._named(names, acting)
        new = tuple(name for name in found if name not in meant.people)
        clashes: list[str] = []
        if new:
            wider = replace(meant, invited=(*meant.invited, *new))
            clashes = self._busy(wider, new)
            self._put(wider, acting)
            self._tell_invited(wider, new, acting)
        return " ".join([*(_whom(new) or ["Nobody new was invited."]), *unknown, *clashes])

    def find_free_time(self, names: tuple[str, ...], minutes: int, acting: Acting, day: str = "") -> str:
        """Find times at which you and the people named are free, within a week, or on a `day` such as "2025-01-07"."""
        found, unknown = self._named(names, acting)
        if unknown:
            raise _Refused(" ".join(unknown))
        length = _length(minutes)
        people = (acting.person, *_others(found, acting.person))
        slots = self._free(people, length, acting.time, _read_day(day) if day.strip() else None)
        times = "; ".join(say_time(start) for start in islice(slots, OFFERED))
        who = ", ".join(people)
        return f"Free for {minutes} minutes ({who}): {times}." if times else f"No time is free for all ({who})."

    def cancel_appointment(self, appointment: int | str, acting: Acting) -> str:
        """Cancel an appointment of yours, or decline one that you are invited to, by its number or title."""
        meant, name = self._meant(appointment, acting.person), acting.person
        if meant.owner != name:
            self._put(replace(meant, invited=_others(meant.invited, name)), acting)
            acting.notify(meant.owner, f"{name} has declined: {meant}.", source=name)
            return f"Declined: {meant}. {meant.owner} is told."
        self.affect(acting, {"cancelled": meant.number})
        for guest in meant.invited:
            acting.notify(guest, f"{name} has cancelled: {meant}.", source=name)
        return f"Cancelled: {meant}."

    def _put(self, appointment: Appointment, acting: Acting) -> None:
        self.affect(acting, {"appointment": appointment.to_dict()})

    def _tell_invited(self, appointment: Appointment, names: Sequence[str], acting: Acting) -> None:
        for name in names:
            acting.notify(name, f"{acting.person} invites you to {appointment}.", source=acting.person)

    # -- what is meant -------------------------------------------------------------------------------------

    def _of(self, *names: str) -> list[Appointment]:
        """Return the appointments that take the time of any of some people, by their time."""
        return [one for one in self.appointments if not set(names).isdisjoint(one.people)]

    def _meant(self, appointment: int | str, name: str) -> Appointment:
        """Return the appointment that somebody means, of those that they see: the number goes before the title."""
        seen, wanted = self._of(name), " ".join(str(appointment).split()).casefold()
        found = [one for one in seen if str(one.number) == wanted.removeprefix("#")]
        found = found or [one for one in seen if one.title.casefold() == wanted]
        if len(found) == 1:
            return found[0]
        if found:
            raise _Refused(f"More than one has this title; say its number: {_shown(found)}.")
        raise _Refused(f"You have no appointment {appointment!r}. You have: {_shown(seen)}.")

    def _own(self, appointment: int | str, name: str) -> Appointment:
        meant = self._meant(appointment, name)
        if meant.owner != name:
            raise _Refused(f"{meant.title!r} is {meant.owner}'s appointment: only they can invite to it.")
        return meant

    def _named(self, names: Sequence[str], acting: Acting) -> tuple[tuple[str, ...], list[str]]:
        """Return those whom names mean, each once, and for each name that means nobody what the person is told."""
        known = tuple(dict.fromkeys((*acting.everybody, acting.person)))
        found = {name: _called(name, known) for name in names if name.strip()}
        unknown = [_unknown(name, several) for name, several in found.items() if len(several) != 1]
        return tuple(dict.fromkeys(several[0] for several in found.values() if len(several) == 1)), unknown

    # -- who is free ---------------------------------------------------------------------------------------

    def _clashes(self, made: Appointment, name: str) -> list[str]:
        """Return what somebody is told of what an appointment overlaps with: of others' time no more than that."""
        own = [one for one in self._of(name) if one.number != made.number and one.overlaps(made.start, made.end)]
        return [*(f"It overlaps with {one}." for one in own), *self._busy(made, made.invited)]

    def _busy(self, made: Appointment, names: Sequence[str]) -> list[str]:
        others = [one for one in self._of(*names) if one.number != made.number and one.overlaps(made.start, made.end)]
        return [f"{name} has another appointment then." for name in names if any(name in one.people for one in others)]

    def _free(self, names: Sequence[str], length: timedelta, now: datetime, day: date | None) -> Iterator[datetime]:
        """Find when a time of a length begins that is free for all of some people."""
        taken = self._of(*names)
        for start in self._slots(length, now, day):
            if not any(one.overlaps(start, start + length) for one in taken):
                yield start

    def _slots(self, length: timedelta, now: datetime, day: date | None) -> Iterator[datetime]:
        """Go through the times at which something of a length can begin within the hours, from now on."""
        opens, closes = (timedelta(hours=hour) for hour in self.hours)
        until = datetime.combine(day, time()) + timedelta(days=1) if day else now + AHEAD
        midnight = datetime.combine(day or now, time())
        while midnight < until:
            start = midnight + opens
            while start + length <= midnight + closes:
                if now <= start < until:
                    yield start
                start += STEP
            midnight += timedelta(days=1)

    # -- its state -----------------------------------------------------------------------------------------

    def apply(self, effect: Mapping[str, Any]) -> None:
        """Take in an appointment that was made or changed, or that one was cancelled."""
        put = [Appointment.from_dict(effect["appointment"])] if "appointment" in effect else []
        number = put[0].number if put else effect["cancelled"]
        self._appointments = (*(one for one in self._appointments if one.number != number), *put)
        self._last = max(self._last, number)

    def effects(self) -> list[dict[str, Any]]:
        """Return the effects that make an empty calendar what this one is."""
        gone = [{"cancelled": self._last}] if self._last else []  # its number is not given again
        return [*gone, *({"appointment": one.to_dict()} for one in self._appointments)]

    def mark(self) -> tuple[tuple[Appointment, ...], int]:
        """Return a mark to go back to when a step fails."""
        return self._appointments, self._last

    def back_to(self, mark: tuple[tuple[Appointment, ...], int]) -> None:
        """Undo all that came after a mark."""
        self._appointments, self._last = mark

    def copy(self) -> Self:
        """Return an independent copy, for a twin."""
        copy = type(self)(self.name, hours=self.hours)
        copy.back_to(self.mark())
        return copy


def _told(function: Callable[..., str]) -> Callable[..., str]:
    """Tell the person, in a sentence and not as an error, what cannot be."""

    @wraps(function)
    def tell(*args: Any, **kwargs: Any) -> str:
        try:
            return function(*args, **kwargs)
        except _Refused as refused:
            return f"{refused} Nothing was changed."
        except OverflowError:
            return "That is too far away. Nothing was changed."

    return tell


def _read_time(text: str, now: datetime) -> datetime:
    """Read a time as models write it; a day of the week before it, as prompts say it, does not matter."""
    written = text.rpartition(",")[2].strip()
    try:
        read = datetime.fromisoformat(written)
    except ValueError:
        raise _Refused(f"{text!r} is no time: write it as in 2025-01-07 14:30.") from None
    if read.tzinfo:
        raise _Refused(f"{text!r}: write the time without a time zone, as in 2025-01-07 14:30.")
    if ":" not in written:
        raise _Refused(f"{text!r} has no time of the day: write it as in 2025-01-07 14:30.")
    if read < now.replace(second=0, microsecond=0):
        raise _Refused(f"{text!r} is over: it is {say_time(now)} now.")
    return read


def _read_day(text: str) -> date:
    try:
        return datetime.fromisoformat(text.rpartition(",")[2].strip()).date()
    except ValueError:
        raise _Refused(f"{text!r} is no day: write it as in 2025-01-07.") from None


def _length(minutes: int) -> timedelta:
    if not 1 <= minutes <= LONGEST:
        raise _Refused(f"An appointment takes from 1 to {LONGEST} minutes, not {minutes}.")
    return timedelta(minutes=minutes)


def _called(name: str, known: Sequence[str]) -> list[str]:
    """Return whom a name may mean: who has it as a whole, whatever its case, or those who have it in theirs."""
    wanted = name.casefold().split()
    whole = [one for one in known if one.casefold().split() == wanted]
    return whole or [one for one in known if set(wanted) <= set(one.casefold().split())]


def _unknown(name: str, several: Sequence[str]) -> str:
    if several:
        return f"{name} may be {' or '.join(several)}: say whom you mean."
    return f"Nobody here is called {name}."


def _others(names: Sequence[str], name: str) -> tuple[str, ...]:
    return tuple(one for one in names if one != name)


def _whom(names: Sequence[str]) -> list[str]:
    return [f"Invited: {', '.join(names)}."] if names else []


def _whole(one: Appointment) -> str:
    invited = f"; invited: {', '.join(one.invited)}" if one.invited else ""
    return f"{one}; {one.owner}'s{invited}"


def _shown(appointments: Sequence[Appointment]) -> str:
    return "; ".join(map(str, appointments)) or "none"
