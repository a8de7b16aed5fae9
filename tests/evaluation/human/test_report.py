"""The report: verdicts in words, a chart, HTML that escapes everything, Markdown that stays a table."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from workbench import plots
from workbench.errors import InvalidSettings
from workbench.evaluation.human.comparing import compare_to_human

pytestmark = pytest.mark.filterwarnings("error")
EVIL = '<script>alert("1")</script> | $x^2$'


def report_on(k=5, name="How likely?", n=200):
    rng = np.random.default_rng(k)
    narrow = np.clip(np.round(rng.normal((k + 1) / 2, 0.3, n)), 1, k).astype(int)
    sides = pd.DataFrame({name: narrow}), pd.DataFrame({name: rng.integers(1, k + 1, n)})
    return compare_to_human(*sides, kind="ordinal", levels={name: range(1, k + 1)}, n_resamples=200, seed=3)


def test_verdict_says_what_is_seen_and_what_it_is_held_against():
    verdict = report_on().verdict
    assert verdict.startswith("How likely?: different. Wasserstein distance 0.")
    assert "humans among themselves reach 0.0" in verdict
    assert "Spread too small: the SD is 0." in verdict
    assert "No better than chance, as far as is shown: answers at random are 0.0" in verdict
    assert " p = " not in verdict


def test_repr_is_a_summary():
    report = report_on()
    assert repr(report) == "HumanComparison(different: 1)"
    assert str(report) == report.verdict


@pytest.mark.parametrize("k", [2, 5, 11])
def test_chart_has_a_row_an_option_and_a_band(k):
    figure = report_on(k).plot()
    (ax,) = figure.axes
    assert [label.get_text() for label in ax.get_yticklabels()] == [str(level) for level in range(1, k + 1)]
    assert len(ax.patches) == 3 * k
    assert [text.get_text() for text in figure.legends[0].get_texts()] == [
        "simulated",
        "human",
        "humans among themselves",
    ]
    assert plots.png(figure).startswith(b"\x89PNG")


def test_chart_draws_bars_as_long_as_shares():
    report = report_on()
    shares = 100 * report.distributions["simulated"]
    ax = plots.distribution(report.distributions)
    assert [bar.get_width() for bar in ax.patches[:5]] == pytest.approx(shares.tolist())


def test_long_labels_take_two_lines():
    option = "I would buy it every week, since the price is nothing to me these days, honestly"
    table = pd.DataFrame({"q": [option, "no"] * 20})
    ax = compare_to_human(table, table, n_resamples=20).plot().axes[0]
    label = next(text.get_text() for text in ax.get_yticklabels() if len(text.get_text()) > 3)
    assert label == "I would buy it every week, since\nthe price is nothing to me…"


def test_chart_of_a_subgroup_that_is_not_there():
    with pytest.raises(InvalidSettings, match="no answers of subgroup 'age=3' to draw; there are all"):
        report_on().plot("age=3")


def test_hostile_words_are_only_words():
    table = pd.DataFrame({EVIL: [EVIL, "no"] * 20, "person": [f"p{row}" for row in range(40)], "by": [EVIL] * 40})
    report = compare_to_human(table, table, by="by", n_resamples=20)
    html = report._repr_html_()
    assert "<script" not in html
    assert "&lt;script&gt;" in html
    markdown = report.to_markdown()
    assert "<script" not in markdown
    rows = [line for line in markdown.splitlines() if line.startswith("|")]
    # Three tables, each of one width.
    assert len({line.replace("\\|", "").count("|") for line in rows}) == 3


def test_markdown_has_verdicts_statistics_and_questions():
    lines = report_on().to_markdown().splitlines()
    assert lines[0] == "## Simulated and human answers"
    assert lines[2].startswith("95% intervals of 200 resamples of people, seed 3.")
    assert any(line.startswith("- How likely?: different.") for line in lines)
    assert any(line.startswith("| How likely? | wasserstein | 0.") for line in lines)
    assert "### Questions" in lines


def test_html_shows_the_chart_once():
    html = report_on()._repr_html_()
    assert html.count("data:image/png;base64,") == 1
    assert "sd_ratio" in html
