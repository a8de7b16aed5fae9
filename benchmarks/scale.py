"""100, 1,000 and 10,000 people in one process, against the scripted model server: `python -m benchmarks.scale`.

Each person has a persona of their own of 600 to 2,000 characters as the model reads it (not the 6,000 of
`benchmarks.engine`), and hears the 8 neighbours of a small-world graph. Runs are recorded to a file and answers go into
a call cache in a folder, as users have it. Each size is measured in a fresh process, after a warm-up run that loads
everything; the small ones several times, of which the medians are shown. Memory of a person: resident after the run,
less resident before the people were made.

Where there is no latency, time is CPU time of two processes, the workbench and the server. Compare figures within one
run only: other work on the machine moves all of them.
"""

from __future__ import annotations

import asyncio
import gc
import math
import multiprocessing
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from statistics import mean, median
from typing import Any

import networkx as nx
import openai

import workbench as wb
from tests.model_server import ServerProcess
from tests.obedient import WORDS, prose

SIZES = (100, 1_000, 10_000)
STEPS = 3
NEIGHBOURS = 8
LATENCY, CONCURRENCY, CROWD, ROUNDS = 0.2, 256, 1_024, 2
Figures = dict[str, float]
Row = tuple[str, str, str]


def main() -> None:
    """Print the table."""
    began = time.perf_counter()
    sizes = _measure_sizes()
    rows = [*_rows_of_sizes(sizes), *_rows_of_draw(_apart(_few_are_drawn)), *_rows_of_events(_apart(_many_events))]
    rows += _rows_of_latency(_apart(_with_latency))
    width = max(len(name) for name, _, _ in rows)
    print(f"{'what':<{width}}  {'measured':>30}  wanted")
    for name, measured, wanted in rows:
        print(f"{name:<{width}}  {measured:>30}  {wanted}")
    print(
        f"took {time.perf_counter() - began:.0f} s; personas: {sizes[SIZES[0]]['persona']:,.0f} characters on average"
    )


def _measure_sizes() -> dict[int, Figures]:
    """Measure the small sizes before and after the largest, for a few seconds say little on a noisy machine."""
    around = [n for n in SIZES[:-1] for _ in range(2 if n > SIZES[0] else 5)]
    measured = [(n, _apart(_everybody_acts, n)) for n in (*around[::2], SIZES[-1], *around[1::2])]
    runs = {n: [figures for size, figures in measured if size == n] for n in SIZES}
    return {n: {key: median(one[key] for one in figures) for key in figures[0]} for n, figures in runs.items()}


