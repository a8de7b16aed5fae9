"""A turn: what a person does when it is theirs, in one request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from workbench.agents.memory import EpisodicMemory
from workbench.agents.mind import Mind
from workbench.agents.persona import Persona
from workbench.llm.calls import Message
from workbench.llm.client import LLM
from workbench.prompts import render
from workbench.record.telling import say_time

ActionType = Literal["TALK", "THINK", "REACH_OUT", "DONE"]


class Action(BaseModel):
    """One thing that a person does."""

    model_config = ConfigDict(frozen=True)

    type: ActionType
    target: str = ""
    """A name; empty for all in reach, or where there is nobody to name."""
    content: str = ""

    def __str__(self) -> str:
        return f"{self.type}{f' to {self.target}' if self.target else ''}: {self.content}".removesuffix(": ")


class _MindAnswer(BaseModel):
    emotions: str
    attention: str
    goals: list[str] = Field(max_length=3)


class TurnAnswer(BaseModel):
    """What the model answers for a turn."""

    actions: list[Action] = Field(min_length=1, max_length=5)
    mind: _MindAnswer


@dataclass(frozen=True)
class Turn:
    """What a person does, and the mind they are in after it."""

    actions: tuple[Action, ...]
    mind: Mind
    call: str
    """The model call that produced it."""


@dataclass(frozen=True)
class Surroundings:
    """What a person can tell of where they are."""

    time: datetime
    world: str = ""
    """What all people of the world share, as text."""
    in_reach: Mapping[str, str] = field(default_factory=dict)
    """Names, each with what it is to this person, or nothing."""


def turn_messages(persona: Persona, mind: Mind, history: str, surroundings: Surroundings) -> list[Message]:
    """Return the messages of a turn, laid out so that providers can cache as much of the start as possible.

    First what all people share, then what the world shares, then the persona, then history that only grows; what
    changes each turn stands last.
    """
    system = render("turn_system", world=surroundings.world, persona=persona.markdown)
    known = [_flat(f"{name} ({what})" if what else name) for name, what in surroundings.in_reach.items()]
    user = render(
        "turn_user",
        history=history,
        time=say_time(surroundings.time),
        place=_flat(mind.location),
        in_reach=", ".join(known),
        mind={name: _flat(value) for name, value in asdict(mind).items()},
        name=persona.name,
    )
    return [{"role": "system", "content": system}, {"role": "user", "content": user}]


def _flat(value: Any) -> Any:
    """Put texts on one line each: what somebody feels must not look like a part of the prompt."""
    return " ".join(value.split()) if isinstance(value, str) else [_flat(text) for text in value]


async def propose_turn(
    llm: LLM, persona: Persona, mind: Mind, memory: EpisodicMemory, surroundings: Surroundings, *, seed: int
) -> Turn:
    """Ask the model for a turn, in one request; nothing of the person changes."""
    messages = turn_messages(persona, mind, memory.text, surroundings)
    reply = await llm.complete(messages, TurnAnswer, purpose="turn", person=persona.name, seed=seed)
    after = reply.value.mind
    new_mind = replace(mind, emotions=after.emotions, attention=after.attention, goals=tuple(after.goals))
    return Turn(tuple(reply.value.actions), new_mind, reply.call)
