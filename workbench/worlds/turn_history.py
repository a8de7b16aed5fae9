"""Who has had the floor, and who was addressed since: what turn-taking goes by. It follows from the events alone."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from workbench.record.events import Event
from workbench.worlds.names import Names

EACH = 2
"""Turns that each of a few people may have among themselves before somebody else has the floor."""


@dataclass
class TurnHistory:
    """What is known of the turns so far."""

    names: Names
    last_turn: dict[str, int] = field(default_factory=dict)
    """The last event of each person's latest turn."""
    turn_step: dict[str, int] = field(default_factory=dict)
    """The step of each person's latest turn; one that they sat out is none."""
    last_deed: int = 0
    """The step in which somebody last did anything but think or end their turn."""
    addressed: dict[str, tuple[int, int]] = field(default_factory=dict)
    """When each was addressed since their latest turn; larger is later, and of one event the first who is named."""
    speakers: deque[str] = field(init=False)
    """Whose the latest turns were, two for each person; turns that follow each other count as one."""

    def __post_init__(self) -> None:
        self.speakers = deque(maxlen=EACH * len(self.names))

    def circle(self) -> frozenset[str]:
        """Return the fewest who have had the latest turns among themselves, two each; nobody where there are none."""
        among: set[str] = set()
        for n, name in enumerate(reversed(self.speakers), start=1):
            among.add(name)
            if n >= EACH * max(len(among), 2):
                return frozenset(among)
        return frozenset()

    def take_in(self, event: Event, heard_by: Sequence[str]) -> None:
        """Learn of an event."""
        if event.kind == "action" and event.source in self.names:
            self.had_turn(event.source, event.id)
            self.turn_step[event.source] = event.step
            if event.type not in ("DONE", "THINK"):
                self.last_deed = event.step
        if (event.kind, event.type) in (("action", "TALK"), ("stimulus", "CONVERSATION")):
            called = [event.target] if event.target else self.names.mentioned(event.content)
            hearers = set(heard_by) if called else set()
            for order, name in enumerate(called):
                if name in hearers and name != event.source:
                    self.addressed[name] = (event.id, -order)

    @property
    def all_done(self) -> bool:
        """True when everybody has had a turn after the last step in which anybody did something."""
        return all(self.turn_step.get(name, 0) > self.last_deed for name in self.names)

    def had_turn(self, name: str, event_id: int) -> None:
        """Learn that somebody has had a turn, though perhaps they did nothing with it."""
        self.last_turn[name] = event_id
        self.addressed.pop(name, None)
        if not self.speakers or self.speakers[-1] != name:
            self.speakers.append(name)
