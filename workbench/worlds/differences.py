"""`diff`: where two runs part, and by how much each of their people and figures differ."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.html import box, table
from workbench.record.events import Event
from workbench.record.run_file import RunFile
from workbench.worlds.branches import opened
from workbench.worlds.replaying import line_of
from workbench.worlds.world import World

if TYPE_CHECKING:
    import pandas as pd

Run = World | RunFile | str | Path
COMPARED = ("id", "step", "time", "kind", "type", "source", "target", "content")
"""What two events have to have in common; the call that produced them may be another one."""


@dataclass(frozen=True, eq=False)
class Difference:
    """How two runs differ."""

    runs: tuple[str, str]
    """What they are called: a and b, with their files."""
    first: tuple[Event | None, Event | None] | None
    """The first events that differ, one of each run (None: it has ended); None as a whole where nothing differs."""
    n_equal: int
    """How many events are equal before it."""
    people: pd.DataFrame
    """One row a person: first_event (the id of the first of their events that differs; NaN: none), and each figure in
    either run."""
    metrics: pd.DataFrame
    """One row a figure of the whole run: a, b, and b - a."""

    @property
    def equal(self) -> bool:
        """True where nothing differs."""
        return self.first is None

    def __str__(self) -> str:
        if self.first is None:
            return f"{self.runs[0]} and {self.runs[1]} are equal: {self.n_equal} events"
        parts = [f"{run}: {line_of(event, 'has ended')}" for run, event in zip(self.runs, self.first, strict=True)]
        return "\n".join([f"equal for {self.n_equal} events; then", *parts])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        rows = (
            []
            if self.first is None
            else list(zip(self.runs, (line_of(event, "has ended") for event in self.first), strict=True))
        )
        first = table(["run", "the first event that differs"], rows) if rows else ""
        figures = table(list(self.metrics.columns), [[_shown(cell) for cell in row] for row in self.metrics.to_numpy()])
        return box("Two runs", str(self).splitlines()[0], first + figures)


def diff(run_a: Run, run_b: Run) -> Difference:
    """Compare two runs event by event.

    Args:
        run_a: a world, a run file, or the path of one.
        run_b: the other, such as a branch of the first.

    Returns:
        the first event that differs, and per-person and per-metric differences as DataFrames.

    Raises:
        UnknownName: there is no such file.
        DamagedFile, NewerFile: it cannot be read.
    """
    with ExitStack() as stack:
        files = [stack.enter_context(opened(run)) for run in (run_a, run_b)]
        first, n_equal = _first_difference(*files)
        parted = _first_of_each(*files)
        figures = [_Figures.of(file) for file in files]
        named = f"a ({files[0].path})", f"b ({files[1].path})"
    return Difference(named, first, n_equal, _people_df(figures, parted), _metrics_df(figures))


def _key(event: Event | None) -> tuple[object, ...] | None:
    return tuple(getattr(event, name) for name in COMPARED) if event else None


Perceived = tuple[Event, Sequence[str]]


def _pairs(one: RunFile, other: RunFile) -> Iterator[tuple[Perceived | None, Perceived | None]]:
    return zip_longest(one.perceived(), other.perceived())


def _differ(one: Perceived | None, other: Perceived | None) -> bool:
    if one is None or other is None:
        return True
    return _key(one[0]) != _key(other[0]) or list(one[1]) != list(other[1])


def _first_difference(one: RunFile, other: RunFile) -> tuple[tuple[Event | None, Event | None] | None, int]:
    n_equal = 0
    for a, b in _pairs(one, other):
        if _differ(a, b):
            return (a and a[0], b and b[0]), n_equal
        n_equal += 1
    return None, n_equal


def _first_of_each(one: RunFile, other: RunFile) -> dict[str, int]:
    """Return the first event of each person that differs, whatever number it has in the other run."""
    lives = [_lives(file) for file in (one, other)]
    parted: dict[str, int] = {}
    for name in dict.fromkeys([*lives[0], *lives[1]]):
        pairs = zip_longest(*(life.get(name, []) for life in lives))
        found = next(((a, b) for a, b in pairs if (a and a[1]) != (b and b[1])), None)
        if found:
            parted[name] = next(end[0] for end in found if end)
    return parted


def _lives(file: RunFile) -> dict[str, list[tuple[int, int]]]:
    """Return of each person the ids of what they perceived and did, each with a hash of what that was."""
    lives: dict[str, list[tuple[int, int]]] = {name: [] for name in file.people}
    for event, heard_by in file.perceived():
        told = hash((event.step, event.kind, event.type, event.source, event.target, event.content))
        for name in heard_by:
            lives[name].append((event.id, told))
    return lives


class _Figures:
    """Figures of a run: of all, and of each person."""

    def __init__(self) -> None:
        self.whole: Counter[str] = Counter()
        self.people: dict[str, Counter[str]] = {}

    @classmethod
    def of(cls, file: RunFile) -> _Figures:
        made = cls()
        made.people = {name: Counter() for name in file.people}
        made.whole["steps"] = file.steps
        words: dict[str, set[str]] = {name: set() for name in made.people}
        for event, heard_by in file.perceived():
            made.whole["events"] += 1
            for name in heard_by:
                made.people[name]["perceived"] += name != event.source
            if event.kind == "action" and event.source in made.people:
                made.people[event.source].update(_figures_of(event))
                if event.type == "TALK":
                    words[event.source].update(event.content.casefold().split())
        for name, counts in made.people.items():
            counts["distinct_words"] = len(words[name])
            made.whole.update({key: counts[key] for key in SUMMED})
        made.whole["distinct_words"] = len(set().union(*words.values()))
        return made


SUMMED = ("actions", "talks", "words", "characters", "thoughts", "done")
PER_PERSON = (*SUMMED, "distinct_words", "perceived")
WHOLE = ("steps", "events", *SUMMED, "distinct_words")


def _figures_of(event: Event) -> dict[str, int]:
    talk = event.type == "TALK"
    return {
        "actions": 1,
        "talks": int(talk),
        "words": len(event.content.split()) if talk else 0,
        "characters": len(event.content) if talk else 0,
        "thoughts": int(event.type == "THINK"),
        "done": int(event.type == "DONE"),
    }


def _people_df(figures: Sequence[_Figures], parted: dict[str, int]) -> pd.DataFrame:
    import pandas as pd

    names = list(dict.fromkeys(name for one in figures for name in one.people))
    rows = []
    for name in names:
        both = [one.people.get(name) for one in figures]
        values = [float("nan") if one is None else one[key] for key in PER_PERSON for one in both]
        rows.append((name, parted.get(name, float("nan")), *values))
    columns = ["person", "first_event", *(f"{key}_{run}" for key in PER_PERSON for run in "ab")]
    return pd.DataFrame(rows, columns=columns)


def _metrics_df(figures: Sequence[_Figures]) -> pd.DataFrame:
    import pandas as pd

    a, b = (one.whole for one in figures)
    rows = [(key, a[key], b[key], b[key] - a[key]) for key in WHOLE]
    return pd.DataFrame(rows, columns=["metric", "a", "b", "difference"])


def _shown(cell: object) -> str:
    return f"{cell:,}" if isinstance(cell, int) else str(cell)
