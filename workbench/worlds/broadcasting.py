"""Broadcasting: how a world is told things from outside, so that all of its people perceive them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

from workbench.agents.person import Person
from workbench.errors import InvalidSettings
from workbench.record.events import Journal
from workbench.worlds.reach import Reach


class Broadcasting:
    """People who can be told something all at once."""

    people: list[Person]
    reach: Reach
    _journal: Journal

    def broadcast(self, speech: str, source: str = "") -> Self:
        """Say something to everybody. `source` is a name, such as "Moderator", or nothing for a voice from outside."""
        return self._tell_all("CONVERSATION", speech, source)

    def broadcast_thought(self, thought: str) -> Self:
        """Give everybody a thought."""
        return self._tell_all("THOUGHT", thought)

    def broadcast_goal(self, goal: str) -> Self:
        """Give everybody a goal."""
        return self._tell_all("INTERNAL_GOAL_FORMULATION", goal)

    def broadcast_context(self, context: Sequence[str]) -> Self:
        """Set what holds just now, for everybody."""
        self._check_who_is_here()
        for person in self.people:
            person.change_context(context)
        return self

    def _tell_all(self, type_: str, content: str, source: str = "") -> Self:
        self._check_who_is_here()
        event = self._journal.append("stimulus", type_, content, source=source, heard_by=self.reach.names)
        for person in self.people:
            person.perceive(event)
        return self

    def _check_who_is_here(self) -> None:
        if strangers := [person.name for person in self.people if not person.lives_by(self._journal)]:
            raise InvalidSettings(f"{', '.join(strangers)} moved to another world: give each world people of its own")
