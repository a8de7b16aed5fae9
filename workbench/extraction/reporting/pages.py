"""The page of a report: its findings, exhibits, evidence, method and limits, put together as Markdown."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from workbench.extraction.documents import Document
from workbench.extraction.reporting.exhibits import Citable, Exhibit
from workbench.extraction.reporting.findings import Finding
from workbench.extraction.reporting.grids import Resting
from workbench.extraction.reporting.limits import Writer, limits_of, made_of
from workbench.record import markdown
from workbench.record.cells import cell
from workbench.record.file_names import file_names

SHOWN_ROWS = 30
"""Rows of a table in a report; exports of the table have all."""
_WIDE = 12
"""Columns that a page can hold."""
_QUOTE = 120
"""Characters of an event's words in a cell."""


@dataclass(frozen=True)
class Report(Document):
    """A report: Markdown with its figures. A notebook shows it, and `export` writes it."""

    findings: Sequence[Finding] = field(default=())
    """The best supported first; then further ones, which were too many; then those without support."""

    def __repr__(self) -> str:
        unsupported = sum(bool(one.problem) for one in self.findings)
        counted = f"{len(self.findings)} findings, {unsupported} unsupported"
        return f"Report({self.title!r}, {counted}, {len(self.pictures)} figures)"

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.markdown, self.title, dict(self.pictures), tuple(self.findings))


