"""The engine against the scripted model server, in a process of its own: `make bench`.

20 people with a rich persona of about 6,000 characters, 5 steps, all hearing all, as the reference was measured: 38.8
s at 200 ms a call, 100-180 ms of CPU and 14,700 prompt tokens a turn, 70 % of prompt characters already sent, and a
second run that repeats every request. Everything is compared within one run, since the machine is noisy.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import openai

import workbench as wb
from tests.model_server import ServerProcess

BLOCK = 512
"""Characters: the size of the blocks in which a prefix counts as sent already."""


def main() -> None:
    """Print the table."""
    rows = asyncio.run(_measure())
    width = max(len(name) for name, _, _ in rows)
    print(f"{'what':<{width}}  {'measured':>16}  wanted")
    for name, measured, wanted in rows:
        print(f"{name:<{width}}  {measured:>16}  {wanted}")


async def _measure() -> list[tuple[str, str, str]]:
    await _warm_up()
    floor = 5 * 0.2
    with _setting(latency=0.2) as (server, llm), _world(llm, people=20) as world:
        _, slow_wall = await _timed(world.run(5, live=False))
    with _setting() as (server, llm):
        with _world(llm, people=20) as world:
            engine_cpu, _ = await _timed(world.run(5, live=False))
        requests = [request.body for request in server.requests if request.status == 200]
        with _world(llm, people=20) as world:
            second_cpu, second_wall = await _timed(world.run(5, live=False))
        again = len(server.requests) - len(requests)
        bare_cpu, _ = await _timed(send_bare(server.base_url, requests))
    with _setting(latency=0.2) as (server, _):
        _, bare_wall = await _timed(send_bare(server.base_url, requests))
    with _setting() as (server, llm), _world(llm, people=5) as world:
        await world.run(20, live=False)
        long = [request.body for request in server.requests if request.status == 200]
    prompts, long_prompts = [_prompt(r) for r in requests], [_prompt(r) for r in long]
    turns = len(requests)
    return [
        ("(a) 20 people x 5 steps at 200 ms: wall time of the run / floor", f"{slow_wall / floor:.2f}", "<= 1.3"),
        ("    bare AsyncOpenAI, the same requests in 5 rounds: wall time / floor", f"{bare_wall / floor:.2f}", ""),
        ("(b) CPU of a turn, engine", f"{1000 * engine_cpu / turns:.2f} ms", ""),
        ("    CPU of the same request, bare AsyncOpenAI", f"{1000 * bare_cpu / turns:.2f} ms", ""),
        ("    ratio", f"{engine_cpu / bare_cpu:.2f}", "<= 3"),
        ("(c) prompt tokens of a turn (characters / 4)", f"{sum(map(len, prompts)) / 4 / turns:,.0f}", "<= 4,500"),
        ("    already sent, from step 2, 20 people x 5 steps", f"{_already_sent(prompts, 20):.1%}", ">= 70 %"),
        ("    already sent, from step 2, 5 people x 20 steps", f"{_already_sent(long_prompts, 5):.1%}", ">= 85 %"),
        ("(d) second run: requests", f"{again}", "0"),
        (
            "    second run: wall time of a turn",
            f"{1000 * second_wall / turns:.2f} ms",
            "< 2 ms",
        ),
        ("    second run: CPU of a turn", f"{1000 * second_cpu / turns:.2f} ms", ""),
    ]


@contextmanager
def _setting(**options: Any) -> Iterator[tuple[ServerProcess, wb.LLM]]:
    """A server in a process of its own, and a model there with an empty call cache."""
    with tempfile.TemporaryDirectory() as folder, ServerProcess(talk=(150, 200), **options) as server:
        yield server, wb.LLM("scripted", base_url=server.base_url, api_key="none", cache=wb.CallCache.open(folder))


@contextmanager
def _world(llm: wb.LLM, *, people: int) -> Iterator[wb.World]:
    """A world that is about to begin, recorded to a file; nothing is shown, for that is not the engine's time."""
    persona = wb.Person.load("kinga").persona.to_dict()
    group = [wb.Person({**persona, "name": f"Kinga Żurawska {n:02}"}) for n in range(people)]
    os.environ["TQDM_DISABLE"] = "1"
    with tempfile.TemporaryDirectory() as folder:
        world = wb.World("Benchmark", group, seed=1, llm=llm, record=Path(folder, "run.sqlite"))
        world.broadcast("Supermarkets have begun to sell gazpacho in bottles. Would you buy it? Why, or why not?")
        yield world
    del os.environ["TQDM_DISABLE"]


async def send_bare(base_url: str, requests: list[dict[str, Any]], at_once: int = 20) -> None:
    client = openai.AsyncOpenAI(base_url=base_url, api_key="none", max_retries=0)
    for start in range(0, len(requests), at_once):
        await asyncio.gather(*(client.chat.completions.create(**r) for r in requests[start : start + at_once]))


async def _warm_up() -> None:
    """Load what is loaded once: start-up is not measured."""
    with _setting() as (server, llm), _world(llm, people=2) as world:
        await world.run(1, live=False)
        await send_bare(server.base_url, [request.body for request in server.requests])


async def _timed(work: Any) -> tuple[float, float]:
    cpu, wall = time.process_time(), time.perf_counter()
    await work
    return time.process_time() - cpu, time.perf_counter() - wall


def _prompt(request: dict[str, Any]) -> str:
    return json.dumps([m["role"] for m in request["messages"]]) + "".join(m["content"] for m in request["messages"])


def _already_sent(prompts: list[str], people: int) -> float:
    """Return the share of prompt characters, from the second step on, that are a prefix sent before."""
    known: set[bytes] = set()
    sent = total = 0
    for number, prompt in enumerate(prompts):
        digests = [hashlib.sha256(prompt[:end].encode()).digest() for end in range(BLOCK, len(prompt) + 1, BLOCK)]
        prefix = next((n for n, digest in enumerate(digests) if digest not in known), len(digests))
        if number >= people:
            sent, total = sent + prefix * BLOCK, total + len(prompt)
        known.update(digests)
    return sent / total


if __name__ == "__main__":
    main()
