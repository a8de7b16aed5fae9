"""What a person knows is found by its recency, importance and relevance, and comes back from a file as it was."""

from __future__ import annotations

import base64
import json
import struct
from datetime import UTC, timedelta
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.agents.memory.remembered import Remembered, Weights
from workbench.agents.memory.semantic import SemanticMemory
from workbench.agents.memory.vectors import BLOCK_ROWS
from workbench.errors import InvalidPersona, InvalidSettings
from workbench.record.events import START

EVEN = Weights(1, 1, 1)


def item(key, *, hours_ago=0, importance=1, **facts):
    return Remembered(str(key), "memory", f"text {key}", START - timedelta(hours=hours_ago), importance, **facts)


def memory_of(*vectors, **facts):
    """Return a memory of one item a vector; facts are lists, one value an item."""
    memory = SemanticMemory()
    for n in range(len(vectors)):
        memory.add(item(n, **{name: values[n] for name, values in facts.items()}))
    memory.set_vectors(range(len(vectors)), np.array(vectors, float))
    return memory


def retrieve(memory, *queries, k=3, weights=EVEN, **options):
    return memory.retrieve(np.array(queries or [[1, 0]], float), START, k, weights=weights, **options)


def grown(n, d=2, seed=1):
    """Return a memory of n items with random vectors."""
    random = np.random.default_rng(seed)
    return memory_of(*random.standard_normal((n, d)), hours_ago=range(n), importance=[1 + i % 10 for i in range(n)])


def same(one, other):
    names = ("places", "recency", "importance", "relevance", "score")
    return one.shown == other.shown and all(np.array_equal(getattr(one, n), getattr(other, n)) for n in names)


# Scores


def test_scores_by_hand():
    memory = memory_of([1, 0], [0, 1], [-1, 0], hours_ago=[2, 1, 0], importance=[1, 10, 4])
    found = retrieve(memory, decay=0.5, weights=Weights(recency=1, relevance=2, importance=1))
    assert found.places.tolist() == [0, 1, 2]
    assert found.recency.tolist() == [0.25, 0.5, 1]
    assert found.importance == pytest.approx([0, 1, 1 / 3])
    assert found.relevance == pytest.approx([1, 0.5, 0])
    assert found.score == pytest.approx([2.25 / 4, 2.5 / 4, (4 / 3) / 4])
    assert found.shown == (1, 0, 2)


def test_recency_by_default_loses_half_a_percent_an_hour():
    assert retrieve(memory_of([1, 0], [1, 0], hours_ago=[0, 24])).recency == pytest.approx([1, 0.995**24])


def test_future_is_as_recent_as_now():
    assert retrieve(memory_of([1, 0], [1, 0], hours_ago=[-5, 0])).recency.tolist() == [1, 1]


def test_best_of_the_queries_counts():
    memory = memory_of([1, 0, 0], [0, 1, 0], [0, 0, 1])
    assert retrieve(memory, [1, 0, 0], [0, 2, 0]).relevance.tolist() == [1, 1, 0]


def test_relevance_is_scaled_between_the_least_and_the_most_relevant():
    memory = memory_of([0.6, 0.8], [0.8, 0.6], [1, 0])
    assert retrieve(memory).relevance == pytest.approx([0, 0.5, 1], abs=2e-3)


@pytest.mark.parametrize("n", [1, 3, 7])
def test_equally_relevant_are_all_relevant(n):
    memory = memory_of(*[[0.3, 0.1, 0.7]] * n)
    assert retrieve(memory, [0.5, 0.2, 0.1]).relevance.tolist() == [1] * n


def test_vector_of_zeros_is_relevant_to_nothing():
    assert retrieve(memory_of([0, 0], [1, 0], [-1, 0])).relevance.tolist() == [0.5, 1, 0]


def test_of_equals_the_older_is_first():
    found = retrieve(memory_of(*[[1, 0]] * 6, importance=[1, 5, 5, 1, 5, 5]))
    assert found.shown == (1, 2, 4)


