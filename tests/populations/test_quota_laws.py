"""Laws of sampling: whatever the quotas are, counts are whole and as near to them as whole counts can be."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from workbench.errors import InvalidSettings
from workbench.populations.dimensions import Dimension
from workbench.populations.plan import SamplingPlan
from workbench.populations.rounding import largest_remainder

LAW = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
N = st.integers(1, 150)


@st.composite
def shares(draw: st.DrawFn, most: int = 6, *, zeros: bool = True) -> dict[str, float]:
    weights = draw(st.lists(st.integers(0 if zeros else 1, 100), min_size=1, max_size=most))
    assume(sum(weights) > 0)
    return {f"level {number}": weight / sum(weights) for number, weight in enumerate(weights)}


@st.composite
def nested(draw: st.DrawFn, depth: int) -> Any:
    """Shares of all combinations of `depth` dimensions, nested, of the same levels on each branch."""
    sizes = draw(st.lists(st.integers(1, 4), min_size=depth, max_size=depth))
    weights = draw(st.lists(st.integers(0, 50), min_size=math.prod(sizes), max_size=math.prod(sizes)))
    assume(sum(weights) > 0)
    return np.array(weights).reshape(sizes) / sum(weights)


def as_mapping(table: Any) -> Any:
    return {f"l{k}": as_mapping(inner) if inner.ndim else float(inner) for k, inner in enumerate(table)}


@LAW
@given(shares(), N)
def test_largest_remainder_is_within_one(quota: dict[str, float], n: int) -> None:
    counts = largest_remainder(np.array(list(quota.values())), n)
    assert counts.sum() == n
    assert (abs(counts - np.array(list(quota.values())) * n) < 1).all()


@LAW
@given(st.lists(shares(), min_size=1, max_size=4), N, st.integers(0, 99))
def test_every_marginal_is_within_one_person(quotas: list[dict[str, float]], n: int, seed: int) -> None:
    plan = SamplingPlan(n, {f"d{number}": quota for number, quota in enumerate(quotas)})
    people = plan.draw(seed)
    assert len(people) == n
    for name, quota in zip(plan.names, quotas, strict=True):
        found = people[name].value_counts()
        assert all(abs(found.get(level, 0) - share * n) < 1 for level, share in quota.items())


@LAW
@given(st.integers(2, 3).flatmap(nested), N, st.integers(0, 99))
def test_every_cell_of_a_full_joint_is_within_one_person(table: Any, n: int, seed: int) -> None:
    names = tuple(f"d{axis}" for axis in range(table.ndim))
    people = SamplingPlan(n, {names: as_mapping(table)}).draw(seed)
    found = people.groupby(list(names)).size()
    for index in np.ndindex(*table.shape):
        assert abs(found.get(tuple(f"l{k}" for k in index), 0) - table[index] * n) < 1
    for axis, name in enumerate(names):
        margin = table.sum(axis=tuple(other for other in range(table.ndim) if other != axis))
        counts = people[name].value_counts()
        assert all(abs(counts.get(f"l{k}", 0) - share * n) < 1 for k, share in enumerate(margin))


@LAW
@given(shares(zeros=False), shares(zeros=False), st.integers(100, 400), st.integers(0, 99), st.data())
def test_marginals_hold_with_impossible_combinations_or_the_plan_says_that_they_cannot(
    first: dict[str, float], second: dict[str, float], n: int, seed: int, data: st.DataObject
) -> None:
    pairs = st.tuples(st.sampled_from(list(first)), st.sampled_from(list(second)))
    ruled_out = data.draw(st.lists(pairs, max_size=4, unique=True))
    plan = SamplingPlan(n, {"a": first, "b": second}, impossible=[{"a": one, "b": other} for one, other in ruled_out])
    try:
        people = plan.draw(seed)
    except InvalidSettings as error:
        if not ruled_out or "cannot be met together" not in str(error):
            raise
        return
    assert not set(ruled_out) & set(zip(people["a"], people["b"], strict=True))
    for name, quota in (("a", first), ("b", second)):
        found = people[name].value_counts()
        assert all(abs(found.get(level, 0) - share * n) < 1 for level, share in quota.items())


@LAW
@given(shares(zeros=False), st.integers(1, 200), st.integers(0, 99))
def test_design_weights_give_the_population_back(quota: dict[str, float], k: int, seed: int) -> None:
    n = k * len(quota)
    even = dict.fromkeys(quota, 1 / len(quota))
    people = SamplingPlan(n, [Dimension("group", quota, sampled=even)]).draw(seed)
    weighted = people.groupby("group")["weight"].sum() / n
    assert all(weighted[level] == pytest.approx(share) for level, share in quota.items())


@LAW
@given(st.integers(0, 50), st.integers(1, 60), N, st.integers(0, 99))
def test_whole_numbers_are_spread_evenly(low: int, width: int, n: int, seed: int) -> None:
    ages = SamplingPlan(n, {"x": (low, low + width)}).draw(seed)["x"]
    counts = ages.value_counts().reindex(range(low, low + width + 1), fill_value=0)
    assert counts.sum() == n
    assert counts.max() - counts.min() <= 1
