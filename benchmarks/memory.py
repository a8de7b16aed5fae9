"""One person with 1,000, 10,000 and 100,000 memories: `python -m benchmarks.memory`.

Each size is measured in processes of its own, so that the memory used is that of the size. Vectors are random, from a
seed; their values do not matter for time. Wanted for 100,000 of 512 dimensions: a retrieval in less than 30 ms (the
median), less than 400 MB resident, less than 5 s to save and to load, and time that grows at most linearly.
"""

from __future__ import annotations

import json
import multiprocessing
import tempfile
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np

from workbench.agents.memory.remembered import Weights
from workbench.agents.memory.semantic import SemanticMemory
from workbench.agents.memory.vectors import BLOCK_ROWS
from workbench.agents.person import Person
from workbench.record.events import START, Event

SIZES = (1_000, 10_000, 50_000, 100_000)
DIMENSIONS = 512
MOMENTS = 40
SHOWN = 8
Figures = dict[str, float]


def main() -> None:
    """Print the table."""
    table = {size: _measure(size) for size in SIZES}
    width = max(len(name) for name in table[SIZES[0]])
    print(f"{'what':<{width}}", *(f"{size:>10,}" for size in SIZES), f"{'ratio':>8}  wanted")
    for name in table[SIZES[0]]:
        row = [table[size][name] for size in SIZES]
        ratio = f"{row[-1] / row[-2]:.1f}" if row[-2] else ""
        print(f"{name:<{width}}", *(f"{value:>10.2f}" for value in row), f"{ratio:>8}  {_wanted(name)}")
    print(f"ratio: {SIZES[-1]:,} / {SIZES[-2]:,}; linear is {SIZES[-1] / SIZES[-2]:.0f}")


def _wanted(name: str) -> str:
    wishes = {"median": "< 30", "resident": "< 400", "save, s": "< 5", "load, s": "< 5"}
    return next((wish for word, wish in wishes.items() if word in name), "")


def _measure(size: int) -> Figures:
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder, "lisa.agent.json"))
        return _apart(_build_and_save, size, path) | _apart(_load, size, path)


def _apart(work: Callable[[int, str], Figures], size: int, path: str) -> Figures:
    """Do it in a process of its own."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(work, (size, path))


def _build_and_save(size: int, path: str) -> Figures:
    before = _megabytes("VmRSS")
    person = _person(size)
    memory = person.memory.semantic
    _embed(memory)
    figures = {"process before, MB": before}
    for n_queries in (1, 3):
        times = _retrieval_times(memory, n_queries)
        figures[f"retrieval, {n_queries} queries, median, ms"] = float(np.median(times))
        figures[f"retrieval, {n_queries} queries, p95, ms"] = float(np.percentile(times, 95))
    figures["resident after retrievals, MB"] = _megabytes("VmRSS")
    figures["peak of building and retrievals, MB"] = _megabytes("VmHWM")
    _forget_peak()
    figures["save, s"] = _seconds(lambda: person.save(path))
    figures["peak of save, MB"] = _megabytes("VmHWM")
    figures["file, MB"] = Path(path).stat().st_size / 1e6
    return figures


def _load(size: int, path: str) -> Figures:
    loaded: list[Person] = []
    _forget_peak()
    figures = {"load, s": _seconds(lambda: loaded.append(Person.load(path)))}
    assert len(loaded[0].memory.semantic) == size
    assert not loaded[0].memory.semantic.missing()
    return figures | {"resident after load, MB": _megabytes("VmRSS"), "peak of load, MB": _megabytes("VmHWM")}


def _person(size: int) -> Person:
    """Make somebody with memories of about 200 characters, one a simulated minute."""
    person = Person({"name": "Lisa"})
    for n in range(1, size + 1):
        text = f"Memory {n}: " + "somebody said that supermarkets have begun to sell gazpacho in bottles; " * 3
        time_ = START + timedelta(minutes=n)
        data = {"text": text[:200], "importance": 1 + n % 10, "time": time_.isoformat(), "links": [n]}
        person.perceive(Event(n, n, time_, "memory", "MEMORY", "", "Lisa", json.dumps(data), "call"))
    return person


def _embed(memory: SemanticMemory) -> None:
    """Set random vectors block by block, so that there is never a second copy of all."""
    random = np.random.default_rng(1)
    places = memory.missing()
    for start in range(0, len(places), BLOCK_ROWS):
        part = places[start : start + BLOCK_ROWS]
        memory.set_vectors(part, random.standard_normal((len(part), DIMENSIONS), dtype=np.float32))


def _retrieval_times(memory: SemanticMemory, n_queries: int) -> list[float]:
    """Return the milliseconds of each retrieval, after one that is not counted."""
    random = np.random.default_rng(2)
    now = START + timedelta(minutes=len(memory))
    moments = [random.standard_normal((n_queries, DIMENSIONS), dtype=np.float32) for _ in range(MOMENTS + 1)]
    times = [_seconds(lambda m=m: memory.retrieve(m, now, SHOWN, weights=Weights())) for m in moments]  # type: ignore[misc]
    return [1000 * seconds for seconds in times[1:]]


def _seconds(work: Callable[[], Any]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _megabytes(field: str) -> float:
    """Return what Linux says of this process: VmRSS is what is resident, VmHWM the most that was."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(field))


def _forget_peak() -> None:
    Path("/proc/self/clear_refs").write_text("5")


if __name__ == "__main__":
    main()