@pytest.mark.parametrize(("k", "shown"), [(0, ()), (1, (2,)), (3, (2, 1, 0)), (9, (2, 1, 0))])
def test_k_is_the_most_that_is_shown(k, shown):
    assert retrieve(memory_of([0, 1], [1, 1], [1, 0]), k=k).shown == shown


def test_nothing_known_is_nothing_found():
    memory = SemanticMemory()
    memory.add(item(0))
    for found in (retrieve(SemanticMemory()), retrieve(memory)):
        assert found.shown == ()
        assert {len(found.places), len(found.score), len(found.relevance)} == {0}


def test_only_what_has_a_vector_is_found_whatever_the_order_of_setting():
    memory = SemanticMemory()
    for n in range(4):
        memory.add(item(n))
    memory.set_vectors([3, 0], [[1, 0], [0, 1]])
    assert memory.missing() == [1, 2]
    found = retrieve(memory)
    assert (found.places.tolist(), found.relevance.tolist(), found.shown) == ([0, 3], [0, 1], (3, 0))


INTEGERS = st.integers(-3, 3)
KNOWN = st.tuples(st.tuples(INTEGERS, INTEGERS, INTEGERS), st.integers(-5, 500), st.integers(1, 10), st.booleans())


@settings(derandomize=True, max_examples=150, deadline=None)
@given(
    known=st.lists(KNOWN, max_size=12),
    queries=st.lists(st.tuples(INTEGERS, INTEGERS, INTEGERS), min_size=1, max_size=3),
    weights=st.tuples(*[st.sampled_from([0, 0.5, 3])] * 2, st.sampled_from([0.5, 2])),
    k=st.integers(0, 5),
)
def test_retrieve_equals_the_plain_definition(known, queries, weights, k):
    memory = memory_of(*[k[0] for k in known], hours_ago=[k[1] for k in known], importance=[k[2] for k in known])
    memory.forget(str(place) for place, (*_, gone) in enumerate(known) if gone)
    found = retrieve(memory, *queries, k=k, weights=Weights(*weights))
    wanted, tolerance = plainly(known, queries, Weights(*weights))
    assert found.places.tolist() == list(wanted)
    assert found.score.tolist() == pytest.approx(list(wanted.values()), abs=tolerance)
    best = sorted(zip(-found.score, found.places, strict=True))
    assert found.shown == tuple(place for _, place in best[:k])
    assert all(wanted[a] >= wanted[b] - 2 * tolerance for a, b in pairwise(found.shown))


def plainly(known, queries, weights):
    """Return place -> score as the definition has it, and how far rounded cosines may be from it."""
    left = {place: facts for place, facts in enumerate(known) if not facts[3]}
    cosines = {p: max(dot(unit(q), halves(unit(vector))) for q in queries) for p, (vector, *_) in left.items()}
    low, high = min(cosines.values(), default=0), max(cosines.values(), default=0)
    scores = {}
    for place, (_, hours, importance, _) in left.items():
        relevance = 1 if high - low < 1.5e-5 else (cosines[place] - low) / (high - low)
        parts = (0.995 ** max(hours, 0), relevance, (importance - 1) / 9)
        each = (weights.recency, weights.relevance, weights.importance)
        scores[place] = sum(w * part for w, part in zip(each, parts, strict=True)) / sum(each)
    return scores, 1e-5 + 4e-5 / max(high - low, 1.5e-5)


def dot(one, other):
    return sum(a * b for a, b in zip(one, other, strict=True))


def unit(vector):
    return [number / (dot(vector, vector) ** 0.5 or 1) for number in vector]


def halves(vector):
    return struct.unpack("<3e", struct.pack("<3e", *vector))


# Records


def test_what_went_in_comes_out():
    memory = SemanticMemory()
    time = START + timedelta(days=-20_000, microseconds=1)
    items = [item(1, links=(4, 5)), Remembered("a.pdf#3", "document", "Ąę", time, 10, source="a.pdf")]
    for one in items:
        memory.add(one)
    assert (len(memory), list(memory), memory[1], memory[-1]) == (2, items, items[1], items[1])
    with pytest.raises(IndexError):
        memory[2]


