"""`World`: people, who can reach whom, a clock and a schedule; it lets them act and records what happens."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Self

from workbench.agents.person import Person
from workbench.agents.turns import Surroundings, Turn
from workbench.errors import CacheMiss, InvalidSettings, ModelError, StepFailed, StorageError, UnknownName
from workbench.html import box
from workbench.llm.client import LLM, default_llm
from workbench.llm.meter import Budget
from workbench.llm.running import together
from workbench.llm.seeds import derive_seed
from workbench.record.conversation import Conversation
from workbench.record.events import START, Event, Journal
from workbench.record.run_file import IfExists, RunFile, reading
from workbench.worlds import recording
from workbench.worlds.estimate import Estimate, estimate
from workbench.worlds.progress import Progress
from workbench.worlds.reach import Reach, ReachSpec
from workbench.worlds.routing import find_name, route
from workbench.worlds.summary import Summary, summarise

if TYPE_CHECKING:
    import pandas as pd

Schedule = Literal["simultaneous", "sequential"]


class World:
    """People together, in simulated time.

    Args:
        name: of the world.
        people: who lives in it, each name once; what they remember comes along.
        seed: of the run; the same seed gives the same requests.
        record: the run file to write; in memory only when not given.
        llm: the model to think with; the default one when not given.
        description: what all people know of the world; part of every prompt.
        schedule: `simultaneous`: all act on the same past at once; `sequential`: one after the other.
        reach: `everyone`, `nobody`, or pairs of names, each perhaps with a description.
        start: when simulated time begins.
        step_length: how far a step moves the clock.
        budget: what the run may spend.
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
        schedule: Schedule = "simultaneous",
        reach: ReachSpec = "everyone",
        start: datetime = START,
        step_length: timedelta = timedelta(minutes=1),
        budget: Budget | None = None,
        if_exists: IfExists = "fail",
    ) -> None:
        if schedule not in ("simultaneous", "sequential"):
            raise InvalidSettings(f"schedule={schedule!r}: it is 'simultaneous' or 'sequential'")
        if start.tzinfo:
            raise InvalidSettings(f"start={start.isoformat()!r}: simulated time has no time zone")
        self.name = name
        self.seed = seed
        self.description = description
        self.schedule: Schedule = schedule
        self.step_length = step_length
        self._settle(_checked(people), reach, (llm or default_llm()).metered(budget))
        self._journal.time = start
        earlier = recording.earlier_memories(self.people)
        self.file: RunFile = RunFile.create(
            record, recording.spec_of(self), recording.states_of(self.people), if_exists, earlier
        )
        self._journal.last_id = len(earlier)
        for person in self.people:
            person.memory.clear()
        recording.replay(earlier, self.people, self.reach)
        self._move_in()

    def _settle(self, people: list[Person], reach: ReachSpec, llm: LLM) -> None:
        self.people = people
        self.llm = llm
        self.reach = Reach((person.name for person in people), reach)
        self._by_name = {person.name: person for person in people}
        self._journal = Journal(self._keep)
        self._pending: list[tuple[Event, Sequence[str]]] | None = None
        self._routing = False
        self._changes: list[str] = []

    def _move_in(self) -> None:
        for person in self.people:
            person.join(self._journal, self.llm, partial(self._surroundings, person))

    @classmethod
    def resume(cls, path: str | Path, *, llm: LLM | None = None, budget: Budget | None = None) -> Self:
        """Go on with a recorded run after its last whole step.

        Args:
            path: the run file.
            llm: the model to go on with; the one that the run was made with when not given, with the key of the
                settings where they name the same endpoint.
            budget: what may be spent from now on.

        Raises:
            UnknownName: there is no such file.
            DamagedFile, NewerFile: it cannot be read; it is left as it is.
        """
        file = RunFile.open(path)
        with reading(file.path):
            world = cls._rebuilt(file, llm, budget)
        world._changes = recording.changes(file.spec, world.llm)
        return world

    @classmethod
    def _rebuilt(cls, file: RunFile, llm: LLM | None, budget: Budget | None) -> Self:
        spec = file.spec
        world = cls.__new__(cls)
        world.name, world.seed, world.description = spec["name"], spec["seed"], spec["description"]
        world.schedule, world.step_length = spec["schedule"], timedelta(seconds=spec["step_length"])
        people = [Person.load(state) for state in file.people.values()]
        world._settle(people, spec["reach"], (llm or recording.llm_of(spec)).metered(budget))
        world.file = file
        step, time, meter = file.last_step or (0, datetime.fromisoformat(spec["start"]), [])
        world._journal.step, world._journal.time, world._journal.last_id = step, time, file.last_id
        recording.replay(file.perceived(), people, world.reach)
        paid = spec.get("meter", {})
        world.llm.meter.restore(paid["rows"] if paid.get("step") == step else meter)
        world._move_in()
        return world

    # -- what is there -------------------------------------------------------------------------------------

    @property
    def steps(self) -> int:
        """How many steps have been run."""
        return self._journal.step

    @property
    def time(self) -> datetime:
        """The simulated time now."""
        return self._journal.time

    @property
    def record(self) -> Path:
        """The run file; `:memory:` when the run is not kept."""
        return self.file.path

    def person(self, name: str) -> Person:
        """Return somebody by name; a part of it will do where only one has it."""
        found = find_name(name, self.reach.names)
        if found is None:
            raise UnknownName(f"{self.name} has nobody called {name!r}; there are {', '.join(self.reach.names)}")
        return self._by_name[found]

    def transcript(self) -> pd.DataFrame:
        """Return what has happened as a DataFrame, one row an event.

        Columns: id, step, time (simulated), kind, type, source, target, content, call.
        """
        return self.file.to_frame()

    def conversation(self, *, thoughts: bool = True) -> Conversation:
        """Return what has happened as it reads: who said what to whom; the numbers are event ids."""
        return Conversation.of(self.file.events(), thoughts=thoughts)

    def summary(self) -> Summary:
        """Return how the run was made: people, seed, model, versions, cost, and what has to be said of it."""
        return summarise(self)

    def events(self) -> list[Event]:
        """Return what has happened, in order."""
        return list(self.file.events())

    def close(self) -> None:
        """Close the run file; what was committed is in it."""
        self.file.close()

    def __repr__(self) -> str:
        return f"World({self.name!r}, {len(self.people)} people, {self.steps} steps, {self.llm.meter})"

    def _repr_html_(self) -> str:
        facts = f"{len(self.people)} people, {self.steps} steps, {self.time:%Y-%m-%d %H:%M}, {self.llm.meter}"
        return box(self.name, f"{facts} · {self.record}")

    # -- what is done to it --------------------------------------------------------------------------------

    def broadcast(self, speech: str, source: str = "") -> Self:
        """Say something to everybody. `source` is a name, such as "Moderator", or nothing for a voice from outside."""
        return self._tell_all("CONVERSATION", speech, source)

    def broadcast_thought(self, thought: str) -> Self:
        """Give everybody a thought."""
        return self._tell_all("THOUGHT", thought)

    def broadcast_goal(self, goal: str) -> Self:
        """Give everybody a goal."""
        return self._tell_all("INTERNAL_GOAL_FORMULATION", goal)

    def broadcast_context(self, context: Sequence[str]) -> Self:
        """Set what holds just now, for everybody."""
        self._check_who_is_here()
        for person in self.people:
            person.change_context(context)
        return self

    def _tell_all(self, type_: str, content: str, source: str = "") -> Self:
        self._check_who_is_here()
        event = self._journal.append("stimulus", type_, content, source=source, heard_by=self.reach.names)
        for person in self.people:
            person.perceive(event)
        return self

    def _check_who_is_here(self) -> None:
        if strangers := [person.name for person in self.people if not person.lives_by(self._journal)]:
            raise InvalidSettings(f"{', '.join(strangers)} moved to another world: give each world people of its own")

    def estimate(self, steps: int) -> Estimate:
        """Return the calls, tokens and money that so many steps will take, before anything is spent."""
        turns = [person.messages(self.llm, self._surroundings(person)) for person in self.people]
        hearers = [len(self.reach.of(person.name)) for person in self.people]
        return estimate(turns, hearers, steps, meter=self.llm.meter, price=self.llm.price, model=self.llm.model)

    # -- running -------------------------------------------------------------------------------------------

    async def run(self, steps: int, *, live: bool | None = None) -> Self:
        """Run so many steps. Each is committed as a whole.

        Args:
            steps: how many more.
            live: whether talk is printed as it happens; with up to 12 people when not given.

        Raises:
            StepFailed: somebody's turn could not be had; the steps before are kept.
            BudgetSpent: the next call could break the budget; the steps before are kept.
            StorageError: the run file could not be written; the steps before are kept.
        """
        if self._pending is not None:
            raise InvalidSettings(f"{self.name} is running already: wait for it, or stop it first")
        if isinstance(steps, bool) or not isinstance(steps, int) or steps < 0:
            raise InvalidSettings(f"steps={steps!r}: a whole number is needed, 0 or more")
        self._check_who_is_here()
        while self._changes:
            self._journal.append("note", "CHANGED", self._changes.pop(0))
        progress = Progress(self.name, steps, len(self.people), self.llm.meter, live)
        try:
            for _ in range(steps):
                progress.step_done(await self._step(progress))
        except BaseException as error:
            error.add_note(recording.how_to_go_on(self))
            raise
        finally:
            progress.close()
        return self

    async def _step(self, progress: Progress) -> list[Event]:
        marks = [person.mark() for person in self.people]
        reach, last_id = self.reach.mark(), self._journal.last_id
        self._pending = []
        self._journal.step += 1
        try:
            await self._let_act(progress)
            time = self._journal.time + self.step_length
            self.file.append(self._pending, step=(self._journal.step, time, self.llm.meter.rows()))
            self._journal.time = time
            return [event for event, _ in self._pending]
        except BaseException:
            for person, mark in zip(self.people, marks, strict=True):
                person.back_to(mark)
            self.reach.back_to(reach)
            self._journal.step -= 1
            self._journal.last_id = last_id
            with suppress(StorageError):  # what has failed before is told; a disk that is full, too
                self.file.keep_meter(self._journal.step, self.llm.meter.rows())
            raise
        finally:
            self._pending = None

    async def _let_act(self, progress: Progress) -> None:
        if self.schedule == "simultaneous":
            turns = await together(self._propose(person, progress) for person in self.people)
            for person, turn in zip(self.people, turns, strict=True):
                self._carry_out(person, turn)
        else:
            for person in self.people:
                self._carry_out(person, await self._propose(person, progress))

    async def _propose(self, person: Person, progress: Progress) -> Turn:
        step = self._journal.step
        seed = derive_seed(self.seed, step, person.name)
        try:
            turn = await person.propose(self.llm, self._surroundings(person), seed=seed)
        except (ModelError, CacheMiss) as error:
            raise StepFailed(
                f"step {step} of {self.name!r}: the turn of {person.name} failed: {error}",
                step=step,
                person=person.name,
                purpose="turn",
            ) from error
        progress.turn_done()
        return turn

    def _surroundings(self, person: Person) -> Surroundings:
        return Surroundings(self._journal.time, self.description, self.reach.of(person.name))

    def _carry_out(self, person: Person, turn: Turn) -> None:
        self._routing = True
        try:
            self._route(person, turn)
        finally:
            self._routing = False

    def _route(self, person: Person, turn: Turn) -> None:
        for action in turn.actions:
            way = route(action, person.name, self.reach)
            event = person.journal_action(way.action, turn.call, way.heard_by)
            for name in way.heard_by:
                self._by_name[name].perceive(event)
            if way.link:
                self.reach.link(person.name, way.action.target)
            if way.told_back:
                person.socialize(way.told_back)
        person.take_on(turn)

    def _keep(self, event: Event, heard_by: Sequence[str]) -> None:
        if self._pending is None:
            self.file.append([(event, heard_by)])
        elif not self._routing:
            raise InvalidSettings(f"{self.name} is in the middle of a step: wait for its end. Nothing was recorded.")
        else:
            self._pending.append((event, heard_by))


def _checked(given: Sequence[Person]) -> list[Person]:
    people: list[Person] = list(given) if not isinstance(given, Person) else [given]
    if strangers := [one for one in people if not isinstance(one, Person)]:
        raise InvalidSettings(f"{strangers[0]!r} is no Person: load people first, as in Person.load('kinga')")
    names = [person.name for person in people]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise InvalidSettings(f"two people are called {', '.join(twice)}: names tell people apart, so give them others")
    if not names:
        raise InvalidSettings("a world needs at least one person")
    return people
