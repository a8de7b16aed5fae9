"""The HTTP client of an event loop."""

from __future__ import annotations

import asyncio
import gc

from tests.llm.doubles import ask, llm_at
from workbench.llm import http


async def test_models_of_one_loop_share_a_client(server):
    one, other = llm_at(server), llm_at(server)
    await asyncio.gather(ask(one), ask(other, sample=1))
    assert await http.http_client(tls=False, proxies=True) is await http.http_client(tls=False, proxies=True)
    assert len(http._OPEN[asyncio.get_running_loop()]) == 1


def test_loop_that_ended_takes_its_client_along(server):
    before = sum(not loop.is_closed() for loop in http._OPEN)
    asyncio.run(ask(llm_at(server)))
    asyncio.run(ask(llm_at(server), sample=1))
    assert sum(not loop.is_closed() for loop in http._OPEN) == before


async def test_models_that_are_dropped_leave_no_deaf_connection(model_server):
    """Their connections, collected as garbage, once closed descriptors that new connections then had."""
    for _ in range(4):
        llm = llm_at(model_server(latency=0.01), timeout=2, max_tries=1)
        await asyncio.gather(*(ask(llm, sample=number) for number in range(20)))
        del llm
        gc.collect()
