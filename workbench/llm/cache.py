"""The call cache: answers that were paid for once, on disk or in a recording.

What belongs here: keeping answers, sharing calls in flight, and the JSONL form that is shared with others.
How an answer is got lives in `endpoint`.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import sqlite3
import time
import zlib
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, MutableMapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, get_args

import diskcache

from workbench.errors import CacheMiss, DamagedFile, InvalidSettings, NewerFile, replaced_when_whole, storage_errors
from workbench.llm.calls import Answer, Request
from workbench.settings import CacheMode, cache_dir

VERSION = 1
_VERSION_KEY = "workbench-cache-version"
_RECORDING = "workbench-recording"
_SETTINGS = {"eviction_policy": "none", "cull_limit": 0, "sqlite_cache_size": 1024, "sqlite_mmap_size": 0}
"""Nothing is ever dropped, so no write looks for what has expired. diskcache's own 32 MB of pages and 64 MB of mapped
file fill with the calls of a long run, and make it no faster."""
_MADE_WITH = ("provider", "endpoint", "model", "temperature", "max_tokens")


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
        self.made_with: dict[str, Any] = {}
        """Of a recording: the endpoint and model, and perhaps more, that its answers came from."""
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
        made_with, calls = _read_recording(Path(path))
        recording = cls(calls, Path(path), mode)
        recording.made_with = made_with or _asked_of(calls)
        return recording

    def replaying(self) -> CallCache:
        """Return the same answers in mode `replay`: what is not there is an error."""
        return CallCache(self._store, self.path, "replay")

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
        under_way = self._flights.get(flight_key)
        if under_way and not under_way.ended:
            return await under_way.join(), False
        flight = self._flights[flight_key] = _Flight(self._ask(request, ask))
        flight.task.add_done_callback(lambda _: self._landed(flight_key, flight))
        return await flight.join(), True

    def _landed(self, flight_key: tuple[asyncio.AbstractEventLoop, str], flight: _Flight) -> None:
        if self._flights.get(flight_key) is flight:
            del self._flights[flight_key]

    async def _ask(self, request: Request, ask: Callable[[], Awaitable[Answer]]) -> Answer:
        answer = await ask()
        self.keep(request, answer)
        return answer

    def lookup(self, request: Request) -> Answer | None:
        """Return the answer to a request as far as the mode allows; None when it has to be asked.

        Raises:
            CacheMiss: in mode `replay`, when the answer is not there.
        """
        if answer := self.peek(request):
            return answer
        if self.mode == "replay":
            raise CacheMiss(
                f"{self.path} has no answer to this request (call {request.key[:12]}), and mode 'replay' asks nobody. "
                "A prompt, a persona, a setting or the version has changed since it was recorded.",
                request=request.canonical,
            )
        return None

    def peek(self, request: Request) -> Answer | None:
        """Return the answer to a request where it is there and the mode lets it be read."""
        return self.get(request.key) if self.mode in ("use", "replay") else None

    def keep(self, request: Request, answer: Answer) -> None:
        """Keep an answer, unless the mode is `off`."""
        if self.mode != "off":
            entry = {"request": request.canonical, "answer": answer.to_json(), "at": int(time.time())}
            with storage_errors(self.path, "the call cache"):
                self._store[request.key] = entry

    def get(self, key: str) -> Answer | None:
        """Return the answer under a key, or None."""
        with _reading(self.path, f"the entry {key[:12]} of the call cache"):
            entry = self._store.get(key)
            return Answer.from_json(entry["answer"]) if entry is not None else None

    def entry(self, key: str) -> dict[str, Any] | None:
        """Return all that is kept under a key: `request` (canonical JSON), `answer`, `at` (Unix time)."""
        with _reading(self.path, f"the entry {key[:12]} of the call cache"):
            entry: dict[str, Any] | None = self._store.get(key)
        return entry

    def forget(self, keys: Iterable[str]) -> None:
        """Drop entries, so that the same requests are asked again."""
        with storage_errors(self.path, "the call cache"):
            for key in keys:
                self._store.pop(key, None)

    def keys(self) -> list[str]:
        """Return the keys of all calls, sorted."""
        with _reading(self.path, "a key of the call cache"):
            return sorted(key for key in self._store if key != _VERSION_KEY)

    def stats(self) -> dict[str, Any]:
        """Return the number of calls, the size on disk in bytes, and where it is."""
        files = self.path.rglob("*") if self.path.is_dir() else iter([self.path])
        size = sum(file.stat().st_size for file in files if file.is_file())
        return {"calls": len(self.keys()), "bytes": size, "path": str(self.path)}

    def export(
        self, path: str | Path, keys: Iterable[str] | None = None, made_with: Mapping[str, Any] | None = None
    ) -> int:
        """Write a recording: one JSONL file, sorted by key, that anyone replays with no model and no key.

        Args:
            path: the file, replaced only when all is written.
            keys: the calls to write, such as those of a run; all when not given.
            made_with: provider, endpoint, model, temperature and max_tokens, so that `LLM(cache=path)` needs no more.

        Returns:
            how many calls were written.

        Raises:
            CacheMiss: a key that was asked for is not in the cache.
        """
        target, wanted = Path(path), sorted(set(keys)) if keys is not None else self.keys()
        header = {
            "format": _RECORDING,
            "version": VERSION,
            "made_with": {n: v for n, v in (made_with or {}).items() if n in _MADE_WITH},
        }
        with (
            replaced_when_whole(target, "the recording") as temporary,
            temporary.open("w", encoding="utf-8", newline="\n") as lines,
        ):
            lines.write(json.dumps(header) + "\n")
            for key in wanted:
                lines.write(json.dumps({"key": key, **self._recorded(key)}) + "\n")
        return len(wanted)

    def _recorded(self, key: str) -> dict[str, Any]:
        if entry := self.entry(key):
            return entry
        raise CacheMiss(f"{self.path} has no call {key[:12]}: was it pruned, or made with another cache?")

    def load(self, path: str | Path) -> int:
        """Take in a recording; returns how many calls were new."""
        new = 0
        _, recording = _read_recording(Path(path))
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
        self.task = asyncio.ensure_future(call)
        self._waiting = 0
        self._given_up = False

    @property
    def ended(self) -> bool:
        """True when there is nothing to wait for any more."""
        return self._given_up or self.task.done()

    async def join(self) -> Answer:
        self._waiting += 1
        try:
            return await asyncio.shield(self.task)
        finally:
            self._waiting -= 1
            if not self._waiting and not self.task.done():
                self._given_up = True
                self.task.cancel()


class _JSONDisk(diskcache.JSONDisk):  # type: ignore[misc]
    """Writes JSON as its base does, which still runs the pickles that it finds: anyone could plant one in a folder."""

    def put(self, key: Any) -> Any:
        return diskcache.Disk.put(self, key)  # as text: what another build of zlib makes of a key is another key

    def get(self, key: Any, raw: Any) -> Any:
        if not raw:
            raise ValueError("a pickled key")
        return diskcache.Disk.get(self, key, raw)

    def fetch(self, mode: int, filename: str | None, value: Any, read: bool) -> Any:
        if mode not in (diskcache.core.MODE_RAW, diskcache.core.MODE_BINARY):
            raise ValueError("a pickled value")
        return super().fetch(mode, filename, value, read)


class _Store(diskcache.Cache):  # type: ignore[misc]
    """Writes as its base does, which tries again for ever where a transaction cannot begin, as in a read-only file."""

    def __setitem__(self, key: str, value: Any) -> None:
        with _no_timeout():
            self.set(key, value)

    def pop(self, key: str, default: Any = None) -> Any:
        with _no_timeout():
            return super().pop(key, default)


@contextmanager
def _no_timeout() -> Iterator[None]:
    try:
        yield
    except diskcache.Timeout:
        raise sqlite3.OperationalError("it is read-only, or locked by another process") from None


@contextmanager
def _reading(path: Path, what: str) -> Iterator[None]:
    try:
        with storage_errors(path, "the call cache"):
            yield
    except (ValueError, KeyError, TypeError, RecursionError, zlib.error) as error:
        raise DamagedFile(
            f"{path}: {what} cannot be read ({error!r}). Move the folder away to start a new one.", path=path
        ) from error


def _open_folder(path: Path) -> MutableMapping[str, Any]:
    with _reading(path, "the version of the call cache"):
        version = _version_of(path)
        if version is None or version <= VERSION:
            store: MutableMapping[str, Any] = _Store(str(path), disk=_JSONDisk, **_SETTINGS)
            if version is None:
                store[_VERSION_KEY] = VERSION
            return store
    raise NewerFile(
        f"{path} was written by a later version of the workbench (cache version {version}, this one reads "
        f"{VERSION}). Install a newer workbench, or set WORKBENCH_CACHE_DIR to another folder.",
        path=path,
    )


def _version_of(path: Path) -> int | None:
    """Read the version of a folder without diskcache, which writes to each folder that it opens."""
    database, disk = path / "cache.db", _JSONDisk(str(path))
    if not database.is_file():
        return None
    with closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True, timeout=60)) as connection:
        try:
            query = "SELECT mode, filename, value FROM Cache WHERE key = ?"
            row = connection.execute(query, disk.put(_VERSION_KEY)[:1]).fetchone()
        except sqlite3.OperationalError:  # another process has just begun to make it; or diskcache says what is wrong
            return None
    if row is None:
        return None
    mode, filename, value = row
    return int(disk.fetch(mode, filename, value, False))


def _read_recording(path: Path) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """Return what a recording was made with, and its calls by key."""
    try:
        with storage_errors(path, "the recording"):
            lines = path.read_text(encoding="utf-8").rstrip().split("\n")  # not splitlines(): U+2028 ends no line here
    except UnicodeDecodeError as error:
        raise DamagedFile(f"{path} is not a recording: {error}", path=path) from error
    made_with, calls = dict[str, Any](), dict[str, dict[str, Any]]()
    for number, line in enumerate(lines, start=1):
        try:
            data = json.loads(line)
            if number == 1:
                _check_header(path, data)
                made_with = dict(data.get("made_with", {}))
            else:
                key, calls[key] = _recorded_call(data)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise DamagedFile(f"{path}, line {number}: not a line of a recording ({error!r})", path=path) from error
    return made_with, calls


def _asked_of(calls: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """Return the endpoint and model of the first chat call: a recording most often has one."""
    for call in calls.values():
        request = json.loads(call["request"])
        if request["kind"] == "chat":
            return {name: request[name] for name in ("endpoint", "model")}
    return {}


def _recorded_call(data: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    key, call = data["key"], {"request": data["request"], "answer": data["answer"], "at": data["at"]}
    Answer.from_json(call["answer"])
    if (type(key), type(call["request"]), type(call["at"])) != (str, str, int):
        raise ValueError("key and request are text, at is a whole number")
    if hashlib.sha256(call["request"].encode("utf-8", "surrogatepass")).hexdigest() != key:
        raise ValueError("the key is not that of the request: one of them was changed")
    return key, call


def _check_header(path: Path, data: dict[str, Any]) -> None:
    if data["format"] != _RECORDING:
        raise ValueError(f"the format is {data['format']!r}")
    if data["version"] > VERSION:
        raise NewerFile(f"{path} was written by a later version of the workbench: update it to read this", path=path)
