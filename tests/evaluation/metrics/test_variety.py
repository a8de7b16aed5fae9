"""Distinct n-grams and lengths: hand-computed figures, in scripts with and without spaces."""

from __future__ import annotations

import math
from statistics import median, stdev

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.evaluation.metrics.runs import by_step, measured, said, talk_of
from workbench.evaluation.metrics.variety import distinct
from workbench.evaluation.metrics.words import sentences_of, words_of
from workbench.judging.repetition import n_words

TEXTS = st.lists(st.lists(st.sampled_from("abcd"), max_size=8), max_size=6)


async def test_distinct_counts_ngrams_within_turns():
    run = await measured(said(1, Ann="the soup is the soup", Bob="The bread"))
    assert run.value("distinct_1") == pytest.approx(4 / 7, abs=1e-9)  # the, soup, is, bread
    assert run.value("distinct_2") == pytest.approx(4 / 5, abs=1e-9)  # "the soup" twice
    assert run.value("distinct_3") == pytest.approx(1, abs=1e-9)
    assert run.value("distinct_1", "Ann") == pytest.approx(3 / 5, abs=1e-9)
    assert math.isnan(run.value("distinct_3", "Bob"))


@given(TEXTS, st.integers(1, 4))
def test_distinct_lies_between_nothing_and_one(texts, n):
    value, count = distinct(texts, n)
    assert (math.isnan(value) and count == 0) or (0 < value <= 1 and count > 0)
    assert distinct([words[::-1] for words in texts[::-1]], n) == pytest.approx((value, count), nan_ok=True)


@given(TEXTS, st.integers(1, 3))
def test_distinct_falls_where_all_is_said_twice(texts, n):
    value, count = distinct(texts, n)
    assert distinct(texts + texts, n) == pytest.approx((value / 2, 2 * count), nan_ok=True)


async def test_lengths_are_of_turns():
    run = await measured(said(1, Ann="one two three", Bob="one"), said(2, Ann="one two"), said(3, Ann="a b c d e f"))
    words, characters = [3, 1, 2, 6], [13, 3, 7, 11]
    for unit, values in (("words", words), ("characters", characters)):
        assert run.value(f"{unit}_mean") == pytest.approx(sum(values) / 4, abs=1e-9)
        assert run.value(f"{unit}_sd") == pytest.approx(stdev(values), abs=1e-9)
        assert run.value(f"{unit}_median") == pytest.approx(median(values), abs=1e-9)
    assert by_step(run, "words_mean") == {1: 2, 2: 2, 3: 6}
    assert math.isnan(run.value("words_sd", "Bob"))


async def test_turn_is_what_somebody_says_before_somebody_else_does():
    run = await measured(
        [*said(1, Ann="good morning"), *said(1, Ann_to_Bob="how are you"), *said(1, Bob="fine"), *said(1, Ann="good")],
        simultaneous=False,
    )
    assert run.turns[["person", "events", "words"]].to_numpy().tolist() == [
        ["Ann", [1, 2], 5],
        ["Bob", [3], 1],
        ["Ann", [4], 1],
    ]


async def test_same_words_to_one_after_the_other_are_said_once():
    run = await measured([*said(1, Ann_to_Bob="I would buy it."), *said(1, Ann_to_Cem="I would buy it.")])
    assert run.value("words_mean") == 4
    assert run.turns["events"].tolist() == [[1, 2]]


@pytest.mark.parametrize(
    ("text", "n"),
    [("値段が心配です", 3), ("ฉันคิดว่า", 4), ("👍🎉", 0), ("I don't", 2), ("मुझे लगता है", 3), ("...", 0)],
)
def test_words_are_counted_in_every_script(text, n):
    assert n_words(text) == pytest.approx(n, abs=0.51)
    assert words_of(text)


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("Yes! I would. Would you?", ["Yes!", "I would.", "Would you?"]),
        ("It costs 4.50 euros", ["It costs 4.50 euros"]),
        ("「高い。」本当に？そう。", ["「高い。", "本当に？", "そう。"]),
        ('She said "no." Then she left.', ['She said "no.', "Then she left."]),
        ("यह अच्छा है। हाँ।", ["यह अच्छा है।", "हाँ।"]),
        ("one\n\n two", ["one", "two"]),
        (" ", []),
    ],
)
def test_sentences_end_with_marks_and_lines(text, sentences):
    assert sentences_of(text) == sentences


def test_talk_is_what_people_say():
    assert talk_of(said(1, Ann="a", Bob=" \n"), [(1, "Ann", "", "b", "action", "THINK")]) == ["a"]
