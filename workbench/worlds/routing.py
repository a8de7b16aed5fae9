"""Where an action goes: who perceives it, and what comes back to the one who acted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from workbench.agents.persona import Persona
from workbench.record.events import Happening
from workbench.worlds.names import Names
from workbench.worlds.reach import Reach

_TO_ALL = frozenset({"", "all", "everyone", "everybody", "the group", "all in reach"})


@dataclass(frozen=True)
class Route:
    """What becomes of something that happens."""

    happening: Happening
    """With the full name of the target, or none where it is for all, and with those who perceive it."""
    told_back: str = ""
    """What the one who acted is told, when it reached nobody."""
    link: bool = False
    """Whether the two are in reach of each other from now on."""


def route(happening: Happening, reach: Reach) -> Route:
    """Return where something goes that somebody does. Talk never reaches people out of reach."""
    if happening.kind == "action" and happening.type == "TALK":
        return _route_talk(happening, reach)
    if happening.kind == "action" and happening.type == "REACH_OUT":
        return _route_reach_out(happening, reach)
    return Route(happening)


def _route_talk(talk: Happening, reach: Reach) -> Route:
    source, in_reach = talk.source, reach.of(talk.source)
    if talk.target.strip().casefold() in _TO_ALL:
        return Route(replace(talk, target="", heard_by=(source, *in_reach)))
    target = find_name(talk.target, in_reach) or reach.names.find(talk.target)
    if target == source:
        return Route(replace(talk, target="", heard_by=(source, *in_reach)))
    if target is None:
        nobody = f"Nobody here is called {talk.target}; nobody heard you."
        return Route(replace(talk, heard_by=(source,)), _ambiguous(talk.target, reach.names) or nobody)
    if target not in in_reach:
        told = f"{target} is not in reach and did not hear you."
        return Route(replace(talk, target=target, heard_by=(source,)), told)
    return Route(replace(talk, target=target, heard_by=(source, target)))


def _route_reach_out(action: Happening, reach: Reach) -> Route:
    target, _ = reach_out(action.source, reach.names, action.target)
    if not target:
        return Route(action)
    return Route(replace(action, target=target, heard_by=(action.source, target)), link=True)


def reach_out(source: str, names: Names, name: str) -> tuple[str, str]:
    """Return whom somebody reaches by a name (nobody: no text), and what they are told of it."""
    target = names.find(name)
    if target is None or target == source:
        return "", _ambiguous(name, names) or f"There is nobody called {name!r} to reach."
    return target, f"{target} is in reach now: you can talk to each other."


def find_name(name: str, names: Iterable[str]) -> str | None:
    """Return whom of a few a name means; of many, `Names` is asked."""
    return Names(names).find(name)


def _ambiguous(name: str, names: Names) -> str:
    several = names.meant(name)
    if len(several) < 2:
        return ""
    return f"More than one here is called {name}: {', '.join(several)}. Nobody heard you; say whom you mean."


def relationships(personas: Sequence[Persona]) -> list[tuple[str, str]]:
    """Return the pairs of people of whom one names the other as a relationship; who is not there is left out."""
    names = Names(persona.name for persona in personas)
    pairs: dict[tuple[str, str], None] = {}
    for persona in personas:
        for relation in persona.relationships or ():
            other = names.find(relation.name)
            if other and other != persona.name and (other, persona.name) not in pairs:
                pairs[persona.name, other] = None
    return list(pairs)
