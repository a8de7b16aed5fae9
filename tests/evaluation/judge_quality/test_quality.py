"""The report on a judge: judges of known behaviour give the known figures; hardly any input gives a reason."""

from __future__ import annotations

import math
import warnings
from typing import Any

import krippendorff
import numpy as np
import pandas as pd
import pytest

from workbench.errors import InvalidSettings
from workbench.evaluation.judge_quality.quality import quality_of
from workbench.evaluation.judge_quality.report import JudgeQuality

STATISTICS = [
    *("unscored", "accuracy", "accuracy_of_most_common", "kappa", "kappa_linear", "kappa_quadratic", "alpha"),
    *("mean_absolute_error", "bias", "auc", "spearman", "expected_calibration_error", "changed_by_order"),
    *("length_effect", "alpha_of_people"),
]


def quality(judge: Any, people: Any, **options: Any) -> JudgeQuality:
    return quality_of(pd.DataFrame(judge), pd.DataFrame(people), **({"n_resamples": 100} | options))


def note(report: JudgeQuality, statistic: str) -> str:
    return report.table.set_index("statistic").loc[statistic, "note"]


@pytest.fixture(scope="module")
def scored() -> JudgeQuality:
    """A judge of 400 texts that is one point too mild, likes length, and is 30 points too sure."""
    rng = np.random.default_rng(4)
    label = rng.integers(0, 9, 400)
    length = rng.integers(20, 900, 400)
    hit = rng.random(400) < 0.6
    score = label + np.where(hit, 0, 1) + (length - 460) / 4000
    swapped = np.where(np.arange(400) % 4 == 0, 9 - label, np.round(score))
    judge = {"item": range(400), "score": score, "confidence": 0.9, "swapped": swapped, "length": length}
    return quality(judge, {"item": range(400), "label": label}, levels=range(10))


def test_a_scripted_judge_of_scores_gives_the_known_figures(scored: JudgeQuality) -> None:
    assert scored["accuracy"] == pytest.approx(0.6, abs=0.05)
    assert scored["bias"] == pytest.approx(0.4, abs=0.05)
    assert scored["expected_calibration_error"] == pytest.approx(0.3, abs=0.05)
    assert scored["changed_by_order"] == pytest.approx(0.25, abs=0.04)
    assert scored["length_effect"] > 0.2
    assert scored["kappa_quadratic"] > scored["kappa"]
    assert scored.table["statistic"].tolist() == STATISTICS


def test_intervals_hold_the_value(scored: JudgeQuality) -> None:
    there = scored.table.dropna(subset=["ci_low"])
    assert (there["ci_low"] <= there["value"]).all()
    assert (there["value"] <= there["ci_high"]).all()


def test_kappa_and_alpha_of_the_report_are_those_of_the_field() -> None:
    label, said = [1, 2, 3, 4, 4, 2, 1, 3], [1, 2, 4, 4, 3, 2, 2, 3]
    report = quality({"score": said}, {"label": label}, levels=[1, 2, 3, 4])
    expected = krippendorff.alpha(reliability_data=[label, said], level_of_measurement="ordinal")
    assert report["alpha"] == pytest.approx(expected, abs=1e-9)
    assert report["accuracy"] == 0.625
    assert report["accuracy_of_most_common"] == 0.25
    assert report["mean_absolute_error"] == 0.375


def test_a_judge_of_yes_and_no() -> None:
    holds = [True] * 25 + [False] * 25
    said = [True] * 20 + [False] * 5 + [True] * 10 + [False] * 15
    report = quality({"verdict": said, "confidence": [0.7] * 50}, {"label": holds})
    assert report["accuracy"] == 0.7
    assert report["kappa"] == pytest.approx(0.4)
    assert report["auc"] == pytest.approx(0.7)
    assert report["expected_calibration_error"] == pytest.approx(0, abs=1e-12)
    assert "no order" in note(report, "kappa_quadratic")


