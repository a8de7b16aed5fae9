"""The process that the embedded model lives in: an OpenAI-compatible server that ends when its parent ends.

`embedded.py` starts it as a plain script, writes one line of JSON (a `Job`) to its standard input and keeps that open.
It answers with one line of JSON on its standard output: `{"port": ...}` once the model answers, `{"busy": true}`
where another process already serves the same, or `{"error": ...}`. It imports nothing of the workbench, so that it
starts fast and does not depend on how the workbench was found.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

HTTP_THREADS = 64
"""Requests that wait for their turn hold a thread each; one must be left for those who ask whether we live."""
SECONDS_BETWEEN_LOOKS = 1.0


@dataclass(frozen=True)
class Job:
    """What is to be served, and where that is written down."""

    model: str
    weights: str
    context: int
    chat_template: str
    """Jinja text (a name would be taken literally); empty for the model's own."""
    key: str
    lock: str
    """Held for as long as the server lives."""
    state: str
    """Where the address and the key are, for the same user's other processes."""
    log: str


def main() -> None:
    """Serve until the parent ends or closes our standard input."""
    tell = _Teller()
    try:
        job = Job(**json.loads(sys.stdin.readline()))
        if not _lock(job.lock):
            tell({"busy": True})
            return
        _send_noise_to(job.log)
        _write_private(job.state, "")
        server = start_server(job)
        port = urlsplit(server.listening_address).port
        state = {"model": job.model, "port": port, "key": job.key, "pid": os.getpid()}
        _write_private(job.state, json.dumps(state))
        tell({"port": port})
    except Exception as error:  # noqa: BLE001  # whatever it is, the parent has to be told
        tell({"error": f"{type(error).__name__}: {error}"})
        return
    _wait_for_end_of_parent()
    _write_private(job.state, "")
    os._exit(0)  # an answer in the making would hold up an orderly end


def start_server(job: Job) -> Any:
    """Load the model and return its server, which answers until it is deleted."""
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = job.weights
    params.model_alias = {job.model}
    params.api_keys = [job.key]
    params.chat_template = job.chat_template
    params.port = 0
    params.n_threads_http = HTTP_THREADS
    params.ui = params.endpoint_slots = False
    params.verbosity = 1  # errors: at 3, prompts would be in the log
    params.n_gpu_layers = 0
    params.n_ctx = job.context
    params.n_parallel = 1  # with more, answers under load differ from the ones alone
    params.swa_full = (
        True  # without, a prompt that differs at its end is read anew from its last 512 tokens on, or whole
    )
    params.cache_ram_mib = 512  # the default is 8 GiB
    params.cpuparams.n_threads = 1  # a busy core halves the speed of two
    params.cpuparams_batch.n_threads = 2
    return xllamacpp.Server(params)


class _Teller:
    """Standard output as it was at the start; the C++ below us writes to it as well."""

    def __init__(self) -> None:
        self._out = os.fdopen(os.dup(1), "w", encoding="utf-8")

    def __call__(self, message: dict[str, Any]) -> None:
        self._out.write(json.dumps(message) + "\n")
        self._out.flush()


_held: list[Any] = []


def _lock(path: str) -> bool:
    from filelock import FileLock, Timeout

    lock = FileLock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return False
    _held.append(lock)  # a lock that is collected is released
    return True


def _send_noise_to(log: str) -> None:
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.dup2(file, 1)
    os.dup2(file, 2)


def _write_private(path: str, text: str) -> None:
    """Write in place: on Windows a file that somebody is reading can be neither deleted nor replaced."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        Path(path).chmod(0o600)
        file.write(text)


def _wait_for_end_of_parent() -> None:
    """Return when standard input ends, or when we have another parent.

    A fork of the parent, such as a worker of a process pool, inherits the other end of our standard input and would
    keep it open. Windows has no forks, and there the parent's number never changes.
    """
    ended = threading.Event()

    def read_to_end() -> None:
        sys.stdin.read()
        ended.set()

    threading.Thread(target=read_to_end, daemon=True).start()
    parent = os.getppid()
    while not ended.wait(SECONDS_BETWEEN_LOOKS) and os.getppid() == parent:
        pass


if __name__ == "__main__":
    main()
