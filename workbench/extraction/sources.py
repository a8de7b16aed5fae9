"""What is read: runs, people, transcripts and texts, divided into units of analysis."""

from __future__ import annotations

import json
import re
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
from workbench.errors import InvalidSettings, UnknownName
from workbench.evaluation.metrics.sources import MeasuredRun, read_run
from workbench.llm.client import LLM, default_llm
from workbench.record.events import START, Event
from workbench.record.run_file import RunFile
from workbench.worlds.recording import llm_of
from workbench.worlds.world import World

if TYPE_CHECKING:
    import pandas as pd

    Source = World | RunFile | Person | Path | str | pd.DataFrame | Iterable[Event]
    Sources = Source | Iterable[Source] | Mapping[str, Source]

Per = Literal["run", "person", "step"]
PASSAGE = 1500
"""Characters of a text that are one passage at most: what a row can point to."""
_RUN_ENDING = ".sqlite"
_LONGEST_PATH = 1000
_SENTENCE = re.compile(r"(?<=[.!?…।؟])\s+|(?<=[。！？｡])")


@dataclass(frozen=True)
class Unit:
    """What rows are made from at a time: a run, a person's view or a step (the unit of analysis)."""

    labels: Mapping[str, Any]
    """What tells it from others: `run`, `person`, `step`, as far as there are several."""
    events: Sequence[Event]
    """All of it, in order."""
    model: Callable[[], LLM]
    """Gives the model of its run or person."""

    def __str__(self) -> str:
        return ", ".join(f"{name} {value}" for name, value in self.labels.items()) or "the run"


@dataclass(frozen=True)
class _Recorded:
    """What was read of one source."""

    name: str
    kind: Literal["run", "person", "text"]
    events: Sequence[Event]
    views: Mapping[str, Sequence[Event]]
    """What each person perceived and did, by name."""
    model: Callable[[], LLM] = default_llm


def units_of(source: Sources, per: Per = "run") -> list[Unit]:
    """Read sources and divide them into units.

    Args:
        source: worlds, run files and their paths, people, transcripts (DataFrames as `World.transcript` returns them),
            events, texts, and paths of documents; one of them, several, or several by name. A text that is not the path
            of a file that is there, is read as a text: its passages are numbered from 1, as events are.
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
    recorded = [_recorded(one, named[place] if named else None) for place, one in enumerate(given)]
    several = len(recorded) > 1 or named is not None
    names = _told_apart([one.name for one in recorded])
    return [unit for one, name in zip(recorded, names, strict=True) for unit in _units(one, name, per, several)]


def _listed(source: Any) -> tuple[list[Any], list[str] | None]:
    """Return the sources one by one, and their names where they were given."""
    import pandas as pd

    if isinstance(source, World | RunFile | Person | Path | str | pd.DataFrame):
        return [source], None
    if isinstance(source, Mapping):
        return list(source.values()), [str(name) for name in source]
    if not isinstance(source, Iterable):
        raise InvalidSettings(f"{source!r} cannot be read: give runs, people, transcripts, events or texts")
    given = list(source)
    return ([given], None) if given and all(isinstance(one, Event) for one in given) else (given, None)


def _recorded(source: Any, name: str | None) -> _Recorded:
    if isinstance(source, Person):
        events = source.memory.unforgotten
        return _Recorded(name or source.name, "person", events, {source.name: events}, lambda: source.llm)
    if isinstance(source, World):
        views = {person.name: person.memory.unforgotten for person in source.people}
        return _Recorded(name or source.name, "run", source.events(), views, lambda: source.llm)
    if isinstance(source, RunFile):
        return _of_file(source, name or source.spec["name"])
    if isinstance(source, str | Path):
        return _of_text_or_path(source, name)
    run = read_run(source)
    return _Recorded(name or "transcript", "run", run.events, _views(run))


def _of_file(run: RunFile, name: str) -> _Recorded:
    views = {person: _unforgotten(list(run.perceived_by(person))) for person in run.people}
    return _Recorded(name, "run", list(run.events()), views, partial(llm_of, run.spec))


def _of_text_or_path(given: str | Path, name: str | None) -> _Recorded:
    path = _file(given)
    if path is None:
        assert isinstance(given, str)
        return _Recorded(name or "text", "text", passages_of(given), {})
    if path.suffix.lower() in SUFFIXES:
        return _Recorded(name or path.stem, "text", passages_of(read_document(path)), {})
    with closing(RunFile.open(path)) as run:
        return _of_file(run, name or path.stem)


def _file(given: str | Path) -> Path | None:
    """Return the path that is meant; none where it is a text."""
    if isinstance(given, str):
        looks = len(given) < _LONGEST_PATH and "\n" not in given and "\0" not in given
        ending = given.strip().lower().endswith((_RUN_ENDING, *SUFFIXES)) and " " not in given.strip()
        if not looks or not (ending or Path(given).is_file()):
            return None
    path = Path(given)
    if not path.is_file():
        raise UnknownName(f"there is no file {path.absolute()}: give a run file, a document, or a text")
    return path


def passages_of(text: str) -> list[Event]:
    """Return the passages of a text as events that are numbered from 1: its lines, long ones by their sentences."""
    passages = [passage for line in text.splitlines() for passage in _short(line.strip())]
    return [Event(n, 0, START, "stimulus", "PASSAGE", "", "", words) for n, words in enumerate(passages, start=1)]


def _short(line: str) -> Iterator[str]:
    """Yield a line in passages of whole sentences; a longer sentence is cut where the next passage begins."""
    passage = ""
    for sentence in _SENTENCE.split(line):
        if passage and len(passage) + len(sentence) >= PASSAGE:
            yield passage
            passage = ""
        passage = f"{passage} {sentence}".strip()
        while len(passage) > PASSAGE:
            yield passage[:PASSAGE]
            passage = passage[PASSAGE:]
    if passage:
        yield passage


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


def _units(one: _Recorded, name: str, per: Per, several: bool) -> Iterator[Unit]:
    if one.kind == "text" and per != "run":
        raise InvalidSettings(f"per={per!r}: {name!r} is a text, which has no people and no steps: take per='run'")
    kind = "person" if one.kind == "person" else "run"
    labels: dict[str, Any] = {kind: name} if several or (kind, per) == ("person", "person") else {}
    if per == "person" and kind == "run":
        for person, events in one.views.items():
            yield Unit({**labels, "person": person}, events, one.model)
    elif per == "step":
        for step, events_of_step in groupby(one.events, key=lambda event: event.step):
            yield Unit({**labels, "step": step}, list(events_of_step), one.model)
    else:
        yield Unit(labels, one.events, one.model)


def _told_apart(names: Sequence[str]) -> list[str]:
    """Return names of which no two are the same: the second `Focus group` is `Focus group (2)`."""
    numbers: Counter[str] = Counter()
    apart: list[str] = []
    for name in names:
        unique = name
        while unique in apart:
            numbers[name] += 1
            unique = f"{name} ({numbers[name] + 1})"
        apart.append(unique)
    return apart
