"""How alike turns are: hand-computed cases, and the means of all pairs, one by one."""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.evaluation.metrics.runs import Meanings, by_step, events_of, measured, said
from workbench.evaluation.metrics.dispersion import dispersion
from workbench.evaluation.metrics.similarity import similarity_rows, similarity_steps
from workbench.evaluation.metrics.sources import read_run
from workbench.evaluation.metrics.turns import turns_of
from workbench.populations.homogeneity import homogeneity_of, tf_idf

PEOPLE = ("Ann", "Bob", "Cem")
RUNS = st.lists(
    st.tuples(st.integers(1, 4), st.sampled_from(PEOPLE), st.text("abcdef ", min_size=1).filter(str.strip)),
    min_size=1,
    max_size=14,
)


async def test_similarity_of_two_turns_is_the_cosine_of_tf_idf():
    run = await measured(said(1, Ann="soup bread", Bob="soup wine"))
    # n = 2: idf of "soup" is ln(3/3) + 1 = 1, of the others ln(3/2) + 1
    assert run.value("similarity_between_words") == pytest.approx(1 / (1 + (math.log(1.5) + 1) ** 2), abs=1e-9)
    assert by_step(run, "similarity_between_words")[1] == run.value("similarity_between_words")
    assert math.isnan(run.value("similarity_within_words"))


def test_similarity_is_that_of_populations():
    texts = ["cold soup in summer", "the soup is cold", "my mother likes bread", "bread and soup and bread"]
    vectors = tf_idf([text.split() for text in texts])
    values = [float((vectors[[a]] @ vectors[[b]].T).sum()) for a, b in combinations(range(4), 2)]
    assert np.mean(values) == pytest.approx(homogeneity_of(texts, texts).mean, abs=1e-9)


async def test_similarity_by_meaning_is_the_cosine_of_embeddings():
    llm = Meanings(soup=0, bread=60, wine=90)
    run = await measured(said(1, Ann="soup", Bob="bread"), said(2, Ann="wine"), meaning=True, llm=llm)
    assert run.value("similarity_within_meaning", "Ann") == pytest.approx(0, abs=1e-9)
    cosines = [math.cos(math.radians(60)), math.cos(math.radians(30))]
    assert run.value("similarity_between_meaning") == pytest.approx(sum(cosines) / 2, abs=1e-9)
    assert run.value("similarity_between_meaning", "Bob") == pytest.approx(sum(cosines) / 2, abs=1e-9)
    assert by_step(run, "similarity_between_meaning")[1] == pytest.approx(0.5, abs=1e-9)
    assert llm.asked == [["soup", "bread", "wine"]]


async def test_dispersion_is_the_mean_distance_from_the_centre():
    llm = Meanings(soup=0, bread=90)
    run = await measured(said(1, Ann="soup", Bob="bread"), said(2, Ann="soup"), meaning=True, llm=llm)
    # centre (2/3, 1/3); (1, 0) is sqrt(2)/3 from it, (0, 1) is sqrt(8)/3
    assert run.value("dispersion_meaning") == pytest.approx((2 * math.sqrt(2) + math.sqrt(8)) / 9, abs=1e-9)
    assert run.value("dispersion_meaning", "Ann") == pytest.approx(0, abs=1e-9)
    assert by_step(run, "dispersion_meaning")[1] == pytest.approx(math.sqrt(0.5), abs=1e-9)


@given(st.integers(2, 8), st.integers(0, 99))
def test_dispersion_of_directions_is_at_most_one(n, seed):
    vectors = np.random.default_rng(seed).normal(size=(n, 5))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    assert 0 <= dispersion(vectors) <= 1
    assert dispersion(vectors[::-1]) == pytest.approx(dispersion(vectors), abs=1e-12)


@settings(max_examples=50, deadline=None)
@given(RUNS, st.booleans())
def test_means_are_those_of_all_pairs(told, dense):
    turns = turns_of(read_run(events_of(*(said(step, **{name: text}) for step, name, text in sorted(told)))))
    vectors = tf_idf([turn.words for turn in turns])
    whole = vectors.toarray()
    rows = list(similarity_rows(PEOPLE, turns, whole if dense else vectors, "words"))
    pairs = [(a, b, whole[a] @ whole[b]) for a, b in combinations(range(len(turns)), 2)]
    within = [cosine for a, b, cosine in pairs if turns[a].person == turns[b].person]
    between = [cosine for a, b, cosine in pairs if turns[a].person != turns[b].person]
    found = {(row.metric, row.person): row for row in rows}
    for metric, values in (("similarity_within_words", within), ("similarity_between_words", between)):
        assert found[metric, ""].value == pytest.approx(np.mean(values) if values else math.nan, abs=1e-9, nan_ok=True)
        assert found[metric, ""].n == len(values)
    for name in PEOPLE:
        of = [cosine for a, b, cosine in pairs if (turns[a].person == name) != (turns[b].person == name)]
        value = found["similarity_between_words", name].value
        assert value == pytest.approx(np.mean(of) if of else math.nan, abs=1e-9, nan_ok=True)
    for row in similarity_steps(4, turns, whole if dense else vectors, "words"):
        here = [c for a, b, c in pairs if turns[a].step == turns[b].step == row.step]
        apart = [
            c for a, b, c in pairs if turns[a].step == turns[b].step == row.step and turns[a].person != turns[b].person
        ]
        assert len(here) >= len(apart) == row.n
        assert row.value == pytest.approx(np.mean(apart) if apart else math.nan, abs=1e-9, nan_ok=True)
    assert all(row.note for row in rows if math.isnan(row.value))


@given(st.lists(st.sampled_from(["soup bread", "soup", "bread wine", "wine soup soup"]), min_size=2, max_size=5))
def test_similarity_is_symmetric_and_one_with_itself(texts):
    vectors = tf_idf([text.split() for text in texts]).toarray()
    cosines = vectors @ vectors.T
    assert np.allclose(cosines, cosines.T, atol=1e-12)
    assert np.allclose(np.diag(cosines), 1, atol=1e-12)
    assert cosines.min() >= 0


async def test_exchanged_people_are_as_alike():
    one = await measured(said(1, Ann="cold soup", Bob="cold bread"), said(2, Ann="wine", Bob="soup"))
    other = await measured(said(1, Bob="cold soup", Ann="cold bread"), said(2, Bob="wine", Ann="soup"))
    assert one.value("similarity_between_words") == pytest.approx(other.value("similarity_between_words"), abs=1e-12)
    assert one.value("similarity_within_words", "Ann") == pytest.approx(
        other.value("similarity_within_words", "Bob"), abs=1e-12
    )
