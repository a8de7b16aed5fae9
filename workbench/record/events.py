"""Events: everything that happens, and the journal that numbers them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

Kind = Literal["stimulus", "action", "mind", "memory", "intervention", "note"]

START = datetime(2025, 1, 6, 9, 0)
"""When simulated time begins unless a start is given: a fixed Monday morning, so that runs repeat."""


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened."""

    id: int
    """Counts from 1 in the run."""
    step: int
    """0 before the first step."""
    time: datetime
    """Simulated time."""
    kind: Kind
    type: str
    """TALK, THINK, CONVERSATION, LOCATION ..."""
    source: str
    """Who did it; empty for the researcher or the world."""
    target: str
    """Whom it was meant for; empty for all who perceived it."""
    content: str
    call: str | None = None
    """The model call that produced it: its key in the call cache."""


Keep = Callable[[Event, Sequence[str]], None]


@dataclass
class Journal:
    """Gives events their number, step and time, and hands each to its keeper.

    Args:
        keep: takes an event and the names of those who perceived it.
        step: of the events to come.
        time: of the events to come.
        last_id: the number of the last event.
    """

    keep: Keep = field(default=lambda event, heard_by: None, repr=False)
    step: int = 0
    time: datetime = START
    last_id: int = 0

    def append(
        self,
        kind: Kind,
        type: str,  # noqa: A002  # the field's name
        content: str,
        *,
        source: str = "",
        target: str = "",
        call: str | None = None,
        heard_by: Sequence[str] = (),
    ) -> Event:
        """Make the next event and keep it."""
        event = Event(self.last_id + 1, self.step, self.time, kind, type, source, target, content, call)
        self.keep(event, heard_by)
        self.last_id = event.id
        return event
