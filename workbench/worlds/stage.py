"""The stage of a world: people, where they stand to each other, and the record of what happens. It asks no model.

All that a world knows besides its people and tools (who reaches whom, who is busy, whose seat is taken, what has fired)
follows from its events: `take_in` is the one way, while a run goes on, when it is resumed, and after a failure.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from itertools import takewhile
from typing import TYPE_CHECKING, Any, Self

from workbench.agents.faculties import Tool
from workbench.agents.person import Person
from workbench.errors import InvalidSettings, StorageError, UnknownName
from workbench.llm.client import LLM
from workbench.record.events import Event, Happening, Journal
from workbench.record.run_file import RunFile
from workbench.worlds.clock import Clock, length_of
from workbench.worlds.interventions import FiringHistory
from workbench.worlds.names import Names
from workbench.worlds.reach import Reach
from workbench.worlds.routing import route
from workbench.worlds.social_network import Attribute, check_relation
from workbench.worlds.turn_history import TurnHistory

if TYPE_CHECKING:
    from workbench.worlds.clock import Length

Perceived = tuple[Event, Sequence[str]]
CONNECTED, DISCONNECTED = "CONNECTED", "DISCONNECTED"
BUSY, SKIPPED, SEAT, STOPPED, ABSENT = "BUSY", "SKIPPED", "SEAT", "STOPPED", "ABSENT"
CHANGED, UNDELIVERED = "CHANGED", "STORY_UNDELIVERED"
BOOKS = frozenset({CONNECTED, DISCONNECTED, BUSY, SKIPPED, SEAT, STOPPED, ABSENT, CHANGED, UNDELIVERED})
"""Notes from which a world is what it is: a note of somebody else's with such a type would change it."""


