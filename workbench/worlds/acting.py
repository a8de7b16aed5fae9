"""How the people of a world act: each turn is asked for, carried out, and becomes events in the order of the people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import chain
from random import Random
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, Self, TypeVar, cast

from workbench.agents.actions import ActionDefinition
from workbench.agents.checks import Checks
from workbench.agents.deliberation import Deliberation
from workbench.agents.memory.upkeep import UPKEEP, UpkeepStage
from workbench.agents.person import Person
from workbench.agents.seats import Seat, TakenSeat
from workbench.agents.turns import Surroundings
from workbench.errors import (
    CacheMiss,
    ChecksFailed,
    InvalidSettings,
    ModelError,
    StepFailed,
    UnknownModel,
    WrongKey,
)
from workbench.llm.running import together
from workbench.llm.seeds import derive_seed
from workbench.record.events import Happening
from workbench.worlds.broadcasting import Broadcasting
from workbench.worlds.interventions import ADDED, Intervention, by_name
from workbench.worlds.progress import Progress
from workbench.worlds.routing import reach_out
from workbench.worlds.schedules import Schedule, groups_of
from workbench.worlds.stage import ABSENT, SEAT

if TYPE_CHECKING:
    from workbench.worlds.world import World

Result = TypeVar("Result")
OnError = Literal["raise", "absent"]
IN_HAND = 2
"""Turns that are prepared for each request that may be under way: the line stays busy, and the memory small."""


class Acting(Broadcasting):
    """People who act."""

    seed: int
    description: str
    checks: Checks | None
    real_world: bool
    on_error: OnError
    interventions: dict[str, Intervention]
    """By name, in the order in which they are decided on."""
    abilities: tuple[ActionDefinition, ...]
    _schedule: Schedule
    _seats: dict[str, TakenSeat]
    _absent_then: Mapping[str, str] = MappingProxyType({})

    @property
    def at_once(self) -> int:
        """How many turns are prepared at once."""
        return IN_HAND * self.llm.endpoint.limits.concurrency

    @property
    def _world(self) -> World:
        """The same, as the functions of researchers are told of it."""
        return cast("World", self)

    # -- seats and interventions ---------------------------------------------------------------------------

    def seat(self, person: Person | str, reply: Seat) -> Self:
        """Let a human take somebody's seat: from now on they are asked for the turns, and the model is not.

        Args:
            person: whose seat.
            reply: is given a `Cue` (what the person perceived, and who is in reach) and returns words that are said to
                all in reach, actions, or nothing. A plain function, such as `input`, or a coroutine function.
        """
        name = self._person(person).name
        if not callable(reply):
            raise InvalidSettings(f"seat({name!r}, {reply!r}): a function is needed, such as input")
        if name not in self._seated:
            self.enter(SEAT, {"taken": True}, "", name)
        self._seats[name] = TakenSeat(reply)
        return self

    def leave_seat(self, person: Person | str) -> Self:
        """Let the model take somebody's turns again.

        Raises:
            InvalidSettings: nobody sits there.
        """
        name = self._person(person).name
        if name not in self._seated:
            raise InvalidSettings(f"nobody has taken the seat of {name}")
        self.enter(SEAT, {"taken": False}, "", name)
        self._seats.pop(name, None)
        return self

    def intervene(self, intervention: Intervention) -> Self:
        """Add an intervention to a run that has begun.

        Raises:
            InvalidSettings: there is one of that name.
            UnknownName: it is for somebody who is not there.
        """
        interventions = by_name([*self.interventions.values(), intervention])
        intervention.people(self._world)
        self.note_intervention(ADDED, intervention.name)
        self.interventions = interventions
        return self

    def _order_interventions(self) -> None:
        """Have them in the order of the record; those that came with `resume` are part of the run from now on."""
        recorded = self._recorded_interventions()
        for name in self.interventions:
            if name not in recorded:
                self.note_intervention(ADDED, name)
        self.interventions = {
            name: self.interventions[name] for name in self._recorded_interventions() if name in self.interventions
        }

    def _recorded_interventions(self) -> list[str]:
        return [*self.file.spec.get("interventions", ()), *self.firing_history.added]

    # -- turns ---------------------------------------------------------------------------------------------

    async def _let_act(self, progress: Progress) -> None:
        """Let everybody act in the order of the schedule."""
        self._turns_in_step: Counter[str] = Counter()
        self._reasons: list[str] = []
        rng = Random(derive_seed(self.seed, "schedule", self.steps))  # noqa: S311  # no secret
        groups = groups_of(self._schedule, self._world, rng)
        while True:
            with self._open():
                group = next(groups, None)
            if group is None:
                break
            await self._take_turns(self._able(group), progress)
        if self._reasons and len(self._reasons) == self._turns_in_step.total():
            what = f"step {self.steps} of {self.name!r}: nobody could act. {self._reasons[0]}"
            raise StepFailed(what, step=self.steps, person="", purpose="turn")

    def _able(self, group: Sequence[Person | str]) -> list[Person]:
        """Return those of a group who are not busy; nobody acts twice at the same moment."""
        people = dict.fromkeys(self._person(one) for one in group)
        return [person for person in people if not self.busy(person)]

    async def _take_turns(self, people: Sequence[Person], progress: Progress) -> None:
        """Let people act on the same past: asked at once, and what they do is done in their order."""
        absent: dict[str, str] = {}
        for stage in UPKEEP:
            able = [person for person in people if person.name not in absent and person.name not in self._seats]
            due = [person for person in able if person.upkeep_due(stage)]
            made = await together((self._keep_up(person, stage, absent) for person in due), at_once=self.at_once)
            for happening in chain.from_iterable(made):
                self._happens(happening)
        turns = [self._deliberation(person) for person in people]
        effects: list[Happening] = []
        for turn in turns:
            turn.effects = effects  # in the order in which they are done, whoever does them
            if turn.person.name in absent:
                self._break_off(turn, absent[turn.person.name])
        while going := [turn for turn in turns if turn.open]:
            await together((self._ask(turn, progress) for turn in going), at_once=self.at_once)
            for turn in going:
                if turn.open:
                    await self._or_absent(turn, turn.carry_out())
        for happening in chain(effects, *(turn.turn.happenings for turn in turns)):
            self._happens(happening)
        self._turns_in_step.update(person.name for person in people)

    def _deliberation(self, person: Person) -> Deliberation:
        seat = self._seats.get(person.name) if person.name in self._seated else None
        return person.deliberate(self.llm, self._surroundings(person), seed=self._seed(person), seat=seat)

    async def _ask(self, turn: Deliberation, progress: Progress) -> None:
        await self._or_absent(turn, turn.ask())
        if turn.rounds == 1:
            progress.turn_done()

    async def _or_absent(self, turn: Deliberation, going_on: Coroutine[Any, Any, None]) -> None:
        """Go on with a turn; where that fails, and it is allowed, the person sits the rest of it out."""
        try:
            await self._named(turn.person, "turn", going_on)
        except StepFailed as failure:
            self._break_off(turn, self._absence(failure))

    def _break_off(self, turn: Deliberation, reason: str) -> None:
        turn.break_off(ABSENT, reason)
        self._reasons.append(reason)

    async def _keep_up(self, person: Person, stage: UpkeepStage, absent: dict[str, str]) -> list[Happening]:
        """Return what becomes of somebody's past; who cannot keep up is absent, where that is allowed."""
        try:
            return await self._named(person, "memory", person.keep_up(stage, self.llm, seed=self._seed(person)))
        except StepFailed as failure:
            absent[person.name] = self._absence(failure)
            return []

    def _absence(self, failure: StepFailed) -> str:
        """Return why somebody sits the step out.

        In a replay, what was not answered then is not in the recording, either.

        Raises:
            StepFailed: their failure is that of the step: it is not allowed to be absent, or nobody could be there.
        """
        if isinstance(failure.__cause__, CacheMiss) and failure.person in self._absent_then:
            return self._absent_then[failure.person]
        if self.on_error == "raise" or isinstance(failure.__cause__, CacheMiss | WrongKey | UnknownModel):
            raise failure
        return str(failure)

    @contextmanager
    def absent_as(self, reasons: Mapping[str, str]) -> Iterator[None]:
        """Let people be absent, in a replay, who were in the run, for the reasons that it has; each by name."""
        self._absent_then = reasons
        try:
            yield
        finally:
            self._absent_then = {}

    def _seed(self, person: Person) -> int:
        again = self._turns_in_step[person.name]
        return derive_seed(self.seed, self.steps, person.name, *([again] if again else []))

    async def _named(self, person: Person, purpose: str, asking: Coroutine[Any, Any, Result]) -> Result:
        """Wait for a model; where it fails, say in whose name it was asked, when and what for."""
        try:
            return await asking
        except (ModelError, CacheMiss, ChecksFailed) as error:
            what = f"step {self.steps} of {self.name!r}: the {purpose} of {person.name} failed: {error}"
            raise StepFailed(what, step=self.steps, person=person.name, purpose=purpose) from error

    def _surroundings(self, person: Person) -> Surroundings:
        return Surroundings(
            self.time,
            self.description,
            self.reach.of(person.name),
            partial(reach_out, person.name, self._names),
            self._names.all,
            self.abilities,
            tuple(self.tools.values()),
            self.checks,
            self.real_world,
        )
