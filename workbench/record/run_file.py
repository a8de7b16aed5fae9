"""The run file: one recorded simulation in one SQLite file.

A step is committed in one transaction, so it is there whole or not at all. Nothing here knows what a person or a
world is: it keeps their names, their first state as JSON, and what happened.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.errors import (
    DamagedFile,
    InvalidPersona,
    StorageError,
    UnknownName,
    WorkbenchError,
    storage_errors,
)
from workbench.record import layout
from workbench.record.blobs import Blobs
from workbench.record.events import Event
from workbench.record.placing import IfExists, check_if_exists, placed
from workbench.record.rows import COLUMNS, event_of, frame_of, row_of

if TYPE_CHECKING:
    import pandas as pd

IN_MEMORY = Path(":memory:")
_AT_ONCE = 2_000
"""Events that are read at once: a cursor that is left open would keep other processes from writing."""


class RunFile:
    """A run file, open for reading and appending. Make one with `create`, or `open` one that is there.

    Args:
        connection: the open database.
        path: where it is; `:memory:` for a run that is not kept.
    """

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self._connection = connection
        self.path = path
        rows = self._rows("SELECT name, number FROM people ORDER BY number")
        self._numbers: dict[str, int] = dict(rows)
        self._names = {str(number): name for name, number in self._numbers.items()}
        self.blobs = Blobs(self._blob)
        self._current = self._rows("PRAGMA user_version")[0][0] == layout.VERSION

    def __repr__(self) -> str:
        return f"RunFile({str(self.path)!r}, steps={self.steps})"

    @classmethod
    def create(
        cls,
        path: str | Path | None,
        spec: Mapping[str, Any],
        people: Mapping[str, Mapping[str, Any]],
        if_exists: IfExists = "fail",
        events: Sequence[tuple[Event, Sequence[str]]] = (),
        blobs: Iterable[bytes] = (),
    ) -> RunFile:
        """Make a run file.

        Args:
            path: where; None keeps the run in memory only.
            spec: what the run is made of, as JSON: seed, model, schedule, versions.
            people: the first state of each person by name, as JSON.
            if_exists: `fail`, or `replace` a run that is there.
            events: what is in it from the start, each with the names of those who perceived it.
            blobs: the bytes that they name.

        Raises:
            InvalidSettings: `if_exists` is neither.
            RunExists: a run is there, and `if_exists` is `fail`.
            DamagedFile, NewerFile: something is there that is no run of this version; it is never replaced.
        """
        if path is None:
            connection = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)
            check_if_exists(if_exists)
            return cls._lay_out(connection, IN_MEMORY, spec, people, events, blobs)
        target = Path(path)
        with placed(target, if_exists, check=cls.check) as temporary:
            connection = sqlite3.connect(temporary, isolation_level=None)
            with closing(connection):
                cls._lay_out(connection, target, spec, people, events, blobs)
        return cls.open(target)

    @classmethod
    def check(cls, path: Path) -> None:
        """Check that a file is a run.

        Raises:
            DamagedFile, NewerFile: it is none, or not one that this version reads.
        """
        cls.open(path).close()

    @classmethod
    def _lay_out(
        cls,
        connection: sqlite3.Connection,
        path: Path,
        spec: Mapping[str, Any],
        people: Mapping[str, Mapping[str, Any]],
        events: Sequence[tuple[Event, Sequence[str]]],
        blobs: Iterable[bytes],
    ) -> RunFile:
        connection.executescript(layout.SCHEMA)
        connection.execute("BEGIN")
        meta = [(key, json.dumps(value, ensure_ascii=False)) for key, value in spec.items()]
        connection.executemany("INSERT INTO meta VALUES (?, ?)", meta)
        states = [(n, name, json.dumps(s, ensure_ascii=False)) for n, (name, s) in enumerate(people.items(), start=1)]
        connection.executemany("INSERT INTO people VALUES (?, ?, ?)", states)
        connection.execute("COMMIT")
        file = cls(connection, path)
        for data in blobs:
            file.blobs.keep(data)
        file.append(events)
        connection.execute("INSERT INTO steps VALUES (0, '', '[]', NULL, ?)", (len(events),))
        return file

    @classmethod
    def open(cls, path: str | Path) -> RunFile:
        """Open a run file.

        Raises:
            UnknownName: there is no such file.
            DamagedFile: it is no run file, or a damaged one. It is left as it is.
            NewerFile: a later version of the workbench wrote it.
        """
        path = Path(path)
        if not path.exists():
            raise UnknownName(f"there is no run file at {path.absolute()}")
        with storage_errors(path, "the run file"):
            connection = sqlite3.connect(path, timeout=60, check_same_thread=False, isolation_level=None)
            try:
                layout.check(connection, path)
                connection.execute("PRAGMA synchronous = NORMAL")
                return cls(connection, path)
            except BaseException:
                connection.close()
                raise

    def copy(
        self,
        path: str | Path | None,
        *,
        until: int,
        change: Callable[[RunFile], None] = lambda copied: None,
        if_exists: IfExists = "fail",
    ) -> RunFile:
        """Copy the run as it was at the end of a step, without what was said after it, and without what it has cost.

        Args:
            path: where; None keeps the copy in memory only.
            until: the step; 0: what the run began with.
            change: is given the copy before it comes to its place.
            if_exists: as for `create`.

        Raises:
            UnknownName: there is no such step.
            RunExists: a run is there, and `if_exists` is `fail`.
        """
        if until not in (ends := self.ends):
            raise UnknownName(f"{self.path} has {self.steps} whole steps: there is no step {until}")
        if path is None:
            check_if_exists(if_exists)
            connection = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)
            return self._copy_into(connection, IN_MEMORY, (until, ends[until]), change)
        target = Path(path)
        with placed(target, if_exists, check=self.check) as temporary:
            connection = sqlite3.connect(temporary, isolation_level=None)
            with closing(connection):
                self._copy_into(connection, target, (until, ends[until]), change)
        return self.open(target)

    def _copy_into(
        self, connection: sqlite3.Connection, path: Path, end: tuple[int, int], change: Callable[[RunFile], None]
    ) -> RunFile:
        with storage_errors(self.path, "the run file"):
            self._connection.backup(connection)
            layout.cut(connection, *end)
            copied = type(self)(connection, path)
            change(copied)
        return copied

    def change(self, contents: Mapping[int, str], keep_blobs: Iterable[str], drop: Iterable[str], **facts: Any) -> None:
        """Change what a copy is, before anything lives by it, in one transaction.

        Args:
            contents: what events say instead, by id; nothing is left of the calls that produced them.
            keep_blobs: the names of all bytes that are still named.
            drop: the names of facts that are of the run it was copied from alone.
            facts: of the run, as `note` takes them.
        """
        kept = set(keep_blobs)
        with storage_errors(self.path, "the run file"), self._connection as connection:
            connection.execute("BEGIN")
            rows = [(content, number) for number, content in contents.items()]
            connection.executemany("UPDATE events SET content = ?, call = NULL WHERE id = ?", rows)
            gone = [row for row in connection.execute("SELECT name FROM blobs").fetchall() if row[0] not in kept]
            connection.executemany("DELETE FROM blobs WHERE name = ?", gone)
            connection.executemany("DELETE FROM meta WHERE key = ?", [(key,) for key in drop])
            self._put(facts)

    def close(self) -> None:
        """Close the file; what was committed is in it."""
        self._connection.close()

    @property
    def spec(self) -> dict[str, Any]:
        """What the run is made of."""
        with reading(self.path):
            return {key: json.loads(value) for key, value in self._rows("SELECT key, value FROM meta")}

    @property
    def people(self) -> dict[str, dict[str, Any]]:
        """The first state of each person, in the order in which they were given."""
        with reading(self.path):
            rows = self._rows("SELECT name, state FROM people ORDER BY number")
            return {name: json.loads(state) for name, state in rows}

    @property
    def steps(self) -> int:
        """How many steps are committed."""
        return int(self._rows("SELECT coalesce(max(step), 0) FROM steps")[0][0])

    @property
    def last_step(self) -> tuple[int, datetime, list[Any]] | None:
        """The number, the time at the end and the meter of the last committed step."""
        with reading(self.path):
            query = "SELECT step, time, meter FROM steps WHERE step > 0 ORDER BY step DESC LIMIT 1"
            for step, time, meter in self._rows(query):
                return step, datetime.fromisoformat(time), json.loads(meter)
        return None

    def clock(self, step: int) -> Any:
        """Return what a committed step kept of the clock, as JSON; nothing before the first, or in an old file."""
        if not self._current:
            return None
        with reading(self.path):
            rows = self._rows("SELECT clock FROM steps WHERE step = ?", (step,))
            return json.loads(rows[0][0]) if rows and rows[0][0] else None

    @property
    def ends(self) -> dict[int, int]:
        """The last event of each committed step, without what was said after it; step 0: what the run began with."""
        with storage_errors(self.path, "the run file"):
            return layout.ends_of_steps(self._connection)

    @property
    def last_id(self) -> int:
        """The number of the last event."""
        return int(self._rows("SELECT coalesce(max(id), 0) FROM events")[0][0])

    @property
    def n_events(self) -> int:
        """How many events there are."""
        return int(self._rows("SELECT count(*) FROM events")[0][0])

    def events(self, steps: range | None = None) -> Iterator[Event]:
        """Read the events in order, all or those of some steps."""
        return (event for event, _ in self.perceived(steps))

    def perceived(self, steps: range | None = None) -> Iterator[tuple[Event, Sequence[str]]]:
        """Read the events in order, each with the names of those who perceived it."""
        where, bounds = "", tuple[int, ...]()
        if steps is not None:
            where, bounds = "AND step >= ? AND step < ?", (steps.start, steps.stop)
        return self._read(where, bounds)

    def perceived_by(self, name: str) -> Iterator[Event]:
        """Read what one person perceived, in order."""
        if not self._current:  # it has no index
            return (event for event, heard_by in self.perceived() if name in heard_by)
        where = "AND id IN (SELECT event FROM perceived WHERE person IN (?, ?))"
        return (event for event, _ in self._read(where, (layout.ALL, self._numbers[name])))

    def since_last_step(self) -> list[Event]:
        """Return what has happened after the last committed step: what the researcher said and changed."""
        return [event for event, _ in self._read("AND id > ?", (self.ends[self.steps],))]

    def latest(self, type_: str, n: int) -> list[Event]:
        """Return the latest events of a type, in order; at most so many."""
        with reading(self.path):
            query = f"SELECT {COLUMNS} FROM events WHERE type = ? ORDER BY id DESC LIMIT ?"  # noqa: S608  # a constant
            return [event_of(row) for row in reversed(self._rows(query, (type_, n)))]

    def _read(self, where: str, bounds: tuple[Any, ...]) -> Iterator[tuple[Event, Sequence[str]]]:
        query = f"SELECT {COLUMNS}, heard_by FROM events WHERE id > ? AND id <= ? {where} ORDER BY id LIMIT {_AT_ONCE}"  # noqa: S608  # constants
        last, read = self.last_id, 0
        with reading(self.path):
            while rows := self._rows(query, (read, last, *bounds)):
                for *fields, heard_by in rows:
                    yield event_of(fields), self._read_names(heard_by)
                read = rows[-1][0]

    def to_frame(self) -> pd.DataFrame:
        """Return a DataFrame, one row an event, with the columns of `Event`."""
        return frame_of(self.events())

    def append(
        self,
        events: Sequence[tuple[Event, Sequence[str]]],
        *,
        step: tuple[int, datetime, Any] | None = None,
        clock: Any = None,
    ) -> None:
        """Write events, and perhaps the end of a step, in one transaction.

        Args:
            events: each with the names of those who perceived it.
            step: its number, the time at its end, and the meter as JSON.
            clock: what has to be known of the clock to go on, as JSON.

        Raises:
            StorageError: it could not be written; the file is as it was before.
        """
        rows = [row_of(event, self._write_names(heard_by)) for event, heard_by in events]
        perceived = layout.perceived_rows([(row[0], row[-1]) for row in rows])
        with storage_errors(self.path, "the run file"):
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                if not self._current:
                    layout.upgrade(self._connection)
                self._connection.executemany("INSERT OR IGNORE INTO blobs VALUES (?, ?)", self.blobs.new.items())
                self._connection.executemany("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
                self._connection.executemany("INSERT INTO perceived VALUES (?, ?)", perceived)
                if step:
                    number, time, meter = step
                    values = (number, time.isoformat(), json.dumps(meter), json.dumps(clock), self.last_id)
                    self._connection.execute("INSERT INTO steps VALUES (?, ?, ?, ?, ?)", values)
                self._connection.execute("COMMIT")
                self._current = True
                self.blobs.new.clear()
            except sqlite3.IntegrityError as error:
                self._roll_back()
                raise StorageError(
                    f"{self.path}: another process has gone on with this run meanwhile ({error}). "
                    "Resume it again, or record to another file.",
                    path=self.path,
                ) from error
            except BaseException:
                self._roll_back()
                raise

    def note(self, **facts: Any) -> None:
        """Keep facts of the run beside its events, as JSON: what a failed step has cost, how far it was to go.

        Raises:
            StorageError: they could not be written.
        """
        with storage_errors(self.path, "the run file"):
            self._put(facts)

    def _put(self, facts: Mapping[str, Any]) -> None:
        values = [(key, json.dumps(value, ensure_ascii=False)) for key, value in facts.items()]
        self._connection.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", values)

    def _blob(self, name: str) -> bytes | None:
        if not self._rows("SELECT 1 FROM sqlite_master WHERE name = 'blobs'"):  # a file of version 1
            return None
        rows = self._rows("SELECT data FROM blobs WHERE name = ?", (name,))
        return bytes(rows[0][0]) if rows else None

    def _roll_back(self) -> None:
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")

    def _rows(self, query: str, values: Sequence[Any] = ()) -> list[Any]:
        with storage_errors(self.path, "the run file"):
            # all at once: a cursor that is left open would keep other processes from writing
            return self._connection.execute(query, values).fetchall()

    def _write_names(self, names: Sequence[str]) -> str:
        if len(names) == len(self._numbers):
            return layout.EVERYBODY
        return ",".join(str(self._numbers[name]) for name in names)

    def _read_names(self, text: str) -> Sequence[str]:
        if text == layout.EVERYBODY:
            return list(self._numbers)
        return [self._names[number] for number in text.split(",")] if text else []


@contextmanager
def closed_on_failure(file: RunFile) -> Iterator[None]:
    """Close a run file where an error passes."""
    try:
        yield
    except BaseException:
        file.close()
        raise


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn what goes wrong while the content of a run file is read into a `DamagedFile`."""
    try:
        yield
    except (ValueError, TypeError, LookupError, AttributeError) as error:
        if isinstance(error, WorkbenchError) and not isinstance(error, InvalidPersona):
            raise
        raise DamagedFile(
            f"{path}: the run file is damaged ({error!r}). It was left as it is: move it away or restore a copy.",
            path=path,
        ) from error
