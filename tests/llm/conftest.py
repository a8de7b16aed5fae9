"""Fixtures of the llm room."""

from __future__ import annotations

import pytest

from workbench.llm import endpoint


@pytest.fixture(autouse=True)
def _new_dialects() -> None:
    """Ports come again: what one test has learnt of an endpoint is nothing to the next."""
    endpoint._DIALECTS.clear()