def test_scores_of_another_scale_rank_and_need_a_threshold_to_agree() -> None:
    judge, people = {"score": [8, 6.5, 3, 1.5]}, {"label": ["fits", "fits", "odd", "odd"]}
    ranked = quality(judge, people, levels=["odd", "fits"])
    assert ranked["auc"] == 1
    assert math.isnan(ranked["accuracy"])
    assert "give a threshold" in note(ranked, "accuracy")
    cut = quality(judge, people, levels=["odd", "fits"], threshold=5)
    assert cut["accuracy"] == 1
    assert "from 5 on" in note(cut, "accuracy")
    assert quality(judge, {"label": [1, 1, 0, 0]}, threshold=0)["accuracy"] == 0.5


def test_what_the_judge_left_out_is_counted_and_not_guessed() -> None:
    judge = {"item": [1, 2, 3], "score": [4, None, 2]}
    report = quality(judge, {"item": [1, 2, 3, 4], "label": [4, 4, 2, 3]})
    assert report["unscored"] == 0.5
    assert report["accuracy"] == 1
    row = report.table.set_index("statistic").loc["accuracy"]
    assert (row["n"], row["note"]) == (2, "few items (2)")


def test_verdicts_without_a_label_are_told() -> None:
    report = quality({"item": [1, 2, 9], "verdict": list("aba")}, {"item": [1, 2], "label": list("ab")})
    assert "1 verdict(s) on items without a label" in note(report, "unscored")


def test_several_raters_are_the_ceiling() -> None:
    people = {"item": [1, 1, 1, 2, 2, 2, 3, 3, 4], "rater": list("abcabcaba"), "label": [5, 5, 4, 1, 2, 2, 3, 1, 2]}
    report = quality({"item": [1, 2, 3, 4], "score": [5, 2, 1, 2]}, people)
    ratings = [[5, 1, 3, 2], [5, 2, 1, np.nan], [4, 2, np.nan, np.nan]]
    expected = krippendorff.alpha(reliability_data=ratings, level_of_measurement="ordinal")
    assert report["alpha_of_people"] == pytest.approx(expected, abs=1e-9)
    assert report["accuracy"] == 1  # the middle label; of two, the lower


def test_a_tie_of_names_is_no_label() -> None:
    people = {"item": [1, 1, 2, 3], "label": ["a", "b", "a", "b"]}
    report = quality({"item": [1, 2, 3], "verdict": ["a", "a", "b"]}, people)
    assert report.table.set_index("statistic").loc["accuracy", "n"] == 2
    assert "a tie of labels" in note(report, "unscored")


def test_points_within_the_tolerance_count_as_right() -> None:
    judge, people = {"score": [3, 5, 9]}, {"label": [4, 5, 6]}
    assert quality(judge, people)["accuracy"] == pytest.approx(1 / 3)
    wide = quality(judge, people, tolerance=1)
    assert wide["accuracy"] == pytest.approx(2 / 3)
    assert "within 1 of the label" in note(wide, "accuracy")


def test_items_of_one_cluster_are_drawn_together() -> None:
    rng = np.random.default_rng(0)
    person = np.repeat(np.arange(12), 10)
    right = (rng.random(12) < 0.5)[person]
    label = rng.integers(0, 2, 120)
    judge = {"verdict": np.where(right, label, 1 - label)}
    widths = []
    for people in ({"label": label}, {"label": label, "cluster": person}):
        row = quality(judge, people, n_resamples=300).table.set_index("statistic").loc["accuracy"]
        widths.append(row["ci_high"] - row["ci_low"])
    assert widths[1] > 2 * widths[0]


def test_the_same_seed_is_the_same_report() -> None:
    judge, people = {"score": [3, 5, 9, 2, 2]}, {"label": [4, 5, 6, 2, 3]}
    first, again, other = (quality(judge, people, seed=seed).table for seed in (1, 1, 2))
    pd.testing.assert_frame_equal(first, again)
    assert not first.equals(other)


