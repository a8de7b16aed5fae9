"""Agreement agrees with statsmodels and with cases counted by hand."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.inter_rater import cohens_kappa

from workbench.evaluation.human import agreement

LAW = settings(max_examples=60, deadline=None)
TABLES = st.integers(2, 6).flatmap(
    lambda k: st.lists(st.lists(st.integers(1, 30), min_size=k, max_size=k), min_size=k, max_size=k)
)


@LAW
@given(TABLES)
def test_kappas_agree_with_statsmodels(counts: Any) -> None:
    joint = np.array(counts, dtype=float)
    assert float(agreement.kappa(joint)) == pytest.approx(cohens_kappa(joint, return_results=False), abs=1e-9)
    for ours, theirs in (("linear", "linear"), ("quadratic", "quadratic")):
        expected = cohens_kappa(joint, wt=theirs, return_results=False)
        assert float(agreement.kappa(joint, ours)) == pytest.approx(expected, abs=1e-9)


def test_by_hand():
    joint = np.array([[20, 5], [10, 15]])
    assert float(agreement.accuracy(joint)) == 0.7
    assert float(agreement.kappa(joint)) == pytest.approx(0.4)
    assert float(agreement.mean_absolute_error(joint, np.array([1.0, 4]))) == pytest.approx(0.9)


def test_chance_alone_agrees_in_all():
    assert math.isnan(float(agreement.kappa(np.array([[9, 0], [0, 0]]))))


def test_many_tables_at_once_are_each_alone():
    tables = np.random.default_rng(1).integers(1, 9, (7, 3, 3))
    positions = np.arange(3.0)
    for of in (
        agreement.accuracy,
        agreement.kappa,
        lambda joint: agreement.kappa(joint, "quadratic", positions),
        lambda joint: agreement.mean_absolute_error(joint, positions),
    ):
        assert of(tables) == pytest.approx([float(of(table)) for table in tables])


def test_uneven_positions_weigh_more():
    joint = np.array([[5, 1, 1], [0, 5, 1], [1, 1, 5]])
    even, far = (float(agreement.kappa(joint, "linear", np.array(one))) for one in ([0.0, 1, 2], [0.0, 1, 9]))
    assert even == pytest.approx(float(agreement.kappa(joint, "linear")))
    assert even != pytest.approx(far)


def test_normalised_accuracy():
    assert float(agreement.normalised(0.6, 0.8)) == pytest.approx(0.75)
    assert math.isnan(float(agreement.normalised(0.6, 0.0)))
