"""Extraction per person, against the scripted model server in a process of its own: `make bench`.

50 people of one world of 20 steps, at 200 ms a request and a concurrency of 32: the floor is the latency of two rounds.
The reference goes one by one. Bare AsyncOpenAI sends the same requests, 32 at once, in the same run.
"""

from __future__ import annotations

import asyncio
import math
import tempfile
import time

import workbench as wb
from benchmarks.engine import send_bare
from tests.model_server import ServerProcess
from workbench.record.events import START, Event

PEOPLE = 50
STEPS = 20
LATENCY = 0.2
CONCURRENCY = 32
FIELDS = {"reason": str, "words": wb.Quotation}


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as folder, ServerProcess(latency=LATENCY, keep="full") as server:
        llm = wb.LLM("scripted", base_url=server.base_url, api_key="none", cache=folder, concurrency=CONCURRENCY)
        first, again, bare, requests = asyncio.run(_measure(llm, server))
    floor = math.ceil(PEOPLE / CONCURRENCY) * LATENCY
    rows = [
        (f"{PEOPLE} people at 200 ms, {CONCURRENCY} at once: requests", f"{requests}", f"{PEOPLE}"),
        ("    wall time / floor", f"{first:.2f} s / {floor:.2f} s = {first / floor:.2f}", "<= 1.3"),
        ("    bare AsyncOpenAI, the same requests / floor", f"{bare:.2f} s / {floor:.2f} s = {bare / floor:.2f}", ""),
        ("    the same again, from the call cache", f"{again:.2f} s", ""),
    ]
    for name, measured, wanted in rows:
        print(f"{name:<60}  {measured:>24}  {wanted}")


async def _measure(llm: wb.LLM, server: ServerProcess) -> tuple[float, float, float, int]:
    events = _events()
    await wb.extract(events[:3], "warm up", fields=FIELDS, llm=llm)  # what is loaded once is not measured
    server.reset()
    times = []
    for _ in range(2):
        began = time.perf_counter()
        table = await wb.extract(events, "why they would buy it", fields=FIELDS, per="person", llm=llm)
        times.append(time.perf_counter() - began)
        assert table.attrs["extraction"]["n_units"] == PEOPLE
    asked = [request.body for request in server.requests if request.status == 200]
    began = time.perf_counter()
    await send_bare(server.base_url, asked, CONCURRENCY)
    return times[0], times[1], time.perf_counter() - began, len(asked)


def _events() -> list[Event]:
    """A run in which everybody says something in every step, each to one other."""
    names = [f"Person {number:02}" for number in range(PEOPLE)]
    said = []
    for step in range(1, STEPS + 1):
        for number, name in enumerate(names):
            words = f"In step {step} I, {name}, would buy gazpacho in a bottle: it saves me time in the evening."
            target = names[(number + step) % PEOPLE]
            said.append(Event(len(said) + 1, step, START, "action", "TALK", name, target, words))
    return said


if __name__ == "__main__":
    main()
