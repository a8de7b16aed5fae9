from __future__ import annotations

import asyncio
from typing import Any

import numpy as np
import pytest

from tests.llm.doubles import http_answer, llm_at, wire
from tests.model_server import Capabilities
from workbench.errors import BudgetSpent, CacheMiss, ModelUnreachable, RequestRefused
from workbench.llm.embeddings import BATCH
from workbench.llm.meter import Budget

TEXTS = ["cold soup", "trains run late", "καλημέρα", "cold soup", "", "trains run late"]


@pytest.fixture(autouse=True)
def _embedding_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKBENCH_EMBEDDING_MODEL", "text-embedding-3-small")


def inputs(server: Any) -> list[list[str]]:
    return [one.body["input"] for one in server.requests]


def vectors_answer(*vectors: list[float], backwards: bool = False) -> bytes:
    data = [{"object": "embedding", "index": at, "embedding": vector} for at, vector in enumerate(vectors)]
    return http_answer({"object": "list", "data": data[::-1] if backwards else data, "model": "m", "usage": {}})


async def test_embeddings_are_unit_vectors_in_the_order_of_the_texts(server):
    llm = llm_at(server)
    vectors = await llm.embed(TEXTS)
    alone = [(await llm.embed([text]))[0] for text in TEXTS]
    assert vectors.shape == (len(TEXTS), 64)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1)
    assert np.allclose(vectors, alone)
    assert vectors[0] @ vectors[3] > 0.99 > vectors[0] @ vectors[1]


async def test_equal_texts_are_embedded_once(server):
    await llm_at(server).embed(TEXTS)
    assert inputs(server) == [["cold soup", "trains run late", "καλημέρα", ""]]


async def test_many_texts_go_in_batches(server):
    texts = [f"text {n}" for n in range(2 * BATCH + 1)]
    vectors = await llm_at(server).embed(texts)
    assert sorted(map(len, inputs(server))) == [1, BATCH, BATCH]
    assert np.allclose(vectors[BATCH + 3], (await llm_at(server).embed([texts[BATCH + 3]]))[0])


async def test_no_texts_are_no_vectors(server):
    assert (await llm_at(server).embed([])).shape[0] == 0
    assert server.n_requests == 0


async def test_embeddings_are_cached_text_by_text(server, tmp_path):
    first = await llm_at(server, cache=tmp_path).embed(TEXTS)
    again = await llm_at(server, cache=tmp_path).embed([*TEXTS[::-1], "new"])
    assert inputs(server)[1:] == [["new"]]
    assert (again[:-1] == first[::-1]).all()


async def test_embeddings_of_another_model_are_others(server, tmp_path, monkeypatch):
    await llm_at(server, cache=tmp_path).embed(["soup"])
    monkeypatch.setenv("WORKBENCH_EMBEDDING_MODEL", "text-embedding-3-large")
    await llm_at(server, cache=tmp_path).embed(["soup"])
    assert [one.body["model"] for one in server.requests] == ["text-embedding-3-small", "text-embedding-3-large"]


@pytest.mark.parametrize(("mode", "requests"), [("use", 1), ("refresh", 2), ("off", 2)])
async def test_mode_of_the_cache_holds_for_embeddings(server, mode, requests):
    for _ in range(2):
        await llm_at(server, cache=mode).embed(["soup"])
    assert server.n_requests == requests


async def test_embeddings_are_replayed(server, tmp_path):
    llm = llm_at(server, cache=tmp_path / "calls")
    vectors = await llm.embed(TEXTS)
    llm.cache.export(tmp_path / "study.jsonl")
    replayed = llm_at(server, cache=tmp_path / "study.jsonl")
    assert (await replayed.embed(TEXTS) == vectors).all()
    with pytest.raises(CacheMiss):
        await replayed.embed(["new"])
    assert server.n_requests == 1


async def test_embeddings_are_metered(server, tmp_path):
    llm = llm_at(server, cache=tmp_path)
    await llm.embed(["x" * 400], purpose="memory")
    await llm.embed(["x" * 400], purpose="memory")
    (row,) = llm.meter.to_frame().to_dict("records")
    assert row.pop("usd") == pytest.approx(100 * 0.02 / 1e6)
    assert row == {
        "purpose": "memory",
        "person": "",
        "model": "text-embedding-3-small",
        "calls": 1,
        "from_cache": 1,
        "prompt_tokens": 100,
        "cached_tokens": 0,
        "completion_tokens": 0,
    }


async def test_embeddings_keep_to_the_budget(server):
    llm = llm_at(server, budget=Budget(calls=1))
    await llm.embed(["soup"])
    with pytest.raises(BudgetSpent):
        await llm.embed(["bread"])
    assert server.n_requests == 1


async def test_embeddings_may_come_in_another_order():
    async with wire(vectors_answer([1.0, 0.0], [0.0, 2.0], backwards=True)) as server:
        assert (await llm_at(server).embed(["a", "b"])).tolist() == [[1, 0], [0, 1]]


async def test_embedding_of_nothing_is_no_division_by_zero():
    async with wire(vectors_answer([0.0, 0.0])) as server:
        assert (await llm_at(server).embed(["a"])).tolist() == [[0, 0]]


@pytest.mark.parametrize("raw", [vectors_answer([1.0]), vectors_answer(), http_answer({}), http_answer("null")])
async def test_vectors_that_are_missing_are_told(raw, tmp_path):
    async with wire(raw) as server:
        llm = llm_at(server, cache=tmp_path, max_tries=2)
        with pytest.raises(ModelUnreachable, match=server.base_url):
            await llm.embed(["a", "b"])
    assert (server.n_requests, llm.cache.keys()) == (2, [])


async def test_embeddings_get_over_faults(model_server):
    server = model_server(fault_rate=0.5)
    llm = llm_at(server, max_tries=30)
    vectors = await asyncio.gather(*(llm.embed([f"text {n}"]) for n in range(10)))
    assert len(vectors) == len(server.answered) == 10


async def test_embeddings_that_are_refused_say_why(model_server):
    server = model_server(capabilities=Capabilities(refuses=["input"], dialect="llama.cpp"))
    with pytest.raises(RequestRefused, match="Unsupported param: input"):
        await llm_at(server).embed(["soup"])
