"""A run as it reads: who said what to whom, step by step."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from workbench.html import dialogue
from workbench.record.events import Event
from workbench.record.telling import happened, say_time, words_of

_HIDDEN = frozenset({"DONE", "INTERNAL_GOAL_FORMULATION", "PERSONA"})
_QUIET = frozenset({"THINK", "THOUGHT"})


@dataclass(frozen=True)
class Conversation:
    """Events to be read, as text or, in a notebook, as a page of dialogue. Its numbers are event ids."""

    events: Sequence[Event]

    @classmethod
    def of(cls, events: Iterable[Event], *, thoughts: bool = True) -> Conversation:
        """Return what is to be read of events.

        Args:
            events: in order.
            thoughts: whether what people thought is shown, too.
        """
        shown = (e for e in events if happened(e) and e.type not in _HIDDEN)
        return cls([e for e in shown if thoughts or e.type not in _QUIET])

    def __str__(self) -> str:
        lines = []
        for _, group in groupby(self.events, key=lambda event: event.time):
            events = list(group)
            lines.append(f"[{say_time(events[0].time)}]")
            lines += [f"{event.id:>4} {speaker(event)}: {said(event)}" for event in events]
        return printable("\n".join(lines))

    __repr__ = __str__

    @property
    def rows(self) -> list[tuple[int, str, str, str, bool]]:
        """What is read of each event: its number, the time, who did it to whom, the words, and whether only thought."""
        return [(e.id, say_time(e.time), speaker(e), said(e), e.type in _QUIET) for e in self.events]

    def _repr_html_(self) -> str:
        thumbnails = {e.id: json.loads(e.content)["thumbnail"] for e in self.events if e.type == "IMAGE"}
        return dialogue(self.rows, thumbnails)


def printable(text: str) -> str:
    """Return a text without what a terminal would obey: some of it is a model's."""
    return "".join(letter if letter.isprintable() or letter in "\n\t" else "�" for letter in text)


def said(event: Event) -> str:
    """Return what an event says; the arguments of a tool's action one by one."""
    if event.kind != "action" or event.type in ("TALK", "THINK", "REACH_OUT"):
        return words_of(event)
    try:
        return "; ".join(f"{name}: {value}" for name, value in json.loads(event.content).items())
    except (ValueError, AttributeError):  # an action of somebody else's file
        return words_of(event)


def speaker(event: Event) -> str:
    """Return who did it and to whom: `Lisa to Oscar`, `Lisa thinks`, `to all`."""
    if event.type in _QUIET:
        return f"{event.source or event.target} thinks"
    if event.type == "REACH_OUT":
        return f"{event.source} reaches out to {event.target}"
    if event.type == "STORY":
        return "Story"
    if event.type == "IMAGE":
        return f"{event.target} sees"
    if event.kind == "action" and event.type != "TALK":
        return f"{event.source} does {event.type}"
    if not event.source:
        return f"to {event.target or 'all'}"
    return f"{event.source} to {event.target}" if event.target else event.source
