"""What is put to a model in blocks, because all of it does not fit one prompt or one answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from workbench.errors import AnswerTooLong, PromptTooLong
from workbench.llm.calls import estimate_tokens

Item = TypeVar("Item")
Result = TypeVar("Result")

TOO_LONG = (PromptTooLong, AnswerTooLong)
BLOCK_TOKENS = 8000
"""Of what is listed in one prompt, as estimated."""
MOST_CUTS = 4
"""How often a block is halved because its answer is cut: a sixteenth that is still too much says that more is wrong."""
_MARKS = 8
"""Tokens of the tags and the number of an item."""


def blocks_of(
    parts: Sequence[Sequence[Item]], most: int, text: Callable[[Item], str], *, tokens: int = BLOCK_TOKENS
) -> list[list[Item]]:
    """Fill blocks with parts, one after the other; a part is torn apart only where it is larger than a block.

    Args:
        parts: of items, in order.
        most: items in a block.
        text: gives that of an item.
        tokens: in a block, as estimated; an item that is longer is a block of its own.
    """
    blocks: list[list[Item]] = []
    left = room = 0
    for part in parts:
        sizes = [estimate_tokens(text(item)) + _MARKS for item in part]
        whole = len(part) <= left and sum(sizes) <= room
        for place, (item, size) in enumerate(zip(part, sizes, strict=True)):
            if left < 1 or size > room or (place == 0 and not whole):
                blocks.append([])
                left, room = most, tokens
            blocks[-1].append(item)
            left, room = left - 1, room - size
    return blocks


def halves_of(items: Sequence[Item]) -> list[Sequence[Item]]:
    """Divide items in two; one cannot be divided, and stays."""
    middle = (len(items) + 1) // 2
    return [items[:middle], items[middle:]] if len(items) > 1 else [items]


async def in_pieces(
    items: Sequence[Item], ask: Callable[[Sequence[Item]], Awaitable[Result]], n_cut: int = 0
) -> list[Result]:
    """Ask about items at once, or where they or the answer do not fit the model about each half of them.

    The second half is asked about when the first one was answered: where one fails the other need not be paid for.

    Raises:
        PromptTooLong, AnswerTooLong: a single item does not fit, or a sixteenth of them has too long an answer.
    """
    try:
        return [await ask(items)]
    except TOO_LONG as error:
        n_cut += isinstance(error, AnswerTooLong)
        if len(items) < 2 or n_cut > MOST_CUTS:
            raise
    return [one for half in halves_of(items) for one in await in_pieces(half, ask, n_cut)]
