"""A memory as files hold it: its events, the vectors of what is known, and the bytes that events name."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from workbench.agents.memory.memory import Memory
from workbench.agents.memory.settings import MemorySettings
from workbench.record.events import Event, Kind

_BLOB_KEYS = {"RETRIEVED": "ledger", "IMAGE": "picture"}
"""The key under which an event's content names its bytes, by the event's type."""


def state_of(memory: Memory) -> dict[str, Any]:
    """Return a memory as JSON holds it."""
    state: dict[str, Any] = {"memory": [event.to_dict() for event in memory.events]}
    if memory.semantic.dimensions:
        state["vectors"] = {"encoder": memory.encoder, **memory.semantic.state()}
    if names := blobs_of(memory.events):
        state["blobs"] = memory.blobs.to_json(names)
    return state


def restore(memory: Memory, data: dict[str, Any], where: str) -> None:
    """Read what `state_of` returned into a memory that is empty; what is read is taken out of the data.

    Raises:
        InvalidPersona, TypeError, ValueError, KeyError: it is damaged.
    """
    if settings := data.pop("memory_settings", None):
        memory.settings = MemorySettings.from_dict(settings)
    events = list(reversed(data.pop("memory", ())))
    while events:  # each is let go of as soon as it is read: a large memory is not held twice
        memory.add(Event.from_dict(events.pop()))
    if vectors := data.pop("vectors", None):
        memory.semantic.restore_vectors(vectors)  # which empties its blocks
        memory.encoder = vectors.get("encoder", "")
    memory.blobs.restore(data.pop("blobs", {}), where)


def blobs_of(events: Iterable[Event]) -> list[str]:
    """Return the names of the bytes that events name."""
    named = ((event, _BLOB_KEYS.get(event.type)) for event in events)
    return list(dict.fromkeys(json.loads(event.content)[key] for event, key in named if key))


def renumbered(event: Event, number: int, new: Mapping[int, int]) -> Event:
    """Return an event of another number, in which what it names by number has its new one, too.

    Args:
        event: of the memory of one person.
        number: its own.
        new: the new numbers of all events of the memory.
    """
    content = event.content
    if event.kind == "memory" and (keys := _NUMBERED.get(event.type)):
        data = json.loads(content)
        for key in keys:
            value = data[key]
            data[key] = [new.get(one, one) for one in value] if isinstance(value, list) else new.get(value, value)
        content = json.dumps(data, ensure_ascii=False)
    kind: Kind = "note" if event.kind == "note" else "memory"  # a note is the researcher's, and no memory
    return Event(number, 0, event.time, kind, event.type, event.source, event.target, content, event.call)


_NUMBERED = {
    "MEMORY": ("links",),
    "INSIGHT": ("links",),
    "EPISODE": ("events",),
    "REFLECTED": ("memories",),
    "FORGOTTEN": ("ids",),
    "SUMMARISED": ("event",),
    "RETRIEVED": ("shown",),
}
"""The keys under which a content has numbers of events."""
