"""A table whose rows rest on events: a DataFrame, and links in a notebook."""

from __future__ import annotations

import pandas as pd

from workbench.record.evidence_table import EvidenceTable


def table(n: int = 1, **columns):
    rows = {
        "idea": ["<b>soup</b>"] * n,
        "quotes": [['He said: "soup" <script>alert(1)</script>', "Soup!"]] * n,
        "evidence": [[3, 12]] * n,
        "unsupported": [False] * n,
        "note": [""] * n,
    }
    return EvidenceTable(rows | columns)


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


def test_events_of_several_runs_or_of_a_text_are_no_links():
    for frame in (table(run="Monday"), table()):
        frame.attrs["one_run"] = False
        html = frame.iloc[:1]._repr_html_()
        assert "href" not in html
        assert '<span title="He said' in html
    assert "href" not in table(run="Monday")._repr_html_()


def test_rows_without_support_are_marked_and_counted():
    frame = table(2, unsupported=[True, False], note=["it names <no> event", ""])
    html = frame._repr_html_()
    assert "unsupported: it names &lt;no&gt; event" in html
    assert "2 rows, 1 unsupported" in html


def test_tables_of_other_columns_are_shown_too():
    assert "1 row" in table()[["idea"]]._repr_html_()
    assert "#event-3" in table()[["evidence"]]._repr_html_()
    assert "0 rows" in table(0)._repr_html_()


def test_long_tables_say_how_much_is_shown():
    assert "100 rows; the first 60 are shown" in table(100)._repr_html_()
    with pd.option_context("display.max_rows", None):
        assert table(100)._repr_html_().count("<tr>") == 101