def _apart(work: Callable[..., Figures], *arguments: Any) -> Figures:
    """Do it in a process of its own."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as process:
        return process.submit(work, *arguments).result()


# -- the table ---------------------------------------------------------------------------------------------


def _rows_of_sizes(sizes: dict[int, Figures]) -> Iterator[Row]:
    def row(name: str, key: str, digits: int, wanted: str = "") -> Row:
        return name, " / ".join(f"{figures[key]:,.{digits}f}" for figures in sizes.values()), wanted

    small, large = sizes[SIZES[0]], sizes[SIZES[-1]]
    yield f"(a) people, {STEPS} steps each", " / ".join(f"{n:,}" for n in sizes), ""
    yield row("    turns a second", "rate", 0)
    yield row("    time of a turn, ms", "turn_wall", 2)
    yield row("    CPU of a turn, ms", "turn_cpu", 2)
    ratio = f"{large['turn_wall'] / small['turn_wall']:.2f}"
    yield f"    time of a turn, {SIZES[-1]:,} people / {SIZES[0]:,}", ratio, "<= 1.3"
    ratio = f"{large['turn_cpu'] / small['turn_cpu']:.2f}"
    yield f"    CPU of a turn, {SIZES[-1]:,} people / {SIZES[0]:,}", ratio, ""
    yield row("    to make people and world, ms a person", "make", 2)
    yield row("    World.resume, ms a person", "resume", 2)
    yield row("(b) resident memory a person, KB", "memory", 1, f"< 60 at {SIZES[-1]:,}")
    yield row("    of which when they are made, KB", "made_memory", 1)
    yield row("    at the peak, KB", "peak_memory", 1)
    yield row("    run file, bytes an event", "event_bytes", 0)


def _rows_of_draw(drawn: Figures) -> Iterator[Row]:
    yield "(c) 10,000 people of whom Draw(10) act in a step: time of a step, ms", f"{drawn['step']:.1f}", ""
    yield "    the same of 100 people", f"{drawn['small_step']:.1f}", ""
    yield "    memory a person, KB", f"{drawn['memory']:.1f}", ""


def _rows_of_events(many: Figures) -> Iterator[Row]:
    yield "(d) 200 people, one run: events after few and many steps", f"{many['few']:,.0f} / {many['many']:,.0f}", ""
    yield "    resident memory, bytes an event more", f"{many['slope']:,.0f}", ""
    yield "    of which what people know: their memories of what left the window", f"{many['memories']:,.0f}", ""
    yield "    the rest", f"{many['slope'] - many['memories']:,.0f}", "about 0"


def _rows_of_latency(slow: Figures) -> Iterator[Row]:
    what = f"{CROWD:,} people x {ROUNDS} steps at {LATENCY * 1000:.0f} ms, {CONCURRENCY} at once"
    yield f"(e) {what}: wall / floor", f"{slow['wall']:.2f}", "<= 1.3"
    yield "    bare AsyncOpenAI, the same requests: wall / floor", f"{slow['bare_wall']:.2f}", ""
    yield "    CPU of a turn x turns / floor: what one core needs", f"{slow['cpu']:.2f}", ""
    yield "    bare AsyncOpenAI: CPU / floor", f"{slow['bare_cpu']:.2f}", ""
    yield "    engine / bare, wall", f"{slow['wall'] / slow['bare_wall']:.2f}", ""


# -- what is measured, each in a process of its own --------------------------------------------------------


def _everybody_acts(n: int) -> Figures:
    return asyncio.run(_measure_size(n))


async def _measure_size(n: int) -> Figures:
    with _setting() as (_, llm, folder):
        await _warm_up(llm, folder)
        before = _resident()
        began = time.perf_counter()
        world = _world(llm, folder / "run.sqlite", n)
        made = time.perf_counter() - began
        just_made = _resident()
        cpu, wall = await _timed(world.run(STEPS, progress=False))
        after = _resident()
        n_events, turns = world.file.n_events, n * STEPS
        persona = mean(len(person.persona.markdown) for person in world.people)
        world.close()
        del world
        size = (folder / "run.sqlite").stat().st_size
        resume_began = time.perf_counter()
        wb.World.resume(folder / "run.sqlite", llm=llm).close()
        resumed = time.perf_counter() - resume_began
    return {
        "rate": turns / wall,
        "turn_wall": 1000 * wall / turns,
        "turn_cpu": 1000 * cpu / turns,
        "make": 1000 * made / n,
        "resume": 1000 * resumed / n,
        "memory": (after["VmRSS"] - before["VmRSS"]) / n,
        "made_memory": (just_made["VmRSS"] - before["VmRSS"]) / n,
        "peak_memory": (after["VmHWM"] - before["VmRSS"]) / n,
        "event_bytes": size / n_events,
        "persona": persona,
    }


def _few_are_drawn() -> Figures:
    return asyncio.run(_measure_draw(SIZES[-1], steps=100))


async def _measure_draw(n: int, steps: int) -> Figures:
    with _setting() as (_, llm, folder):
        await _warm_up(llm, folder)
        small = _world(llm, folder / "small.sqlite", SIZES[0], schedule=wb.schedules.Draw(10))
        _, small_wall = await _timed(small.run(steps, progress=False))
        before = _resident()
        world = _world(llm, folder / "run.sqlite", n, schedule=wb.schedules.Draw(10))
        _, wall = await _timed(world.run(steps, progress=False))
        memory = (_resident()["VmRSS"] - before["VmRSS"]) / n
    return {"step": 1000 * wall / steps, "small_step": 1000 * small_wall / steps, "memory": memory}


def _many_events() -> Figures:
    return asyncio.run(_measure_events(200, few=16, many=48))


async def _measure_events(n: int, few: int, many: int) -> Figures:
    """Let windows be full first: what they hold is a person's memory, and is in (b)."""
    with _setting() as (_, llm, folder):
        await _warm_up(llm, folder)
        small = wb.MemorySettings(window=20, episode=20, k=0, reflect_after=0)
        world = _world(llm, folder / "run.sqlite", n, memory=small)
        await world.run(few, progress=False)
        before, n_before, known_before = _resident(), world.file.n_events, _known(world)
        await world.run(many - few, progress=False)
        after, n_after = _resident(), world.file.n_events
        more = n_after - n_before
        return {
            "few": n_before,
            "many": n_after,
            "slope": 1024 * (after["VmRSS"] - before["VmRSS"]) / more,
            "memories": (_known(world) - known_before) / more,
        }


def _known(world: wb.World) -> int:
    """Return the bytes of what people know, that is their semantic memories, with all that these are made of."""
    seen = dict[int, int]()
    for person in world.people:
        for column in vars(person.memory.semantic).values():
            seen[id(column)] = sys.getsizeof(column)
            for value in column if isinstance(column, list) else ():
                parts = value if isinstance(value, tuple) else ()
                seen |= {id(part): sys.getsizeof(part) for part in (value, *parts)}
    return sum(seen.values())


def _with_latency() -> Figures:
    return asyncio.run(_measure_latency())


