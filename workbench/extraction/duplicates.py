"""Rows that say the same: found by words and meaning, whatever their order, and made one."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import TYPE_CHECKING, Any

from workbench.errors import EmbeddedModelMissing
from workbench.evaluation.metrics.nearness import SAME_IDEA, near_pairs
from workbench.evaluation.metrics.words import in_order, words_of
from workbench.extraction.same_meaning import components, same_meaning
from workbench.extraction.verification import Row
from workbench.judging.repetition import AGAIN, FEWEST_WORDS
from workbench.llm.client import LLM

if TYPE_CHECKING:
    import numpy as np

    Vector = np.ndarray[Any, np.dtype[Any]]

ROWS_AT_ONCE = 100
"""Rows that the model is asked about in one request, at most."""
SAME_EVENT = 0.5
"""The similarity from which rows that two overlapping parts made of the same event are one."""


@dataclass(frozen=True)
class Similarity:
    """How alike two values are, by words and, where there are vectors, by meaning.

    Args:
        vectors: of texts, each of length 1; those of short ones are not needed.
    """

    vectors: Mapping[str, Vector]

    def __call__(self, one: Any, other: Any) -> float:
        """Return a similarity from 0 to 1.

        Of two texts it is the mean of how many words they share (rapidfuzz's `token_sort_ratio` / 100) and of how near
        they are in meaning (their cosine), 1 where nine tenths of their words are the same, and only that counts where
        one has fewer than four words or there is no vector. Of other values it is 1 where they are equal, else 0.
        """
        if not (isinstance(one, str) and isinstance(other, str)):
            return float(_canonical(one) == _canonical(other))
        from rapidfuzz import fuzz

        words = fuzz.ratio(in_order(words_of(one)), in_order(words_of(other))) / 100
        if words >= AGAIN / 100:
            return 1.0
        if not {one, other} <= self.vectors.keys():
            return 0.0
        return (words + max(float(self.vectors[one] @ self.vectors[other]), 0)) / 2


async def without_duplicates(rows: Sequence[Row], by: Sequence[str], what: str, llm: LLM, *, across: bool) -> list[Row]:
    """Return rows of which no two say the same.

    Two supported rows are one

    - where two overlapping parts made them of the same event, and each is the most similar to the other, 0.5 or more;
    - and, across events, where every field that tells rows apart is as similar as 0.7 or more (`Similarity`);
    - or, across events, where the model says so, which reads those that are left beside each other (`same_meaning`).

    Rows without a text of four words or more are not merged across events: two who say "3 euros" are two. What is one
    with a second row that is one with a third is one with both (single linkage), so the order of rows and of answers
    does not count. A merged row has the values of its first member, and the evidence of all.

    Args:
        rows: in any order.
        by: the fields that tell rows apart.
        what: the rows are, such as "the product ideas".
        llm: whose embeddings serve (without an encoder only words count), and which says what means the same.
        across: whether rows of different events are merged.
    """
    supported = [row for row in rows if not row.unsupported]
    alike = Similarity(await _vectors(llm, supported, by) if len(supported) > 1 else {})
    pairs = set(_of_the_same_event(supported, by, alike))
    if across:
        pairs |= set(_across_events(supported, by, alike))
    kept = [_one_of([supported[place] for place in group]) for group in components(len(supported), pairs)]
    if across:
        kept = await _of_one_meaning(kept, by, what, llm)
    return [*kept, *(row for row in rows if row.unsupported)]


async def _of_one_meaning(rows: Sequence[Row], by: Sequence[str], what: str, llm: LLM) -> list[Row]:
    """Return rows of which the model says of no two that they mean the same."""
    told: dict[str, list[Row]] = {}
    for row in rows:
        if any(_is_phrase(row.values[name]) for name in by):
            told.setdefault(" ".join(_told(row, by).split()).casefold(), []).append(row)
    if len(told) < 2:
        return list(rows)
    of_text = {_told(several[0], by): several for several in told.values()}
    counts = {text: len(several) for text, several in of_text.items()}
    found = await same_meaning(counts, f"the same one of these: {what}", ROWS_AT_ONCE, llm)
    groups = [[row for text in group for row in of_text[text]] for group in found.groups]
    short = [row for row in rows if not any(_is_phrase(row.values[name]) for name in by)]
    return [*map(_one_of, groups), *short]


def _told(row: Row, by: Sequence[str]) -> str:
    if len(by) == 1:
        return str(row.values[by[0]])
    return "; ".join(f"{name}: {row.values[name]}" for name in by)


async def _vectors(llm: LLM, rows: Sequence[Row], by: Sequence[str]) -> dict[str, Vector]:
    texts = sorted({row.values[name] for row in rows for name in by if _is_phrase(row.values[name])})
    try:
        return dict(zip(texts, await llm.embed(texts, purpose="extract"), strict=True))
    except EmbeddedModelMissing:
        return {}


def _is_phrase(value: Any) -> bool:
    return isinstance(value, str) and len(words_of(value)) >= FEWEST_WORDS


def _of_the_same_event(rows: Sequence[Row], by: Sequence[str], alike: Similarity) -> Iterator[tuple[int, int]]:
    """Yield rows of two parts that rest on the same event and say the same; each has one partner in another part."""
    of_event: dict[int, list[int]] = {}
    for place, row in enumerate(rows):
        for number in row.evidence:
            of_event.setdefault(number, []).append(place)
    pairs = {pair for places in of_event.values() for pair in combinations(places, 2)}
    apart = [(a, b) for a, b in pairs if rows[a].part != rows[b].part]
    scored = [(_least(rows[a], rows[b], by, alike), a, b) for a, b in apart]
    taken: set[tuple[int, int]] = set()
    for similarity, a, b in sorted(scored, key=lambda one: (-one[0], one[1:])):
        sides = {(a, rows[b].part), (b, rows[a].part)}
        if similarity >= SAME_EVENT and not sides & taken:
            taken |= sides
            yield a, b


def _across_events(rows: Sequence[Row], by: Sequence[str], alike: Similarity) -> Iterator[tuple[int, int]]:
    """Yield rows that are near by the field with most to say, and in all others; no two of one answer on one event."""
    import numpy as np

    main = max(by, key=lambda name: sum(len(row.values[name]) for row in rows if _is_phrase(row.values[name])))
    places = [place for place, row in enumerate(rows) if _is_phrase(row.values[main])]
    texts = [rows[place].values[main] for place in places]
    if not texts:
        return
    vectors = np.stack([alike.vectors[text] for text in texts]) if alike.vectors else None
    for first, second in near_pairs([in_order(words_of(text)) for text in texts], vectors):
        one, other = rows[places[first]], rows[places[second]]
        same_answer = one.part == other.part and set(one.evidence) & set(other.evidence)
        if not same_answer and _least(one, other, by, alike) >= SAME_IDEA:
            yield places[first], places[second]


def _least(one: Row, other: Row, by: Sequence[str], alike: Similarity) -> float:
    """Return the similarity of two rows: that of the field in which they are least alike."""
    return round(min(alike(one.values[name], other.values[name]) for name in by), 5)


def _one_of(rows: Sequence[Row]) -> Row:
    """Return the row that all of these are: the values of the first, by its event and its part; the evidence of all."""
    first = min(rows, key=lambda row: (min(row.evidence), row.part, _canonical(row.values)))
    evidence = sorted({number for row in rows for number in row.evidence})
    spans = sorted({span for row in rows for span in row.spans})
    return replace(first, evidence=tuple(evidence), spans=tuple(spans))


def _canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False, default=str)
