"""The method of a report and its limits: they stand in every report, also where they are not known."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from workbench.extraction.reporting.exhibits import Exhibit
from workbench.extraction.reporting.findings import Finding
from workbench.llm.client import LLM
from workbench.record import markdown

_STATUS = {
    "new": "was not run: nothing has happened in it yet",
    "incomplete": "is incomplete: it has {steps} steps",
    "partial": "is partial: in some of its {steps} steps somebody was absent, because the model had failed them",
}


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
        yield markdown.table(["source", "fact", "value"], cells)
    if not any("run" in one.shows for one in exhibits):
        yield (
            "No run is among the sources. What a model made of them, with which model, which seed and at what cost, is "
            "not known here beyond what is stated above."
        )


def limits_of(exhibits: Sequence[Exhibit], findings: Sequence[Finding], writer: Writer | None) -> Iterator[str]:
    """Yield what a reader must know before believing a report."""
    yield "## What it cannot say"
    yield "\n".join(f"- {markdown.escaped(words)}" for words in _limits(exhibits, findings, writer))


def _limits(exhibits: Sequence[Exhibit], findings: Sequence[Finding], writer: Writer | None) -> Iterator[str]:
    shown = {kind for one in exhibits for kind in one.shows}
    yield from _people(exhibits)
    yield from _validity(exhibits, shown)
    yield from _runs(exhibits)
    if "scores" in shown and "judge" not in shown:
        yield "Scores are a model's. How far this judge agrees with people was not measured."
    if writer:
        yield from _checked(findings, writer)


def _people(exhibits: Sequence[Exhibit]) -> Iterator[str]:
    """Yield whose words these are, as far as that is known."""
    data = [one for one in exhibits if not one.prose and one.shows != {"judge"}]
    known = [one.name for one in data if one.simulated]
    others = [one.name for one in data if not one.simulated]
    simulated = "simulated by a language model. What they say is no observation of anybody."
    if known and not others:
        yield f"The people are {simulated}"
    elif known:
        yield f"The people of {_listed(known)} are {simulated}"
    if others:
        be = "is" if len(others) == 1 else "are"
        yield f"Whether {_listed(others)} {be} of real or of simulated people is not known here."


def _listed(names: Sequence[str]) -> str:
    quoted = [f"“{name}”" for name in names]
    return " and ".join(filter(None, [", ".join(quoted[:-1]), quoted[-1]]))


def _validity(exhibits: Sequence[Exhibit], shown: set[str]) -> Iterator[str]:
    if "humans" not in shown and any(one.simulated for one in exhibits):
        yield "It was not held against answers of people: nothing here shows that people would say the same."
    for exhibit in exhibits:
        if "humans" in exhibit.shows:
            yield from (f"Held against people (“{exhibit.name}”): {words}" for words in exhibit.said)


def _runs(exhibits: Sequence[Exhibit]) -> Iterator[str]:
    """Yield how many runs it rests on, where that is one, and which are not what they were to be."""
    if len({run for one in exhibits for run in (one.runs or {one.name} if "run" in one.shows else one.runs)}) == 1:
        yield "It rests on one run: how much of it would come out otherwise with another seed is not known."
    for one in exhibits:
        if "run" in one.shows and (problem := _STATUS.get(one.made["Status"])):
            yield f"The run “{one.name}” {problem.format(steps=one.made['Steps'].partition(',')[0])}."


def _checked(findings: Sequence[Finding], writer: Writer) -> Iterator[str]:
    failed = sum(bool(one.problem) for one in findings)
    yield (
        f"The findings are the words of {writer.llm.model}. Two things were checked of each: that it names events or "
        "rows which the model was shown; and that each of its numbers, in digits or in English words (“half”, “nine in "
        "ten”, “doubled”), stands in them, is one of theirs rounded or in percent, or is how many of them, of their "
        f"rows or of their people there are. {failed} of {len(findings)} failed."
    )
    yield (
        "Not checked of the findings: whether they follow from what they rest on, what their numbers are numbers of, "
        "and words such as “most” or “everyone”. In other languages than English, number words are not checked."
    )
