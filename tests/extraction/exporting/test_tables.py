"""Tables: what was exported reads back equal, with its types, from every kind of file."""

import datetime as dt
import math
import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from workbench.errors import DamagedFile
from workbench.extraction.exporting.placing import place
from workbench.extraction.exporting.table_reading import read_table
from workbench.extraction.exporting.table_writing import ENDINGS, table_files
from workbench.extraction.merging.merged_table import MergedTable
from workbench.record.evidence_table import EvidenceTable

TEXTS = ["007", "NA", "", "true", "NaN", "null", "a\nb\r\nc\rd", 'say "x", y', "😀 日本", "=1+1", "#N/A"]
TEXTS += ["_x0041_", " s ", "1e3", "\0\x1f"]


def written(folder, frame, ending):
    path = folder / f"table.{ending}"
    place(table_files(path, frame), overwrite=True)
    return path


def comes_back(folder, frame, ending):
    assert_frame_equal(read_table(written(folder, frame, ending)), frame)


@pytest.fixture
def frame():
    n = len(TEXTS)
    rest, late = [None] * (n - 3), ["NaT"] * (n - 3)
    return pd.DataFrame(
        {
            "text": TEXTS,
            "text or None": pd.Series([*TEXTS[:-1], None], dtype=object),
            "string": pd.array([*TEXTS[:-1], None], dtype="string"),
            "int": np.arange(n, dtype="int64") + 2**60,
            "small": np.arange(n, dtype="uint8"),
            "Int": pd.array([2**62, None, -1, *rest], dtype="Int64"),
            "float": [0.1, math.nan, math.inf, -math.inf, -0.0, 1e-300, 1.0, *[1 / 3] * (n - 7)],
            "Float": pd.array([0.1, None, 2.0, *rest], dtype="Float64"),
            "float32": np.full(n, 0.1, dtype="float32"),
            "bool": [True, False] * (n // 2) + [True] * (n % 2),
            "boolean": pd.array([True, None, False, *rest], dtype="boolean"),
            "time": np.array(["2025-01-06T09:00", "NaT", "2025-01-06T09:00:00.123456789", *late], "datetime64[ns]"),
            "seconds": np.array(["2025-01-06T09:00", "NaT", "1850-01-06", *late], "datetime64[s]"),
            "zoned": pd.to_datetime(["2025-07-06 09:00", None, "2025-01-06 09:00", *rest]).tz_localize("Europe/Paris"),
            "span of time": pd.to_timedelta(["1h", None, "3D 00:00:01.5", *rest]),
            "date": pd.Series([dt.date(2025, 1, 6), None, dt.date(1, 1, 1), *rest], dtype=object),
            "category": pd.Categorical(["b", None, "a", *rest], categories=["b", "a", "unused"], ordered=True),
            "numbers as categories": pd.Categorical([1, None, 3, *rest], categories=[3, 1]),
            "evidence": pd.Series([[1, 2], [], [3], *rest], dtype=object),
            "words": pd.Series([["a", ""], [], ["😀"], *rest], dtype=object),
            "facts": pd.Series([{"a": 1}, {}, {"b": [None, {"$x": 2.5}]}, *rest], dtype=object),
            "spans": pd.Series([[(0, 3), (5, 9)], [], [(1, 2)], *rest], dtype=object),
            "anything": pd.Series([1, "1", 1.5, True, math.nan, None, dt.datetime(2025, 1, 1), *rest[4:]], dtype="O"),
        }
    )


@pytest.mark.parametrize("ending", ENDINGS)
def test_table_of_everything_comes_back_equal(tmp_path, frame, ending):
    comes_back(tmp_path, frame, ending)


@pytest.mark.parametrize("ending", ENDINGS)
def test_table_without_rows_comes_back_equal(tmp_path, frame, ending):
    comes_back(tmp_path, frame.iloc[:0], ending)


ODD = {
    "categories of times": pd.Categorical(pd.to_datetime(["2025-01-01", "2025-01-02"])),
    "categories of numbers": pd.Categorical([1.5, None]),
    "no categories": pd.Categorical([None, None]),
    "spans": [{"event": 3, "start": 1, "end": 2}, None],
    "nothing at all": pd.Series([None, None], dtype=object),
    "empty and missing": pd.Series(["", None], dtype=object),
    "keys that are no texts": [{(1, 2): "x", 3: None}, {}],
    "arrow": pd.array([1, None], dtype="int64[pyarrow]"),
    "fixed offset": pd.to_datetime(["2025-01-01T10:00", None]).tz_localize("+03:00"),
}


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("column", ODD)
def test_odd_column_comes_back_equal(tmp_path, column, ending):
    comes_back(tmp_path, pd.DataFrame({column: ODD[column]}), ending)


EVIDENCE = {"idea": ["soup"], "evidence": [[1, 2]], "quotes": [["Soup!", "<b>"]]}
MERGED = {"idea": ["soup"], "evidence": [[{"run": "a", "event": 1}]], "runs": [["a"]]}
ATTRS = {"runs": {"": "run-1"}, "extraction": {"usd": 0.25, "labels": [], "caveat": "日本 \0 _x0041_ " + "x" * 9000}}


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("frame", [EvidenceTable(EVIDENCE), MergedTable(MERGED), pd.DataFrame(EVIDENCE)])
def test_table_with_evidence_is_one_again_with_what_it_says_of_itself(tmp_path, frame, ending):
    comes_back(tmp_path, frame, ending)
    frame = frame.copy()
    frame.attrs = {
        **ATTRS,
        "pairs": (1, 2),
        "frame": pd.DataFrame(),
        "nan": math.nan,
        "half": "\ud800",
        3: "x",
        "n": {1: 2},
    }
    back = read_table(written(tmp_path, frame, ending))
    assert (type(back), back.attrs) == (type(frame), ATTRS)
    assert back._repr_html_().count("href") == frame._repr_html_().count("href")


@pytest.mark.parametrize("frame", [EvidenceTable(EVIDENCE), MergedTable(MERGED), pd.DataFrame(EVIDENCE)])
def test_table_that_pandas_wrote_to_parquet_is_known_by_its_attrs(tmp_path, frame):
    frame = frame.copy()
    frame.attrs = {EvidenceTable: {"runs": {"": "run-1"}}, MergedTable: {"merging": {"usd": 0.1}}}.get(type(frame), {})
    frame.to_parquet(tmp_path / "table.parquet")
    back = read_table(tmp_path / "table.parquet")
    assert (type(back), back.attrs) == (type(frame), frame.attrs)
    assert back._repr_html_().count("href") == frame._repr_html_().count("href")


@pytest.mark.parametrize("ending", ENDINGS)
def test_labels_of_rows_stay_columns_in_a_table_with_evidence(tmp_path, ending):
    back = read_table(written(tmp_path, EvidenceTable(EVIDENCE).set_index("idea"), ending))
    assert_frame_equal(back, EvidenceTable(EVIDENCE))


def test_facts_that_are_none_are_damage(tmp_path):
    path = written(tmp_path, EvidenceTable(EVIDENCE), "csv")
    metadata = path.with_name("table.csv-metadata.json")
    text = metadata.read_text(encoding="utf-8")
    for wrong in ("5", '"5"', '"{}"', r'"{\"kind\": \"os\", \"attrs\": {}}"', r'"{\"kind\": \"\", \"attrs\": 5}"'):
        metadata.write_text(re.sub(r'("urn:workbench:table": ).*', lambda found, w=wrong: found[1] + w, text))
        with pytest.raises(DamagedFile):
            read_table(path)


# Laws

_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=8) | st.sampled_from(TEXTS)
_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | _text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_text, inner, max_size=3),
    max_leaves=6,
)


