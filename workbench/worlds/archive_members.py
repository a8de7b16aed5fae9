"""What of a run goes into an archive: its calls, people and pictures, all read from its record."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path, PurePath
from typing import Any

from workbench.errors import UnknownName, storage_errors
from workbench.llm import sentence_encoder
from workbench.llm.cache import CallCache
from workbench.llm.calls import Request
from workbench.record.events import Event
from workbench.record.file_names import file_names
from workbench.record.run_file import RunFile, reading
from workbench.record.telling import words_of
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
)
from workbench.worlds.run_report import people_at_end, report_on

_KEY = re.compile(r"[0-9a-f]{64}")
_CALLS = ("call", "calls", "judged_by")
"""Where the contents of events name calls besides the one that produced them."""


def write_members(file: RunFile, folder: Path, cache: CallCache | None) -> list[str]:
    """Write all that an archive has besides the run file and the manifest.

    Args:
        file: of the run.
        folder: where to; it is empty but for the run file.
        cache: that has the calls; None where there is none.

    Returns:
        what is missing, each a sentence.
    """
    events = list(file.events())
    people = people_at_end(file, events)
    missing = _write_recording(file, events, folder / RECORDING, cache) + _write_pictures(file, events, folder)
    (folder / PERSONAS).mkdir()
    for name, person in zip(file_names([person.name for person in people]), people, strict=True):
        person.save(folder / PERSONAS / f"{name}{PERSONA_ENDING}", memory=False)
    _write(folder / REPORT, report_on(file, events, people))
    _write(folder / README, _readme(file, missing))
    return missing


# -- calls -------------------------------------------------------------------------------------------------


def cache_of(spec: Mapping[str, Any], given: CallCache | str | Path | None) -> CallCache | None:
    """Return the call cache that has the calls of a run; None where the one that it was made with is gone.

    Raises:
        UnknownName: the one that is given is not there.
    """
    if isinstance(given, CallCache):
        return given
    path = Path(given if given is not None else spec["cache"])
    if path.suffix == ".jsonl" and path.is_file():
        return CallCache.from_recording(path)
    if (path / "cache.db").is_file():  # to open another folder would make a cache of it
        return CallCache.open(path)
    if given is not None:
        raise UnknownName(f"cache={str(given)!r}: there is no call cache and no recording (*.jsonl)")
    return None


def calls_of(events: Iterable[Event]) -> set[str]:
    """Return the keys of the calls that events name: those that produced them, and those in the contents of notes."""
    keys = set()
    for event in events:
        named = [event.call]
        if event.kind in ("memory", "note", "intervention") and isinstance(content := _json(event), dict):
            held = [content.get(name) for name in _CALLS]
            named += [one for part in held for one in (part if isinstance(part, list) else [part])]
        keys |= {key for key in named if isinstance(key, str) and _KEY.fullmatch(key)}
    return keys


def _write_recording(file: RunFile, events: Sequence[Event], path: Path, cache: CallCache | None) -> list[str]:
    """Write the calls that events name, and the vectors of the texts in them, without which memories are not found."""
    named = calls_of(events)
    there = set(cache.keys()) if cache else set[str]()
    vectors = _vector_keys(file, events) & there if there else set[str]()
    (cache or CallCache({}, path)).export(path, (named & there) | vectors, file.spec)
    lacking = len(named - there)
    if not lacking:
        return []
    return [
        f"{RECORDING} lacks {lacking} of the {len(named)} calls that the run names: its call cache does not have them. "
        "What happened is all there; to run it again with no model, those calls would be needed."
    ]


def _vector_keys(file: RunFile, events: Iterable[Event]) -> set[str]:
    """Return the keys of all vectors that the run may have asked for."""
    models = [("embedded", sentence_encoder.NAME)]
    endpoint, _, model = file.spec.get("embedding", "").partition(" ")
    if model:  # else it is the encoder in the process
        models.append((endpoint, model))
    texts = {text for event in events for text in (event.content, *_told(event), *_strings(_json(event)))}
    texts |= set(_strings(file.people))
    return {
        Request(endpoint, model, [{"role": "user", "content": text}], kind="embedding").key
        for endpoint, model in models
        for text in texts
    }


def _told(event: Event) -> tuple[str, ...]:
    return (words_of(event),) if event.type == "IMAGE" else ()


def _strings(value: Any) -> Iterator[str]:
    """Yield all texts in a tree; without recursion, for others may have made it deep."""
    left = [value]
    while left:
        one = left.pop()
        if isinstance(one, str):
            yield one
        elif isinstance(one, Mapping | list):
            left += one.values() if isinstance(one, Mapping) else one


def _json(event: Event) -> Any:
    try:
        return json.loads(event.content) if event.content[:1] in ("{", "[") else None
    except (ValueError, RecursionError):  # words that begin so
        return None


# -- pictures ----------------------------------------------------------------------------------------------


def _write_pictures(file: RunFile, events: Iterable[Event], folder: Path) -> list[str]:
    """Write the pictures that events name; their names begin as the conversation calls them."""
    with reading(file.path):
        seen = [json.loads(event.content) for event in events if event.type == "IMAGE"]
        named = {one["picture"]: f"{one['picture'][:8]}-{PurePath(one['file']).stem}" for one in reversed(seen)}
    (folder / PICTURES).mkdir()
    missing = []
    for name, picture in zip(file_names(list(named.values())), named, strict=True):
        data = _blob(file, picture)
        ending = next((ending for ending, begin in PICTURE_ENDINGS.items() if data.startswith(begin)), None)
        if ending is None:
            missing.append(f"The picture {picture[:8]} is missing: the run file has no JPEG or PNG of that name.")
        else:
            (folder / PICTURES / f"{name}{ending}").write_bytes(data)
    return missing


def _blob(file: RunFile, name: str) -> bytes:
    try:
        return file.blobs.read(name)
    except UnknownName:
        return b""


def _readme(file: RunFile, missing: Sequence[str]) -> str:
    spec = file.spec
    lacking = "\n".join(["", "What is missing:", *(f"- {what}" for what in missing), ""]) if missing else ""
    return f"""{spec["name"]}: a run of Persona Workbench {spec["version"]}
{lacking}
{REPORT}
    How the run was made and what was said. It opens in a browser, with no server.
{RUN}
    The run itself: World.resume("{RUN}") goes on with it.
{RECORDING}
    The model's answers: LLM(cache="{RECORDING}") gives them again, with no model and no key.
{PERSONAS}/
    Who was there, as they were at the end: Person.load("{PERSONAS}/NAME{PERSONA_ENDING}").
{PICTURES}/
    What they were shown, if anything.
{MANIFEST}
    The SHA-256 of each file.

Unpack it with: workbench unpack ARCHIVE
"""


def _write(path: Path, text: str) -> None:
    with storage_errors(path, "the archive"), path.open("w", encoding="utf-8", newline="\n") as file:
        file.write(text)
