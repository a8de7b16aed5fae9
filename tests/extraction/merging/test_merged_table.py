"""A table whose rows rest on events of several runs: a DataFrame that shows itself, whatever pandas made of it."""

from __future__ import annotations

import pandas as pd
import pytest

from workbench.extraction.merging.merged_table import MergedTable

EVIDENCE = [{"run": "a", "event": 1}, {"run": "a", "event": 4}, {"run": "<b>", "event": 1}]


def merged(rows: int = 1) -> MergedTable:
    row = {"idea": "soup", "variants": ["soup", "sopa"], "runs": ["a", "<b>"], "n_runs": 2, "n_rows": 3}
    row |= {"evidence": EVIDENCE, "unsupported": False, "note": ""}
    return MergedTable([row] * rows, columns=list(row))


def test_events_are_told_by_run():
    html = merged()._repr_html_()
    assert "a: 1, 4<br>&lt;b&gt;: 1" in html
    assert "soup, sopa" in html
    assert "note" not in html


def test_rows_that_nothing_supports_are_marked_and_counted():
    html = merged(2).assign(unsupported=[True, False], note=["it names <no> event", ""])._repr_html_()
    assert "unsupported: it names &lt;no&gt; event" in html
    assert "2 rows, 1 unsupported" in html


def test_what_has_to_be_said_of_the_model_is_said():
    frame = merged()
    frame.attrs["merging"] = {"caveat": "A small model grouped this."}
    assert "A small model grouped this." in frame._repr_html_()


OF_PANDAS = {
    "explode": lambda t: t.explode("evidence"),
    "count": lambda t: t.groupby("idea").count(),
    "isna": lambda t: t.isna(),
    "outer merge": lambda t: t.merge(pd.DataFrame({"idea": ["Cem"]}), how="outer"),
    "reindexed": lambda t: t.reindex([0, 7]),
    "columns twice": lambda t: pd.concat([t, t], axis=1),
    "labelled": lambda t: t.set_index("idea"),
    "turned": lambda t: t.T,
    "texts": lambda t: t.astype(str),
    "ids": lambda t: t.assign(evidence=[[1, 2]] * len(t)),
}


@pytest.mark.parametrize("name", OF_PANDAS)
@pytest.mark.parametrize("rows", [0, 1, 3])
def test_whatever_pandas_makes_of_it_is_shown(name, rows):
    made = OF_PANDAS[name](merged(rows))
    assert f"{len(made)} row" in made._repr_html_()
