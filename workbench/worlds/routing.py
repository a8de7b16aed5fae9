"""Where an action goes: who perceives it, and what comes back to the one who acted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from workbench.agents.turns import Action
from workbench.worlds.reach import Reach

_TO_ALL = frozenset({"", "all", "everyone", "everybody", "the group", "all in reach"})


@dataclass(frozen=True)
class Route:
    """What becomes of an action."""

    action: Action
    """With the full name of the target, or none where it is for all."""
    heard_by: tuple[str, ...]
    told_back: str = ""
    """What the one who acted is told, when it reached nobody."""
    link: bool = False
    """Whether the two are in reach of each other from now on."""


def route(action: Action, source: str, reach: Reach) -> Route:
    """Return where an action of somebody goes. Talk never reaches people out of reach."""
    if action.type == "TALK":
        return _route_talk(action, source, reach)
    if action.type == "REACH_OUT":
        return _route_reach_out(action, source, reach)
    return Route(action, (source,))


def _route_talk(action: Action, source: str, reach: Reach) -> Route:
    in_reach = reach.of(source)
    if action.target.strip().casefold() in _TO_ALL:
        return Route(action.model_copy(update={"target": ""}), (source, *in_reach))
    target = find_name(action.target, list(in_reach)) or find_name(action.target, reach.names)
    if target == source:
        return Route(action.model_copy(update={"target": ""}), (source, *in_reach))
    if target is None:
        nobody = f"Nobody here is called {action.target}; nobody heard you."
        return Route(action, (source,), _ambiguous(action.target, reach.names) or nobody)
    named = action.model_copy(update={"target": target})
    if target not in in_reach:
        return Route(named, (source,), f"{target} is not in reach and did not hear you.")
    return Route(named, (source, target))


def _route_reach_out(action: Action, source: str, reach: Reach) -> Route:
    target = find_name(action.target, reach.names)
    if target is None or target == source:
        nobody = f"There is nobody called {action.target!r} to reach."
        return Route(action, (source,), _ambiguous(action.target, reach.names) or nobody)
    return Route(action.model_copy(update={"target": target}), (source, target), link=True)


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
