"""How a new run file comes to its place: whole or not at all, and over a run that is there only where it is wished."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, get_args

from workbench.errors import InvalidSettings, RunExists, storage_errors

IfExists = Literal["fail", "replace"]


def check_if_exists(if_exists: str) -> None:
    """Check what is wished of a run that is there.

    Raises:
        InvalidSettings: it is neither `fail` nor `replace`.
    """
    if if_exists not in get_args(IfExists):
        raise InvalidSettings(f"if_exists={if_exists!r}: it is 'fail' or 'replace'")


@contextmanager
def placed(target: Path, if_exists: IfExists, check: Callable[[Path], None]) -> Iterator[Path]:
    """Give a file beside the target to write to; it comes to its place when all is written, or is removed.

    Args:
        target: the run file.
        if_exists: `fail`, or `replace` a run that is there.
        check: checks that what is there is a run: anything else is never replaced.

    Raises:
        InvalidSettings: `if_exists` is neither.
        RunExists: a run is there, and `if_exists` is `fail`.
        StorageError: it cannot be written.
    """
    check_if_exists(if_exists)
    if target.exists():
        check(target)
        if if_exists == "fail":
            raise _run_exists(target)
    with storage_errors(target, "the run file"):
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = target.with_name(f".{target.name}.{os.getpid()}.{threading.get_ident()}.new")
        try:
            yield temporary
            _put(temporary, target, if_exists)
        finally:
            temporary.unlink(missing_ok=True)


def _put(temporary: Path, target: Path, if_exists: IfExists) -> None:
    """Move a new run file to its place; a run that another process has put there meanwhile is kept."""
    if not target.exists():
        target.with_name(f"{target.name}-journal").unlink(missing_ok=True)  # of a run that was deleted: SQLite plays it
    if if_exists == "replace":
        temporary.replace(target)
        return
    try:
        target.hardlink_to(temporary)
    except FileExistsError:
        raise _run_exists(target) from None
    except OSError:  # a file system without hard links
        if target.exists():
            raise _run_exists(target) from None
        temporary.replace(target)


def _run_exists(path: Path) -> RunExists:
    return RunExists(
        f"there is a run at {path}. Go on with it: World.resume({str(path)!r}); or give another record=, or "
        "if_exists='replace'.",
        path=path,
    )
