"""One HTTP client for an event loop, shared by all models, open for as long as the loop is.

It is the client of openai that rests on aiohttp, which takes half the CPU of the one on httpx.

It must not be dropped before: a connection that the garbage collector closes takes its file descriptor with it behind
the loop's back, and a new connection with the same number is then never woken up (seen: one run in six hung until its
timeout).
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from openai import DefaultAioHttpClient

_Keeper = AsyncGenerator["DefaultAioHttpClient", None]
_OPEN: dict[asyncio.AbstractEventLoop, dict[tuple[bool, bool], tuple[DefaultAioHttpClient, _Keeper]]] = {}


async def http_client(*, tls: bool, proxies: bool) -> DefaultAioHttpClient:
    """Return the running loop's HTTP client.

    Args:
        tls: whether addresses need certificates; to read the machine's takes 50 ms.
        proxies: whether the environment's proxies are obeyed.
    """
    from openai import DefaultAioHttpClient

    loop = asyncio.get_running_loop()
    for ended in [known for known in list(_OPEN) if known.is_closed()]:
        _OPEN.pop(ended, None)
    clients = _OPEN.setdefault(loop, {})
    if (tls, proxies) not in clients:
        verify = True if tls else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        client = DefaultAioHttpClient(verify=verify, trust_env=proxies)
        keeper = _kept_open(client)
        clients[tls, proxies] = client, keeper
        await anext(keeper)
    return clients[tls, proxies][0]


async def _kept_open(client: DefaultAioHttpClient) -> _Keeper:
    """Close a client when its loop ends: `asyncio.run` and the like close all generators of their loop."""
    try:
        yield client
    finally:
        await client.aclose()
