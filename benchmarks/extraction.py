"""Extraction per person, against the scripted model server in a process of its own: `make bench`.

50 people of one world of 20 steps, at 200 ms a request and a concurrency of 32: the floor is the latency of two rounds.
The reference goes one by one. Bare AsyncOpenAI sends the same requests, 32 at once, in the same run.

And what nearness by words and meaning tells of the planted ideas: how many of the 30 that are said again in other words
it finds, at the threshold that is best for it, and how near sentences are that say the opposite.
"""

from __future__ import annotations

import asyncio
import math
import tempfile
import time
from itertools import accumulate, combinations
from typing import Any

from rapidfuzz import fuzz, process

import workbench as wb
from benchmarks.engine import send_bare
from tests.extraction.planting import planted_ideas
from tests.model_server import ServerProcess
from workbench.evaluation.metrics.words import in_order, words_of
from workbench.record.events import START, Event

PEOPLE = 50
STEPS = 20
LATENCY = 0.2
CONCURRENCY = 32
OPPOSITES = (
    ("I would buy it in the shop next door.", "I would not buy it in the shop next door."),
    ("It should cost 3 euros for a bottle.", "It should cost 9 euros for a bottle."),
    ("Women prefer the bottle to the carton.", "Men prefer the bottle to the carton."),
    ("The bottle is better than the carton.", "The carton is better than the bottle."),
    ("No me gusta la sopa fría en verano.", "Me gusta la sopa fría en verano."),
)
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
    for name, measured, wanted in [*rows, *asyncio.run(_nearness())]:
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


async def _nearness() -> list[tuple[str, str, str]]:
    """Return how well similarity, the mean of shared words and of the cosine, tells which ideas are the same."""
    said = [(n, words) for n, idea in enumerate(planted_ideas()) for words in (idea["idea"], idea["again"]) if words]
    llm = wb.LLM(provider="embedded", cache="off")
    alike = await _similarities(llm, [words for _, words in said])
    pairs = list(combinations(range(len(said)), 2))
    ranked = sorted(((alike[one, other], said[one][0] == said[other][0]) for one, other in pairs), reverse=True)
    hits = list(accumulate(same for _, same in ranked))
    best = max(2 * found / (place + hits[-1]) for place, found in enumerate(hits, start=1))
    opposite = await _similarities(llm, [words for pair in OPPOSITES for words in pair])
    least = min(opposite[2 * number, 2 * number + 1] for number in range(len(OPPOSITES)))
    return [
        (f"nearness, {hits[-1]} ideas said again: best F of any threshold", f"{best:.2f}", ""),
        (f"    {len(OPPOSITES)} pairs that say the opposite: the least similarity", f"{least:.2f}", "(one idea: 0.70)"),
    ]


async def _similarities(llm: wb.LLM, texts: list[str]) -> Any:
    vectors = await llm.embed(texts)
    words = [in_order(words_of(text)) for text in texts]
    return (process.cdist(words, words, scorer=fuzz.ratio) / 100 + (vectors @ vectors.T).clip(0)) / 2


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
