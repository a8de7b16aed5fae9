"""Running coroutines: `sync` from plain code, `together` many at once."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Coroutine, Iterable
from functools import cache
from typing import Any, TypeVar

Result = TypeVar("Result")

_THREAD = "workbench"


@cache
def _background_loop(_process: int) -> asyncio.AbstractEventLoop:
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

    future = asyncio.run_coroutine_threadsafe(run(), _background_loop(os.getpid()))
    try:
        return future.result()
    except KeyboardInterrupt:
        future.cancel()
        ended.wait(timeout=10)
        raise


async def together(coroutines: Iterable[Coroutine[Any, Any, Result]]) -> list[Result]:
    """Run coroutines at once and return their results in the order given.

    The first error cancels the rest and is raised as it is, not in a group.
    """
    first: BaseException | None = None
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(coroutine) for coroutine in coroutines]
    except BaseExceptionGroup as errors:
        first = errors.exceptions[0]
    if first:  # raised out here: with a group in its context, IPython shows no error output and papermill none to users
        raise first
    return [task.result() for task in tasks]
