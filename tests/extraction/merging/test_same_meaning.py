"""Which texts mean the same: every two meet, at a cost that has a bound."""

from __future__ import annotations

import re

import pytest

from tests.cast import llm_at, texts
from tests.model_server import Capabilities, Fault, Reply
from workbench.errors import AnswerTooLong
from workbench.extraction.merging.same_meaning import same_meaning

_ROW = re.compile(r'<row id="(\d+)">(.*?)</row>')


def by_first_word(body):
    """A server for which texts with the same first word mean the same."""
    groups: dict[str, list[int]] = {}
    for number, text in _ROW.findall(texts(body)[1]):
        groups.setdefault(text.split()[0], []).append(int(number))
    return {"groups": [group for group in groups.values() if len(group) > 1]}


def told(n: int, per_meaning: int = 2) -> dict[str, int]:
    return {f"m{number // per_meaning} said {number * 7919 % 1000} in other words": 1 for number in range(n)}


@pytest.mark.parametrize("all_meet", [None, 50])
async def test_every_two_meet_where_that_is_wanted(model_server, all_meet):
    server = model_server(by_first_word)
    found = await same_meaning(told(120), "the same", 20, llm_at(server), all_meet=all_meet)
    assert sorted(map(len, found.groups)) == [2] * 60


async def test_many_blocks_are_not_read_beside_each_other_where_only_near_ones_have_to_meet(model_server):
    counts = {f"m{number} is what somebody said": 1 for number in range(200)}
    requests = []
    for all_meet in (None, 4):
        server = model_server(by_first_word)
        await same_meaning(counts, "the same", 20, llm_at(server), all_meet=all_meet)
        requests.append(server.n_requests)
    assert requests[1] <= 10 < requests[0]


async def test_near_ones_meet_whatever_the_number(model_server):
    counts = {f"m{number // 2} would buy the soup number {number // 2}{'!' * (number % 2)}": 1 for number in range(200)}
    server = model_server(by_first_word)
    found = await same_meaning(counts, "the same", 20, llm_at(server), all_meet=1)
    assert sorted(map(len, found.groups)) == [2] * 100


async def test_model_whose_answers_are_always_cut_is_asked_a_bounded_number_of_times(model_server):
    server = model_server(Reply('{"groups": [', finish_reason="length"))
    with pytest.raises(AnswerTooLong):
        await same_meaning(told(150), "the same", 300, llm_at(server))
    assert server.n_requests == 5


@pytest.mark.parametrize("dialect", ["openai", "azure"])
async def test_strict_endpoint_takes_the_shape_of_the_answer_with_the_numbers_that_there_are(model_server, dialect):
    server = model_server(by_first_word, capabilities=Capabilities(dialect=dialect))
    found = await same_meaning(told(6), "the same", 20, llm_at(server))
    (request,) = server.requests
    shape = request.body["response_format"]["json_schema"]
    number = shape["schema"]["properties"]["groups"]["items"]["items"]
    assert (len(found.groups), shape["strict"]) == (3, True)
    assert number == {"type": "integer", "minimum": 1, "maximum": 6}


async def test_endpoint_that_takes_no_bounds_of_numbers_is_asked_without_being_held_to_them(model_server):
    def refuses(body):
        schema = body["response_format"]["json_schema"]
        words = "Invalid schema for response_format 'answer': 'maximum' is not permitted."
        refusal = {
            "error": {"message": words, "type": "invalid_request_error", "param": "response_format", "code": None}
        }
        return Fault(400, body=refusal) if schema.get("strict") else by_first_word(body)

    server = model_server(refuses)
    found = await same_meaning(told(6), "the same", 20, llm_at(server))
    assert (len(found.groups), server.n_requests) == (3, 2)
