"""Rules for `reduce` that many tables need."""

from __future__ import annotations

from typing import Any

from workbench.agents.mind import Mind
from workbench.record.events import Event
from workbench.record.telling import words_of


def words(event: Event) -> dict[str, Any] | None:
    """Return who said or did it, to whom, and the words; nothing for what has no words.

    >>> from workbench.record.events import START
    >>> words(Event(3, 1, START, "action", "TALK", "Ann", "Bob", "Soup!"))
    {'who': 'Ann', 'to': 'Bob', 'words': 'Soup!'}
    """
    if not event.content:
        return None
    return {"who": event.source, "to": event.target, "words": words_of(event)}


def mind(event: Event) -> dict[str, Any]:
    """Return a state of mind, the rule for events of the type `MIND`: who, emotions, attention, goals, context, place.

    Raises:
        ValueError, TypeError: the event is none of a mind.
    """
    return {"who": event.source, **Mind.from_json(event.content).to_dict()}


def exchange(event: Event, before: list[Event]) -> dict[str, Any]:
    """Return what was said, with what was last said by somebody else before it, and by whom: question and answer."""
    spoken = (one for one in reversed(before) if one.type in ("TALK", "CONVERSATION") and one.source != event.source)
    last = next(spoken, None)
    return {
        "who": event.source,
        "words": words_of(event),
        "after": words_of(last) if last else None,
        "after_whom": last.source if last else None,
    }
