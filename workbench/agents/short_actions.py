"""What a very small model does with faculties and tools: what it is told to do by name, and no more.

It cannot choose among actions, so it does not have to: an action is taken when its words stand in the last thing that
was said ("Kinga, write a document ..." is WRITE_DOCUMENT), for who is named there, or for whoever has it. Arguments
that stand there as `name="value"` are taken from there; a document and a question are found; the model writes the rest.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from pydantic import BaseModel, create_model

from workbench.agents.actions import Action, ActionDefinition
from workbench.agents.looking_up import consult, list_documents, recall
from workbench.agents.turns import Draft, Scene
from workbench.llm.calls import asked_of
from workbench.llm.client import LLM
from workbench.prompts import render
from workbench.record.events import Event

_GIVEN = re.compile(r"\b(\w+)\s*=\s*(\"(?:[^\"\\]|\\.)*\"|\[[^\]]*\]|-?\d+(?:\.\d+)?|true|false)")
SPOKEN = frozenset({"CONVERSATION", "TALK"})
"""Types of what is said aloud."""


def wanted(scene: Scene) -> ActionDefinition | None:
    """Return the action that the person was just told to take, or None."""
    said = _last_said(scene)
    if not said or not _is_meant(scene.persona.name, scene.surroundings.everybody, said):
        return None
    words = set(re.findall(r"\w+", said.casefold()))
    named = [one for one in scene.abilities if set(one.name.casefold().split("_")) <= words]
    return max(named, key=lambda one: len(one.name), default=None)


async def ask_for_short_action(
    llm: LLM, scene: Scene, definition: ActionDefinition, script: str, *, purpose: str, seed: int
) -> Draft:
    """Return a turn in which the person takes an action; the model is asked for what cannot be found out, if for any.

    Raises:
        ModelError: no readable answer.
    """
    arguments = _found(definition, _last_said(scene), scene)
    missing: dict[str, Any] = {
        name: (field.annotation, ...)
        for name, field in definition.parameters.items()
        if name not in arguments and field.is_required()
    }
    call = ""
    if missing:
        asked: type[BaseModel] = create_model(f"{definition.name}_ARGUMENTS", **missing)
        messages = _messages(scene, definition, script)
        reply = await llm.complete(messages, asked, purpose=purpose, person=scene.persona.name, seed=seed)
        arguments, call = {**arguments, **reply.value.model_dump(mode="json")}, reply.call
    content = json.dumps(arguments, ensure_ascii=False)
    return Draft((Action(type=definition.name, content=content),), scene.mind, call)


def _messages(scene: Scene, definition: ActionDefinition, script: str) -> list[dict[str, Any]]:
    system = render("short_turn_system", world=scene.surroundings.world, persona=scene.persona.markdown)
    user = render("short_action_user", script=script, purpose=definition.purpose, name=scene.persona.name)
    return asked_of(system, user)


def _last_said(scene: Scene) -> str:
    """Return what was said last; nothing where the person has done something since."""
    last: Event | None = next((e for e in reversed(scene.events) if e.type != "DONE" and e.kind != "mind"), None)
    return last.content if last and last.type in SPOKEN and last.source != scene.persona.name else ""


def _is_meant(name: str, everybody: tuple[str, ...], said: str) -> bool:
    """Return whether somebody is spoken to: by their name, or because nobody is named."""
    for word in re.findall(r"\w+", said.casefold()):
        if named := [one for one in everybody if word in one.casefold().split()]:
            return name in named  # who is named first is spoken to
    return True


def _found(definition: ActionDefinition, said: str, scene: Scene) -> dict[str, Any]:
    """Return the arguments that can be found out."""
    if definition is recall:
        return {"query": said}
    if definition is list_documents:
        return {}
    if definition is consult:
        return {"document": _document(said, scene), "question": said}
    return _given(said, definition.parameters)


def _given(said: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    given = {}
    for name, value in _GIVEN.findall(said):
        with suppress(json.JSONDecodeError):  # talk that only looks like an argument
            if name in fields:
                given[name] = json.loads(value, strict=False)
    return given


def _document(said: str, scene: Scene) -> str:
    """Return the document that is named, else the one of the passage that came to mind first."""
    sources = [item.source for item in scene.remembered if item.kind == "document"]
    return next((source for source in sources if source.casefold() in said.casefold()), sources[0] if sources else "")