class Stage:
    """People, reach, clock and record."""

    name: str
    people: list[Person]
    llm: LLM
    file: RunFile
    tools: dict[str, Tool]
    reach: Reach
    """Who can reach whom now; `connect` and `disconnect` change it."""
    turn_history: TurnHistory
    firing_history: FiringHistory
    step_length: Length

    def _set_up(self, people: Sequence[Person], reach_spec: Any, time: datetime) -> None:
        self.people = list(people)
        self._by_name = {person.name: person for person in people}
        self._names = Names(self._by_name)
        self._reach_spec = reach_spec
        self._journal = Journal(self._keep, time=time)
        self._clock = Clock(time)
        self._pending: list[Perceived] | None = None
        self._closed = False
        self._marks: dict[str, Any] = {}
        self._forget()
        self._reach_spec = self.reach.to_spec()  # as it is now: what was given may be changed by its owner

    def _forget(self) -> None:
        """Know nothing of what has happened."""
        self.reach = Reach.from_spec(self._names, self._reach_spec)
        self.turn_history = TurnHistory(self._names)
        self.firing_history = FiringHistory()
        self._busy: dict[str, tuple[datetime, str]] = {}
        self._seated: set[str] = set()

    # -- what there is -------------------------------------------------------------------------------------

    @property
    def steps(self) -> int:
        """How many steps have been run."""
        return self._journal.step

    @property
    def time(self) -> datetime:
        """The simulated time now."""
        return self._journal.time

    @property
    def free(self) -> list[Person]:
        """Those who are not busy, in their order."""
        return [person for person in self.people if not self.busy(person)] if self._busy else list(self.people)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all people, in their order."""
        return self._names.all

    def find(self, name: str) -> str | None:
        """Return whom a name means: the full name, or a part of it that only one has; None where it means nobody."""
        return self._names.find(name)

    def person(self, name: str) -> Person:
        """Return somebody by name; a part of it will do where only one has it."""
        if not isinstance(name, str):
            raise InvalidSettings(f"{name!r} is no name: a text is needed")
        meant = self._names.meant(name)
        if len(meant) == 1:
            return self._by_name[meant[0]]
        listed = ", ".join((meant or self.names)[:20]) + (", ..." if len(meant or self.names) > 20 else "")
        if meant:
            raise UnknownName(f"{name!r} may be {listed}: say whom you mean")
        raise UnknownName(f"{self.name} has nobody called {name!r}; there are {listed}")

    def _person(self, given: Person | str) -> Person:
        name = given if isinstance(given, str) else given.name
        return self.person(name)

    # -- changes of the world, each an event ---------------------------------------------------------------

    def connect(
        self, source: Person | str, target: Person | str, /, relation: str = "", **attributes: Attribute
    ) -> Self:
        """Bring two people into reach of each other, or of a directed network, the target into that of the source.

        Args:
            source: who.
            target: whom they can reach from now on.
            relation: what it is called, such as "friend"; two people may have several.
            **attributes: facts about it, which stand in prompts.
        """
        one, other = self._person(source).name, self._person(target).name
        check_relation(one, other, relation, attributes)
        return self.enter(CONNECTED, {"relation": relation, "attributes": attributes}, one, other)

    def disconnect(self, source: Person | str, target: Person | str, relation: str | None = None) -> Self:
        """Take away a relation between two people, or all of them; with the last they are out of reach.

        Raises:
            InvalidSettings: there is none, or everybody reaches everybody.
        """
        one, other = self._person(source).name, self._person(target).name
        self.reach.check_disconnect(one, other, relation)
        return self.enter(DISCONNECTED, {"relation": relation}, one, other)

    def occupy(self, person: Person | str, length: Length | None = None, /, doing: str = "", **units: float) -> Self:
        """Let somebody be busy for a while: they take no turns until then; what is said to them, they hear.

        Args:
            person: who.
            length: for how long; or in units, as in `minutes=30`.
            doing: what.
            **units: minutes, hours, days, weeks, months, years.
        """
        until = self._clock.skip(length_of(length, units))
        return self.enter(BUSY, {"until": until.isoformat(), "doing": doing}, "", self._person(person).name)

    def busy(self, person: Person | str, at: datetime | None = None) -> str:
        """Return what somebody is busy with, and until when; nothing where they are free.

        Args:
            person: who.
            at: a simulated time; now when not given.
        """
        name = self.person(person).name if isinstance(person, str) else person.name
        until, doing = self._busy.get(name, (datetime.min, ""))
        return f"{doing or 'busy'} until {until:%Y-%m-%d %H:%M}" if (at or self.time) < until else ""

    def skip(self, length: Length | None = None, /, **units: float) -> Self:
        """Put the clock forward; nobody lives through that time.

        Args:
            length: how far; or in units, as in `days=3` or `months=1`.
            **units: minutes, hours, days, weeks, months, years.
        """
        time = self._clock.skip(length_of(length, units))
        return self.enter(SKIPPED, {"to": time.isoformat()})

    def note(
        self,
        type_: str,
        content: Mapping[str, Any] | str,
        source: str = "",
        target: str = "",
        *,
        call: str | None = None,
    ) -> Self:
        """Record a note of your own, which nobody perceives.

        Args:
            type_: of the event, in capitals.
            content: a text, or what JSON can hold.
            source: who or what it is from.
            target: whom it is about.
            call: the model call that it rests on.

        Raises:
            InvalidSettings: a type by which the world itself keeps its books.
        """
        if type_ in BOOKS:
            raise InvalidSettings(f"{type_}: the world keeps its own books by this type: take another")
        return self.enter(type_, content, source, target, call=call)

    def enter(
        self,
        type_: str,
        content: Mapping[str, Any] | str,
        source: str = "",
        target: str = "",
        *,
        call: str | None = None,
    ) -> Self:
        """Record a note of the world's own books; as `note`."""
        text = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)
        self._journal.append("note", type_, text, source=source, target=target, call=call)
        return self

    def tell(self, type_: str, content: str, source: str, hearers: Sequence[str], call: str | None = None) -> Event:
        """Let some people perceive something of a type, as one event; returns it.

        Args:
            type_: as for `stimulate`.
            content: what.
            source: who it is from; nothing where it is from nobody.
            hearers: names of people.
            call: the model call that it is from.
        """
        event = self._journal.append("stimulus", type_, content, source=source, call=call, heard_by=hearers)
        for name in hearers:
            self._by_name[name].perceive(event)
        return event

    def note_intervention(
        self,
        type_: str,
        name: str,
        for_whom: str = "",
        content: Mapping[str, Any] | None = None,
        call: str | None = None,
    ) -> None:
        """Record what became of an intervention.

        Args:
            type_: FIRED, CHECKED or ADDED.
            name: of the intervention.
            for_whom: the person's name, where it is for one.
            content: what is to be said of it, as JSON.
            call: of the judge.
        """
        text = json.dumps(content or {}, ensure_ascii=False)
        self._journal.append("intervention", type_, text, source=name, target=for_whom, call=call)

    # -- how things happen ---------------------------------------------------------------------------------

    def _happens(self, happening: Happening) -> None:
        """Let something happen: find out who perceives it, record it, and let them perceive it."""
        with self._open():
            way = route(happening, self.reach)
            event = self._journal.add(way.happening)
            for name in way.happening.heard_by:
                self._by_name[name].perceive(event)
            if way.told_back:
                self._by_name[event.source].socialize(way.told_back)

    @contextmanager
    def _open(self) -> Iterator[None]:
        """Take events from now on, in the middle of a step."""
        closed, self._closed = self._closed, False
        try:
            yield
        finally:
            self._closed = closed

    def _keep(self, event: Event, heard_by: Sequence[str]) -> None:
        if self._closed:
            raise InvalidSettings(f"{self.name} is in the middle of a step: wait for its end. Nothing was recorded.")
        if self._pending is None:
            self.file.append([(event, heard_by)])
        else:
            for name in heard_by:
                if name not in self._marks:
                    self._marks[name] = self._by_name[name].mark()
            self._pending.append((event, heard_by))
        self.take_in(event, heard_by)

    @property
    def seated(self) -> tuple[str, ...]:
        """The names of those whose seat a human has taken."""
        return tuple(name for name in self.names if name in self._seated)

    def take_in(self, event: Event, heard_by: Sequence[str]) -> None:
        """Learn from an event all that follows from it for the world."""
        self.turn_history.take_in(event, heard_by)
        if event.kind == "action" and event.type == "REACH_OUT":
            if event.target in heard_by and event.target != event.source:
                self.reach.link(event.source, event.target)
        elif event.kind == "intervention":
            self.firing_history.take_in(event)
        elif event.kind == "note" and event.type == ABSENT:
            self.turn_history.had_turn(event.target, event.id)
        elif event.kind == "note" and event.type in _TAKEN_IN:
            _TAKEN_IN[event.type](self, event, json.loads(event.content))

    def _take_in_connected(self, event: Event, data: dict[str, Any]) -> None:
        self.reach.connect(event.source, event.target, data["relation"], data["attributes"])

    def _take_in_disconnected(self, event: Event, data: dict[str, Any]) -> None:
        self.reach.disconnect(event.source, event.target, data["relation"])

    def _take_in_busy(self, event: Event, data: dict[str, Any]) -> None:
        self._busy[event.target] = datetime.fromisoformat(data["until"]), data["doing"]

    def _take_in_skipped(self, event: Event, data: dict[str, Any]) -> None:
        time = datetime.fromisoformat(data["to"])
        if time > self.time:  # else it has been read back, and a later step has moved the clock since
            self._clock, self._journal.time = Clock(time), time

    def _take_in_seat(self, event: Event, data: dict[str, Any]) -> None:
        (self._seated.add if data["taken"] else self._seated.discard)(event.target)

    # -- steps: whole or not at all ------------------------------------------------------------------------

    def _begin_step(self) -> None:
        self._clock.after(self.step_length)  # that there is no such time is told before anything is paid for
        self._pending, self._closed, self._marks = [], True, {}
        self._before = self._clock, self._journal.last_id
        self._journal.step += 1

    def _commit_step(self) -> list[Event]:
        """Record the step, and move the clock."""
        pending = self._pending or []
        clock = self._clock.after(self.step_length)
        self.file.append(pending, step=(self.steps, clock.time, self.llm.meter.rows()), clock=clock.to_json())
        self._clock, self._journal.time = clock, clock.time
        self._pending, self._closed, self._marks = None, False, {}
        return [event for event, _ in pending]

    def _undo_step(self, failure: BaseException) -> None:
        """Let the step not have been. What it cost stays counted."""
        for name, mark in self._marks.items():
            self._by_name[name].back_to(mark)
        self._pending, self._closed, self._marks = None, False, {}
        self._clock, self._journal.last_id = self._before
        self._journal.step, self._journal.time = self.steps - 1, self._clock.time
        self._forget()
        for event, heard_by in takewhile(lambda one: one[0].id <= self._journal.last_id, self.file.perceived()):
            self.take_in(event, heard_by)
        self.file.blobs.new.clear()
        with suppress(StorageError):  # what has failed before is told; a disk that is full, too
            failed = {"step": self.steps + 1, "error": f"{type(failure).__name__}: {failure}"}
            self.file.note(meter={"step": self.steps, "rows": self.llm.meter.rows()}, failure=failed)

    def _go_to_last_step(self) -> None:
        """Put number, step and clock to where the record is, but for what was skipped since."""
        start = datetime.fromisoformat(self.file.spec["start"])
        step, time, _ = self.file.last_step or (0, start, [])
        self._clock = Clock.from_json(time, self.file.clock(step))
        self._journal.step, self._journal.time, self._journal.last_id = step, time, self.file.last_id


_TAKEN_IN: dict[str, Callable[[Stage, Event, dict[str, Any]], None]] = {
    CONNECTED: Stage._take_in_connected,
    DISCONNECTED: Stage._take_in_disconnected,
    BUSY: Stage._take_in_busy,
    SKIPPED: Stage._take_in_skipped,
    SEAT: Stage._take_in_seat,
}
"""What the world learns from notes, by their type."""