@pytest.mark.parametrize(
    ("judge", "people"),
    [
        ({"score": [5]}, {"label": [5]}),
        ({"score": [5.0] * 6}, {"label": [5] * 6}),
        ({"verdict": ["a"] * 6}, {"label": ["a"] * 6}),
        ({"score": [math.nan] * 6, "confidence": [math.nan] * 6}, {"label": [1, 2, 3, 4, 5, 6]}),
        ({"verdict": [None] * 6}, {"label": list("ababab")}),
        ({"score": [1, 2, 3], "confidence": [None, 0.5, None], "length": [5, 5, 5]}, {"label": [1, None, 3]}),
        ({"verdict": [True, pd.NA], "swapped": [None, None]}, {"label": [False, True]}),
    ],
)
def test_hardly_any_input_gives_a_reason_and_no_warning(judge: Any, people: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        report = quality(judge, people)
        report._repr_html_()
        str(report)
    table = report.table
    assert table["statistic"].tolist() == STATISTICS
    assert (table.loc[table["value"].isna() | table["ci_low"].isna(), "note"] != "").all()


@pytest.mark.parametrize(
    ("judge", "people", "options", "said"),
    [
        ({"score": [1]}, {"text": ["a"]}, {}, "labelled needs a column 'label'"),
        ({"mark": [1]}, {"label": [1]}, {}, "'verdict' or 'score': it has 'mark'"),
        ({"score": []}, {"label": [1]}, {}, "verdicts has no rows"),
        ({"score": [1]}, {"label": []}, {}, "labelled has no rows"),
        ({"score": [1]}, {"label": [None]}, {}, "no label"),
        ({"item": [1, 1], "score": [1, 2]}, {"item": [1], "label": [1]}, {}, "more than one row for item 1"),
        (
            {"item": ["1"], "score": [1]},
            {"item": [1], "label": [1]},
            {},
            r"no item of verdicts \('1'\).*labelled \(1\)",
        ),
        ({"verdict": ["Yes"]}, {"label": ["yes"]}, {}, r"no verdict \('Yes'\) is one of the labels \('yes'\)"),
        ({"verdict": ["yes"]}, {"label": ["yes"]}, {"levels": ["no", "si"]}, "'yes' is none of the levels"),
        ({"score": ["high"]}, {"label": [1]}, {}, "needs numbers"),
        ({"score": [math.inf]}, {"label": [1]}, {}, "infinite"),
        ({"score": [1], "confidence": [80]}, {"label": [1]}, {}, "from 0 to 1"),
        ({"score": [1]}, {"label": [1]}, {"threshold": 5}, "give both as `levels`"),
        ({"verdict": ["a"]}, {"label": ["a"]}, {"tolerance": 1}, "no order"),
        ({"verdict": ["a"]}, {"label": ["a"]}, {"level": "ordinal"}, "give the order"),
        ({"verdict": ["a"]}, {"label": ["a"]}, {"level": "interval"}, "needs numbers"),
        ({"verdict": ["a"]}, {"label": ["a"]}, {"level": "ratio"}, "'nominal'"),
        ({"score": [1]}, {"label": [1]}, {"bins": 0}, "bins=0"),
        ({"score": [1]}, {"label": [1]}, {"tolerance": -1}, "0 or more"),
        ({"score": [1]}, {"label": [1]}, {"n_resamples": 0}, "n_resamples"),
        ({"item": [1], "score": [1]}, {"item": [1, 1], "rater": ["a", "a"], "label": [1, 2]}, {}, "more than once"),
    ],
)
def test_what_cannot_be_is_told(judge: Any, people: Any, options: Any, said: str) -> None:
    with pytest.raises(InvalidSettings, match=said):
        quality(judge, people, **options)


def test_it_shows_itself(scored: JudgeQuality) -> None:
    shown = scored._repr_html_()
    assert "<img" in shown
    assert "expected_calibration_error" in shown
    assert "kappa: " in str(scored)
    assert repr(scored).startswith("JudgeQuality(accuracy=")
    (axes,) = scored.plot().axes
    assert axes.get_xlabel() == "confidence of the judge"


def test_what_it_shows_is_escaped_and_the_caveat_is_said() -> None:
    report = quality({"verdict": ["<b>", "c"]}, {"label": ["<b>", "<b>"]}, caveat="Means <nothing>.")
    assert "&lt;b&gt;" in report._repr_html_()
    assert "<nothing>" not in report._repr_html_()
    assert str(report).endswith("Means <nothing>.")


def test_what_is_not_there_is_told() -> None:
    report = quality({"verdict": ["a", "b"]}, {"label": ["a", "a"]})
    with pytest.raises(InvalidSettings, match="there are unscored, accuracy"):
        report["f1"]
    with pytest.raises(InvalidSettings, match="no confidence"):
        report.plot()
