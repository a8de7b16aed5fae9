"""How an archive is unpacked: whole or not at all, and nothing but what `pack` writes.

What comes from somebody else is not trusted: each file has to belong in an archive, and to be of the size and of the
hash that the manifest gives. That tells damage, not forgery: who made an archive, no hash says.
"""

from __future__ import annotations

import hashlib
import stat
import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from pathvalidate import is_valid_filename
from pydantic import ValidationError

from workbench.errors import (
    DamagedFile,
    NewerFile,
    RunExists,
    StorageError,
    UnknownName,
    WorkbenchError,
    storage_errors,
)
from workbench.html import runs_nothing
from workbench.record.file_names import folded
from workbench.worlds.archive_layout import (
    MANIFEST,
    PERSONA_ENDING,
    PERSONAS,
    PICTURE_ENDINGS,
    PICTURES,
    README,
    RECORDING,
    REPORT,
    RUN,
    VERSION,
    Header,
    Manifest,
)

LARGEST = 2 * 1024**3
"""Bytes that an archive may have unpacked, unless more are allowed."""

_LARGEST_MANIFEST = 50_000_000
_WHOLE = {README, MANIFEST, RECORDING, REPORT, RUN}
_ENDINGS = {PERSONAS: (PERSONA_ENDING,), PICTURES: tuple(PICTURE_ENDINGS)}
_DAMAGES = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError, ValueError, LookupError, RuntimeError)
"""What `zipfile` raises where a file is not what it says; NotImplementedError and RecursionError are RuntimeErrors."""


def read_manifest(archive: str | Path) -> Manifest:
    """Return what is in an archive, without unpacking it.

    Raises:
        UnknownName: there is no such file.
        DamagedFile: it is no archive of the workbench, or a damaged one.
        NewerFile: a later version wrote it.
    """
    with _opened(Path(archive)) as zipped:
        return _manifest_of(zipped, Path(archive))


def unpack(archive: str | Path, out: str | Path | None = None, *, largest: int = LARGEST) -> Path:
    """Unpack an archive into a folder, whole or not at all.

    Args:
        archive: what `pack` wrote.
        out: the folder, new or empty; beside the archive, and called as it is without `.zip`, when not given.
        largest: the bytes that it may have unpacked: a small archive of a stranger's could fill the disk.

    Returns:
        the folder.

    Raises:
        UnknownName: there is no such archive.
        DamagedFile: it is none of the workbench, a damaged one, or has files that do not belong in one.
        NewerFile: a later version wrote it.
        RunExists: there is something at `out`.
        StorageError: it is too large, or the folder cannot be written.
    """
    path = Path(archive)
    target = Path(out) if out is not None else _folder_beside(path)
    _check_empty(target)
    with _opened(path) as zipped:
        manifest = _manifest_of(zipped, path)
        _check_members(zipped, manifest, path, largest)
        with storage_errors(target, "the folder"):
            target.parent.mkdir(parents=True, exist_ok=True)
            with TemporaryDirectory(dir=target.parent, prefix=".unpacking-") as temporary:
                folder = Path(temporary) / "whole"
                _extract(zipped, manifest, path, folder)
                if target.exists():
                    target.rmdir()
                folder.rename(target)
    return target


def _folder_beside(archive: Path) -> Path:
    zipped = archive.suffix.lower() == ".zip"
    return archive.with_suffix("") if zipped else archive.with_name(f"{archive.name}.unpacked")


def _check_empty(target: Path) -> None:
    with storage_errors(target, "the folder"):
        if target.is_dir() and any(target.iterdir()):
            raise RunExists(f"the folder {target} is not empty: give another out= (-o).", path=target)
        if target.exists() and not target.is_dir():
            raise RunExists(f"there is a file at {target}: give another out= (-o).", path=target)


@contextmanager
def _opened(path: Path) -> Iterator[zipfile.ZipFile]:
    if not path.exists():
        raise UnknownName(f"there is no archive at {path.absolute()}")
    with storage_errors(path, "the archive"), path.open("rb") as file:
        with _damage(path, "the archive"):
            zipped = zipfile.ZipFile(file)
        with zipped:
            yield zipped


@contextmanager
def _damage(path: Path, what: str) -> Iterator[None]:
    try:
        yield
    except _DAMAGES as error:
        if isinstance(error, WorkbenchError):
            raise
        raise _refused(path, f"{what} cannot be read ({_said(error)})") from error


