"""What the tests of this room share: a model at a server, a server of raw bytes, plain code in another process."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from workbench.llm.calls import Answer, Request, Usage
from workbench.llm.client import LLM

HELLO = [{"role": "user", "content": "Would you buy it?"}]
KEY = "sk-SECRET-0123456789abcdef"
ROOT = Path(__file__).parents[2]


class Opinion(BaseModel):
    """What most tests ask for."""

    text: str


def llm_at(server: Any, **options: Any) -> LLM:
    """A model at a server: no cache and quick retries, unless the options say otherwise."""
    here = {"base_url": getattr(server, "base_url", server), "api_key": "sk-test", "cache": "off", "backoff": 0.001}
    return LLM(**({"model": "scripted"} | here | options))


async def ask(llm: LLM, text: str = "Would you buy it?", schema: Any = None, **options: Any) -> Any:
    """Ask for the purpose `test`."""
    messages = [{"role": "user", "content": text}]
    return await llm.complete(messages, schema, **({"purpose": "test"} | options))


def request(text: str = "Would you buy it?", **parts: Any) -> Request:
    """A request to no endpoint in particular."""
    return Request(
        **({"endpoint": "here", "model": "scripted", "messages": [{"role": "user", "content": text}]} | parts)
    )


def answer(text: str = "Yes.", **parts: Any) -> Answer:
    """An answer that took three tokens."""
    return Answer(text, **({"usage": Usage(2, 0, 1)} | parts))


async def answers(text: str = "Yes.") -> Answer:
    """Answer, as what a cache asks where it has nothing."""
    return answer(text)


def http_answer(body: Any, status: int = 200, content_type: str = "application/json", **headers: str) -> bytes:
    """The bytes of an HTTP answer; a body that is not text is written as JSON."""
    raw = (body if isinstance(body, str) else json.dumps(body)).encode()
    named = {"content-type": content_type, "content-length": len(raw), "connection": "close"}
    named |= {name.replace("_", "-"): value for name, value in headers.items()}
    lines = [f"HTTP/1.1 {status} Whatever", *(f"{name}: {value}" for name, value in named.items())]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + raw


COMPLETION = {
    "id": "1",
    "object": "chat.completion",
    "created": 0,
    "model": "scripted",
    "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Yes."}}],
    "usage": {"prompt_tokens": 2, "completion_tokens": 1, "total_tokens": 3},
}


class Wire:
    """A server that plays bytes, for what `ModelServer` does not say; the last are played again and again."""

    def __init__(self, answers: tuple[bytes, ...], drip: float) -> None:
        self.answers, self.drip = list(answers), drip
        self.n_requests = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Read one request, write the next answer: at once, or a byte at a time."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        await reader.readexactly(int(head.partition("content-length: ")[2].partition("\r")[0] or 0))
        raw = self.answers[min(self.n_requests, len(self.answers) - 1)]
        self.n_requests += 1
        try:
            for part in [raw] if not self.drip else [raw[at : at + 1] for at in range(len(raw))]:
                writer.write(part)
                await writer.drain()
                await asyncio.sleep(self.drip)
        except ConnectionError:
            pass
        finally:
            writer.close()


@asynccontextmanager
async def wire(*answers: bytes, drip: float = 0.0) -> AsyncIterator[Wire]:
    """Serve raw answers on loopback."""
    played = Wire(answers, drip)
    server = await asyncio.start_server(played.serve, "127.0.0.1", 0)
    played.base_url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    try:
        yield played
    finally:
        server.close()


def start_python(code: str, *arguments: Any, **options: Any) -> subprocess.Popen[str]:
    """Start Python code in a process of its own; what it needs comes as `sys.argv[1:]`."""
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "cwd": ROOT}
    return subprocess.Popen([sys.executable, "-c", code, *map(str, arguments)], **(pipes | options))


def run_python(code: str, *arguments: Any, **options: Any) -> str:
    """Run Python code in a process of its own and return what it printed."""
    process = start_python(code, *arguments, **options)
    out, error = process.communicate(timeout=60)
    assert process.returncode == 0, error
    return out
