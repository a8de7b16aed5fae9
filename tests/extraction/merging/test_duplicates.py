"""Rows that say the same are one; rows that do not, stay; nothing is lost."""

from __future__ import annotations

from random import Random

import pytest

from tests.cast import llm_at, texts
from workbench.extraction.merging.duplicates import Duplicates
from workbench.extraction.verification import Row

SOUP, AGAIN, BREAD = (
    "Sell the soup in a carton with a lid.",
    "Sell the soup in cartons with a lid!",
    "Bake fresh bread in the shop every morning.",
)
MEANT = "Cardboard packaging that closes would be better for it."


def row(idea, *evidence, part=0, note="", **values):
    return Row({"idea": idea, **values}, evidence, (), part, note)


def saying_same(*groups):
    """A server that knows which words mean the same."""

    def reply(body):
        shown = texts(body)[1].partition("# Which")[0].split("<row id=")[1:]
        numbers = [[n for n, one in enumerate(shown, 1) if any(words in one for words in group)] for group in groups]
        return {"groups": [group for group in numbers if len(group) > 1]}

    return reply


async def kept(model_server, rows, *groups, by=("idea",), parts=False, events=True):
    server = model_server(saying_same(*groups))
    duplicates = Duplicates(by, "the ideas", llm_at(server), parts=parts, events=events)
    return [(one.values["idea"], one.evidence) for one in await duplicates.merged(rows)], server


async def test_equal_words_are_one_row_with_all_evidence_and_no_question(model_server):
    found, server = await kept(model_server, [row(SOUP.upper(), 9, part=1), row(SOUP, 2)])
    assert found == [(SOUP, (2, 9))]
    assert server.n_requests == 0


async def test_other_words_are_one_row_where_the_model_says_so(model_server):
    found, server = await kept(model_server, [row(SOUP, 2), row(MEANT, 9), row(BREAD, 4)], (SOUP, MEANT))
    assert sorted(found) == [(BREAD, (4,)), (SOUP, (2, 9))]
    assert "the same one of these: the ideas" in texts(server.requests[0])[1]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("I would buy it in the shop next door.", "I would not buy it in the shop next door."),
        ("It should cost 3 euros for a bottle.", "It should cost 9 euros for a bottle."),
        ("Women prefer the bottle to the carton.", "Men prefer the bottle to the carton."),
        ("The bottle is better than the carton.", "The carton is better than the bottle."),
        ("No me gusta la sopa fría en verano.", "Me gusta la sopa fría en verano."),
    ],
)
async def test_what_is_near_and_says_the_opposite_is_one_only_if_the_model_says_so(model_server, one, other):
    found, server = await kept(model_server, [row(one, 2), row(other, 9, part=1)])
    assert sorted(found) == sorted([(one, (2,)), (other, (9,))])
    assert server.n_requests == 1


async def test_what_the_others_said_stays_as_variants(model_server):
    server = model_server(saying_same((SOUP, MEANT)))
    rows = [row(SOUP, 2, votes=3), row(MEANT, 9, votes=9), row(SOUP, 4, votes=3)]
    (one,) = await Duplicates(["idea"], "the ideas", llm_at(server), parts=False, events=True).merged(rows)
    assert (one.values, one.evidence) == ({"idea": SOUP, "votes": 3}, (2, 4, 9))
    assert one.variants == ({"idea": MEANT, "votes": 9},)


async def test_across_events_nothing_is_merged_where_that_is_not_wanted(model_server):
    rows = [row(SOUP, 2), row(AGAIN, 9, part=1), row(SOUP, 4, part=1)]
    found, server = await kept(model_server, rows, (SOUP, AGAIN), parts=True, events=False)
    assert (len(found), server.n_requests) == (3, 0)


async def test_two_parts_that_read_one_event_give_one_row_where_the_model_says_so(model_server):
    rows = [row(SOUP, 2), row(MEANT, 2, part=1), row(BREAD, 2, part=1), row(MEANT, 7, part=1)]
    found, _ = await kept(model_server, rows, (SOUP, MEANT), parts=True, events=False)
    assert sorted(found) == [(BREAD, (2,)), (MEANT, (7,)), (SOUP, (2,))]


async def test_equal_rows_of_one_event_are_one_whatever_is_wanted(model_server):
    found, _ = await kept(model_server, [row(SOUP, 2), row(SOUP, 2), row(SOUP, 4)], events=False)
    assert sorted(found) == [(SOUP, (2,)), (SOUP, (4,))]


async def test_short_texts_are_merged_as_long_ones(model_server):
    found, server = await kept(model_server, [row("carton", 2), row("a carton", 9), row("can", 4)], ("carton",))
    assert found == [("carton", (2, 9)), ("can", (4,))]
    assert server.n_requests == 1


async def test_numbers_of_two_events_stay_two(model_server):
    rows = [row(None, 2, price=3), row(None, 9, price=3), row(None, 9, price=3)]
    found, server = await kept(model_server, rows, by=["price"])
    assert [evidence for _, evidence in found] == [(2,), (9,)]
    assert server.n_requests == 0


async def test_all_fields_that_tell_rows_apart_count(model_server):
    rows = [row(SOUP, 2, owner="Ann", votes=3), row(SOUP, 9, owner="Bob", votes=3), row(SOUP, 5, owner="Ann", votes=3)]
    found, server = await kept(model_server, rows, by=("idea", "owner", "votes"))
    assert found == [(SOUP, (2, 5)), (SOUP, (9,))]
    assert f"idea: {SOUP}; owner: Ann; votes: 3" in texts(server.requests[0])[1]


async def test_rows_without_support_are_kept_as_they_are(model_server):
    rows = [row(SOUP, 2), row(SOUP, note="it names no event"), row(SOUP, 2, note="it names event 9")]
    found, _ = await kept(model_server, rows)
    assert found == [(SOUP, (2,)), (SOUP, ()), (SOUP, (2,))]


async def test_rows_without_support_that_two_parts_made_alike_are_one(model_server):
    rows = [
        row(SOUP, 2, note="a quotation"),
        row(SOUP, 2, part=1, note="a quotation"),
        row(SOUP, note="it names no event"),
    ]
    found, _ = await kept(model_server, [*rows, rows[2]])
    assert found == [(SOUP, (2,)), (SOUP, ()), (SOUP, ())]


@pytest.mark.parametrize("seed", range(5))
async def test_order_of_rows_changes_neither_what_is_asked_nor_what_comes_out(model_server, seed):
    rows = [row(SOUP, 2), row(SOUP.upper(), 9, part=1), row(MEANT, 5, part=1), row(BREAD, 4), row(AGAIN, 7, part=2)]
    mixed = Random(seed).sample(rows, len(rows))
    (one, first), (other, second) = [await kept(model_server, some, (SOUP, MEANT)) for some in (rows, mixed)]
    assert sorted(one) == sorted(other)
    assert [texts(request) for request in first.requests] == [texts(request) for request in second.requests]
