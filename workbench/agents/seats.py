"""A human who takes somebody's seat: what they are shown when it is their turn, and how their reply is read."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import get_args

from workbench.agents.actions import Action, ActionType
from workbench.agents.turns import Draft, Scene, known_people
from workbench.errors import InvalidSettings
from workbench.record.conversation import Conversation, printable
from workbench.record.events import Event
from workbench.record.telling import say_time


@dataclass(frozen=True)
class Cue:
    """What a human in a seat is shown when it is their turn; as text, it is what `input` can ask with."""

    scene: Scene
    seen: int | None = None
    """The id of the last event that an earlier cue had; None where this is the first."""

    @property
    def name(self) -> str:
        """Whose seat it is."""
        return self.scene.persona.name

    @property
    def news(self) -> tuple[Event, ...]:
        """What the person has perceived since the human was last asked; at first, since the step in which they acted.

        Who acts at the same time as others hears them later, though it stands before their own words in the record.
        """
        others = [event for event in self.scene.events if event.kind != "action" or event.source != self.name]
        if self.seen is not None:
            return tuple(event for event in others if not event.id or event.id > self.seen)
        steps = [event.step for event in self.scene.events if event not in others and event.id]
        return tuple(event for event in others if not steps or not event.id or event.step >= steps[-1])

    def __str__(self) -> str:
        reach = ", ".join(known_people(self.scene)) or "nobody"
        told = f"{Conversation.of(self.news)}\n" if self.news else ""
        now = f"{told}[{say_time(self.scene.surroundings.time)}, in reach: {reach}]\n{self.name}: "
        return printable(now)

    __repr__ = __str__


Reply = str | Action | Sequence[Action] | None
"""What a human answers: words that are said to all in reach, actions, or nothing."""
Seat = Callable[[Cue], object]
"""Asks a human: a function, such as `input`, or a coroutine function, that returns a `Reply`.

A plain function runs in a thread of its own, so that it may wait.
"""


@dataclass
class TakenSeat:
    """A seat that a human has taken, and how far they have been told what happened."""

    reply: Seat
    seen: int | None = None

    async def ask(self, scene: Scene) -> Draft:
        """Ask the human for the person's turn.

        Raises:
            InvalidSettings: the reply is none.
        """
        cue = Cue(scene, self.seen)
        try:
            answer = await _answer(self.reply, cue)
        except Exception as error:
            error.add_note(f"This was in the seat of {cue.name}.")
            raise
        self.seen = max((event.id for event in scene.events), default=0)
        return Draft(_actions(answer, scene), scene.mind, "")


async def _answer(seat: Seat, cue: Cue) -> object:
    called = getattr(seat, "__call__", None)  # noqa: B004  # of an object, it may be a coroutine function
    if inspect.iscoroutinefunction(seat) or inspect.iscoroutinefunction(called):
        return await seat(cue)  # type: ignore[misc]  # it is one
    answer = await asyncio.to_thread(_answer_here, seat, cue)
    return await answer if inspect.isawaitable(answer) else answer


def _answer_here(seat: Seat, cue: Cue) -> object:
    try:
        return seat(cue)
    except StopIteration as error:  # which no future can hold: its waiter would wait for ever
        raise RuntimeError("StopIteration: there was no further reply") from error


def _actions(reply: object, scene: Scene) -> tuple[Action, ...]:
    if isinstance(reply, str) or reply is None:
        words = (reply or "").strip()
        return (Action(type="TALK", content=words),) if words else (Action(type="DONE"),)
    actions = (reply,) if isinstance(reply, Action) else tuple(reply) if isinstance(reply, Sequence) else ()
    where = f"the seat of {scene.persona.name}"
    if not actions or not all(isinstance(action, Action) for action in actions):
        raise InvalidSettings(f"{where}: {reply!r} is no reply: give words, wb.Action(...)s or nothing")
    known = [*get_args(ActionType), *(ability.name for ability in scene.abilities)]
    if strange := [action.type for action in actions if action.type not in known]:
        raise InvalidSettings(f"{where}: {strange[0]!r} is no action of theirs; there are {', '.join(known)}")
    return actions
