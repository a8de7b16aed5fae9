"""Where exports go: names that are safe on every system, nothing overwritten unless told, all files or none."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from pathlib import Path

from workbench.errors import ExportExists, replaced_when_whole, storage_errors
from workbench.record.file_names import file_names

_WHAT = "the export"


def safe_name(name: str) -> str:
    """Return a name that a file can have on every system and that leads to no other folder.

    >>> safe_name("../../Ideas: round 2")
    'Ideas round 2'
    """
    return file_names([name])[0]


def place(files: Mapping[Path, bytes], *, overwrite: bool) -> None:
    """Write files, all of them or none.

    Args:
        files: what each is to hold.
        overwrite: whether files that are there give way.

    Raises:
        ExportExists: some are there; all of them are named, and nothing was written.
        StorageError: they cannot be written.
    """
    if not overwrite:
        _check_free(files)
    with ExitStack() as written:
        for path, data in files.items():
            with storage_errors(path, _WHAT):
                path.parent.mkdir(parents=True, exist_ok=True)
            written.enter_context(replaced_when_whole(path, _WHAT)).write_bytes(data)


def _check_free(paths: Iterable[Path]) -> None:
    taken = tuple(path for path in paths if os.path.lexists(path))
    if taken:
        names = ", ".join(str(path) for path in taken)
        raise ExportExists(
            f"already there: {names}. Nothing was written: take another name or folder, or overwrite=True",
            path=taken[0],
            paths=taken,
        )
