"""Samples of known truth: what is equal is called equivalent, what is not is not, and chance is called chance."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from workbench.evaluation.human.comparing import compare_to_human
from workbench.evaluation.human.kinds import describe
from workbench.evaluation.human.reach import distance_interval
from workbench.evaluation.human.resampling import Urn
from workbench.evaluation.human.samples import sample_of

SEEDS = 100
LIKERT = np.array([0.1, 0.2, 0.35, 0.25, 0.1])
PARTIES = np.array([0.45, 0.3, 0.15, 0.1])
UTILITIES = np.array([0, 0.5, 1, 1.5])


def likert(rng: Any, n: int, p: Any = LIKERT) -> Any:
    return rng.choice(len(p), n, p=p) + 1


def party(rng: Any, n: int, p: Any = PARTIES) -> Any:
    return rng.choice(np.array(["left", "right", "green", "none"]), n, p=p)


def rankings(rng: Any, n: int, utilities: Any = UTILITIES) -> Any:
    order = np.argsort(rng.normal(utilities, 1, (n, len(utilities))), axis=1)
    return [tuple(np.array(["a", "b", "c", "d"])[row]) for row in order]


def seven(rng: Any, n: int, sd: float = 1.5) -> Any:
    return np.clip(np.round(rng.normal(4, sd, n)), 1, 7).astype(int)


def age(rng: Any, n: int, sd: float = 12) -> Any:
    return np.clip(np.round(rng.normal(40, sd, n)), 0, 80)


def seven_sd(sd: float) -> float:
    points = np.arange(1, 8)
    edges = np.array([-np.inf, *np.arange(1.5, 7), np.inf])
    p = np.diff(stats.norm.cdf(edges, 4, sd))
    return float(np.sqrt(p @ (points - 4) ** 2))


def reports(simulated: Callable[..., Any], human: Callable[..., Any], n: int = 500, **told: Any) -> Any:
    for seed in range(SEEDS):
        rng = np.random.default_rng(seed)
        tables = (pd.DataFrame({"q": one(rng, n)}) for one in (simulated, human))
        yield compare_to_human(*tables, n_resamples=500, seed=seed, **told)


def verdicts(*sides: Any, **told: Any) -> Counter[str]:
    return Counter(report.verdicts["verdict"].iloc[0] for report in reports(*sides, **told))


@pytest.mark.slow
@pytest.mark.parametrize("answers", [likert, party, seven, rankings, age])
def test_equal_distributions_are_called_equivalent(answers):
    assert verdicts(answers, answers)["equivalent"] >= 0.9 * SEEDS


@pytest.mark.slow
@pytest.mark.parametrize(
    ("simulated", "human", "ratio", "kind"),
    [
        (lambda rng, n: seven(rng, n, 0.75), seven, seven_sd(0.75) / seven_sd(1.5), "ordinal"),
        (lambda rng, n: age(rng, n, 6), age, 0.5, "number"),
    ],
)
def test_half_the_spread_is_called_different_and_its_ratio_reported(simulated, human, ratio, kind):
    found = list(reports(simulated, human, kind=kind))
    said = [report.verdicts.iloc[0] for report in found]
    assert sum(one["verdict"] == "different" and "spread too small" in one["flags"] for one in said) >= 0.95 * SEEDS
    ratios = [report.table.set_index("statistic").loc["sd_ratio", "value"] for report in found]
    assert np.mean(np.abs(np.array(ratios) / ratio - 1) <= 0.1) >= 0.95


@pytest.mark.slow
@pytest.mark.parametrize(
    ("simulated", "human", "told"),
    [
        (lambda rng, n: likert(rng, n, np.full(5, 0.2)), likert, {}),
        (lambda rng, n: party(rng, n, np.full(4, 0.25)), party, {}),
        (lambda rng, n: rankings(rng, n, np.zeros(4)), rankings, {}),
        (lambda rng, n: rng.integers(0, 81, n), age, {"kind": "number", "levels": {"q": (0, 80)}}),
    ],
)
def test_uniform_answers_are_no_better_than_chance(simulated, human, told):
    said = [report.verdicts.iloc[0] for report in reports(simulated, human, **told)]
    flagged = [one["verdict"] == "different" and "no better than chance" in one["flags"] for one in said]
    assert sum(flagged) >= 0.95 * SEEDS


@pytest.mark.slow
def test_collapse_on_the_middle_is_no_better_than_the_most_common_answer():
    said = [report.verdicts["flags"].iloc[0] for report in reports(lambda rng, n: [3] * n, likert)]
    assert all("no better than the most common answer" in one and "spread too small" in one for one in said)


@pytest.mark.slow
@pytest.mark.parametrize(("answers", "shares"), [(party, PARTIES), (likert, LIKERT)])
def test_what_is_apart_by_the_margin_is_seldom_called_equivalent(answers, shares):
    # The margin is the worst case of the test: there, five in a hundred may be.
    margin = 0.15
    moved = shares + np.array([-margin, *[0] * (len(shares) - 2), margin]) if answers is party else None
    if moved is None:
        # Half a point up is 0.125 of the range.
        moved, margin = np.array([0.05, 0.1, 0.25, 0.35, 0.25]), None
    found = verdicts(lambda rng, n: answers(rng, n, moved), answers, margin=margin)
    assert found["equivalent"] <= 0.09 * SEEDS


@pytest.mark.slow
def test_few_people_are_not_told_apart_and_never_called_equivalent():
    found = verdicts(likert, likert, n=25)
    assert found["equivalent"] == 0
    assert found["not told apart yet at this n"] >= 0.85 * SEEDS


@pytest.mark.slow
@pytest.mark.parametrize("shift", [0, 0.03, 0.15])
def test_intervals_of_distances_hold_the_truth(shift):
    shares = np.array([0.4, 0.3, 0.2, 0.1])
    other = shares + np.array([-shift, 0, 0, shift])
    question = describe("q", list("abcd"), list("abcd"), kind="nominal", levels=list("abcd"))
    held = []
    for seed in range(400):
        rng = np.random.default_rng(seed)
        sides = tuple(_sample(question, rng, p) for p in (other, shares))
        apart = sides[0].means - sides[1].means
        draws = [Urn.of(side).draw(400, rng) for side in sides]
        noise = np.abs(draws[0] - apart - draws[1]).sum(axis=1) / 2
        low, high = distance_interval("total_variation", question, np.abs(apart).sum() / 2, noise, sides, 0.95)
        held.append(low - 1e-12 <= shift <= high + 1e-12)
    assert np.mean(held) >= 0.93


def _sample(question: Any, rng: Any, p: Any, n: int = 150) -> Any:
    people = [f"p{row}" for row in range(n)]
    answers = pd.DataFrame({"person": people, "answer": rng.choice(list("abcd"), n, p=p)})
    return sample_of(question, answers, pd.Series(1.0, index=people))
