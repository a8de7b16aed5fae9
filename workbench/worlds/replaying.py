"""Replay: a run is made again from its recording, with no model, and compared event by event with what is in its file.

What researchers did between steps is given, as it is recorded; what happened in steps is made again.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from workbench.agents.actions import Action
from workbench.agents.seats import Cue
from workbench.errors import CacheMiss, StepFailed
from workbench.html import box, text
from workbench.llm.calls import text_of
from workbench.record.events import Event
from workbench.record.run_file import RunFile
from workbench.worlds.clock import length_from_json
from workbench.worlds.interventions import ADDED
from workbench.worlds.stage import ABSENT, Perceived

if TYPE_CHECKING:
    from workbench.worlds.world import World


_NOTHING = "nothing of the kind"
SHOWN = 300
"""Characters of an event that are shown."""


@dataclass(frozen=True)
class ReplayDifference:
    """Where a replay parts from the run."""

    step: int
    person: str
    """Whose turn it is; empty where it is nobody's."""
    recorded: Event | None
    """The event of the run; None where the run has none any more."""
    replayed: Event | None
    """The event of the replay; None where a request was not in the recording, or the replay has no event any more."""
    prompts: str
    """The difference of the two prompts, line by line; empty where they are equal or one is not known."""

    def __str__(self) -> str:
        whose = f", the turn of {self.person}" if self.person else ""
        parts = [
            f"step {self.step}{whose}:",
            f"  recorded: {line_of(self.recorded, _NOTHING)}",
            f"  replayed: {line_of(self.replayed, _NOTHING)}",
        ]
        return "\n".join([*parts, *([self.prompts] if self.prompts else [])])


@dataclass(frozen=True)
class Replay:
    """What came of a replay."""

    path: str
    steps: int
    """That were replayed and are equal; of a branch, those after the past that it shares."""
    n_events: int
    """That are equal."""
    difference: ReplayDifference | None
    """The first; None where there is none."""

    @property
    def equal(self) -> bool:
        """True where the replay is the run."""
        return self.difference is None

    def __str__(self) -> str:
        told = f"{self.path}: {self.steps} steps, {self.n_events} events are equal"
        return told if self.difference is None else f"{told}; then they differ in {self.difference}"

    __repr__ = __str__

    def _repr_html_(self) -> str:
        facts = f"{self.path}: {self.steps} steps, {self.n_events} events are equal"
        if self.difference is None:
            return box("Replay: equal", facts)
        return box("Replay: it differs", facts, f"<pre>{text(str(self.difference))}</pre>")


