"""Findings: what a model says that the material shows, each held against what it rests on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from workbench.extraction.extractor import extract
from workbench.extraction.reporting.amounts import without_evidence
from workbench.extraction.reporting.exhibits import Citable
from workbench.llm.client import LLM
from workbench.prompts import render
from workbench.record.events import START, Event

if TYPE_CHECKING:
    from workbench.record.evidence_table import EvidenceTable

_FIELDS = {"finding": str}
_ROUNDS = 4
"""How often the model is asked to choose, at most."""


@dataclass(frozen=True)
class Finding:
    """A sentence that a report makes of its material."""

    words: str
    evidence: tuple[int, ...]
    """Numbers of what it rests on; each was shown to the model."""
    problem: str = ""
    """Why it is unsupported."""
    further: bool = False
    """Whether it is one that was not among the most important ones."""


async def findings_of(citable: Mapping[int, Citable], question: str, n: int, llm: LLM) -> list[Finding]:
    """Return what a model finds in the material: at most n, the best supported first, further ones, those that fail.

    What is longer than a prompt ought to be is read in parts; of what is found in all of them the model chooses, a few
    times where it chooses too many; of what is left then the best supported are taken. Nothing that it found is lost.

    Args:
        citable: the material, by number.
        question: that the findings answer.
        n: how many there are at most.
        llm: the model that reads and writes.
    """
    events = [replace(one.event, id=number) for number, one in citable.items()]
    found = await _extracted(events, render("report_objective", question=question, n=n), llm)
    best, failed = _parted([_with_its_figures(one, citable) for one in found])
    further: list[Finding] = []
    for _ in range(_ROUNDS):
        if len(best) <= n:
            break
        chosen = await _chosen(best, question, n, llm)
        kept, refused = _parted([_with_its_figures(one.finding, citable) for one in chosen])
        failed += refused
        if not kept or len(kept) >= len(best):
            break
        named = {place for one in chosen for place in one.of if any(one.finding.words == mine.words for mine in kept)}
        further += [one for place, one in enumerate(best) if place not in named]
        best = kept
    best.sort(key=lambda one: -len(one.evidence))
    further = _others([*best[n:], *further], best[:n])
    return [*best[:n], *further, *sorted(failed, key=lambda one: -len(one.evidence))]


def _parted(findings: Iterable[Finding]) -> tuple[list[Finding], list[Finding]]:
    """Return the findings that are supported, and those that are not."""
    every = list(findings)
    return [one for one in every if not one.problem], [one for one in every if one.problem]


def _others(findings: Iterable[Finding], kept: Iterable[Finding]) -> list[Finding]:
    """Return findings that say what none of those that are kept says, each once."""
    said = {one.words for one in kept}
    others = {one.words: replace(one, further=True) for one in findings if one.words not in said}
    return list(others.values())


@dataclass(frozen=True)
class _Chosen:
    """A finding made of others."""

    finding: Finding
    of: Sequence[int]
    """The places of those."""


async def _extracted(events: Sequence[Event], objective: str, llm: LLM) -> list[Finding]:
    table = await extract(events, objective, fields=_FIELDS, llm=llm)
    return _findings(table)


async def _chosen(findings: Sequence[Finding], question: str, n: int, llm: LLM) -> list[_Chosen]:
    """Return the most important findings; each rests on all that those rest on which it was made of."""
    told = [
        Event(number, 0, START, "stimulus", "FINDING", "", "", finding.words)
        for number, finding in enumerate(findings, start=1)
    ]
    chosen = await _extracted(told, render("report_again", question=question, n=n), llm)
    of = [[number - 1 for number in one.evidence] for one in chosen]
    return [
        _Chosen(replace(one, evidence=_of_all(findings[place] for place in places)), places)
        for one, places in zip(chosen, of, strict=True)
    ]


def _of_all(findings: Iterable[Finding]) -> tuple[int, ...]:
    return tuple(sorted({number for finding in findings for number in finding.evidence}))


def _findings(table: EvidenceTable) -> list[Finding]:
    columns = (table["finding"], table["evidence"], table["note"])
    return [Finding(words, tuple(evidence), note) for words, evidence, note in zip(*columns, strict=True)]


def _with_its_figures(finding: Finding, citable: Mapping[int, Citable]) -> Finding:
    """Return a finding, marked where it has a number that is neither in its evidence nor a count of it."""
    if finding.problem:
        return finding
    cited = [citable[number] for number in finding.evidence]
    shown = [words for one in cited for words in (one.words, one.who, one.event.target)]
    missing = without_evidence(finding.words, shown, _counts(cited))
    return replace(finding, problem=f"{', '.join(missing)}: in nothing that it rests on") if missing else finding


def _counts(cited: Sequence[Citable]) -> set[int]:
    """Return what can be counted in evidence: its items, its rows, and the people in it."""
    people = {one.person for one in cited if one.person}
    rows = [one for one in cited if one.event.type == "ROW"]
    return {len(cited), len(rows), len(people)} - {0}
