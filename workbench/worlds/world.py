"""`World`: people, who can reach whom, a clock and a schedule; it lets them act and records what happens."""

from __future__ import annotations

from collections.abc import Coroutine, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self, TypeVar

from workbench.agents.checks import Checks
from workbench.agents.deliberation import Deliberation
from workbench.agents.faculties import Faculty, definitions_of, undone_on_failure
from workbench.agents.memory.memory import Memory
from workbench.agents.memory.upkeep import UPKEEP, UpkeepStage
from workbench.agents.person import Person
from workbench.agents.turns import Surroundings
from workbench.errors import (
    CacheMiss,
    ChecksFailed,
    InvalidSettings,
    ModelError,
    StepFailed,
    StorageError,
    UnknownName,
)
from workbench.html import box
from workbench.llm.client import LLM, default_llm
from workbench.llm.meter import Budget
from workbench.llm.running import together
from workbench.llm.seeds import derive_seed
from workbench.record.conversation import Conversation
from workbench.record.events import START, Event, Happening, Journal
from workbench.record.run_file import IfExists, RunFile, closed_on_failure, reading
from workbench.worlds import recording
from workbench.worlds.broadcasting import Broadcasting
from workbench.worlds.estimate import Estimate, estimate
from workbench.worlds.progress import Progress
from workbench.worlds.reach import Reach, ReachSpec
from workbench.worlds.routing import find_name, reach_out, relationships, route
from workbench.worlds.summary import Summary, summarise

if TYPE_CHECKING:
    import pandas as pd

Result = TypeVar("Result")
Schedule = Literal["simultaneous", "sequential"]


