"""Texts as vectors: the endpoint's embedding model, or the sentence encoder in the process; cached like calls."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

from workbench.llm import sentence_encoder
from workbench.llm.calls import Answer, Request
from workbench.llm.running import together

if TYPE_CHECKING:
    import numpy as np

    from workbench.llm.client import LLM

BATCH = 256
"""Texts in one request."""


async def embed(llm: LLM, texts: list[str], model: str | None, purpose: str) -> np.ndarray[Any, Any]:
    """Return the embeddings of texts, shape (n, dimensions), each of length 1.

    Args:
        llm: whose endpoint, cache, meter and budgets serve.
        texts: any number; equal texts are embedded once.
        model: the endpoint's embedding model; None for the encoder in the process, which costs nothing.
        purpose: the meter's heading.
    """
    import numpy as np

    distinct = list(dict.fromkeys(texts))
    if not distinct:
        return np.zeros((0, 0), dtype=np.float32)
    batches = [distinct[start : start + BATCH] for start in range(0, len(distinct), BATCH)]
    parts = await together(_embed_batch(llm, batch, model, purpose) for batch in batches)
    vectors = np.asarray([vector for part in parts for vector in part], dtype=np.float32)
    vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    place = {text: number for number, text in enumerate(distinct)}
    ordered: np.ndarray[Any, Any] = vectors[[place[text] for text in texts]]
    return ordered


async def _embed_batch(llm: LLM, texts: list[str], model: str | None, purpose: str) -> list[list[float]]:
    requests = {text: _request(llm, [text], model) for text in texts}
    look_up = llm.cache.lookup if model else llm.cache.peek  # the encoder is no model that a replay could not ask
    known = {text: answer for text, request in requests.items() if (answer := look_up(request))}
    missing = [text for text in texts if text not in known]

    def keep(vectors: list[list[float]]) -> None:
        for text, vector in zip(missing, vectors, strict=True):
            known[text] = Answer(json.dumps(vector), model=requests[text].model)
            if llm.cache.mode != "replay":
                llm.cache.keep(requests[text], known[text])

    async def send() -> Answer:
        vectors, usage = await llm.endpoint.embed(missing, str(model))
        keep(vectors)
        return Answer("", usage)

    if missing and model is None:
        keep((await asyncio.to_thread(sentence_encoder.encode, missing)).tolist())
    elif missing:
        await llm.pay(_request(llm, missing, model), send, purpose, None)
    elif model:
        llm.count_cached(purpose, None, model)
    for request in requests.values() if model else ():
        llm.mark_used(request.key)
    return [json.loads(known[text].text) for text in texts]


def _request(llm: LLM, texts: list[str], model: str | None) -> Request:
    messages = [{"role": "user", "content": text} for text in texts]
    endpoint, name = (llm.endpoint.name, model) if model else ("embedded", sentence_encoder.NAME)
    return Request(endpoint, name, messages, kind="embedding")
