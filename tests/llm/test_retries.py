from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.llm.doubles import COMPLETION, Opinion, ask, http_answer, llm_at, wire
from tests.model_server import Drop, Fault, Hang, openai_error
from workbench.errors import ModelUnreachable, RequestRefused, UnreadableAnswer
from workbench.llm.retries import retry_after

OVERLOADED = http_answer({"error": {"message": "later"}}, 503)


async def seconds(waiting: Awaitable[Any]) -> float:
    started = time.monotonic()
    await waiting
    return time.monotonic() - started


def asks_to_wait(**headers: str) -> Any:
    return SimpleNamespace(response=SimpleNamespace(headers={k.replace("_", "-"): v for k, v in headers.items()}))


# What is tried again


@pytest.mark.parametrize(
    "fault",
    [*(Fault(status) for status in (408, 409, 429, 500, 502, 503, 504, 529)), Drop(), Drop(midway=True)],
    ids=lambda fault: str(getattr(fault, "status", fault)),
)
async def test_passing_fault_is_tried_again(model_server, fault):
    server = model_server([fault, fault, "Yes."])
    assert (await ask(llm_at(server))).text == "Yes."
    assert [one.attempt for one in server.requests] == [1, 2, 3]


async def test_timeout_is_tried_again(model_server):
    server = model_server([Hang(30), "Yes."])
    assert await seconds(ask(llm_at(server, timeout=0.2))) < 2
    assert server.n_requests == 2


async def test_timeout_is_of_the_whole_request(model_server):
    """A server that sends a byte now and then never reaches a timeout that starts anew with each of them."""
    answer = http_answer(COMPLETION)
    async with wire(answer, drip=0.01) as server:
        with pytest.raises(ModelUnreachable, match="did not answer"):
            await ask(llm_at(server, timeout=0.2, max_tries=2))
    assert server.n_requests == 2
    assert len(answer) * 0.01 > 1


@pytest.mark.parametrize(
    "raw",
    [
        http_answer("<html>Bad Gateway</html>", 502, "text/html"),
        http_answer("", 500),
        http_answer("not JSON", 500),
        http_answer("<html>Please wait</html>", content_type="text/html"),
        http_answer('{"id": "cut'),
        http_answer(""),
        b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{",
        b"nonsense\r\n\r\n",
    ],
    ids=["html 502", "empty 500", "text 500", "html 200", "cut 200", "empty 200", "short 200", "no http"],
)
async def test_answer_that_is_none_is_tried_again(raw):
    async with wire(raw, raw, http_answer(COMPLETION)) as server:
        assert (await ask(llm_at(server))).text == "Yes."
    assert server.n_requests == 3


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 413, 422])
async def test_lasting_fault_is_not_tried_again(model_server, status):
    server = model_server(Fault(status))
    with pytest.raises(Exception, match=str(status)):
        await ask(llm_at(server))
    assert server.n_requests == 1


async def test_spent_quota_is_not_tried_again(model_server):
    words = "You exceeded your current quota, please check your plan and billing details."
    server = model_server(Fault(429, body=openai_error(words, code="insufficient_quota", kind="insufficient_quota")))
    with pytest.raises(RequestRefused, match=words):
        await ask(llm_at(server))
    assert server.n_requests == 1


async def test_faults_in_any_mixture_are_all_got_over(model_server):
    server = model_server(fault_rate=0.4, retry_after=0.001)
    llm = llm_at(server, max_tries=30)
    replies = await asyncio.gather(*(ask(llm, f"Question {n}") for n in range(40)))
    assert all(reply.text for reply in replies)
    assert len(server.answered) == 40 == llm.meter.total.calls


# How often and how long


@pytest.mark.parametrize("fault", [Fault(503), Fault(429), Drop()], ids=["503", "429", "drop"])
async def test_tries_are_bounded_in_number(model_server, fault):
    server = model_server(fault)
    with pytest.raises(ModelUnreachable, match=r"\b3 tries"):
        await ask(llm_at(server, max_tries=3))
    assert server.n_requests == 3


async def test_tries_are_bounded_in_time(model_server):
    server = model_server(Fault(503))
    waiting = ask(llm_at(server, max_tries=1000, max_wait=0.3, backoff=0.01))
    with pytest.raises(ModelUnreachable):
        await asyncio.wait_for(waiting, timeout=3)
    assert 2 < server.n_requests < 60


async def test_no_wait_before_the_first_try(server):
    assert await seconds(ask(llm_at(server, backoff=20))) < 2


async def test_retry_after_is_waited_for(model_server):
    server = model_server([Fault(429, retry_after=0.4), "Yes."])
    assert await seconds(ask(llm_at(server))) >= 0.4
    first, second = server.requests
    assert 0.4 <= second.time - first.time < 1.5


@pytest.mark.parametrize(
    "headers", [{"retry_after_ms": "400"}, {"retry_after": "0.4"}, {"retry_after_ms": "400", "retry_after": "9"}]
)
async def test_retry_after_is_read_in_seconds_and_milliseconds(headers):
    async with wire(http_answer({}, 429, **headers), http_answer(COMPLETION)) as server:
        assert 0.4 <= await seconds(ask(llm_at(server))) < 2


async def test_retry_after_past_the_patience_ends_at_once(model_server):
    server = model_server(Fault(429, retry_after=3600))
    with pytest.raises(ModelUnreachable, match="1 try"):
        await asyncio.wait_for(ask(llm_at(server)), timeout=5)
    assert server.n_requests == 1


@given(st.integers(2, 10_000))
def test_retry_after_may_be_a_date(ahead):
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=ahead), usegmt=True)
    assert ahead - 2 <= retry_after(asks_to_wait(retry_after=date)) <= ahead


@given(st.text(max_size=8) | st.floats().map(str) | st.sampled_from(["-5", "", "soon", "Thu, 99 Foo", "²", "1e400"]))
def test_retry_after_of_any_shape_is_no_trap(value):
    for header in ("retry_after", "retry_after_ms"):
        assert retry_after(asks_to_wait(**{header: value})) >= 0


def test_retry_after_in_the_past_is_now():
    assert retry_after(asks_to_wait(retry_after="Wed, 21 Oct 2015 07:28:00 GMT")) == 0


async def test_waiting_for_its_turn_is_no_failing(model_server):
    """With more calls than places a call may wait for minutes before its first try: one 503 is not its end."""
    answers = ["Yes."] * 10 + [Fault(503), "Yes."]
    server = model_server(answers, latency=0.05)
    llm = llm_at(server, concurrency=1, max_wait=0.3)
    replies = await asyncio.gather(*(ask(llm, f"Question {n}") for n in range(11)))
    assert [reply.text for reply in replies] == ["Yes."] * 11
    assert server.n_requests == 12


async def test_place_is_free_while_a_call_waits_to_be_tried_again(model_server):
    server = model_server([Fault(503, retry_after=0.5), "one", "two"])
    llm = llm_at(server, concurrency=1)
    first = asyncio.create_task(ask(llm, "first"))
    await asyncio.sleep(0.1)
    assert await seconds(ask(llm, "second")) < 0.4
    assert (await first).text == "two"


async def test_bad_answer_is_no_fault(model_server):
    """Tries are for the wire; what the model says is a matter of repair rounds."""
    server = model_server("no JSON")
    with pytest.raises(UnreadableAnswer):
        await ask(llm_at(server, max_tries=1), schema=Opinion)
    assert server.n_requests == 3
