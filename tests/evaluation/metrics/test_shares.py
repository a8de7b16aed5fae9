"""Shares of talk: hand-computed figures, and the laws of the Gini coefficient."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.evaluation.metrics.runs import measured, said
from workbench.errors import InvalidSettings
from workbench.evaluation.metrics.shares import gini

AMOUNTS = st.lists(st.floats(0, 1e6).filter(lambda x: x == 0 or x > 1e-6), min_size=1, max_size=30).filter(any)


async def test_shares_are_of_characters_and_turns_of_steps():
    run = await measured(said(1, Ann="abcdef", Bob="ab"), said(2, Ann="abcd"), people=["Ann", "Bob", "Cem"])
    assert [run.value("turns", name) for name in ("", "Ann", "Bob", "Cem")] == [3, 2, 1, 0]
    assert [run.value("talk_share", name) for name in ("Ann", "Bob", "Cem")] == pytest.approx(
        [10 / 12, 2 / 12, 0], 1e-9
    )
    # of 2, 1, 0: (-2 * 0 + 0 * 1 + 2 * 2) / (3 * 3); of 10, 2, 0: (2 * 10) / (3 * 12)
    assert run.value("turns_gini") == pytest.approx(4 / 9, abs=1e-9)
    assert run.value("talk_share_gini") == pytest.approx(20 / 36, abs=1e-9)


@given(AMOUNTS)
def test_gini_lies_between_equality_and_one_who_has_all(amounts):
    assert 0 <= gini(amounts) <= (len(amounts) - 1) / len(amounts) + 1e-12


@given(st.floats(1e-6, 1e300), st.integers(1, 30))
def test_gini_of_equal_shares_is_nothing(amount, n):
    assert gini([amount] * n) == pytest.approx(0, abs=1e-12)


@given(AMOUNTS, st.floats(1e-3, 1e3), st.randoms())
def test_gini_does_not_change_with_unit_or_order(amounts, unit, random):
    mixed = random.sample(amounts, len(amounts))
    assert gini(mixed) == gini(amounts)
    assert gini([unit * amount for amount in amounts]) == pytest.approx(gini(amounts), abs=1e-9)


@given(st.lists(st.integers(0, 50), min_size=2, max_size=12).filter(any))
def test_gini_is_half_the_relative_mean_difference(amounts):
    n, mean = len(amounts), sum(amounts) / len(amounts)
    differences = sum(abs(a - b) for a in amounts for b in amounts) / n**2
    assert gini(amounts) == pytest.approx(differences / (2 * mean), abs=1e-12)


def test_gini_of_nothing_is_none():
    assert math.isnan(gini([]))
    assert math.isnan(gini([0, 0]))


@pytest.mark.parametrize("amount", [-1, math.nan, math.inf])
def test_gini_refuses_what_is_no_amount(amount):
    with pytest.raises(InvalidSettings, match="is no amount"):
        gini([1, amount])
