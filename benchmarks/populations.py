"""Writing people, against the scripted model server in a process of its own: `make bench`.

50 people at 200 ms a request. The reference was measured to take 152 requests for them, most one after another. Bare
requests of the same bodies, 20 at once, stand beside it, within one run, since the machine is noisy.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from typing import Any

import workbench as wb
from benchmarks.engine import send_bare
from tests.model_server import ServerProcess

N = 50
LATENCY = 0.2
QUOTAS: dict[str, Any] = {
    "gender": {"female": 0.5, "male": 0.5},
    "age": {"18-34": 0.3, "35-54": 0.4, "55+": 0.3},
    "household_income": {"low": 0.3, "middle": 0.5, "high": 0.2},
}


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as folder, ServerProcess(latency=LATENCY) as server:
        os.environ["WORKBENCH_CACHE_DIR"] = folder
        rows = asyncio.run(_measure(server))
    width = max(len(name) for name, _, _ in rows)
    print(f"{'what':<{width}}  {'measured':>16}  wanted")
    for name, measured, wanted in rows:
        print(f"{name:<{width}}  {measured:>16}  {wanted}")


async def _measure(server: ServerProcess) -> list[tuple[str, str, str]]:
    llm = wb.LLM("scripted", base_url=server.base_url, api_key="none")
    start = await _people(llm, n=1, seed=99)
    server.reset()
    first = await _people(llm, n=N, seed=1)
    requests = [request.body for request in server.requests]
    server.reset()
    again = await _people(llm, n=N, seed=1)
    repeated = len(server.requests)
    began = time.perf_counter()
    await send_bare(server.base_url, requests)
    bare = time.perf_counter() - began
    return [
        (f"{N} people at 200 ms: requests", f"{len(requests)}", f"<= {N + 3}"),
        (f"{N} people at 200 ms: wall time", f"{first:.2f} s", "< 2 s, and what the first person takes to start up"),
        ("one person, the first of the process: wall time (start-up)", f"{start:.2f} s", ""),
        ("the same requests, bare AsyncOpenAI: wall time", f"{bare:.2f} s", ""),
        ("the same people again: requests", f"{repeated}", "0"),
        ("the same people again: wall time", f"{again:.2f} s", ""),
    ]


async def _people(llm: wb.LLM, *, n: int, seed: int) -> float:
    began = time.perf_counter()
    people = await wb.Population.generate(
        "customers of a Spanish supermarket", QUOTAS, n=n, seed=seed, llm=llm, progress=False
    )
    took = time.perf_counter() - began
    assert len(people) == n
    return took


if __name__ == "__main__":
    main()
