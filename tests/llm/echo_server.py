"""A completions API that echoes prompts with their log-probabilities, as vLLM answers."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from tests.llm.doubles import http_answer

GENERATED = " indeed"


def tokens_of(text: str) -> list[str]:
    """A word with the space before it, or another character."""
    return re.findall(r" ?\w+|\W", text)


def by_overlap(before: str, token: str) -> float:
    """A word that has been said before is likelier."""
    return -1.0 if token.strip().casefold() in before.casefold() else -4.0


class EchoServer:
    """Answers `/completions`; `change` makes of its answer what another server would say, as bytes or as JSON."""

    def __init__(self, logprob: Callable[[str, str], float], change: Callable[[Any], Any]) -> None:
        self.logprob, self.change = logprob, change
        self.bodies: list[dict[str, Any]] = []

    def complete(self, body: dict[str, Any]) -> dict[str, Any]:
        prompt = body["prompt"]
        tokens, offsets, values, at = [*tokens_of(prompt), GENERATED], [], [], 0
        for token in tokens:
            offsets.append(at)
            values.append(self.logprob(prompt[:at], token) if at else None)
            at += len(token)
        logprobs = {"tokens": tokens, "token_logprobs": values, "text_offset": offsets}
        usage = {"prompt_tokens": len(tokens) - 1, "completion_tokens": 1, "total_tokens": len(tokens)}
        choice = {"index": 0, "text": prompt + GENERATED, "logprobs": logprobs, "finish_reason": "length"}
        return {"object": "text_completion", "model": body["model"], "choices": [choice], "usage": usage}

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Read one request and answer it."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        body = json.loads(await reader.readexactly(int(head.partition("content-length: ")[2].partition("\r")[0])))
        assert head.startswith("post /v1/completions ")
        self.bodies.append(body)
        answer = self.change(self.complete(body))
        writer.write(answer if isinstance(answer, bytes) else http_answer(answer))
        await writer.drain()
        writer.close()


@asynccontextmanager
async def echoing(
    logprob: Callable[[str, str], float] = by_overlap, change: Callable[[Any], Any] = lambda answer: answer
) -> AsyncIterator[Any]:
    """Serve on loopback."""
    played = EchoServer(logprob, change)
    server = await asyncio.start_server(played.serve, "127.0.0.1", 0)
    played.base_url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"  # type: ignore[attr-defined]
    try:
        yield played
    finally:
        server.close()
