"""Faculties: what a person can do besides talking and thinking. A tool is a faculty with a state of its own."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Self

from workbench.agents.actions import Acting, ActionDefinition
from workbench.agents.looking_up import ALWAYS
from workbench.errors import InvalidSettings
from workbench.record.events import Happening

EFFECT = "EFFECT"
"""The type of the note that keeps what an action did to a tool."""


class Tool(ABC):
    """Something that people use together or alone, such as a calendar.

    It changes through effects alone: JSON that its actions make and that the run keeps as events, so that a run that
    is resumed has the tool as it was.
    """

    name: str
    _home: object = None

    def moves_into(self, home: object) -> None:
        """Be used in a world from now on, and in no other."""
        self._home = home

    def lives_in(self, home: object) -> bool:
        """Return whether it is used in a world."""
        return self._home is home

    @property
    @abstractmethod
    def actions(self) -> Sequence[ActionDefinition]:
        """What it lets people do."""

    @abstractmethod
    def apply(self, effect: Mapping[str, Any]) -> None:
        """Take in an effect."""

    def affect(self, acting: Acting, effect: Mapping[str, Any]) -> None:
        """Take in an effect of an action, and have it recorded."""
        content = json.dumps(effect, ensure_ascii=False)
        self.apply(json.loads(content))  # as it will be when it is replayed
        acting.happenings.append(Happening("note", EFFECT, content, source=self.name, target=acting.person))

    @abstractmethod
    def effects(self) -> Sequence[Mapping[str, Any]]:
        """Return the effects that make an empty tool what this one is."""

    @abstractmethod
    def mark(self) -> Any:
        """Return a mark to go back to when a step fails."""

    @abstractmethod
    def back_to(self, mark: Any) -> None:
        """Undo all that came after a mark."""

    @abstractmethod
    def copy(self) -> Self:
        """Return an independent copy, for a twin."""


Faculty = ActionDefinition | Tool
"""What a person can be given: an `@action`, or a tool."""


def definitions_of(faculties: Iterable[Faculty], whose: str) -> tuple[ActionDefinition, ...]:
    """Return what faculties let a person do.

    Raises:
        InvalidSettings: something that is no faculty, or two actions of one name.
    """
    found: dict[str, ActionDefinition] = {}
    if isinstance(faculties, ActionDefinition | Tool | str) or not isinstance(faculties, Iterable):
        raise InvalidSettings(f"{whose}: a list of faculties is needed, as in [{faculties!r}]")
    for faculty in faculties:
        if not isinstance(faculty, ActionDefinition | Tool):
            raise InvalidSettings(
                f"{whose}: {faculty!r} is no faculty: decorate a function with @wb.action, or give a tool"
            )
        for definition in [faculty] if isinstance(faculty, ActionDefinition) else faculty.actions:
            if definition.name in ALWAYS:
                raise InvalidSettings(f"{whose}: everybody has an action {definition.name}: give yours another name=")
            if definition.name in found and found[definition.name] is not definition:
                raise InvalidSettings(f"{whose}: two actions are called {definition.name}: give one another name=")
            found[definition.name] = definition
    return tuple(found.values())


def tools_of(faculties: Iterable[Faculty]) -> list[Tool]:
    """Return the tools among faculties."""
    return [faculty for faculty in faculties if isinstance(faculty, Tool)]


@contextmanager
def undone_on_failure(tools: Iterable[Tool]) -> Iterator[None]:
    """Undo what was done to tools where an error passes."""
    marks = [(tool, tool.mark()) for tool in tools]
    try:
        yield
    except BaseException:
        for tool, mark in marks:
            tool.back_to(mark)
        raise
