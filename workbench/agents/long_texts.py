"""Texts that do not fit the model: named in an error, or summarised by the model with an event that says so."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pydantic import BaseModel

from workbench.agents.grounding.chunking import chunks
from workbench.errors import PromptTooLong
from workbench.llm.client import LLM
from workbench.llm.running import together
from workbench.prompts import render
from workbench.record.events import Event, Happening
from workbench.record.telling import quote

PART = 8_000
"""Characters that are summarised at once."""
SHORTEST = 2_000
"""Characters below which a text is not what makes a prompt too long."""
SHRINK = 6
"""A summary has at most this part of the words."""


class _SummaryAnswer(BaseModel):
    summary: str


@dataclass(frozen=True)
class Summary:
    """What is shown in the place of an event that is too long."""

    event: int
    text: str
    happening: Happening


def too_long(error: PromptTooLong, name: str, window: Sequence[Event]) -> PromptTooLong:
    """Return the error that names the longest thing that a person was told."""
    if not window:
        return error
    longest = max(window, key=lambda event: len(event.content))
    return PromptTooLong(
        f"{error} The longest text that {name} has perceived is event {longest.id} ({longest.type}, "
        f"{len(longest.content):,} characters). Tell it in parts, give a model with a longer context, or let the model "
        "shorten it: Person(..., memory=MemorySettings(long_text='summarise'))."
    )


async def summarise_longest(
    llm: LLM, name: str, window: Sequence[Event], shown: Mapping[int, str], error: PromptTooLong
) -> Summary:
    """Have the longest text that is shown summarised.

    Args:
        llm: the model.
        name: who perceived it.
        window: what is shown.
        shown: its texts as they are shown now, by event id.
        error: why; raised again where nothing is left that is long.

    Raises:
        PromptTooLong: what is shown consists of short texts only.
    """
    event = max(window, key=lambda event: len(shown[event.id]), default=None)
    if event is None or len(shown[event.id]) < SHORTEST:
        raise too_long(error, name, window) from error
    parts = chunks(shown[event.id], longest=PART)
    made = await together(_summarise(llm, name, part, n, len(parts)) for n, part in enumerate(parts, start=1))
    text = "\n".join(text for text, _ in made)
    if len(text) >= len(shown[event.id]):
        raise too_long(error, name, window) from error
    calls = [call for _, call in made]
    content = json.dumps({"event": event.id, "text": text, "calls": calls}, ensure_ascii=False)
    happening = Happening("memory", "SUMMARISED", content, target=name, call=calls[0], heard_by=(name,))
    return Summary(event.id, text, happening)


async def _summarise(llm: LLM, name: str, part: str, number: int, parts: int) -> tuple[str, str]:
    words = max(len(part.split()) // SHRINK, 40)
    user = render("summarise_user", text=quote("text", part), number=number, parts=parts, words=words)
    messages = [{"role": "system", "content": render("summarise_system")}, {"role": "user", "content": user}]
    reply = await llm.complete(messages, _SummaryAnswer, purpose="summary", person=name, temperature=0.0)
    return reply.value.summary, reply.call
