"""A turn of a very small model: one short field, at the end of a script.

A model of the size of the embedded one loses itself in rules, tags and nested answers, and copies worked examples. It
goes on with a script sensibly enough. What can be computed is not asked of it: it speaks, to all, its mind stays, and
it takes other actions only when it is told to by name (`short_actions`).
"""

from __future__ import annotations

from pydantic import BaseModel, Field

from workbench.agents.actions import Action
from workbench.agents.memory.remembered import Remembered
from workbench.agents.short_actions import SPOKEN, ask_for_short_action, wanted
from workbench.agents.turns import Draft, Scene
from workbench.errors import NoPictures
from workbench.llm.calls import Message, asked_of
from workbench.llm.client import LLM
from workbench.prompts import render
from workbench.record.events import Event
from workbench.record.telling import words_of

_UNTOLD = frozenset({"THINK", "REACH_OUT", "DONE"})
FEW = 3
"""Memories that it can use."""


class _Line(BaseModel):
    say: str = Field(min_length=15, max_length=200)


async def ask_for_short_turn(llm: LLM, scene: Scene, *, purpose: str, seed: int) -> Draft:
    """Ask a very small model for a turn, in one request; nothing of the person changes.

    Raises:
        NoPictures: there is a picture in what has happened.
        ModelError: no turn could be had.
    """
    if scene.pictures:
        raise NoPictures(
            f"{llm.model} takes no pictures, and {scene.persona.name} has seen one: give a model that takes them, or "
            "tell in words what is to be seen, as in person.see('a red door')."
        )
    if definition := wanted(scene):
        script = "".join(map(script_line, scene.events))
        return await ask_for_short_action(llm, scene, definition, script, purpose=purpose, seed=seed)
    reply = await llm.complete(short_turn_messages(scene), _Line, purpose=purpose, person=scene.persona.name, seed=seed)
    return Draft((Action(type="TALK", content=_whole_sentences(reply.value.say)),), scene.mind, reply.call)


def _whole_sentences(text: str) -> str:
    """Return a text without the sentence that its limit has broken off, where that leaves any."""
    text = text.strip()
    end = max(text.rfind(mark) for mark in ".!?")
    return text[: end + 1] if end > 0 else text


def short_turn_messages(scene: Scene) -> list[Message]:
    """Return the messages of a short turn: who somebody is, and a script that stops where they speak."""
    system = render("short_turn_system", world=scene.surroundings.world, persona=scene.persona.markdown)
    user = render(
        "short_turn_user",
        script="".join(map(script_line, scene.events[:-1])),
        remembered=[_plain(item) for item in scene.remembered[:FEW]],
        last="".join(map(script_line, scene.events[-1:])),
        name=scene.persona.name,
    )
    return asked_of(system, user)


def _plain(item: Remembered) -> str:
    return " ".join(item.text.split())


def script_line(event: Event) -> str:
    """Return an event as a line of a script, with its line break; nothing of what is not seen or heard."""
    if event.type in _UNTOLD or event.kind == "mind":
        return ""
    words = " ".join(words_of(event).replace("#", " ").split())
    if event.type == "RESULT":
        return f'{event.target} looks it up. It says: "{words}"\n'
    return f"{event.source or 'Moderator'}: {words}\n" if event.type in SPOKEN else f"({words})\n"
