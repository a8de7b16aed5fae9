"""Episodic memory: what a person perceived and did, in order, and how it reads in a prompt."""

from __future__ import annotations

from dataclasses import dataclass, field

from workbench.record.events import Event
from workbench.record.telling import say_time, tell


@dataclass
class EpisodicMemory:
    """The events that a person perceived, and the same as the text that prompts show.

    The text only grows, so that a provider's prefix cache holds most of a prompt from turn to turn.
    """

    events: list[Event] = field(default_factory=list)
    text: str = field(default="", repr=False)

    def add(self, event: Event) -> None:
        """Remember an event."""
        told = tell(event) if _is_told(event) else ""
        last = next((earlier for earlier in reversed(self.events) if _is_told(earlier)), None)
        if told and (last is None or last.time != event.time):
            told = f"[{say_time(event.time)}]\n{told}"
        self.events.append(event)
        self.text += told

    def clear(self) -> None:
        """Forget everything."""
        self.back_to((0, ""))

    def mark(self) -> tuple[int, str]:
        """Return a mark to go back to."""
        return len(self.events), self.text

    def back_to(self, mark: tuple[int, str]) -> None:
        """Forget all that came after a mark."""
        length, self.text = mark
        del self.events[length:]


def _is_told(event: Event) -> bool:
    return event.type != "DONE"
