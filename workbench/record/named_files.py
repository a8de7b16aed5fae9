"""Whether a string names a file, or is a text."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TypeGuard

from workbench.errors import InvalidSettings, UnknownName

RUN_ENDING = ".sqlite"
_LONGEST = 1000
_LONGEST_WORDS = 200
"""Characters of a text that ends like a file: a longer one is a text."""
_LIKE_A_PATH = re.compile(r"\S*(?:[/\\]\S*|\.[A-Za-z0-9]{1,6})")
_RUN = b"SQLite format 3\0"


def file_meant(given: str | Path, endings: Sequence[str] = ()) -> Path | None:
    """Return the path of the file that is meant; None where it is a text.

    A string is a path where there is such a file, where it is one line with a known ending, or one word with a slash or
    an ending. Put a line break behind a text that looks like one.

    Args:
        given: a path, or what may be one.
        endings: of files that are read here, besides `.sqlite`.

    Raises:
        UnknownName: there is no such file.
        InvalidSettings: it is a folder.
    """
    if isinstance(given, str) and not _is_path(given, endings):
        return None
    path = Path(given)
    if path.is_dir():
        raise InvalidSettings(f"{path} is a folder: give files, one by one or as a list")
    if path.is_file():
        return path
    if isinstance(given, str) and "://" in given:
        raise InvalidSettings(f"{given}: pages of the web are not fetched here: save it, or give its text")
    raise UnknownName(
        f"there is no file {path.absolute()}: give a run file, a document, or a text (with a line break behind it, "
        "where it ends like the name of a file)"
    )


def names_run(given: object) -> TypeGuard[str | Path]:
    """Return whether something can only be the path of a run file: a path, or one line that ends in `.sqlite`."""
    if isinstance(given, str):
        return given.endswith(RUN_ENDING) and "\n" not in given and "\0" not in given and len(given) <= _LONGEST
    return isinstance(given, Path)


def is_run_file(path: Path) -> bool:
    """Return whether a file is a run file, by its ending or by what it begins with."""
    if path.suffix.lower() == RUN_ENDING:
        return True
    with path.open("rb") as file:
        return file.read(len(_RUN)) == _RUN


def _is_path(given: str, endings: Sequence[str]) -> bool:
    if not given.strip() or "\n" in given or "\0" in given or len(given) > 4096:
        return False
    if os.path.exists(given):  # noqa: PTH110  # Path.exists raises on names that are too long
        return True
    known = given.rstrip().lower().endswith((RUN_ENDING, *endings))
    return len(given) <= _LONGEST_WORDS and (known or _LIKE_A_PATH.fullmatch(given) is not None)
