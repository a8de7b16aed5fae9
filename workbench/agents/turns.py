"""A turn: what is asked of the model when it is somebody's, and how its answer is read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import lru_cache, reduce
from operator import or_
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, create_model

from workbench.agents.actions import Action, ActionDefinition, ActionType
from workbench.agents.memory.remembered import Remembered
from workbench.agents.mind import Mind
from workbench.agents.persona import Persona
from workbench.llm.calls import Message, asked_of
from workbench.llm.client import LLM
from workbench.prompts import render
from workbench.record.events import Event, Happening
from workbench.record.telling import quote, say_time

if TYPE_CHECKING:
    from workbench.agents.checks import Checks
    from workbench.agents.faculties import Tool

MOST_ACTIONS = 5


class _BasicAction(BaseModel):
    type: ActionType
    target: str = ""
    content: str = ""

    @property
    def action(self) -> Action:
        return Action(type=self.type, target=self.target, content=self.content)


class _Call(BaseModel):
    model_config = ConfigDict(extra="forbid")

    type: str
    arguments: BaseModel

    @property
    def action(self) -> Action:
        return Action(type=self.type, content=self.arguments.model_dump_json(by_alias=True))


class _MindAnswer(BaseModel):
    emotions: str
    attention: str
    goals: list[str] = Field(max_length=3)


class TurnAnswer(BaseModel):
    """What the model answers for a turn."""

    actions: list[_BasicAction] = Field(min_length=1, max_length=MOST_ACTIONS)
    mind: _MindAnswer


@dataclass(frozen=True)
class Draft:
    """What a person would do: an answer of the model, read."""

    actions: tuple[Action, ...]
    mind: Mind
    call: str
    """The model call that produced it; nothing where none was needed."""


@dataclass(frozen=True)
class Turn:
    """What a person did, and the mind they are in after it."""

    actions: tuple[Action, ...]
    mind: Mind
    call: str
    """The last model call of the turn."""
    happenings: tuple[Happening, ...] = ()
    """All that happened in it, in order: the actions, what they were told, what they remembered."""


def _nobody(name: str) -> tuple[str, str]:
    return "", f"There is nobody called {name!r} to reach."


@dataclass(frozen=True)
class Surroundings:
    """What a person can tell of where they are."""

    time: datetime
    world: str = ""
    """What all people of the world share, as text."""
    in_reach: Mapping[str, str] = field(default_factory=dict)
    """Names, each with what it is to this person, or nothing."""
    reach_out: Callable[[str], tuple[str, str]] = _nobody
    """Whom a name reaches (nobody: no text), and what the one who reaches out is told."""
    everybody: tuple[str, ...] = ()
    """The names of all who live in the world."""
    abilities: tuple[ActionDefinition, ...] = ()
    """What everybody can do there besides talking and thinking."""
    tools: tuple[Tool, ...] = ()
    """The tools among what people can use there."""
    checks: Checks | None = None
    """What everybody's turns have to pass there."""
    real_world: bool = False
    """Whether actions may reach out of the simulation."""


@dataclass(frozen=True)
class Scene:
    """Who somebody is and what they know at a moment: all that a prompt is made of."""

    persona: Persona
    mind: Mind
    history: str
    """What happened, in tags."""
    events: tuple[Event, ...]
    """The same as events; those of this turn have no number yet."""
    surroundings: Surroundings
    abilities: tuple[ActionDefinition, ...] = ()
    remembered: tuple[Remembered, ...] = ()
    pictures: tuple[tuple[str, str], ...] = ()
    """Those in the history: what they are called there, and their data URL."""
    last_round: bool = False
    """Whether there is no more looking things up in this turn."""


def turn_messages(scene: Scene) -> list[Message]:
    """Return the messages of a turn, laid out so that providers can cache as much of the start as possible.

    First what all people share, then what the world shares, then the persona and what they can do, then history that
    only grows; what changes each turn stands last. Pictures come before the text.
    """
    system = render(
        "turn_system",
        world=scene.surroundings.world,
        persona=scene.persona.markdown,
        abilities=[ability.told for ability in scene.abilities],
    )
    mind = {name: flat(value) for name, value in vars(scene.mind).items()}
    user = render(
        "turn_user",
        history=scene.history,
        remembered="".join(map(tell_remembered, scene.remembered)),
        time=say_time(scene.surroundings.time),
        place=mind["location"],
        in_reach=", ".join(known_people(scene)),
        mind=mind,
        name=scene.persona.name,
        last_round=scene.last_round,
    )
    return asked_of(system, with_pictures(user, scene.pictures))


def with_pictures(text: str, pictures: Sequence[tuple[str, str]]) -> str | list[dict[str, Any]]:
    """Return the content of a message: pictures with what they are called, then the text."""
    if not pictures:
        return text
    parts: list[dict[str, Any]] = []
    for name, url in pictures:
        parts += [{"type": "text", "text": f"picture {name}:"}, {"type": "image_url", "image_url": {"url": url}}]
    return [*parts, {"type": "text", "text": text}]


def known_people(scene: Scene) -> list[str]:
    """Return who is in reach, each with what they are to this person: as the world says, or as the persona does."""
    own = {relation.name: relation.description for relation in scene.persona.relationships or ()}
    reach = scene.surroundings.in_reach
    return [flat(f"{name} ({what or own[name]})" if what or own.get(name) else name) for name, what in reach.items()]


def tell_remembered(item: Remembered) -> str:
    """Return one thing that is remembered, as prompts show it."""
    if item.kind == "document":
        return quote("document", item.text, name=item.source)
    return quote("memory", item.text, when=say_time(item.time))


def flat(value: Any) -> Any:
    """Put texts on one line each: what somebody feels must not look like a part of the prompt."""
    return " ".join(value.split()) if isinstance(value, str) else [flat(text) for text in value]


@lru_cache(maxsize=256)  # of tools, each of a twin has definitions of its own
def answer_schema(abilities: tuple[ActionDefinition, ...]) -> type[BaseModel]:
    """Return the schema of a turn's answer: the basic actions, and a call of each ability."""
    if not abilities:
        return TurnAnswer
    calls = [_call_of(ability) for ability in abilities]
    one_of: Any = reduce(or_, [_BasicAction, *calls])
    actions = (list[one_of], Field(min_length=1, max_length=MOST_ACTIONS))
    made: type[BaseModel] = create_model("TurnAnswer", actions=actions, mind=(_MindAnswer, ...))
    return made


def _call_of(ability: ActionDefinition) -> type[BaseModel]:
    kind: Any = Literal[ability.name]
    return create_model(ability.name, __base__=_Call, type=(kind, ...), arguments=(ability.arguments, ...))


async def ask_for_turn(llm: LLM, scene: Scene, messages: Sequence[Message], *, purpose: str, seed: int) -> Draft:
    """Ask the model for a turn, in one request; nothing of the person changes."""
    schema = answer_schema(scene.abilities)
    reply = await llm.complete(messages, schema, purpose=purpose, person=scene.persona.name, seed=seed)
    return read_draft(reply.value, scene.mind, reply.call)


def read_draft(answer: Any, mind: Mind, call: str) -> Draft:
    """Return what an answer of the schema says that a person does."""
    after = answer.mind
    new_mind = replace(mind, emotions=after.emotions, attention=after.attention, goals=tuple(after.goals))
    return Draft(tuple(one.action for one in answer.actions), new_mind, call)
