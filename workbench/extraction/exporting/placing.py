"""Where exports go: names that are safe on every system, nothing overwritten unless told, all files or none."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable, Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from uuid import uuid4

from workbench.errors import ExportExists, StorageError, storage_errors
from workbench.record.file_names import file_names

_WHAT = "the export"
_NO_LINKS = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EXDEV, errno.EINVAL}
"""What a file system says that has no hard links: FAT, many that lie on a network."""


def safe_name(name: str) -> str:
    """Return a name that a file can have on every system and that leads to no other folder.

    >>> safe_name("../../Ideas: round 2")
    'Ideas round 2'
    """
    return file_names([name])[0]


def place(files: Mapping[Path, bytes], *, overwrite: bool) -> None:
    """Write files, all of them or none: when one cannot be put in its place, what the others replaced is put back.

    Args:
        files: what each is to hold.
        overwrite: whether files that are there give way.

    Raises:
        ExportExists: some are there, perhaps only now; they are named, and nothing was written.
        StorageError: they cannot be written, or a folder is in the way; nothing was.
    """
    _check_no_folder(files)
    if not overwrite:
        _check_free(files)
    with ExitStack() as folders, ExitStack() as temporaries, ExitStack() as moved:
        written = [(path, _written(path, data, folders, temporaries)) for path, data in files.items()]
        replaced = [_put(path, temporary, moved, overwrite=overwrite) for path, temporary in written]
        moved.pop_all()
        folders.pop_all()
    for old in filter(None, replaced):
        with storage_errors(old, _WHAT):
            old.unlink()


def _check_no_folder(paths: Iterable[Path]) -> None:
    if taken := [path for path in paths if os.path.isdir(path) and not os.path.islink(path)]:  # noqa: PTH112, PTH114  # those of Path fail where names are too long
        names = ", ".join(map(str, taken))
        raise StorageError(
            f"{names}: a folder is in the way of the export. Nothing was written: take another name or folder",
            path=taken[0],
        )


def _check_free(paths: Iterable[Path]) -> None:
    if taken := tuple(path for path in paths if os.path.lexists(path)):
        raise _exists(taken)


def _exists(taken: tuple[Path, ...]) -> ExportExists:
    names = ", ".join(map(str, taken))
    return ExportExists(
        f"already there: {names}. Nothing was written: take another name or folder, or overwrite=True",
        path=taken[0],
        paths=taken,
    )


def _written(path: Path, data: bytes, folders: ExitStack, temporaries: ExitStack) -> Path:
    """Return a new file beside the place where it is to be."""
    with storage_errors(path, _WHAT):
        for folder in reversed([one for one in path.parents if not one.exists()]):
            folder.mkdir(exist_ok=True)
            folders.callback(_remove_empty, folder)
        temporary = _beside(path)
        with temporary.open("xb") as file:
            temporaries.callback(temporary.unlink, missing_ok=True)
            file.write(data)
    return temporary


def _beside(path: Path) -> Path:
    return path.with_name(f".{uuid4().hex}.part")


def _remove_empty(folder: Path) -> None:
    with suppress(OSError):  # somebody else has put something there
        folder.rmdir()


def _put(path: Path, temporary: Path, moved: ExitStack, *, overwrite: bool) -> Path | None:
    """Put a file in its place, in a way that can be undone; return where that which was there is kept."""
    with storage_errors(path, _WHAT):
        old = _kept(path, moved) if overwrite and os.path.lexists(path) else None
        if overwrite:
            temporary.replace(path)
        else:
            _put_where_nothing_is(path, temporary)
        if old is None:
            moved.callback(path.unlink, missing_ok=True)
    return old


def _kept(path: Path, moved: ExitStack) -> Path:
    """Keep what is at a place under another name, until all is done; where there are no links, it is not there then."""
    old = _beside(path)
    if not _linked(path, old):
        path.replace(old)
    moved.callback(_put_back, old, path)
    return old


def _put_back(old: Path, path: Path) -> None:
    try:
        old.replace(path)
        old.unlink(missing_ok=True)  # to rename one name of a file to another name of it does nothing
    except OSError as error:
        raise StorageError(f"{path}: the export failed; what was there is {old}: rename it", path=path) from error


def _put_where_nothing_is(path: Path, temporary: Path) -> None:
    try:
        if not _linked(temporary, path):
            path.open("xb").close()  # it is ours from now on
            temporary.replace(path)
    except FileExistsError as error:
        raise _exists((path,)) from error


def _linked(path: Path, other: Path) -> bool:
    """Give a file another name, where the file system can, and never in the place of another file."""
    try:
        os.link(path, other, follow_symlinks=False)
    except (AttributeError, NotImplementedError):
        return False
    except OSError as error:
        if error.errno in _NO_LINKS:
            return False
        raise
    return True
