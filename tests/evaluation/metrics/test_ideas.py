"""Ideas: duplicates are merged, whatever the order; the rest is counted."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rapidfuzz import fuzz

from tests.evaluation.metrics.runs import Meanings, by_step, measured, said
from workbench.evaluation.metrics.ideas import ideas_of
from workbench.evaluation.metrics.nearness import SAME_IDEA, near_pairs

SOUP, AGAIN, PRICE = "I would buy a bottle of it.", "Well, I would buy a bottle of it!", "My worry is the high price."
SENTENCES = st.lists(st.text("abc d値段é", min_size=1).filter(str.strip), max_size=10)


async def test_ideas_are_sentences_without_duplicates():
    run = await measured(
        said(1, Ann=f"{SOUP} {PRICE}", Bob=f"I agree. {AGAIN}"), said(2, Bob="The carton cannot be closed again.")
    )
    assert run.value("ideas_words") == 3
    assert (run.value("ideas_words", "Ann"), run.value("ideas_words", "Bob")) == (2, 2)
    assert by_step(run, "new_ideas_words") == {1: 2, 2: 1}


async def test_ideas_of_one_meaning_are_merged_where_words_are_near():
    summer = "summer is when nobody wants to cook at a stove."
    nobody = "nobody would ever cook at the stove in summer."
    far = "bread and wine go well together."
    llm = Meanings(summer=0, nobody=10, bread=60)
    run = await measured(said(1, Ann=summer, Bob=nobody), said(2, Ann=far), meaning=True, llm=llm)
    assert (run.value("ideas_words"), run.value("ideas_meaning")) == (3, 2)


async def test_short_talk_is_no_idea():
    run = await measured(said(1, Ann="I agree.", Bob="👍"))
    rows = run.table[(run.table["metric"] == "ideas_words") & (run.table["person"] == "")]
    assert rows[["value", "n", "note"]].to_numpy().tolist() == [[0.0, 0, "no sentence has 4 words"]]


@given(SENTENCES, st.randoms())
def test_count_does_not_depend_on_order(sentences, chance):
    mixed = chance.sample(sentences, len(sentences))
    assert ideas_of(mixed) == ideas_of(sentences)
    vectors = {sentence: vector(sentence) for sentence in sentences}
    assert ideas_of(mixed, vectors) == ideas_of(sentences, vectors)


@given(SENTENCES)
def test_more_sentences_are_never_less_than_one_idea_and_never_more_than_themselves(sentences):
    ideas = ideas_of(sentences)
    assert min(len(ideas), 1) <= len(set(ideas.values())) <= len(set(sentences))
    assert set(ideas) == set(sentences)


@pytest.mark.parametrize("with_vectors", [False, True])
def test_pairs_are_those_of_comparing_each_with_each(with_vectors):
    chance = random.Random(3)
    words = ["ab", "abc", "soup", "soups", "bread", "breads"]
    texts = [" ".join(sorted(chance.choices(words, k=6))) for _ in range(1500)]
    texts = list(dict.fromkeys(texts))
    vectors = np.stack([vector(text) for text in texts])
    expected = set()
    for b in range(len(texts)):
        for a in range(b):
            same = fuzz.ratio(texts[a], texts[b]) / 100
            mean = (same + min(max(float(vectors[a] @ vectors[b]), 0), 1)) / 2
            if same >= 0.9 or (with_vectors and round(mean, 5) >= SAME_IDEA):
                expected.add((a, b))
    assert len(texts) > 256  # more than are compared at once
    assert set(near_pairs(texts, vectors if with_vectors else None)) == expected


def vector(text: str) -> np.ndarray:
    made = np.random.default_rng(sum(map(ord, text))).normal(size=3)
    return made / np.linalg.norm(made)
