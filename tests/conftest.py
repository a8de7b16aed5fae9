"""Fixtures that all tests share: a clean environment, and model servers on loopback."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from tests.model_server import ModelServer


@pytest.fixture(autouse=True)
def _isolated(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """No setting of the machine reaches a test, and no test touches the cache of its user."""
    for name in tuple(os.environ):
        if name.upper().startswith(("OPENAI_", "AZURE_", "WORKBENCH_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("WORKBENCH_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")


@pytest.fixture
def model_server() -> Iterator[Callable[..., ModelServer]]:
    """Start servers: `model_server(fault_rate=0.2)`; each on a thread, so that plain tests can use them too."""
    with ExitStack() as servers:
        yield lambda *script, **options: servers.enter_context(ModelServer(*script, **options))


@pytest.fixture
def server(model_server: Callable[..., ModelServer]) -> Any:
    """A model server that obeys."""
    return model_server()