def _chunks(zipped: zipfile.ZipFile, name: str, path: Path) -> Iterator[bytes]:
    with _damage(path, repr(name)), zipped.open(name) as member:
        while chunk := member.read(1 << 20):
            yield chunk


def _manifest_of(zipped: zipfile.ZipFile, path: Path) -> Manifest:
    with _damage(path, "the archive"):
        size = zipped.getinfo(MANIFEST).file_size
    if size > _LARGEST_MANIFEST:
        raise _refused(path, f"its manifest has {size:,} bytes")
    data = b"".join(_chunks(zipped, MANIFEST, path))
    with _damage(path, MANIFEST):
        header = Header.model_validate_json(data)
        if header.version > VERSION:
            raise NewerFile(
                f"{path} was written by a later version of the workbench (archive version {header.version}, this one "
                f"reads {VERSION}): install a newer workbench to unpack it.",
                path=path,
            )
        return Manifest.model_validate_json(data)


def _check_members(zipped: zipfile.ZipFile, manifest: Manifest, path: Path, largest: int) -> None:
    """Check, before anything is written, that all files of an archive belong there and that they are not too large."""
    infos = {info.orig_filename: info for info in zipped.infolist()}
    if strange := sorted(name for name in infos if not _belongs(name)):
        raise _refused(path, f"{strange[0]!r} does not belong in an archive")
    if len({folded(name) for name in infos}) < len(zipped.infolist()):
        raise _refused(path, "it has two files of one name")
    if apart := sorted((infos.keys() - {MANIFEST}) ^ manifest.members.keys()):
        raise _refused(path, f"{apart[0]!r} is only in one of the archive and its manifest")
    if absent := sorted(_WHOLE - infos.keys()):
        raise _refused(path, f"{absent[0]!r} is not there")
    for name, info in infos.items():
        _check_plain(info, path)
        if name != MANIFEST and info.file_size != manifest.members[name].bytes:
            raise _refused(path, f"{name!r} is not of the size that the manifest gives")
    if manifest.size > largest:
        raise StorageError(
            f"{path} would take {manifest.size:,} bytes unpacked, more than {largest:,}. If you trust who made it, "
            f"allow that: unpack(..., largest={manifest.size}).",
            path=path,
        )


def _belongs(name: str) -> bool:
    folder, _, file = name.rpartition("/")
    ours = file.endswith(_ENDINGS.get(folder, ())) and unicodedata.is_normalized("NFC", file)
    return name in _WHOLE or (ours and is_valid_filename(file, platform="universal"))


def _check_plain(info: zipfile.ZipInfo, path: Path) -> None:
    """Check that a file is one, and no link, and that it is compressed as ours are."""
    plain = stat.S_IFMT(info.external_attr >> 16) in (0, stat.S_IFREG)
    known = info.compress_type in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
    if not (plain and known and not info.flag_bits & 1):  # 1: encrypted
        raise _refused(path, f"{info.filename!r} is a link, encrypted, or compressed in another way")


def _extract(zipped: zipfile.ZipFile, manifest: Manifest, path: Path, folder: Path) -> None:
    for name in (PERSONAS, PICTURES):
        (folder / name).mkdir(parents=True)
    for name, member in manifest.members.items():
        digest = hashlib.sha256()
        with (folder / name).open("xb") as file:
            for chunk in _chunks(zipped, name, path):
                digest.update(chunk)
                file.write(chunk)
        if digest.hexdigest() != member.sha256:
            raise _refused(path, f"{name!r} is not what the manifest says: it was changed or damaged")
    (folder / MANIFEST).write_bytes(b"".join(_chunks(zipped, MANIFEST, path)))
    with _damage(path, repr(REPORT)):
        if not runs_nothing((folder / REPORT).read_text(encoding="utf-8")):
            raise _refused(path, f"{REPORT} is not as the workbench writes it: it could run code")


def _refused(path: Path, why: str) -> DamagedFile:
    return DamagedFile(
        f"{path} is no archive that can be used: {why}. It was left as it is, and nothing was written: ask who made it "
        "for another, or pack the run again.",
        path=path,
    )


def _said(error: Exception) -> str:
    if isinstance(error, ValidationError):  # its own words quote the file, on many lines
        return "; ".join(f"{'.'.join(map(str, e['loc']))[:80]!r}: {e['msg']}" for e in error.errors()[:3])
    return str(error)[:200]
