"""Where an action goes: who perceives it, and what comes back to the one who acted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from workbench.agents.persona import Persona
from workbench.record.events import Happening
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
    target = find_name(talk.target, list(in_reach)) or find_name(talk.target, reach.names)
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


def reach_out(source: str, names: Sequence[str], name: str) -> tuple[str, str]:
    """Return whom somebody reaches by a name (nobody: no text), and what they are told of it."""
    target = find_name(name, names)
    if target is None or target == source:
        return "", _ambiguous(name, names) or f"There is nobody called {name!r} to reach."
    return target, f"{target} is in reach now: you can talk to each other."


def find_name(name: str, names: Sequence[str]) -> str | None:
    """Return whom a name means: the full name, whatever its case, or a part of it that only one has."""
    found = _meant(name, names)
    return found[0] if len(found) == 1 else None


def _meant(name: str, names: Sequence[str]) -> list[str]:
    if name in names:
        return [name]
    wanted = [word for word in name.casefold().split() if not word.endswith(".")]  # "Dr. Roy" is Roy
    whole = [known for known in names if known.casefold().split() == wanted]
    return whole or [known for known in names if wanted and set(wanted) <= set(known.casefold().split())]


def _ambiguous(name: str, names: Sequence[str]) -> str:
    several = _meant(name, names)
    if len(several) < 2:
        return ""
    return f"More than one here is called {name}: {', '.join(several)}. Nobody heard you; say whom you mean."


def relationships(personas: Sequence[Persona]) -> list[tuple[str, str]]:
    """Return the pairs of people of whom one names the other as a relationship; who is not there is left out."""
    names = [persona.name for persona in personas]
    pairs: list[tuple[str, str]] = []
    for persona in personas:
        for relation in persona.relationships or ():
            other = find_name(relation.name, names)
            if other and other != persona.name and (other, persona.name) not in pairs:
                pairs.append((persona.name, other))
    return pairs
