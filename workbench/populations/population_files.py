"""Files of populations: one JSONL file, or a folder with a file a person and `population.json`."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Any

from workbench.agents.person import Person
from workbench.errors import (
    DamagedFile,
    InvalidPersona,
    InvalidSettings,
    NewerFile,
    RunExists,
    StorageError,
    UnknownName,
    replaced_when_whole,
    storage_errors,
)
from workbench.populations.column_values import rows_of, table_of
from workbench.populations.plan import SamplingPlan
from workbench.record.file_names import file_names
from workbench.record.placing import IfExists, check_if_exists
from workbench.worlds.archive_layout import PERSONA_ENDING

if TYPE_CHECKING:
    from workbench.populations.population import Population

FILE_TYPE = "Population"
VERSION = 1
INDEX = "population.json"
TABLES = ("data", "held_out")
_WHAT = "the population"
_OTHER_FILES = (".json", ".yaml", ".yml", ".csv", ".parquet", ".xlsx", ".txt", ".zip", ".gz")
_PERSONA_ENDINGS = (PERSONA_ENDING, ".agent.yaml", ".agent.yml")


def save(people: Population, path: Path, if_exists: IfExists) -> Path:
    """Write people to a file or a folder, by the name of it; as `Population.save`."""
    check_place(path, if_exists)
    return _save_file(people, path) if _is_file(path) else _save_folder(people, path)


def check_place(path: Path, if_exists: IfExists) -> None:
    """Check that people can be written to a place; what is there is replaced only where it is people, and all whole.

    Raises:
        InvalidSettings, RunExists, StorageError, DamagedFile, NewerFile: as `Population.save`.
    """
    check_if_exists(if_exists)
    if path.suffix.lower() in _OTHER_FILES:
        raise InvalidSettings(f"{path}: people are saved to a .jsonl file, or to a folder: give a name like people/")
    if not path.exists():
        return
    if path.is_dir() == _is_file(path):
        there = "folder" if path.is_dir() else "file"
        raise StorageError(f"{path}: a {there} is there, which is not replaced: give another name", path=path)
    if path.is_dir() and not any(path.iterdir()):
        return
    if if_exists == "fail":
        raise RunExists(f"something is at {path}. Give another path, or if_exists='replace' (--force).", path=path)
    if path.is_dir():
        _check_ours(path)
    else:
        _header(_lines(path), path)


def _is_file(path: Path) -> bool:
    return path.suffix.lower() == ".jsonl"


def load(path: Path, given: Mapping[str, Any]) -> tuple[list[Person], dict[str, Any]]:
    """Read people from a file or a folder.

    Args:
        path: of it.
        given: what `Person.load` takes.

    Returns:
        the people, and what else `Population` takes.
    """
    if path.is_dir():
        return _load_folder(path, given) if (path / INDEX).is_file() else (Person.load_folder(path, **given), {})
    if not path.is_file():
        kept = [str(old) for old in path.parent.glob(f".{path.name}.*.old")]
        hint = f"; {kept[0]} has what was there when a save was cut off: rename it" if kept else ""
        raise UnknownName(f"there is no file or folder {path.absolute()}{hint}")
    if path.suffix.lower() != ".jsonl":
        raise InvalidSettings(f"{path}: people are read from a .jsonl file that was saved, or from a folder")
    return _load_file(path, given)


# -- one file ----------------------------------------------------------------------------------------------


def _save_file(people: Population, path: Path) -> Path:
    types, rows = _described(people)
    with replaced_when_whole(path, _WHAT) as temporary:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("w", encoding="utf-8", newline="\n") as file:
            file.write(_json({**_head(people), "columns": types}))
            for person, row in zip(people, rows, strict=True):
                file.write(_json({"person": person.state(), **row}))
    return path


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False) + "\n"


def _load_file(path: Path, given: Mapping[str, Any]) -> tuple[list[Person], dict[str, Any]]:
    lines = _lines(path)
    head = _header(lines, path)
    people, rows = [], []
    for number, row in lines:
        where = f"{path}, line {number}"
        if not isinstance(row.get("person"), dict):
            raise DamagedFile(f"{where}: this is no line of a person: it has no `person`. Restore a copy.", path=path)
        people.append(_person(row.pop("person"), where, given))
        rows.append(_checked_row(row, where, path))
    if len(people) != head["n"]:
        raise DamagedFile(f"{path}: {len(people):,} people are there, of {head['n']:,}: restore a copy", path=path)
    return people, _parts(head, rows, people, path)


def _lines(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the number and the mapping of each line."""
    with storage_errors(path, _WHAT), path.open("rb") as file:
        for number, line in enumerate(file, 1):
            yield number, _mapping(line, f"{path}, line {number}", path)


