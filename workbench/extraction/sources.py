"""What is read: runs, people, transcripts and texts, divided into units of analysis."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from workbench.agents.grounding.reading import SUFFIXES, read_document
from workbench.agents.person import Person
from workbench.errors import InvalidSettings
from workbench.evaluation.metrics.sources import NEEDED, MeasuredRun, read_run
from workbench.extraction.exporting.table_reading import read_table
from workbench.extraction.passages import passages_of, passages_of_document
from workbench.llm.client import LLM, default_llm
from workbench.record.events import Event
from workbench.record.named_files import file_meant, is_run_file
from workbench.record.run_file import RunFile
from workbench.worlds.recording import llm_of
from workbench.worlds.subjects import run_id
from workbench.worlds.world import World

if TYPE_CHECKING:
    import pandas as pd

    Source = World | RunFile | Person | Path | str | pd.DataFrame | Iterable[Event]
    Sources = Source | Iterable[Source] | Mapping[str, Source]

Per = Literal["run", "person", "step"]
_TABLES = (".parquet", ".xlsx", ".jsonl", ".json")


@dataclass(frozen=True)
class Unit:
    """What rows are made from at a time: a run, a person's view or a step (the unit of analysis)."""

    labels: Mapping[str, Any]
    """What tells it from others: `run`, `person`, `step`, as far as there are several."""
    events: Sequence[Event]
    """All of it, in order."""
    model: Callable[[], LLM]
    """Gives the model of its run or person."""
    person: str = ""
    """Whose view it is."""
    run_id: str = ""
    """The id of the run that its events are of; empty where that is not known."""

    def __str__(self) -> str:
        return ", ".join(f"{name} {value}" for name, value in self.labels.items())


@dataclass(frozen=True)
class _Recorded:
    """What was read of one source."""

    name: str
    kind: Literal["run", "person", "text"]
    events: Sequence[Event]
    views: Mapping[str, Sequence[Event]]
    """What each person perceived and did, by name; empty where that is not asked for."""
    model: Callable[[], LLM] = default_llm
    run_id: str = ""


def units_of(source: Sources, per: Per = "run") -> list[Unit]:
    """Read sources and divide them into units.

    Args:
        source: worlds, run files and their paths, people, transcripts (DataFrames as `World.transcript` returns them,
            or the path of a file of one: .csv, .parquet, .xlsx, .jsonl), events, texts, and paths of documents; one of
            them, several, or several by name: a mapping, or a Series of texts. The passages of a text are numbered
            from 1, as events are. What is a path and what a text: `record.named_files.file_meant`.
        per: `run`: each source is a unit. `person`: each person's view of each run, what they perceived and did (in a
            transcript: what they did, and what was said to them or to all). `step`: each step.

    Raises:
        InvalidSettings: a source or a `per` that is none, or a text that has no people or steps.
        UnknownName: there is no such file.
        DamagedFile, NewerFile, UnreadableDocument: it cannot be read.
    """
    if per not in get_args(Per):
        raise InvalidSettings(f"per={per!r}: it is one of {', '.join(get_args(Per))}")
    given, named = _listed(source)
    recorded = [_recorded(one, named[place] if named else None, per) for place, one in enumerate(given)]
    several = len(recorded) > 1 or named is not None
    people = all(one.kind == "person" for one in recorded)
    names = _told_apart([one.name for one in recorded])
    return [unit for one, name in zip(recorded, names, strict=True) for unit in _units(one, name, per, several, people)]


def runs_of(units: Sequence[Unit]) -> dict[str, str]:
    """Return the ids of the runs that units are of, by their `run` label; none where it is not one for all of them."""
    ids: dict[str, set[str]] = {}
    for unit in units:
        ids.setdefault(str(unit.labels.get("run", "")), set()).add(unit.run_id)
    return {name: next(iter(found)) for name, found in ids.items() if len(found) == 1 and "" not in found}


def _listed(source: Any) -> tuple[list[Any], list[str] | None]:
    """Return the sources one by one, and their names where they were given."""
    import pandas as pd

    if isinstance(source, World | RunFile | Person | Path | str | pd.DataFrame):
        return [source], None
    if isinstance(source, pd.Series):
        there = source[source.notna()]
        return there.tolist(), list(map(str, there.index))  # labels may repeat
    if isinstance(source, Mapping):
        return list(source.values()), [str(name) for name in source]
    if not isinstance(source, Iterable):
        raise InvalidSettings(f"{source!r} cannot be read: give runs, people, transcripts, events or texts")
    given = list(source)
    return ([given], None) if given and all(isinstance(one, Event) for one in given) else (given, None)


