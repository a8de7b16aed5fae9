"""Findings: what a model says that the material shows, each held against what it rests on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from workbench.extraction.extractor import extract
from workbench.extraction.reporting.exhibits import Citable
from workbench.judging.particulars import figures_in
from workbench.llm.client import LLM
from workbench.prompts import render
from workbench.record.events import START, Event

if TYPE_CHECKING:
    from workbench.record.evidence_table import EvidenceTable

_FIELDS = {"finding": str}


@dataclass(frozen=True)
class Finding:
    """A sentence that a report makes of its material."""

    words: str
    evidence: tuple[int, ...]
    """Numbers of what it rests on; each was shown to the model."""
    problem: str = ""
    """Why it is unsupported."""


async def findings_of(citable: Mapping[int, Citable], question: str, n: int, llm: LLM) -> list[Finding]:
    """Return what a model finds in the material, the best supported first, those without support last.

    What is longer than a prompt ought to be is read in parts; of what is found in all of them the model chooses.

    Args:
        citable: the material, by number.
        question: that the findings answer.
        n: how many there are at most.
        llm: the model that reads and writes.
    """
    events = [replace(one.event, id=number) for number, one in citable.items()]
    found = await _extracted(events, render("report_objective", question=question, n=n), llm)
    while len(kept := [one for one in found if not one.problem]) > n:
        again = await _chosen(kept, question, n, llm)
        if len([one for one in again if not one.problem]) >= len(kept):
            break
        found = [*again, *(one for one in found if one.problem)]
    checked = [_with_its_figures(one, citable) for one in found]
    return sorted(checked, key=lambda one: (bool(one.problem), -len(one.evidence)))


async def _extracted(events: Sequence[Event], objective: str, llm: LLM) -> list[Finding]:
    table = await extract(events, objective, fields=_FIELDS, llm=llm)
    return _findings(table)


async def _chosen(findings: Sequence[Finding], question: str, n: int, llm: LLM) -> list[Finding]:
    """Return the most important findings; each rests on all that those rest on which it was made of."""
    told = [
        Event(number, 0, START, "stimulus", "FINDING", "", "", finding.words)
        for number, finding in enumerate(findings, start=1)
    ]
    chosen = await _extracted(told, render("report_again", question=question, n=n), llm)
    return [replace(one, evidence=_of_all(findings[number - 1] for number in one.evidence)) for one in chosen]


def _of_all(findings: Iterable[Finding]) -> tuple[int, ...]:
    return tuple(sorted({number for finding in findings for number in finding.evidence}))


def _findings(table: EvidenceTable) -> list[Finding]:
    columns = (table["finding"], table["evidence"], table["note"])
    return [Finding(words, tuple(evidence), note) for words, evidence, note in zip(*columns, strict=True)]


def _with_its_figures(finding: Finding, citable: Mapping[int, Citable]) -> Finding:
    """Return a finding, marked where it has a figure that is neither in its evidence nor a count of it."""
    there = {one.value for number in finding.evidence for one in figures_in(citable[number].words)}
    counts = {str(count) for count in range(len(finding.evidence) + 1)}
    own = figures_in(finding.words)
    missing = [finding.words[one.start : one.end] for one in own if one.value not in there | counts]
    if finding.problem or not missing:
        return finding
    return replace(finding, problem=f"{', '.join(dict.fromkeys(missing))}: in nothing that it rests on")