class Replaying:
    """A run that is made again.

    Args:
        run: the file, which is only read.
        world: as it was before the first step, or where the branch began; its model asks nobody.
    """

    def __init__(self, run: RunFile, world: World) -> None:
        self.run, self.world = run, world
        self._ends = run.ends
        self._first = world.steps
        self._n_equal = self._ends[self._first]
        begun_with = run.spec.get("interventions", ())
        self._added_later = {name: one for name, one in world.interventions.items() if name not in begun_with}
        world.interventions = {name: one for name, one in world.interventions.items() if name in begun_with}

    async def replay(self) -> Replay:
        """Make it again until something differs, or to its end."""
        for step in range(self._first + 1, self.run.steps + 1):
            self._give(step - 1)
            self._set_clock(step)
            recorded = self._recorded(step)
            self._seat_those_who_sat(recorded)
            if difference := await self._step(step, recorded):
                return self._result(step - 1, difference)
            self._n_equal += len(recorded)
        self._give(self.run.steps)
        return self._result(self.run.steps, None)

    def _result(self, step: int, difference: ReplayDifference | None) -> Replay:
        return Replay(str(self.run.path), step - self._first, self._n_equal, difference)

    def _set_clock(self, step: int) -> None:
        """Let a step be as long as it was."""
        if clock := self.run.clock(step):
            self.world.step_length = length_from_json(clock["length"])

    def _give(self, step: int) -> None:
        """Let what was done after a step happen as it is recorded."""
        for perceived in self._of_step(step):
            event = perceived[0]
            if event.id > self._ends[step]:
                self.world.give(perceived)
                self._n_equal += 1
                if (event.kind, event.type) == ("intervention", ADDED) and event.source in self._added_later:
                    self.world.interventions[event.source] = self._added_later[event.source]

    def _of_step(self, step: int) -> list[Perceived]:
        return list(self.run.perceived(range(step, step + 1)))

    def _recorded(self, step: int) -> list[Perceived]:
        return [perceived for perceived in self._of_step(step) if perceived[0].id <= self._ends[step]]

    async def _step(self, step: int, recorded: Sequence[Perceived]) -> ReplayDifference | None:
        reasons = {e.target: e.content for e, _ in recorded if (e.kind, e.type) == ("note", ABSENT)}
        try:
            with self.world.absent_as(reasons):
                await self.world.run(1, live=False, progress=False)
        except StepFailed as failure:
            if not isinstance(failure.__cause__, CacheMiss):
                raise
            return self._not_recorded(step, failure, failure.__cause__, recorded)
        made = list(self.world.file.perceived(range(step, step + 1)))
        return _first_difference(step, recorded, made)

    def _not_recorded(
        self, step: int, failure: StepFailed, miss: CacheMiss, recorded: Sequence[Perceived]
    ) -> ReplayDifference:
        """Tell of a request that is not in the recording: the prompt has changed, or what led to it."""
        from rapidfuzz import fuzz

        calls = {e.call: e for e, _ in recorded if e.call and failure.person in (e.source, e.target, "")}
        entries = {call: self.world.llm.cache.entry(call) for call in calls}
        asked = {call: entry["request"] for call, entry in entries.items() if entry}
        if not asked:
            return ReplayDifference(step, failure.person, next(iter(calls.values()), None), None, "")
        nearest = max(asked, key=lambda call: fuzz.ratio(asked[call], miss.request))
        prompts = prompt_difference(json.loads(asked[nearest]), json.loads(miss.request))
        return ReplayDifference(step, failure.person, calls[nearest], None, prompts)

    def _seat_those_who_sat(self, recorded: Sequence[Perceived]) -> None:
        """Let those who sat in somebody's place say what they said."""
        for name in self.world.seated:
            self.world.seat(name, _Said(name, [event for event, _ in recorded]))


class _Said:
    """What a human said in a step, in the parts in which they were asked."""

    def __init__(self, name: str, events: Sequence[Event]) -> None:
        self._parts = _parts(name, events)

    def __call__(self, cue: Cue) -> list[Action] | None:
        return next(self._parts, None)


def _parts(name: str, events: Sequence[Event]) -> Iterator[list[Action]]:
    """Yield the actions of a turn; after one that told the person something, they were asked again."""
    part: list[Action] = []
    told = False
    for event in events:
        if event.kind == "stimulus" and event.type == "RESULT" and event.target == name:
            told = True
        elif event.kind == "action" and event.source == name and event.call is None:
            if told and part:
                yield part
                part, told = [], False
            part.append(Action(type=event.type, target=event.target, content=event.content))
    if part:
        yield part


def _first_difference(step: int, recorded: Sequence[Perceived], made: Sequence[Perceived]) -> ReplayDifference | None:
    for place in range(max(len(recorded), len(made))):
        then = recorded[place] if place < len(recorded) else None
        now = made[place] if place < len(made) else None
        if then is None or now is None or then[0] != now[0] or list(then[1]) != list(now[1]):
            event, again = then and then[0], now and now[0]
            one = event or again
            return ReplayDifference(step, one.source if one else "", event, again, "")
    return None


def prompt_difference(then: dict[str, Any], now: dict[str, Any]) -> str:
    """Return how two requests differ, line by line: what was asked of the model, and what goes with it."""
    told = list(difflib.unified_diff(_lines(then), _lines(now), "recorded", "replayed", lineterm="", n=2))
    return "\n".join(told)


def _lines(request: dict[str, Any]) -> list[str]:
    rest = {key: value for key, value in request.items() if key != "messages"}
    lines = json.dumps(rest, ensure_ascii=False, indent=1).splitlines()
    for message in request["messages"]:
        lines += [f"[{message['role']}]", *text_of(message).splitlines()]
    return lines


def brief(words: str) -> str:
    """Return words on one line, as far as they can be taken in at a glance."""
    flat = " ".join(words.split())
    return flat if len(flat) <= SHOWN else f"{flat[:SHOWN]}…"


def line_of(event: Event | None, otherwise: str) -> str:
    """Return an event on one line; other words where there is none."""
    if event is None:
        return otherwise
    who = f"{event.source or 'the world'}{f' to {event.target}' if event.target else ''}"
    return f"event {event.id}, step {event.step}, {event.type} of {who}: {brief(event.content)}"
