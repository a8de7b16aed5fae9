"""How a run file is laid out, how a file of this and of earlier versions is told, and how an earlier one is brought up.

Step 0 stands for what a run began with. `perceived` is an index over `events.heard_by`, so that what one of ten
thousand people perceived is found at once.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import datetime
from itertools import takewhile
from pathlib import Path

from workbench.errors import DamagedFile, NewerFile

VERSION = 3
"""2 added `blobs`; 3 `perceived`, and to `steps` the clock and the last event. Files of 1 and 2 are read, and become
files of version 3 when they go on."""
APPLICATION = 0x50574272  # "PWBr": tells a run file from any other SQLite file
EVERYBODY = "*"
ALL = 0
"""The person of `perceived` who stands for everybody."""

_BLOBS = "CREATE TABLE IF NOT EXISTS blobs (name TEXT PRIMARY KEY, data BLOB NOT NULL) WITHOUT ROWID"
_PERCEIVED = """
CREATE TABLE IF NOT EXISTS perceived (person INTEGER, event INTEGER, PRIMARY KEY (person, event)) WITHOUT ROWID
"""
SCHEMA = f"""
PRAGMA application_id = {APPLICATION};
PRAGMA user_version = {VERSION};
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE people (number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, state TEXT NOT NULL);
CREATE TABLE steps (
    step INTEGER PRIMARY KEY, time TEXT NOT NULL, meter TEXT NOT NULL, clock TEXT, last_event INTEGER
);
CREATE TABLE events (
    id INTEGER PRIMARY KEY, step INTEGER NOT NULL, time TEXT NOT NULL, kind TEXT NOT NULL, type TEXT NOT NULL,
    source TEXT NOT NULL, target TEXT NOT NULL, content TEXT NOT NULL, call TEXT, heard_by TEXT NOT NULL
);
CREATE INDEX events_by_step ON events (step);
{_PERCEIVED};
{_BLOBS};
"""


def check(connection: sqlite3.Connection, path: Path) -> None:
    """Check that a file is a run file which this version can read.

    Raises:
        DamagedFile: it is none, or it is damaged.
        NewerFile: a later version wrote it.
    """
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if application != APPLICATION:
        raise DamagedFile(f"{path} is not a run file of the workbench. It was left as it is.", path=path)
    if version > VERSION:
        raise NewerFile(
            f"{path} was written by a later version of the workbench (run file version {version}, this one reads "
            f"{VERSION}): install a newer workbench to read it.",
            path=path,
        )
    found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    if found != "ok":
        raise DamagedFile(f"{path}: the run file is damaged ({found}). It was left as it is.", path=path)


def upgrade(connection: sqlite3.Connection) -> None:
    """Bring a file of an earlier version up, inside a transaction that is open."""
    connection.execute(_BLOBS)
    connection.execute(_PERCEIVED)
    connection.execute("ALTER TABLE steps ADD COLUMN clock TEXT")
    connection.execute("ALTER TABLE steps ADD COLUMN last_event INTEGER")
    heard = connection.execute("SELECT id, heard_by FROM events").fetchall()
    connection.executemany("INSERT INTO perceived VALUES (?, ?)", perceived_rows(heard))
    ends = _ends(connection)
    connection.execute("INSERT INTO steps VALUES (0, '', '[]', NULL, NULL)")
    connection.executemany("UPDATE steps SET last_event = ? WHERE step = ?", ends)
    connection.execute(f"PRAGMA user_version = {VERSION}")


def cut(connection: sqlite3.Connection, step: int, last_event: int) -> None:
    """Leave in a copy what there was at the end of a step, and nothing of what it has cost, in one transaction.

    Args:
        connection: to the copy.
        step: the last that stays.
        last_event: the last event of it.
    """
    with connection:
        connection.execute("BEGIN")
        if connection.execute("PRAGMA user_version").fetchone()[0] < VERSION:
            upgrade(connection)
        connection.execute("DELETE FROM perceived WHERE event > ?", (last_event,))
        connection.execute("DELETE FROM events WHERE id > ?", (last_event,))
        connection.execute("DELETE FROM steps WHERE step > ?", (step,))
        connection.execute("UPDATE steps SET meter = '[]'")
    connection.execute("VACUUM")


def perceived_rows(heard: list[tuple[int, str]]) -> Iterator[tuple[int, int]]:
    """Yield the rows of `perceived` that stand for who heard which event."""
    for event, heard_by in heard:
        if heard_by == EVERYBODY:
            yield ALL, event
        elif heard_by:
            for number in heard_by.split(","):
                yield int(number), event


def ends_of_steps(connection: sqlite3.Connection) -> dict[int, int]:
    """Return the last event of each step, without what was said after it; of a file of any version."""
    if connection.execute("PRAGMA user_version").fetchone()[0] == VERSION:
        return dict(connection.execute("SELECT step, last_event FROM steps ORDER BY step").fetchall())
    return {step: last for last, step in _ends(connection)}


def _ends(connection: sqlite3.Connection) -> list[tuple[int, int]]:
    """Find the last event of each step in a file that does not say it, as (event, step).

    Before the first step, that is what people and tools brought along; what was said after a step came at its end time.
    """
    first = connection.execute("SELECT kind FROM events WHERE step = 0 ORDER BY id").fetchall()
    last = sum(1 for _ in takewhile(lambda row: row[0] in ("memory", "note"), first))
    ends = [(last, 0)]
    for step, end in connection.execute("SELECT step, time FROM steps WHERE step > 0 ORDER BY step").fetchall():
        rows = connection.execute("SELECT id, time FROM events WHERE step = ? ORDER BY id", (step,)).fetchall()
        inside = [id_ for id_, time in rows if datetime.fromisoformat(time) < datetime.fromisoformat(end)]
        last = max(inside, default=last)
        ends.append((last, step))
    return ends
