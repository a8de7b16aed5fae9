"""Exhibits: what a report is made from, each read once: what can be cited, what is drawn, and how it was made."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.errors import InvalidSettings
from workbench.evaluation.human.report import HumanComparison
from workbench.evaluation.judge_quality.report import JudgeQuality
from workbench.evaluation.metrics.report import RunMetrics
from workbench.extraction.reporting.tables import told_table
from workbench.populations.population import Population
from workbench.record.conversation import speaker
from workbench.record.events import START, Event
from workbench.record.run_file import RunFile
from workbench.record.telling import say_time, told, words_of
from workbench.worlds.branches import opened
from workbench.worlds.run_report import caveat, facts_of
from workbench.worlds.world import World

if TYPE_CHECKING:
    import pandas as pd

    from workbench.plots import Figure

Source = Any
"""A run or its path, a Population, a DataFrame, a RunMetrics, HumanComparison or JudgeQuality, or Markdown."""


@dataclass(frozen=True)
class Citable:
    """Something that a finding can rest on: an event, or a row of a table."""

    where: str
    """Such as `event 12, Monday, 2025-01-06 09:00` or `row 3`."""
    who: str
    words: str
    event: Event
    """As it is shown to a model; its number is given when all exhibits are there."""


@dataclass(frozen=True)
class Exhibit:
    """A part of what a report is made from."""

    name: str
    what: str
    """In a sentence: what it is, and how much."""
    citable: Sequence[Citable] = ()
    table: pd.DataFrame | None = None
    figure: Figure | None = None
    prose: str = ""
    """Markdown of the researcher's."""
    made: Mapping[str, str] = field(default_factory=dict)
    """How it was made: fact by name."""
    said: Sequence[str] = ()
    """What has to be said beside its results."""
    caveat: str = ""
    """What has to be said before anything else: that a small model made it."""
    shows: frozenset[str] = frozenset()
    """What it answers of what a reader has to know: `humans`, `judge`, `run`, `scores`, `answers`."""


def exhibit_of(name: str, source: Source) -> Exhibit:
    """Read what a report is made from.

    Raises:
        InvalidSettings: it is nothing that a report can be made from.
        UnknownName, DamagedFile, NewerFile: a run file that is not there, or cannot be read.
    """
    import pandas as pd

    if isinstance(source, World | RunFile | Path) or (isinstance(source, str) and source.endswith(".sqlite")):
        return _of_run(name, source)
    if isinstance(source, pd.DataFrame):
        return _of_table(name, source)
    if isinstance(source, Population):
        return _of_population(name, source)
    if isinstance(source, RunMetrics):
        return _of_metrics(name, source)
    if isinstance(source, HumanComparison):
        return _of_humans(name, source)
    if isinstance(source, JudgeQuality):
        return _of_judge(name, source)
    if isinstance(source, str):
        return Exhibit(name, "", prose=source)
    raise InvalidSettings(
        f"{name}: {source!r} cannot be reported on: give runs, tables, populations, measures, comparisons or Markdown"
    )


def _of_run(name: str, source: World | RunFile | str | Path) -> Exhibit:
    from workbench import plots
    from workbench.record.rows import frame_of

    with opened(source) as file:
        events = source.events() if isinstance(source, World) else list(file.events())
        facts, small = facts_of(file, events), caveat(file.spec)
    shown = told(events)
    talked = frame_of(shown)
    figure = plots.closed(plots.talk_share(talked)) if talked["type"].eq("TALK").any() else None
    citable = [
        Citable(f"event {event.id}, {say_time(event.time)}", speaker(event), words_of(event), event) for event in shown
    ]
    drawn = " The chart shows how much each of them said." if figure else ""
    what = f"A run of {facts['People']} people, {len(shown):,} events.{drawn}"
    return Exhibit(name, what, citable, None, figure, made=facts, caveat=small, shows=frozenset({"run"}))


def _of_table(name: str, table: pd.DataFrame) -> Exhibit:
    read = told_table(table)
    return Exhibit(
        name,
        read.what,
        _cited(name, read.rows),
        read.shown,
        read.figure,
        made=read.made,
        caveat=read.caveat,
        shows=read.shows,
    )


def _cited(name: str, rows: Iterable[str]) -> list[Citable]:
    """Return the rows of a table, each of which can be cited."""
    return [
        Citable(f"row {n}", "", words, Event(n, 0, START, "stimulus", "ROW", name, "", words))
        for n, words in enumerate(rows, start=1)
    ]


def _of_population(name: str, people: Population) -> Exhibit:
    profile = people.profile()
    what = f"{len(people)} people{f': {people.about}' if people.about else ''}. The chart shows who they are."
    rows = _cited(name, (person.minibio() for person in people))
    made = {"People": str(len(people)), "Cost of their personas": str(people.meter) if people.meter else ""}
    return Exhibit(name, what, rows, None, profile.plot(), made={key: fact for key, fact in made.items() if fact})


def _of_metrics(name: str, metrics: RunMetrics) -> Exhibit:
    whole = metrics.table[metrics.table["person"] == ""][["metric", "value", "n", "note"]]
    read = told_table(whole)
    what = f"Figures of a run, computed without a model: {len(metrics.turns):,} turns of talk."
    figure = metrics.plot() if len(metrics.turns) else None
    return Exhibit(name, what, _cited(name, read.rows), read.shown, figure, said=metrics.warnings)


def _of_humans(name: str, comparison: HumanComparison) -> Exhibit:
    read = told_table(comparison.verdicts)
    what = "Simulated answers held against those of humans, between floors and a ceiling."
    everybody = comparison.distributions["subgroup"].eq("all").any()
    figure = comparison.plot() if everybody else None
    said = comparison.verdict.splitlines()
    return Exhibit(name, what, _cited(name, read.rows), read.shown, figure, said=said, shows=frozenset({"humans"}))


def _of_judge(name: str, quality: JudgeQuality) -> Exhibit:
    read = told_table(quality.table)
    figure = quality.plot() if len(quality.calibration) else None
    what = "How far the judge agrees with humans."
    return Exhibit(
        name, what, _cited(name, read.rows), read.shown, figure, caveat=quality.caveat, shows=frozenset({"judge"})
    )
