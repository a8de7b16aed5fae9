"""`World`: people, who can reach whom, a clock and a schedule; it lets them act and records what happens."""

from __future__ import annotations

import operator
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, SupportsIndex, get_args

from workbench.agents.checks import Checks
from workbench.agents.faculties import Faculty
from workbench.agents.person import Person
from workbench.errors import InvalidSettings
from workbench.html import box
from workbench.llm.client import LLM, default_llm
from workbench.llm.meter import Budget
from workbench.record.conversation import Conversation
from workbench.record.events import START, Event
from workbench.record.placing import IfExists
from workbench.record.rows import frame_of
from workbench.record.run_file import RunFile
from workbench.worlds import recording
from workbench.worlds.acting import OnError
from workbench.worlds.clock import check_length
from workbench.worlds.estimate import Estimate, estimate
from workbench.worlds.interventions import Intervention
from workbench.worlds.opening import Opening
from workbench.worlds.reach import ReachSpec
from workbench.worlds.routing import relationships
from workbench.worlds.schedules import (
    Schedule,
    ScheduleName,
    name_of,
    read_schedule,
    turns_a_step,
)
from workbench.worlds.status import Status, status_of
from workbench.worlds.subjects import run_id
from workbench.worlds.summary import Summary, summarise

if TYPE_CHECKING:
    import pandas as pd

    from workbench.worlds.clock import Length