def _columns(n):
    def of(values, dtype):
        return st.lists(values, min_size=n, max_size=n).map(lambda cells: pd.Series(cells, dtype=dtype))

    return st.one_of(
        of(_text, "str"),
        of(_text | st.none(), object),
        of(_text | st.none(), "string"),
        of(st.integers(-(2**63), 2**63 - 1), "int64"),
        of(st.integers(-(2**63), 2**63 - 1) | st.none(), "Int64"),
        of(st.floats(), "float64"),
        of(st.booleans(), "bool"),
        of(st.booleans() | st.none(), "boolean"),
        of(st.datetimes(dt.datetime(1700, 1, 1), dt.datetime(2200, 1, 1)), "datetime64[us]"),
        of(_text, "category"),
        of(st.lists(st.integers()) | st.none(), object),
        of(st.lists(_text), object),
        of(_json, object),
        of(st.tuples(st.integers(), _text), object),
    )


frames = st.integers(0, 4).flatmap(
    lambda n: st.lists(st.tuples(_text, _columns(n)), min_size=1, max_size=4, unique_by=lambda pair: pair[0])
)


@pytest.mark.parametrize("ending", ENDINGS)
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(frames)
def test_any_table_comes_back_equal(tmp_path, ending, columns):
    comes_back(tmp_path, pd.DataFrame(dict(columns)), ending)
