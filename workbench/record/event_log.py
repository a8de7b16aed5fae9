"""What one person perceived, in order: kept in a list, or read from the run file that has it anyway."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import chain, takewhile
from typing import Protocol, Self

from workbench.record.events import Event
from workbench.record.run_file import RunFile


class Log(Protocol):
    """Events in order."""

    def __len__(self) -> int: ...
    def __iter__(self) -> Iterator[Event]: ...
    def append(self, event: Event) -> None:
        """Take in the next event."""

    def cut(self, length: int) -> None:
        """Forget all events but the first."""

    def copy(self) -> Log:
        """Return an independent log that begins with the same events."""


class EventLog:
    """Events in a list, perhaps after others that are read where they are kept.

    Args:
        own: the events.
        earlier: reads those that come before them.
        n_earlier: how many those are.
    """

    def __init__(
        self, own: Sequence[Event] = (), earlier: Callable[[], Iterator[Event]] | None = None, n_earlier: int = 0
    ) -> None:
        self._own = list(own)
        self._earlier = earlier
        self._n_earlier = n_earlier

    def __len__(self) -> int:
        return self._n_earlier + len(self._own)

    def __iter__(self) -> Iterator[Event]:
        return chain(self._earlier() if self._earlier else (), self._own)

    def append(self, event: Event) -> None:
        """Take in the next event."""
        self._own.append(event)

    def cut(self, length: int) -> None:
        """Forget all events but the first; those that are kept elsewhere stay."""
        del self._own[max(length - self._n_earlier, 0) :]

    def copy(self) -> Self:
        """Return an independent log; events do not change, so they are shared."""
        return type(self)(self._own, self._earlier, self._n_earlier)


class RecordedLog:
    """What somebody of a run perceived: the run file has it, so only their number is kept here.

    Args:
        file: of the run.
        name: whose log it is.
        pending: returns what has happened in a step that is not committed yet, each with who perceived it.
        takes_in: tells which of the events that they perceived belong into the log.
    """

    def __init__(
        self,
        file: RunFile,
        name: str,
        pending: Callable[[], Sequence[tuple[Event, Sequence[str]]]],
        takes_in: Callable[[Event], bool],
    ) -> None:
        self._file, self._name, self._pending, self._takes_in = file, name, pending, takes_in
        self._length = 0

    @property
    def run_id(self) -> str:
        """The id of the run."""
        return str(self._file.spec.get("run", ""))

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[Event]:
        return chain(self._committed(), self._uncommitted())

    def append(self, event: Event) -> None:
        """Count an event that the run has taken in."""
        self._length += 1

    def cut(self, length: int) -> None:
        """Forget all events but the first; the run forgets them, too."""
        self._length = length

    def copy(self) -> EventLog:
        """Return a log that reads what is there now, and takes in events of its own."""
        own, last_id = self._uncommitted(), self._file.last_id
        return EventLog(own, lambda: self._until(last_id), self._length - len(own))

    def _committed(self) -> Iterator[Event]:
        return filter(self._takes_in, self._file.perceived_by(self._name))

    def _uncommitted(self) -> list[Event]:
        return [event for event, heard_by in self._pending() if self._name in heard_by and self._takes_in(event)]

    def _until(self, last_id: int) -> Iterator[Event]:
        return takewhile(lambda event: event.id <= last_id, self._committed())
