"""Which texts mean the same, by a model: asked in blocks until every two have met, whatever their order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import combinations
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, WithJsonSchema, create_model

from workbench.errors import AnswerTooLong, EmbeddedModelMissing, ModelError
from workbench.evaluation.metrics.nearness import near_pairs
from workbench.evaluation.metrics.words import in_order, words_of
from workbench.extraction.blocks import MOST_CUTS, TOO_LONG, blocks_of, halves_of, in_pieces
from workbench.llm.calls import asked_of
from workbench.llm.client import LLM
from workbench.llm.running import together
from workbench.prompts import render
from workbench.record.telling import quote

if TYPE_CHECKING:
    from scipy.cluster.hierarchy import DisjointSet

Pairs = list[tuple[int, int]]

PURPOSE = "merge"
AT_ONCE = 256
_WORTH_IT = 0.8
"""A further round of blocks pays where the last one left no more than this share of the texts."""


async def same_meaning(
    counts: Mapping[str, int], same: str, most: int, llm: LLM, *, all_meet: int | None = None
) -> Grouping:
    """Group texts that mean the same, as the model says.

    Texts are put in one order first, those that are near by words and meaning side by side, and read in blocks. Each
    group that is found goes on as one text, and what is left is read in new blocks as long as that makes it much
    fewer. Then it fits one block, or every block is read beside every other: at the end every two groups have met. That
    takes about twice the square of the number of blocks.

    Args:
        counts: how often there is each text; none is blank, and no two differ in case and spaces alone.
        same: what those of a group are, such as "the same product idea".
        most: texts in a block.
        llm: the model; its embeddings serve to put near texts in one block, without an encoder only words do.
        all_meet: blocks that are left up to which all texts meet; where there are more, only near ones are sure to.
    """
    texts = sorted(counts, key=lambda text: (text.casefold(), text))
    reading = _Reading(texts, counts, same, most, llm, _disjoint(len(texts)))
    n_before, blocks = len(texts), reading.blocks([[place] for place in range(len(texts))])
    if len(blocks) > 1:
        blocks = reading.blocks(components(len(texts), await _near(texts, llm)))
    while len(blocks) > 1:
        await reading.read(reading.within(block) for block in blocks)
        left = reading.left()
        blocks = reading.blocks([[place] for place in left])
        if len(left) > _WORTH_IT * n_before:
            break
        # what stood in one block has met: it is dealt out to different ones
        n_before, blocks = len(left), [left[start :: len(blocks)] for start in range(len(blocks))]
    if len(blocks) == 1:
        await reading.read([reading.meet(blocks[0])])
    elif all_meet is None or len(blocks) <= all_meet:
        halves = [half for block in blocks for half in halves_of(block)]
        await reading.read(reading.across(one, other) for one, other in combinations(halves, 2))
    return Grouping([[texts[place] for place in group] for group in _sorted(reading.sets)], reading.slips)


@dataclass(frozen=True)
class Grouping:
    """Texts in groups: each is in one."""

    groups: list[list[str]]
    slips: Counter[str]
    """How many numbers the model invented (`invented`: they are passed over) or put in two groups of one answer
    (`twice`: the first one counts)."""


def representative(counts: Mapping[str, int]) -> str:
    """Return the text that stands for several: the most frequent; then the medoid by their words; then by alphabet.

    >>> representative({"a cold soup": 1, "cold soup": 1, "one cold soup, please": 1})
    'cold soup'
    """
    import numpy as np
    from rapidfuzz import fuzz, process

    most = max(counts.values())
    texts = sorted(text for text, n in counts.items() if n == most)
    if len(texts) == 1:
        return texts[0]
    others = sorted(counts)
    words = [[in_order(words_of(text)) for text in some] for some in (texts, others)]
    alike = process.cdist(*words, scorer=fuzz.ratio, dtype=np.float64) @ np.array([counts[text] for text in others])
    return texts[int(np.argmax(np.round(alike, 6)))]


@dataclass
class _Reading:
    """Texts while they are grouped."""

    texts: Sequence[str]
    counts: Mapping[str, int]
    same: str
    most: int
    llm: LLM
    sets: DisjointSet
    slips: Counter[str] = field(default_factory=Counter)

    def blocks(self, parts: Sequence[Sequence[int]]) -> list[list[int]]:
        """Return blocks of places of texts."""
        return blocks_of(parts, self.most, lambda place: self.texts[place])

    def left(self) -> list[int]:
        """Return the places of the texts that stand for the groups so far."""
        place = {text: number for number, text in enumerate(self.texts)}
        groups = [[self.texts[number] for number in group] for group in _sorted(self.sets)]
        return sorted(place[representative({text: self.counts[text] for text in group})] for group in groups)

    async def read(self, questions: Iterable[Any]) -> None:
        """Ask questions at once, and merge what they find."""
        for pairs in await together(questions, at_once=AT_ONCE):
            for one, other in pairs:
                self.sets.merge(one, other)

    async def within(self, places: Sequence[int]) -> Pairs:
        """Return which texts of a block are the same; of its halves where it does not fit."""
        return [pair for pairs in await in_pieces(places, self.ask) for pair in pairs]

    async def meet(self, places: Sequence[int], n_cut: int = 0) -> Pairs:
        """Return which texts are the same; every two of them meet."""
        try:
            return await self.ask(places)
        except TOO_LONG as error:
            n_cut = self.cut_again(error, n_cut)
            one, other = halves_of(places)
        first = await self.meet(one, n_cut)  # where it fails, the others need not be paid for
        found = await together([self.meet(other, n_cut), self.across(one, other, n_cut)])
        return [*first, *(pair for pairs in found for pair in pairs)]

    async def across(self, one: Sequence[int], other: Sequence[int], n_cut: int = 0) -> Pairs:
        """Return which texts of two blocks are the same; every two of them meet."""
        try:
            return await self.ask([*one, *other])
        except TOO_LONG as error:
            n_cut = self.cut_again(error, n_cut)
            if len(one) == len(other) == 1:
                raise
        first, *others = combinations([*halves_of(one), *halves_of(other)], 2)
        found = [await self.across(*first, n_cut)]
        found += await together(self.across(a, b, n_cut) for a, b in others)
        return [pair for pairs in found for pair in pairs]

    def cut_again(self, error: ModelError, n_cut: int) -> int:
        """Count a cut answer; the last one is forgotten, and raised."""
        if not isinstance(error, AnswerTooLong):
            return n_cut
        if n_cut == MOST_CUTS:
            self.llm.forget([error.call])
            raise error
        return n_cut + 1

    async def ask(self, places: Sequence[int]) -> Pairs:
        """Ask which of some texts are the same, in one request."""
        if len(places) < 2:
            return []
        rows = "".join(quote("row", self.texts[place], id=str(n)) for n, place in enumerate(places, start=1))
        messages = asked_of(render("same_system"), render("same_user", rows=rows, same=self.same))
        schema = _answer(len(places))
        reply = await self.llm.complete(messages, schema, purpose=PURPOSE, temperature=0.0, when_cut="raise")
        groups, slips = read_groups(reply.value.groups, len(places))  # type: ignore[attr-defined]
        self.slips += slips
        return [(places[group[0] - 1], places[number - 1]) for group in groups for number in group[1:]]


@cache
def _answer(n: int) -> type[BaseModel]:
    """Return the shape of an answer about n rows; other numbers are read too, and passed over."""
    number = Annotated[int, WithJsonSchema({"type": "integer", "minimum": 1, "maximum": n})]
    return create_model("SameRows", groups=(list[list[number]], ...))


def read_groups(groups: Sequence[Sequence[int]], n: int) -> tuple[list[list[int]], Counter[str]]:
    """Read the groups of an answer: numbers that are not there are passed over; in two groups, the first one counts.

    >>> read_groups([[1, 2, 2, 9], [2, 3, 4]], 4)
    ([[1, 2], [3, 4]], Counter({'invented': 1, 'twice': 1}))

    Args:
        groups: as answered.
        n: the rows that were shown are numbered from 1 to n.
    """
    taken: set[int] = set()
    kept: list[list[int]] = []
    slips: Counter[str] = Counter()
    for group in groups:
        named = dict.fromkeys(group)
        there = [number for number in named if 1 <= number <= n]
        new = [number for number in there if number not in taken]
        slips += Counter(invented=len(named) - len(there), twice=len(there) - len(new))
        taken.update(new)
        if len(new) > 1:
            kept.append(new)
    return kept, slips


async def _near(texts: Sequence[str], llm: LLM) -> Pairs:
    """Return the places of texts that are near, by words and, with an encoder, meaning."""
    try:
        vectors = await llm.embed(texts, purpose=PURPOSE)
    except EmbeddedModelMissing:
        vectors = None
    return list(near_pairs([in_order(words_of(text)) for text in texts], vectors))


def _disjoint(n: int) -> DisjointSet:
    from scipy.cluster.hierarchy import DisjointSet

    return DisjointSet(range(n))


def components(n: int, pairs: Iterable[tuple[int, int]]) -> list[list[int]]:
    """Return the places, of n, that hang together by pairs: in order, and each in one group."""
    sets = _disjoint(n)
    for one, other in pairs:
        sets.merge(one, other)
    return _sorted(sets)


def _sorted(sets: DisjointSet) -> list[list[int]]:
    return sorted(sorted(group) for group in sets.subsets())
