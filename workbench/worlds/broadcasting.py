"""Broadcasting: how a world is told things from outside, so that its people perceive them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

from workbench.agents.perception import check_stimulus
from workbench.errors import InvalidSettings, UnknownName
from workbench.worlds.stage import Stage


class Broadcasting(Stage):
    """People who can be told something all at once."""

    def broadcast(self, speech: str, source: str = "", *, within_reach: bool = False) -> Self:
        """Say something to everybody.

        Args:
            speech: what is said.
            source: a name, such as "Moderator", or nothing for a voice from outside.
            within_reach: whether only those hear it who are in reach of `source`, who is one of the people then.
        """
        return self.stimulate("CONVERSATION", speech, source, within_reach=within_reach)

    def broadcast_thought(self, thought: str) -> Self:
        """Give everybody a thought."""
        return self.stimulate("THOUGHT", thought)

    def broadcast_goal(self, goal: str) -> Self:
        """Give everybody a goal."""
        return self.stimulate("INTERNAL_GOAL_FORMULATION", goal)

    def broadcast_context(self, context: Sequence[str]) -> Self:
        """Set what holds just now, for everybody."""
        self._check_who_is_here()
        for person in self.people:
            person.change_context(context)
        return self

    def stimulate(self, type_: str, content: str, source: str = "", *, within_reach: bool = False) -> Self:
        """Let everybody perceive something of a type, as one event.

        Args:
            type_: CONVERSATION, VISUAL, SOCIAL, LOCATION, THOUGHT, INTERNAL_GOAL_FORMULATION or STORY.
            content: what.
            source: who it is from, where it is from somebody.
            within_reach: whether only those perceive it who are in reach of `source`.

        Raises:
            UnknownName: `within_reach`, and `source` is none of the people.
            InvalidSettings: no text.
        """
        check_stimulus(type_)
        if isinstance(content, str) and not content.strip():
            raise InvalidSettings(f"{type_}: {content!r}: there is nothing to perceive: give a text")
        self._check_who_is_here()
        hearers: Sequence[str] = self.names
        if within_reach:
            if self.find(source) is None:
                raise UnknownName(f"within_reach=True: source={source!r} is none of the people")
            speaker = self._person(source).name
            hearers, source = (speaker, *self.reach.of(speaker)), speaker
        self.tell(type_, content, source, hearers)
        return self

    def _check_who_is_here(self) -> None:
        if strangers := [person.name for person in self.people if not person.lives_by(self._journal)]:
            raise InvalidSettings(f"{', '.join(strangers)} moved to another world: give each world people of its own")