async def _measure_latency() -> Figures:
    with _setting(keep="all", latency=LATENCY, concurrency=CONCURRENCY) as (server, llm, folder):
        await _warm_up(llm, folder)
        server.reset()
        world = _world(llm, folder / "run.sqlite", CROWD)
        cpu, wall = await _timed(world.run(ROUNDS, progress=False))
        requests = [request.body for request in server.requests if request.status == 200]
    with _setting(latency=LATENCY) as (server, _, _):
        await _send_bare(server.base_url, requests[:8])
        bare_cpu, bare_wall = await _timed(_send_bare(server.base_url, requests))
    floor = ROUNDS * math.ceil(CROWD / CONCURRENCY) * LATENCY
    return {"wall": wall / floor, "bare_wall": bare_wall / floor, "cpu": cpu / floor, "bare_cpu": bare_cpu / floor}


async def _send_bare(base_url: str, requests: Sequence[dict[str, Any]]) -> None:
    """Send requests step by step, so many at once."""
    client = openai.AsyncOpenAI(base_url=base_url, api_key="none", max_retries=0)
    slots = asyncio.Semaphore(CONCURRENCY)

    async def send(request: dict[str, Any]) -> None:
        async with slots:
            await client.chat.completions.create(**request)

    for start in range(0, len(requests), CROWD):
        await asyncio.gather(*map(send, requests[start : start + CROWD]))
    await client.close()


# -- the setting -------------------------------------------------------------------------------------------


@contextmanager
def _setting(
    *, keep: str = "none", latency: float = 0.0, **options: Any
) -> Iterator[tuple[ServerProcess, wb.LLM, Path]]:
    """A server in a process of its own, a model there with an empty call cache, and a folder for run files."""
    with tempfile.TemporaryDirectory() as folder, ServerProcess(talk=(150, 200), keep=keep, latency=latency) as server:
        cache = wb.CallCache.open(Path(folder, "calls"))
        yield server, wb.LLM("scripted", base_url=server.base_url, api_key="none", cache=cache, **options), Path(folder)


def _world(
    llm: wb.LLM, record: Path, n: int, *, first: int = 0, memory: wb.MemorySettings | None = None, **options: Any
) -> wb.World:
    """A world that is about to begin."""
    people = [wb.Person(_persona(number), memory=memory) for number in range(first, first + n)]
    graph = nx.watts_strogatz_graph(n, NEIGHBOURS, 0.1, seed=1)
    reach = wb.SocialNetwork.from_graph(graph, people)
    world = wb.World("Benchmark", people, seed=1, llm=llm, record=record, reach=reach, **options)
    world.broadcast("Supermarkets have begun to sell gazpacho in bottles. Would you buy it? Why, or why not?")
    return world


async def _warm_up(llm: wb.LLM, folder: Path) -> None:
    """Load what is loaded once: start-up is not measured, and no part of anybody."""
    world = _world(llm, folder / "warm.sqlite", 2 * NEIGHBOURS, first=SIZES[-1])
    await world.run(2, progress=False)
    world.close()
    wb.World.resume(folder / "warm.sqlite", llm=llm).close()


_SYLLABLES = ("ka", "ri", "mo", "lu", "se", "na", "to", "vi", "jo", "pe", "da", "mi", "za", "fe", "bo", "sa")


def _persona(number: int) -> dict[str, Any]:
    """Return somebody of their own, the same for the same number."""
    rng = random.Random(number)

    def sentences(least: int, most: int) -> list[str]:
        return [prose(rng, 40, 110) for _ in range(rng.randint(least, most))]

    return {
        "name": _name(number),
        "age": rng.randint(18, 85),
        "gender": rng.choice(("female", "male")),
        "nationality": rng.choice(("Spanish", "Polish", "French", "Turkish", "Canadian", "Kenyan")),
        "residence": rng.choice(WORDS).title(),
        "education": prose(rng, 30, 70),
        "occupation": {"title": rng.choice(WORDS).title(), "description": prose(rng, 60, 150)},
        "style": prose(rng, 40, 90),
        "personality": {
            "traits": sentences(1, 4),
            "big_five": dict.fromkeys(("openness", "conscientiousness", "extraversion"), rng.choice(("high", "low"))),
        },
        "preferences": {"likes": rng.choices(WORDS, k=3), "dislikes": rng.choices(WORDS, k=2)},
        "long_term_goals": sentences(0, 2),
        "beliefs": sentences(0, 4),
        "other_facts": sentences(0, 4),
    }


def _name(number: int) -> str:
    """Return a name that nobody else has: a number in syllables."""
    number, first = divmod(number, 16)
    number, second = divmod(number, 16)
    number, third = divmod(number, 16)
    fourth = number % 16
    one, two, three, four = (_SYLLABLES[place] for place in (first, second, third, fourth))
    return f"{(one + two).title()} {(three + four).title()}"


async def _timed(work: Any) -> tuple[float, float]:
    cpu, wall = time.process_time(), time.perf_counter()
    await work
    return time.process_time() - cpu, time.perf_counter() - wall


def _resident() -> dict[str, int]:
    """Return the memory of this process in KB, as Linux counts it."""
    gc.collect()
    lines = (line.split() for line in Path("/proc/self/status").read_text().splitlines())
    return {words[0].rstrip(":"): int(words[1]) for words in lines if words[0].startswith(("Vm", "Rss"))}


if __name__ == "__main__":
    main()
