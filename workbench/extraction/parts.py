"""Reading what does not fit one prompt: in parts that overlap, so that nothing is cut and nothing is torn apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from workbench.llm.calls import estimate_tokens
from workbench.record.events import Event

OVERLAP = 10
"""The share of a part that its neighbour has, too: one in ten."""
_TAG = 12
"""Tokens of what stands around an event."""
_SHORTEST = 400
"""Characters of one event from which its text is read in pieces where it does not fit a prompt by itself."""


def parts_of(events: Sequence[Event], most_tokens: int) -> list[Sequence[Event]]:
    """Divide events into parts, each of which begins with the last tenth of the one before.

    Args:
        events: in order.
        most_tokens: of a part, as estimated; an event that is longer is a part of its own.
    """
    sizes = [size_of(event) for event in events]
    parts: list[Sequence[Event]] = []
    start = end = 0
    while end < len(events):
        end = _end_of_part(sizes, start, most_tokens)
        parts.append(events[start:end])
        start = _overlapping(sizes, start, end, most_tokens // OVERLAP)
    return parts


def size_of(event: Event) -> int:
    """Estimate the tokens of an event as a prompt tells it."""
    return estimate_tokens(event.content) + estimate_tokens(event.source + event.target) + _TAG


def _end_of_part(sizes: Sequence[int], start: int, most: int) -> int:
    size = 0
    for place in range(start, len(sizes)):
        size += sizes[place]
        if size > most and place > start:
            return place
    return len(sizes)


def _overlapping(sizes: Sequence[int], start: int, end: int, most: int) -> int:
    """Return where the next part begins: some events before this one ends, and after this one begins."""
    shared, before = 0, end
    while before - 1 > start and shared + sizes[before - 1] <= most:
        before -= 1
        shared += sizes[before]
    return before


def halves_of(events: Sequence[Event]) -> list[Sequence[Event]]:
    """Divide a part that does not fit a prompt, or its answer, in two that overlap; one event by its text.

    Returns:
        two parts; none where there is nothing left to divide.
    """
    if len(events) == 1:
        return [[piece] for piece in _pieces_of(events[0])]
    middle, shared = len(events) // 2, len(events) // OVERLAP
    return [events[: middle + shared], events[middle - shared :]]


def _pieces_of(event: Event) -> list[Event]:
    """Return the two halves of an event's text, which share a tenth of it; pictures and what is short stay whole."""
    text = event.content
    if len(text) < _SHORTEST or event.type == "IMAGE":
        return []
    middle, shared = len(text) // 2, len(text) // (2 * OVERLAP)
    return [replace(event, content=text[: middle + shared]), replace(event, content=text[middle - shared :])]
