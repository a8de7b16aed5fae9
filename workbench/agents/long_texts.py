"""Texts that do not fit the model: named in an error, or summarised by the model with an event that says so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pydantic import BaseModel

from workbench.agents.grounding.chunking import chunks
from workbench.errors import PromptTooLong
from workbench.llm.calls import asked_of
from workbench.llm.client import LLM
from workbench.llm.running import together
from workbench.prompts import render
from workbench.record.events import Event
from workbench.record.telling import quote

PART = 8_000
"""Characters that are summarised at once."""
SHORTEST = 2_000
"""Characters below which a text is not what makes a prompt too long."""
SHRINK = 6
"""A summary has at most this part of the words."""


class _SummaryAnswer(BaseModel):
    summary: str


def too_long(error: PromptTooLong, name: str, window: Sequence[Event]) -> PromptTooLong:
    """Return the error that names the longest thing that a person was told."""
    if not window:
        return error
    longest = max(window, key=lambda event: len(event.content))
    which = f"event {longest.id}" if longest.id else f"what {longest.source} has just told them"
    return PromptTooLong(
        f"{error} The longest text that {name} has perceived is {which} ({longest.type}, "
        f"{len(longest.content):,} characters). Tell it in parts, give a model with a longer context, or let the model "
        "shorten it: Person(..., memory=MemorySettings(long_text='summarise'))."
    )


async def summarise_longest(
    llm: LLM, name: str, shown: Mapping[int, str], error: PromptTooLong
) -> tuple[int, str, list[str]]:
    """Have the longest text that is shown summarised.

    Args:
        llm: the model.
        name: who perceived it.
        shown: texts as they are shown now, by number.
        error: why; raised where nothing is left that is long.

    Returns:
        the number of the text, its summary, and the model calls that it took.

    Raises:
        PromptTooLong: what is shown consists of short texts only.
    """
    number = max(shown, key=lambda one: len(shown[one]), default=None)
    if number is None or len(shown[number]) < SHORTEST:
        raise error
    parts = chunks(shown[number], longest=PART)
    made = await together(_summarise(llm, name, part, n, len(parts)) for n, part in enumerate(parts, start=1))
    text = "\n".join(text for text, _ in made)
    if len(text) >= len(shown[number]):
        raise error
    return number, text, [call for _, call in made]


async def _summarise(llm: LLM, name: str, part: str, number: int, parts: int) -> tuple[str, str]:
    words = max(len(part.split()) // SHRINK, 40)
    user = render("summarise_user", text=quote("text", part), number=number, parts=parts, words=words)
    messages = asked_of(render("summarise_system"), user)
    reply = await llm.complete(messages, _SummaryAnswer, purpose="summary", person=name, temperature=0.0)
    return reply.value.summary, reply.call
