"""Scoring, against the scripted model server in a process of its own: `make bench`.

200 targets on 6 propositions at 200 ms a request and a concurrency of 64: the floor is the latency of the 19 rounds.
"""

from __future__ import annotations

import asyncio
import math
import tempfile
import time

import workbench as wb
from tests.model_server import ServerProcess
from workbench import propositions

TARGETS = 200
LATENCY = 0.2
CONCURRENCY = 64
CLAIMS = [
    propositions.persona_adherence,
    propositions.self_consistency,
    propositions.fluency,
    propositions.suitability,
    wb.Proposition("{{name}} would buy it", "would buy"),
    wb.Proposition("{{name}} is bored", "bored"),
]


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as folder, ServerProcess(latency=LATENCY, keep="none") as server:
        llm = wb.LLM("scripted", base_url=server.base_url, api_key="none", cache=folder, concurrency=CONCURRENCY)
        first, again, requests = asyncio.run(_measure(llm, server))
    floor = math.ceil(TARGETS * len(CLAIMS) / CONCURRENCY) * LATENCY
    rows = [
        (
            f"{TARGETS} targets x {len(CLAIMS)} propositions at 200 ms: requests",
            f"{requests}",
            f"{TARGETS * len(CLAIMS)}",
        ),
        ("    wall time / floor", f"{first:.2f} s / {floor:.2f} s = {first / floor:.2f}", "<= 1.3"),
        ("    the same again, from the call cache", f"{again:.2f} s", ""),
    ]
    for name, measured, wanted in rows:
        print(f"{name:<60}  {measured:>24}  {wanted}")


async def _measure(llm: wb.LLM, server: ServerProcess) -> tuple[float, float, int]:
    people = [_talked(number) for number in range(TARGETS)]
    await wb.score(people[:2], [wb.Proposition("warm up")], llm=llm)  # what is loaded once is not measured
    server.reset()
    times = []
    for _ in range(2):
        began = time.perf_counter()
        table = await wb.score(people, CLAIMS, llm=llm)
        times.append(time.perf_counter() - began)
        assert len(table) == TARGETS * len(CLAIMS)
    return times[0], times[1], server.stats()["requests"]


def _talked(number: int) -> wb.Person:
    """Somebody with a rich persona, who has heard ten sentences."""
    persona = wb.Person.load("kinga").persona.to_dict()
    person = wb.Person({**persona, "name": f"Kinga Żurawska {number:03}"})
    for turn in range(10):
        person.listen(f"Sentence {turn} to {number}: would you buy gazpacho in a bottle, and why?", "Moderator")
    return person


if __name__ == "__main__":
    main()