def test_key_is_unique():
    with pytest.raises(InvalidSettings, match="has '0' already"):
        memory_of([1, 0]).add(item(0))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"importance": 0}, "1 to 10"),
        ({"importance": 11}, "1 to 10"),
        ({"importance": 2.5}, "1 to 10"),
        ({"kind": "rumour"}, "'rumour' is not one of memory, insight, document"),
        ({"time": START.replace(tzinfo=UTC)}, "no zone"),
    ],
)
def test_record_that_cannot_be(change, said):
    with pytest.raises(InvalidSettings, match=said):
        Remembered(**{"key": "1", "kind": "memory", "text": "", "time": START, "importance": 5, **change})


@pytest.mark.parametrize("weights", [(-1, 1, 1), (0, 0, 0), (float("nan"), 1, 1), (float("inf"), 1, 1)])
def test_weights_that_cannot_be(weights):
    with pytest.raises(InvalidSettings, match="weight"):
        Weights(*weights)


@pytest.mark.parametrize("options", [{"k": -1}, {"decay": 0}, {"decay": 1.1}])
def test_retrieval_that_cannot_be(options):
    with pytest.raises(InvalidSettings, match="zero or more"):
        retrieve(memory_of([1, 0]), **options)


# Vectors


def test_another_number_of_dimensions_is_another_model():
    memory = memory_of([1, 0])
    memory.add(item(1))
    with pytest.raises(InvalidSettings, match="have 2 dimensions and these have 3: the embedding model has changed"):
        memory.set_vectors([1], [[1, 0, 0]])
    with pytest.raises(InvalidSettings, match="embedding model has changed"):
        retrieve(memory, [1, 0, 0])


@pytest.mark.parametrize(
    ("places", "vectors", "said"),
    [
        ([1], [[1, 0], [0, 1]], "1 places need as many"),
        ([1], [1, 0], "shape"),
        ([2], [[1, 0]], "places 0 to 1, not 2"),
        ([-1], [[1, 0]], "not -1"),
        ([1], [[float("nan"), 0]], "finite"),
        ([1], [[1e300, 1e300]], "finite"),
    ],
)
def test_vectors_that_do_not_fit_set_nothing(places, vectors, said):
    memory = memory_of([1, 0])
    memory.add(item(1))
    with pytest.raises(InvalidSettings, match=said):
        memory.set_vectors(places, vectors)
    assert memory.missing() == [1]


@pytest.mark.parametrize("queries", [[1.0, 0.0], np.zeros((0, 2))])
def test_queries_are_rows(queries):
    with pytest.raises(InvalidSettings, match="one vector or more"):
        memory_of([1, 0]).retrieve(queries, START, 1, weights=EVEN)


def test_place_keeps_its_first_vector():
    memory = memory_of([1, 0], [0, 1])
    memory.set_vectors([0], [[0, 1]])
    assert retrieve(memory).relevance.tolist() == [1, 0]


# Forgetting, going back, copying


def test_forgotten_is_not_found_and_stays():
    memory = memory_of([1, 0], [0, 1])
    memory.add(item(2))
    memory.forget(["0", "2", "never known"])
    found = retrieve(memory)
    assert (found.places.tolist(), found.shown, found.relevance.tolist()) == ([1], (1,), [1])
    assert (memory.forgotten, memory.missing(), len(memory)) == ({"0", "2"}, [], 3)


def test_back_to_undoes_what_came_after():
    memory = memory_of([1, 0], [0, 1])
    memory.add(item(2))
    mark, before = memory.mark(), retrieve(memory)
    memory.add(item(3))
    memory.set_vectors([3, 2], [[1, 0], [0, 1]])
    memory.forget(["0"])
    memory.back_to(mark)
    assert (len(memory), memory.missing(), memory.forgotten) == (3, [2], frozenset())
    assert same(retrieve(memory), before)
    memory.add(item(3))
    assert memory.missing() == [2, 3]


