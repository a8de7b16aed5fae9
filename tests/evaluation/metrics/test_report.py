"""The report: every NaN has a reason, degenerate runs have figures, hostile words are only words, charts show them."""

from __future__ import annotations

import time
import warnings

import numpy as np
import pandas as pd
import pytest

from tests.evaluation.metrics.runs import Meanings, events_of, measured, said, told
from workbench import plots
from workbench.errors import EmbeddedModelMissing
from workbench.evaluation.metrics.measuring import measure
from workbench.evaluation.metrics.rows import METRICS
from workbench.record.events import START, Event

EVIL = '<script>alert("1")</script> $x^2$'
RUNS = {
    "nothing": [],
    "one event": said(1, Ann="Hello there, my friends."),
    "blanks": said(1, Ann="", Bob="  \n"),
    "a question alone": told(0, "Would you buy it?"),
    "one person": [*said(1, Ann="Hello."), *said(2, Ann="Hello."), *said(3, Ann="Good bye, all of you.")],
    "emoji": said(1, Ann="👍", Bob="👍👍 🎉") + said(2, Ann="🎉"),
    "Japanese": said(
        1, Ann="値段が心配です。冷たいスープに四ユーロは高すぎます。", Bob="夏に暑い台所に立ちたい人はいない"
    ),
    "Thai": said(1, Ann="ฉันคิดว่าซุปนี้จะขายดีในฤดูร้อน", Bob="ฉันคิดว่า"),
    "marks": said(1, Ann="...", Bob="?!"),
    "before the first step": said(0, Ann="Hello there, my friends.", Bob="Hello you."),
    "a gap": said(1, Ann="Hello there, my friends.") + said(40, Bob="Hello you."),
}


class NoEncoder:
    """An `LLM` without an encoder."""

    async def embed(self, texts: list[str], *, purpose: str) -> np.ndarray:
        raise EmbeddedModelMissing("install it")


@pytest.mark.parametrize("meaning", [True, False])
@pytest.mark.parametrize("name", RUNS)
async def test_degenerate_run_has_named_figures(name, meaning):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        run = await measured(RUNS[name], meaning=meaning, llm=Meanings())
        assert str(run)
        assert run._repr_html_()
        run.plot()
    for table in (run.table, run.by_step, run.against):
        assert table.loc[table["value"].isna(), "note"].ne("").all()
    assert run.table.loc[run.table["person"] == "", "metric"].tolist() == [m for m in METRICS if m != "talk_share"]
    assert not run.table.duplicated(["metric", "person"]).any()


async def test_figures_by_meaning_are_left_out_without_an_encoder():
    run = await measured(said(1, Ann="I would buy it.", Bob="Not me, never."), meaning=True, llm=NoEncoder())
    rows = run.table[run.table["metric"].str.contains("meaning")]
    assert rows["value"].isna().all()
    assert rows["note"].unique().tolist() == ["there is no sentence encoder: install it"]
    assert run.value("ideas_words") == 1


async def test_same_run_gives_the_same_numbers():
    steps = [said(step, Ann=f"I would buy {step} of them.", Bob="Not me, never.") for step in range(1, 6)]
    one, other = [await measured(*steps, meaning=True, llm=Meanings()) for _ in range(2)]
    pd.testing.assert_frame_equal(one.table, other.table, check_exact=True)
    pd.testing.assert_frame_equal(one.by_step, other.by_step, check_exact=True)


async def test_report_shows_itself():
    run = await measured(*(said(step, Ann="We all buy the soup.", Bob="We all buy the soup.") for step in range(1, 6)))
    assert repr(run) == f"RunMetrics(2 people, 10 turns, {len(run.warnings)} warnings)"
    assert str(run).splitlines()[0] == run.warnings[0]
    assert "distinct_2" in str(run)
    html = run._repr_html_()
    assert html.count("<img") == 1
    assert html.count('role="note"') == len(run.warnings) == 2


async def test_hostile_words_are_only_words():
    events = [Event(step, step, START, "action", "TALK", EVIL, EVIL, f"{EVIL} {step}") for step in range(1, 5)]
    html = (await measure(events, meaning=False, baselines={EVIL: events}))._repr_html_()
    assert "<script" not in html
    assert "&lt;script&gt;" in html


async def test_charts_draw_what_the_table_says():
    run = await measured(
        *(said(step, Ann=f"I buy {step} bottles of it.", Bob="Never would I do that.") for step in range(1, 5)),
        meaning=True,
        llm=Meanings(I=0, Never=60),
    )
    ax = plots.similarity_by_step(run.by_step)
    by_words, _, by_meaning, _ = (list(line.get_ydata()) for line in sorted_lines(ax))
    assert by_meaning == pytest.approx([0.5] * 4, abs=1e-9)
    rows = run.by_step[run.by_step["metric"] == "similarity_between_words"]
    assert by_words == rows["value"].tolist()
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["by words", "by meaning"]
    assert [bar.get_height() for bar in plots.ideas_by_step(run.by_step).patches] == [2, 0, 0, 0]
    assert list(plots.repetition_by_step(run.by_step).lines[0].get_ydata()) == [0, 1, 1, 1]
    assert list(plots.length_by_step(run.by_step).lines[0].get_ydata()) == [5.5] * 4
    assert len(run.plot().axes) == 4


def sorted_lines(ax):
    """The lines of a chart: of each colour the values, then the trend."""
    return sorted(ax.lines, key=lambda line: (line.get_color(), line.get_linestyle() != "-"))


async def test_five_thousand_events_take_a_few_seconds():
    rng = np.random.default_rng(1)
    words = np.array([f"word{number}" for number in range(1000)])
    texts = [" ".join(rng.choice(words, 12)) + "." for _ in range(1700)]
    events = events_of(*(said(1 + number // 60, **{f"P{number % 20}": text}) for number, text in enumerate(texts)))
    events += [Event(2000 + n, 1, START, "mind", "MIND", "P1", "", "{}") for n in range(3300)]
    start = time.process_time()
    await measure(events, meaning=False)
    assert time.process_time() - start < 5
