from __future__ import annotations

import asyncio
import json
import os
import pickle
import sqlite3
import time
import zlib
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import diskcache
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.llm.doubles import Opinion, answer, answers, ask, llm_at, request, run_python
from tests.model_server import Fault
from workbench.errors import CacheMiss, DamagedFile, InvalidSettings, ModelUnreachable
from workbench.llm.cache import CallCache
from workbench.llm.calls import Answer
from workbench.llm.client import LLM
from workbench.settings import cache_dir


class Counted:
    """What a cache asks where it has nothing: counts, and waits for the test."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.n, self.ended, self.seconds = 0, 0, seconds

    async def __call__(self) -> Answer:
        self.n += 1
        await asyncio.sleep(self.seconds)
        self.ended += 1
        return answer(f"answer {self.n}")


async def nobody() -> Answer:
    raise AssertionError("nobody is to be asked")


def opened(path: Path, mode: Any = "use") -> CallCache:
    return CallCache.open(path, mode)


# Modes


async def test_cache_answers_what_was_asked_before(tmp_path):
    assert await opened(tmp_path).answer(request(), answers) == (answer(), True)
    assert await opened(tmp_path).answer(request(), nobody) == (answer(), False)


async def test_cache_refreshes(tmp_path):
    counted = Counted()
    await opened(tmp_path).answer(request(), counted)
    assert await opened(tmp_path, "refresh").answer(request(), counted) == (answer("answer 2"), True)
    assert opened(tmp_path).get(request().key) == answer("answer 2")


async def test_cache_that_is_off_neither_reads_nor_writes(tmp_path):
    counted = Counted()
    await opened(tmp_path / "on").answer(request(), answers)
    for path in (tmp_path / "on", tmp_path / "not there"):
        assert (await opened(path, "off").answer(request(), counted))[1]
    assert counted.n == 2
    assert not (tmp_path / "not there").exists()
    assert opened(tmp_path / "on").get(request().key) == answer()


async def test_cache_that_replays_asks_nobody(tmp_path):
    await opened(tmp_path).answer(request(), answers)
    replayed = opened(tmp_path, "replay")
    assert await replayed.answer(request(), nobody) == (answer(), False)
    with pytest.raises(CacheMiss, match="'replay' asks nobody") as caught:
        await replayed.answer(request("Why?"), nobody)
    assert json.loads(caught.value.request)["messages"] == [{"role": "user", "content": "Why?"}]
    assert str(tmp_path) in str(caught.value)


@pytest.mark.parametrize(
    ("mode", "requests", "cached"), [("use", 1, 3), ("refresh", 4, 0), ("off", 4, 0), ("replay", 0, 0)]
)
async def test_mode_of_a_model(server, tmp_path, mode, requests, cached):
    llm = llm_at(server, cache=opened(tmp_path, mode))
    for _ in range(4):
        try:
            await ask(llm)
        except CacheMiss:
            assert mode == "replay"
    assert (server.n_requests, llm.meter.total.from_cache) == (requests, cached)


def test_mode_that_is_not_there_is_named(tmp_path):
    with pytest.raises(InvalidSettings, match="'sometimes'; there are use, refresh, off, replay"):
        opened(tmp_path, "sometimes")


def test_cache_of_a_model_is_a_mode_a_folder_a_recording_or_a_cache(tmp_path):
    kept = opened(tmp_path / "one")
    assert LLM("m", "http://a", cache=kept).cache is kept
    assert LLM("m", "http://a", cache=tmp_path / "two").cache.path == tmp_path / "two"
    assert LLM("m", "http://a", cache="refresh").cache.path == cache_dir() / "calls"
    kept.export(tmp_path / "study.jsonl")
    assert LLM("m", "http://a", cache=str(tmp_path / "study.jsonl")).cache.mode == "replay"


async def test_fault_is_not_kept(model_server, tmp_path):
    llm = llm_at(model_server([Fault(503), "Yes."]), cache=tmp_path, max_tries=1)
    with pytest.raises(ModelUnreachable):
        await ask(llm)
    assert (await ask(llm)).text == "Yes."


# Single flight


async def test_equal_calls_in_flight_are_one(model_server, tmp_path):
    server = model_server(latency=0.1)
    llm = llm_at(server, cache=tmp_path)
    replies = await asyncio.gather(*(ask(llm) for _ in range(100)))
    assert server.n_requests == 1
    assert len({reply.text for reply in replies}) == 1
    assert [reply.cached for reply in replies].count(False) == 1
    assert (llm.meter.total.calls, llm.meter.total.from_cache) == (1, 99)


async def test_equal_calls_in_flight_are_one_through_every_repair(model_server, tmp_path):
    server = model_server(["no", "no", '{"text": "Yes."}'], latency=0.02)
    llm = llm_at(server, cache=tmp_path)
    replies = await asyncio.gather(*(ask(llm, schema=Opinion) for _ in range(20)))
    assert {reply.value.text for reply in replies} == {"Yes."}
    assert server.n_requests == 3


async def test_other_samples_are_other_calls(model_server):
    server = model_server(latency=0.05)
    await asyncio.gather(*(ask(llm_at(server), sample=n) for n in range(5)))
    assert server.n_requests == 5


async def test_error_in_flight_is_everybodys(model_server):
    server = model_server(Fault(400), latency=0.05)
    llm = llm_at(server)
    results = await asyncio.gather(*(ask(llm) for _ in range(10)), return_exceptions=True)
    assert len({type(result) for result in results}) == 1
    assert server.n_requests == 1


async def waiting(cache: CallCache, counted: Callable[[], Awaitable[Answer]], n: int) -> list[asyncio.Task[Any]]:
    tasks = [asyncio.create_task(cache.answer(request(), counted)) for _ in range(n)]
    await asyncio.sleep(0.02)
    return tasks


@pytest.mark.parametrize("first", [0, 1, 2])
async def test_one_that_leaves_takes_nobody_along(tmp_path, first):
    counted = Counted(0.1)
    tasks = await waiting(opened(tmp_path), counted, 3)
    tasks.pop(first).cancel()
    assert [(await task)[0] for task in tasks] == [answer("answer 1")] * 2
    assert counted.n == 1


async def test_one_that_comes_after_the_first_has_left_joins(tmp_path):
    counted, cache = Counted(0.1), opened(tmp_path)
    first, second = await waiting(cache, counted, 2)
    first.cancel()
    await asyncio.sleep(0)
    (third,) = await waiting(cache, counted, 1)
    assert (await second)[0] == (await third)[0] == answer("answer 1")
    assert counted.n == 1


async def test_last_one_that_leaves_ends_the_call(tmp_path):
    counted, cache = Counted(0.1), opened(tmp_path)
    tasks = await waiting(cache, counted, 3)
    for task in tasks:
        task.cancel()
    await asyncio.sleep(0.2)
    assert (counted.n, counted.ended, cache.keys()) == (1, 0, [])


@pytest.mark.parametrize("ticks", range(4))
async def test_one_that_comes_as_the_last_one_leaves_is_answered(tmp_path, ticks):
    counted, cache = Counted(0.05), opened(tmp_path)
    (first,) = await waiting(cache, counted, 1)
    first.cancel()
    for _ in range(ticks):
        await asyncio.sleep(0)
    assert (await cache.answer(request(), counted))[0] in (answer("answer 1"), answer("answer 2"))
    assert counted.ended == 1


async def test_nothing_is_left_of_calls_that_ended(tmp_path):
    cache = opened(tmp_path)
    results = await asyncio.gather(*(cache.answer(request(str(n)), answers) for n in range(5)), return_exceptions=True)
    await asyncio.gather(*(cache.answer(request("boom"), nobody) for _ in range(3)), return_exceptions=True)
    await asyncio.sleep(0)
    assert len(results) == 5
    assert not cache._flights


async def test_run_that_is_cancelled_sends_no_more(model_server, tmp_path):
    server = model_server(latency=0.2)
    llm = llm_at(server, cache=tmp_path, concurrency=2)
    run = asyncio.gather(*(ask(llm, f"Question {n}") for n in range(10)))
    await asyncio.sleep(0.1)
    run.cancel()
    await asyncio.sleep(0.4)
    assert server.n_requests == 2
    assert server.active == 0


# The folder


def test_folder_holds_json_and_no_pickle(tmp_path):
    opened(tmp_path).keep(request(), answer(os.urandom(100_000).hex()))
    opened(tmp_path).keep(request("Why?"), answer())
    with sqlite3.connect(tmp_path / "cache.db") as database:
        rows = database.execute("SELECT key, raw, mode, filename, value FROM Cache").fetchall()
    for key, raw, mode, filename, value in rows:
        blob = (tmp_path / filename).read_bytes() if filename else value
        assert (raw, mode) in [(1, 1), (1, 2)]
        assert isinstance(key, str)
        assert json.loads(zlib.decompress(blob))
    assert len(rows) >= 2


class Bomb:
    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> Any:
        return Path.touch, (self.marker,)


@pytest.mark.parametrize("where", ["value", "key"])
def test_pickle_that_someone_put_there_is_not_run(tmp_path, where):
    opened(tmp_path).keep(request(), answer())
    bomb = pickle.dumps(Bomb(tmp_path / "boom"))
    change = {"value": "UPDATE Cache SET mode = 4, value = ?", "key": "UPDATE Cache SET raw = 0, key = ?"}[where]
    with sqlite3.connect(tmp_path / "cache.db") as database:
        database.execute(f"{change} WHERE rowid = (SELECT max(rowid) FROM Cache)", [bomb])
    cache = opened(tmp_path)
    if where == "value":
        with pytest.raises(DamagedFile):
            cache.get(request().key)
    with pytest.raises(DamagedFile):
        cache.export(tmp_path / "recording.jsonl")
    assert not (tmp_path / "boom").exists()


def test_folder_never_drops_what_was_paid_for(tmp_path):
    opened(tmp_path)
    assert diskcache.Cache(str(tmp_path)).eviction_policy == "none"


@settings(max_examples=15, deadline=None)
@given(st.lists(st.tuples(st.text(max_size=20), st.text()), max_size=5))
def test_folder_keeps_any_text(tmp_path_factory, exchanges):
    cache = opened(tmp_path_factory.mktemp("folder"))
    kept = dict(exchanges)
    for asked, said in kept.items():
        cache.keep(request(asked), answer(said))
    assert {asked: cache.get(request(asked).key).text for asked in kept} == kept


def test_folder_of_the_user_is_taken_where_none_is_given(tmp_path, monkeypatch):
    monkeypatch.setenv("WORKBENCH_CACHE_DIR", str(tmp_path))
    assert CallCache.open().path == tmp_path / "calls"


def test_stats_count_calls_and_bytes(tmp_path):
    cache = opened(tmp_path)
    empty = cache.stats()
    cache.keep(request(), answer("x" * 10))
    assert (empty["calls"], cache.stats()["calls"], cache.stats()["path"]) == (0, 1, str(tmp_path))
    assert cache.stats()["bytes"] > 1000


def test_prune_drops_what_is_older(tmp_path, monkeypatch):
    cache = opened(tmp_path)
    now = time.time()
    for days in (10, 5, 0):
        monkeypatch.setattr(time, "time", lambda days=days: now - days * 86_400)
        cache.keep(request(f"{days} days ago"), answer())
    assert cache.prune(older_than=7) == 1
    assert cache.prune(older_than=7) == 0
    assert sorted(cache.keys()) == sorted(request(f"{days} days ago").key for days in (5, 0))


def test_forget_drops_calls(tmp_path):
    cache = opened(tmp_path)
    cache.keep(request(), answer())
    cache.forget([request().key, "not there"])
    assert cache.get(request().key) is None


def test_cache_says_where_it_is(tmp_path):
    assert repr(opened(tmp_path)) == f"CallCache({str(tmp_path)!r}, mode='use')"


# Many processes

WORKERS = """
import asyncio, os, sys
from tests.llm.doubles import Opinion, ask, llm_at

