"""The method of a report and its limits: they stand in every report, also where they are not known."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from workbench.extraction.reporting.exhibits import Exhibit
from workbench.extraction.reporting.findings import Finding
from workbench.llm.client import LLM
from workbench.record import markdown


@dataclass(frozen=True)
class Writer:
    """The model that wrote the findings."""

    llm: LLM

    @property
    def caveat(self) -> str:
        """What has to be said of what it writes."""
        return self.llm.caveat

    @property
    def made(self) -> dict[str, str]:
        """How the findings were made."""
        return {"Model": f"{self.llm.model} at {self.llm.endpoint.name}, temperature 0", "Cost": str(self.llm.meter)}


def made_of(exhibits: Sequence[Exhibit], method: Mapping[str, str], writer: Writer | None) -> Iterator[str]:
    """Yield how a report was made: of each exhibit the model, the seed, n and the cost, as far as they are known."""
    parts: dict[str, Mapping[str, str]] = {one.name: one.made for one in exhibits if one.made}
    if writer:
        parts["The findings"] = writer.made
    if method:
        parts["Besides"] = method
    rows = [(name, fact, words) for name, facts in parts.items() for fact, words in facts.items()]
    yield "## How it was made"
    if rows:
        cells = [[markdown.escaped(cell) for cell in row] for row in rows]
        yield markdown.table(["what", "fact", ""], cells)
    if not any("run" in one.shows for one in exhibits):
        yield (
            "No run is among the sources: with which model, seed and number of people the tables were made, and what "
            "they cost, is not known here beyond what is stated above."
        )


def limits_of(exhibits: Sequence[Exhibit], findings: Sequence[Finding], writer: Writer | None) -> Iterator[str]:
    """Yield what a reader must know before believing a report."""
    yield "## What it cannot say"
    yield "\n".join(f"- {markdown.escaped(words)}" for words in _limits(exhibits, findings, writer))


def _limits(exhibits: Sequence[Exhibit], findings: Sequence[Finding], writer: Writer | None) -> Iterator[str]:
    shown = {kind for one in exhibits for kind in one.shows}
    yield "The people are simulated by a language model. What they say is no observation of anybody."
    yield from _validity(exhibits, shown)
    n_runs = sum("run" in one.shows for one in exhibits)
    if n_runs == 1:
        yield "It rests on one run: how much of it would come out otherwise with another seed is not known."
    if "scores" in shown and "judge" not in shown:
        yield "Scores are a model's. How far this judge agrees with people was not measured."
    if writer:
        failed = sum(bool(one.problem) for one in findings)
        checked = f"{failed} of {len(findings)} failed. Whether they follow from it was not"
        yield (
            f"The findings are the words of {writer.llm.model}. Whether what they rest on is there, and whether their "
            f"figures stand in it, was checked: {checked}."
        )


def _validity(exhibits: Sequence[Exhibit], shown: set[str]) -> Iterator[str]:
    if "humans" not in shown:
        yield "It was not held against answers of people: nothing here shows that people would say the same."
        return
    for exhibit in exhibits:
        if "humans" in exhibit.shows:
            yield from (f"Held against people ({exhibit.name}): {words}" for words in exhibit.said)
