"""A world that runs in a process of its own, begins or goes on as it finds it, and can be killed at any moment."""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import os
import random
import threading
import time
from contextlib import redirect_stderr
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import diskcache  # noqa: F401  # loaded once, before the processes are forked; and so on
import jinja2.sandbox  # noqa: F401
import openai  # noqa: F401
import tenacity  # noqa: F401
from tqdm.auto import tqdm

from tests.cast import happened, llm_at, person
from tests.model_server import ModelServer, Request
from workbench.llm.cache import CallCache
from workbench.record.run_file import RunFile
from workbench.worlds.world import World

ROOT = Path(__file__).parents[2]
PEOPLE = ("Ann", "Bob", "Cem", "Dan")
STEPS = 6
CONCURRENCY = {"simultaneous": len(PEOPLE), "sequential": 1}


def live(base_url: str, folder: Path, schedule: str, seed: int) -> World:
    """Begin a run or go on with it, as a researcher's script does."""
    path, llm = folder / "run.sqlite", llm_at(SimpleNamespace(base_url=base_url), cache=folder / "calls")
    if path.exists():
        world = World.resume(path, llm=llm)
    else:
        people = [person(name).listen(f"Remember, {name}.") for name in PEOPLE]
        world = World("Kitchen", people, llm=llm, record=path, schedule=schedule, seed=seed)
    if not any(event.content == "Hello" for event in world.events()):
        world.broadcast("Hello", "Moderator")
    with Path(os.devnull).open("w") as nowhere, redirect_stderr(nowhere):  # the progress bar
        asyncio.run(world.run(STEPS - world.steps, live=False))
    return world


def _live_alone(*arguments: Any) -> None:
    tqdm.set_lock(threading.RLock())  # its own is a semaphore of the system, which outlives a process that is killed
    live(*arguments)


def what_happened(base_url: str, folder: Path, schedule: str, seed: int) -> list[Any]:
    """Run without being killed."""
    folder.mkdir()
    return happened(live(base_url, folder, schedule, seed))


@dataclass
class Life:
    """One run of a world, over as many processes as are killed, and what was asked twice."""

    server: ModelServer
    folder: Path
    schedule: str
    seed: int
    kills: int = 0
    at_steps: list[int] = field(default_factory=list)
    asked_again: list[int] = field(default_factory=list)
    """After each kill: answers that were on the wire, not stored, and asked for again."""
    paid_twice: list[str] = field(default_factory=list)
    """Requests whose answer was in the call cache at the kill, and that were sent again. There should be none."""

    def go_on(self, processes: Any, rng: random.Random, kill: bool, longest: float) -> bool:
        """Start a process, perhaps kill it, and return whether the run was finished."""
        begin = len(self.server.requests)
        answered = {one_of(request) for request in self.server.requests if request.status == 200}
        stored = self.stored()
        process = processes.Process(
            target=_live_alone, args=(self.server.base_url, self.folder, self.schedule, self.seed)
        )
        process.start()
        process.join(rng.uniform(0, longest) if kill else 60)
        if ended := process.exitcode is not None:
            assert process.exitcode == 0
        else:
            process.kill()
            process.join()
            self.kills += 1
        self.wait_for_server()
        asked = [one_of(request) for request in self.server.requests[begin:]]
        self.paid_twice += [one for one in asked if one in stored]
        self.asked_again.append(sum(one in answered for one in asked))
        self.check_whole_steps()
        return ended

    def wait_for_server(self) -> None:
        """Let the server notice who has hung up."""
        until = time.monotonic() + 5
        while self.server.active and time.monotonic() < until:
            time.sleep(0.002)

    def stored(self) -> set[str]:
        """What is in the call cache, by messages and seed."""
        if not (self.folder / "calls").exists():
            return set()
        cache = CallCache.open(self.folder / "calls")
        asked = (json.loads(cache.entry(key)["request"]) for key in list(cache.keys()))
        return {json.dumps([one["messages"], one["seed"]], sort_keys=True) for one in asked}

    def check_whole_steps(self) -> None:
        """What is in the file is whole steps and nothing else."""
        if not (self.folder / "run.sqlite").exists():
            return
        file = RunFile.open(self.folder / "run.sqlite")
        self.at_steps.append(file.steps)
        acted = {(event.step, event.source) for event in file.events() if event.kind == "action"}
        assert acted == {(step, name) for step in range(1, file.steps + 1) for name in PEOPLE}
        file.close()


def one_of(request: Request) -> str:
    """What tells a request from every other in this test."""
    return json.dumps([request.body["messages"], request.body["seed"]], sort_keys=True)


def forks() -> Any:
    """Processes that are forked from one that has loaded everything, so that a life costs no start-up."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    return context
