from __future__ import annotations

import asyncio
import gc
import signal
import sys
import threading
import time
import warnings
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.llm.doubles import ask, llm_at, run_python
from workbench.errors import UnknownModel
from workbench.llm.running import sync, together


async def after(seconds: float, value: object) -> object:
    await asyncio.sleep(seconds)
    return value


async def fails(error: BaseException, seconds: float = 0.0) -> None:
    await asyncio.sleep(seconds)
    raise error


# sync


def test_sync_runs_from_plain_code(server):
    assert sync(ask(llm_at(server))).text


async def test_sync_runs_inside_a_running_loop(server):
    assert sync(ask(llm_at(server))).text


def test_sync_serves_one_model_again_and_again(server):
    llm = llm_at(server)
    assert [sync(ask(llm, str(n))).cached for n in range(3)] == [False] * 3
    assert len(server.connections) == 1


def test_sync_serves_threads_at_once():
    started = time.monotonic()
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda n: sync(after(0.2, n)), range(8))) == list(range(8))
    assert time.monotonic() - started < 1


def test_sync_raises_what_the_coroutine_raises():
    error = UnknownModel("no model here", status=404)
    with pytest.raises(UnknownModel, match="no model here") as caught:
        sync(fails(error))
    assert caught.value is error


def test_sync_inside_what_it_runs_is_told_and_hangs_nobody():
    async def nested() -> object:
        return sync(after(0, "never"))

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(RuntimeError, match="await it instead"):
            sync(nested())
        gc.collect()


def test_sync_in_a_thread_of_what_it_runs_is_well():
    async def outer() -> object:
        return await asyncio.to_thread(sync, after(0, "inner"))

    assert sync(outer()) == "inner"


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_interrupt_cancels_and_waits_for_what_is_tidied_up():
    tidied = []

    async def long() -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            await asyncio.sleep(0.1)
            tidied.append("yes")
            raise

    interrupt = threading.Timer(0.2, signal.pthread_kill, [threading.main_thread().ident, signal.SIGINT])
    interrupt.start()
    with pytest.raises(KeyboardInterrupt):
        sync(long())
    assert tidied == ["yes"]
    assert sync(after(0, "still here")) == "still here"


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_interrupt_ends_the_requests_under_way(model_server):
    server = model_server(latency=5)
    interrupt = threading.Timer(0.5, signal.pthread_kill, [threading.main_thread().ident, signal.SIGINT])
    interrupt.start()
    with pytest.raises(KeyboardInterrupt):
        sync(ask(llm_at(server)))
    for _ in range(100):
        if not server.active:
            break
        time.sleep(0.01)
    assert (server.active, server.n_requests) == (0, 1)


@pytest.mark.skipif(not hasattr(__import__("os"), "fork"), reason="no fork")
def test_sync_works_in_a_forked_child():
    """A pool of processes forks on Linux: the child has the variable of the loop, and not its thread."""
    code = """
import asyncio, os, signal, warnings
from workbench.llm.running import sync

warnings.simplefilter("ignore")
async def answer(): return 42
assert sync(answer()) == 42
child = os.fork()
if not child:
    signal.alarm(10)
    os._exit(sync(answer()))
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    assert run_python(code) == "42\n"


# together


async def test_together_runs_at_once_and_keeps_the_order():
    started = time.monotonic()
    assert await together(after(seconds, seconds) for seconds in (0.2, 0.1, 0.0)) == [0.2, 0.1, 0.0]
    assert time.monotonic() - started < 0.3
    assert await together([]) == []


async def test_together_lets_the_rest_finish_and_raises_the_first_error_in_order():
    seen = []

    async def slow() -> None:
        await asyncio.sleep(0.05)
        seen.append("finished")

    first, second = UnknownModel("first in order"), UnknownModel("first in time")
    with pytest.raises(UnknownModel) as caught:
        await together([slow(), fails(first, 0.02), fails(second), slow()])
    assert caught.value is first
    assert seen == ["finished"] * 2


async def test_together_leaves_no_group_in_the_error():
    """IPython writes no error output where a group is in the context, and papermill then knows of no error."""
    with pytest.raises(UnknownModel) as caught:
        await together([fails(UnknownModel("no such model"))])
    assert caught.value.__context__ is None


async def test_together_can_be_cancelled():
    task = asyncio.create_task(together([after(60, n) for n in range(3)]))
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
