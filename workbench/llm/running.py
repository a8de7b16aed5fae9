"""Running coroutines: `sync` from plain code, `together` many at once."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Coroutine, Iterable
from functools import cache
from typing import Any, TypeVar, cast

Result = TypeVar("Result")

_THREAD = "workbench"
_STARTING = threading.Lock()
HOPS = 6
"""Turns of the event loop that a call takes to be on its way. Given them, it travels while the next one is prepared."""


def _background_loop() -> asyncio.AbstractEventLoop:
    with _STARTING:  # `cache` alone would let several threads start one each
        return _start_loop(os.getpid())


@cache
def _start_loop(_process: int) -> asyncio.AbstractEventLoop:
    """One a process: a forked child has the parent's loop without the thread that runs it."""
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name=_THREAD, daemon=True).start()
    return loop


def sync(coroutine: Coroutine[Any, Any, Result]) -> Result:
    """Run a coroutine to its end and return what it returns.

    It runs in one background thread, so it also works where a loop already runs, as in a notebook cell. Ctrl-C
    cancels it, waits until it has tidied up, and raises KeyboardInterrupt.

    >>> async def answer():
    ...     return 42
    >>> sync(answer())
    42
    """
    if threading.current_thread().name == _THREAD:
        coroutine.close()
        raise RuntimeError("sync() was called from a coroutine that sync() runs: await it instead")
    ended = threading.Event()

    async def run() -> Result:
        try:
            return await coroutine
        finally:
            ended.set()

    future = asyncio.run_coroutine_threadsafe(run(), _background_loop())
    try:
        return future.result()
    except KeyboardInterrupt:
        future.cancel()
        ended.wait(timeout=10)
        raise


async def together(coroutines: Iterable[Coroutine[Any, Any, Result]], *, at_once: int | None = None) -> list[Result]:
    """Run coroutines at once and return their results in the order given.

    Args:
        coroutines: they are taken one by one, so a generator makes each only when it is its turn.
        at_once: how many may be under way; all when not given. Ten thousand prompts at once would fill the memory.

    One that fails does not stop the others: what they are about to be answered is paid for, and stays in the call
    cache. When all have ended, the first error in the order given is raised, as it is and not in a group. To cancel it
    cancels them all.
    """
    tasks = []
    slots = asyncio.Semaphore(at_once) if at_once else None
    async with asyncio.TaskGroup() as group:
        waiting = iter(coroutines)
        while True:
            if slots:
                await slots.acquire()
            if (coroutine := next(waiting, None)) is None:
                break
            tasks.append(group.create_task(_settled(coroutine)))
            if slots:
                tasks[-1].add_done_callback(lambda _: slots.release())
            for _ in range(HOPS):
                await asyncio.sleep(0)
    ended = [task.result() for task in tasks]
    for _, error in ended:
        if error:
            raise error
    return [result for result, _ in ended]


async def _settled(coroutine: Coroutine[Any, Any, Result]) -> tuple[Result, Exception | None]:
    try:
        return await coroutine, None
    except Exception as error:  # noqa: BLE001  # `together` raises it
        return cast("Result", None), error
