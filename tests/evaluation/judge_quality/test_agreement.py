"""Agreement is that of `krippendorff`, statsmodels and cases counted by hand."""

from __future__ import annotations

import math
import warnings
from typing import Any

import krippendorff
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.inter_rater import cohens_kappa

from workbench.errors import InvalidSettings
from workbench.evaluation.judge_quality.agreement import accuracy, cohen_kappa, krippendorff_alpha

LAW = settings(max_examples=60, deadline=None)
ANSWERS = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=2, max_size=40)
RATINGS = st.integers(2, 5).flatmap(
    lambda raters: st.lists(
        st.lists(st.sampled_from([1, 2, 3, 5, None]), min_size=raters, max_size=raters), min_size=2, max_size=15
    )
)
# The example of Krippendorff 2011, section C: four observers, twelve units, missing data.
KRIPPENDORFF_2011 = [
    [1, 2, 3, 3, 2, 1, 4, 1, 2, None, None, None],
    [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, None, 3],
    [None, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, None],
    [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, None],
]


def test_accuracy_leaves_out_what_one_of_them_did_not_say() -> None:
    assert accuracy(["a", "b", None, "a"], ["a", "a", "a", math.nan]) == 0.5
    assert accuracy([True, False], np.array([True, True])) == 0.5


def test_kappa_by_hand() -> None:
    a, b = [1] * 25 + [0] * 25, [1] * 20 + [0] * 5 + [1] * 10 + [0] * 15
    assert cohen_kappa(a, b) == pytest.approx(0.4, abs=1e-12)
    assert cohen_kappa([*a, None], [*b, 1]) == pytest.approx(0.4, abs=1e-12)


@LAW
@given(ANSWERS)
def test_kappas_agree_with_statsmodels(said: Any) -> None:
    a, b = zip(*said, strict=True)
    if len({*a, *b}) < 2:
        return
    joint = np.zeros((5, 5))
    np.add.at(joint, (list(a), list(b)), 1)
    for ours, theirs in ((None, None), ("linear", "linear"), ("quadratic", "quadratic")):
        expected = cohens_kappa(joint, wt=theirs, return_results=False)
        assert cohen_kappa(a, b, levels=range(5), weights=ours) == pytest.approx(expected, abs=1e-9)


def test_weights_are_distances_of_numbers_and_places_of_words() -> None:
    numbers = cohen_kappa([1, 2, 9, 9], [1, 1, 9, 9], weights="linear")
    words = cohen_kappa(list("abcc"), list("aacc"), weights="linear")
    assert words == pytest.approx(cohen_kappa([1, 2, 3, 3], [1, 1, 3, 3], weights="linear"))
    assert numbers != pytest.approx(words)
    assert cohen_kappa(list("abcc"), list("aacc"), levels="bca", weights="linear") != pytest.approx(words)


@pytest.mark.parametrize(("level", "alpha"), [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849)])
def test_alpha_is_that_of_its_author(level: Any, alpha: float) -> None:
    assert krippendorff_alpha(KRIPPENDORFF_2011, level=level) == pytest.approx(alpha, abs=6e-4)


@LAW
@given(RATINGS)
def test_alpha_agrees_with_krippendorff(units: Any) -> None:
    ratings = np.array(units, dtype=float).T
    pairable = ratings[:, (~np.isnan(ratings)).sum(axis=0) >= 2]
    if len(np.unique(pairable[~np.isnan(pairable)])) < 2:
        return
    for level in ("nominal", "ordinal", "interval"):
        expected = krippendorff.alpha(reliability_data=ratings, level_of_measurement=level)
        assert krippendorff_alpha(ratings, level=level) == pytest.approx(expected, abs=1e-9)


def test_alpha_takes_words_and_data_frames() -> None:
    numbers = [[1, 2, 3, 1], [1, 2, 2, None]]
    words = pd.DataFrame([["low", "mid", "high", "low"], ["low", "mid", "mid", None]])
    assert krippendorff_alpha(words) == pytest.approx(krippendorff_alpha(numbers))
    ordered = krippendorff_alpha(words, level="ordinal", levels=["low", "mid", "high"])
    assert ordered == pytest.approx(krippendorff_alpha(numbers, level="ordinal"))


def test_nothing_to_tell_apart_is_nan_without_a_warning() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert math.isnan(cohen_kappa([1, 1], [1, 1]))
        assert math.isnan(krippendorff_alpha([[1, 1], [1, 1]]))
        assert cohen_kappa([1], [0]) == 0


@pytest.mark.parametrize(
    ("ask", "said"),
    [
        (lambda: accuracy([], []), "no item that both"),
        (lambda: accuracy([1, None], [None, 1]), "no item that both"),
        (lambda: accuracy([1, 2], [1]), "2 values and the other 1"),
        (lambda: accuracy([1, 0], ["1", "0"]), "different kinds"),
        (lambda: accuracy([[1]], [[1]]), "has to be a text"),
        (lambda: cohen_kappa([1, 7], [1, 2], levels=[1, 2]), "7 is none of the levels 1, 2"),
        (lambda: cohen_kappa([1], [1], weights="cubic"), "'linear', 'quadratic'"),  # type: ignore[arg-type]
        (lambda: krippendorff_alpha([]), "no item with two ratings"),
        (lambda: krippendorff_alpha([[1, None], [None, 2]]), "no item with two ratings"),
        (lambda: krippendorff_alpha([[1, 2], [1]]), "in the same order"),
        (lambda: krippendorff_alpha([["a", "b"], ["a", "a"]], level="interval"), "needs numbers"),
        (lambda: krippendorff_alpha([[1], [1]], level="ratio"), "'nominal', 'ordinal'"),  # type: ignore[arg-type]
    ],
)
def test_what_cannot_be_is_told(ask: Any, said: str) -> None:
    with pytest.raises(InvalidSettings, match=said):
        ask()
