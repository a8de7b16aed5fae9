"""Exhibits: what a report is made from, each read once: what can be cited, what is drawn, and how it was made."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.errors import InvalidSettings
from workbench.evaluation.human.report import HumanComparison
from workbench.evaluation.judge_quality.report import JudgeQuality
from workbench.evaluation.metrics.report import RunMetrics
from workbench.extraction.reporting.grids import Grid, Resting
from workbench.extraction.reporting.kinds import told_table
from workbench.extraction.reporting.tables import ToldRow, ToldTable, told_figures
from workbench.populations.population import Population
from workbench.record.conversation import speaker
from workbench.record.events import START, Event
from workbench.record.named_files import RUN_ENDING, is_run_file
from workbench.record.run_file import RunFile
from workbench.record.telling import say_time, told, words_of
from workbench.worlds.branches import opened
from workbench.worlds.run_report import caveat, facts_of
from workbench.worlds.subjects import run_id
from workbench.worlds.world import World

if TYPE_CHECKING:
    import pandas as pd

    from workbench.plots import Figure

Source = Any
"""A run or its path, a Population, a DataFrame, a RunMetrics, HumanComparison or JudgeQuality, or Markdown."""
_LIKE_A_PATH = re.compile(r"\S*[^\s.]\.[A-Za-z][A-Za-z0-9]{0,6}")
"""One word that ends as the name of a file does."""


@dataclass(frozen=True)
class Citable:
    """Something that a finding can rest on: an event, or a row of a table."""

    where: str
    """Such as `event 12, Monday, 2025-01-06 09:00` or `row 3`."""
    who: str
    words: str
    event: Event
    """As it is shown to a model; its number is given when all exhibits are there."""
    person: str = ""
    """Whom it is of, where that is known."""


@dataclass(frozen=True)
class Exhibit:
    """A part of what a report is made from."""

    name: str
    what: str
    """In a sentence: what it is, and how much."""
    citable: Sequence[Citable] = ()
    table: Grid | None = None
    resting: Sequence[Sequence[Resting] | None] = ()
    """The events that each row of the table rests on."""
    left_out: Sequence[str] = ()
    """Columns of the table that are not shown."""
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
    """What it answers of what a reader has to know: `humans`, `judge`, `run`, `scores`, `answers`, `simulated`."""
    run: str = ""
    """The id of the run that it is."""
    runs: frozenset[str] = frozenset()
    """Ids of the runs that it was made from, as far as they are known."""

    @property
    def simulated(self) -> bool:
        """Whether it is known that its people are simulated."""
        return "simulated" in self.shows or bool(self.runs)


def exhibit_of(name: str, source: Source) -> Exhibit:
    """Read what a report is made from.

    Raises:
        InvalidSettings: it is nothing that a report can be made from.
        UnknownName, DamagedFile, NewerFile: a run file that is not there, or cannot be read.
    """
    import pandas as pd

    if (run := run_meant(name, source)) is not None:
        return _of_run(name, run)
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


def run_meant(name: str, source: Source) -> World | RunFile | Path | None:
    """Return the run that a source is, or whose path it is; None where it is something else.

    Raises:
        InvalidSettings: it is the path of another file.
    """
    if isinstance(source, World | RunFile):
        return source
    path = _path(source)
    if path is None:
        return None
    if path.suffix.lower() == RUN_ENDING or (path.is_file() and is_run_file(path)):
        return path
    raise InvalidSettings(
        f"{name}: {str(source)!r} is the path of a file that is no run: read it first, such as with pd.read_csv or "
        "wb.read_table, and give the table; of a text give its words"
    )


def _path(source: Source) -> Path | None:
    """Return a path as one; None where it is none, such as a text of several words that is no name of a file."""
    if isinstance(source, Path):
        return source
    if not isinstance(source, str) or not source.strip() or "\n" in source or "\0" in source:
        return None
    is_one = _LIKE_A_PATH.fullmatch(source) or source.lower().endswith(RUN_ENDING) or os.path.exists(source)  # noqa: PTH110
    return Path(source) if is_one else None


def _of_run(name: str, source: World | RunFile | Path) -> Exhibit:
    from workbench import plots
    from workbench.record.rows import frame_of

    with opened(source) as file:
        events = source.events() if isinstance(source, World) else list(file.events())
        facts, small, own = facts_of(file, events), caveat(file.spec), run_id(file)
    shown = told(events)
    talked = frame_of(shown)
    figure = plots.closed(plots.talk_share(talked)) if talked["type"].eq("TALK").any() else None
    citable = [
        Citable(f"event {event.id}, {say_time(event.time)}", speaker(event), words_of(event), event, event.source)
        for event in shown
    ]
    drawn = " The chart shows how much each of them said." if figure else ""
    n_people = facts["People"]
    what = f"A run of {n_people} {'person' if n_people == '1' else 'people'}, {len(shown)} events.{drawn}"
    return Exhibit(
        name,
        what,
        citable,
        figure=figure,
        made=facts,
        caveat=small,
        shows=frozenset({"run", "simulated"}),
        run=own,
        runs=frozenset(filter(None, [own])),
    )


def _of_table(name: str, table: pd.DataFrame) -> Exhibit:
    read = told_table(table)
    return replace(
        _of_told(name, read.what, read), figure=read.figure, made=read.made, caveat=read.caveat, shows=read.shows
    )


def _of_told(name: str, what: str, read: ToldTable) -> Exhibit:
    return Exhibit(name, what, _cited(name, read.rows), read.shown, read.resting, read.left_out, runs=read.runs)


def _cited(name: str, rows: Iterable[ToldRow]) -> list[Citable]:
    """Return the rows of a table, each of which can be cited."""
    return [
        Citable(
            f"{row.of} {row.number}",
            "",
            row.words,
            Event(row.number, 0, START, "stimulus", "ROW", name, "", row.words),
            row.person,
        )
        for row in rows
    ]


def _of_population(name: str, people: Population) -> Exhibit:
    profile = people.profile()
    what = f"{len(people)} people{f': {people.about}' if people.about else ''}. The chart shows who they are."
    rows = [ToldRow(number, person.minibio(), person.name, "person") for number, person in enumerate(people, 1)]
    made = {"People": str(len(people)), "Cost of their personas": str(people.meter) if people.meter else ""}
    return Exhibit(
        name,
        what,
        _cited(name, rows),
        figure=profile.plot(),
        made={key: fact for key, fact in made.items() if fact},
        shows=frozenset({"simulated"}),
    )


def _of_metrics(name: str, metrics: RunMetrics) -> Exhibit:
    whole = metrics.table[metrics.table["person"] == ""][["metric", "value", "n", "note"]]
    what = f"Figures of a run, computed without a model: {len(metrics.turns)} turns of talk."
    figure = metrics.plot() if len(metrics.turns) else None
    return replace(_of_told(name, what, told_figures(whole)), figure=figure, said=metrics.warnings)


def _of_humans(name: str, comparison: HumanComparison) -> Exhibit:
    what = "Simulated answers held against those of humans, between floors and a ceiling."
    everybody = comparison.distributions["subgroup"].eq("all").any()
    figure = comparison.plot() if everybody else None
    said, shows = comparison.verdict.splitlines(), frozenset({"humans", "simulated"})
    told = _of_told(name, what, told_figures(comparison.verdicts))
    shown = told.table.without(("words",)) if told.table and said else told.table
    return replace(told, table=shown, figure=figure, said=said, shows=shows)


def _of_judge(name: str, quality: JudgeQuality) -> Exhibit:
    figure = quality.plot() if len(quality.calibration) else None
    told = _of_told(name, "How far the judge agrees with humans.", told_figures(quality.table))
    return replace(told, figure=figure, caveat=quality.caveat, shows=frozenset({"judge"}))
