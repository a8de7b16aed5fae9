"""Consolidation: an episode becomes a few dated memories. Reflection: memories become insights.

Nothing is lost: what the model rests no memory on is kept word for word, as a memory of its own.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from pydantic import BaseModel, Field

from workbench.agents.memory.remembered import Remembered
from workbench.llm.calls import asked_of
from workbench.llm.client import LLM
from workbench.prompts import render
from workbench.record.events import Event, Happening
from workbench.record.telling import quote, say_time, tell, words_of

LEFT_OUT = 1
"""The importance of what the model found not worth a memory."""
UNWEIGHED = 4
"""The importance of what a very small model has kept: it is not asked to weigh."""
_NONE: Mapping[int, str] = MappingProxyType({})
RECENT = 100
"""Memories that a reflection rests on (Park et al. 2023)."""


class _Answer(BaseModel):
    text: str
    importance: int = Field(ge=1, le=10)


class _MemoryAnswer(_Answer):
    events: list[int]


class ConsolidationAnswer(BaseModel):
    """What the model answers for an episode."""

    memories: list[_MemoryAnswer] = Field(max_length=8)


class _InsightAnswer(_Answer):
    memories: list[int]


class ReflectionAnswer(BaseModel):
    """What the model answers for a reflection."""

    insights: list[_InsightAnswer] = Field(max_length=5)


class _Line(BaseModel):
    """What a very small model can answer."""

    remember: str = Field(min_length=15, max_length=200)


@dataclass(frozen=True)
class _Draft:
    text: str
    importance: int
    links: tuple[int, ...]
    time: str


async def consolidate(
    llm: LLM, name: str, about: str, episode: Sequence[Event], *, seed: int, summaries: Mapping[int, str] = _NONE
) -> list[Happening]:
    """Turn an episode into memories, in one request.

    Args:
        llm: the model.
        name: whose memory it is.
        about: the persona, as the model reads it.
        episode: what happened, in order.
        seed: of the request.
        summaries: what is read in the place of texts that are too long, by event id.

    Returns:
        the memories, each with links to the events that it rests on, and the end of the episode.

    Raises:
        ModelError: no readable answer; nothing is consolidated then.
    """
    ask = _consolidate_line if llm.is_embedded else _consolidate
    shown = [_shown(event, summaries) for event in episode]
    drafts, call = await ask(llm, name, about, shown, seed)
    made = [_happening("MEMORY", draft, name, call) for draft in drafts]
    end = json.dumps({"events": [event.id for event in episode]})
    return [*made, Happening("memory", "EPISODE", end, target=name, call=call, heard_by=(name,))]


async def _consolidate(
    llm: LLM, name: str, about: str, episode: Sequence[Event], seed: int
) -> tuple[list[_Draft], str]:
    system = render("consolidate_system", persona=about)
    user = render("consolidate_user", episode=_told(episode), name=name)
    reply = await llm.complete(asked_of(system, user), ConsolidationAnswer, purpose="memory", person=name, seed=seed)
    times = {event.id: event.time.isoformat() for event in episode}
    drafts = _rooted(((memory, memory.events) for memory in reply.value.memories), times)
    kept = {number for draft in drafts for number in draft.links}
    return [*drafts, *_verbatim([event for event in episode if event.id not in kept], LEFT_OUT)], reply.call


async def _consolidate_line(
    llm: LLM, name: str, about: str, episode: Sequence[Event], seed: int
) -> tuple[list[_Draft], str]:
    """Keep all that was said as it was, and one line of the model's about the whole."""
    messages = asked_of(*_short("remembers most of it", name, about, [_plainly(event) for event in episode]))
    reply = await llm.complete(messages, _Line, purpose="memory", person=name, seed=seed)
    whole = tuple(event.id for event in episode)
    line = _Draft(reply.value.remember, UNWEIGHED, whole, episode[-1].time.isoformat())
    return [line, *_verbatim(episode, UNWEIGHED)], reply.call


