"""A turn of a very small model: one short field, at the end of a script.

A model of the size of the embedded one loses itself in rules, tags and nested answers, and copies worked examples. It
goes on with a script sensibly enough. What can be computed is not asked of it: it speaks, to all, and its mind stays.
"""

from __future__ import annotations

from collections.abc import Iterable

from pydantic import BaseModel, Field

from workbench.agents.memory import EpisodicMemory
from workbench.agents.mind import Mind
from workbench.agents.persona import Persona
from workbench.agents.turns import Action, Surroundings, Turn
from workbench.llm.calls import Message
from workbench.llm.client import LLM
from workbench.prompts import render
from workbench.record.events import Event

_SPOKEN = frozenset({"CONVERSATION", "TALK"})
_UNTOLD = frozenset({"THINK", "REACH_OUT", "DONE"})


class _Line(BaseModel):
    say: str = Field(min_length=15, max_length=200)


async def propose_short_turn(
    llm: LLM, persona: Persona, mind: Mind, memory: EpisodicMemory, surroundings: Surroundings, *, seed: int
) -> Turn:
    """Ask a very small model for a turn, in one request; nothing of the person changes."""
    messages = short_turn_messages(persona, memory.events, surroundings)
    reply = await llm.complete(messages, _Line, purpose="turn", person=persona.name, seed=seed)
    return Turn((Action(type="TALK", content=_whole_sentences(reply.value.say)),), mind, reply.call)


def _whole_sentences(text: str) -> str:
    """Return a text without the sentence that its limit has broken off, where that leaves any."""
    text = text.strip()
    end = max(text.rfind(mark) for mark in ".!?")
    return text[: end + 1] if end > 0 else text


def short_turn_messages(persona: Persona, events: Iterable[Event], surroundings: Surroundings) -> list[Message]:
    """Return the messages of a short turn: who somebody is, and a script that stops where they speak."""
    system = render("short_turn_system", world=surroundings.world, persona=persona.markdown)
    user = render("short_turn_user", script="".join(map(_line, events)), name=persona.name)
    return [{"role": "system", "content": system}, {"role": "user", "content": user}]


def _line(event: Event) -> str:
    if event.type in _UNTOLD or event.kind == "mind":
        return ""
    words = " ".join(event.content.split())
    return f"{event.source or 'Moderator'}: {words}\n" if event.type in _SPOKEN else f"({words})\n"
