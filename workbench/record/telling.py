"""Events as prompts show them: what was said stands between tags that it cannot forge."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from datetime import datetime
from functools import cache

from workbench.record.events import Event

_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
KEPT = frozenset({"MEMORY", "INSIGHT", "DOCUMENT", "EPISODE", "RETRIEVED", "FORGOTTEN", "SUMMARISED", "REFLECTED"})
"""Types of the kind `memory` that keep the books of a memory; what happened is not among them."""
_TAGS = {
    "CONVERSATION": "say",
    "TALK": "say",
    "THINK": "think",
    "THOUGHT": "think",
    "VISUAL": "see",
    "IMAGE": "see",
    "LOCATION": "place",
    "SOCIAL": "social",
    "INTERNAL_GOAL_FORMULATION": "goal",
    "REACH_OUT": "reach_out",
    "RESULT": "result",
    "STORY": "story",
}
_ROWS = ("told", "passage", "row", "finding", "label", "category", "person")
_QUOTES = frozenset(
    {*_TAGS.values(), *_ROWS, "memory", "document", "does", "proposed", "feedback", "text", "context", "facts"}
)
_NO_MARKUP = str.maketrans({'"': "'", "<": "‹", ">": "›"})


def tell(event: Event, *, with_id: bool = False, summary: str | None = None) -> str:
    """Return an event as one element, and a line break.

    A tag that stands inside what was said is told with `‹` for its `<`; all else is told as it was.

    Args:
        event: what happened.
        with_id: whether to tell the event's number, for those who must name their evidence.
        summary: what is told in the place of its content, marked as such.
    """
    other = event.type if event.kind in ("action", "memory") and event.type not in _TAGS else ""
    tag = "does" if other else _TAGS.get(event.type, event.type.lower())
    number = {"id": str(event.id)} if with_id else {}
    whole = {"summarised": "yes"} if summary is not None else {}
    words = words_of(event) if summary is None else summary
    return quote(tag, words, **number, action=other, **whole, **{"from": event.source, "to": event.target})


def words_of(event: Event) -> str:
    """Return what an event says: of a picture, its description."""
    if event.type != "IMAGE":
        return event.content
    picture = json.loads(event.content)
    return f"[picture {picture['picture'][:8]}] {picture['description']}".rstrip()


def attributed(event: Event) -> str:
    """Return what an event says, after the name of who said it."""
    return f"{event.source}: {words_of(event)}" if event.source else words_of(event)


def tell_all(events: Iterable[Event]) -> str:
    """Return events with their numbers, for those who must name their evidence."""
    return "".join(tell(event, with_id=True) for event in told(events))


def told(events: Iterable[Event]) -> list[Event]:
    """Return the events that can be evidence: what happened, without minds, silence and bookkeeping."""
    return [e for e in events if happened(e) and e.type != "PERSONA" and e.content]


def happened(event: Event) -> bool:
    """Return whether an event is something that happened: no mind, no note, no bookkeeping."""
    return event.kind not in ("mind", "note", "intervention") and not (event.kind == "memory" and event.type in KEPT)


def quote(tag: str, text: str, **attributes: str) -> str:
    """Return a text between tags that it cannot forge, and a line break; attributes that are empty are left out."""
    written = "".join(f' {name}="{_attribute(value)}"' for name, value in attributes.items() if value)
    return f"<{tag}{written}>{_forged(tag).sub('‹', text)}</{tag}>\n"


def say_time(time: datetime) -> str:
    """Return a simulated time as prompts say it, whatever the locale: `Monday, 2025-01-06 09:00`."""
    return f"{_DAYS[time.weekday()]}, {time:%Y-%m-%d %H:%M}"


@cache
def _forged(tag: str) -> re.Pattern[str]:
    """Match the `<` of every tag that a model could take for one of ours, however it is written."""
    tags = "|".join(re.escape(name) for name in sorted(_QUOTES | {tag}))
    return re.compile(rf"<(?=\s*/?\s*(?:{tags})\b)", re.IGNORECASE)


def _attribute(name: str) -> str:
    """Return a name on one line, without what could end it: some names are a model's."""
    return " ".join(name.splitlines()).translate(_NO_MARKUP)