def _recorded(source: Any, name: str | None, per: Per) -> _Recorded:
    if isinstance(source, Person):
        events = source.memory.unforgotten
        return _Recorded(
            name or source.name, "person", events, {source.name: events}, lambda: source.llm, run_id(source)
        )
    if isinstance(source, World):
        people = source.people if per == "person" else ()
        views = {person.name: person.memory.unforgotten for person in people}
        return _Recorded(name or source.name, "run", source.events(), views, lambda: source.llm, run_id(source))
    if isinstance(source, RunFile):
        return _of_file(source, name or source.spec["name"], per)
    if isinstance(source, str | Path):
        return _of_text_or_path(source, name, per)
    return _of_transcript(source, name or "transcript")


def _of_file(run: RunFile, name: str, per: Per) -> _Recorded:
    people = run.people if per == "person" else ()
    views = {person: _unforgotten(list(run.perceived_by(person))) for person in people}
    return _Recorded(name, "run", list(run.events()), views, partial(llm_of, run.spec), run_id(run))


def _of_transcript(source: Any, name: str) -> _Recorded:
    import pandas as pd

    if isinstance(source, pd.DataFrame) and (missing := [one for one in NEEDED if one not in source.columns]):
        lacks = f"{name}: the table lacks {', '.join(missing)}: it is no transcript."
        raise InvalidSettings(f"{lacks} Of answers give a Series, or a mapping from names to texts")
    run = read_run(source)
    return _Recorded(name, "run", run.events, _views(run))


def _of_text_or_path(given: str | Path, name: str | None, per: Per) -> _Recorded:
    path = file_meant(given, (*SUFFIXES, *_TABLES))
    if path is None:
        return _Recorded(name or "text", "text", passages_of(str(given)), {})
    if is_run_file(path):
        with closing(RunFile.open(path)) as run:
            return _of_file(run, name or path.stem, per)
    if (table := _transcript_in(path)) is not None:
        return _of_transcript(table, name or path.stem)
    words, ending = read_document(path), path.suffix.lower()
    passages = passages_of(words) if ending in (".txt", ".csv") else passages_of_document(words)
    return _Recorded(name or path.stem, "text", passages, {})


def _transcript_in(path: Path) -> pd.DataFrame | None:
    """Return the transcript that a table's file holds; nothing where it holds something else."""
    import pandas as pd

    ending = path.suffix.lower()
    if ending in _TABLES:
        return read_table(path)
    if ending != ".csv":
        return None
    with path.open(encoding="utf-8-sig", errors="replace") as file:
        head = file.readline()
    for mark in ",;\t":
        if {name.strip().strip('"') for name in head.split(mark)}.issuperset(NEEDED):
            return pd.read_csv(path, sep=mark)
    return None


def _unforgotten(events: list[Event]) -> list[Event]:
    notes = (event for event in events if event.kind == "memory" and event.type == "FORGOTTEN")
    gone = {number for note in notes for number in json.loads(note.content)["ids"]}
    return [event for event in events if event.id not in gone]


def _views(run: MeasuredRun) -> dict[str, list[Event]]:
    """Return what each person did, and what was said to them or to all."""
    return {
        name: [event for event in run.events if event.source == name or event.target in (name, "")]
        for name in run.people
    }


def _units(one: _Recorded, name: str, per: Per, several: bool, people: bool) -> Iterator[Unit]:
    if one.kind == "text" and per != "run":
        raise InvalidSettings(f"per={per!r}: {name!r} is a text, which has no people and no steps: take per='run'")
    alone = one.kind == "person"
    kind = "person" if alone and people else "run"
    labels: dict[str, Any] = {kind: name} if several or (kind, per) == ("person", "person") else {}
    whose = next(iter(one.views)) if "person" in labels else ""
    if per == "person" and kind == "run":
        for person, events in one.views.items():
            yield Unit({**labels, "person": person}, events, one.model, person, one.run_id)
    elif per == "step":
        for step, events_of_step in groupby(one.events, key=lambda event: event.step):
            yield Unit({**labels, "step": step}, list(events_of_step), one.model, whose, one.run_id)
    else:
        yield Unit(labels, one.events, one.model, whose, one.run_id)


def _told_apart(names: Sequence[str]) -> list[str]:
    """Return names of which no two are the same: the second `Focus group` is `Focus group (2)`."""
    numbers: Counter[str] = Counter()
    apart: dict[str, None] = {}
    for name in names:
        unique = name
        while unique in apart:
            numbers[name] += 1
            unique = f"{name} ({numbers[name] + 1})"
        apart[unique] = None
    return list(apart)
