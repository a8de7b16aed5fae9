"""Rows that say the same: made one, where they are equal or the model says so, whatever their order."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

from workbench.extraction.merging.same_meaning import components, same_meaning
from workbench.extraction.verification import Row
from workbench.llm.client import LLM

ROWS_AT_ONCE = 300
"""Rows that the model is asked about in one request, at most."""
ALL_MEET = 8
"""Blocks of so many rows of which it is asked about every two; of more rows than that, those that are near meet."""


@dataclass(frozen=True)
class Duplicates:
    """Finds rows that say the same, and makes them one.

    Equal rows of one event are one. Besides, where it is wanted:

    - across parts: rows of the same event, which two overlapping parts made, are one where the model says so;
    - across events: rows with a text are one where they are equal, or where the model says so (`same_meaning`).

    That two are near by words and meaning only puts them side by side: "I would buy it" is near "I would not buy it".
    Rows without a text, such as numbers, are not merged across events: two who say 3 are two. Rows without support stay
    as they are. A merged row has the values of its first member, the evidence of all, and the values of the others as
    `variants`. What is one with a second row that is one with a third is one with both (single linkage), so that the
    order of rows and of answers does not count.

    Args:
        by: the fields that tell rows apart.
        what: the rows are, such as "the product ideas".
        llm: that says what means the same.
        parts: whether rows were made from several parts.
        events: whether rows of different events are merged.
    """

    by: Sequence[str]
    what: str
    llm: LLM
    parts: bool
    events: bool

    async def merged(self, rows: Sequence[Row]) -> list[Row]:
        """Return rows of which no two say the same."""
        supported = [row for row in rows if not row.unsupported]
        kept = self._made_one(supported, self._equal(supported))
        if self.events or self.parts:
            kept = self._made_one(kept, await self._of_one_meaning(kept))
        return [*kept, *_each_once(row for row in rows if row.unsupported)]

    def _equal(self, rows: Sequence[Row]) -> Iterator[tuple[int, int]]:
        """Yield equal rows: of one event, and across events where that is wanted and they have a text."""
        first: dict[tuple[str, int | None], int] = {}
        for place, row in enumerate(rows):
            anywhere = [None] if self.events and self._text(row) else []
            for number in (*row.evidence, *anywhere):
                yield first.setdefault((self._key(row), number), place), place

    async def _of_one_meaning(self, rows: Sequence[Row]) -> list[tuple[int, int]]:
        """Return which rows the model says mean the same; where only parts are merged, those that share an event."""
        near = [] if self.events else list(_sharing_an_event(rows))
        asked = range(len(rows)) if self.events else sorted({place for pair in near for place in pair})
        texts = {place: text for place in asked if (text := self._text(rows[place]))}
        spelling: dict[str, str] = {}
        for text in sorted(texts.values()):
            spelling.setdefault(text.casefold(), text)
        of_text: dict[str, list[int]] = {text: [] for text in spelling.values()}
        for place, text in texts.items():
            of_text[spelling[text.casefold()]].append(place)
        if len(of_text) < 2:
            return []
        counts = {text: len(places) for text, places in of_text.items()}
        found = await same_meaning(
            counts, f"the same one of these: {self.what}", ROWS_AT_ONCE, self.llm, all_meet=ALL_MEET
        )
        groups = [[place for text in group for place in of_text[text]] for group in found.groups]
        if self.events:
            return [(group[0], place) for group in groups for place in group[1:]]
        group_of = {place: number for number, group in enumerate(groups) for place in group}
        return [(one, other) for one, other in near if one in group_of and group_of[one] == group_of.get(other)]

    def _text(self, row: Row) -> str:
        """Return what tells a row apart, in words; nothing where none of it is a text."""
        values = [row.values[name] for name in self.by]
        if not any(isinstance(value, str) and value.strip() for value in values):
            return ""
        told = (f"{name}: {value}" for name, value in zip(self.by, values, strict=True))
        return " ".join(str(values[0]).split()) if len(values) == 1 else " ".join("; ".join(told).split())

    def _key(self, row: Row) -> str:
        return " ".join(_canonical([row.values[name] for name in self.by]).split()).casefold()

    def _made_one(self, rows: Sequence[Row], pairs: Iterable[tuple[int, int]]) -> list[Row]:
        return [self._one_of([rows[place] for place in group]) for group in components(len(rows), pairs)]

    def _one_of(self, rows: Sequence[Row]) -> Row:
        """Return the row that all of these are: the first is the one of the first event, and of the first part."""
        first, *others = sorted(rows, key=lambda row: (min(row.evidence), row.part, _canonical(row.values)))
        if not others:
            return first
        said = [values for row in others for values in (row.values, *row.variants)]
        variants = {_canonical(values): values for values in (*first.variants, *said)}
        variants.pop(_canonical(first.values), None)
        evidence = sorted({number for row in rows for number in row.evidence})
        return replace(first, evidence=tuple(evidence), variants=tuple(variants[key] for key in sorted(variants)))


def _each_once(rows: Iterable[Row]) -> list[Row]:
    """Return rows without support; those that two parts made alike of the same events are one."""
    first: dict[str, Row] = {}
    for number, row in enumerate(rows):
        own = [] if row.evidence else [number]
        first.setdefault(_canonical([row.values, row.evidence, row.note, own]), row)
    return list(first.values())


def _sharing_an_event(rows: Sequence[Row]) -> Iterator[tuple[int, int]]:
    """Yield rows of two parts that rest on one event."""
    of_event: dict[int, list[int]] = {}
    for place, row in enumerate(rows):
        for number in row.evidence:
            of_event.setdefault(number, []).append(place)
    pairs = {pair for places in of_event.values() for pair in combinations(places, 2)}
    return ((one, other) for one, other in sorted(pairs) if rows[one].part != rows[other].part)


def _canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False, default=str)
