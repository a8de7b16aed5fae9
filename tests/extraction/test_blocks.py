"""What is put to a model in blocks: everything once, together what belongs together, and no block too large."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.errors import AnswerTooLong, PromptTooLong
from workbench.extraction.blocks import blocks_of, in_pieces
from workbench.llm.calls import estimate_tokens

PARTS = st.lists(st.lists(st.text("abc ", min_size=1, max_size=80), min_size=1, max_size=9), max_size=12)


@given(PARTS, st.integers(1, 12), st.integers(20, 400))
def test_blocks_have_everything_once_in_order_and_are_not_too_large(parts, most, tokens):
    blocks = blocks_of(parts, most, str, tokens=tokens)
    assert [item for block in blocks for item in block] == [item for part in parts for item in part]
    for block in blocks:
        assert 1 <= len(block) <= most
        assert len(block) == 1 or sum(map(estimate_tokens, block)) <= tokens


@given(PARTS)
def test_part_that_fits_a_block_is_not_torn_apart(parts):
    numbered = [[(number, item) for item in part] for number, part in enumerate(parts)]
    blocks = blocks_of(numbered, 9, lambda item: item[1], tokens=10_000)
    assert all(sum(any(item in block for item in part) for block in blocks) == 1 for part in numbered)


@pytest.mark.parametrize("family", [PromptTooLong, AnswerTooLong])
async def test_what_does_not_fit_is_asked_in_halves_in_order(family):
    async def ask(items):
        if len(items) > 2:
            raise family("too long")
        return list(items)

    assert await in_pieces(range(7), ask) == [[0, 1], [2, 3], [4, 5], [6]]


async def test_single_item_that_does_not_fit_is_an_error():
    async def ask(items):
        raise PromptTooLong("too long")

    with pytest.raises(PromptTooLong):
        await in_pieces([1, 2], ask)