@dataclass(frozen=True)
class Page:
    """Puts the parts of a report together."""

    title: str
    question: str
    exhibits: Sequence[Exhibit]
    citable: Mapping[int, Citable]
    findings: Sequence[Finding]
    writer: Writer | None
    method: Mapping[str, str]

    def report(self) -> Report:
        """Return the report."""
        blocks = [
            f"# {markdown.escaped(self.title)}",
            *(f"> {markdown.escaped(words)}" for words in self._said_first),
            *self._findings(),
            *self._exhibits(),
        ]
        blocks += [*self._evidence(), *made_of(self.exhibits, self.method, self.writer)]
        blocks += limits_of(self.exhibits, self.findings, self.writer)
        return Report("\n\n".join(blocks) + "\n", self.title, self._pictures(), tuple(self.findings))

    @cached_property
    def _said_first(self) -> list[str]:
        """What has to be said before anything else: that a small model made it."""
        small = [one.caveat for one in self.exhibits] + [self.writer.caveat if self.writer else ""]
        return [words for words in dict.fromkeys(small) if words]

    def _findings(self) -> Iterator[str]:
        if not self.writer:
            return
        supported = self._main
        yield f"## Findings\n\n*Question: {markdown.escaped(self.question)}*"
        if not supported:
            yield "The model found nothing that is supported by what it was shown."
        placed = self._places(supported)
        for number, finding in enumerate(supported, start=1):
            yield f"{number}. {markdown.escaped(finding.words)} {_links(finding.evidence)}"
            yield from (self._figure(one) for one in placed.get(number, ()))
        yield from self._further()
        yield from self._unsupported()

    @property
    def _main(self) -> list[Finding]:
        return [one for one in self.findings if not one.problem and not one.further]

    def _further(self) -> Iterator[str]:
        others = [one for one in self.findings if one.further]
        if others:
            n = f"{len(others)} finding{'' if len(others) == 1 else 's'}"
            yield f"### Further findings\n\n{n} more that the model did not choose, or that rest on less:"
            yield "\n".join(f"- {markdown.escaped(one.words)} {_links(one.evidence)}" for one in others)

    def _unsupported(self) -> Iterator[str]:
        failed = [one for one in self.findings if one.problem]
        if failed:
            yield "### Without support\n\nThe model said this, too, and it does not rest on what it was shown:"
            yield "\n".join(
                f"- ~~{markdown.escaped(one.words)}~~ {_links(one.evidence)} ({markdown.escaped(one.problem)})"
                for one in failed
            )

    def _places(self, findings: Sequence[Finding]) -> dict[int, list[Exhibit]]:
        """Return after which finding each figure stands: the first that rests on its exhibit."""
        first: dict[int, list[Exhibit]] = {}
        for exhibit in (one for one in self.exhibits if one.figure is not None):
            own = {number for number, one in self.citable.items() if any(one is mine for mine in exhibit.citable)}
            for number, finding in enumerate(findings, start=1):
                if own & set(finding.evidence):
                    first.setdefault(number, []).append(exhibit)
                    break
        return first

    def _exhibits(self) -> Iterator[str]:
        supported = self._main
        placed = {id(one) for several in self._places(supported).values() for one in several}
        for exhibit in self.exhibits:
            yield f"## {_heading(exhibit.name)}"
            yield from [markdown.escaped(exhibit.what)] if exhibit.what else []
            yield from (f"**{markdown.escaped(words)}**" for words in exhibit.said if words not in self._said_first)
            if exhibit.figure is not None:
                where = "The chart stands with the finding that rests on it."
                yield where if id(exhibit) in placed else self._figure(exhibit)
            yield from [exhibit.prose] if exhibit.prose else []
            yield from self._table(exhibit) if exhibit.table is not None else []

    def _table(self, exhibit: Exhibit) -> Iterator[str]:
        """Yield the first rows of a table; events that its rows rest on are links, where their run is in the report."""
        assert exhibit.table is not None
        grid, place = exhibit.table, exhibit.table.place("evidence")
        rows = [[markdown.escaped(cell(value)) for value in row] for row in grid.rows[:SHOWN_ROWS]]
        for row, rests in zip(rows, exhibit.resting, strict=False):
            if place is not None and rests is not None:
                row[place] = self._rests(rests)
        yield from _parts([markdown.escaped(name) for name in grid.columns], rows)
        if len(grid) > SHOWN_ROWS:
            yield f"The first {SHOWN_ROWS} of {len(grid)} rows."
        if exhibit.left_out:
            left_out = ", ".join(map(markdown.escaped, exhibit.left_out))
            yield f"*Not shown: the column{'' if len(exhibit.left_out) == 1 else 's'} {left_out}.*"

    def _rests(self, rests: Sequence[Resting]) -> str:
        """Return the events of a row: links to those of runs in this report, of others their numbers and words."""
        said = []
        for one in rests:
            if number := self._number_of_event.get((one.run, one.event)):
                said.append(_links([number]))
                continue
            label = f"{markdown.escaped(one.label)}: " if one.label else ""
            quote = f" “{markdown.escaped(_short(one.quote))}”" if one.quote else ""
            said.append(f"{label}{one.event}{quote}")
        plain = any(not one.startswith("[") for one in said)
        return (", " if plain else " ").join(said)

    @cached_property
    def _number_of_event(self) -> dict[tuple[str, int], int]:
        """The numbers of the events of the runs in the report, by the id of the run and that of the event."""
        runs = [one for one in self.exhibits if one.run]
        return {(one.run, mine.event.id): self._numbers[id(mine)] for one in reversed(runs) for mine in one.citable}

    def _in_tables(self) -> set[int]:
        """Return the numbers of what the tables lead to."""
        rows = [rests for one in self.exhibits for rests in one.resting[:SHOWN_ROWS] if one.table is not None]
        keys = {(one.run, one.event) for rests in rows for one in rests or ()}
        return {self._number_of_event[key] for key in keys if key in self._number_of_event}

    @cached_property
    def _numbers(self) -> dict[int, int]:
        return {id(one): number for number, one in self.citable.items()}

    def _figure(self, exhibit: Exhibit) -> str:
        return f"![{markdown.escaped(exhibit.name)}]({self._names()[exhibit.name]})"

    def _names(self) -> dict[str, str]:
        """Return what the picture of each exhibit is called."""
        drawn = [one.name for one in self.exhibits if one.figure is not None]
        stems = [stem.replace(" ", "-") for stem in file_names(drawn)]
        return {
            name: f"figure-{n}-{_plain(stem)}.png" for n, (name, stem) in enumerate(zip(drawn, stems, strict=True), 1)
        }

    def _pictures(self) -> dict[str, bytes]:
        from workbench import plots

        names = self._names()
        return {names[one.name]: plots.png(one.figure) for one in self.exhibits if one.figure is not None}

    def _evidence(self) -> Iterator[str]:
        cited = sorted({number for finding in self.findings for number in finding.evidence} | self._in_tables())
        if not cited:
            return
        yield "## Evidence"
        where = {id(one): exhibit.name for exhibit in self.exhibits for one in exhibit.citable}
        for number in cited:
            one = self.citable[number]
            who = f"**{markdown.escaped(one.who)}:** " if one.who else ""
            yield f"#### E{number}\n\n{who}{markdown.escaped(one.words)}"
            yield f"*{markdown.escaped(where[id(one)])}, {markdown.escaped(one.where)}*"


def _links(numbers: Iterable[int]) -> str:
    return " ".join(f"[E{number}](#e{number})" for number in numbers)


def _heading(name: str) -> str:
    """Return a heading, told apart from those of the evidence, which links lead to."""
    return markdown.escaped(f"Source {name}" if re.fullmatch(r"[eE]\d+", name) else name)


def _parts(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield a table; a wide one in parts, whose rows have numbers, so that a page can hold it."""
    if len(columns) <= _WIDE:
        yield from [markdown.table(columns, rows)] if columns else []
        return
    n_parts = math.ceil(len(columns) / _WIDE)
    width = math.ceil(len(columns) / n_parts)
    for first in range(0, len(columns), width):
        part = slice(first, first + width)
        yield markdown.table(["row", *columns[part]], [[str(n), *row[part]] for n, row in enumerate(rows, start=1)])


def _short(quote: str) -> str:
    words = " ".join(quote.split())
    return words if len(words) <= _QUOTE else words[:_QUOTE].rsplit(" ", 1)[0] + " …"


def _plain(stem: str) -> str:
    return "".join(letter for letter in stem if letter.isascii() and (letter.isalnum() or letter == "-")) or "figure"
