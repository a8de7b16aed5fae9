"""How a world is run: step after step, each committed as a whole, until it has had enough of them or is to stop."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING, Any, Self

from workbench.agents.faculties import undone_on_failure
from workbench.errors import BudgetSpent, CacheMiss, InvalidSettings, ModelError, StepFailed
from workbench.llm.running import together
from workbench.record.events import Event
from workbench.worlds import recording
from workbench.worlds.acting import Acting
from workbench.worlds.clock import unit
from workbench.worlds.control import Control
from workbench.worlds.intervening import intervene
from workbench.worlds.progress import Progress
from workbench.worlds.schedules import turns_a_step
from workbench.worlds.stage import CHANGED, STOPPED
from workbench.worlds.stopping import Condition, Verdict, is_claim, judge, name_of, read_conditions

if TYPE_CHECKING:
    from workbench.worlds.clock import Unit

CHECKED_UNTIL = "CHECKED"


class Running(Acting):
    """A world that goes on."""

    _control: Control
    _changes: list[str]

    async def run(
        self,
        steps: int | None,
        *,
        until: Condition | Sequence[Condition] | None = None,
        live: bool | None = None,
        progress: bool = True,
    ) -> Self:
        """Run so many steps. Each is committed as a whole.

        Args:
            steps: how many more; None where `until`, `pause` or `stop` ends the run.
            until: ends the run before: `"done"` (all had a turn, and nobody did anything but end it), `"loop"` (only
                farewells, or repetition), `"budget"` (what may be spent is spent), a claim about the world, a function
                of the world, or several of them. It is looked at after each step, and before the first of a run that
                goes on; the reason is recorded.
            live: whether talk is printed as it happens; with up to 12 people when not given.
            progress: whether a bar is shown.

        Raises:
            StepFailed: somebody's turn could not be had; the steps before are kept.
            BudgetSpent: the next call could break the budget; the steps before are kept.
            StorageError: the run file could not be written; the steps before are kept.
        """
        await self._make_way()
        conditions = self._check_run(steps, until)
        return await self._run(self._control.begin(), steps, conditions, live, progress=progress)

    async def _make_way(self) -> None:
        """Wait for a run that is to stop; one that goes on is in the way."""
        if self._control.stopping:
            await self._control.ended()
        if self._control.running:
            raise InvalidSettings(f"{self.name} is running already: wait for it, or stop it first")

    def _check_run(self, steps: int | None, until: Condition | Sequence[Condition] | None) -> list[Condition]:
        if steps is not None and (isinstance(steps, bool) or not isinstance(steps, int) or steps < 0):
            raise InvalidSettings(f"steps={steps!r}: a whole number is needed, 0 or more")
        self._check_who_is_here()
        if astray := [tool.name for tool in self.tools.values() if not tool.lives_in(self._journal)]:
            raise InvalidSettings(f"the tools {', '.join(astray)} moved to another world: give each world its own")
        if empty := sorted(self._seated - self._seats.keys()):
            raise InvalidSettings(
                f"a human had taken the seat of {', '.join(empty)}: give it again, as in world.seat({empty[0]!r}, "
                f"input), or let the model go on with world.leave_seat({empty[0]!r})"
            )
        return read_conditions(until)

    async def _run(
        self, number: int, steps: int | None, conditions: Sequence[Condition], live: bool | None, *, progress: bool
    ) -> Self:
        turns = None if steps is None else steps * turns_a_step(self._schedule, len(self.people))
        bar = Progress(self.name, turns, len(self.people), self.llm.meter, live, shown=progress)
        try:
            await self._run_within_budget(steps, conditions, bar)
        except BaseException as error:
            error.add_note(recording.how_to_go_on(self._world))
            raise
        finally:
            self._control.end(number)
            bar.close()
        return self

    async def _run_within_budget(self, steps: int | None, conditions: Sequence[Condition], bar: Progress) -> None:
        while self._changes:
            self.enter(CHANGED, self._changes.pop(0))
        self._order_interventions()
        try:
            await self._run_steps(steps, conditions, bar)
        except BudgetSpent as error:
            if "budget" not in conditions:
                raise
            self._record_verdict(STOPPED, Verdict("budget", True, str(error)))

    async def _run_steps(self, steps: int | None, conditions: Sequence[Condition], bar: Progress) -> None:
        if await self._is_over(conditions) or steps == 0:
            return
        self.file.note(begun=self.file.last_id, planned=None if steps is None else self.steps + steps)
        for _ in count() if steps is None else range(steps):
            await self._control.gate()
            if self._control.stopping:
                self._record_verdict(STOPPED, Verdict("stop", True, "the researcher stopped it"))
                return
            bar.step_done(await self._step(bar))
            if await self._is_over(conditions):
                return

    async def step(self) -> list[Event]:
        """Run one step, without a bar; returns what happened in it.

        Raises:
            StepFailed, BudgetSpent, StorageError: as `run`.
        """
        await self.run(1, live=False, progress=False)
        return list(self.file.events(range(self.steps, self.steps + 1)))

    # -- the length of a step ------------------------------------------------------------------------------

    async def run_minutes(self, minutes: int, **options: Any) -> Self:
        """Run so many steps of a minute each; `options` are those of `run`."""
        return await self._run_units("minutes", minutes, options)

    async def run_hours(self, hours: int, **options: Any) -> Self:
        """Run so many steps of an hour each; `options` are those of `run`."""
        return await self._run_units("hours", hours, options)

    async def run_days(self, days: int, **options: Any) -> Self:
        """Run so many steps of a day each; `options` are those of `run`."""
        return await self._run_units("days", days, options)

    async def run_weeks(self, weeks: int, **options: Any) -> Self:
        """Run so many steps of a week each; `options` are those of `run`."""
        return await self._run_units("weeks", weeks, options)

    async def run_months(self, months: int, **options: Any) -> Self:
        """Run so many steps of a calendar month each; `options` are those of `run`.

        From January 31 they end on February 28, March 31, April 30, also where the run is resumed in between.
        """
        return await self._run_units("months", months, options)

    async def run_years(self, years: int, **options: Any) -> Self:
        """Run so many steps of a calendar year each; `options` are those of `run`."""
        return await self._run_units("years", years, options)

    async def _run_units(self, name: Unit, steps: int, options: dict[str, Any]) -> Self:
        await self._make_way()
        before, self.step_length = self.step_length, unit(name)
        try:
            return await self.run(steps, **options)
        finally:
            self.step_length = before

    # -- control -------------------------------------------------------------------------------------------

    @property
    def running(self) -> bool:
        """Whether a run goes on, perhaps paused."""
        return self._control.running

    @property
    def paused(self) -> bool:
        """Whether a run waits, or will wait after the step that is under way."""
        return self._control.paused

    @property
    def waiting(self) -> bool:
        """Whether a paused run waits now: between steps, so that anything can be said and changed."""
        return self._control.waiting and self._control.paused

    def pause(self) -> Self:
        """Let the run that goes on wait after the step that is under way; between steps anything can be changed."""
        self._control.paused = self._control.running
        return self

    def stop(self) -> Self:
        """Let the run that goes on end after the step that is under way."""
        self._control.stopping = self._control.running
        return self

    def play(
        self,
        steps: int | None = None,
        *,
        until: Condition | Sequence[Condition] | None = None,
        live: bool | None = None,
        progress: bool = True,
    ) -> asyncio.Task[Self] | None:
        """Go on with a run that is paused, or begin one in the background, as a panel does.

        Args:
            steps: how many; until it is stopped when not given.
            until: as for `run`; so are the others.
            live: likewise.
            progress: likewise.

        Returns:
            the task that runs, where one has begun: await it to see its error.

        Raises:
            InvalidSettings: nothing runs that could be played on, and no event loop does that a run could begin in.
        """
        if self._control.running and not self._control.stopping:
            self._control.paused = False
            return None
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError as error:
            raise InvalidSettings(
                "play() needs a notebook, or another event loop: use wb.sync(world.run(n))"
            ) from error
        if self._control.stopping:
            return loop.create_task(self.run(steps, until=until, live=live, progress=progress))
        conditions = self._check_run(steps, until)
        number = self._control.begin()  # now, so that it can be paused before it has come to its turn
        task = loop.create_task(self._run(number, steps, conditions, live, progress=progress))
        task.add_done_callback(lambda _: self._control.end(number))  # if it was cancelled before
        return task

    # -- one step ------------------------------------------------------------------------------------------

    async def _step(self, progress: Progress) -> list[Event]:
        self._begin_step()
        before = self.interventions, {name: replace(seat) for name, seat in self._seats.items()}
        try:
            with undone_on_failure(self.tools.values()):
                with self._open():
                    await intervene(self._world, list(self.interventions.values()))
                await self._let_act(progress)
                return self._commit_step()
        except BaseException as error:
            self.interventions, self._seats = before
            self._undo_step(error)
            raise

    async def _is_over(self, conditions: Sequence[Condition]) -> bool:
        """Look at the conditions after a step, and record a verdict that ends the run, or that was paid for.

        Where something was said or changed since, the next step may make a difference, so nothing is asked.
        """
        since = self.file.since_last_step()
        if not self.steps or any(event.kind != "note" or event.type not in (STOPPED, CHECKED_UNTIL) for event in since):
            return False
        stopped = {Verdict.of(event).condition for event in since if event.type == STOPPED}
        for condition in conditions:
            if not is_claim(condition) and (verdict := await self._judged(condition)).ends:
                if verdict.condition not in stopped:
                    self._record_verdict(STOPPED, verdict)
                return True
        claims = {name_of(condition): condition for condition in conditions if is_claim(condition)}
        return bool(stopped & claims.keys()) or await self._claim_holds(claims, map(Verdict.of, since))

    async def _claim_holds(self, claims: Mapping[str, Condition], known: Iterable[Verdict]) -> bool:
        """Have claims judged, but for those of which the record has a verdict already."""
        verdicts = {verdict.condition: verdict for verdict in known}
        asked = [claim for name, claim in claims.items() if name not in verdicts]
        new = await together(self._judged(claim) for claim in asked)
        verdicts |= {verdict.condition: verdict for verdict in new}
        end = next((verdicts[name] for name in claims if verdicts[name].ends), None)
        for verdict in new:
            if verdict.call and verdict is not end:
                self._record_verdict(CHECKED_UNTIL, verdict)
        if end:
            self._record_verdict(STOPPED, end)
        return end is not None

    async def _judged(self, condition: Condition) -> Verdict:
        try:
            return await judge(condition, self._world)
        except (ModelError, CacheMiss) as error:
            name = name_of(condition)
            what = f"after step {self.steps} of {self.name!r}: it could not be judged whether {name!r}: {error}"
            raise StepFailed(what, step=self.steps, person="", purpose="until") from error
        except Exception as error:
            if callable(condition):
                error.add_note(f"This was in until=, in {name_of(condition)!r}.")
            raise

    def _record_verdict(self, type_: str, verdict: Verdict) -> None:
        self._journal.append("note", type_, verdict.to_json(), call=verdict.call or None)
        self.file.note(meter={"step": self.steps, "rows": self.llm.meter.rows()})