class World(Opening):
    """People together, in simulated time.

    Args:
        name: of the world.
        people: who lives in it, each name once; what they remember comes along.
        seed: of the run; the same seed gives the same requests.
        record: the run file to write; in memory only when not given.
        llm: the model to think with; the default one when not given.
        description: what all people know of the world; part of every prompt.
        schedule: `simultaneous`: all act on the same past at once; `sequential`: one after the other; `shuffled`: in
            another order each step; `floor`: one speaker at a time, as in a conversation; or a function of the world
            and of a seeded `random.Random` that yields people, or lists of people who act at once.
        reach: `everyone`, `nobody`, `relationships` (those whom a persona names as theirs), pairs of names, each
            perhaps with a description, or a `SocialNetwork`.
        start: when simulated time begins.
        step_length: how far a step moves the clock: a timedelta, or a dateutil relativedelta.
        budget: what the run may spend.
        tools: what everybody can use besides what they have themselves: tools, and functions with `@wb.action`.
        checks: what turns have to pass; a person's own checks go before them.
        interventions: what happens when their preconditions hold, before people act.
        on_error: what becomes of a step in which somebody's turn cannot be had: `raise`, or `absent`: they sit it out,
            an event says so, and the run's status is `partial`.
        real_world: whether actions that reach out of the simulation may run.
        if_exists: what becomes of a run that is at `record` already: `fail` or `replace`.

    Raises:
        InvalidSettings: two people of one name, nobody at all, or an argument that cannot be.
        RunExists: there is a run at `record`.
        StorageError: the run file cannot be written.
    """

    def __init__(
        self,
        name: str,
        people: Sequence[Person],
        *,
        seed: int = 0,
        record: str | Path | None = None,
        llm: LLM | None = None,
        description: str = "",
        schedule: ScheduleName | Schedule = "simultaneous",
        reach: ReachSpec = "everyone",
        start: datetime = START,
        step_length: Length = timedelta(minutes=1),
        budget: Budget | None = None,
        tools: Sequence[Faculty] = (),
        checks: Checks | None = None,
        interventions: Sequence[Intervention] = (),
        on_error: OnError = "raise",
        real_world: bool = False,
        if_exists: IfExists = "fail",
    ) -> None:
        if checks is not None and not isinstance(checks, Checks):
            raise InvalidSettings(f"checks={checks!r}: it is a wb.Checks(...)")
        if on_error not in get_args(OnError):
            raise InvalidSettings(f"on_error={on_error!r}: it is 'raise' or 'absent'")
        if llm is not None and not isinstance(llm, LLM):
            raise InvalidSettings(f"llm={llm!r}: it is a wb.LLM({llm!r})")
        if not isinstance(start, datetime):
            raise InvalidSettings(f"start={start!r}: it is a datetime")
        if start.tzinfo:
            raise InvalidSettings(f"start={start.isoformat()!r}: simulated time has no time zone")
        check_length(step_length)
        self.name, self.seed, self.description = name, _whole(seed, "seed"), description
        self._schedule = read_schedule(schedule)
        self.step_length, self.on_error = step_length, on_error
        people = _checked(people)
        spec = relationships([person.persona for person in people]) if reach == "relationships" else reach
        self._settle(people, spec, start, (llm or default_llm()).metered(budget))
        self._equip(tools, checks, interventions, real_world)
        earlier, vectors = recording.earlier_memories(self.people)
        contents = recording.contents_of(self.tools, len(earlier), start)
        brought = recording.blobs_brought(self.people)
        self.file: RunFile = RunFile.create(
            record, recording.spec_of(self), recording.states_of(self.people), if_exists, earlier + contents, brought
        )
        self._journal.last_id = len(earlier) + len(contents)
        self._move_in()
        recording.replay(earlier, self)
        for person in self.people:
            person.memory.semantic.restore_vectors(vectors[person.name])

    # -- what is there -------------------------------------------------------------------------------------

    @property
    def schedule(self) -> str:
        """What the schedule is called."""
        return name_of(self._schedule)

    @property
    def schedule_function(self) -> Schedule:
        """The schedule."""
        return self._schedule

    @property
    def record(self) -> Path:
        """The run file; `:memory:` when the run is not kept."""
        return self.file.path

    @property
    def status(self) -> Status:
        """`new`, `incomplete` (it was to go on), `partial` (somebody was absent), or `complete`."""
        return status_of(self.file)

    def transcript(self) -> pd.DataFrame:
        """Return what has happened as a DataFrame, one row an event.

        Columns: id, step, time (simulated), kind, type, source, target, content, call. `attrs["runs"]` has the id of
        the run, where it has one.
        """
        frame = frame_of(self.events())
        frame.attrs["runs"] = {"": found} if (found := run_id(self)) else {}
        return frame

    def conversation(self, *, thoughts: bool = True) -> Conversation:
        """Return what has happened as it reads: who said what to whom; the numbers are event ids."""
        return Conversation.of(self.events(), thoughts=thoughts)

    def summary(self) -> Summary:
        """Return how the run was made: people, seed, model, versions, cost, and what has to be said of it."""
        return summarise(self)

    def events(self) -> list[Event]:
        """Return what has happened, in order."""
        return [*self.file.events(), *(event for event, _ in self._uncommitted())]

    def close(self) -> None:
        """Close the run file; what was committed is in it."""
        self.file.close()

    def __repr__(self) -> str:
        return f"World({self.name!r}, {len(self.people)} people, {self.steps} steps, {self.llm.meter})"

    def _repr_html_(self) -> str:
        facts = f"{len(self.people)} people, {self.steps} steps, {self.time:%Y-%m-%d %H:%M}, {self.llm.meter}"
        return box(self.name, f"{facts} · {self.record}")

    def estimate(self, steps: int) -> Estimate:
        """Return the calls, tokens and money that so many steps will take, before anything is spent.

        Raises:
            InvalidSettings: steps that are no whole number, 0 or more.
        """
        steps = _whole(steps, "steps")
        if steps < 0:
            raise InvalidSettings(f"steps={steps}: a whole number is needed, 0 or more")
        turns = [person.messages(self.llm, self._surroundings(person)) for person in self.people]
        hearers = [len(self.reach.of(person.name)) for person in self.people]
        checks = [person.checks or self.checks for person in self.people]
        share = turns_a_step(self._schedule, len(turns)) / len(turns)
        criteria = [len(one.criteria) if one else 0 for one in checks]
        meter, price, model = self.llm.meter, self.llm.price, self.llm.model
        return estimate(turns, hearers, steps, meter=meter, price=price, model=model, criteria=criteria, share=share)


def _whole(value: SupportsIndex, name: str) -> int:
    """Return a whole number, which may be one of numpy's."""
    try:
        return operator.index(value)
    except TypeError as error:
        raise InvalidSettings(f"{name}={value!r}: a whole number is needed") from error


def _checked(given: Sequence[Person]) -> list[Person]:
    people: list[Person] = list(given) if not isinstance(given, Person) else [given]
    if strangers := [one for one in people if not isinstance(one, Person)]:
        raise InvalidSettings(f"{strangers[0]!r} is no Person: load people first, as in Person.load('kinga')")
    names = Counter(person.name for person in people)
    if twice := sorted(name for name, n in names.items() if n > 1):
        raise InvalidSettings(f"two people are called {', '.join(twice)}: names tell people apart, so give them others")
    if not names:
        raise InvalidSettings("a world needs at least one person")
    return people
