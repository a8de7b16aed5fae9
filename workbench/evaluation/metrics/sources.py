"""What is measured: the events of a run, read from a world, a run file, a transcript or a list."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.errors import InvalidSettings
from workbench.record.events import Event
from workbench.record.run_file import RunFile
from workbench.worlds.branches import opened
from workbench.worlds.world import World

if TYPE_CHECKING:
    import pandas as pd

NEEDED = ("id", "step", "time", "kind", "type", "source", "target", "content")
"""The columns of a transcript that are read."""
_TEXTS = ("kind", "type", "source", "target", "content")


@dataclass(frozen=True)
class MeasuredRun:
    """What happened, and among whom."""

    people: tuple[str, ...]
    """Whose talk is measured, those who never said a word included."""
    events: tuple[Event, ...]
    """By number."""
    simultaneous: bool
    """Whether all acted on the same past in a step, so that nobody heard what was said in the same step."""

    @property
    def n_steps(self) -> int:
        """The number of the last step."""
        return max((event.step for event in self.events), default=0)

    def heard_before(self, earlier: Event, later: Event) -> bool:
        """Return whether something was there to be heard when somebody said something else."""
        apart = earlier.kind == "stimulus" or not self.simultaneous or earlier.step < later.step
        return apart and earlier.id < later.id


def read_run(source: object, people: Sequence[str] | None = None, simultaneous: bool | None = None) -> MeasuredRun:
    """Read what is to be measured.

    Args:
        source: a world, a run file or its path, a transcript, or events.
        people: whose talk is measured. When not given, all people of a world or a run file; of a transcript or
            events, all who act in it, in the order in which they first do.
        simultaneous: whether all act on the same past in a step. When not given, as the run says; of a transcript or
            events, True, as worlds are by default.

    Raises:
        InvalidSettings: it is nothing of the kind, or not one run.
        UnknownName: there is no such file.
        DamagedFile, NewerFile: it cannot be read.
    """
    import pandas as pd

    if isinstance(source, World | RunFile | str | Path):
        with opened(source) as file:
            known, at_once = list(file.people), file.spec.get("schedule") == "simultaneous"
            events = source.events() if isinstance(source, World) else list(file.events())
        named = _checked(people, known)
    else:
        events = _events_of(source) if isinstance(source, pd.DataFrame) else _listed(source)
        at_once, named = True, _checked(people, None)
    events = sorted(events, key=lambda event: event.id)
    if len({event.id for event in events}) < len(events):
        raise InvalidSettings("two events have the same id: give one run, not several in one table")
    if not named:
        named = list(dict.fromkeys(event.source for event in events if event.kind == "action" and event.source))
    return MeasuredRun(tuple(named), tuple(events), at_once if simultaneous is None else simultaneous)


def _checked(people: Sequence[str] | None, known: list[str] | None) -> list[str]:
    if people is None:
        return known or []
    if isinstance(people, str) or not all(isinstance(name, str) and name for name in people) or not len(people):
        raise InvalidSettings(f"people={people!r}: it is a list of names, one or more")
    if strangers := [name for name in people if known is not None and name not in known]:
        raise InvalidSettings(f"people={strangers[0]!r}: nobody in this run is called that; there are {known}")
    return list(dict.fromkeys(people))


def _listed(source: object) -> list[Event]:
    if not isinstance(source, Iterable):
        raise InvalidSettings(f"{source!r} is no run: give a world, a run file or its path, a transcript or events")
    events = list(source)
    if odd := [one for one in events if not isinstance(one, Event)]:
        raise InvalidSettings(f"{odd[0]!r} is no event: give a world, a run file or its path, a transcript or events")
    return events


def _events_of(table: pd.DataFrame) -> list[Event]:
    """Read a transcript; one that came from a CSV file has texts for times, and nothing for empty texts."""
    import pandas as pd

    if missing := [name for name in NEEDED if name not in table.columns]:
        raise InvalidSettings(
            f"the transcript lacks {', '.join(missing)}: it has a row an event, as World.transcript()"
        )
    texts = table[list(_TEXTS)].astype(object).where(table[list(_TEXTS)].notna(), "").astype(str)
    try:
        numbers = [table[name].astype("int64").tolist() for name in ("id", "step")]
        times = pd.to_datetime(table["time"], format="ISO8601")
    except (ValueError, TypeError) as error:
        raise InvalidSettings(f"the transcript has an id, step or time that is none: {error}") from error
    if times.isna().any():
        raise InvalidSettings("the transcript has events without a time: each has its own in World.transcript()")
    columns = [*numbers, times.dt.to_pydatetime(), *(texts[name] for name in _TEXTS)]
    return [Event(*fields) for fields in zip(*columns, strict=True)]
