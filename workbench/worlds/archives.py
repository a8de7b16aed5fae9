"""Archives: a run in one file, with its answers, people, pictures and a report; made to be sent to somebody."""

from __future__ import annotations

import hashlib
import logging
import mmap
import shutil
import sqlite3
import stat
import zipfile
from collections.abc import Sequence
from contextlib import closing
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

from pydantic import SecretStr

from workbench.errors import InvalidSettings, RunExists, replaced_when_whole, storage_errors
from workbench.llm.cache import CallCache
from workbench.record.placing import IfExists, check_if_exists
from workbench.record.run_file import RunFile, reading
from workbench.settings import load_settings
from workbench.worlds.archive_layout import MANIFEST, RUN, Manifest, Member
from workbench.worlds.archive_members import cache_of, write_members
from workbench.worlds.unpacking import read_manifest, unpack
from workbench.worlds.world import World

__all__ = ["pack", "read_manifest", "unpack"]

_DATE = (1980, 1, 1, 0, 0, 0)  # the earliest of a zip: the same run gives the same bytes whenever it is packed
_SHORTEST_KEY = 16

_log = logging.getLogger("workbench")


def pack(
    run: World | str | Path,
    out: str | Path | None = None,
    *,
    cache: CallCache | str | Path | None = None,
    if_exists: IfExists = "fail",
) -> Path:
    """Write a run into one file to be shared: the run, its answers, its people and pictures, and a report.

    Args:
        run: a run file, or the world that is recorded in one.
        out: the archive; beside the run file, and called as it is, when not given.
        cache: where the answers are: a call cache, its folder, or a recording; the one that the run was made with when
            not given. What it does not have is missing, and the archive says so.
        if_exists: what becomes of an archive that is there already: `fail` or `replace`.

    Returns:
        the archive.

    Raises:
        InvalidSettings: the run is in memory only, or an API key of yours is in it.
        UnknownName: there is no such run, or no such cache.
        RunExists: there is an archive, and `if_exists` is `fail`.
        DamagedFile, NewerFile: the run cannot be read; or what is at `out` is no archive: it is never replaced.
    """
    source = _source(run)
    target = Path(out) if out is not None else source.with_suffix(".zip")
    _check_free(target, if_exists)
    with storage_errors(target, "the archive"):
        target.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=target.parent, prefix=".packing-") as folder:
            missing = _write(source, Path(folder), cache)
            _check_no_key(Path(folder), _keys(run))
            _write_manifest(Path(folder), missing)
            with replaced_when_whole(target, "the archive") as temporary:
                _zip(Path(folder), temporary)
    for what in missing:
        _log.warning("%s: %s", target, what)
    return target


def _source(run: World | str | Path) -> Path:
    path = run.record if isinstance(run, World) else Path(run)
    if str(path) == ":memory:":
        raise InvalidSettings("this run is in memory only: give World(..., record='run.sqlite') to keep and pack it")
    return path


def _check_free(target: Path, if_exists: IfExists) -> None:
    check_if_exists(if_exists)
    if target.exists():
        read_manifest(target)  # what is no archive of ours is never replaced
        if if_exists == "fail":
            raise RunExists(
                f"there is an archive at {target}. Give another out=, or if_exists='replace' (--force).", path=target
            )


def _write(source: Path, folder: Path, cache: CallCache | str | Path | None) -> list[str]:
    """Copy a run file as it is at one moment, and write what is made of the copy."""
    with closing(RunFile.open(source)) as file, storage_errors(source, "the run file"):
        with (
            closing(sqlite3.connect(source, timeout=60)) as there,
            closing(sqlite3.connect(folder / RUN)) as here,
        ):
            there.backup(here)
            here.execute("VACUUM")  # what was cut from a fork is not sent along in pages that are free
        with reading(source):
            calls = cache_of(file.spec, cache)
    with closing(RunFile.open(folder / RUN)) as copy:
        copy.path = source  # what is wrong with it is wrong there
        return write_members(copy, folder, calls)


def _keys(run: World | str | Path) -> list[str]:
    """Return the API keys that are known here; short ones are placeholders, which are in any text."""
    settings = load_settings()
    secrets = [settings.api_key, settings.openai_api_key, settings.azure_api_key]
    secrets += [run.llm.endpoint.api_key] if isinstance(run, World) else []
    return [
        key for one in secrets if isinstance(one, SecretStr) and len(key := one.get_secret_value()) >= _SHORTEST_KEY
    ]


def _check_no_key(folder: Path, keys: Sequence[str]) -> None:
    """Check that nobody has told a key to the people: it would be in the record, and in what was asked."""
    for name in _names(folder) if keys else ():
        if _holds(folder / name, keys) or (name == RUN and _texts_hold(folder / name, keys)):
            raise InvalidSettings(
                f"{name} would hold an API key of your settings: it was said in the run, or stands in a persona. "
                "Nothing was packed. Revoke the key if others have the run file, and record the run without it."
            )


def _holds(path: Path, keys: Sequence[str]) -> bool:
    if not path.stat().st_size:
        return False
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        return any(data.find(key.encode()) >= 0 for key in keys)


def _texts_hold(path: Path, keys: Sequence[str]) -> bool:
    """Return whether a key is in a text of a database: in its bytes, a long text is in pieces."""
    with closing(sqlite3.connect(path)) as connection:
        return any(key in line for line in connection.iterdump() for key in keys)


def _names(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def _write_manifest(folder: Path, missing: list[str]) -> None:
    members = {}
    for name in _names(folder):
        with (folder / name).open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        members[name] = Member(sha256=digest, bytes=(folder / name).stat().st_size)
    made_with = f"persona-workbench {version('persona-workbench')}"
    manifest = Manifest(made_with=made_with, members=members, missing=missing)
    (folder / MANIFEST).write_bytes(manifest.model_dump_json(indent=2).encode() + b"\n")


def _zip(folder: Path, path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for name in _names(folder):
            info = zipfile.ZipInfo(name, _DATE)
            info.compress_type, info.create_system = zipfile.ZIP_DEFLATED, 3
            info.external_attr = (stat.S_IFREG | 0o644) << 16
            info.file_size = (folder / name).stat().st_size  # tells whether it needs the large form
            with (folder / name).open("rb") as file, archive.open(info, "w") as member:
                shutil.copyfileobj(file, member)
