"""Events as rows: of the table `events`, and of a DataFrame."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import astuple
from datetime import datetime
from typing import TYPE_CHECKING, Any, get_args

from workbench.record.events import Event, Kind

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = "id, step, time, kind, type, source, target, content, call"


def row_of(event: Event, heard_by: str) -> tuple[Any, ...]:
    """Return an event as the table `events` holds it, with who perceived it."""
    e = event
    return (e.id, e.step, e.time.isoformat(), e.kind, e.type, e.source, e.target, e.content, e.call, heard_by)


def event_of(fields: Sequence[Any]) -> Event:
    """Read an event of the table `events`.

    Raises:
        ValueError: it is none.
    """
    number, step, time, kind, type_, source, target, content, call = fields
    if kind not in get_args(Kind):
        raise ValueError(f"event {number} is of the kind {kind!r}")
    return Event(number, step, datetime.fromisoformat(time), kind, type_, source, target, content, call)


def frame_of(events: Iterable[Event]) -> pd.DataFrame:
    """Return a DataFrame, one row an event, with the columns of `Event`."""
    import pandas as pd

    frame = pd.DataFrame([astuple(event) for event in events], columns=COLUMNS.split(", "))
    return frame.assign(time=pd.to_datetime(frame["time"]))
