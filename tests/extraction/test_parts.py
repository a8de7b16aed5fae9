"""Parts: everything is in one of them, and what stands at a border is in two."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.extraction.parts import halves_of, parts_of, size_of
from workbench.llm.calls import estimate_tokens
from workbench.record.events import START, Event
from workbench.record.telling import tell

LENGTHS = st.lists(st.integers(1, 3000), max_size=60)


def events(lengths):
    return [Event(n, 1, START, "action", "TALK", "Ann", "", "x" * length) for n, length in enumerate(lengths, 1)]


def tokens(part):
    return sum(map(size_of, part))


@pytest.mark.parametrize("name", ["", "Ann", "Anna Gabriella van der Linden-Okonkwo"])
def test_size_of_an_event_is_that_of_what_is_told(name):
    event = Event(1234, 1, START, "action", "TALK", name, name, "I would buy it. " * 3)
    assert estimate_tokens(tell(event, with_id=True)) <= size_of(event) <= 2 * estimate_tokens(tell(event))


@given(LENGTHS, st.integers(200, 2000))
def test_parts_have_all_events_in_order_and_fit(lengths, most):
    told = events(lengths)
    parts = parts_of(told, most)
    assert list(dict.fromkeys(event for part in parts for event in part)) == told
    assert all(tokens(part) <= most or len(part) == 1 for part in parts)
    for part in parts:
        assert [event.id for event in part] == list(range(part[0].id, part[-1].id + 1))


@given(st.lists(st.integers(1, 60), min_size=100, max_size=200))
def test_neighbours_share_about_a_tenth(lengths):
    parts = parts_of(events(lengths), 500)
    for one, other in pairwise(parts):
        shared = [event for event in other if event in one]
        assert shared
        assert tokens(shared) <= 50


def test_what_fits_is_one_part():
    assert len(parts_of(events([100] * 10), 6000)) == 1
    assert parts_of([], 6000) == []


@given(LENGTHS.filter(lambda lengths: len(lengths) > 1))
def test_halves_have_all_events_and_are_shorter(lengths):
    told = events(lengths)
    first, second = halves_of(told)
    assert list(dict.fromkeys([*first, *second])) == told
    assert max(len(first), len(second)) < len(told)


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=400, max_size=2000))
def test_one_long_event_is_divided_by_its_text(text):
    event = Event(7, 1, START, "action", "TALK", "Ann", "", text)
    (first,), (second,) = halves_of([event])
    assert (first.id, second.id) == (7, 7)
    overlap = len(first.content) + len(second.content) - len(text)
    assert first.content + second.content[overlap:] == text
    assert 0 < overlap < len(text) / 5


@pytest.mark.parametrize(("type_", "length"), [("TALK", 399), ("IMAGE", 5000)])
def test_what_is_short_or_a_picture_is_not_divided(type_, length):
    assert halves_of([Event(1, 1, START, "action", type_, "Ann", "", "x" * length)]) == []