class World(Broadcasting):
    """People together, in simulated time.

    Args:
        name: of the world.
        people: who lives in it, each name once; what they remember comes along.
        seed: of the run; the same seed gives the same requests.
        record: the run file to write; in memory only when not given.
        llm: the model to think with; the default one when not given.
        description: what all people know of the world; part of every prompt.
        schedule: `simultaneous`: all act on the same past at once; `sequential`: one after the other.
        reach: `everyone`, `nobody`, `relationships` (those whom a persona names as theirs), or pairs of names, each
            perhaps with a description.
        start: when simulated time begins.
        step_length: how far a step moves the clock.
        budget: what the run may spend.
        tools: what everybody can use besides what they have themselves: tools, and functions with `@wb.action`.
        checks: what turns have to pass; a person's own checks go before them.
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
        schedule: Schedule = "simultaneous",
        reach: ReachSpec = "everyone",
        start: datetime = START,
        step_length: timedelta = timedelta(minutes=1),
        budget: Budget | None = None,
        tools: Sequence[Faculty] = (),
        checks: Checks | None = None,
        real_world: bool = False,
        if_exists: IfExists = "fail",
    ) -> None:
        if schedule not in ("simultaneous", "sequential"):
            raise InvalidSettings(f"schedule={schedule!r}: it is 'simultaneous' or 'sequential'")
        if checks is not None and not isinstance(checks, Checks):
            raise InvalidSettings(f"checks={checks!r}: it is a wb.Checks(...)")
        if start.tzinfo:
            raise InvalidSettings(f"start={start.isoformat()!r}: simulated time has no time zone")
        self.name = name
        self.seed = seed
        self.description = description
        self.schedule: Schedule = schedule
        self.step_length = step_length
        people = _checked(people)
        pairs = relationships([person.persona for person in people]) if reach == "relationships" else reach
        self._settle(people, pairs, (llm or default_llm()).metered(budget))
        self._equip(tools, checks, real_world)
        self._journal.time = start
        earlier, vectors = recording.earlier_memories(self.people)
        contents = recording.contents_of(self.tools, len(earlier), start)
        brought = recording.blobs_brought(self.people)
        self.file: RunFile = RunFile.create(
            record, recording.spec_of(self), recording.states_of(self.people), if_exists, earlier + contents, brought
        )
        self._journal.last_id = len(earlier) + len(contents)
        for person in self.people:
            person.memory = Memory(person.name, person.memory.settings, encoder=person.memory.encoder)
        self._move_in()
        recording.replay(earlier, self)
        for person in self.people:
            person.memory.semantic.restore_vectors(vectors[person.name])

    def _settle(self, people: list[Person], reach: ReachSpec, llm: LLM) -> None:
        self.people = people
        self.llm = llm
        self.reach = Reach((person.name for person in people), reach)
        self._by_name = {person.name: person for person in people}
        self._journal = Journal(self._keep)
        self._pending: list[tuple[Event, Sequence[str]]] | None = None
        self._routing = False
        self._changes: list[str] = []

    def _equip(self, tools: Sequence[Faculty], checks: Checks | None, real_world: bool) -> None:
        self.checks, self.real_world = checks, real_world
        self.abilities = definitions_of(tools, self.name)
        for person in self.people:
            definitions_of([*person.faculties, *tools], person.name)  # two of one name are told now
        self.tools = recording.named_tools([*tools, *(one for person in self.people for one in person.faculties)])

    def _move_in(self) -> None:
        self._journal.blobs = self.file.blobs
        for tool in self.tools.values():
            tool.moves_into(self._journal)
        for person in self.people:
            person.join(self._journal, self.llm, partial(self._surroundings, person), self._happens)

    @classmethod
    def resume(
        cls,
        path: str | Path,
        *,
        llm: LLM | None = None,
        budget: Budget | None = None,
        tools: Sequence[Faculty] = (),
        faculties: Mapping[str, Sequence[Faculty]] | None = None,
        checks: Checks | None = None,
        real_world: bool = False,
    ) -> Self:
        """Go on with a recorded run after its last whole step.

        Args:
            path: the run file.
            llm: the model to go on with; the one that the run was made with when not given, with the key of the
                settings where they name the same endpoint.
            budget: what may be spent from now on.
            tools: those of the world, as when it was made: they are code, so no file has them. What they hold comes
                from the record.
            faculties: those of people, by name; likewise.
            real_world: whether actions that reach out of the simulation may run from now on; the file, which may be a
                stranger's, has no say in it.
            checks: what turns have to pass from now on; as when the run was made when not given.

        Raises:
            InvalidSettings: the run was made with actions that are not given; they are named.
            UnknownName: there is no such file.
            DamagedFile, NewerFile: it cannot be read; it is left as it is.
        """
        file = RunFile.open(path)
        with closed_on_failure(file), reading(file.path):
            world = cls._rebuilt(file, llm, budget, tools, faculties or {}, checks, real_world)
        world._changes = recording.changes(file.spec, world)
        return world

    @classmethod
    def _rebuilt(
        cls,
        file: RunFile,
        llm: LLM | None,
        budget: Budget | None,
        tools: Sequence[Faculty],
        faculties: Mapping[str, Sequence[Faculty]],
        checks: Checks | None,
        real_world: bool,
    ) -> Self:
        spec = file.spec
        world = cls.__new__(cls)
        world.name, world.seed, world.description = spec["name"], spec["seed"], spec["description"]
        world.schedule, world.step_length = spec["schedule"], timedelta(seconds=spec["step_length"])
        if strangers := sorted(faculties.keys() - file.people.keys()):
            raise UnknownName(f"faculties: nobody in this run is called {', '.join(map(repr, strangers))}")
        recording.check_actions(spec, tools, faculties)
        people = [recording.person_of(spec, name, state, faculties) for name, state in file.people.items()]
        world._settle(people, spec["reach"], (llm or recording.llm_of(spec)).metered(budget))
        world._equip(tools, checks or recording.checks_of(spec), real_world)
        world.file = file
        step, time, meter = file.last_step or (0, datetime.fromisoformat(spec["start"]), [])
        world._journal.step, world._journal.time, world._journal.last_id = step, time, file.last_id
        recording.check_empty(world.tools)
        world._move_in()
        recording.replay(file.perceived(), world)
        paid = spec.get("meter", {})
        world.llm.meter.restore(paid["rows"] if paid.get("step") == step else meter)
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

    def estimate(self, steps: int) -> Estimate:
        """Return the calls, tokens and money that so many steps will take, before anything is spent."""
        turns = [person.messages(self.llm, self._surroundings(person)) for person in self.people]
        hearers = [len(self.reach.of(person.name)) for person in self.people]
        checks = [person.checks or self.checks for person in self.people]
        criteria = [len(one.criteria) if one else 0 for one in checks]
        meter, price, model = self.llm.meter, self.llm.price, self.llm.model
        return estimate(turns, hearers, steps, meter=meter, price=price, model=model, criteria=criteria)

    # -- running -------------------------------------------------------------------------------------------

    async def run(self, steps: int, *, live: bool | None = None, progress: bool = True) -> Self:
        """Run so many steps. Each is committed as a whole.

        Args:
            steps: how many more.
            live: whether talk is printed as it happens; with up to 12 people when not given.
            progress: whether a bar is shown.

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
        if astray := [tool.name for tool in self.tools.values() if not tool.lives_in(self._journal)]:
            raise InvalidSettings(f"the tools {', '.join(astray)} moved to another world: give each world its own")
        while self._changes:
            self._journal.append("note", "CHANGED", self._changes.pop(0))
        bar = Progress(self.name, steps, len(self.people), self.llm.meter, live, shown=progress)
        try:
            for _ in range(steps):
                bar.step_done(await self._step(bar))
        except BaseException as error:
            error.add_note(recording.how_to_go_on(self))
            raise
        finally:
            bar.close()
        return self

    async def _step(self, progress: Progress) -> list[Event]:
        marks = [person.mark() for person in self.people]
        reach, last_id = self.reach.mark(), self._journal.last_id
        self._pending = []
        self._journal.step += 1
        try:
            with undone_on_failure(self.tools.values()):
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
            await self._take_turns(self.people, progress)
        else:
            for person in self.people:
                await self._take_turns([person], progress)

    async def _take_turns(self, people: Sequence[Person], progress: Progress) -> None:
        """Let people act on the same past: asked at once, and what they do is done in their order."""
        for stage in UPKEEP:
            made = await together(self._keep_up(person, stage) for person in people)
            for happening in chain.from_iterable(made):
                self._happens(happening)
        turns = [self._deliberation(person) for person in people]
        effects: list[Happening] = []
        for turn in turns:
            turn.effects = effects  # in the order in which they are done, whoever does them
        while going := [turn for turn in turns if turn.open]:
            await together(self._ask(turn, progress) for turn in going)
            for turn in going:
                await self._named(turn.person, "turn", turn.carry_out())
        for happening in chain(effects, *(turn.turn.happenings for turn in turns)):
            self._happens(happening)

    def _deliberation(self, person: Person) -> Deliberation:
        return person.deliberate(self.llm, self._surroundings(person), seed=self._seed(person))

    async def _ask(self, turn: Deliberation, progress: Progress) -> None:
        await self._named(turn.person, "turn", turn.ask())
        if turn.rounds == 1:
            progress.turn_done()

    def _seed(self, person: Person) -> int:
        return derive_seed(self.seed, self._journal.step, person.name)

    async def _keep_up(self, person: Person, stage: UpkeepStage) -> list[Happening]:
        return await self._named(person, "memory", person.keep_up(stage, self.llm, seed=self._seed(person)))

    async def _named(self, person: Person, purpose: str, asking: Coroutine[Any, Any, Result]) -> Result:
        """Wait for a model; where it fails, say in whose name it was asked, when and what for."""
        try:
            return await asking
        except (ModelError, CacheMiss, ChecksFailed) as error:
            step = self._journal.step
            what = f"step {step} of {self.name!r}: the {purpose} of {person.name} failed: {error}"
            raise StepFailed(what, step=step, person=person.name, purpose=purpose) from error

    def _surroundings(self, person: Person) -> Surroundings:
        return Surroundings(
            self._journal.time,
            self.description,
            self.reach.of(person.name),
            partial(reach_out, person.name, self.reach.names),
            self.reach.names,
            self.abilities,
            tuple(self.tools.values()),
            self.checks,
            self.real_world,
        )

    def _happens(self, happening: Happening) -> None:
        """Let something happen: find out who perceives it, record it, and let them perceive it."""
        self._routing = True
        try:
            way = route(happening, self.reach)
            event = self._journal.add(way.happening)
            for name in way.happening.heard_by:
                self._by_name[name].perceive(event)
            if way.link:
                self.reach.link(event.source, event.target)
            if way.told_back:
                self._by_name[event.source].socialize(way.told_back)
        finally:
            self._routing = False

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
