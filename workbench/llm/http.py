"""One HTTP client for an event loop, shared by all models, open for as long as the loop is.

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
    from openai import DefaultAsyncHttpxClient

_Keeper = AsyncGenerator["DefaultAsyncHttpxClient", None]
_OPEN: dict[asyncio.AbstractEventLoop, dict[tuple[bool, bool], tuple[DefaultAsyncHttpxClient, _Keeper]]] = {}


async def http_client(*, tls: bool, proxies: bool) -> DefaultAsyncHttpxClient:
    """Return the running loop's HTTP client.

    Args:
        tls: whether addresses need certificates; to read the machine's takes 50 ms.
        proxies: whether the environment's proxies are obeyed.
    """
    from openai import DefaultAsyncHttpxClient

    loop = asyncio.get_running_loop()
    for ended in [known for known in list(_OPEN) if known.is_closed()]:
        _OPEN.pop(ended, None)
    clients = _OPEN.setdefault(loop, {})
    if (tls, proxies) not in clients:
        verify = True if tls else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        client = DefaultAsyncHttpxClient(verify=verify, trust_env=proxies)
        keeper = _kept_open(client)
        clients[tls, proxies] = client, keeper
        await anext(keeper)
    return clients[tls, proxies][0]


async def _kept_open(client: DefaultAsyncHttpxClient) -> _Keeper:
    """Close a client when its loop ends: `asyncio.run` and the like close all generators of their loop."""
    try:
        yield client
    finally:
        await client.aclose()