def _mapping(raw: bytes, where: str, path: Path) -> dict[str, Any]:
    try:
        value = json.loads(raw.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise DamagedFile(f"{where}: not JSON: {error}. Mend it, or restore a copy.", path=path) from error
    if not isinstance(value, dict):
        raise DamagedFile(f"{where}: a mapping is needed, this is a {type(value).__name__}", path=path)
    return value


def _header(lines: Iterator[tuple[int, dict[str, Any]]], path: Path) -> dict[str, Any]:
    number, head = next(lines, (1, {}))
    return _checked_head(head, f"{path}, line {number}", path)


# -- a folder ----------------------------------------------------------------------------------------------


def _save_folder(people: Population, path: Path) -> Path:
    path = path.resolve()  # where a link leads: the link stays
    types, rows = _described(people)
    files = [f"{stem}{PERSONA_ENDING}" for stem in file_names(people.names)]
    index = {**_head(people), "columns": types}
    index["people"] = [{"file": file, **row} for file, row in zip(files, rows, strict=True)]
    with _folder_when_whole(path) as temporary:
        for file, person in zip(files, people, strict=True):
            person.save(temporary / file)
        text = json.dumps(index, ensure_ascii=False, allow_nan=False, indent=1) + "\n"
        (temporary / INDEX).write_text(text, encoding="utf-8", newline="\n")
    return path


@contextmanager
def _folder_when_whole(path: Path) -> Iterator[Path]:
    """Give a folder beside another to write to; it takes the other's place when all is written, or is removed."""
    with storage_errors(path, _WHAT):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(mkdtemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part"))
        old = temporary.with_suffix(".old")
        try:
            yield temporary
            temporary.chmod(0o777 & ~_umask())  # `mkdtemp` lets nobody else in
            if path.exists():
                path.rename(old)
            try:
                temporary.rename(path)
            except OSError:
                if old.exists():
                    old.rename(path)
                raise
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _check_ours(folder: Path) -> None:
    """Check that a folder has nothing but people: all that is in it is lost when it is replaced."""
    if others := sorted(file.name for file in folder.iterdir() if not _is_ours(file)):
        raise StorageError(
            f"{folder} has other files than people ({', '.join(others[:5])}), and is not replaced: give another folder",
            path=folder,
        )
    if not (folder / INDEX).is_file():
        raise StorageError(f"{folder} has no {INDEX}: no population was saved there: give another folder", path=folder)


def _is_ours(file: Path) -> bool:
    return file.is_file() and (file.name == INDEX or file.name.endswith(_PERSONA_ENDINGS))


def _load_folder(folder: Path, given: Mapping[str, Any]) -> tuple[list[Person], dict[str, Any]]:
    path = folder / INDEX
    with storage_errors(path, _WHAT):
        index = _checked_head(_mapping(path.read_bytes(), str(path), path), str(path), path)
    entries = index.get("people")
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise DamagedFile(f"{path}: people: a list of mappings is needed", path=path)
    files = [entry.pop("file", None) for entry in entries]
    _check_files(files, folder)
    rows = [_checked_row(entry, f"{path}, {file}", path) for file, entry in zip(files, entries, strict=True)]
    people = [Person.load(folder / file, **given) for file in files]
    return people, _parts(index, rows, people, path)


def _check_files(files: Sequence[Any], folder: Path) -> None:
    path = folder / INDEX
    if odd := [file for file in files if not isinstance(file, str) or Path(file).name != file]:
        raise DamagedFile(f"{path}: file: {odd[0]!r} is no name of a file in this folder", path=path)
    there = {file.name for file in folder.iterdir() if file.name.endswith(_PERSONA_ENDINGS)}
    if missing := [file for file in files if file not in there]:
        raise DamagedFile(f"{folder}: {', '.join(missing[:5])} is missing: restore a copy", path=folder)
    if more := sorted(there - set(files)):
        raise DamagedFile(
            f"{folder}: {', '.join(more[:5])} is not in {INDEX}: move it away; without {INDEX} all files are read, "
            "with weight 1",
            path=folder,
        )


# -- both --------------------------------------------------------------------------------------------------


def _head(people: Population) -> dict[str, Any]:
    plan = {"plan": people.plan.to_dict()} if people.plan else {}
    return {"type": FILE_TYPE, "version": VERSION, "n": len(people), "about": people.about, **plan}


def _checked_head(head: dict[str, Any], where: str, path: Path) -> dict[str, Any]:
    if head.get("type") != FILE_TYPE or not isinstance(head.get("n"), int):
        raise DamagedFile(f"{where}: this is no population that was saved: it has no type {FILE_TYPE!r}", path=path)
    version = head.get("version")
    if not isinstance(version, int) or version > VERSION:
        raise NewerFile(f"{where}: version {version!r} is of a later workbench: update it to read this", path=path)
    if not isinstance(head.get("columns", {}), dict) or not isinstance(head.get("about", ""), str):
        raise DamagedFile(f"{where}: columns or about are not what they should be: restore a copy", path=path)
    return head


def _described(people: Population) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return the types of the columns of both tables, and what is known of each person beside the persona."""
    types: dict[str, Any] = {}
    rows: list[dict[str, Any]] = [{"weight": float(weight)} for weight in people.weights]
    for what in TABLES:
        table = getattr(people, what)
        if table is not None:
            types[what], values = rows_of(table, what)
            for row, more in zip(rows, values or [{}] * len(rows), strict=True):
                row[what] = more
    return types, rows


def _checked_row(row: dict[str, Any], where: str, path: Path) -> dict[str, Any]:
    weight = row.get("weight", 1.0)
    if isinstance(weight, bool) or not isinstance(weight, int | float) or not 0 < weight < float("inf"):
        raise DamagedFile(f"{where}: weight: {weight!r} is no positive number", path=path)
    if odd := [what for what in TABLES if not isinstance(row.get(what, {}), dict)]:
        raise DamagedFile(f"{where}: {odd[0]}: a mapping of columns is needed", path=path)
    return row


def _person(state: dict[str, Any], where: str, given: Mapping[str, Any]) -> Person:
    try:
        return Person.load(state if "persona" in state else {"persona": state}, **given)
    except InvalidPersona as error:
        raise InvalidPersona(f"{where}: {error}") from error


def _parts(head: Mapping[str, Any], rows: Sequence[dict[str, Any]], people: Sequence[Person], path: Path) -> Any:
    """Return what `Population` takes beside people."""
    names = [person.name for person in people]
    parts: dict[str, Any] = {"about": head.get("about", ""), "weights": [row.get("weight", 1.0) for row in rows]}
    try:
        parts["plan"] = SamplingPlan.from_dict(head["plan"]) if "plan" in head else None
        for what in TABLES:
            types = head.get("columns", {}).get(what)
            if types is not None or any(what in row for row in rows):
                parts[what] = table_of([row.get(what, {}) for row in rows], types or {}, names)
    except InvalidSettings as error:
        raise DamagedFile(f"{path}: {error}", path=path) from error
    return parts