async def main(base_url, folder, start):
    llm = llm_at(base_url, cache=folder, concurrency=8)
    for at in range(start, start + 60, 6):
        numbers = [n % 60 for n in range(at, at + 6)]
        replies = await asyncio.gather(*(ask(llm, f"Question {n}", Opinion) for n in numbers))
        assert [reply.value.text for reply in replies] == [f"Answer to Question {n}" for n in numbers]

asyncio.run(ask(llm_at(sys.argv[1])))  # loads the client once, not in each child
children = []
for start in range(0, 24, 3):
    children.append(os.fork())
    if not children[-1]:
        asyncio.run(main(*sys.argv[1:], start))
        os._exit(0)
print([os.waitpid(child, 0)[1] for child in children])
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="eight processes that start at once need fork")
def test_eight_processes_share_one_folder(model_server, tmp_path):
    server = model_server(lambda body: {"text": "Answer to " + body["messages"][-1]["content"]}, fault_rate=0.05)
    assert run_python(WORKERS, server.base_url, tmp_path / "calls") == f"{[0] * 8}\n"
    assert len(opened(tmp_path / "calls").keys()) == 60
    assert 60 < len(server.answered) < 8 * 60


def test_eight_processes_open_a_new_folder_at_once(tmp_path):
    code = """
import os, sys, time
from tests.llm.doubles import answer, request
from workbench.llm.cache import CallCache

begin = time.time() + 0.1
children = []
for number in range(8):
    children.append(os.fork())
    if not children[-1]:
        time.sleep(max(0, begin - time.time()))
        for turn in range(10):
            CallCache.open(sys.argv[1]).keep(request(f"{number} {turn}"), answer())
        os._exit(0)
print([os.waitpid(child, 0)[1] for child in children])
"""
    assert run_python(code, tmp_path / "calls") == f"{[0] * 8}\n"
    assert len(opened(tmp_path / "calls").keys()) == 80
