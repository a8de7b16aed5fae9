"""The call cache: answers that were paid for once, on disk or in a recording.

What belongs here: keeping answers, sharing calls in flight, and the JSONL form that is shared with others.
How an answer is got lives in `endpoint`.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, MutableMapping
from pathlib import Path
from typing import Any, get_args

from workbench.errors import CacheMiss, DamagedFile, InvalidSettings, NewerFile, storage_errors
from workbench.llm.calls import Answer, Request
from workbench.settings import CacheMode, cache_dir

VERSION = 1
_VERSION_KEY = "workbench-cache-version"
_RECORDING = "workbench-recording"


class CallCache:
    """Answers by request. Open one with `CallCache.open(folder)` or `CallCache.from_recording(file)`.

    Args:
        store: a mapping from key to entry; a folder on disk or a recording in memory.
        path: where it lives, for messages.
        mode: `use` what is there; `refresh`: ask again and overwrite; `off`: neither read nor write;
            `replay`: only what is there, a miss is an error.
    """

    def __init__(self, store: MutableMapping[str, Any], path: Path, mode: CacheMode = "use") -> None:
        if mode not in get_args(CacheMode):
            raise InvalidSettings(f"no cache mode {mode!r}; there are {', '.join(get_args(CacheMode))}")
        self._store = store
        self.path = path
        self.mode: CacheMode = mode
        self._flights: dict[tuple[asyncio.AbstractEventLoop, str], _Flight] = {}

    def __repr__(self) -> str:
        return f"CallCache({str(self.path)!r}, mode={self.mode!r})"

    @classmethod
    def open(cls, directory: str | Path | None = None, mode: CacheMode = "use") -> CallCache:
        """Open or make a cache folder; many processes may share it.

        Args:
            directory: the folder; the user's own when not given.
            mode: see the class.

        Raises:
            DamagedFile: the folder holds a cache that cannot be read. It is left as it is.
            NewerFile: a later version of the workbench wrote it.
        """
        path = Path(directory) if directory else cache_dir() / "calls"
        return cls({} if mode == "off" else _open_folder(path), path, mode)

    @classmethod
    def from_recording(cls, path: str | Path, mode: CacheMode = "replay") -> CallCache:
        """Read a recording into memory. Nothing is written back to it."""
        return cls(dict(_read_recording(Path(path))), Path(path), mode)

    async def answer(self, request: Request, ask: Callable[[], Awaitable[Answer]]) -> tuple[Answer, bool]:
        """Return the answer to a request and whether it was paid for just now.

        Args:
            request: what is asked.
            ask: gets the answer from the endpoint; called at most once among equal requests in flight.

        Raises:
            CacheMiss: in mode `replay`, when the answer is not there.
        """
        if answer := self.lookup(request):
            return answer, False
        flight_key = (asyncio.get_running_loop(), request.key)
        if flight := self._flights.get(flight_key):
            return await flight.join(), False
        flight = self._flights[flight_key] = _Flight(self._ask(request, ask))
        try:
            return await flight.join(), True
        finally:
            self._flights.pop(flight_key, None)

    async def _ask(self, request: Request, ask: Callable[[], Awaitable[Answer]]) -> Answer:
        answer = await ask()
        self.keep(request, answer)
        return answer

    def lookup(self, request: Request) -> Answer | None:
        """Return the answer to a request as far as the mode allows; None when it has to be asked.

        Raises:
            CacheMiss: in mode `replay`, when the answer is not there.
        """
        if self.mode in ("use", "replay") and (answer := self.get(request.key)):
            return answer
        if self.mode == "replay":
            raise CacheMiss(
                f"{self.path} has no answer to this request (call {request.key[:12]}), and mode 'replay' asks nobody. "
                "A prompt, a persona, a setting or the version has changed since it was recorded.",
                request=request.canonical,
            )
        return None

    def keep(self, request: Request, answer: Answer) -> None:
        """Keep an answer, unless the mode is `off`."""
        if self.mode != "off":
            entry = {"request": request.canonical, "answer": answer.to_json(), "at": int(time.time())}
            with storage_errors(self.path, "the call cache"):
                self._store[request.key] = entry

    def get(self, key: str) -> Answer | None:
        """Return the answer under a key, or None."""
        entry = self.entry(key)
        return Answer.from_json(entry["answer"]) if entry else None

    def entry(self, key: str) -> dict[str, Any] | None:
        """Return all that is kept under a key: `request` (canonical JSON), `answer`, `at` (Unix time)."""
        try:
            with storage_errors(self.path, "the call cache"):
                entry: dict[str, Any] | None = self._store.get(key)
        except (ValueError, KeyError, _zlib_error()) as error:
            raise DamagedFile(
                f"{self.path}: the entry {key[:12]} of the call cache cannot be read ({error}). "
                "Move the folder away to start a new one.",
                path=self.path,
            ) from error
        return entry

    def forget(self, keys: Iterable[str]) -> None:
        """Drop entries, so that the same requests are asked again."""
        with storage_errors(self.path, "the call cache"):
            for key in keys:
                self._store.pop(key, None)

    def keys(self) -> list[str]:
        """Return the keys of all calls, sorted."""
        with storage_errors(self.path, "the call cache"):
            return sorted(key for key in self._store if key != _VERSION_KEY)

    def stats(self) -> dict[str, Any]:
        """Return the number of calls, the size on disk in bytes, and where it is."""
        files = self.path.rglob("*") if self.path.is_dir() else iter([self.path])
        size = sum(file.stat().st_size for file in files if file.is_file())
        return {"calls": len(self.keys()), "bytes": size, "path": str(self.path)}

    def export(self, path: str | Path, keys: Iterable[str] | None = None) -> int:
        """Write a recording: one JSONL file, sorted by key, that anyone replays with no model and no key.

        Args:
            path: the file, replaced only when all is written.
            keys: the calls to write, such as those of a run; all when not given.

        Returns:
            how many calls were written.

        Raises:
            CacheMiss: a key that was asked for is not in the cache.
        """
        target, wanted = Path(path), sorted(set(keys)) if keys is not None else self.keys()
        temporary = target.with_name(f"{target.name}.{os.getpid()}.part")
        with storage_errors(target, "the recording"):
            try:
                with temporary.open("w", encoding="utf-8", newline="\n") as lines:
                    lines.write(json.dumps({"format": _RECORDING, "version": VERSION}) + "\n")
                    for key in wanted:
                        lines.write(json.dumps({"key": key, **self._recorded(key)}) + "\n")
                temporary.replace(target)
            finally:
                temporary.unlink(missing_ok=True)
        return len(wanted)

    def _recorded(self, key: str) -> dict[str, Any]:
        if entry := self.entry(key):
            return entry
        raise CacheMiss(f"{self.path} has no call {key[:12]}: was it pruned, or made with another cache?")

    def load(self, path: str | Path) -> int:
        """Take in a recording; returns how many calls were new."""
        new = 0
        recording = dict(_read_recording(Path(path)))
        with storage_errors(self.path, "the call cache"):
            for key, entry in recording.items():
                if key not in self._store:
                    self._store[key] = entry
                    new += 1
        return new

    def prune(self, older_than: float) -> int:
        """Drop the calls that are older than so many days; returns how many."""
        limit = time.time() - older_than * 86_400
        old = [key for key in self.keys() if (entry := self.entry(key)) and entry["at"] < limit]
        self.forget(old)
        return len(old)


class _Flight:
    """One call on its way that several may wait for. It is cancelled when nobody waits any more."""

    def __init__(self, call: Awaitable[Answer]) -> None:
        self._task = asyncio.ensure_future(call)
        self._waiting = 0

    async def join(self) -> Answer:
        self._waiting += 1
        try:
            return await asyncio.shield(self._task)
        finally:
            self._waiting -= 1
            if not self._waiting and not self._task.done():
                self._task.cancel()


def _open_folder(path: Path) -> MutableMapping[str, Any]:
    import diskcache

    with storage_errors(path, "the call cache"):
        store: MutableMapping[str, Any] = diskcache.Cache(str(path), disk=diskcache.JSONDisk, eviction_policy="none")
        version = store.get(_VERSION_KEY)
        if version is None:
            store[_VERSION_KEY] = version = VERSION
    if version > VERSION:
        raise NewerFile(
            f"{path} was written by a later version of the workbench (cache version {version}, this one reads "
            f"{VERSION}). Install a newer workbench, or set WORKBENCH_CACHE_DIR to another folder.",
            path=path,
        )
    return store


def _read_recording(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    try:
        with storage_errors(path, "the recording"):
            lines = path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise DamagedFile(f"{path} is not a recording: {error}", path=path) from error
    for number, line in enumerate(lines, start=1):
        try:
            data = json.loads(line)
            if number == 1:
                _check_header(path, data)
            else:
                yield data.pop("key"), {"request": data["request"], "answer": data["answer"], "at": data["at"]}
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise DamagedFile(f"{path}, line {number}: not a line of a recording ({error!r})", path=path) from error


def _check_header(path: Path, data: dict[str, Any]) -> None:
    if data["format"] != _RECORDING:
        raise ValueError(f"the format is {data['format']!r}")
    if data["version"] > VERSION:
        raise NewerFile(f"{path} was written by a later version of the workbench: update it to read this", path=path)


def _zlib_error() -> type[Exception]:
    import zlib

    return zlib.error
