"""Events: everything that happens, and the journal that numbers them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Literal, Self, get_args

from workbench.errors import InvalidSettings

Kind = Literal["stimulus", "action", "mind", "memory", "intervention", "note"]

_HALF_PAIR = re.compile("[\ud800-\udfff]")

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

    def to_dict(self) -> dict[str, Any]:
        """Return the event as JSON holds it."""
        return {**asdict(self), "time": self.time.isoformat()}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Read an event as JSON holds it.

        Raises:
            KeyError, TypeError, ValueError: it is none.
        """
        event = cls(**{**data, "time": datetime.fromisoformat(data["time"])})
        texts = (event.type, event.source, event.target, event.content, event.call or "")
        numbers = isinstance(event.id, int) and isinstance(event.step, int)
        if not numbers or event.kind not in get_args(Kind) or not all(isinstance(text, str) for text in texts):
            raise TypeError(f"no event: {dict(data)!r}")
        return event


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
        """Make the next event and keep it.

        Raises:
            InvalidSettings: a text that no file and no request can hold.
            StorageError: it could not be kept; then it has not happened.
        """
        if not isinstance(content, str):
            raise InvalidSettings(f"{type}: a text is needed, this is {content!r}")
        for text in (content, source, target):
            if half := _HALF_PAIR.search(text):
                raise InvalidSettings(f"a text has half of a surrogate pair ({half[0]!a}): {text[:60]!a}")
        event = Event(self.last_id + 1, self.step, self.time, kind, type, source, target, content, call)
        self.keep(event, heard_by)
        self.last_id = event.id
        return event
