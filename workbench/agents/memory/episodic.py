"""Episodic memory: what a person perceived and did, in order, and how it reads in a prompt."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache

from workbench.record.event_log import EventLog, Log
from workbench.record.events import Event
from workbench.record.telling import happened, say_time, tell

Mark = tuple[int, tuple[Event, ...], dict[int, str], str, datetime | None]


@dataclass
class EpisodicMemory:
    """The events that a person perceived, and those of them that prompts show: the window.

    The text only grows, so that a provider's prefix cache holds most of a prompt from turn to turn. When an episode
    leaves the window, it goes as one block.
    """

    log: Log = field(default_factory=EventLog)
    """All that was perceived; in a world, the run file has it."""
    window: list[Event] = field(default_factory=list)
    """What happened and is shown as it happened."""
    text: str = field(default="", repr=False)
    """The window as prompts show it."""
    summaries: dict[int, str] = field(default_factory=dict)
    """What is shown in the place of a text that was too long, by event id."""
    _told_at: datetime | None = None

    def add(self, event: Event) -> None:
        """Remember an event."""
        self.log.append(event)
        if is_told(event):
            self.window.append(event)
            self._tell(event)

    def leave(self, ids: Iterable[int]) -> None:
        """Let events leave the window; they stay in the log."""
        gone = set(ids)
        self._show([event for event in self.window if event.id not in gone])

    def summarise(self, number: int, summary: str) -> None:
        """Show a summary in the place of an event that is too long for the model."""
        self.summaries = {**self.summaries, number: summary}
        self._show(self.window)

    def text_with(self, summaries: Mapping[int, str]) -> str:
        """Return the text as it would be with more summaries."""
        if not summaries:
            return self.text
        shown = EpisodicMemory(summaries={**self.summaries, **summaries})
        shown._show(self.window)
        return shown.text

    def _show(self, window: Iterable[Event]) -> None:
        self.window, self.text, self._told_at = [], "", None
        for event in list(window):
            self.window.append(event)
            self._tell(event)

    def _tell(self, event: Event) -> None:
        if self._told_at != event.time:
            self.text += f"[{say_time(event.time)}]\n"
            self._told_at = event.time
        self.text += _told(event) if event.id not in self.summaries else tell(event, summary=self.summaries[event.id])

    def mark(self) -> Mark:
        """Return a mark to go back to."""
        return len(self.log), tuple(self.window), self.summaries, self.text, self._told_at

    def back_to(self, mark: Mark) -> None:
        """Forget all that came after a mark."""
        length, window, self.summaries, self.text, self._told_at = mark
        self.window = list(window)
        self.log.cut(length)

    def copy(self) -> EpisodicMemory:
        """Return an independent copy; events do not change, so they are shared."""
        return EpisodicMemory(self.log.copy(), list(self.window), self.text, dict(self.summaries), self._told_at)


@lru_cache(maxsize=64)  # all who perceive an event are told it at once, and in the same words
def _told(event: Event) -> str:
    return tell(event)


def is_told(event: Event) -> bool:
    """Return whether an event is shown in prompts."""
    return happened(event) and event.type not in ("DONE", "PERSONA")