async def reflect(llm: LLM, name: str, about: str, memories: Sequence[Remembered], *, seed: int) -> list[Happening]:
    """Draw insights from memories, in one request (Park et al. 2023, arXiv 2304.03442, section 4.2).

    Args:
        llm: the model.
        name: whose they are.
        about: the persona, as the model reads it.
        memories: the latest ones, oldest first.
        seed: of the request.

    Returns:
        the insights, each with links to the memories that it rests on, and that a reflection took place.

    Raises:
        ModelError: no readable answer.
    """
    latest = memories[-RECENT:]
    times = {int(item.key): item.time.isoformat() for item in latest}
    if llm.is_embedded:
        messages = asked_of(*_short("concludes", name, about, [item.text for item in latest[-12:]]))
        line = await llm.complete(messages, _Line, purpose="reflection", person=name, seed=seed)
        draft = _Draft(line.value.remember, UNWEIGHED, tuple(times)[-12:], max(times.values()))
        return _reflected([draft], tuple(times), name, line.call)
    system = render("reflect_system", persona=about)
    user = render("reflect_user", memories="".join(map(_numbered, latest)), name=name)
    reply = await llm.complete(asked_of(system, user), ReflectionAnswer, purpose="reflection", person=name, seed=seed)
    drafts = _rooted(((insight, insight.memories) for insight in reply.value.insights), times)
    return _reflected(drafts, tuple(times), name, reply.call)


def _rooted(answers: Iterable[tuple[_Answer, list[int]]], times: Mapping[int, str]) -> list[_Draft]:
    """Return what rests on something that there is, each with the latest time of what it rests on."""
    drafts = []
    for answer, named in answers:
        links = tuple(dict.fromkeys(number for number in named if number in times))
        if links and answer.text.strip():
            drafts.append(_Draft(answer.text, answer.importance, links, max(times[number] for number in links)))
    return drafts


def _reflected(drafts: Sequence[_Draft], seen: Sequence[int], name: str, call: str) -> list[Happening]:
    end = Happening(
        "memory", "REFLECTED", json.dumps({"memories": list(seen)}), target=name, call=call, heard_by=(name,)
    )
    return [*(_happening("INSIGHT", draft, name, call) for draft in drafts), end]


def _shown(event: Event, summaries: Mapping[int, str]) -> Event:
    return replace(event, content=summaries[event.id]) if event.id in summaries else event


def verbatim(events: Sequence[Event], name: str, summaries: Mapping[int, str]) -> list[Happening]:
    """Return events as memories, word for word; of a text that was too long, its summary."""
    drafts = _verbatim([_shown(event, summaries) for event in events], LEFT_OUT)
    return [_happening("MEMORY", draft, name, None) for draft in drafts]


def _verbatim(events: Sequence[Event], importance: int) -> list[_Draft]:
    return [_Draft(_plainly(event), importance, (event.id,), event.time.isoformat()) for event in events]


def _plainly(event: Event) -> str:
    """Return an event as a line of a script, on one line."""
    who = event.source or {"CONVERSATION": "Somebody", "THOUGHT": event.target}.get(event.type, "")
    to = f" to {event.target}" if event.target and event.kind == "action" else ""
    words = " ".join(words_of(event).split())
    if event.type in ("TALK", "CONVERSATION"):
        return f"{who} said{to}: {words}"
    if event.type in ("THINK", "THOUGHT"):
        return f"{who} thought: {words}"
    return f"{who}{to} ({event.type.lower().replace('_', ' ')}): {words}".strip()


def _told(events: Sequence[Event]) -> str:
    lines, time = [], None
    for event in events:
        if event.time != time:
            lines.append(f"[{say_time(event.time)}]\n")
            time = event.time
        lines.append(tell(event, with_id=True))
    return "".join(lines)


def _numbered(item: Remembered) -> str:
    return quote("memory", item.text, id=item.key, when=say_time(item.time), importance=str(item.importance))


def _short(what: str, name: str, about: str, lines: Sequence[str]) -> tuple[str, str]:
    system = render("short_turn_system", world="", persona=about)
    return system, render("short_memory_user", lines=lines, name=name, what=what)


def _happening(type_: str, draft: _Draft, name: str, call: str | None) -> Happening:
    data = {"text": draft.text, "importance": draft.importance, "time": draft.time, "links": list(draft.links)}
    content = json.dumps(data, ensure_ascii=False)
    return Happening("memory", type_, content, target=name, call=call, heard_by=(name,))
