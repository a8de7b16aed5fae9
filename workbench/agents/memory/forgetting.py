"""Forgetting for good: what goes with it, and what stays of the rest."""

from __future__ import annotations

import json
from collections.abc import Iterable

from workbench.agents.memory.consolidation import verbatim
from workbench.agents.memory.memory import Memory
from workbench.errors import InvalidSettings, UnknownName
from workbench.record.events import Happening


def forgetting(memory: Memory, ids: Iterable[int]) -> list[Happening]:
    """Return what happens when a person forgets events, memories or passages.

    Memories that rest on a forgotten event are forgotten with it, and insights that rest on those; what else they
    rested on stays, word for word. With a memory, the events go that nothing else keeps.

    Raises:
        InvalidSettings: what is given is no list of ids.
        UnknownName: there is no such thing in the memory; all that are missing are named.
    """
    wanted = _checked(memory, ids)
    known = {int(item.key): item for item in memory.semantic if item.key not in memory.semantic.forgotten}
    links = {number: set(item.links) for number, item in known.items() if item.kind == "memory"}
    gone = {number for number, rests_on in links.items() if number in wanted or rests_on & wanted}
    stays = {number for other, rests_on in links.items() if other not in gone for number in rests_on}
    stays |= {event.id for event in memory.episodic.window} - wanted
    directly = {number for memory_id in gone & wanted for number in links[memory_id]} - stays
    orphans = {number for memory_id in gone - wanted for number in links[memory_id]} - stays - directly - wanted
    insights = {n for n, item in known.items() if item.kind == "insight" and set(item.links) & gone}
    all_gone = sorted(wanted | gone | directly | insights)
    name = memory.name
    forgotten = Happening("memory", "FORGOTTEN", json.dumps({"ids": all_gone}), target=name, heard_by=(name,))
    stay = [event for event in memory.events if event.id in orphans]
    return [forgotten, *verbatim(stay, name, memory.episodic.summaries)]


def _checked(memory: Memory, ids: Iterable[int]) -> set[int]:
    if isinstance(ids, str) or not isinstance(ids, Iterable):
        raise InvalidSettings(f"forget({ids!r}): a list of ids of events is needed")
    wanted = list(ids)
    if odd := [number for number in wanted if isinstance(number, bool) or not isinstance(number, int)]:
        raise InvalidSettings(f"forget({odd[0]!r}): ids of events are needed")
    there = {event.id for event in memory.events}
    if missing := [number for number in wanted if number not in there]:
        raise UnknownName(f"{memory.name} remembers no event {', '.join(map(str, missing))}")
    return set(wanted)
