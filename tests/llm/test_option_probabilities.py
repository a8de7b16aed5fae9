"""How likely each option is: read from the first token that tells, of all that mean the same."""

from __future__ import annotations

from typing import Any

import pytest

from tests.cast import llm_at
from tests.model_server import Capabilities, Reply
from workbench.llm.option_probabilities import option_probabilities

ASKED = [{"role": "user", "content": "A, B or C?"}]


async def found(server: Any, options: str = "ABC") -> Any:
    return await option_probabilities(llm_at(server), ASKED, list(options), purpose="survey")


async def test_tokens_that_mean_the_same_count_together_and_others_do_not(model_server: Any) -> None:
    server = model_server(Reply(logprobs=[{"A": 0.3, " a": 0.1, '"B': 0.2, "Well": 0.4}]))
    one = await found(server)
    assert one.probabilities == pytest.approx((2 / 3, 1 / 3, 0))
    assert one.mass == pytest.approx(0.6)
    assert one.call


async def test_the_first_place_that_tells_is_read(model_server: Any) -> None:
    server = model_server(Reply(logprobs=[{"\n": 1.0}, {"C": 0.9, "A": 0.1}, {".": 1.0}]))
    assert (await found(server)).probabilities == pytest.approx((0.1, 0, 0.9))


async def test_an_answer_about_something_else_has_none(model_server: Any) -> None:
    assert await found(model_server(Reply(logprobs=[{"Well": 0.995, "A": 0.005}]))) is None


async def test_an_endpoint_without_log_probabilities_has_none(model_server: Any) -> None:
    assert await found(model_server("A")) is None
    refusing = model_server("A", capabilities=Capabilities(refuses=["logprobs", "top_logprobs"]))
    assert await found(refusing) is None
    assert [request.status for request in refusing.requests][-1] == 200
