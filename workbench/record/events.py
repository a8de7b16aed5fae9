"""Events: everything that happens, and the journal that numbers them."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Self, get_args

from workbench.errors import InvalidSettings
from workbench.record.blobs import Blobs

Kind = Literal["stimulus", "action", "mind", "memory", "intervention", "note"]

_KINDS = frozenset(get_args(Kind))
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
        fields = {name: getattr(self, name) for name in self.__slots__}
        return {**fields, "time": self.time.isoformat()}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Read an event as JSON holds it.

        Raises:
            KeyError, TypeError, ValueError: it is none.
        """
        fields = {**data, "time": datetime.fromisoformat(data["time"])}
        for name in ("type", "source", "target"):
            fields[name] = sys.intern(data[name])  # 100,000 events hold each name once
        event = cls(**fields)
        numbers = isinstance(event.id, int) and isinstance(event.step, int)
        texts = isinstance(event.content, str) and isinstance(event.call or "", str)
        if not (numbers and texts) or event.kind not in _KINDS:
            raise TypeError(f"no event: {dict(data)!r}")
        return event


@dataclass(frozen=True, slots=True)
class Happening:
    """Something that is about to become an event: it has no number and no time yet."""

    kind: Kind
    type: str
    content: str
    source: str = ""
    target: str = ""
    call: str | None = None
    heard_by: tuple[str, ...] = ()
    """Who perceives it; where a world has to find that out, it is the one who acts."""


Keep = Callable[[Event, Sequence[str]], None]


@dataclass
class Journal:
    """Gives events their number, step and time, and hands each to its keeper.

    Args:
        keep: takes an event and the names of those who perceived it.
        step: of the events to come.
        time: of the events to come.
        last_id: the number of the last event.
        blobs: pictures and other bytes that events name.
    """

    keep: Keep = field(default=lambda event, heard_by: None, repr=False)
    step: int = 0
    time: datetime = START
    last_id: int = 0
    blobs: Blobs = field(default_factory=Blobs, repr=False)

    def add(self, happening: Happening) -> Event:
        """Make an event of a happening and keep it, as `append` does."""
        h = happening
        return self.append(
            h.kind, h.type, h.content, source=h.source, target=h.target, call=h.call, heard_by=h.heard_by
        )

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
        for text in (content, source, target):
            if not isinstance(text, str):
                raise InvalidSettings(f"{type}: a text is needed, this is {text!r}")
            if half := _HALF_PAIR.search(text):
                raise InvalidSettings(f"a text has half of a surrogate pair ({half[0]!a}): {text[:60]!a}")
        event = Event(self.last_id + 1, self.step, self.time, kind, type, source, target, content, call)
        self.keep(event, heard_by)
        self.last_id = event.id
        return event