def test_back_to_the_beginning_takes_vectors_of_any_length():
    memory = SemanticMemory()
    mark = memory.mark()
    memory.add(item(0))
    memory.set_vectors([0], [[1, 0]])
    memory.back_to(mark)
    memory.add(item(0))
    memory.set_vectors([0], [[1, 0, 0]])
    assert memory.dimensions == 3


@pytest.mark.parametrize("n", [3, BLOCK_ROWS - 1, BLOCK_ROWS, BLOCK_ROWS + 3])
def test_copy_and_original_go_their_own_ways(n):
    original = grown(n)
    before = retrieve(original)
    copy = original.copy()
    assert same(retrieve(copy), before)
    for memory, vector in ((copy, [1, 0]), (original, [-1, 0])):
        memory.add(item("new"))
        memory.add(item("newer"))
        memory.set_vectors([n, n + 1], [vector, vector])
    copy.forget(["0"])
    assert (retrieve(copy).relevance[-1], retrieve(original).relevance[-1]) == pytest.approx((1, 0), abs=1e-4)
    assert (len(retrieve(copy).places), len(retrieve(original).places)) == (n + 1, n + 2)
    assert same(retrieve(grown(n)), before)


def test_going_back_into_a_full_block_leaves_the_copy_as_it_was():
    original, mark = grown(BLOCK_ROWS), (5, 5, frozenset())
    copy = original.copy()
    before = retrieve(copy)
    original.back_to(mark)
    original.add(item(5))
    original.set_vectors([5], [[1, 0]])
    assert same(retrieve(copy), before)
    assert len(retrieve(original).places) == 6


# Files


def reread(state, memory):
    memory.restore_vectors(json.loads(json.dumps(state)))
    return memory


def without_vectors(memory):
    bare = SemanticMemory()
    for one in memory:
        bare.add(one)
    return bare


def test_state_brings_back_the_same_retrievals_bit_for_bit():
    memory = grown(2 * BLOCK_ROWS + 7, d=5)
    queries = np.random.default_rng(3).standard_normal((3, 5))
    again = reread(memory.state(), without_vectors(memory))
    assert again.missing() == []
    assert same(retrieve(again, *queries, k=20), retrieve(memory, *queries, k=20))


def test_state_of_nothing():
    assert reread(SemanticMemory().state(), SemanticMemory()).dimensions == 0


def test_unknown_keys_are_passed_over():
    memory = SemanticMemory()
    memory.add(item(7))
    memory.add(item(1))
    reread(memory_of([1, 0], [0, 1], [1, 1]).state(), memory)
    assert (memory.missing(), retrieve(memory, [0, 1]).places.tolist()) == ([0], [1])


def test_blocks_are_emptied_as_they_are_read():
    memory = grown(3)
    state = memory.state()
    without_vectors(memory).restore_vectors(state)
    assert state["blocks"] == [""]


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        ({"dimensions": None}, "dimensions"),
        ({"dimensions": 0}, "block 1 of 1"),
        ({"dimensions": -1}, "block 1 of 1"),
        ({"dimensions": 5}, "block 1 of 1"),
        ({"keys": "012"}, "keys"),
        ({"keys": [1, 2, 3]}, "keys"),
        ({"keys": ["0"]}, "there are 3 and 1 keys"),
        ({"keys": ["0", "1", "2", "3"]}, "there are 3 and 4 keys"),
        ({"blocks": []}, "there are 0 and 3 keys"),
        ({"blocks": ["###"]}, "block 1 of 1"),
        ({"blocks": ["é"]}, "block 1 of 1"),
        ({"blocks": [base64.b64encode(np.full(6, np.nan, "<f2").tobytes()).decode()]}, "block 1 of 1"),
    ],
)
def test_damaged_state_says_where_and_sets_nothing(damage, said):
    memory = grown(3)
    bare = without_vectors(memory)
    with pytest.raises(InvalidPersona, match=said):
        reread({**memory.state(), **damage}, bare)
    assert bare.missing() == [0, 1, 2]


def test_state_without_a_part():
    with pytest.raises(InvalidPersona, match="blocks"):
        reread({"dimensions": 2, "keys": []}, SemanticMemory())
