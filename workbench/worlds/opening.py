"""How a world is furnished, and how a recorded run is taken up again: resumed, branched off, replayed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from workbench.agents.checks import Checks
from workbench.agents.faculties import Faculty, definitions_of
from workbench.agents.perception import is_remembered
from workbench.agents.person import Person
from workbench.agents.seats import TakenSeat
from workbench.errors import UnknownName
from workbench.llm.cache import CallCache
from workbench.llm.client import LLM
from workbench.llm.meter import Budget
from workbench.record.event_log import RecordedLog
from workbench.record.placing import IfExists
from workbench.record.run_file import RunFile, closed_on_failure, reading
from workbench.worlds import recording
from workbench.worlds.branches import branch_file, opened
from workbench.worlds.clock import length_from_json
from workbench.worlds.control import Control
from workbench.worlds.interventions import Intervention, by_name, check_given
from workbench.worlds.recording import Given
from workbench.worlds.replaying import Replay, Replaying
from workbench.worlds.running import Running
from workbench.worlds.schedules import (
    Schedule,
    ScheduleName,
    schedule_from_json,
)
from workbench.worlds.stage import Perceived

if TYPE_CHECKING:
    from workbench.worlds.world import World


class Opening(Running):
    """A world that can be taken up where its record is."""

    def _settle(self, people: Sequence[Person], reach_spec: Any, time: datetime, llm: LLM) -> None:
        self._set_up(people, reach_spec, time)
        self.llm = llm
        self._control = Control()
        self._changes: list[str] = []
        self._seats: dict[str, TakenSeat] = {}

    def _equip(
        self,
        tools: Sequence[Faculty],
        checks: Checks | None,
        interventions: Sequence[Intervention],
        real_world: bool,
    ) -> None:
        self.checks, self.real_world = checks, real_world
        self.interventions = by_name(interventions)
        for intervention in interventions:
            intervention.people(self._world)  # somebody who is not there is told now
        self.abilities = definitions_of(tools, self.name)
        for person in self.people:
            definitions_of([*person.faculties, *tools], person.name)  # two of one name are told now
        self.tools = recording.named_tools([*tools, *(one for person in self.people for one in person.faculties)])

    def _move_in(self) -> None:
        self._journal.blobs = self.file.blobs
        for tool in self.tools.values():
            tool.moves_into(self._journal)
        for person in self.people:
            log = RecordedLog(self.file, person.name, self._uncommitted, is_remembered)
            person.join(self._journal, self.llm, partial(self._surroundings, person), self._happens, log)

    def _uncommitted(self) -> Sequence[Perceived]:
        return self._pending or ()

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
        interventions: Sequence[Intervention] = (),
        schedule: ScheduleName | Schedule | None = None,
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
            checks: what turns have to pass from now on; as when the run was made when not given.
            interventions: as when the run was made: they are code, too. When they last fired comes from the record.
            schedule: likewise, where it is a function of your own.
            real_world: whether actions that reach out of the simulation may run from now on; the file, which may be a
                stranger's, has no say in it.

        Raises:
            InvalidSettings: the run was made with actions, interventions or a schedule that are not given; they are
                named.
            UnknownName: there is no such file.
            DamagedFile, NewerFile: it cannot be read; it is left as it is.
        """
        given = Given(tools, faculties or {}, interventions, schedule)
        return cls._open_run(RunFile.open(path), llm, budget, given, checks, real_world)

    @classmethod
    def fork(
        cls,
        run: World | str | Path,
        step: int | None = None,
        *,
        record: str | Path | None = None,
        seed: int | None = None,
        edit: Mapping[int, str] | None = None,
        if_exists: IfExists = "fail",
        llm: LLM | None = None,
        budget: Budget | None = None,
        tools: Sequence[Faculty] = (),
        faculties: Mapping[str, Sequence[Faculty]] | None = None,
        checks: Checks | None = None,
        interventions: Sequence[Intervention] = (),
        schedule: ScheduleName | Schedule | None = None,
        real_world: bool = False,
    ) -> Self:
        """Begin a new run that shares the past of another up to the end of a step; nothing of it is asked again.

        What was said to the people after that step is not part of it: say it again, or something else. With nothing
        changed, the branch becomes what the run became.

        Args:
            run: a run file, or a world.
            step: the last one that it shares; the last whole one when not given, 0 for what the run began with.
            record: the file of the branch; in memory only when not given.
            seed: of what follows; that of the run when not given.
            edit: other words for what was said or seen in the past, by event id. What people had made of it by then,
                such as memories, stays.
            if_exists: what becomes of a run that is at `record` already: `fail` or `replace`.
            llm: the model; that of the run when not given.
            budget: what the branch may spend.
            tools: as for `resume`; so are the others.
            faculties: likewise.
            checks: likewise.
            interventions: likewise.
            schedule: likewise.
            real_world: likewise.

        Raises:
            UnknownName: there is no such file or step.
            InvalidSettings: an edit of something that has no words, or as for `resume`.
            RunExists: there is a run at `record`.
        """
        given = Given(tools, faculties or {}, interventions, schedule)
        with opened(run) as parent:
            made_with = recording.model_of(llm) if llm else {}
            file = branch_file(parent, step, record, seed=seed, edit=edit, made_with=made_with, if_exists=if_exists)
        return cls._open_run(file, llm, budget, given, checks, real_world)

    @classmethod
    async def replay(
        cls,
        run: World | str | Path,
        *,
        cache: CallCache | str | Path | None = None,
        tools: Sequence[Faculty] = (),
        faculties: Mapping[str, Sequence[Faculty]] | None = None,
        interventions: Sequence[Intervention] = (),
        schedule: ScheduleName | Schedule | None = None,
        real_world: bool = False,
    ) -> Replay:
        """Make a run again from its recording, with no model, and compare it event by event with its file.

        It stops at the first difference; where a request is another one than was recorded, it shows how the two prompts
        differ. What was said and changed between steps is taken from the file, and so are the turns of humans.

        Args:
            run: a run file, or a world.
            cache: a recording (`*.jsonl`), a call cache or its folder; when not given, the `recording.jsonl` beside the
                file, or the call cache that the run was made with.
            tools: as for `resume`; so are the others.
            faculties: likewise.
            interventions: likewise.
            schedule: likewise.
            real_world: likewise.

        Raises:
            UnknownName: there is no such file, or nothing to replay it from.
        """
        given = Given(tools, faculties or {}, interventions, schedule)
        with opened(run) as parent:
            llm = recording.llm_of(parent.spec, recording.recorded_calls(parent, cache))
            lineage = parent.spec.get("lineage", ())
            start = parent.copy(None, until=lineage[-1]["step"] if lineage else 0)
            world = cls._open_run(start, llm, None, given, recording.checks_of(parent.spec), real_world, replayed=True)
            try:
                return await Replaying(parent, world._world).replay()
            finally:
                world.file.close()

    def give(self, perceived: Perceived) -> None:
        """Let something happen as it is recorded elsewhere, under the number that it has there."""
        self.file.append([perceived])
        recording.replay([perceived], self._world)
        self._journal.last_id = perceived[0].id

    @classmethod
    def _open_run(
        cls,
        file: RunFile,
        llm: LLM | None,
        budget: Budget | None,
        given: Given,
        checks: Checks | None,
        real_world: bool,
        *,
        replayed: bool = False,
    ) -> Self:
        with closed_on_failure(file), reading(file.path):
            world = cls._rebuilt(file, llm, budget, given, checks, real_world)
        world._changes = [] if replayed else recording.changes(file.spec, world._world)
        return world

    @classmethod
    def _rebuilt(
        cls,
        file: RunFile,
        llm: LLM | None,
        budget: Budget | None,
        given: Given,
        checks: Checks | None,
        real_world: bool,
    ) -> Self:
        spec = file.spec
        world = cls.__new__(cls)
        world.name, world.seed, world.description = spec["name"], spec["seed"], spec["description"]
        world._schedule = schedule_from_json(spec["schedule"], given.schedule)
        world.step_length, world.on_error = length_from_json(spec["step_length"]), spec.get("on_error", "raise")
        if strangers := sorted(given.faculties.keys() - file.people.keys()):
            raise UnknownName(f"faculties: nobody in this run is called {', '.join(map(repr, strangers))}")
        recording.check_actions(spec, given.tools, given.faculties)
        people = [recording.person_of(spec, name, state, given.faculties) for name, state in file.people.items()]
        start, model = datetime.fromisoformat(spec["start"]), llm or recording.llm_of(spec)
        world._settle(people, spec["reach"], start, model.metered(budget))
        world._equip(given.tools, checks or recording.checks_of(spec), given.interventions, real_world)
        world.file = file
        world._go_to_last_step()
        recording.check_empty(world.tools)
        world._move_in()
        recording.replay(file.perceived(), world._world)
        check_given([*spec.get("interventions", ()), *world.firing_history.added], world.interventions)
        step, _, meter = file.last_step or (0, start, [])
        paid = spec.get("meter", {})
        world.llm.meter.restore(paid["rows"] if paid.get("step") == step else meter)
        return world
