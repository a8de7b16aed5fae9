"""Model calls fail and disks fill up; runs do not end for it, or end between two steps."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.cast import happened, llm_at, world_at
from tests.model_server import ModelServer
from workbench.record.run_file import RunFile
from workbench.worlds.world import World

schedules = pytest.mark.parametrize("schedule", ["simultaneous", "sequential"])
SIX = ("Ann", "Bob", "Cem", "Dan", "Eva", "Fay")


def shape(world: World) -> list[tuple]:
    """Who did what in which step; without the words, which a repaired answer may have in another way."""
    return [(e.step, e.kind, e.type, e.source, e.target) for e in world.events()]


async def run_of(server: ModelServer, schedule: str) -> World:
    world = world_at(server, *SIX, schedule=schedule, seed=3, llm=llm_at(server, max_tries=10))
    await world.broadcast("Would you buy gazpacho?").run(8, live=False)
    return world


@schedules
async def test_run_ends_with_every_turn_there_whatever_the_server_does(model_server, schedule):
    calm = model_server()
    stormy = model_server(fault_rate=0.2, malformed_rate=0.05, seed=5)
    expected, world = await run_of(calm, schedule), await run_of(stormy, schedule)
    assert shape(world) == shape(expected)
    talked = {(event.step, event.source) for event in world.events() if event.type == "TALK"}
    assert talked == {(step, name) for step in range(1, 9) for name in SIX}
    assert calm.n_requests == 48
    assert 48 * 1.1 < stormy.n_requests < 48 * 2


async def test_same_faults_give_the_same_run(model_server):
    server = model_server(fault_rate=0.2, malformed_rate=0.05, seed=5)
    first = await run_of(server, "simultaneous")
    server.reset()
    assert happened(await run_of(server, "simultaneous")) == happened(first)


FULL = """
import asyncio, json, resource, signal, sys
from tests.cast import happened, llm_at, world_at
from workbench.errors import StorageError

class At: base_url = sys.argv[1]
world = world_at(At, record=sys.argv[2]).broadcast("x" * 20_000)
before, errors = world.record.stat().st_size, []

async def main():
    await world.run(2, live=False)
    resource.setrlimit(resource.RLIMIT_FSIZE, (before + 20_000, resource.RLIM_INFINITY))
    while not errors:
        states = happened(world), [p.state() for p in world.people], world.time
        try:
            await world.run(1, live=False)
        except StorageError as error:
            errors.append([type(error).__name__, str(error), str(error.path), error.__notes__])
    try:
        world.broadcast("y" * 50_000)
    except StorageError as error:
        errors.append([type(error).__name__])
    same = (happened(world), [p.state() for p in world.people], world.time) == states
    stopped = world.steps
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    await world.run(2, live=False)
    print(json.dumps([errors, same, stopped, world.steps]))

asyncio.run(main())
"""


@pytest.mark.skipif(sys.platform == "win32", reason="limits the size of files with RLIMIT_FSIZE")
def test_full_disk_keeps_the_steps_before(server, tmp_path):
    path = tmp_path / "r.sqlite"
    command = [sys.executable, "-c", FULL, server.base_url, str(path)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    (failed, told), same, stopped, steps = json.loads(run.stdout)
    assert failed[0] == told[0] == "StorageError"
    assert failed[2] == str(path)
    assert "Free some space" in failed[1]
    assert f"{stopped} whole step(s)" in failed[3][0]
    assert same
    assert steps == stopped + 2 == RunFile.open(path).steps
    assert World.resume(path, llm=llm_at(server)).steps == steps


@pytest.mark.skipif(sys.platform != "linux", reason="/dev/full")
def test_full_disk_when_a_run_begins_leaves_nothing(server, tmp_path):
    code = """
import resource, sys
from tests.cast import world_at
from workbench.errors import StorageError
class At: base_url = sys.argv[1]
resource.setrlimit(resource.RLIMIT_FSIZE, (9000, 9000))
try:
    world_at(At, record=sys.argv[2])
except StorageError as error:
    print(error)
"""
    command = [sys.executable, "-c", code, server.base_url, str(tmp_path / "r.sqlite")]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "r.sqlite: the run file cannot be used" in run.stdout
    assert not list(tmp_path.iterdir())
