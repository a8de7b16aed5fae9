"""Events as prompts show them: what was said stands between tags that it cannot forge."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from functools import cache

from workbench.record.events import Event

_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_TAGS = {
    "CONVERSATION": "say",
    "TALK": "say",
    "THINK": "think",
    "THOUGHT": "think",
    "VISUAL": "see",
    "LOCATION": "place",
    "SOCIAL": "social",
    "INTERNAL_GOAL_FORMULATION": "goal",
    "REACH_OUT": "reach_out",
}
_NO_MARKUP = str.maketrans({'"': "'", "<": "‹", ">": "›"})


def tell(event: Event, *, with_id: bool = False) -> str:
    """Return an event as one element, and a line break.

    A tag that stands inside what was said is told with `‹` for its `<`; all else is told as it was.

    Args:
        event: what happened.
        with_id: whether to tell the event's number, for those who must name their evidence.
    """
    tag = _TAGS.get(event.type, event.type.lower())
    number = f' id="{event.id}"' if with_id else ""
    source = f' from="{_attribute(event.source)}"' if event.source else ""
    target = f' to="{_attribute(event.target)}"' if event.target else ""
    return f"<{tag}{number}{source}{target}>{_forged(tag).sub('‹', event.content)}</{tag}>\n"


def tell_all(events: Iterable[Event]) -> str:
    """Return events with their numbers, for those who must name their evidence."""
    return "".join(tell(event, with_id=True) for event in told(events))


def told(events: Iterable[Event]) -> list[Event]:
    """Return the events that can be evidence: what happened, without minds, silence and bookkeeping."""
    return [e for e in events if e.kind not in ("mind", "note") and e.type != "PERSONA" and e.content]


def say_time(time: datetime) -> str:
    """Return a simulated time as prompts say it, whatever the locale: `Monday, 2025-01-06 09:00`."""
    return f"{_DAYS[time.weekday()]}, {time:%Y-%m-%d %H:%M}"


@cache
def _forged(tag: str) -> re.Pattern[str]:
    """Match the `<` of every tag that a model could take for one of ours, however it is written."""
    tags = "|".join(re.escape(name) for name in sorted({*_TAGS.values(), tag}))
    return re.compile(rf"<(?=\s*/?\s*(?:{tags})\b)", re.IGNORECASE)


def _attribute(name: str) -> str:
    """Return a name on one line, without what could end it: some names are a model's."""
    return " ".join(name.splitlines()).translate(_NO_MARKUP)
