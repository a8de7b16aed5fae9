"""A human who takes somebody's seat: what they are shown when it is their turn, and how their reply is read."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from workbench.agents.actions import Action
from workbench.agents.turns import Draft, Scene, known_people
from workbench.errors import InvalidSettings
from workbench.record.conversation import Conversation
from workbench.record.events import Event
from workbench.record.telling import say_time


@dataclass(frozen=True)
class Cue:
    """What a human in a seat is shown when it is their turn; as text, it is what `input` can ask with."""

    scene: Scene

    @property
    def name(self) -> str:
        """Whose seat it is."""
        return self.scene.persona.name

    @property
    def news(self) -> tuple[Event, ...]:
        """What the person has perceived since they last did something."""
        events = self.scene.events
        acted = [place for place, e in enumerate(events) if e.kind == "action" and e.source == self.name]
        return events[acted[-1] + 1 :] if acted else events

    def __str__(self) -> str:
        reach = ", ".join(known_people(self.scene)) or "nobody"
        told = f"{Conversation.of(self.news)}\n" if self.news else ""
        return f"{told}[{say_time(self.scene.surroundings.time)}, in reach: {reach}]\n{self.name}: "

    __repr__ = __str__


Reply = str | Action | Sequence[Action] | None
"""What a human answers: words that are said to all in reach, actions, or nothing."""
Seat = Callable[[Cue], object]
"""Asks a human: a function, such as `input`, or a coroutine function, that returns a `Reply`.

A plain function runs in a thread of its own, so that it may wait.
"""


async def ask_human(seat: Seat, scene: Scene) -> Draft:
    """Ask a human for somebody's turn.

    Raises:
        InvalidSettings: the reply is none.
    """
    cue = Cue(scene)
    is_coroutine = inspect.iscoroutinefunction(seat) or inspect.iscoroutinefunction(getattr(seat, "__call__", None))  # noqa: B004  # of the object
    answer = await seat(cue) if is_coroutine else await asyncio.to_thread(seat, cue)  # type: ignore[misc]  # it is one
    if inspect.isawaitable(answer):
        answer = await answer
    return Draft(_actions(answer, cue.name), scene.mind, "")


def _actions(reply: object, name: str) -> tuple[Action, ...]:
    if isinstance(reply, str) or reply is None:
        words = (reply or "").strip()
        return (Action(type="TALK", content=words),) if words else (Action(type="DONE"),)
    actions = (reply,) if isinstance(reply, Action) else tuple(reply) if isinstance(reply, Sequence) else ()
    if not actions or not all(isinstance(action, Action) for action in actions):
        raise InvalidSettings(f"the seat of {name}: {reply!r} is no reply: give words, wb.Action(...)s or nothing")
    return actions
