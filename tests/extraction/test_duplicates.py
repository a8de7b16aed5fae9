"""Rows that say the same are one; rows that do not, stay; nothing is lost."""

from __future__ import annotations

from random import Random

import pytest

from tests.cast import llm_at, texts
from workbench.extraction.duplicates import without_duplicates
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


async def kept(model_server, rows, *groups, by=("idea",), across=True):
    server = model_server(saying_same(*groups))
    found = await without_duplicates(rows, by, "the ideas", llm_at(server), across=across)
    return [(one.values["idea"], one.evidence) for one in found], server


async def test_near_words_are_one_row_with_all_evidence_and_no_question(model_server):
    found, server = await kept(model_server, [row(AGAIN, 9, part=1), row(SOUP, 2)])
    assert found == [(SOUP, (2, 9))]
    assert server.n_requests == 0


async def test_other_words_are_one_row_where_the_model_says_so(model_server):
    found, server = await kept(model_server, [row(SOUP, 2), row(MEANT, 9), row(BREAD, 4)], (SOUP, MEANT))
    assert sorted(found) == [(BREAD, (4,)), (SOUP, (2, 9))]
    assert "the same one of these: the ideas" in texts(server.requests[0])[1]


async def test_across_events_nothing_is_merged_where_that_is_not_wanted(model_server):
    found, server = await kept(model_server, [row(SOUP, 2), row(AGAIN, 9, part=1)], across=False)
    assert (len(found), server.n_requests) == (2, 0)


async def test_two_parts_that_read_one_event_give_one_row_though_they_word_it_otherwise(model_server):
    rows = [row("a carton with a lid for soup", 2), row("soup that is sold in a carton with lid", 2, part=1)]
    found, _ = await kept(model_server, rows, across=False)
    assert found == [("a carton with a lid for soup", (2,))]


async def test_two_ideas_of_one_event_stay_two(model_server):
    rows = [row(idea, 2, part=part) for part in (0, 1) for idea in (SOUP, "Sell the soup in a can with a lid.")]
    found, _ = await kept(model_server, rows, across=False)
    assert found == [(SOUP, (2,)), ("Sell the soup in a can with a lid.", (2,))]


async def test_short_answers_of_two_events_stay_two(model_server):
    found, server = await kept(model_server, [row("3 euros", 2), row("3 euros", 9, part=1)])
    assert found == [("3 euros", (2,)), ("3 euros", (9,))]
    assert server.n_requests == 0


@pytest.mark.parametrize(("owner", "n"), [("Ann", 1), ("Bob", 2)])
async def test_all_fields_that_tell_rows_apart_have_to_be_near(model_server, owner, n):
    rows = [row(SOUP, 2, owner="Ann", votes=3), row(AGAIN, 9, part=1, owner=owner, votes=3)]
    found, _ = await kept(model_server, rows, by=("idea", "owner", "votes"))
    assert len(found) == n


async def test_rows_without_support_are_kept_as_they_are(model_server):
    rows = [row(SOUP, 2), row(SOUP, note="it names no event"), row(SOUP, 2, note="it names event 9")]
    found, _ = await kept(model_server, rows)
    assert found == [(SOUP, (2,)), (SOUP, ()), (SOUP, (2,))]


@pytest.mark.parametrize("seed", range(5))
async def test_order_of_rows_does_not_count(model_server, seed):
    rows = [row(SOUP, 2), row(AGAIN, 9, part=1), row(MEANT, 5, part=1), row(BREAD, 4), row(BREAD, 7, part=2)]
    mixed = Random(seed).sample(rows, len(rows))
    (one, _), (other, _) = [await kept(model_server, some, (SOUP, MEANT)) for some in (rows, mixed)]
    assert sorted(one) == sorted(other) == [(BREAD, (4, 7)), (SOUP, (2, 5, 9))]
