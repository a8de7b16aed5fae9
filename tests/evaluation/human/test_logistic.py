"""The logistic regression agrees with statsmodels, and is cross-validated."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.special import softmax
from statsmodels.discrete.discrete_model import MNLogit

from workbench.evaluation.human.logistic import design, fit, predicted

RNG = np.random.default_rng(2)


def cases(n=300, k=3):
    x = np.column_stack([np.ones(n), RNG.normal(size=(n, 2))])
    chances = softmax(x @ RNG.normal(size=(3, k)), axis=1)
    return x, np.array([RNG.choice(k, p=one) for one in chances])


def test_chances_agree_with_statsmodels():
    x, y = cases()
    ours = softmax(x @ fit(x, y, 3, penalty=1e-9), axis=1)
    theirs = MNLogit(y, x).fit(disp=0, tol=1e-12).predict(x)
    assert ours == pytest.approx(theirs, abs=1e-4)


def test_weights_are_repeats():
    x, y = cases(60, 2)
    weights = RNG.integers(1, 4, 60)
    twice = np.repeat(np.arange(60), weights)
    # Weights keep the number of people, so that the penalty does; repeats do not.
    once = fit(x, y, 2, weights.astype(float), penalty=1e-9)
    again = fit(x[twice], y[twice], 2, penalty=1e-9)
    assert softmax(x @ once, axis=1) == pytest.approx(softmax(x @ again, axis=1), abs=1e-4)


def test_design_has_levels_numbers_and_what_is_missing():
    table = pd.DataFrame({"party": ["a", "b", None, "a"] * 5, "age": [*range(19), None]})
    x = design(table)
    assert x[:, 0].tolist() == [1] * 20
    assert x[2, 1:4].tolist() == [0, 0, 1]
    assert x[:19, 4].mean() == pytest.approx(0)
    assert x[19, 4:].tolist() == [0, 1]


def test_prediction_finds_what_there_is_and_nothing_else():
    gender = RNG.choice(["f", "m"], 400)
    votes = np.where(RNG.random(400) < 0.9, gender == "f", gender == "m").astype(int)
    table = pd.DataFrame({"gender": gender})
    assert (predicted(table, votes, 2) == votes).mean() > 0.85
    noise = pd.DataFrame({f"x{n}": RNG.normal(size=400) for n in range(40)})
    # Without cross-validation, 40 columns of noise would seem to know a lot.
    assert 0.4 < (predicted(noise, RNG.integers(0, 2, 400), 2) == RNG.integers(0, 2, 400)).mean() < 0.6


def test_prediction_of_separated_classes_has_an_end():
    side = np.repeat([0, 1], 30)
    assert (predicted(pd.DataFrame({"x": side * 100.0}), side, 2) == side).all()
