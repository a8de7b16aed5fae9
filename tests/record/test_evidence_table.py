"""A table whose rows rest on events: a DataFrame, and links in a notebook."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import pytest

from workbench.record.evidence_table import EvidenceTable

RUN = {"": "run-1"}


def table(n: int = 1, *, runs=RUN, **columns):
    rows = {
        "idea": ["<b>soup</b>"] * n,
        "quotes": [['He said: "soup" <script>alert(1)</script>', "Soup!"]] * n,
        "evidence": [[3, 12]] * n,
        "unsupported": [False] * n,
        "note": [""] * n,
    }
    frame = EvidenceTable(rows | columns)
    frame.attrs["runs"] = runs
    return frame


def test_it_is_a_data_frame_and_stays_a_table_of_evidence():
    frame = table(3)
    assert isinstance(frame, pd.DataFrame)
    assert isinstance(frame[frame["idea"] != ""].assign(n=1), EvidenceTable)
    pd.testing.assert_frame_equal(pd.DataFrame(frame), pd.DataFrame(frame.to_dict("list")))


def test_events_are_links_that_say_what_they_say():
    html = table()._repr_html_()
    assert '<a href="#event-3" title="He said: &quot;soup&quot; &lt;script&gt;alert(1)&lt;/script&gt;">3</a>' in html
    assert "<script>" not in html
    assert "&lt;b&gt;soup" in html
    assert "<th" in html
    assert "quotes" not in html


@pytest.mark.parametrize(
    "frame",
    [
        table(runs={"": ""}),
        table(runs={}),
        table(runs={"": "run-1", "other": "run-2"}),
        table(runs={"Monday": "run-1"}),
        table(run="Monday"),
        table(run="Monday", runs={"Monday": "run-1"}),
        table(runs=None),
        EvidenceTable(pd.DataFrame(table())),
        pd.concat([table(), table(runs={"": "run-2"})]),
        pd.concat([table(), EvidenceTable(pd.DataFrame(table()).rename(columns=str))]),
        table(1, idea=[None]).combine_first(table(runs={"": "run-2"})),
    ],
)
def test_events_that_are_not_of_one_known_run_are_no_links(frame):
    for shown in (frame, frame.iloc[:1], frame.assign(n=1)):
        assert "href" not in shown._repr_html_()
        assert '<span title="He said' in shown._repr_html_()


def test_tables_of_two_runs_never_keep_what_is_known_of_one():
    one, other = table(), table(runs={"": "run-2"})
    assert "runs" not in pd.concat([one, other]).attrs
    assert "runs" not in one.merge(other, on="idea").attrs
    assert "runs" not in one.combine_first(other).attrs
    one.update(other)
    assert "runs" not in one.attrs


def test_tables_of_one_run_stay_links():
    assert pd.concat([table(), table()])._repr_html_().count("#event-3") == 2
    assert "#event-3" in table().combine_first(table())._repr_html_()


def test_rows_without_support_are_marked_and_counted():
    frame = table(2, unsupported=[True, False], note=["it names <no> event", ""])
    html = frame._repr_html_()
    assert "unsupported: it names &lt;no&gt; event" in html
    assert "2 rows, 1 unsupported" in html


def test_tables_of_other_columns_are_shown_too():
    assert "1 row" in table()[["idea"]]._repr_html_()
    assert "#event-3" in table()[["evidence"]]._repr_html_()
    assert "0 rows" in table(0)._repr_html_()


def test_variants_are_shown_where_there_are_some():
    assert "variants" not in table(2, variants=[[], []])._repr_html_()
    assert "idea: a &lt;cold&gt; soup" in table(2, variants=[[], [{"idea": "a <cold> soup"}]])._repr_html_()


def test_long_tables_say_how_much_is_shown():
    assert "100 rows; the first 60 are shown" in table(100)._repr_html_()
    with pd.option_context("display.max_rows", None):
        assert table(100)._repr_html_().count("<tr>") == 101


OF_PANDAS = {
    "explode": lambda t: t.explode("evidence"),
    "count": lambda t: t.groupby("idea").count(),
    "aggregated": lambda t: t.groupby("idea").agg(n=("evidence", "count")),
    "isna": lambda t: t.isna(),
    "outer merge": lambda t: t.merge(pd.DataFrame({"idea": ["Cem"]}), how="outer"),
    "reindexed": lambda t: t.reindex([0, 7]),
    "columns twice": lambda t: pd.concat([t, t], axis=1),
    "columns of levels": lambda t: pd.concat({"a": t, "b": t}, axis=1),
    "numbers as names": lambda t: t.set_axis(range(len(t.columns)), axis=1),
    "texts": lambda t: t.astype(str),
    "described": lambda t: t.describe(),
    "turned": lambda t: t.T,
    "pivoted": lambda t: t.pivot_table(index="idea", values="unsupported", aggfunc="mean"),
    "labelled twice": lambda t: t.set_index(["idea", "note"]),
    "no columns": lambda t: t[[]],
    "nothing": lambda t: EvidenceTable(),
    "arrays": lambda t: t.assign(evidence=[np.array([3, 12])] * len(t)),
    "ids of another kind": lambda t: t.assign(evidence=[["a", None]] * len(t)),
    "truths": lambda t: t.assign(evidence=[[True]] * len(t)),
    "quotes that are lost": lambda t: t.assign(quotes=float("nan"), note=None, unsupported=pd.NA),
    "facts that are none": lambda t: t.pipe(with_attrs, extraction=5, runs="x"),
    "pickled": lambda t: pickle.loads(pickle.dumps(t)),
    "times": lambda t: t.assign(at=pd.NaT, other=pd.Timestamp("2026-01-01")).set_index("at"),
}


def with_attrs(frame, **attrs):
    frame = frame.copy()
    frame.attrs |= attrs
    return frame


@pytest.mark.parametrize("name", OF_PANDAS)
@pytest.mark.parametrize("rows", [0, 1, 3])
def test_whatever_pandas_makes_of_it_is_shown(name, rows):
    made = OF_PANDAS[name](table(rows))
    html = made._repr_html_()
    assert f"{len(made)} row" in html or not isinstance(made, EvidenceTable)
    assert "<script>" not in html


def test_columns_that_were_made_anew_are_shown_as_they_are():
    counted = table(3).groupby("idea").count()._repr_html_()
    assert counted.count(">3</td>") == 4
    assert "unsupported</th>" in counted
    assert "3 unsupported" not in counted
    assert table()._repr_html_().count("12</a>") == table().iloc[[0, 0]].iloc[:1]._repr_html_().count("12</a>") == 1


def test_arrays_and_missing_rows_keep_the_links_of_the_others():
    assert "#event-3" in table().assign(evidence=[np.array([3, 12])])._repr_html_()
    reindexed = table().reindex([0, 7])._repr_html_()
    assert "#event-3" in reindexed
    assert "unsupported" not in reindexed


def test_row_labels_are_shown_where_they_say_something():
    assert "idea</th>" in table().set_index("idea")._repr_html_()
    assert "&lt;b&gt;soup" in table().set_index("idea")._repr_html_()
    filtered = table(3, idea=["x", "y", "z"])
    assert ">2</td>" in filtered[filtered["idea"] == "z"]._repr_html_()
    assert ">2</td>" not in filtered._repr_html_()


def test_long_texts_are_cut_where_pandas_is_not_told_otherwise():
    frame = table(idea=["x" * 1000], quotes=[["y" * 1000, "z"]])
    assert "x" * 300 + "…<" in frame._repr_html_()
    assert "y" * 300 + '…"' in frame._repr_html_()
    with pd.option_context("display.max_colwidth", 400):
        assert "x" * 400 + "…<" in frame._repr_html_()
    with pd.option_context("display.max_colwidth", None):
        assert "x" * 1000 + "<" in frame._repr_html_()


def test_of_many_columns_the_first_and_the_last_are_shown():
    frame = table(**{f"c{n}": n for n in range(40)})
    with pd.option_context("display.max_columns", 4):
        html = frame[["idea", *(f"c{n}" for n in range(40)), "evidence"]]._repr_html_()
    assert (html.count("<th "), "1 row; 4 of 42 columns are shown" in html, "#event-3" in html) == (5, True, True)
    with pd.option_context("display.max_columns", None):
        assert frame._repr_html_().count("<th ") == 42


def test_what_has_to_be_said_of_the_model_is_said_under_the_table():
    frame = with_attrs(table(), extraction={"caveat": "A <small> model wrote this."})
    assert frame._repr_html_().endswith("<p>A &lt;small&gt; model wrote this.</p>")
    assert frame.groupby("idea").count()._repr_html_()
