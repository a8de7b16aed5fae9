"""The embedded model: a small real model on this machine, for a first look and for tests.

`connect` says where it answers. It runs in a process of its own (`embedded_server.py`), one for all processes of a
user on a machine: the first to ask owns it and takes it along when it ends; the next to ask starts another.
"""

from __future__ import annotations

import asyncio
import atexit
import hashlib
import http.client
import json
import platform
import secrets
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pydantic import SecretStr

from workbench.errors import ModelUnreachable, StorageError
from workbench.llm import embedded_server
from workbench.llm.bounded_schema import grammar
from workbench.llm.embedded_server import Job
from workbench.llm.weights import DEFAULT, Weights, locate, missing, weights_of
from workbench.settings import cache_dir

__all__ = ["DEFAULT", "SAMPLING", "Endpoint", "announce", "connect", "grammar"]

SAMPLING = MappingProxyType(
    {
        "temperature": 0.5,
        "min_p": 0.1,
        "dry_multiplier": 1.2,  # not repeat_penalty: that punishes a persona's own facts
        "dry_allowed_length": 2,
        "dry_penalty_last_n": 400,  # the conversation, and not the persona before it
        "max_tokens": 1024,
    }
)
"""What the embedded model is asked with where nothing else is said. It loops without."""

SECONDS_TO_LOAD = 120.0
SECONDS_TO_JOIN = 180.0

_children: dict[Path, subprocess.Popen[str]] = {}
_one_at_a_time = threading.Lock()
_announced = False


@dataclass(frozen=True)
class Endpoint:
    """Where the embedded model answers just now. It moves when its owner ends: connect again then."""

    base_url: str
    api_key: SecretStr
    model: str


async def connect(model: str = DEFAULT) -> Endpoint:
    """Return where the embedded model answers; start it unless it runs.

    Args:
        model: `gemma-3-270m` or `smollm2-135m`.

    Raises:
        UnknownModel: there is no such embedded model.
        EmbeddedModelMissing: a package is not installed; the message has the command that installs it.
        ModelUnreachable: it does not start.
        StorageError: the cache folder cannot be written.
    """
    weights = weights_of(model)
    announce(model)
    return await asyncio.to_thread(_join_or_start, model, weights)


def announce(model: str = DEFAULT) -> None:
    """Say on standard error, once per process, which model answers and what its answers are worth."""
    global _announced
    if _announced:
        return
    _announced = True
    sys.stderr.write(
        f"workbench: {model} answers, a small model on this machine. It is a stand-in: what it says means nothing "
        f"about people. Licence: {weights_of(model).licence}. To use another, set OPENAI_API_KEY, or OPENAI_BASE_URL "
        "and WORKBENCH_MODEL.\n"
    )
    sys.stderr.flush()


@dataclass(frozen=True)
class _Place:
    """The files by which the processes of one user find one server."""

    folder: Path
    name: str

    @property
    def state(self) -> Path:
        return self.folder / f"{self.name}.json"

    @property
    def lock(self) -> Path:
        return self.folder / f"{self.name}.lock"

    @property
    def log(self) -> Path:
        return self.folder / f"{self.name}.log"


def _place(model: str, weights: Weights) -> _Place:
    """Return the place of a server that runs this model in this way on this machine.

    The home may be shared by machines, and by environments with other versions of the runtime or of ours.
    """
    script = Path(embedded_server.__file__).read_text(encoding="utf-8")
    facts = [platform.node(), _runtime(), script, asdict(weights)]
    digest = hashlib.sha256(json.dumps(facts).encode()).hexdigest()
    folder = cache_dir() / "servers"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise StorageError(
            f"{folder} cannot be made ({error.strerror}); set WORKBENCH_CACHE_DIR", path=folder
        ) from error
    return _Place(folder, f"{model}-{digest[:8]}")


def _runtime() -> list[str]:
    versions = []
    for package in ("xllamacpp", "filelock"):
        try:
            versions.append(metadata.version(package))
        except metadata.PackageNotFoundError as error:
            raise missing('"persona-workbench[local]"', f"the package {package}") from error
    return versions


def _join_or_start(model: str, weights: Weights) -> Endpoint:
    with _one_at_a_time:
        place = _place(model, weights)
        give_up = time.monotonic() + SECONDS_TO_JOIN
        while time.monotonic() < give_up:
            if endpoint := _running(place) or _start(model, weights, place):
                return endpoint
            time.sleep(0.5)  # another process is starting it
    raise ModelUnreachable(
        f"Another process holds {place.lock}, and its model does not answer. End that process, or set "
        "WORKBENCH_CACHE_DIR to another folder.",
        path=place.lock,
    )


def _running(place: _Place) -> Endpoint | None:
    try:
        state = json.loads(place.state.read_text(encoding="utf-8"))
        model, port, key = str(state["model"]), int(state["port"]), str(state["key"])
    except (OSError, ValueError, LookupError, TypeError):
        return None
    return _endpoint(model, port, key) if _answers(model, port, key) else None


def _answers(model: str, port: int, key: str) -> bool:
    """Return whether our server is at a port; /health would answer without the key, and so may a stranger."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/v1/models", headers={"Authorization": f"Bearer {key}"})
        response = connection.getresponse()
        return response.status == 200 and model in response.read().decode("utf-8", "replace")
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _endpoint(model: str, port: int, key: str) -> Endpoint:
    return Endpoint(f"http://127.0.0.1:{port}/v1", SecretStr(key), model)


def _start(model: str, weights: Weights, place: _Place) -> Endpoint | None:
    """Start the server; return None where another process has it."""
    key = secrets.token_urlsafe(32)
    job = Job(
        model=model,
        weights=str(locate(model)),
        context=weights.context,
        chat_template=weights.chat_template,
        key=key,
        lock=str(place.lock),
        state=str(place.state),
        log=str(place.log),
    )
    child = _spawn(job)
    answer = _first_line(child)
    if "port" not in answer:
        with child:  # waits for its end and closes the pipes
            pass
        if answer.get("busy"):
            return None
        raise ModelUnreachable(
            f"The embedded model did not start: {answer.get('error') or f'exit code {child.returncode}'}. Its log is "
            f"{place.log}. (On x86 it needs a processor with AVX2.)",
            path=place.log,
        )
    _end(_children.pop(place.state, None))
    _children[place.state] = child
    return _endpoint(model, int(answer["port"]), key)


def _spawn(job: Job) -> subprocess.Popen[str]:
    # A script and -P: with -m, Python would look into the notebook's folder first, and may find a json.py there.
    child = subprocess.Popen(  # noqa: S603  # our own script
        [sys.executable, "-P", embedded_server.__file__],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        encoding="utf-8",
        start_new_session=True,  # else interrupting the kernel would interrupt it too
        creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
    )
    assert child.stdin
    with suppress(BrokenPipeError):  # it has ended: its exit code tells
        child.stdin.write(json.dumps(asdict(job)) + "\n")
        child.stdin.flush()
    return child


def _first_line(child: subprocess.Popen[str]) -> dict[str, Any]:
    assert child.stdout
    alarm = threading.Timer(SECONDS_TO_LOAD, child.kill)
    alarm.start()
    try:
        line = child.stdout.readline()
    finally:
        alarm.cancel()
        child.stdout.close()
    answer: dict[str, Any] = json.loads(line or "{}")
    return answer


def _end(child: subprocess.Popen[str] | None) -> None:
    if child and child.stdin:
        with suppress(OSError, subprocess.TimeoutExpired):
            child.stdin.close()
            child.wait(timeout=2)


@atexit.register
def _end_children() -> None:
    for child in _children.values():
        _end(child)
